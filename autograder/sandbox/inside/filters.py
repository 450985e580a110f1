"""Two filters on the system calls of a worker: one refuses, one has the server asked first.

Who asks the kernel for one more process or thread waits until the server has counted those that there are. A watchdog
alone looks 20 times a second: in between, a loop that forks makes hundreds of processes, and the watchdog then waits
for its turn among them while they make thousands. How the server is asked: seccomp_unotify(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct

_libc = ctypes.CDLL(None, use_errno=True)

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_SET_MODE_FILTER, NEW_LISTENER = 1, 1 << 3
RECEIVE, SEND, CONTINUE = 0xC0502100, 0xC0182101, 1
NOTIFICATION, RESPONSE = 80, struct.Struct("=QqiI")  # bytes; number, value, error, flags


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))

    def __init__(self, compiled: bytes) -> None:
        self.buffer = ctypes.create_string_buffer(compiled, len(compiled))
        super().__init__(len(compiled) // 8, ctypes.cast(self.buffer, ctypes.c_void_p))


def install(server: socket.socket, refusing: bytes, asking: bytes, seccomp: int) -> None:
    """Install both compiled filters; every process from here on inherits them, and they cannot be undone.

    `seccomp` is the number of that system call. Where there is no listener (`asking` is empty, or the only one that
    there can be is in use outside), `server` is sent none, and the watchdog is alone.
    """
    _checked(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    asked = _Program(asking)
    listener = _libc.syscall(seccomp, SECCOMP_SET_MODE_FILTER, NEW_LISTENER, ctypes.byref(asked))
    if listener >= 0:
        socket.send_fds(server, [b"l"], [listener])
        os.close(listener)
    refused = _Program(refusing)
    _checked(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(refused), 0, 0))


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def listener_of(worker: socket.socket) -> int | None:
    """What `install` sent from the other end; None if that was closed."""
    _, descriptors, _, _ = socket.recv_fds(worker, 1, 1)
    return descriptors[0] if descriptors else None


def allow_one(listener: int) -> None:
    """Let one call that waits be made, if its process has not ended meanwhile."""
    notification = bytearray(NOTIFICATION)
    with contextlib.suppress(OSError):
        fcntl.ioctl(listener, RECEIVE, notification)
        [number] = struct.unpack_from("=Q", notification)
        fcntl.ioctl(listener, SEND, RESPONSE.pack(number, 0, 0, CONTINUE))
