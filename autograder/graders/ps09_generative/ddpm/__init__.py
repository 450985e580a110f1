"""Graders of "Diffusion with an oracle"."""
