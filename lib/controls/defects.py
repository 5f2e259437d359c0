"""Pools with one defect added or mended, to see what each defect of generated images costs."""

import numpy as np
from scipy.optimize import brentq

from lib.controls.copies import blur, noisy
from lib.jobs import Result
from lib.metrics.sharpness import detail, noise_level

WIDEST = 16.0  # standard deviation of the strongest blur, pixels


def renoised(pool: Result, real: Result, n: int, stream: list[int]) -> Result:
    """Job: a pool with white noise added until its noise level is that of the first n real images.

    Scores: sigma of the added noise and the levels before and after. A pool that is as noisy as
    real images already stays as it is.
    """
    images = pool.arrays["image"]
    target, before = noise_level(real.arrays["image"][:n]), noise_level(images)

    def missing(sigma: float) -> float:
        return target - noise_level(noisy(images[:n], sigma, np.random.default_rng(stream)))

    sigma = brentq(missing, 0, 2 * target, xtol=1e-4) if missing(0) > 0 else 0.0
    made = noisy(images, sigma, np.random.default_rng(stream))
    scores = {"sigma": sigma, "real": target, "before": before, "after": noise_level(made)}
    return Result({"image": made, "label": pool.arrays["label"]}, scores)


def blurred(pool: Result, sigma: float) -> Result:
    """Job: a pool blurred by a Gaussian of `sigma` pixels."""
    images = blur(pool.arrays["image"], sigma)
    return Result({"image": images, "label": pool.arrays["label"]}, {"sigma": sigma})


def blurred_like(pool: Result, like: Result, n: int) -> Result:
    """Job: a pool blurred by the Gaussian that brings its detail down to that of another pool.

    Both are measured on their first n images. Scores: sigma in pixels, the detail of the other
    pool and of this one before and after. A pool with less detail already stays as it is.
    """
    images, target = pool.arrays["image"], detail(like.arrays["image"][:n])

    def excess(sigma: float) -> float:
        return np.log(detail(blur(images[:n], sigma)) / target)

    sigma = brentq(excess, 0, WIDEST, xtol=0.01) if excess(0) > 0 else 0.0
    made = blur(images, sigma)
    scores = {"sigma": sigma, "target": target, "before": detail(images[:n])}
    scores["after"] = detail(made[:n])
    return Result({"image": made, "label": pool.arrays["label"]}, scores)


def mislabelled(pool: Result, rate: float, stream: list[int]) -> Result:
    """Job: a pool in which a share `rate` of the labels is another class, drawn at random."""
    rng = np.random.default_rng(stream)
    labels = pool.arrays["label"]
    wrong = (labels + rng.integers(1, 3, len(labels))) % 3
    labels = np.where(rng.random(len(labels)) < rate, wrong, labels)
    return Result({"image": pool.arrays["image"], "label": labels}, {"rate": rate})
