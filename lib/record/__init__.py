"""Numbers that are kept: rows of metrics files, draws, and how they compare."""
