"""How good, and how honest, are the scores of a classifier.

Labels `y` are 0 or 1, shape (n,). Scores `s` and probabilities `p` have shape (n,); higher means
"more likely positive". Probabilities lie in [0, 1]. All randomness comes in as a numpy Generator.
"""

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_auc_score


def _two_classes(y):
    """Boolean mask of the positives; ValueError unless `y` is 0/1 with both classes present."""
    y = np.asarray(y)
    if y.ndim != 1 or not np.isin(y, (0, 1)).all():
        raise ValueError("labels y must be a vector of 0 and 1: pass one label per score")
    positive = y == 1
    if positive.all() or not positive.any():
        raise ValueError("labels y hold one class only: both are needed to compare scores")
    return positive


ROUNDING = 1e-6  # by which a sum of probabilities in float32 may lie beyond 1


def _probabilities(p):
    """`p` as a float vector within [0, 1]; ValueError unless it is one, but for rounding."""
    p = np.asarray(p, float)
    if p.ndim != 1 or not p.size:
        raise ValueError(f"p {p.shape} must be a non-empty vector")
    if not ((p >= -ROUNDING) & (p <= 1 + ROUNDING)).all():
        raise ValueError("p must lie in [0, 1]: pass probabilities, not raw scores")
    return p.clip(0, 1)


def _outcomes(p, y):
    """Probabilities and labels as float vectors; ValueError unless y is 0/1, one label for each."""
    p, y = _probabilities(p), np.asarray(y)
    if y.shape != p.shape or not np.isin(y, (0, 1)).all():
        raise ValueError(f"labels y {y.shape} must be 0 or 1, one for each of p {p.shape}")
    return p, y.astype(float)


def placements(y, s):
    """Share of the other class that each case beats, ties counting half.

    Returns (positives' placements (m,), negatives' placements (n,)); both means are the AUC.
    Mid-rank form of Sun & Xu 2014.
    """
    positive = _two_classes(y)
    s = np.asarray(s, float)
    if s.shape != positive.shape or not np.isfinite(s).all():
        raise ValueError(f"scores {s.shape} must be finite and match labels {positive.shape}")
    ranks, m, n = rankdata(s), positive.sum(), (~positive).sum()
    above = (ranks[positive] - rankdata(s[positive])) / n
    below = 1 - (ranks[~positive] - rankdata(s[~positive])) / m
    return above, below


def delong(y, S):
    """AUCs and their covariance for k score vectors on the same cases.

    S: (k, n). Returns aucs (k,), covariance (k, k). DeLong 1988 in the form of Sun & Xu 2014.
    The models are taken as fixed: training variance is not in this covariance.
    """
    pairs = [placements(y, s) for s in np.atleast_2d(np.asarray(S, float))]
    above, below = (np.stack(side) for side in zip(*pairs, strict=True))
    if min(above.shape[1], below.shape[1]) < 2:
        raise ValueError("the DeLong covariance needs at least two cases in each class")
    covariance = np.cov(above) / above.shape[1] + np.cov(below) / below.shape[1]
    return above.mean(axis=1), np.atleast_2d(covariance)


def auc(y, s, level=0.95):
    """AUC with its DeLong interval on the logit scale, as (value, lo, hi), lo and hi in (0, 1).

    Where the variance reads zero (perfect separation) the interval is unknown: (v, nan, nan).
    """
    (value,), ((variance,),) = delong(y, s)
    if variance <= 0 or value in (0.0, 1.0):
        return float(value), float("nan"), float("nan")
    half = norm.ppf(0.5 + level / 2) * np.sqrt(variance) / (value * (1 - value))
    return float(value), float(expit(logit(value) - half)), float(expit(logit(value) + half))


def auc_difference(y, a, b, level=0.95):
    """Paired AUC(a) - AUC(b) of two fixed models as (delta, lo, hi, two-sided p); Wald interval.

    It compares these two networks, not the two methods that trained them.
    """
    aucs, cov = delong(y, [a, b])
    delta, sd = aucs[0] - aucs[1], np.sqrt(max(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1], 0.0))
    half = norm.ppf(0.5 + level / 2) * sd
    p = 1.0 if delta == 0 else 0.0 if sd == 0 else 2 * norm.sf(abs(delta) / sd)
    return float(delta), float(delta - half), float(delta + half), float(p)


def macro_auc(y, P):
    """Macro one-vs-rest AUC; y (n,) class indices, P (n, classes) with rows summing to 1."""
    return float(roc_auc_score(y, P, multi_class="ovr", average="macro"))


def sensitivity_at_specificity(val_neg, test_scores, test_y, specificity=0.95):
    """Sensitivity at a threshold frozen on the validation negatives, and what it achieves in test.

    Tie rule: a case is positive when score > threshold, and the threshold is the observed value at
    or above the quantile, so at least that share of the validation negatives is called negative.
    The step of that share is 1 / len(val_neg). Returns threshold, sensitivity, specificity.
    """
    if not 0 < specificity < 1:
        raise ValueError(f"specificity is {specificity}: it must lie between 0 and 1")
    val_neg = np.asarray(val_neg, float)
    if not val_neg.size or not np.isfinite(val_neg).all():
        raise ValueError("val_neg must hold at least one finite score of a validation negative")
    positive = _two_classes(test_y)
    threshold = np.quantile(val_neg, specificity, method="higher")
    called = np.asarray(test_scores, float) > threshold
    return {
        "threshold": float(threshold),
        "sensitivity": float(called[positive].mean()),
        "specificity": float((~called[~positive]).mean()),
    }


