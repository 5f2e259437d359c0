"""How a scanner turns tissue into an image: contrast, drift, blur and noise."""

from functools import cache

from torch import Tensor

from lib.phantoms.fields import gaussian_matrix


def contrast(tissue: Tensor, gain: Tensor, offset: Tensor, bend: Tensor) -> Tensor:
    """Grey value of tissue: gain * (v + bend * v * (1 - v)) + offset.

    tissue (N, H, W) about [0, 1]; gain, offset, bend (N, 1, 1), |bend| < 1 so that the curve rises.
    """
    return (tissue + bend * tissue * (1 - tissue)) * gain + offset


def shot_noise(grey: Tensor, white: Tensor, photons: Tensor) -> Tensor:
    """Photon-counting noise of an image with `photons` counts per grey unit, (N, H, W).

    A count of mean m = photons * grey has variance m; for the counts used here (30 and more) the
    Gaussian limit sqrt(m) * white stands for the Poisson law. Grey values below 0.02 count as 0.02.
    """
    return (grey.clamp(min=0.02) / photons).sqrt() * white


def ray_noise(tissue: Tensor, white: Tensor, photons: Tensor) -> Tensor:
    """Noise of the share `tissue` (N, H, W) of `photons` rays a pixel that a body stops.

    Of n rays, each stopped with chance p, the share that is stopped has variance p (1 - p) / n; for
    the counts used here (1,000 and more) the Gaussian limit stands for the binomial law. Where
    nothing is stopped, or all, there is no noise. white: unit variance; photons (N, 1, 1).
    """
    return (tissue * (1 - tissue) / photons).clamp_(min=0).sqrt_() * white


@cache
def _spread(size: int, sigma: float) -> tuple[Tensor, Tensor]:
    """Matrices (size, size) that blur a row: one keeps its sum, one the variance of white noise."""
    blur = gaussian_matrix(size, sigma)
    return blur, blur / blur.square().sum(1, keepdim=True).sqrt()


def blurred(image: Tensor, sigma: float) -> Tensor:
    """Square images (N, H, H) through a detector whose point spread has deviation sigma, pixels."""
    matrix = _spread(image.shape[-1], sigma)[0]
    return matrix @ image @ matrix.T


def grain(white: Tensor, sigma: float) -> Tensor:
    """White noise (N, H, H) as such a detector hands it on: unit variance, neighbours alike."""
    matrix = _spread(white.shape[-1], sigma)[1]
    return matrix @ white @ matrix.T


def rician(signal: Tensor, real: Tensor, imaginary: Tensor, sigma: Tensor) -> Tensor:
    """Magnitude of an MRI signal whose two channels carry normal noise of this deviation.

    signal, real and imaginary share one shape; the last two are standard normal. Without signal the
    mean is sigma * sqrt(pi / 2) (Rayleigh); for signal >> sigma the noise is normal.
    """
    return ((signal + sigma * real).square() + (sigma * imaginary).square()).sqrt()
