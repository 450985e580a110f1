"""Graders of "Maximum likelihood, line by line"."""
