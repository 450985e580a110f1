"""Graders of "Bayesian linear regression: what a spring has told us"."""
