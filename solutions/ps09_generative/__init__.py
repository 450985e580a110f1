"""Problem set 9: generative models."""
