"""Do samples repeat the training images: nearest-neighbour tests against an equal hold-out.

Arguments are arrays (n, ...): images or features, flattened here. A null result reads "no copying
detected"; these tests miss many leaks.
"""

import numpy as np
from sklearn.neighbors import NearestNeighbors
from statsmodels.stats.proportion import proportion_confint

from lib.metrics.classification import auc


def _flat(*sets):
    """Each set as a float64 (n, d) matrix; ValueError unless all have the same d and a row."""
    flat = [np.asarray(x, np.float64).reshape(len(x), -1) for x in sets]
    if len({x.shape[1] for x in flat}) != 1 or not all(len(x) for x in flat):
        raise ValueError(f"sets {[np.shape(x) for x in sets]} must hold items of one shape")
    return flat


def nearest(queries, pool):
    """Euclidean distance of each query (n, d) to its nearest pool item (m, d) -> (n,)."""
    finder = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(pool)
    return finder.kneighbors(queries)[0][:, 0]


def _equal_pools(samples, train, holdout):
    samples, train, holdout = _flat(samples, train, holdout)
    if len(train) != len(holdout):
        raise ValueError(
            f"train has {len(train)} items and holdout {len(holdout)}: draw equal numbers, "
            "or the larger set is nearer by size alone"
        )
    return samples, train, holdout


def nn_share(samples, train, holdout, level=0.95):
    """Share of samples nearer to train than to an equal hold-out, as (share, lo, hi); null 0.5.

    Ties are left out; with nothing but ties the answer is (0.5, 0, 1). Exact (Clopper-Pearson)
    interval over the samples, for these two sets.
    """
    samples, train, holdout = _equal_pools(samples, train, holdout)
    gap = nearest(samples, holdout) - nearest(samples, train)
    wins, decided = int((gap > 0).sum()), int((gap != 0).sum())
    if not decided:
        return 0.5, 0.0, 1.0
    lo, hi = proportion_confint(wins, decided, alpha=1 - level, method="beta")
    return wins / decided, float(lo), float(hi)


def nn_mia(samples, train, holdout, level=0.95):
    """Membership inference: AUC of nearness to the nearest sample, members = train; null 0.5.

    Returns (auc, lo, hi) with the DeLong interval.
    """
    samples, train, holdout = _equal_pools(samples, train, holdout)
    nearness = -np.concatenate([nearest(train, samples), nearest(holdout, samples)])
    member = np.repeat([1, 0], [len(train), len(holdout)])
    return auc(member, nearness, level)
