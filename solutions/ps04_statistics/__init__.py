"""Problem set 4: statistics."""
