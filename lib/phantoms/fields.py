"""Shapes and random fields in space, for phantoms that are volumes.

Separable cosine series on a (D, H, W) grid; `shapes` has their plane counterparts.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from lib.phantoms.shapes import _cosines


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


def gaussian_matrix(size: int, sigma: float) -> Tensor:
    """Matrix (size, size) that blurs a row of voxels by a Gaussian of deviation sigma, in voxels.

    The kernel ends at 3.5 sigma and is mirrored at both ends, so every row and every column sums
    to one: a constant stays constant, and no uptake is lost.
    """
    reach = max(1, int(np.ceil(3.5 * sigma)))
    steps = torch.arange(-reach, reach + 1)
    weight = torch.exp(-0.5 * (steps.double() / sigma) ** 2)
    weight = weight / weight.sum()
    out = torch.zeros(size, size, dtype=torch.float64)
    rows = torch.arange(size)
    for step, w in zip(steps.tolist(), weight, strict=True):
        at = (rows + step) % (2 * size)
        out[rows, torch.minimum(at, 2 * size - 1 - at)] += w
    return out.float()


def diffusion_matrix(size: int, sigma: float) -> Tensor:
    """Matrix (size, size) that blurs a row of voxels by the discrete Gaussian of variance sigma^2.

    The heat equation on the voxels with closed ends (Lindeberg, IEEE Trans Pattern Anal Mach Intell
    12, 1990): unlike a sampled Gaussian it has its variance for a sigma below one voxel too. Rows
    and columns sum to one. Weights below 0.001 are moved to the middle: a blur that ends.
    """
    basis, k = _cosines(size, size).double(), torch.arange(size, dtype=torch.float64)
    decay = torch.exp(-(sigma**2) * (1 - torch.cos(torch.pi * k / size)))
    matrix = (basis * decay) @ basis.T
    matrix = torch.where(matrix > 1e-3, matrix, 0.0)
    return (matrix + torch.diag(1 - matrix.sum(1))).float()
