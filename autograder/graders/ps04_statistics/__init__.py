"""Graders of problem set 4: statistics."""
