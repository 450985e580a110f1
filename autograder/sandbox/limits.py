"""What one submission may use. Each default has its reason; a course changes them by `c.GradeSubmission.limits`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds are of wall time; sizes are in bytes."""

    cell: float = 30.0
    """One cell. The longest of the course, a training loop, takes 3 s on one core of a laptop: ten times that."""

    notebook: float = 300.0
    """All cells together: ten that take as long as one may. (One that does not end halves the time of the next.)"""

    call: float = 10.0
    """One call of a student's function by a test. The slowest reference takes 1 s; ten times that."""

    calls: float = 120.0
    """All hidden tests, from the first copy of the notebook on. The references take a few; after that none is run."""

    callbacks: int = 10_000
    """Calls that a test's copy of a notebook may make to functions that it is given. The references make 500."""

    output: int = 100_000
    """Characters of text that one cell shows: thirty pages of feedback. More than these are never kept."""

    memory: int = 2**30
    """Shared-out memory (PSS) of all processes of a submission. A notebook with torch and a plot has about 100 MB."""

    processes: int = 64
    """Processes and threads of a submission at once. A DataLoader with four workers makes 10."""

    disk: int = 64 * 2**20
    """What a submission may write, in its own directory and in shared memory each."""
