"""What all trainings share: loop, weights, means of losses, cost."""
