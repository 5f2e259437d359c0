"""Arms that no generator makes: copies, noise, blur, shuffled labels, and single defects."""
