"""Texture inside lesions: first-order statistics and grey-level co-occurrence, compared by W1.

Images are (n, H, W) in [0, 1], masks (n, H, W), row i of one belongs to row i of the other.
"""

import numpy as np
from scipy.stats import entropy
from skimage.feature import graycomatrix, graycoprops

from lib.metrics.masks import scaled_w1, stack

LEVELS = 32  # bins of fixed width 1/32: a bin means the same grey in every lesion
DISTANCES, ANGLES = (1, 2), (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
LEAST = 12  # pixels of the smallest lesion that is measured
LAG = 2  # pixels between those whose second difference is taken: waves of about 3 to 8 pixels
FIRST_ORDER = ("mean", "sd", "skewness", "kurtosis")
GLCM = ("contrast", "homogeneity", "energy", "correlation")


def _lesions(images, masks):
    """Image and mask stacks after the checks all functions here share."""
    images, masks = np.asarray(images), stack(masks)
    if images.shape != masks.shape:
        raise ValueError(f"images {images.shape} and masks {masks.shape} must have one shape")
    if not (images.min() >= 0 and images.max() <= 1):
        raise ValueError("images must lie in [0, 1]: scale or clip them, grey bins are fixed")
    return images, masks


def cooccurrence(image, mask, levels=LEVELS):
    """Counts of the grey levels of neighbouring lesion pixels, (H, W) twice -> (levels, levels).

    Symmetric; summed over the distances 1 and 2 and four angles, so that a lesion too thin for one
    of them still counts. Pairs with a pixel outside the mask are left out: outside is coded 0 and
    row and column 0 are dropped. skimage rounds distance 2 on a diagonal to the pair at (1, 1),
    which therefore counts twice.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    grey = np.minimum((image[box] * levels).astype(np.uint8), levels - 1) + np.uint8(1)
    coded = np.where(mask[box], grey, np.uint8(0))
    counts = graycomatrix(coded, DISTANCES, ANGLES, levels + 1, symmetric=True, normed=False)
    return counts[1:, 1:].sum(axis=(2, 3))


def glcm_statistics(images, masks, least=LEAST):
    """Haralick 1973 descriptors of each lesion: {descriptor: (n,) float}.

    `cooccurrence` at 32 levels, normalised to one; contrast (levels squared), homogeneity, energy
    (root of the sum of squares) and correlation as in skimage's `graycoprops`; a constant lesion
    has correlation 1. Lesions of fewer than `least` pixels, or without a pair of neighbours, are
    NaN. Trap: the values depend on the bin width and on noise; compare equal sources only.
    """
    images, masks = _lesions(images, masks)
    found = {name: np.full(len(images), np.nan) for name in GLCM}
    at = np.flatnonzero(masks.sum(axis=(1, 2)) >= least)
    counts = [cooccurrence(images[i], masks[i]) for i in at]
    paired = np.array([c.any() for c in counts], bool)
    if paired.any():
        matrices = np.stack([c for c in counts if c.any()], axis=-1)  # graycoprops normalises each
        for name in GLCM:
            found[name][at[paired]] = graycoprops(matrices[..., None], name)[:, 0]
    return found


def glcm_entropy(images, masks, least=LEAST):
    """Entropy of each lesion's normalised `cooccurrence`, (n,) in nats: Haralick 1973, f9.

    0 for a constant lesion. NaN as in `glcm_statistics`. Traps: noise alone raises it, and few
    pixels keep it low: compare sets whose lesions have the same sizes.
    """
    images, masks = _lesions(images, masks)
    found = np.full(len(images), np.nan)
    for i in np.flatnonzero(masks.sum(axis=(1, 2)) >= least):
        counts = cooccurrence(images[i], masks[i])
        found[i] = entropy(counts, axis=None) if counts.any() else np.nan
    return found


def high_frequency(images, masks, lag=LAG, least=LEAST):
    """Power of each lesion's texture at high frequencies, (n,) in squared grey units.

    A sixth of the mean square of x(p - lag) - 2 x(p) + x(p + lag) along rows and along columns,
    over all p for which the three pixels lie inside the mask: neither what is outside nor a ramp
    counts. White noise reads its variance, a wave of P pixels along one axis half of its variance
    times 8/3 sin^4(pi lag / P): half the peak at P = 8 and less above, with the lag of 2. Nothing
    is seen of P = 2, where there is noise rather than texture. NaN for lesions of fewer than
    `least` pixels, or with no three such pixels.
    """
    images, masks = _lesions(images, masks)
    power, count = np.zeros(len(images)), np.zeros(len(images))
    for axis in (1, 2):
        x, m = (np.moveaxis(each, axis, -1) for each in (images.astype(np.float64), masks))
        ends, middle = (slice(None, -2 * lag), slice(2 * lag, None)), slice(lag, -lag)
        inside = m[..., ends[0]] & m[..., middle] & m[..., ends[1]]
        bend = x[..., ends[0]] - 2 * x[..., middle] + x[..., ends[1]]
        power += np.sum(bend**2, axis=(1, 2), where=inside)
        count += inside.sum(axis=(1, 2))
    seen = (count > 0) & (masks.sum(axis=(1, 2)) >= least)
    return np.where(seen, power / (6 * np.maximum(count, 1)), np.nan)


def first_order(images, masks, least=LEAST):
    """Mean, SD, skewness and excess kurtosis of the grey values of each lesion: {name: (n,)}.

    Population moments; skewness and kurtosis of a constant lesion are 0. Lesions of fewer than
    `least` pixels are NaN.
    """
    images, masks = _lesions(images, masks)
    size = masks.sum(axis=(1, 2))
    at = size >= least
    images, masks, size = images[at].astype(np.float64), masks[at], size[at]

    def average(x):
        return np.sum(x, axis=(1, 2), where=masks) / size

    mean = average(images)
    gap = images - mean[:, None, None]
    sd = np.sqrt(average(gap**2))
    sd[sd < 1e-9] = 0.0  # a constant lesion, up to rounding
    scale = np.where(sd > 0, sd, np.inf)
    values = mean, sd, average(gap**3) / scale**3, average(gap**4) / scale**4 - 3 * (sd > 0)
    found = {name: np.full(len(at), np.nan) for name in FIRST_ORDER}
    for name, value in zip(FIRST_ORDER, values, strict=True):
        found[name][at] = value
    return found


def texture_distances(real, generated, least=LEAST):
    """`scaled_w1` of every first-order and GLCM statistic: {name: float, or None if none counts}.

    real and generated are (images, masks) pairs, sizes may differ. Print it beside the value of
    two real halves: it is never zero.
    """
    both = [first_order(*pair, least) | glcm_statistics(*pair, least) for pair in (real, generated)]
    return {name: scaled_w1(both[0][name], both[1][name]) for name in FIRST_ORDER + GLCM}


def w1_glcm(real, generated, least=LEAST):
    """Mean over the four GLCM descriptors of W1 in real standard deviations; None without lesions.

    real and generated are (images, masks) pairs. Texture as the W1 of one number at a time: joint
    changes of two descriptors are not seen, and blur, noise and contrast all move it.
    """
    both = [glcm_statistics(*pair, least) for pair in (real, generated)]
    found = [scaled_w1(both[0][name], both[1][name]) for name in GLCM]
    return None if None in found else float(np.mean(found))


def lesion_crops(images, masks, size=24):
    """The size x size window around each lesion's centroid, (n, H, W) -> (k, size, size).

    A window that would leave the image is shifted inwards, never padded. Images with an empty mask
    are left out, so k <= n: draw more where a distance needs equal numbers. Several components
    share one window; a lesion larger than the window is cut.
    """
    images, masks = np.asarray(images), stack(masks)
    if images.shape != masks.shape:
        raise ValueError(f"images {images.shape} and masks {masks.shape} must have one shape")
    if not 1 <= size <= min(images.shape[1:]):
        raise ValueError(f"size={size} must be from 1 to the side of the images {images.shape[1:]}")
    images, masks = images[masks.any(axis=(1, 2))], masks[masks.any(axis=(1, 2))]
    windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))
    corner = []
    for side, other in ((1, 2), (2, 1)):
        profile = masks.sum(axis=other)  # (k, side)
        centre = profile @ np.arange(images.shape[side]) / profile.sum(axis=1)
        first = np.rint(centre - (size - 1) / 2).astype(int)
        corner.append(first.clip(0, images.shape[side] - size))
    return windows[np.arange(len(images)), corner[0], corner[1]]
