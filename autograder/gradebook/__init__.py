"""What stands between the graders and nbgrader: preprocessors, an exporter, and the page that a student reads."""
