"""How near are two sets of images: distances of feature clouds, and structural similarity.

Features are (n, d) arrays; images are (n, H, W) with values in [0, 1]. The Fréchet distance is on
features of a domain network, never of Inception: call it FD, not FID.
"""

import numpy as np
from skimage.metrics import structural_similarity
from sklearn.neighbors import NearestNeighbors


def _pair(a, b):
    """Two float64 feature sets of one width; ValueError otherwise, or with fewer than two rows."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"features {a.shape} and {b.shape} must be (n, d) with the same d")
    if min(len(a), len(b)) < 2:
        raise ValueError("each feature set needs at least two rows")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("features hold NaN or infinite values: drop these images or the network")
    return a, b


def frechet_gaussians(mean1, cov1, mean2, cov2):
    """Squared Fréchet distance of two Gaussians; means (d,), covariances (d, d).

    The trace of (S1 S2)^(1/2) is the sum of the square roots of the eigenvalues of the symmetric
    S1^(1/2) S2 S1^(1/2): no complex matrix root is needed.
    """
    values, vectors = np.linalg.eigh(cov1)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ cov2 @ root).clip(0)).sum()
    gap = np.asarray(mean1) - np.asarray(mean2)
    return float(gap @ gap + np.trace(cov1) + np.trace(cov2) - 2 * cross)


def frechet(a, b, few=False):
    """Squared Fréchet distance of two feature sets (n, d) and (m, d), in float64.

    Biased upwards by about `null_frechet(d, n)`: compare arms at equal n only. With n or m up to d
    a covariance is singular and the bias has no bound: ValueError, unless `few` says that the
    number is not going to be read (a smoke run).
    """
    a, b = _pair(a, b)
    if not few and min(len(a), len(b)) <= a.shape[1]:
        raise ValueError(f"{len(a)} and {len(b)} rows of {a.shape[1]} features: take more images")
    cov_a, cov_b = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    return frechet_gaussians(a.mean(axis=0), cov_a, b.mean(axis=0), cov_b)


def null_frechet(d, n):
    """What `frechet` reads for two samples of n whitened d-features of one law: d(d+1)/2n + 2d/n.

    Chong & Forsyth 2020; needs n well above d, else the covariances are singular.
    """
    if n <= d:
        raise ValueError(f"n={n} is not above d={d}: take more images or fewer features")
    return d * (d + 1) / (2 * n) + 2 * d / n


def frechet_infinity(a, b, rng, points=15):
    """Fréchet distance extrapolated to endless samples: intercept of a line in 1/n.

    Random subsets of `points` equal sizes, from the larger of 3d and a fifth of n, up to n.
    """
    a, b = _pair(a, b)
    most = min(len(a), len(b))
    least = max(3 * a.shape[1], most // 5, 2)
    if least >= most:
        raise ValueError(f"n={most} is too small for d={a.shape[1]}: at least 3d + 1 are needed")
    sizes = np.linspace(least, most, points).astype(int)
    subsets = [(rng.permutation(len(a))[:n], rng.permutation(len(b))[:n]) for n in sizes]
    values = [frechet(a[i], b[j]) for i, j in subsets]
    return float(np.polyfit(1 / sizes, values, 1)[1])


def kid(a, b):
    """Unbiased squared MMD with the kernel (x.y/d + 1)^3; may be below zero. Bińkowski 2018."""
    a, b = _pair(a, b)

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x):
        k = kernel(x, x)
        return (k.sum() - np.trace(k)) / (len(x) * (len(x) - 1))

    return float(within(a) + within(b) - 2 * kernel(a, b).mean())


def ssim(a, b):
    """Structural similarity of each pair of images, (n, H, W) and (n, H, W) -> (n,).

    Wang 2004: Gaussian window of sigma 1.5 (11 pixels), data range fixed at 1.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 3 or a.shape != b.shape:
        raise ValueError(f"images {a.shape} and {b.shape} must be two equal (n, H, W) stacks")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("images hold NaN or infinite values: repair or drop them")
    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    pairs = zip(a, b, strict=True)
    return np.array([structural_similarity(x, y, data_range=1.0, **wang) for x, y in pairs])


def nearest_ssim(samples, reference, candidates=5):
    """Best SSIM of each sample among its `candidates` nearest reference images by pixel distance.

    samples (n, H, W), reference (m, H, W) -> (n,). For generators without a reconstruction: it is
    not a paired SSIM and a copier wins it.
    """
    samples, reference = np.asarray(samples), np.asarray(reference)
    finder = NearestNeighbors(n_neighbors=min(candidates, len(reference)), algorithm="brute")
    finder.fit(reference.reshape(len(reference), -1))
    found = finder.kneighbors(samples.reshape(len(samples), -1), return_distance=False)
    return np.max([ssim(samples, reference[column]) for column in found.T], axis=0)
