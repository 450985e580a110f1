"""What people read: in a terminal, and about a class."""

# The folder of the course directory that class reports are written to.
REPORTS = "reports"
