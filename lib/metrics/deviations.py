"""How near is a field of deviations to the true one: errors, shares of energy, rims, spectra.

Fields and images are (n, H, W), masks (n, H, W) of 0 and 1, row i of one belongs to row i of the
other. Functions of single lesions return (n,) floats with NaN where there is no number: a large
lesion counts as much as a small one. Errors are in the unit of the fields.
"""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import pearsonr

from lib.metrics.masks import stack
from lib.metrics.sharpness import rings, spectrum
from lib.metrics.texture import lesion_crops

SIDE = 24  # pixels of the window around a lesion whose spectrum is taken
BAND = (2, 8)  # cycles in that window: wavelengths of 3 to 12 pixels
BLUR = 1.0  # pixels, of the Gaussian under which directions are taken


def _mean(values, weights):
    """Weighted mean of each row of (n, H, W), NaN where all weights are 0, (n,)."""
    values, weights = np.asarray(values, np.float64), np.asarray(weights, np.float64)
    if values.shape != weights.shape or values.ndim != 3:
        raise ValueError(f"fields {values.shape} and weights {weights.shape} must be (n, H, W)")
    size = weights.sum((1, 2))
    return (values * weights).sum((1, 2)) / np.where(size > 0, size, np.nan)


def rmse(found, true, where):
    """Root mean square error of each field over its region, (n,)."""
    return np.sqrt(_mean(np.subtract(found, true, dtype=np.float64) ** 2, stack(where)))


def mean_error(found, true, weights):
    """Mean absolute error of each field with weights (n, H, W) of 0 or more, (n,)."""
    return _mean(np.abs(np.subtract(found, true, dtype=np.float64)), weights)


def share(field, where, within=None):
    """Share of each field's energy (sum of squares) that lies in a region, (n,) in [0, 1].

    `within`: only the energy of this region counts at all. NaN for a field without energy.
    """
    energy = np.asarray(field, np.float64) ** 2 * (1 if within is None else stack(within))
    return _mean(stack(where), energy)


def correlation(found, true, masks):
    """Correlation over all pixels of all masks, and the mean of the lesions' own: two floats.

    The first sees how strong lesions are and how they look inside, the second only the latter.
    None for pixels without spread; a lesion without any is left out of the second.
    """
    masks = stack(masks)
    pairs = [(f[m], t[m]) for f, t, m in zip(found, true, masks, strict=True)]
    each = [r for pair in pairs if (r := _pearson(*pair)) is not None]
    whole = _pearson(*(np.concatenate(side) for side in zip(*pairs, strict=True)))
    return whole, float(np.mean(each)) if each else None


def _pearson(a, b):
    if len(a) < 2 or not np.ptp(a) or not np.ptp(b):
        return None
    return float(pearsonr(a.astype(np.float64), b.astype(np.float64)).statistic)


def lesion_spectrum(deviations, masks):
    """Mean power of deviations in a Hann window of SIDE pixels around each lesion, (SIDE/2 + 1,).

    By whole cycles in the window (`sharpness.spectrum`), each window less its mean.
    """
    return spectrum(lesion_crops(np.asarray(deviations, np.float64), masks, SIDE))


def band_ratio(power, reference):
    """Power in BAND over the reference's: 1 is equal. None where the reference has none.

    Powers of all frequencies of the plane that lie in the band are added, as energy is.
    """
    size = np.bincount(rings(SIDE))[: len(power)]
    low, high = BAND
    one, other = ((p * size)[low : high + 1].sum() for p in (power, reference))
    return float(one / other) if other > 0 else None


def alignment(fields, tissue, masks):
    """How far the directions of a field's edges follow those of the tissue, a float in [-1, 1].

    Mean of cos 2(angle between both gradients) over the pixels of all masks, weighted by the
    product of their lengths: 1 along each other or opposite, 0 at random, -1 across. The doubled
    angle is that of structure tensors. Gradients are those of a Gaussian of BLUR pixels. None
    where nothing has an edge.
    """
    masks = stack(masks)
    if np.shape(fields) != masks.shape or np.shape(tissue) != masks.shape:
        raise ValueError(f"fields {np.shape(fields)} and tissue {np.shape(tissue)} must have the "
                         f"shape of the masks {masks.shape}")  # fmt: skip
    (ay, ax), (by, bx) = (_gradients(x) for x in (fields, tissue))
    length = np.hypot(ay, ax) * np.hypot(by, bx) * masks
    dot, cross = ay * by + ax * bx, ay * bx - ax * by
    doubled = np.divide(dot**2 - cross**2, length, out=np.zeros_like(length), where=length > 0)
    return float(doubled.sum() / length.sum()) if length.sum() > 0 else None


def _gradients(x):
    x = np.asarray(x, np.float64)
    orders = ((0, 1, 0), (0, 0, 1))
    return [gaussian_filter(x, (0, BLUR, BLUR), order, mode="nearest") for order in orders]


def variance(images, masks):
    """Mean over each mask of the variance over repeats, images (n, k, H, W) -> (n,).

    Unbiased; ValueError for fewer than two repeats.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1] < 2:
        raise ValueError(f"images {images.shape} must be (n, k, H, W) with k of 2 or more")
    return _mean(images.var(1, ddof=1, dtype=np.float64), stack(masks))


def slope(requested, measured):
    """Least-squares slope of measured on requested and its R2, each row about its own mean.

    (n, k) both: k requests for each of n lesions, so that what tells lesions apart is no part of
    the answer. Rows with NaN are left out. (None, None) where nothing was varied; R2 is None where
    nothing varies in the answer.
    """
    x, y = np.asarray(requested, np.float64), np.asarray(measured, np.float64)
    if x.shape != y.shape or x.ndim != 2:
        raise ValueError(f"requested {x.shape} and measured {y.shape} must be one (n, k)")
    whole = np.isfinite(x).all(1) & np.isfinite(y).all(1)
    x, y = (a[whole] - a[whole].mean(1, keepdims=True) for a in (x, y))
    if not (x**2).sum() > 0:
        return None, None
    b = float((x * y).sum() / (x**2).sum())
    return b, float(b * (x * y).sum() / (y**2).sum()) if (y**2).sum() > 0 else None
