"""Graders of problem set 5: linear regression."""
