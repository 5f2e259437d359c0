"""From finished jobs to rows of a metrics file, shared by the papers' studies."""

from lib import jobs
from lib.jobs import Job
from lib.metrics.inference import t_interval

Scored = dict[tuple[str, str], list[tuple[Job, tuple[str, ...]]]]
"""For every (arm, kind): one (job, metrics that it gives) per replicate."""
Values = dict[tuple[str, str], list[float | None]]
"""{(arm, metric): one value per replicate; None where a draw leaves a score undefined}."""


def collect(scored: Scored) -> Values:
    """The values of all arms and metrics, from finished jobs."""
    values: Values = {}
    for (arm, _), pairs in scored.items():
        for job, metrics in pairs:
            found = jobs.load(job).scores
            for metric in metrics:
                values.setdefault((arm, metric), []).append(_score(found, metric))
    return values


def _score(scores: dict, metric: str) -> float | None:
    try:
        return scores[metric]
    except KeyError:
        return None


def jobs_of(scored: Scored) -> list[Job]:
    """The jobs alone."""
    return [job for pairs in scored.values() for job, _ in pairs]


def row(regime: str, arm: str, metric: str, values: list[float], **more) -> dict:
    """One row with mean and 95 % t-interval; `more` are null, oracle, paper and other columns."""
    low_high = t_interval(values)[1:] if len(values) > 1 else None
    out = {"regime": regime, "arm": arm, "metric": metric, "values": values, **more}
    return out | {"mean": sum(values) / len(values), "ci95": low_high and list(low_high)}


def mean_of(values: Values, arm: str, metric: str, draws: int | None = None) -> float | None:
    """Mean over the first `draws` replicates (all by default); None if there is no such row."""
    found = values.get((arm, metric), [])[:draws]
    return sum(found) / len(found) if found and None not in found else None