def brier(p, y):
    """Mean squared difference of probability and outcome; 0 is best."""
    p, y = _outcomes(p, y)
    return float(np.mean((p - y) ** 2))


def _bin_index(p, bins, mass):
    """Bin number of every p (n,), 0 .. bins - 1; equal p share a bin, p = 1 is in the last."""
    if bins < 1:
        raise ValueError(f"bins is {bins}: at least one is needed")
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    edges = np.quantile(p, inner) if mass else inner
    return np.searchsorted(edges, p, side="right")


def _gap(p, y, index, bins):
    """Sum over bins of |mean p - mean y| weighted by the bin's share of the cases."""
    return float(np.abs(np.bincount(index, p - y, minlength=bins)).sum() / len(p))


def ece(p, y, bins=15, mass=True):
    """Plug-in calibration error of P(y=1) in equal-mass (or equal-width) bins; 0 is best.

    It is biased upwards by what `ece_floor` says: print both.
    """
    p, y = _outcomes(p, y)
    return _gap(p, y, _bin_index(p, bins, mass), bins)


def ece_debiased(p, y, rng, n=200, bins=15, mass=True):
    """Twice the plug-in ECE minus its bootstrap mean over n resamples; may be below zero.

    Near perfect calibration it takes away about 0.4 of the bias: keep `ece_floor` beside it.
    """
    p, y = _outcomes(p, y)
    draws = rng.integers(len(p), size=(n, len(p)))
    resampled = np.mean([ece(p[i], y[i], bins, mass) for i in draws])
    return float(2 * ece(p, y, bins, mass) - resampled)


def ece_floor(p, rng, n=200, bins=15, mass=True):
    """Mean ECE of n label sets drawn from p itself: what perfect calibration reads at this size."""
    p = _probabilities(p)
    index = _bin_index(p, bins, mass)
    return float(np.mean([_gap(p, rng.random(len(p)) < p, index, bins) for _ in range(n)]))


# ---- cases that share an outcome ----------------------------------------------------------------


def overconfidence(p, y):
    """Mean confidence less accuracy, in (-1, 1): above 0 a classifier is surer than it is right.

    Confidence is max(p, 1 - p); p = 0.5 is called positive. The signed calibration gap of the top
    label (Guo et al. 2017): unlike `ece` it has no bins, and errors of both signs cancel.
    """
    p, y = _outcomes(p, y)
    return float(np.maximum(p, 1 - p).mean() - ((p >= 0.5) == (y == 1)).mean())


def ece_debiased_by_subject(p, y, subjects, rng, n=200, bins=15, mass=True):
    """`ece_debiased` whose bootstrap resamples whole subjects (n,): slices of one share a label."""
    p, y = _outcomes(p, y)
    rows = _rows_of(p, subjects)
    draws = [np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
             for _ in range(n)]  # fmt: skip
    resampled = np.mean([ece(p[at], y[at], bins, mass) for at in draws])
    return float(2 * ece(p, y, bins, mass) - resampled)


def ece_floor_by_subject(p, subjects, rng, n=200, bins=15, mass=True):
    """`ece_floor` where the slices of a subject (n,) share a label as far as their p lets them.

    One uniform number a subject decides all its labels: each slice is as often positive as its p
    says, and slices of one subject agree as much as is possible then. Independent labels would say
    that there are as many cases as slices, and a floor far too low.
    """
    p = _probabilities(p)
    index = _bin_index(p, bins, mass)
    at = np.empty(len(p), int)
    for i, rows in enumerate(_rows_of(p, subjects)):
        at[rows] = i
    drawn = (rng.random(at.max() + 1)[at] < p for _ in range(n))
    return float(np.mean([_gap(p, y, index, bins) for y in drawn]))


def _rows_of(p, subjects):
    """The rows of each subject; ValueError unless every case names one."""
    if np.shape(subjects) != p.shape:
        raise ValueError(f"subjects {np.shape(subjects)} must name one for each of p {p.shape}")
    _, at = np.unique(subjects, return_inverse=True)
    return [np.flatnonzero(at == i) for i in range(at.max() + 1)]


# ---- sums that add up over cases ----------------------------------------------------------------


def reliability(p, y, bins=15):
    """The reliability diagram of equal-width bins, (bins, 3): cases, sum of p, sum of y.

    Diagrams of parts add up to that of the whole.
    """
    p, y = _outcomes(p, y)
    index = _bin_index(p, bins, mass=False)
    parts = (np.ones(len(p)), p, y)
    return np.stack([np.bincount(index, part, minlength=bins) for part in parts], 1)


def ece_of(diagram):
    """`ece` in equal-width bins of a `reliability` diagram (bins, 3); None without a case."""
    count, confidence, positive = np.asarray(diagram, float).T
    return float(np.abs(confidence - positive).sum() / count.sum()) if count.sum() else None
