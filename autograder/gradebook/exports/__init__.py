"""Scores for other systems, as plugins: `nbgrader export --exporter autograder.gradebook.exports.ScoresByPart`."""

from autograder.gradebook.exports.canvas import CanvasScores
from autograder.gradebook.exports.gradescope import GradescopeResults
from autograder.gradebook.exports.tables import ScoresByPart, ScoresByTest

__all__ = ["CanvasScores", "GradescopeResults", "ScoresByPart", "ScoresByTest"]
