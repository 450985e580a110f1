"""What people read: in a terminal, and about a class."""
