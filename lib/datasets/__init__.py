"""Data sets drawn from phantoms (chest, variants, volumes): checked, preprocessed and split.

`hdf5` writes and reads image sets as files.
"""
