"""Gradescope: an autograder in its format, and the results.json that it makes for a submission."""
