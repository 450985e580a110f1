"""How much this machine can confine a student's code: the levels, and what each mechanism needs."""

from __future__ import annotations

import ctypes.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import IntEnum

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
