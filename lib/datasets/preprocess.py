"""The preprocessing of PA-VAE, section 4: clip, equalise, z-score, rescale to [0, 1].

The last two steps together are affine, so they undo each other up to the range; they are kept as
the paper prints them. Equalisation removes most of the contrast shifts that the scanner adds.
"""

import numpy as np
from skimage.exposure import equalize_adapthist, equalize_hist

CLIP = (0.5, 99.5)  # percentiles, paper section 4
BINS = 256  # of the histogram equalisation; the paper gives none


def preprocess(images: np.ndarray, clahe: bool = False) -> np.ndarray:
    """Preprocess grey images (N, H, W) in any finite range; returns float32 (N, H, W) in [0, 1].

    clahe: contrast-limited adaptive equalisation in place of the global one (robustness sweep).
    Raises ValueError for a wrong shape, NaN or infinite values, and constant images.
    """
    images = np.asarray(images)
    check_images(images)
    low, high = np.percentile(images, CLIP, axis=(1, 2), keepdims=True)
    if (high <= low).any():
        at = int(np.flatnonzero((high <= low).ravel())[0])
        raise ValueError(f"image {at} is constant between its clip percentiles; remove it.")
    clipped = (np.clip(images, low, high) - low) / (high - low)
    equalise = equalize_adapthist if clahe else equalize_hist
    equal = np.stack([equalise(image, nbins=BINS) for image in clipped])
    z = equal - equal.mean(axis=(1, 2), keepdims=True)
    z /= equal.std(axis=(1, 2), keepdims=True)
    z -= z.min(axis=(1, 2), keepdims=True)
    return (z / z.max(axis=(1, 2), keepdims=True)).astype(np.float32)


def check_images(images: np.ndarray, unit_range: bool = False) -> None:
    """Raise ValueError unless images is (N, H, W), finite and, if asked, inside [0, 1]."""
    if images.ndim != 3 or not images.size:
        raise ValueError(f"images must be (N, H, W) with N >= 1; got shape {images.shape}.")
    if not np.isfinite(images).all():
        raise ValueError("images hold NaN or infinite values; repair or drop these images.")
    if unit_range and (images.min() < 0 or images.max() > 1):
        span = f"[{images.min():.3g}, {images.max():.3g}]"
        raise ValueError(f"images must lie in [0, 1] but span {span}; run preprocess first.")
