"""How blurred is a pool, and fresh images blurred just as much.

Lack of noise and lack of detail both lower the power at high frequencies; the band measured here
lies below those where sensor noise shows, so it sees detail alone.
"""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import brentq

from lib.jobs import Result

BAND = (6, 12)  # cycles per image, wavelengths of 5 to 11 pixels of 64: ribs, vessels, borders
WIDEST = 16.0  # standard deviation of the strongest blur, pixels


def spectrum(images: np.ndarray) -> np.ndarray:
    """Mean power of images (N, H, H) by whole cycles per image, 0 to H/2, in a Hann window."""
    h = images.shape[1]
    window = np.outer(np.hanning(h), np.hanning(h)).astype(np.float32)
    plain = (images - images.mean((1, 2), keepdims=True)) * window
    power = (np.abs(np.fft.fft2(plain)) ** 2).mean(0)
    cycles = np.fft.fftfreq(h, 1 / h)
    ring = np.round(np.hypot(*np.meshgrid(cycles, cycles))).astype(int).ravel()
    sums = np.bincount(ring, power.ravel())[: h // 2 + 1]
    return sums / np.bincount(ring)[: h // 2 + 1]


def in_band(power: np.ndarray) -> float:
    """Geometric mean of a spectrum over BAND, in which every frequency counts alike."""
    low, high = BAND
    return float(np.exp(np.log(power[low : high + 1]).mean()))


def detail(images: np.ndarray) -> float:
    """Power in BAND of images (N, H, H)."""
    return in_band(spectrum(images))


def blurred_like(pool: Result, like: Result, n: int) -> Result:
    """Job: a pool blurred by the Gaussian that brings its detail down to that of another pool.

    Both are measured on their first n images. Scores: sigma in pixels, the detail of the other
    pool and of this one before and after. A pool with less detail already stays as it is.
    """
    images, target = pool.arrays["image"], detail(like.arrays["image"][:n])

    def excess(sigma: float) -> float:
        return np.log(detail(gaussian_filter(images[:n], (0, sigma, sigma))) / target)

    sigma = brentq(excess, 0, WIDEST, xtol=0.01) if excess(0) > 0 else 0.0
    made = gaussian_filter(images, (0, sigma, sigma))
    scores = {"sigma": sigma, "target": target, "before": detail(images[:n])}
    scores["after"] = detail(made[:n])
    return Result({"image": made, "label": pool.arrays["label"]}, scores)
