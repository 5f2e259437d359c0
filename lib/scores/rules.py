"""What a rule of few trials concludes where the truth is known, as jobs; see `metrics.trials`."""

import numpy as np

from lib.jobs import Result
from lib.metrics import trials


def simulated(
    gains: list[float], sd: float, n: int, draws: int, stream: list[int], test: str = "pooled",
    correction: str = "bonferroni", alpha: float = 0.05, shared: int = 1,
) -> Result:  # fmt: skip
    """Job: the rule on normal trials of cells with known gains, a trial having the deviation sd.

    Scores: `trials.operating`; largest, the mean over draws of the largest gain that is seen;
    true_largest; floor, the least exact P of n trials. Array: largest (draws,).
    """
    rng = np.random.default_rng(stream)
    control, treatment = trials.trials(gains, sd, n, draws, rng, shared)
    p = trials.one_tailed(control, treatment, test)
    found = trials.operating(p, gains, alpha, correction)
    most = trials.largest(control, treatment)
    seen = {"largest": float(most.mean()), "true_largest": float(max(gains))}
    seen |= {"floor": trials.permutation_floor(n, test == "paired")}
    return Result({"largest": most}, found | seen)


def resampled(
    control: list[list[float]], treatment: list[list[float]], n: int, draws: int,
    stream: list[int], test: str = "pooled", correction: str = "bonferroni", alpha: float = 0.05,
) -> Result:  # fmt: skip
    """Job: the rule on n replicates drawn from all of ours, control and treatment (cells, R).

    Scores: called, the mean share of cells called significant; opposite, the mean share whose gain
    has another sign than that of all replicates; largest, the mean of the largest gain seen, and
    all_largest, that of all replicates. Array: called (cells,), how often each is.
    """
    few, more = trials.subsets(control, treatment, n, draws, np.random.default_rng(stream))
    called = trials.adjusted(trials.one_tailed(few, more, test), correction) < alpha
    whole = (np.asarray(treatment, float) - np.asarray(control, float)).mean(1)
    seen = (more - few).mean(2)
    scores = {
        "called": float(called.mean()),
        "opposite": float((np.sign(seen) * np.sign(whole) < 0).mean()),
        "largest": float(seen.max(1).mean()),
        "all_largest": float(whole.max()),
    }
    return Result({"called": called.mean(0)}, scores)
