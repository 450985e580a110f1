"""How much this machine can confine a student's code: the levels, and what each mechanism needs."""

from __future__ import annotations

import ctypes.util
import errno
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from autograder.sandbox.inside import landlock


class Isolation(IntEnum):
    """From the weakest to the strongest, so that levels compare as they should."""

    NONE = 0
    LANDLOCK = 1
    BUBBLEWRAP = 2

    @property
    def label(self) -> str:
        """The name in result records."""
        return self.name.lower()


class NotIsolated(Exception):
    """This machine cannot confine a student's code as asked."""


@dataclass(frozen=True)
class Mechanism:
    """One thing that some level needs: whether it works here and, if not, why and which command changes that."""

    name: str
    works: bool
    why: str
    remedy: str
    levels: tuple[Isolation, ...]


EVERY = (Isolation.LANDLOCK, Isolation.BUBBLEWRAP)


def mechanisms() -> list[Mechanism]:
    """Probe, in the order of need, everything that isolation is made of."""
    linux = sys.platform == "linux"
    bwrap = shutil.which("bwrap") is not None
    seccomp = linux and ctypes.util.find_library("seccomp") is not None
    refusal = _refusal() if linux and bwrap else "it takes bubblewrap to try"
    offered = landlock.version() if linux else 0
    return [
        Mechanism(
            "Linux", linux, f"this is {sys.platform}", "Run the grader in a Linux container or virtual machine.", EVERY
        ),
        Mechanism(
            "libseccomp", seccomp, "the library libseccomp.so.2 was not found", "sudo apt install libseccomp2", EVERY
        ),
        Mechanism(
            "bubblewrap",
            bwrap,
            "there is no `bwrap` on the PATH",
            "sudo apt install bubblewrap",
            (Isolation.BUBBLEWRAP,),
        ),
        Mechanism(
            "user namespaces",
            not refusal,
            refusal,
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, or kernel.unprivileged_userns_clone=1 on "
            "older kernels; in a container, start it with --security-opt seccomp=unconfined"
            if bwrap
            else "install bubblewrap first, and ask again",
            (Isolation.BUBBLEWRAP,),
        ),
        Mechanism(
            "Landlock",
            offered >= landlock.LEAST_VERSION,
            f"this kernel offers version {offered} of it, and {landlock.LEAST_VERSION} is needed",
            "a kernel from Linux 6.2 on, with landlock in its list of security modules (lsm=landlock,… at boot)",
            (Isolation.LANDLOCK,),
        ),
    ]


def _refusal() -> str:
    """Why user namespaces are refused here; empty if they are not."""
    command = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/", "true"]
    try:
        # Ten seconds: the command takes 10 ms, and a machine where it takes a thousand times that grades nothing.
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return result.stderr.strip() or ("" if result.returncode == 0 else f"bwrap ended with {result.returncode}")


def lacking(level: Isolation, found: list[Mechanism]) -> list[Mechanism]:
    """What `level` needs and this machine does not give."""
    return [mechanism for mechanism in found if level in mechanism.levels and not mechanism.works]


def best(found: list[Mechanism] | None = None) -> Isolation:
    """The strongest level that this machine gives."""
    probed = mechanisms() if found is None else found
    return max(level for level in Isolation if not lacking(level, probed))


def require(least: Isolation) -> Isolation:
    """The best level here, if it is no weaker than `least`; raises NotIsolated with what to do."""
    found = mechanisms()
    if (level := best(found)) >= least:
        return level
    missing = lacking(Isolation.BUBBLEWRAP, found)[0]  # the strongest is what one would rather have
    raise NotIsolated(
        f"This machine confines a student's code at the level {level.label}, and {least.label} was asked for: "
        f"{missing.name} is missing ({missing.why}). Try: {missing.remedy}. To run code that you trust all the same, "
        "say --isolation none."
    )


def system_call_filter(level: Isolation) -> bytes:
    """The system-call filter of a worker, compiled for this machine: everything is allowed but what is named here."""
    import pyseccomp  # not at the top: the import fails where libseccomp is missing, which `mechanisms` reports

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
