"""Does one set of features tell of another: cosine coupling C and mutual information (nats).

PathoSyn's Table 1 asks it of frozen features of the substrate and of the deviation field. Features
are (n, d) arrays; row i of `a` belongs to row i of `b`. Every number here has a null:
`permuted` pairs the rows anew, and `chance` says what C reads in d dimensions.

Two traps. C near zero is not independence: any two independent directions of many dimensions are
nearly orthogonal, and so are a vector and its image under most deterministic maps. An estimate of
mutual information by neighbours falls towards zero with dimensions: use few, and compare with a
known truth.
"""

from collections.abc import Callable

import numpy as np
from scipy.spatial import KDTree
from scipy.special import digamma, gammaln, ndtri
from scipy.stats import ortho_group, rankdata

MOST = 4  # dimensions a side that `neighbour_information` takes: at 8 it loses more than half


def _pair(a, b, least=2):
    """Two float64 feature sets with equally many rows; ValueError otherwise."""
    a, b = (np.asarray(x, np.float64) for x in (a, b))
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b) or not a.shape[1] or not b.shape[1]:
        raise ValueError(f"a {a.shape} and b {b.shape} must be (n, d) features, paired row by row")
    if len(a) < least:
        raise ValueError(f"a and b have {len(a)} rows; pass {least} or more")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a and b must be finite: drop the rows with NaN or infinite features")
    return a, b


# ---- cosine coupling ----------------------------------------------------------------------------


def cosines(a, b, centred=True):
    """Absolute cosine of each pair of rows, (n, d) twice -> (n,) in [0, 1].

    centred: each set's mean is taken off first. Features behind a ReLU are all positive, and raw
    ones of independent images read 1/pi or more. A row of zeros reads 0; ValueError for sets of
    different d, and for centred features that do not vary.
    """
    a, b = _pair(a, b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"a has {a.shape[1]} features and b {b.shape[1]}: take one encoder")
    if centred:
        if not np.ptp(a, axis=0).any() or not np.ptp(b, axis=0).any():
            raise ValueError("a or b is one row repeated: centred features need rows that differ")
        a, b = a - a.mean(0), b - b.mean(0)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.abs((a * b).sum(1)) / np.where(lengths > 0, lengths, 1.0)


def coupling(a, b, centred=True):
    """PathoSyn's feature orthogonality C: the mean of `cosines`, a float in [0, 1].

    The paper gives the absolute cosine of f_sub and f_res and does not say how pairs are averaged,
    nor whether features are centred.
    """
    return float(cosines(a, b, centred).mean())


def chance(d):
    """What C reads for independent directions, uniform in d dimensions: E|cos|.

    Gamma(d/2) / (sqrt(pi) Gamma((d + 1)/2)), near sqrt(2 / (pi d)). The paper's 0.072 is the chance
    level of 123 dimensions. d may be fractional, see `joint_dimension`; ValueError below 1.
    """
    if not d >= 1:
        raise ValueError(f"d is {d}: pass the number of dimensions, 1 or more")
    return float(np.exp(gammaln(d / 2) - gammaln((d + 1) / 2)) / np.sqrt(np.pi))


def joint_dimension(a, b):
    """Dimensions that two feature sets share, tr(A) tr(B) / tr(A B) of their covariances, >= 1.

    For isotropic features it is d. Features with a few strong directions have a far higher chance
    level than d says: E (a.b)^2 = tr(A B) for independent centred a, b. ValueError where the
    covariances have no direction in common.
    """
    a, b = _pair(a, b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"a has {a.shape[1]} features and b {b.shape[1]}: take one encoder")
    one, two = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    shared = (one * two).sum()
    if shared <= 0:
        raise ValueError("a and b vary in no common direction, or not at all: C has no chance")
    return float(np.trace(one) * np.trace(two) / shared)


# ---- mutual information -------------------------------------------------------------------------


def gaussian_information(covariance, d):
    """Mutual information (nats) of the first d and the other dimensions of a Gaussian.

    (log det A + log det B - log det AB) / 2, covariance (d + e, d + e) of full rank.
    """
    covariance = np.atleast_2d(np.asarray(covariance, np.float64))
    parts = covariance[:d, :d], covariance[d:, d:], covariance
    if covariance.shape[0] != covariance.shape[1] or not 0 < d < len(covariance):
        raise ValueError(f"covariance {covariance.shape} must be square and larger than d = {d}")
    signs, (one, two, both) = np.transpose([np.linalg.slogdet(part) for part in parts])
    if (signs <= 0).any():
        raise ValueError("covariance must be of full rank: take fewer dimensions or more rows")
    return float((one + two - both) / 2)


