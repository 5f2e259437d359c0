"""The preprocessing of PA-VAE, section 4: clip, equalise, z-score, rescale to [0, 1].

The last two steps together are affine, so they undo each other up to the range; they are kept as
the paper prints them. Equalisation removes most of the contrast shifts that the scanner adds.
"""

import numpy as np
from skimage.exposure import equalize_adapthist, equalize_hist

from lib.datasets.checks import check_images

CLIP = (0.5, 99.5)  # percentiles, paper section 4
BINS = 256  # of the histogram equalisation; the paper gives none


def preprocess(images: np.ndarray, clahe: bool = False) -> np.ndarray:
    """Preprocess grey images (N, H, W) in any finite range; returns float32 (N, H, W) in [0, 1].

    clahe: contrast-limited adaptive equalisation in place of the global one (robustness sweep).
    Raises ValueError for a wrong shape or type (bool, object), NaN or infinite values, and constant
    images.
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
