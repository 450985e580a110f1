"""What a submission has written where it has no file system of its own: how much that is, and how it is removed."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
from pathlib import Path

# One file for so many bytes of the limit: a million empty files are refused like a full disk.
BYTES_PER_FILE = 16384


def is_more_than(limit: int, home: Path, processes: list[int]) -> bool:
    """Whether there are more than `limit` bytes below `home` and in deleted files that `processes` hold open."""
    files, size = 0, _deleted(processes)
    folders = [os.fspath(home)]
    while folders and size <= limit and files <= limit // BYTES_PER_FILE:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    files += 1
                    with contextlib.suppress(FileNotFoundError):
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except FileNotFoundError:
            continue  # it has been removed between the two calls
        except OSError:
            return True  # a folder that cannot be looked into, or whose path is too long, may hold anything
    return bool(folders) or size > limit or files > limit // BYTES_PER_FILE


def _deleted(processes: list[int]) -> int:
    sizes = {}
    for pid in processes:
        with contextlib.suppress(OSError):  # it has ended
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    state = os.stat(f"/proc/{pid}/fd/{descriptor}")
                    if stat.S_ISREG(state.st_mode) and state.st_nlink == 0:
                        sizes[state.st_dev, state.st_ino] = state.st_blocks * 512
    return sum(sizes.values())


def remove(home: Path) -> None:
    try:
        shutil.rmtree(home)
    except (OSError, RecursionError):
        # Folders that may not be entered, or that go deeper than Python does.
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*command, "--", os.fspath(home)], stderr=subprocess.DEVNULL, check=False)
