"""What confines one student's processes: namespaces, private file systems, limits of one process.

Runs inside the fork server's own bubblewrap, as the one user that it maps; every step here only takes away.
"""

from __future__ import annotations

import ctypes
import os
import resource

_libc = ctypes.CDLL(None, use_errno=True)

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 1, 0x1000, 0x4000, 0x40000
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 4, 24, 36
STUDENT_UID = 1000  # any ordinary user


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def fork_into_pid_namespace(original: int) -> int:
    """Fork a child that is process 1 of a new pid namespace; `original` is an open /proc/self/ns/pid."""
    _checked(_libc.unshare(NEWPID))
    try:
        pid = os.fork()
    finally:
        # The child of the fork comes by here too, where it cannot leave its namespace, and need not.
        _libc.setns(original, NEWPID)
    return pid


def enter_namespaces(home: str, disk: int) -> None:
    """Give this process its own users, mounts, network, ipc and host name, and nothing that it can write but `home`."""
    uid, gid = os.getuid(), os.getgid()
    _checked(_libc.unshare(NEWUSER | NEWNS | NEWNET | NEWIPC | NEWUTS))
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{STUDENT_UID} {uid} 1"),
        ("gid_map", f"{STUDENT_UID} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)
    _mount("none", "/", None, MS_REC | MS_PRIVATE, "")
    # One inode per 16 KiB: a million empty files are refused like a full disk.
    room = f"size={disk},nr_inodes={disk // 16384},mode=700"
    for place in (home, "/dev/shm"):
        _mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, room)
    if not os.listdir("/tmp"):  # unless Python or its libraries are installed there
        _mount(home, "/tmp", None, MS_BIND, "")
    # Pseudo-terminals are seen by all who share their file system: one could write into another's.
    for place in ("/dev/pts", "/proc"):
        _mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "size=0")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str) -> None:
    name = kind.encode() if kind else None
    _checked(_libc.mount(source.encode(), target.encode(), name, flags, data.encode()))


def adopt_orphans() -> None:
    """Whatever descends from this process and loses its parent becomes its child, and not a stranger's."""
    _checked(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def make_undumpable() -> None:
    """Nobody may trace this process or read its memory, whoever runs it."""
    _checked(_libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))


def drop_capabilities() -> None:
    """Empty every capability set, so that the new user namespace's own root powers are gone as well."""
    last = 63
    for capability in range(last + 1):
        if _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            break  # beyond the last capability that this kernel knows
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)()))


def limit_resources(mapped: int, memory: int, disk: int) -> None:
    """Limits of one process that has `mapped` bytes of address space already.

    The number of processes is left to the server, which is asked for each: RLIMIT_NPROC does not bind uid 0, and before
    Linux 5.14 it counts all processes that the instructor has.
    """
    # A single allocation beyond the limit becomes a MemoryError that the student can read, before the watchdog acts.
    # Twice, since libraries map more address space than they touch.
    resource.setrlimit(resource.RLIMIT_AS, (mapped + 2 * memory,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (disk,) * 2)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (256, 256)
    )  # Python and torch hold about 20; DataLoader workers some more
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
