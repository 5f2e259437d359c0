"""Readers of data that are not phantoms, one file a format."""
