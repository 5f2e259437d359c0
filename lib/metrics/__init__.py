"""What is measured: one file per question, each function names its estimator and source."""
