"""How sharp and how noisy are images, how steep the lesion's border, is there an up-sampling grid?

Images are (n, H, W), masks (n, H, W). What the dHVAE paper judges by eye in section 4.6.1. Lack of
noise and lack of detail both lower the power at high frequencies; `detail` is taken in a band below
those where sensor noise shows.
"""

import numpy as np
from scipy import ndimage

from lib.metrics.masks import stack

FLOOR = 1 / (12 * 255**2)  # variance of rounding to 8 bits: what no one can see
BAND = (6, 12)  # cycles per image, wavelengths of 5 to 11 pixels of 64: ribs, vessels, borders
LAPLACE = np.outer([1, -2, 1], [1, -2, 1])


def _images(images, least):
    images = np.asarray(images, np.float64)
    if images.ndim != 3 or not len(images) or min(images.shape[1:]) < least:
        raise ValueError(f"images {images.shape} must be (n, H, W) with sides of {least} or more")
    return images


def laplacian_variance(images, tail=0.005):
    """Variance of the Laplacian of each image, (n, H, W) -> (n,); a set's sharpness is its mean.

    Four-neighbour Laplacian without the border pixels (Pech-Pacheco 2000), its lowest and highest
    `tail` share drawn in to the quantiles, so that a few hot pixels do not read as sharp.
    Ignores an offset; grows with the square of the contrast, so compare images on one grey scale.
    Trap: noise is sharp. Print the value of real images beside it.
    """
    x = _images(images, 3)
    inner = x[:, 1:-1, 1:-1]
    around = x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
    laplacian = (around - 4 * inner).reshape(len(x), -1)
    lo, hi = np.quantile(laplacian, [tail, 1 - tail], axis=1)
    return laplacian.clip(lo[:, None], hi[:, None]).var(axis=1)


def edge_slope(images, masks, ring=3, least=0.02):
    """Steepness of each lesion's border, in its contrast per pixel: (n,), 0.5 for a perfect step.

    Mean gradient magnitude (central differences) over the pixels on both sides of the mask's
    contour, divided by |mean inside - mean of the `ring` pixels around|. Ignores offset and scale.
    NaN for an empty or full mask and for a contrast below `least` (grey units): report how many.
    Traps: noise and anatomy at the border add to the gradient, so values above 0.5 occur; a mask
    that misses its lesion reads flat or steep at random.
    """
    x, masks = _images(images, 3), stack(masks)
    if x.shape != masks.shape:
        raise ValueError(f"images {x.shape} and masks {masks.shape} must have one shape")
    plane = np.zeros((3, 3, 3), bool)
    plane[1] = ndimage.generate_binary_structure(2, 1)  # four neighbours, in the same image
    inside = ndimage.binary_erosion(masks, plane, border_value=1)  # the image's end is no border
    outside = ndimage.binary_dilation(masks, plane)
    around = ndimage.binary_dilation(masks, plane, ring) & ~masks
    gradient = np.hypot(*np.gradient(x, axis=(1, 2)))

    def average(values, where):
        size = where.sum(axis=(1, 2))
        return np.sum(values, axis=(1, 2), where=where) / np.where(size, size, np.nan)

    contrast = abs(average(x, masks) - average(x, around))
    return average(gradient, outside & ~inside) / np.where(contrast >= least, contrast, np.nan)


def rim_step(images, masks):
    """Mean |x(p) - x(q)| over all pairs of neighbours with p inside the mask and q outside: (n,).

    Grey units; the neighbours are above, below, left and right. It is not divided by the lesion's
    contrast as `edge_slope` is, and so defined where there is none. NaN for an empty or full mask.
    Trap: the anatomy has edges too, so that only the value of true lesions says what is too much.
    """
    x, masks = _images(images, 2), stack(masks)
    if x.shape != masks.shape:
        raise ValueError(f"images {x.shape} and masks {masks.shape} must have one shape")
    step, count = np.zeros(len(x)), np.zeros(len(x))
    for axis in (1, 2):
        rim = np.diff(masks, axis=axis)
        step += np.sum(abs(np.diff(x, axis=axis)), axis=(1, 2), where=rim)
        count += rim.sum(axis=(1, 2))
    return step / np.where(count, count, np.nan)


def checkerboard(images):
    """Excess of spectral power at the up-sampling grid: 1 = none, higher = checkerboard artefacts.

    Mean power spectrum of the set (Hann window), summed over the other axis; along both axes the
    power at Nyquist and at half of it (periods 2 and 4 pixels: one or two doublings
    of resolution, Odena 2016) over what its neighbours 3 to 6 bins away predict; mean of the four
    ratios. The prediction is log-quadratic in the distance, exact for Gaussian blur.
    Ignores an offset, and the common scale of the images as far as their power lies above the
    `FLOOR` of 8-bit rounding. Stride 8 and more is not seen. H and W must be multiples of 4, at
    least 32.
    """
    x = _images(images, 32)
    height, width = x.shape[1:]
    if height % 4 or width % 4:
        raise ValueError(f"images {x.shape} must have sides that are multiples of 4: crop them")
    window = np.outer(np.hanning(height + 1)[:-1], np.hanning(width + 1)[:-1])
    power = np.mean(abs(np.fft.fft2(x * window)) ** 2, axis=0) + FLOOR * (window**2).sum()
    ratios = [_excess(power.sum(axis=other)) for other in (0, 1)]
    return float(np.mean(ratios))


def _excess(power, near=3, far=6):
    """Power at Nyquist and at half of it over its prediction, of one full spectrum (n,) -> (2,)."""
    away = np.arange(near, far + 1)
    found = []
    for at in (len(power) // 2, len(power) // 4):
        level = (np.log(power[at - away]) + np.log(power[at + away])) / 2
        found.append(np.log(power[at]) - np.polynomial.Polynomial.fit(away**2, level, 1)(0))
    return np.exp(found)


def noise_sd(image, inside=np.s_[..., 1:-1, 1:-1]):
    """SD of white noise in grey units, of one image (H, W).

    Immerkaer 1996 with the robust median for the mean: the difference of two Laplacians passes
    white noise and hardly any structure. `inside` selects the pixels (default: all but the
    border). Correlated noise reads too low, dense texture too high.
    """
    found = np.abs(ndimage.convolve(image, LAPLACE.astype(image.dtype)))[inside]
    return float(np.median(found)) / 0.6745 / 6


def noise_level(images):
    """Mean of `noise_sd` over images (n, H, W)."""
    return float(np.mean([noise_sd(image) for image in images]))


def rings(side):
    """Cycles per image, rounded down, of every frequency of a (side, side) transform, flat."""
    cycles = np.fft.fftfreq(side, 1 / side)
    return np.hypot(*np.meshgrid(cycles, cycles)).astype(int).ravel()


def spectrum(images):
    """Mean power of images (n, H, H) by whole cycles per image, 0 to H/2, in a Hann window."""
    h = images.shape[1]
    window = np.outer(np.hanning(h), np.hanning(h)).astype(images.dtype)
    plain = (images - images.mean((1, 2), keepdims=True)) * window
    power = (np.abs(np.fft.fft2(plain)) ** 2).mean(0)
    return (np.bincount(rings(h), power.ravel()) / np.bincount(rings(h)))[: h // 2 + 1]


def in_band(power):
    """Geometric mean of a spectrum over BAND, in which every frequency counts alike."""
    low, high = BAND
    return float(np.exp(np.log(power[low : high + 1]).mean()))


def detail(images):
    """Power in BAND of images (n, H, H)."""
    return in_band(spectrum(images))
