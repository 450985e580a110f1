"""Landlock: a process gives up, for itself and all that it starts, every file but those that are named.

Where user namespaces are refused, this and the filter on system calls are what confines a student's code. Landlock
alone leaves open what touches a file by its name without opening it (its mode, owner, times), sockets that are files,
and signals: the filter closes these.
"""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

# The same numbers on every architecture.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION, PATH_BENEATH = 1, 1
PR_SET_NO_NEW_PRIVS = 38
# Before this version (Linux 6.2) files could be cut off by their name.
LEAST_VERSION = 3

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
EVERYTHING = (1 << 15) - 1  # all that version 3 can refuse
READ = EXECUTE | READ_FILE | READ_DIR
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
MAKE_DEVICE = (1 << 6) | (1 << 11)
# Everything that a student needs of /dev. (A shared mapping of /dev/zero is memory that no process is charged for.)
DEVICES = ("/dev/null", "/dev/random", "/dev/urandom")


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled", ctypes.c_uint64),)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """The version of Landlock that this kernel offers, 0 if none."""
    return max(0, int(_libc.syscall(CREATE_RULESET, None, 0, VERSION)))


def restrict(readable: list[str], writable: str) -> None:
    """From here on this process sees the files below `readable`, and writes below `writable` and nowhere else.

    A path that does not exist is passed over. Raises OSError if the kernel refuses.
    """
    ruleset = _Ruleset(EVERYTHING)
    descriptor = _checked(_libc.syscall(CREATE_RULESET, ctypes.byref(ruleset), ctypes.sizeof(ruleset), 0))
    for path in readable:
        _allow(descriptor, path, READ)
    for path in DEVICES:
        _allow(descriptor, path, READ_FILE | WRITE_FILE)
    # Nor run what lies there: a program that its user may not read hides the memory of its process.
    _allow(descriptor, writable, EVERYTHING & ~MAKE_DEVICE & ~EXECUTE)
    _checked(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(_libc.syscall(RESTRICT_SELF, descriptor, 0))
    os.close(descriptor)


def _allow(ruleset: int, path: str, access: int) -> None:
    if not Path(path).exists():
        return
    rule = _Beneath(access if Path(path).is_dir() else access & OF_A_FILE, os.open(path, os.O_PATH | os.O_CLOEXEC))
    try:
        _checked(_libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(rule.parent)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno() or errno.EINVAL
        raise OSError(number, os.strerror(number))
    return result
