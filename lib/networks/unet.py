"""A small U-Net of slices or volumes: segmenter, guide of the generators, reader of their samples.

Its stem strides by 2 and its logits are interpolated back: layers at full resolution would take
most of the time of a CPU and say little about lesions of several pixels.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (16, 32, 48, 64)  # channels at 1/2, 1/4, 1/8 and 1/16 of the side
SMOOTH = {2: "bilinear", 3: "trilinear"}


class UNet(nn.Module):
    """(B, channels, *sides) -> logits (B, 1, *sides) of `dims` = 2 or 3 sides of 16 or more.

    One strided convolution a level on the way down, one convolution a level on the way up
    (Ronneberger et al. 2015 and Çiçek et al. 2016 have two, and pool): 161,041 weights in 2-D,
    564,241 in 3-D. Raises ValueError for other dims.
    """

    def __init__(self, dims: int = 2, widths: tuple[int, ...] = WIDTHS, channels: int = 1):
        super().__init__()
        if dims not in SMOOTH:
            raise ValueError(f"dims is {dims}; use 2 for slices or 3 for volumes.")
        self.smooth = SMOOTH[dims]
        down, up = pairwise((channels, *widths)), pairwise(widths[::-1])
        self.down = nn.ModuleList(block(dims, a, b, stride=2) for a, b in down)
        self.up = nn.ModuleList(block(dims, a + b, b) for a, b in up)
        self.head = (nn.Conv2d if dims == 2 else nn.Conv3d)(widths[0], 1, 1)

    def maps(self, x: Tensor) -> list[Tensor]:
        """Maps of the encoder after ReLU, finest first: (B, widths[i], *sides // 2^(i+1))."""
        found = []
        for level in self.down:
            x = level(x)
            found.append(x)
        return found

    def features(self, x: Tensor) -> Tensor:
        """Means of the deepest maps, (B, widths[-1]), non-negative."""
        return self.maps(x)[-1].flatten(2).mean(2)

    def forward(self, x: Tensor) -> Tensor:
        *skips, h = self.maps(x)
        for level, skip in zip(self.up, skips[::-1], strict=True):
            h = F.interpolate(h, size=skip.shape[2:], mode="nearest")
            h = level(torch.cat([h, skip], 1))
        return F.interpolate(self.head(h), size=x.shape[2:], mode=self.smooth)


def block(dims: int, c_in: int, c_out: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU; the kernel has 3 pixels a side, 4 where it strides.

    Four pixels lie evenly round the two that they stand for; three would shift the maps by half a
    pixel a level.
    """
    conv, norm = (nn.Conv2d, nn.BatchNorm2d) if dims == 2 else (nn.Conv3d, nn.BatchNorm3d)
    kernel = 2 + stride
    layers = conv(c_in, c_out, kernel, stride, padding=1, bias=False), norm(c_out), nn.ReLU()
    return nn.Sequential(*layers)
