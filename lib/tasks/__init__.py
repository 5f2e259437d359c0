"""The downstream tasks that synthetic images are meant to help, and readers trained like them."""
