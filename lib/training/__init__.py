"""What all training loops share."""
