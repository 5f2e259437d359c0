"""What two trials an arm can show: the rule of the paper ControlNet on cells of known effect.

The rule: mean of n = 2 trials with and without synthetic data, a one-tailed t test, Bonferroni, P
below 0.05. The printed P values fit two forms of it: with two degrees of freedom (F1, the pooled
test) and with one (Dice, the paired test), both uncorrected. Trials have shape (draws, cells, n).
"""

from math import comb

import numpy as np
from scipy import stats

TESTS = ("pooled", "welch", "paired")
CORRECTIONS = ("none", "bonferroni", "holm")


def trials(gains, sd, n, draws, rng, shared=1):
    """Normal trials of two arms with known gains (cells,): control and treatment.

    Each is (draws, cells, n) with standard deviation sd. shared: so many neighbouring cells have
    one control, as the four multipliers of a task and fraction do; it divides the cells.
    """
    gains = np.asarray(gains, float)
    if gains.ndim != 1 or not gains.size or shared < 1 or len(gains) % shared:
        raise ValueError(f"gains {gains.shape} must be a vector that shared = {shared} divides")
    if n < 2 or draws < 1 or sd <= 0:
        raise ValueError(f"n = {n}, draws = {draws}, sd = {sd}: n from 2, draws from 1, sd above 0")
    control = rng.standard_normal((draws, len(gains) // shared, n)) * sd
    treatment = rng.standard_normal((draws, len(gains), n)) * sd + gains[:, None]
    return control.repeat(shared, axis=1), treatment


def one_tailed(control, treatment, test="pooled"):
    """P of a one-tailed t test that treatment is higher, (..., n) and (..., n) -> (...).

    "pooled": two samples of one variance, 2n - 2 degrees of freedom; "welch": of two variances;
    "paired": trial by trial, n - 1.
    """
    if test not in TESTS:
        raise ValueError(f"test {test!r} is unknown; choose one of {', '.join(TESTS)}")
    options = {"axis": -1, "alternative": "greater"}
    if test == "paired":
        return stats.ttest_rel(treatment, control, **options).pvalue
    return stats.ttest_ind(treatment, control, equal_var=test == "pooled", **options).pvalue


def adjusted(p, correction="bonferroni"):
    """P (..., cells) corrected for the number of cells, up to 1: Bonferroni 1936, Holm 1979."""
    p = np.asarray(p, float)
    if correction not in CORRECTIONS:
        raise ValueError(f"correction {correction!r} is unknown; use {', '.join(CORRECTIONS)}")
    if correction == "none":
        return p
    cells = p.shape[-1]
    if correction == "bonferroni":
        return np.minimum(1, cells * p)
    order = np.argsort(p, -1)
    steps = np.take_along_axis(p, order, -1) * np.arange(cells, 0, -1)
    made = np.empty_like(p)
    np.put_along_axis(made, order, np.maximum.accumulate(steps, -1).clip(0, 1), -1)
    return made


def operating(p, gains, alpha=0.05, correction="bonferroni"):
    """What a rule does: p (draws, cells) of cells whose true gains (cells,) are known.

    false_positive_rate: share of cells without a gain that it calls significant; family_error:
    share of draws with any such cell; power: share of cells with a gain above 0 that it calls;
    all_found: share of draws in which it calls all of them. None where no cell is of the kind.
    """
    called, real = adjusted(p, correction) < alpha, np.asarray(gains) > 0
    null, true = called[:, ~real], called[:, real]
    return {
        "false_positive_rate": float(null.mean()) if null.size else None,
        "family_error": float(null.any(1).mean()) if null.size else None,
        "power": float(true.mean()) if true.size else None,
        "all_found": float(true.all(1).mean()) if true.size else None,
    }


def largest(control, treatment):
    """The largest mean gain over cells, (draws, cells, n) twice -> (draws,): what is printed."""
    return (treatment.mean(-1) - control.mean(-1)).max(-1)


def permutation_floor(n, paired=False):
    """The least one-sided P that any exact test can give n trials an arm.

    1 / C(2n, n) for two samples, 2^-n for pairs: 1/6 and 1/4 with two trials.
    """
    if n < 1:
        raise ValueError(f"n is {n}: at least one trial is needed")
    return 2.0**-n if paired else 1 / comb(2 * n, n)


def family_error(alpha, cells):
    """P that some of so many independent null cells has p below alpha: 1 - (1 - alpha)^cells."""
    if not 0 <= alpha <= 1 or cells < 0:
        raise ValueError(f"alpha = {alpha}, cells = {cells}: alpha in [0, 1], cells from 0")
    return 1 - (1 - alpha) ** cells


def subsets(control, treatment, n, draws, rng):
    """Trials of n replicates each, drawn without repetition from R that are there.

    control, treatment (cells, R), paired by replicate; each draw takes the same replicates in all
    cells. Returns two (draws, cells, n): what a study of n trials might have seen of ours.
    """
    control, treatment = np.asarray(control, float), np.asarray(treatment, float)
    if control.ndim != 2 or control.shape != treatment.shape or not 2 <= n <= control.shape[1]:
        raise ValueError(
            f"control {control.shape} and treatment {treatment.shape} must be equal (cells, R), "
            f"and n = {n} from 2 to R"
        )
    picked = rng.random((draws, control.shape[1])).argsort(1)[:, :n]
    return (np.moveaxis(each[:, picked], 0, 1) for each in (control, treatment))
