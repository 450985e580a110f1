"""nbgrader's commands and Formgrader read this file. It says what is replaced in nbgrader, and by what."""

try:
    from autograder.gradebook.feedback import TEMPLATES
    from autograder.gradebook.formgrader import LOGGING, protect

    # Names that students chose do not run in a page of Formgrader's.
    protect()
except Exception as error:
    # nbgrader would go on without this file, and run what was handed in with your rights.
    raise SystemExit(
        f"{__file__} needs the package that it belongs to ({error}). Try: pip install --editable ."
    ) from error

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - traitlets defines it when it runs this file

c.CourseDirectory.course_id = "mlphys"

# nbgrader copies whatever else stands beside a notebook to the students: the statements' sources have the answers.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*.md"]

# What is released is committed, so that it exists already when the gradebook is told of the assignment.
c.GenerateAssignment.force = True

# A submission is read by the loader of autograder.grading, and its code runs in the sandbox, never in a kernel here.
c.Autograde.exporter_class = "autograder.gradebook.exporter.SubmissionExporter"
c.Autograde.autograde_preprocessors = [
    "autograder.gradebook.grade.GradeSubmission",  # in the place of Execute
    "autograder.gradebook.scores.SaveScores",  # in the place of SaveAutoGrades
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# What students wrote is shown from an allow-list, in feedback and in Formgrader.
c.HTMLExporter.filters = {"markdown2html": "autograder.gradebook.allowed.markdown_to_html"}
c.HTMLExporter.preprocessors = ["autograder.gradebook.allowed.AllowedOutputs"]

# The page that students get stands by itself: its own template, formulas as MathML, no script.
c.GenerateFeedback.exporter_class = "autograder.gradebook.feedback.FeedbackExporter"
c.GenerateFeedback.preprocessors = ["autograder.gradebook.feedback.ScoresByPart"]  # in the place of GetGrades
c.FeedbackExporter.template_name = "feedback_page"
c.FeedbackExporter.extra_template_basedirs = [TEMPLATES]
c.FeedbackExporter.filters = {"markdown2html": "autograder.gradebook.allowed.markdown_to_page"}

# Nor do names that they chose steer a terminal.
c.NbGrader.logging_config = LOGGING
