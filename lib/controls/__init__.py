"""Arms that no generator makes: copies (also noisy, blurred, shuffled) and single defects."""
