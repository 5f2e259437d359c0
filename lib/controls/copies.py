"""Arms that generate nothing new: noisy and blurred copies of the training images.

A gain that `smooth` matches is regularisation, not pathology; `memoriser` shows what copying does
to fidelity and memorisation scores.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from lib.jobs import Result

NOISE = 0.05  # standard deviation of the memoriser's noise, grey units of [0, 1]
BLUR = 1.0  # standard deviation of the blur, pixels


def memorise(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same images (N, H, W) with fresh noise, clipped to [0, 1]."""
    noise = rng.normal(0, NOISE, images.shape).astype(np.float32)
    return (images + noise).clip(0, 1)


def smooth(images: np.ndarray) -> np.ndarray:
    """The same images (N, H, W), each blurred."""
    return gaussian_filter(images, sigma=(0, BLUR, BLUR))


def pool(data: Result, labelled: int, n: int, kind: str, stream: list[int]) -> Result:
    """Job: n copies of the first `labelled` images, in order: "same", "noisy" or "blurred"."""
    at = np.arange(n) % labelled
    images, labels = data.arrays["image"][at], data.arrays["label"][at]
    make = {
        "same": lambda: images,
        "noisy": lambda: memorise(images, np.random.default_rng(stream)),
        "blurred": lambda: smooth(images),
    }
    if kind not in make:
        raise ValueError(f"kind {kind!r} is unknown; choose one of {sorted(make)}.")
    return Result({"image": make[kind](), "label": labels}, {"n": n})


def shuffled(pool: Result, stream: list[int]) -> Result:
    """Job: a pool with its labels permuted among its images."""
    order = np.random.default_rng(stream).permutation(len(pool.arrays["label"]))
    arrays = {"image": pool.arrays["image"], "label": pool.arrays["label"][order]}
    return Result(arrays, {"n": len(order)})
