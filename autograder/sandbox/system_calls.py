"""The filters on a worker's system calls: what is refused, and of what the server is asked first."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from typing import Any

from autograder.sandbox.isolation import Isolation

CAN_GO_ON = 6


def filters(level: Isolation) -> tuple[bytes, bytes, int]:
    """Both filters of a worker, compiled for this machine, and the number of the system call that installs the second.

    The first refuses what is named here. The second has the server asked before a process or thread is made.
    """
    import pyseccomp  # not at the top: the import fails where libseccomp is missing, which `mechanisms` reports

    return _refusing(level), _asking(), pyseccomp.resolve_syscall(pyseccomp.system_arch(), "seccomp")


def _asking() -> bytes:
    """Empty where the kernel cannot let a call go on after the question: older than 5.7, which is this API level."""
    import pyseccomp

    with contextlib.suppress(NotImplementedError):  # libseccomp is older itself
        if pyseccomp.get_api() >= CAN_GO_ON:
            rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
            for name in ("fork", "vfork", "clone"):
                with contextlib.suppress(OSError):  # newer architectures have the last one only
                    rules.add_rule(pyseccomp.NOTIFY, name)
            return _compiled(rules)
    return b""


def _refusing(level: Isolation) -> bytes:
    import pyseccomp

    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in (*REFUSED, *(REFUSED_WITHOUT_NAMESPACES if level is Isolation.LANDLOCK else ())):
        try:
            rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
        except OSError:
            continue  # this architecture does not have the call
    for number in NEWER:
        rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), number)
    # glibc falls back from clone3, whose flags a filter cannot see, to clone, whose flags it can.
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    for flag in NAMESPACE_FLAGS:
        masked = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag)
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", masked)
    for name, place, value in REFUSED_BY_ARGUMENT:
        # The kernel reads 32 bits of these arguments, a filter 64.
        same = pyseccomp.Arg(place, pyseccomp.MASKED_EQ, 2**32 - 1, value)
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name, same)
    for beyond in (pyseccomp.Arg(1, pyseccomp.LT, IOCTLS[0]), pyseccomp.Arg(1, pyseccomp.GT, IOCTLS[-1])):
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "ioctl", beyond)
    # Memory that is shared and nobody's file is in no process's PSS once it is unmapped from its page table.
    hidden = pyseccomp.Arg(3, pyseccomp.MASKED_EQ, MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS)
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "mmap", hidden)
    if level is Isolation.LANDLOCK:
        _refuse_by_argument(rules)
    return _compiled(rules)


def _compiled(rules: Any) -> bytes:
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _refuse_by_argument(rules: Any) -> None:
    """Other processes of the same user: their groups and limits, signals by way of a file, a datagram to a file."""
    import pyseccomp

    refused = pyseccomp.ERRNO(errno.EPERM)
    # By its group all that a submission has started is found and ended. Programs that ask for another are told that
    # they have it, and go on.
    for name in ("setsid", "setpgid"):
        rules.add_rule(pyseccomp.ERRNO(0), name)
    rules.add_rule(refused, "prlimit64", pyseccomp.Arg(0, pyseccomp.NE, 0))
    for kind in (SOCK_DGRAM, SOCK_RAW):  # the kernel makes the one of the other
        rules.add_rule(refused, "socketpair", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xF, kind))
    for command in (F_SETOWN, F_SETOWN_EX):
        rules.add_rule(refused, "fcntl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 2**32 - 1, command))


# Calls that reach other processes, hide memory from the watchdog, make namespaces or mounts, or widen the kernel's
# attack surface, and that neither Python nor numpy nor torch makes on a CPU.
REFUSED = (
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp"),
    *("memfd_create", "shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop", "semctl"),
    *("semtimedop", "mq_open", "mq_unlink", "userfaultfd"),
    # Of these there are so many for a user, or for the whole machine.
    *("inotify_init", "inotify_init1", "io_setup"),
    # What the kernel remembers of a file that all may read: a note to who runs later.
    *("fadvise64", "readahead", "mincore", "preadv2"),
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsmount"),
    *("fsconfig", "fspick", "open_by_handle_at", "name_to_handle_at", "fanotify_init"),
    *("bpf", "perf_event_open", "io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl", "add_key"),
    *("request_key", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot"),
    *("swapon", "swapoff", "acct", "quotactl", "syslog", "personality", "iopl", "ioperm", "modify_ldt", "vmsplice"),
    *("settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "lookup_dcookie"),
)
# A newer kernel has calls whose names libseccomp does not know, and which change a file by its name as well: no call
# from mount_setattr on is one that Python needs. Their numbers are the same on every architecture.
NEWER = range(442, 512)
# TIOCSTI types into the terminal of whoever started us; AF_VSOCK reaches the host of a virtual machine from any network
# namespace. A lease, which the owner of a file may take, holds up everybody else who opens it, for 45 s; F_NOTIFY tells
# who changes a directory. A process that is not dumpable cannot be looked into, also not by the watchdog. MADV_COLD and
# MADV_PAGEOUT are what `fadvise64` is. A socket without SO_PASSRIGHTS makes us fail who send it a descriptor.
REFUSED_BY_ARGUMENT = (
    *(("ioctl", 1, 0x5412), ("socket", 0, 40), ("fcntl", 1, 1024), ("fcntl", 1, 1026), ("prctl", 0, 4)),
    *(("madvise", 2, 20), ("madvise", 2, 21), ("setsockopt", 2, 83)),
)
# All that terminals and descriptors have (isatty, window size, blocking or not). Those of file systems change what
# Landlock only lets be read: flags and versions of files, and whole subvolumes.
IOCTLS = range(0x5401, 0x5461)
MAP_SHARED, MAP_ANONYMOUS = 0x01, 0x20
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
NAMESPACE_FLAGS = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)

# Where a student's process shares its user, processes and network with ours: signals, priorities, sockets, and what
# changes a file by its name, which Landlock does not see.
REFUSED_WITHOUT_NAMESPACES = (
    *("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"),
    *("setpriority", "ioprio_set", "sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity"),
    *("migrate_pages", "move_pages", "socket", "connect", "bind", "listen", "accept", "accept4"),
    # Descriptors on their way through sockets, of which there are so many for a user.
    *("sendmsg", "sendmmsg"),
    *("chmod", "fchmod", "fchmodat", "chown", "lchown", "fchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat"),
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
)
SOCK_DGRAM, SOCK_RAW, F_SETOWN, F_SETOWN_EX = 2, 3, 8, 15
