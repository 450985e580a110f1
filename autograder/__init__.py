"""mlphys: the grader under the problem sets of Machine Learning for Physicists."""
