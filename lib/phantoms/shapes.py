"""Soft shapes and random fields that the phantoms are drawn from.

Coordinates run from -1 to 1 over the image: x to the right, y downwards. A shape is a level
function q with q < 1 inside; `hump` and `lens` make a smooth one of it.
"""

from functools import cache

import torch
from torch import Tensor


@cache
def grid(size: int) -> tuple[Tensor, Tensor]:
    """Pixel-centre coordinates x (1, 1, W) and y (1, H, 1) in (-1, 1)."""
    axis = (torch.arange(size, dtype=torch.float32) + 0.5) * (2 / size) - 1
    return axis.view(1, 1, size), axis.view(1, size, 1)


def rise(x: Tensor, width: float) -> Tensor:
    """Smooth step from 0 to 1 at x = 0, with slope 1 / width there.

    Its tails end at 2e-9: smaller numbers slow a processor down.
    """
    return (x * (4 / width)).clamp_(-20, 20).sigmoid_()


def hump(q: Tensor) -> Tensor:
    """Smooth bump (1 - q)^2 of a level function: 1 where q = 0, exactly 0 from q = 1 on."""
    return (1 - q).clamp_(min=0).square_()


def lens(q: Tensor, flat: float = 1.0) -> Tensor:
    """Thickness of a lens, sqrt(flat (1 - q)) but at most 1: exactly 0 from q = 1 on."""
    return (flat - flat * q).clamp_(0, 1).sqrt_()


def wave(turns: Tensor) -> Tensor:
    """Cosine-like wave of unit amplitude: 1 where `turns` is whole, -1 half a turn further."""
    return 2 * (1 - 4 * (turns - turns.round()).square_()).square_() - 1


def disc(x: Tensor, y: Tensor) -> Tensor:
    """Level function x^2 + y^2 of the unit disc."""
    return x.square() + y.square()


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
