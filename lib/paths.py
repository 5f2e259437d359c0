"""Where things are. Everything generated lies under HOME, which tests and clusters may redirect."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent  # the repository
HOME = Path(os.environ.get("KNOWN_TRUTH_HOME") or ROOT).resolve()  # of generated things

NOTEBOOKS = Path(os.environ.get("KNOWN_TRUTH_NOTEBOOKS") or ROOT / "notebooks").resolve()
# committed draws, panels and models of each notebook:
RECORD = Path(os.environ.get("KNOWN_TRUTH_RECORD") or ROOT / "data" / "record").resolve()

STORE = HOME / "data" / "store"  # results of jobs, by key
METRICS = HOME / "data" / "metrics"  # one JSON per table or figure
FIGURES = HOME / "figures"
REPORT = FIGURES / "report"  # executed notebooks and their pages

RECORD_ONLY = "KNOWN_TRUTH_RECORD_ONLY"  # set by --report: pages come from the record alone
SOLVE = "KNOWN_TRUTH_SOLVE"  # set by tests: exercises answer themselves
REFIT = "KNOWN_TRUTH_REFIT"  # set by --refit: models are fitted, not taken from the record
