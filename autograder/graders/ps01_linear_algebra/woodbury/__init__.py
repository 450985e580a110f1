"""Graders of "Woodbury: what a few modes do to a large matrix"."""
