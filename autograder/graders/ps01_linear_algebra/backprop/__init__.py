"""Graders of "Two-layer backprop: a gas of neurons"."""
