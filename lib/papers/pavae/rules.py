"""What the scores of PA-VAE's tables read where nothing was achieved."""

from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.pavae import printed
from lib.papers.pavae.study import Study
from lib.papers.table import Table


class Judged(Table):
    """A table of utility and fidelity.

    The null of utility is the real-only arm, of ECE its floor at perfect calibration, of FD and
    KID two sets of real images, of adherence the shuffled labels, of nn_share one half.
    """

    def null_job(self, study: Study) -> Job | None:
        return study.null if study.source.truth else None

    def null(self, arm: Arm, metric: str) -> float | dict | None:
        if metric == "nn_share":
            return 0.5
        if metric.startswith("ece"):
            return {"arm": arm.name, "metric": "ece_floor"}
        other = "shuffled" if metric.startswith("adherence") else "real"
        return {"arm": other, "metric": metric}

    def printed(self, regime: str, arm: Arm, metric: str) -> float | None:
        return printed.table4(arm.name, metric)
