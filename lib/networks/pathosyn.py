"""Networks of the PathoSyn chapter (section III-D): substrate, noise predictor, patch VAE.

All work on pixels folded two by two into channels (`pixel_unshuffle`): nothing is lost, and layers
at full resolution cost most. The last convolution of each runs in float32: in bfloat16 a grey value
of 0.4 has steps of 0.002, as large as half the noise of an image.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.networks.baselines import TimedUnit, time_features
from lib.networks.wsconv import Attention

FOLD = 2  # pixels a side that are folded into channels
GROUPS = 8  # of GroupNorm: every width is a multiple


class SubstrateNet(nn.Module):
    """f_sub: (x (1 - m), 1 - m) (B, 2, H, W) -> x_sub (B, 1, H, W).

    A symmetric U-Net with skips and as many down-sampling stages as `widths` (the paper has four),
    the first of them the folding. H and W are multiples of 2 ** len(widths).

    Ours, for few steps: the finest skip is the picture itself, and the network starts as what it is
    shown; one more last convolution answers inside the mask alone; no normalisation, for normalised
    maps forget how bright they were. After 300 steps on 367 slices the picture outside the mask had
    an error of 0.006 grey units, which is the size of its noise; as a plain U-Net, 0.07.
    """

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        first, deep = widths[0], widths[::-1]
        self.into = nn.Conv2d(2 * FOLD**2, first, 3, padding=1)
        self.down = nn.ModuleList(bare(a, b, stride=2) for a, b in pairwise(widths))
        self.up = nn.ModuleList(bare(a + b, b) for a, b in pairwise(deep))
        self.out = nn.Conv2d(first + 2 * FOLD**2, FOLD**2, 3, padding=1)
        self.fill = nn.Conv2d(first, FOLD**2, 3, padding=1)
        for conv in (self.out, self.fill):
            nn.init.zeros_(conv.weight)
            nn.init.zeros_(conv.bias)
        with torch.no_grad():  # pixel i of the picture to pixel i of the answer
            for i in range(FOLD**2):
                self.out.weight[i, first + i, 1, 1] = 1.0

    def forward(self, seen: Tensor) -> Tensor:
        folded = F.pixel_unshuffle(seen, FOLD)  # (B, 8, H / 2, W / 2), the picture's four first
        h = self.into(folded)
        skips = []
        for level in self.down:
            skips.append(h)
            h = level(h)
        for level, skip in zip(self.up, skips[::-1], strict=True):
            h = level(torch.cat([doubled(h), skip], 1))
        return unfolded(self.out, h, folded) + (1 - seen[:, 1:]) * unfolded(self.fill, h)


class NoiseNet(nn.Module):
    """eps_theta: (r_t, x_sub, m) (B, 3, H, W) and steps (B,) -> noise (B, 1, H, W).

    Residual units that are scaled and shifted by the time; H and W are multiples of 4, of which the
    bottleneck has a quarter (16 of a whole slice of 64) and there attends over all its pixels.
    """

    MULTIPLE = 4

    def __init__(self, widths: tuple[int, int], depth: int, planes: int = 3):
        super().__init__()
        fine, coarse = widths
        self.time = nn.Sequential(nn.Linear(coarse, coarse), nn.SiLU(), nn.Linear(coarse, coarse))
        self.into = nn.Conv2d(planes * FOLD**2, fine, 3, padding=1)
        self.first = TimedUnit(fine, coarse)
        self.down = nn.Conv2d(fine, coarse, 4, stride=2, padding=1)
        self.middle = nn.ModuleList(TimedUnit(coarse, coarse) for _ in range(depth))
        self.attention = Attention(coarse)
        self.join = nn.Conv2d(coarse + fine, fine, 1)
        self.last = TimedUnit(fine, coarse)
        self.norm = nn.GroupNorm(GROUPS, fine)
        self.out = nn.Conv2d(fine, FOLD**2, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        time = F.silu(self.time(time_features(t, self.time[0].in_features)))
        fine = self.first(self.into(F.pixel_unshuffle(x, FOLD)), time)
        h = self.down(fine)
        for i, block in enumerate(self.middle):
            h = block(h, time)
            h = self.attention(h) if i == 0 else h
        h = self.last(self.join(torch.cat([doubled(h), fine], 1)), time)
        return unfolded(self.out, F.silu(self.norm(h)))


class InpaintNet(NoiseNet):
    """(x_t, x_0 (1 - m), m) (B, 3, H, W) and steps (B,) -> the slice x_0 (B, 1, H, W).

    As `SubstrateNet` it starts as what it is shown: its answer is a convolution of the planes
    themselves, scaled by the time, beside that of the deeper maps.
    """

    def __init__(self, widths: tuple[int, int], depth: int):
        super().__init__(widths, depth)
        self.scale = nn.Linear(widths[1], 3 * FOLD**2)
        self.skip = nn.Conv2d(3 * FOLD**2, FOLD**2, 3, padding=1)
        for layer in (self.scale, self.skip):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():  # pixel i of the known picture to pixel i of the answer
            for i in range(FOLD**2):
                self.skip.weight[i, FOLD**2 + i, 1, 1] = 1.0

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        time = F.silu(self.time(time_features(t, self.time[0].in_features)))
        planes = F.pixel_unshuffle(x, FOLD) * (1 + self.scale(time)[:, :, None, None].float())
        return super().forward(x, t) + unfolded(self.skip, planes)


class PatchEncoder(nn.Module):
    """(r_0, x_sub, m) (B, 3, side, side) -> mean and log-variance (B, latent) of q(z | .)."""

    def __init__(self, latent: int, widths: tuple[int, ...], side: int):
        super().__init__()
        self.into = nn.Conv2d(3 * FOLD**2, widths[0], 3, padding=1)
        self.down = nn.Sequential(*(unit(a, b, stride=2) for a, b in pairwise(widths)))
        self.out = nn.Linear(widths[-1] * bottom(side, widths) ** 2, 2 * latent)
        nn.init.zeros_(self.out.weight)  # the posterior starts at N(0, I)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.down(self.into(F.pixel_unshuffle(x, FOLD)))
        mean, log_variance = self.out(h.flatten(1)).float().chunk(2, 1)
        return mean, log_variance


class PatchDecoder(nn.Module):
    """z (B, latent) and (x_sub, m) (B, 2, side, side) -> r (B, 1, side, side)."""

    def __init__(self, latent: int, widths: tuple[int, ...], side: int):
        super().__init__()
        self.bottom, deep = bottom(side, widths), widths[::-1]
        self.into = nn.Linear(latent, deep[0] * self.bottom**2)
        self.given = nn.Conv2d(2 * FOLD**2, widths[0], 3, padding=1)
        self.down = nn.ModuleList(unit(a, b, stride=2) for a, b in pairwise(widths))
        self.up = nn.ModuleList(unit(a + b, b) for a, b in pairwise(deep))
        self.out = nn.Conv2d(widths[0], FOLD**2, 3, padding=1)

    def forward(self, z: Tensor, given: Tensor) -> Tensor:
        h = self.given(F.pixel_unshuffle(given, FOLD))
        skips = []
        for level in self.down:
            skips.append(h)
            h = level(h)
        h = h + self.into(z).view(len(z), -1, self.bottom, self.bottom)
        for level, skip in zip(self.up, skips[::-1], strict=True):
            h = level(torch.cat([doubled(h), skip], 1))
        return unfolded(self.out, h)


def bottom(side: int, widths: tuple[int, ...]) -> int:
    """Pixels a side where a patch of `side` pixels is smallest; ValueError if it is not whole."""
    step = 2 ** len(widths)
    if side % step:
        raise ValueError(f"a patch has {side} pixels a side; use a multiple of {step}.")
    return side // step


def unit(c_in: int, c_out: int, stride: int = 1) -> nn.Sequential:
    """Convolution, group normalisation, SiLU; a kernel of 4 where it strides lies evenly."""
    conv = nn.Conv2d(c_in, c_out, 2 + stride, stride, padding=1)
    return nn.Sequential(conv, nn.GroupNorm(GROUPS, c_out), nn.SiLU())


def bare(c_in: int, c_out: int, stride: int = 1) -> nn.Sequential:
    """As `unit` without its normalisation."""
    conv = nn.Conv2d(c_in, c_out, 2 + stride, stride, padding=1)
    nn.init.kaiming_normal_(conv.weight)
    return nn.Sequential(conv, nn.SiLU())


def doubled(h: Tensor) -> Tensor:
    """Twice the height and width by repetition."""
    return F.interpolate(h, scale_factor=2, mode="nearest")


def unfolded(out: nn.Conv2d, *maps: Tensor) -> Tensor:
    """The last convolution of maps in float32, its channels folded back into pixels."""
    with torch.autocast("cpu", enabled=False):
        return F.pixel_shuffle(out(torch.cat([h.float() for h in maps], 1)), FOLD)
