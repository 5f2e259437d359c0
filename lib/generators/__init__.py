"""Generators of labelled images, one file per family."""
