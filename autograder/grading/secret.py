"""What makes the random inputs of a grading unknown to those who wrote what is graded."""

from __future__ import annotations

import os
import secrets
from functools import cache
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir


class NoSecret(RuntimeError):
    """There is no secret, and none can be made; a sentence."""


@cache
def own_secret() -> str:
    """A random word that is made once for each user who grades: with the same one, a grading is the same to the bit.

    Raises NoSecret if it can be neither read nor made.
    """
    path = Path(jupyter_data_dir()) / "mlphys" / "secret"
    try:
        if not path.exists():
            _make(path)
        secret = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise NoSecret(
            f"{path} can be neither read nor made ({error}). Gradings need it; set JUPYTER_DATA_DIR."
        ) from error
    if not secret.strip():
        raise NoSecret(f"{path} is empty, so that random inputs would be no secret. Remove it; another one is made.")
    return secret


def _make(path: Path) -> None:
    """Whole or not at all, whatever ends the machine: another process may be making it too, and the first counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = path.with_name(f"secret.{os.getpid()}")
    mine.touch(mode=0o600)
    with mine.open("w", encoding="ascii") as file:
        file.write(secrets.token_hex(16))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(mine, path)
    except FileExistsError:
        pass
    finally:
        mine.unlink()
