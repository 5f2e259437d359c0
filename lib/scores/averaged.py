"""Scores of the same arm trained with several seeds: one value for the draw.

More than half of the variance of a paired difference is the luck of the downstream network, which
costs little to train again. The draw stays the unit: its value is the mean over seeds.
"""

import numpy as np

from lib.jobs import Result


def over_seeds(runs: list[Result]) -> Result:
    """Job: mean of each score and array over runs that differ in their seed alone.

    A score that any run leaves undefined is None. Scores that are no numbers must agree; ValueError
    names one that does not. `spread` has the standard deviation of each score over the runs.
    """
    scores = {name: [run.scores[name] for run in runs] for name in runs[0].scores}
    arrays = {name: np.mean([run.arrays[name] for run in runs], axis=0) for name in runs[0].arrays}
    numbers = {n: v for n, v in scores.items() if all(isinstance(x, int | float) for x in v)}
    spread = {name: float(np.std(v, ddof=1)) for name, v in numbers.items()}
    means = {name: _mean(name, v) for name, v in scores.items()}
    return Result(arrays, means | {"runs": len(runs), "spread": spread})


def over_splits(rows: list[dict[str, float | None]]) -> dict[str, dict[str, float | None]]:
    """{"mean": ..., "sd": ...} of each score over random splits, two or more; None where any is."""
    values = {name: [row[name] for row in rows] for name in rows[0]}
    whole = {name: None if None in v else v for name, v in values.items()}
    return {
        "mean": {name: v and float(np.mean(v)) for name, v in whole.items()},
        "sd": {name: v and float(np.std(v, ddof=1)) for name, v in whole.items()},
    }


def _mean(name: str, values: list):
    if all(value == values[0] for value in values):
        return values[0]
    if None in values:
        return None
    if not all(isinstance(value, int | float) for value in values):
        raise ValueError(f"score {name!r} differs between runs and is no number: {values}")
    return float(np.mean(values))
