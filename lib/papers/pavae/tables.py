"""From finished jobs to rows of a metrics file: values over replicates, null, oracle, paper."""

from lib import jobs
from lib.jobs import Job
from lib.papers.pavae.study import TABLE4, TABLE4_METRICS, Study, studies
from lib.papers.rows import Values, collect, jobs_of, mean_of, row
from lib.profiles import Profile


def null_of(values: Values, arm: str, metric: str, fidelity: dict) -> dict:
    """What a score reads when nothing was achieved, as columns of a row.

    The null of utility is the real-only arm, of ECE its floor at perfect calibration, of FD and
    KID two sets of real images, of adherence the shuffled labels, of nn_share one half.
    """
    if metric in fidelity["mean"]:
        return {"null": fidelity["mean"][metric], "null_sd": fidelity["sd"][metric]}
    if metric == "nn_share":
        return {"null": 0.5}
    if metric.startswith("ece"):
        return {"null": mean_of(values, arm, "ece_floor")}
    return {
        "null": mean_of(values, "shuffled" if metric.startswith("adherence") else "real", metric)
    }


def rows_of(regime: str, values: Values, fidelity: dict, arms: tuple[str, ...] = ()) -> list[dict]:
    """One row per arm and metric, of the named arms or of all; `fidelity`: scores of Study.null.

    `values` hold what nulls and oracles are taken from, also for arms that get no row.
    """
    return [
        row(
            regime, arm, metric, found, oracle=mean_of(values, "oracle", metric),
            paper=printed(arm, metric), **null_of(values, arm, metric, fidelity),
        )
        for (arm, metric), found in values.items()
        if not arms or arm in arms
    ]  # fmt: skip


def printed(arm: str, metric: str) -> float | None:
    """What the paper's Table 4 prints."""
    return dict(zip(TABLE4_METRICS, TABLE4.get(arm, ()), strict=False)).get(metric)


def table4_jobs(profile: Profile, seed: int) -> list[Job]:
    """Everything the main comparison needs in both regimes."""
    return [
        job for study in studies(profile, seed) for job in (study.null, *jobs_of(study.scored()))
    ]


def table4_rows(profile: Profile, seed: int) -> list[dict]:
    """All rows of the main table, both regimes, from finished jobs."""
    return [row for study in studies(profile, seed) for row in rows(study)]


def rows(study: Study) -> list[dict]:
    """The rows of one regime."""
    return rows_of(study.regime, collect(study.scored()), jobs.load(study.null).scores)
