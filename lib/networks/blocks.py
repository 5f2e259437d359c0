"""Encoder and decoder of the 64x64 auto-encoders."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (64, 64, 32, 16)  # channels at 4, 8, 16 and 32 pixels a side
FINEST = 8  # channels of the decoder at 64


class Encoder(nn.Module):
    """(x, y) -> mean and log-variance of q(z|x, y); the label enters before the last layer."""

    def __init__(self, latent: int, classes: int = 3):
        super().__init__()
        widths = (1, *reversed(WIDTHS))
        pairs = pairwise(widths)
        self.body = nn.Sequential(*(block(a, b, stride=2) for a, b in pairs))
        self.classes = classes
        self.out = nn.Linear(WIDTHS[0] * 16 + classes, 2 * latent)
        nn.init.zeros_(self.out.weight)  # the posterior starts at N(0, I): a start away from the
        nn.init.zeros_(self.out.bias)  # prior leaves dimensions that are offset and carry nothing

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, 1, 64, 64), y (B,) -> mean, log-variance (B, latent)."""
        code = self.body(x).flatten(1)  # (B, 64 * 4 * 4)
        label = F.one_hot(y, self.classes).to(code.dtype)
        mean, log_variance = self.out(torch.cat([code, label], dim=1)).chunk(2, dim=1)
        return mean, log_variance


class Decoder(nn.Module):
    """(z, y) -> logits of the image and of the lesion mask.

    The label enters at 4x4. All upsampling is bilinear: a pixel shuffle, tried first, left a grid
    in the samples.
    """

    def __init__(self, latent: int, classes: int = 3, planes: int = 2):
        super().__init__()
        self.classes = classes
        self.into = nn.Linear(latent + classes, WIDTHS[0] * 16)
        self.stages = nn.ModuleList(block(a, b) for a, b in pairwise(WIDTHS))
        self.finest = nn.Conv2d(WIDTHS[-1], FINEST, 3, padding=1)
        self.out = nn.Conv2d(FINEST, planes, 3, padding=1)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """z (B, latent), y (B,) -> (B, planes, 64, 64)."""
        label = F.one_hot(y, self.classes).to(z.dtype)
        h = F.silu(self.into(torch.cat([z, label], dim=1))).view(-1, WIDTHS[0], 4, 4)
        for stage in self.stages:  # 4 -> 8 -> 16 -> 32
            h = stage(upsample(h))
        return self.out(F.silu(self.finest(upsample(h))))  # 32 -> 64


def block(c_in: int, c_out: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, group normalisation (8 channels a group; none at 32x32: slow), SiLU."""
    conv = nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1)
    norm = nn.GroupNorm(c_out // 8, c_out) if c_out > WIDTHS[-1] else nn.Identity()
    return nn.Sequential(conv, norm, nn.SiLU())


def upsample(h: Tensor) -> Tensor:
    """Twice the height and width, bilinear."""
    return F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
