"""Networks of the metamorphic auto-encoder: one reads codes, others decode them to maps.

The decoders have no biases and no normalisation, so that a code of zeros decodes to a map of zeros
and the template alone is left.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from lib.networks.pathosyn import FOLD, bottom, unit


class CodeEncoder(nn.Module):
    """Pairs (B, 2, side, side) -> mean and log-variance (B, size) of q(s, a | x, m)."""

    def __init__(self, size: int, widths: tuple[int, ...], side: int):
        super().__init__()
        self.into = nn.Conv2d(2 * FOLD**2, widths[0], 3, padding=1)
        self.down = nn.Sequential(*(unit(a, b, stride=2) for a, b in pairwise(widths)))
        self.out = nn.Linear(widths[-1] * bottom(side, widths) ** 2, 2 * size)
        nn.init.zeros_(self.out.weight)  # the posterior starts at N(0, I)
        nn.init.zeros_(self.out.bias)

    def forward(self, pair: Tensor) -> tuple[Tensor, Tensor]:
        h = self.down(self.into(F.pixel_unshuffle(pair, FOLD)))
        mean, log_variance = self.out(h.flatten(1)).float().chunk(2, 1)
        return mean, log_variance


class MapDecoder(nn.Module):
    """A code (B, size) -> maps (B, 2, side, side), at first 0; of the code 0 always 0.

    widths: at 1/2, 1/4 ... of the side, the last step to which is interpolated.
    """

    def __init__(self, size: int, widths: tuple[int, ...], side: int):
        super().__init__()
        self.bottom, deep = bottom(side, widths), widths[::-1]
        self.into = nn.Linear(size, deep[0] * self.bottom**2, bias=False)
        self.up = nn.ModuleList(_unbiased(a, b) for a, b in pairwise(deep))
        self.out = _unbiased(widths[0], 2)
        nn.init.zeros_(self.out.weight)

    def forward(self, code: Tensor) -> Tensor:
        h = F.silu(self.into(code)).view(len(code), -1, self.bottom, self.bottom)
        for conv in self.up:
            h = F.silu(conv(smoothly_doubled(h)))
        return smoothly_doubled(self.out(h)).float()


def _unbiased(c_in: int, c_out: int) -> nn.Conv2d:
    conv = nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(conv.weight)
    return conv


def smoothly_doubled(h: Tensor) -> Tensor:
    """Twice the height and width, bilinear."""
    return F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
