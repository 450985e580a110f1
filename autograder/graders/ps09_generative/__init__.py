"""Graders of problem set 9: generative models."""
