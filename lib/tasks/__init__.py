"""The downstream tasks that synthetic images are meant to help."""
