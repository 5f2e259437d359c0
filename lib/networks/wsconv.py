"""Encoder, decoder and critic of the dHVAE paper (section 3.4).

Four blocks each way of weight-standardised convolution, GroupNorm and Swish with residual
connections; self-attention in the first block of the encoder and in the last of the decoder; a
convolutional latent with attention. `Shape` holds the sizes: PAPER is the paper's (see
`paper_size`), CPU the same network at a laptop's size.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

GROUPS = 8  # of GroupNorm: every width is a multiple


@dataclass(frozen=True)
class Shape:
    """Sizes of encoder and decoder."""

    widths: tuple[int, ...] = (8, 16, 32, 64)  # channels of the four blocks, finest first
    units: int = 1  # residual units in each block
    stem: int = 2  # stride of the first convolution
    latent: int = 4  # channels of the latent, 1 / (8 stem) of the image's side
    side: int = 64  # pixels

    @property
    def code(self) -> tuple[int, int, int]:
        """Shape of the latent: 64 numbers at CPU size."""
        side = self.side // (self.stem * 2 ** (len(self.widths) - 1))
        return self.latent, side, side


CPU = Shape()
PAPER = Shape(widths=(64, 128, 256, 512), units=3, stem=1, latent=3, side=128)


class Standardised(nn.Module):
    """Zero mean and unit variance over the inputs of each output channel (Qiao et al. 2019)."""

    def forward(self, weight: Tensor) -> Tensor:
        variance, mean = torch.var_mean(weight, (1, 2, 3), correction=0, keepdim=True)
        return (weight - mean) * (variance + 1e-5).rsqrt()


def convolution(c_in: int, c_out: int, stride: int = 1) -> nn.Conv2d:
    """A weight-standardised 3x3 convolution."""
    conv = nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1)
    return parametrize.register_parametrization(conv, "weight", Standardised())


class Unit(nn.Module):
    """x -> skip(x) + Swish(GroupNorm(WSConv(x)))."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__()
        self.conv = convolution(c_in, c_out)
        self.norm = nn.GroupNorm(GROUPS, c_out)
        self.skip = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()

    def forward(self, h: Tensor) -> Tensor:
        return self.skip(h) + F.silu(self.norm(self.conv(h)))


class LinearAttention(nn.Module):
    """Residual self-attention whose cost grows with the pixels, not with their square.

    softmax over channels of the queries, over pixels of the keys (Shen et al. 2018): for the finest
    blocks, where the plain form would need a matrix of pixels by pixels.
    """

    def __init__(self, width: int, inner: int = 16):
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.qkv, self.out = nn.Conv2d(width, 3 * inner, 1), nn.Conv2d(inner, width, 1)

    def forward(self, h: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm(h)).flatten(2).chunk(3, 1)  # (B, inner, pixels)
        context = k.softmax(2) @ v.transpose(1, 2)  # (B, inner, inner)
        mixed = context.transpose(1, 2) @ q.softmax(1)
        return h + self.out(mixed.view(len(h), -1, *h.shape[2:]))


class Attention(nn.Module):
    """Residual self-attention over the few pixels of the latent."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.qkv, self.out = nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)

    def forward(self, h: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm(h)).flatten(2).chunk(3, 1)  # (B, width, pixels)
        weight = (q.transpose(1, 2) @ k / q.shape[1] ** 0.5).softmax(2)
        return h + self.out((v @ weight.transpose(1, 2)).view(h.shape))


def units(c_in: int, c_out: int, count: int) -> nn.Sequential:
    """A block: `count` residual units, the first of which changes the width."""
    return nn.Sequential(*(Unit(c_out if i else c_in, c_out) for i in range(count)))


class PairEncoder(nn.Module):
    """{image, mask} -> mean and log-variance of q(z | x, m), (B, d) each."""

    def __init__(self, shape: Shape, planes: int = 2):
        super().__init__()
        widths = shape.widths
        self.stem = nn.Conv2d(planes, widths[0], 3, stride=shape.stem, padding=1)
        pairs = pairwise((widths[0], *widths))
        self.blocks = nn.ModuleList(units(a, b, shape.units) for a, b in pairs)
        self.first = LinearAttention(widths[0])
        self.attention = Attention(widths[-1])
        self.out = nn.Conv2d(widths[-1], 2 * shape.latent, 3, padding=1)
        nn.init.zeros_(self.out.weight)  # the posterior starts at N(0, I)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, planes, side, side)."""
        h = self.first(self.blocks[0](self.stem(x)))
        for block in self.blocks[1:]:
            h = block(F.avg_pool2d(h, 2))
        mean, log_variance = self.out(self.attention(h)).float().flatten(1).chunk(2, 1)
        return mean, log_variance


class PairDecoder(nn.Module):
    """z (B, d) -> logits of {image, mask} (B, 2, side, side).

    With `condition` it draws the image of a given mask: the mask joins the input of every block.
    """

    def __init__(self, shape: Shape, planes: int = 2, condition: bool = False):
        super().__init__()
        self.shape, widths, extra = shape, shape.widths[::-1], int(condition)
        self.into = nn.Conv2d(shape.latent, widths[0], 3, padding=1)
        self.attention = nn.Sequential(Attention(widths[0]), Unit(widths[0], widths[0]))
        pairs = pairwise((widths[0], *widths))
        self.blocks = nn.ModuleList(units(a + extra, b, shape.units) for a, b in pairs)
        self.last = LinearAttention(widths[-2] + extra)
        self.out = nn.Conv2d(widths[-1], planes, 3, padding=1)

    def forward(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """mask (B, 1, side, side) where the decoder is conditioned on it."""
        h = self.attention(self.into(z.view(-1, *self.shape.code)))
        for i, block in enumerate(self.blocks):
            if mask is not None:
                h = torch.cat([h, F.adaptive_avg_pool2d(mask, h.shape[-2:]).to(h.dtype)], 1)
            h = self.last(h) if block is self.blocks[-1] else h
            h = block(repeated(h) if i else h)
        return self.out(repeated(h) if self.shape.stem == 2 else h)


def paper_size() -> int:
    """Parameters of encoder and decoder at the paper's size, built for a moment.

    Section 3.4 says 23 million; a network of another count is not the paper's.
    """
    parts = PairEncoder(PAPER), PairDecoder(PAPER)
    count = sum(weight.numel() for part in parts for weight in part.parameters())
    assert round(count / 1e6) == 23, f"{count:,} parameters are not the 23 million of section 3.4"
    return count


def repeated(h: Tensor) -> Tensor:
    """Twice the height and width by repetition, so that the next convolution can leave a grid: the
    checkerboard that section 4.6.1 speaks of must be possible."""
    return F.interpolate(h, scale_factor=2, mode="nearest")


class PatchCritic(nn.Module):
    """PatchGAN: three strided convolutions, one logit for every patch of {image, mask}."""

    def __init__(self, planes: int = 2, width: int = 16):
        super().__init__()
        layers = [nn.Conv2d(planes, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for c_in, c_out in ((width, 2 * width), (2 * width, 4 * width)):
            layers += [nn.Conv2d(c_in, c_out, 4, 2, 1), nn.GroupNorm(GROUPS, c_out)]
            layers += [nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 3, padding=1))

    def forward(self, pair: Tensor) -> Tensor:
        """(B, planes, side, side) in [0, 1] -> logits (B, 1, side / 8, side / 8)."""
        return self.body(2 * pair - 1)
