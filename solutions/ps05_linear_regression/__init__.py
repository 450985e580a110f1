"""Problem set 5: linear regression."""
