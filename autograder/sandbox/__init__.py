"""Runs a student's code where it can reach nothing of ours, and answers calls with plain data. Knows no grading."""

from autograder.sandbox.client import Sandbox, SandboxFault, Worker
from autograder.sandbox.isolation import Isolation, NotIsolated, mechanisms
from autograder.sandbox.limits import Limits
from autograder.sandbox.session import (
    Handle,
    Session,
    StudentBroke,
    StudentError,
    StudentLacks,
    StudentOddity,
    StudentTimeout,
)

__all__ = [
    "Handle",
    "Isolation",
    "Limits",
    "NotIsolated",
    "Sandbox",
    "SandboxFault",
    "Session",
    "StudentBroke",
    "StudentError",
    "StudentLacks",
    "StudentOddity",
    "StudentTimeout",
    "Worker",
    "mechanisms",
]
