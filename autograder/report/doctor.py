"""What `mlphys doctor` says."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from autograder.sandbox import Isolation
from autograder.sandbox.isolation import Mechanism, best

PROMISES = {
    Isolation.BUBBLEWRAP: (
        "A student's code sees Python, the course's libraries and its own empty directory: no test, reference, "
        "gradebook, network, environment or other process. It cannot outlive its grading. It shares the kernel with "
        "you, so keep that up to date."
    ),
    Isolation.LANDLOCK: (
        "A student's code can open Python, the course's libraries and its own directory, and nothing else; it has no "
        "network, no signals, no shared memory, and all that it starts is ended with its grading. What it shares with "
        "you is your user and the view of the file system: it can tell whether a file of a given name exists, how "
        "large it is and when it was changed, though not what is in it."
    ),
    Isolation.NONE: (
        "A student's code runs with your own rights: it can read and change whatever you can. Only for code that you "
        "wrote yourself, and only when asked for by --isolation none."
    ),
}


def report(found: list[Mechanism], console: Console) -> Isolation:
    """Print what works, what does not and why, and what that means; the level that this machine gives."""
    for mechanism in found:
        console.print(
            Text(f"{'yes' if mechanism.works else 'no ':4}{mechanism.name}", "" if mechanism.works else "bold")
        )
        if not mechanism.works:
            console.print(Text(f"    Because {mechanism.why}.\n    To change that: {mechanism.remedy}"), soft_wrap=True)
    level = best(found)
    console.print(Text(f"\nIsolation here: {level.label}. {PROMISES[level]}"), soft_wrap=True)
    return level
