"""A model observer: how well a linear reader tells an image with a known lesion from one without.

The channelised Hotelling observer (Myers and Barrett 1987) sees an image through a few channels and
weighs them as the covariance of healthy images says. It is told the lesion's place and shape, and
not the anatomy: noise and other people's anatomy limit it. It is no network and no person.
"""

import numpy as np
from scipy.special import eval_laguerre
from scipy.stats import norm

CHANNELS = 8
NARROWEST = 6.0  # pixels, width of the channels of the smallest lesion


def channels(mask: np.ndarray, count: int = CHANNELS) -> np.ndarray:
    """Laguerre-Gauss channels (count, H W) about the middle of a mask (H, W).

    exp(-pi r^2 / a^2) L_j(2 pi r^2 / a^2), a the diameter of a disc as large as the mask (Gallas
    and Barrett 2003). Orthogonal, each of length about 1. ValueError for an empty mask.
    """
    if not np.any(mask):
        raise ValueError("the mask is empty; give one with the lesion's place.")
    middle = [axis.mean() for axis in np.nonzero(mask)]
    width = max(NARROWEST, 2 * np.sqrt(np.sum(mask > 0) / np.pi))
    rows, columns = np.indices(mask.shape)
    square = 2 * np.pi * ((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2) / width**2
    found = [np.exp(-square / 2) * eval_laguerre(j, square) for j in range(count)]
    return np.sqrt(2) / width * np.stack(found).reshape(count, -1)


def detectability(signal: np.ndarray, healthy: np.ndarray, mask: np.ndarray) -> float:
    """d' of a signal (H, W) on healthy images (N, H, W) of one grey scale, through `channels`.

    d'^2 = s_c' K_c^-1 s_c with K_c the covariance of the healthy images in the C channels. The
    inverse of a covariance from N images is too large by (N - 1) / (N - C - 2), which is taken
    off. 0 without a signal. ValueError for too few images.
    """
    if not np.any(signal):
        return 0.0
    seen = channels(mask)
    n, c = len(healthy), len(seen)
    if n < c + 3:
        raise ValueError(f"{n} healthy images are too few for {c} channels; give {c + 3} or more.")
    covariance = np.cov(healthy.reshape(n, -1).astype(np.float64) @ seen.T, rowvar=False)
    s = seen @ signal.ravel().astype(np.float64)
    squared = s @ np.linalg.solve(covariance, s) * (n - c - 2) / (n - 1)
    return float(np.sqrt(squared))


def correct(d: float | np.ndarray) -> float | np.ndarray:
    """Probability of picking the image with the lesion out of two; also the area under the ROC."""
    return norm.cdf(d / np.sqrt(2))
