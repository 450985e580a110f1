"""`python -m autograder` is `mlphys`."""

from __future__ import annotations

from autograder.cli import main

if __name__ == "__main__":  # processes that the audit starts import this module once more
    main()
