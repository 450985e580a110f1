"""`make bench`: what grading costs. Prints and writes figures, and asserts nothing."""
