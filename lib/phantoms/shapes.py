"""Soft shapes and random fields that the phantoms are drawn from.

Coordinates run from -1 to 1 over the image: x to the right, y downwards. A shape is a level
function q with q < 1 inside; `soft` turns it into a smooth indicator.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor


@cache
def grid(size: int) -> tuple[Tensor, Tensor]:
    """Pixel-centre coordinates x (1, 1, W) and y (1, H, 1) in (-1, 1)."""
    axis = (torch.arange(size, dtype=torch.float32) + 0.5) * (2 / size) - 1
    return axis.view(1, 1, size), axis.view(1, size, 1)


def soft(q: Tensor, width: float | Tensor) -> Tensor:
    """Smooth indicator of q < 1: one half on the border; width in units of q."""
    return torch.sigmoid((1 - q) / width)


def superellipse(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Level function (x/a)^4 + (y/b)^4 of a rounded box with half-axes a and b."""
    return ((x / a) ** 2).square() + ((y / b) ** 2).square()


def disc(x: Tensor, y: Tensor) -> Tensor:
    """Level function x^2 + y^2 of the unit disc."""
    return x.square() + y.square()


def ridges(phase: Tensor, sharpness: float) -> Tensor:
    """Periodic bands: 1 where the phase (in turns) is whole, near 0 between."""
    return torch.exp(sharpness * (torch.cos((2 * np.pi) * phase) - 1))


def gaussian_spots(x: Tensor, y: Tensor, x0: Tensor, y0: Tensor, radius: Tensor, gain: Tensor):
    """Sum of K round Gaussian spots; x0, y0, radius, gain are (N, K); returns (N, H, W)."""
    r = radius.unsqueeze(-1)
    across = torch.exp(-0.5 * ((x - x0.unsqueeze(-1)) / r).square()) * gain.unsqueeze(-1)
    down = torch.exp(-0.5 * ((y.transpose(1, 2) - y0.unsqueeze(-1)) / r).square())
    return down.transpose(1, 2) @ across


@cache
def _cosines(size: int, modes: int) -> Tensor:
    """Orthonormal DCT-II basis, (size, modes)."""
    k = torch.arange(modes, dtype=torch.float64)
    basis = torch.cos(torch.pi * (torch.arange(size).view(-1, 1) + 0.5) * k / size)
    basis *= torch.where(k == 0, 1.0, 2.0**0.5) / size**0.5
    return basis.float()


@cache
def _spectrum(modes: int, slope: float) -> Tensor:
    """Amplitudes 1 / f^slope over DCT modes, without a mean, scaled to unit pixel variance."""
    k = torch.arange(modes, dtype=torch.float64)
    f = (k.view(-1, 1) ** 2 + k**2).sqrt()
    amplitude = torch.where(f > 0, f.clamp(min=1) ** -slope, 0.0)
    return (amplitude / amplitude.square().sum().sqrt()).float()


def power_law_field(white: Tensor, size: int, slope: float) -> Tensor:
    """A 1/f^slope random field with zero mean and unit variance on average.

    white: (N, modes, modes) standard normal numbers; returns (N, size, size). The field is a
    cosine series with `modes` frequencies a side, so it is smooth at the scale size / modes.
    """
    modes = white.shape[-1]
    basis = _cosines(size, modes) * size**0.5
    coefficients = white * _spectrum(modes, slope)
    return basis @ coefficients @ basis.T


def ball(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Level function x^2 + y^2 + z^2 of the unit ball."""
    return x.square() + y.square() + z.square()


def cosine_volume(coefficients: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Sum of the separable cosine series with these coefficients (mz, my, mx) on a (D, H, W) grid.

    Unit coefficients give waves of unit mean square, whatever the grid.
    """
    modes = coefficients.shape
    along, down, across = (_cosines(n, m) * n**0.5 for n, m in zip(shape, modes, strict=True))
    planes = down @ (coefficients @ across.T)  # (mz, H, W)
    return (along @ planes.flatten(1)).view(shape)


@cache
def _wave_numbers(modes: tuple[int, int, int], height: float) -> Tensor:
    """|k| of the cosine modes (mz, my, mx), in half waves over the image width."""
    kz, ky, kx = (torch.arange(m, dtype=torch.float64) for m in modes)
    return ((kz / height).view(-1, 1, 1) ** 2 + ky.view(-1, 1) ** 2 + kx**2).sqrt()


@cache
def _volume_spectrum(modes: tuple[int, int, int], slope: float, height: float) -> Tensor:
    f = _wave_numbers(modes, height)
    amplitude = torch.where(f > 0, f.clamp(min=1) ** -slope, 0.0)
    return (amplitude / amplitude.square().sum().sqrt()).float()


@cache
def _band_spectrum(modes: tuple[int, int, int], low: float, high: float, height: float) -> Tensor:
    f = _wave_numbers(modes, height)
    amplitude = ((f >= low) & (f <= high)).double()
    return (amplitude / amplitude.square().sum().sqrt()).float()


def power_law_volume(
    white: Tensor, shape: tuple[int, int, int], slope: float, height: float = 1.0
) -> Tensor:
    """A 1/f^slope random field in space with zero mean and unit variance on average.

    white: (mz, my, mx) standard normal numbers, one for every cosine mode; returns (D, H, W).
    height is the volume's extent along D in image widths. In space slope 1.5 spreads the power
    over scales as slope 1 does in an image.
    """
    return cosine_volume(white * _volume_spectrum(tuple(white.shape), slope, height), shape)


def band_volume(
    white: Tensor, shape: tuple[int, int, int], low: float, high: float, height: float = 1.0
) -> Tensor:
    """A random field (D, H, W) of unit variance with only `low` to `high` half waves a width.

    Its zero set is a maze of sheets about 1 / low to 1 / high image widths apart. The white
    numbers and the height are those of `power_law_volume`.
    """
    spectrum = _band_spectrum(tuple(white.shape), low, high, height)
    return cosine_volume(white * spectrum, shape)


def ramp(t: Tensor, width: float | Tensor) -> Tensor:
    """Straight-edged indicator of t < 1: exactly 1 and 0 half a width inside and outside."""
    return (0.5 + (1 - t) / width).clamp(0, 1)
