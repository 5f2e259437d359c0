"""Data sets of phantoms or patients: checked, preprocessed and split by subject.

`source` says where images come from; `readers` read a folder of patients. Drawn from phantoms:
chest and its variants, volumes, lesions and their counterfactuals, films. `pools` is what tasks
read of films and samples alike, `ratings` the scores that readers give, `hdf5` image sets as files.
"""
