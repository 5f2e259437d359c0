"""Networks of the two baselines that draw an image and its mask together: LSGAN and LDM.

A pair is (B, 2, 64, 64): the image in [0, 1] and the mask as 0 or 1. Networks that draw give
logits of both. All upsampling is bilinear, and the logits take the last step from 32 to 64 pixels,
as in `blocks`: layers at full resolution cost most.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.networks.blocks import block, upsample

SIDE = 64  # pixels
PLANES = 2  # image and mask


# ---- LSGAN --------------------------------------------------------------------------------------


class PairGenerator(nn.Module):
    """z (B, latent) -> logits (B, 2, 64, 64): DCGAN with bilinear upsampling before each layer."""

    def __init__(self, latent: int, widths: tuple[int, ...]):
        super().__init__()
        self.into = nn.Linear(latent, widths[0] * 16)
        self.first = nn.Sequential(nn.BatchNorm2d(widths[0]), nn.ReLU())
        self.stages = nn.ModuleList(_normalised(a, b) for a, b in pairwise(widths))
        self.out = nn.Conv2d(widths[-1], PLANES, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.first(self.into(z).view(len(z), -1, 4, 4))
        for stage in self.stages:  # 4 -> 8 -> 16 -> 32
            h = stage(upsample(h))
        return upsample(self.out(h))  # 32 -> 64


def _normalised(c_in: int, c_out: int) -> nn.Sequential:
    conv = nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(c_out), nn.ReLU())


class PairCritic(nn.Module):
    """(B, 2, 64, 64) in [0, 1] -> one score a pair (B,): four strided convolutions."""

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        layers = []
        for a, b in pairwise((PLANES, *widths)):
            layers += [nn.Conv2d(a, b, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        side = SIDE // 2 ** len(widths)
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * side**2, 1))

    def forward(self, pair: Tensor) -> Tensor:
        return self.body(2 * pair - 1)[:, 0]


# ---- LDM ----------------------------------------------------------------------------------------


class LatentEncoder(nn.Module):
    """Pair -> mean and log-variance of its latent, (B, latent, 8, 8) each."""

    def __init__(self, latent: int, widths: tuple[int, ...]):
        super().__init__()
        pairs = pairwise((PLANES, *widths))
        self.body = nn.Sequential(*(block(a, b, stride=2) for a, b in pairs))
        self.out = nn.Conv2d(widths[-1], 2 * latent, 3, padding=1)

    def forward(self, pair: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.out(self.body(2 * pair - 1)).chunk(2, 1)
        return mean, log_variance


class LatentDecoder(nn.Module):
    """Latent (B, latent, 8, 8) -> logits (B, 2, 64, 64)."""

    def __init__(self, latent: int, widths: tuple[int, ...]):
        super().__init__()
        deep = widths[::-1]
        self.into = nn.Sequential(block(latent, deep[0]), block(deep[0], deep[0]))
        self.stages = nn.ModuleList(block(a, b) for a, b in pairwise(deep))
        self.out = nn.Conv2d(deep[-1], PLANES, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.into(z)
        for stage in self.stages:  # 8 -> 16 -> 32
            h = stage(upsample(h))
        return upsample(self.out(h))  # 32 -> 64


def time_features(t: Tensor, size: int) -> Tensor:
    """Steps (B,) -> cosines and sines of them (B, size) at wavelengths from 2 pi to 20,000 pi."""
    frequency = torch.exp(-math.log(1e4) * torch.arange(size // 2) / (size // 2))
    angle = t.unsqueeze(1).float() * frequency
    return torch.cat([angle.cos(), angle.sin()], 1)


class TimedUnit(nn.Module):
    """Residual unit whose second half is scaled and shifted by the time; it starts as identity."""

    def __init__(self, width: int, time: int):
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for _ in range(2))
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.affine = nn.Linear(time, 2 * width)
        nn.init.zeros_(self.convs[1].weight)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        """h (B, width, H, W), time (B, time)."""
        scale, shift = self.affine(time)[:, :, None, None].chunk(2, 1)
        out = self.convs[0](F.silu(self.norms[0](h)))
        out = self.convs[1](F.silu(self.norms[1](out) * (1 + scale) + shift))
        return h + out


class Denoiser(nn.Module):
    """(x_t, t) -> what the diffusion asks for, of the shape of x (B, latent, 8, 8).

    Works at 4x4, four pixels of the latent folded into channels (as in `pixel_unshuffle`): with so
    few pixels a level at 8x8 is slower and gains nothing.
    """

    def __init__(self, latent: int, width: int, depth: int):
        super().__init__()
        self.width = width
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.into = nn.Conv2d(4 * latent, width, 3, padding=1)
        self.units = nn.ModuleList(TimedUnit(width, width) for _ in range(depth))
        self.norm = nn.GroupNorm(8, width)
        self.out = nn.Conv2d(width, 4 * latent, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        time = F.silu(self.time(time_features(t, self.width)))
        h = self.into(F.pixel_unshuffle(x, 2))
        for unit in self.units:
            h = unit(h, time)
        return F.pixel_shuffle(self.out(F.silu(self.norm(h))), 2)
