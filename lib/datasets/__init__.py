"""Data sets: built from phantoms or read from files, preprocessed, split by subject."""
