"""What is measured: one file per question, functions of arrays that know no model and no job.

Each names its estimator and source. Jobs that apply them to pools stand in `lib.scores`.
"""
