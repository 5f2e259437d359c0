"""Behind run_all.sh: the command, the notebooks, and which of them are up to date."""
