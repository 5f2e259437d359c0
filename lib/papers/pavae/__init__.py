"""PA-VAE (chest radiographs): `STUDIES` says which jobs every notebook of the chapter needs."""

from lib.jobs import Job
from lib.papers.pavae import ablations, diagnostics, method, robustness, sweeps, tables, training
from lib.papers.pavae.study import (
    ABSTRACT,
    GENERATORS,
    NAMES,
    REGIMES,
    TABLE4,
    TABLE4_METRICS,
    UTILITY,
    Study,
    studies,
)
from lib.profiles import Profile

__all__ = [
    "ABSTRACT",
    "GENERATORS",
    "NAMES",
    "REGIMES",
    "STUDIES",
    "TABLE4",
    "TABLE4_METRICS",
    "UTILITY",
    "Study",
    "ablations",
    "diagnostics",
    "method",
    "robustness",
    "studies",
    "sweeps",
    "tables",
    "training",
]


def data_jobs(profile: Profile, seed: int) -> list[Job]:
    """The calibration of the laws and the sweeps of Section 4."""
    return [*training.curve_jobs(profile, seed), *sweeps.sweep_jobs(profile, seed)]


STUDIES = {
    "03_method": method.method_jobs,
    "04_data": data_jobs,
    "04_diagnostics": diagnostics.diagnostic_jobs,
    "04_robustness": robustness.robustness_jobs,
    "04_training": training.training_jobs,
    "table1_dataset": training.table1_jobs,
    "table2_settings": training.settings_jobs,
    "table4_main": tables.table4_jobs,
    "table5_ablations": ablations.table5_jobs,
}
