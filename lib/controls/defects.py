"""Pools with one defect added or mended, to see what each defect of generated images costs."""

import numpy as np
from scipy.ndimage import convolve, gaussian_filter

from lib.jobs import Result

LAPLACE = np.outer([1, -2, 1], [1, -2, 1])


def noise_level(images: np.ndarray) -> float:
    """Mean standard deviation of the noise in images (N, H, W), grey units (Immerkaer 1996).

    The difference of two Laplacians passes white noise and hardly any structure.
    """
    found = convolve(images, LAPLACE[None].astype(images.dtype))[:, 1:-1, 1:-1]
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(found).mean())


def renoised(pool: Result, real: Result, n: int, stream: list[int]) -> Result:
    """Job: a pool with white noise added until its noise level is that of the first n real images.

    Scores: sigma of the added noise and the levels before and after. A pool that is as noisy as
    real images already stays as it is.
    """
    images = pool.arrays["image"]
    target, found = noise_level(real.arrays["image"][:n]), noise_level(images)
    sigma = float(np.sqrt(max(0.0, target**2 - found**2)))
    noise = np.random.default_rng(stream).standard_normal(images.shape, dtype=np.float32)
    noisy = (images + sigma * noise).clip(0, 1)
    scores = {"sigma": sigma, "real": target, "before": found, "after": noise_level(noisy)}
    return Result({"image": noisy, "label": pool.arrays["label"]}, scores)


def blurred(pool: Result, sigma: float) -> Result:
    """Job: a pool blurred by a Gaussian of `sigma` pixels."""
    images = gaussian_filter(pool.arrays["image"], sigma=(0, sigma, sigma))
    return Result({"image": images, "label": pool.arrays["label"]}, {"sigma": sigma})


def mislabelled(pool: Result, rate: float, stream: list[int]) -> Result:
    """Job: a pool in which a share `rate` of the labels is another class, drawn at random."""
    rng = np.random.default_rng(stream)
    labels = pool.arrays["label"]
    wrong = (labels + rng.integers(1, 3, len(labels))) % 3
    labels = np.where(rng.random(len(labels)) < rate, wrong, labels)
    return Result({"image": pool.arrays["image"], "label": labels}, {"rate": rate})
