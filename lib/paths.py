"""Where things are. Everything generated lies under HOME, which tests and clusters may redirect."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent  # the repository
HOME = Path(os.environ.get("KNOWN_TRUTH_HOME") or ROOT).resolve()  # of generated things

NOTEBOOKS = Path(os.environ.get("KNOWN_TRUTH_NOTEBOOKS") or ROOT / "notebooks").resolve()
RECORD = ROOT / "data" / "record"  # committed draws, one page per table or figure

STORE = HOME / "data" / "store"  # results of jobs, by key
METRICS = HOME / "data" / "metrics"  # one JSON per table or figure
FIGURES = HOME / "figures"
REPORT = FIGURES / "report"  # executed notebooks and their pages
