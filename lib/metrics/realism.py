"""Can real and synthetic be told apart, and how far from real are single samples.

PathoSyn's Figures 3 and 5. Of a judge's scores: the ROC curve with its band and the spread of AUC,
both by resampling test subjects. Of features: the distribution of distances to real ones. Of
statistics such as those of `texture`: what two halves of the real set read. Labels `y` (N,) are 1
for synthetic and 0 for real, scores `s` (N,) are higher for "more likely synthetic", `subjects`
(N,) names the subject that an image shows, for a synthetic one the subject that it was made from.

Two traps. An AUC of 0.5 may mean a weak judge: a blur of one pixel must be caught, and fresh
phantoms must not. And the resampling sees one trained judge and one trained generator: the spread
over training seeds comes on top.
"""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from lib.metrics.classification import auc, placements
from lib.metrics.masks import halves, scaled_w1

GRID = np.linspace(0, 1, 101)  # false positive rates at which bands are given


def roc(y, s):
    """The ROC curve: (false positive rate, true positive rate), each (k + 1,) from 0 to 1.

    One point for each of the k different scores; equal scores share a point, so the area under
    straight lines is the AUC with ties counted half. ValueError unless y holds 0 and 1 and the
    scores are finite.
    """
    fpr, tpr = _curves(y, s, np.ones((1, len(y))))
    return fpr[0], tpr[0]


def roc_band(y, s, subjects, rng, n=1000, level=0.95):
    """ROC curve on GRID and its pointwise bootstrap band: {"fpr", "tpr", "low", "high"}, (101,).

    n resamples of whole subjects, see `resampled`; percentile interval of the highest true positive
    rate at each false positive rate. Pointwise: the whole true curve leaves the band more often
    than 1 - level.
    """
    fpr, tpr = roc(y, s)
    curves = zip(*_curves(y, s, resampled(y, subjects, rng, n)), strict=True)
    drawn = np.stack([np.interp(GRID, *curve) for curve in curves])
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return {"fpr": GRID, "tpr": np.interp(GRID, fpr, tpr), "low": low, "high": high}


def auc_samples(y, s, subjects, rng, n=1000):
    """AUC of n resamples of whole subjects, (n,) in [0, 1]: what a violin of Figure 3 shows.

    Their SD is the sampling error of this judge's AUC, like DeLong's, which takes images of one
    subject for independent ones and is then too small.
    """
    fpr, tpr = _curves(y, s, resampled(y, subjects, rng, n))
    return (np.diff(fpr) * (tpr[:, 1:] + tpr[:, :-1]) / 2).sum(1)


def resampled(y, subjects, rng, n):
    """How often each image counts in n bootstrap samples of subjects, (n, N) integers.

    As many subjects as there are, drawn with replacement; all images of a subject, real and
    synthetic, come together. Samples that lack a class are drawn again. ValueError for fewer than
    two subjects, n below 1, or labels and subjects that do not fit.
    """
    y, subjects = np.asarray(y), np.asarray(subjects)
    names, at = np.unique(subjects, return_inverse=True)
    if subjects.shape != y.shape:
        raise ValueError(f"subjects {subjects.shape} must name the subject of each of y {y.shape}")
    if len(names) < 2 or n < 1:
        raise ValueError(f"{len(names)} subjects and n = {n}: pass 2 subjects and n = 1, or more")
    if len(np.unique(y)) < 2:
        raise ValueError("labels y hold one class only: pass real and synthetic images")
    share, found = np.full(len(names), 1 / len(names)), np.empty((0, len(y)), np.int64)
    while len(found) < n:
        weights = rng.multinomial(len(names), share, n)[:, at]
        both = (weights[:, y == 1].sum(1) > 0) & (weights[:, y == 0].sum(1) > 0)
        found = np.concatenate([found, weights[both]])
    return found[:n]


def _curves(y, s, weights):
    """False and true positive rates (n, k + 1) of images that count `weights` (n, N) times."""
    placements(y, s)  # refuses labels and scores that are none
    y, s = np.asarray(y), np.asarray(s, float)
    order = np.argsort(-s, kind="stable")
    last = np.append(np.flatnonzero(np.diff(s[order])), len(s) - 1)  # of each set of equal scores
    counted = np.asarray(weights)[:, order]
    found = [np.cumsum(counted * (y[order] == of), 1)[:, last] for of in (0, 1)]
    return [np.pad(x / x[:, -1:], ((0, 0), (1, 0))) for x in found]


# ---- distances ----------------------------------------------------------------------------------


def distances(samples, real, neighbours=1):
    """Euclidean distance of each sample's features (n, d) to its k-th nearest real row -> (n,).

    real (m, d) are features of patients that no generator saw. Copies of training images are as
    near to them as fresh images are, and win against any honest generator: draw the memoriser's
    curve beside. m must be equal where curves are compared. ValueError for features that do not fit
    and for more neighbours than rows.
    """
    samples, real = (np.asarray(x, np.float64) for x in (samples, real))
    if samples.ndim != 2 or real.ndim != 2 or samples.shape[1] != real.shape[1] or not len(samples):
        raise ValueError(f"samples {samples.shape} and real {real.shape} must be (n, d), one d")
    if not 1 <= neighbours <= len(real):
        raise ValueError(f"neighbours is {neighbours}: pass a number from 1 to {len(real)}")
    finder = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(real)
    return finder.kneighbors(samples)[0][:, -1]


def cdf(values, at):
    """Share of `values` (n,) up to each of `at`, an increasing array or a number: in [0, 1]."""
    values = np.asarray(values, float)
    if values.ndim != 1 or not len(values) or np.isnan(values).any():
        raise ValueError(f"values {values.shape} must be a non-empty vector without NaN")
    return np.searchsorted(np.sort(values), at, side="right") / len(values)


def nearer(arm, oracle, level=0.95):
    """P(distance of the arm < distance of a fresh phantom), ties half: (value, lo, hi).

    arm (n,), oracle (m,): `distances` to the same real rows; 0.5 for samples of the real law, above
    for samples that crowd round real ones, as copies and averages do. DeLong interval, nan where
    one set is wholly nearer.
    """
    y = np.repeat([1, 0], [len(arm), len(oracle)])
    return auc(y, -np.concatenate([arm, oracle]), level)


# ---- statistics ---------------------------------------------------------------------------------


def split_null(statistics, subjects, n, rng, splits=20):
    """What `scaled_w1` reads between two sets of n real images of different subjects.

    statistics {name: (N,)}, as of `texture.first_order` and `texture.glcm_statistics`; subjects
    (N,). Returns {name: (mean, SD) over `splits` random halves, or None where a half has no finite
    value}. An arm of n images is as good as real ones when it reads no more.
    """
    for name, values in statistics.items():
        if np.shape(values) != np.shape(subjects):
            raise ValueError(f"{name} {np.shape(values)} must have one value for each of subjects")
    drawn = [halves(subjects, n, rng) for _ in range(splits)]
    found = {
        name: [scaled_w1(np.asarray(x)[a], np.asarray(x)[b]) for a, b in drawn]
        for name, x in statistics.items()
    }
    return {
        name: None if None in x else (float(np.mean(x)), float(np.std(x)))
        for name, x in found.items()
    }