def copula_information(a, b):
    """Gaussian-copula mutual information, bias corrected, in nats. Ince et al. 2017.

    Each column is turned into the normal scores of its ranks; the information of a Gaussian with
    their covariance, less the bias of n rows. A lower bound of the truth up to sampling: dependence
    that leaves the Gaussian copula uncorrelated is not seen. Two independent sets read about 0 and
    may read less. ValueError unless n > d + e + 1.
    """
    a, b = _pair(a, b)
    n, d, e = len(a), a.shape[1], b.shape[1]
    if n <= d + e + 1:
        raise ValueError(f"{n} rows of {d} + {e} features in a and b: take more than {d + e + 1}")
    scores = ndtri(rankdata(np.hstack([a, b]), axis=0) / (n + 1))
    found = gaussian_information(np.cov(scores, rowvar=False), d)
    return found - (_log_bias(d, n) + _log_bias(e, n) - _log_bias(d + e, n)) / 2


def _log_bias(d, n):
    """E log det of the covariance of n rows of d standard normal numbers, which should be 0."""
    return d * np.log(2 / (n - 1)) + digamma((n - np.arange(1, d + 1)) / 2).sum()


def neighbour_information(a, b, neighbours=4):
    """Mutual information in nats from distances to neighbours: estimator 1 of Kraskov et al. 2004.

    psi(k) + psi(n) - <psi(n_a + 1) + psi(n_b + 1)>, where n_a counts the rows whose a is nearer
    than the k-th neighbour in (a, b), by the largest difference of any column. Columns are divided
    by their SD first. Sees any dependence, if it is smooth on the scale of n rows; may be slightly
    negative. Trap: it falls towards 0 with dimensions (a truth of 0.50 reads 0.34 with 4 a side and
    0.08 with 16, n = 2,000), so more than 4 a side are refused: take `principal` components.
    ValueError also for columns that do not vary and for values that repeat.
    """
    a, b = _pair(a, b)
    if max(a.shape[1], b.shape[1]) > MOST:
        raise ValueError(f"a {a.shape} and b {b.shape} have over {MOST} columns: use `principal`")
    if not 1 <= neighbours < len(a):
        raise ValueError(f"neighbours is {neighbours}: pass a number from 1 to {len(a) - 1}")
    if not np.ptp(a, axis=0).all() or not np.ptp(b, axis=0).all():
        raise ValueError("a or b has a column that does not vary: leave it out")
    a, b = a / a.std(0), b / b.std(0)
    both = np.hstack([a, b])
    reach = KDTree(both).query(both, neighbours + 1, p=np.inf)[0][:, -1]
    if not reach.all():
        raise ValueError("rows of a and b repeat: neighbours need continuous values, one row each")
    inside = np.nextafter(reach, 0)  # strictly nearer
    near = [KDTree(x).query_ball_point(x, inside, p=np.inf, return_length=True) for x in (a, b)]
    counts = digamma(near[0]) + digamma(near[1])  # the row itself is counted: n_a + 1
    return float(digamma(neighbours) + digamma(len(a)) - counts.mean())


def principal(reference, components=2) -> Callable[[np.ndarray], np.ndarray]:
    """A projection (n, d) -> (n, components) onto the principal components of reference features.

    Fit it on other data than it is used on. Components are centred, and of unit variance over the
    reference. ValueError where the reference has fewer directions than that.
    """
    x, _ = _pair(reference, reference)
    mean = x.mean(0)
    _, spread, axes = np.linalg.svd(x - mean, full_matrices=False)
    if not 1 <= components <= (spread > 1e-10 * spread[0]).sum():
        raise ValueError(
            f"components is {components}: the reference {x.shape} varies in fewer directions, or "
            "none was asked"
        )
    basis = axes[:components].T / (spread[:components] / np.sqrt(len(x) - 1))
    return lambda features: (np.asarray(features, np.float64) - mean) @ basis


def rotated(features, rng: np.random.Generator):
    """Features (n, d) turned by one random rotation or reflection: a coupling that C cannot see.

    Each row gives its image and is given by it, yet for even features C reads `chance(d)`.
    """
    return features @ ortho_group.rvs(features.shape[1], random_state=rng)


# ---- null ---------------------------------------------------------------------------------------


def permuted(statistic: Callable, a, b, rng: np.random.Generator, n=200):
    """A statistic of paired rows beside its values when rows are paired at random.

    statistic(a, b) -> float, larger for dependent sets. Returns value, null (the mean of n random
    pairings), sd, and p = (1 + number of pairings that read as much) / (n + 1), one-sided. One row
    a subject: rows of one subject resemble each other, and then p is too small.
    """
    a, b = _pair(a, b)
    if n < 1:
        raise ValueError(f"n is {n}: ask for at least one random pairing")
    value = float(statistic(a, b))
    drawn = np.array([statistic(a, b[rng.permutation(len(b))]) for _ in range(n)])
    p = (1 + np.count_nonzero(drawn >= value)) / (n + 1)
    return {"value": value, "null": float(drawn.mean()), "sd": float(drawn.std()), "p": float(p)}
