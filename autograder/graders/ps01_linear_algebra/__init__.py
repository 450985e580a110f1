"""Graders of problem set 1: linear algebra and matrix calculus."""
