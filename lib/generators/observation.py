"""Observation noise: what the mean of a decoder leaves out, and a draw from p(x | z) has.

The mean of p(x | z) is smooth. A classifier or a critic that is shown means sees first that they
carry no pixel noise. So samples are draws: the mean plus noise whose deviation follows the grey
value and whose neighbours are as alike as those of the training images.

Both are estimated from the training images alone. A Gaussian of SMOOTH pixels takes the structure
away; where the smooth image is flat, the rest is mostly noise, of which the filter has removed a
known share. What texture is left there counts as noise too and makes the grain too coarse: on the
chest phantom the deviation is the sensor's and the highest frequencies carry half of its noise.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, maximum_filter
from torch import Tensor

from lib.phantoms.acquisition import grain

SMOOTH = 1.0  # pixels, standard deviation of the filter
WIDE = 5  # pixels a side of the square in which the steepest slope counts
FLAT = 0.03  # share of the pixels, the flattest, that count: elsewhere structure passes for noise
EMPTY = 0.02  # grey value below which a pixel shows nothing
GREYS = np.linspace(0, 1, 21)  # grey values between which the deviation is interpolated
FEWEST = 200  # pixels of a grey value that are measured
SPREADS = np.linspace(0, 1.2, 25)  # grains that are compared, pixels


@dataclass(frozen=True)
class Noise:
    """Zero-mean noise on images in [0, 1]."""

    sd: np.ndarray  # (len(GREYS),) standard deviation at each of GREYS, grey units
    grain: float  # standard deviation of the point spread behind it, pixels; 0: white

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What a fit keeps of it."""
        return {"noise/sd": self.sd, "noise/grain": np.float64(self.grain)}

    def on(self, mean: Tensor, generator: torch.Generator) -> Tensor:
        """A draw about each mean (N, H, H), clipped to [0, 1]; the deviation has no gradient."""
        white = torch.randn(mean.shape, generator=generator)
        white = grain(white, self.grain) if self.grain else white
        return (mean + self.deviation(mean.detach()) * white).clamp(0, 1)

    def deviation(self, grey: Tensor) -> Tensor:
        """Standard deviation at every grey value, of its shape."""
        sd, steps = torch.from_numpy(self.sd).to(grey), len(GREYS) - 1
        place = grey.clamp(0, 1) * steps
        below = place.long().clamp(max=steps - 1)
        return torch.lerp(sd[below], sd[below + 1], place - below)


def restored(arrays: dict[str, np.ndarray]) -> Noise:
    """The noise that a fit has kept."""
    return Noise(arrays["noise/sd"], float(arrays["noise/grain"]))


def estimate(images: np.ndarray) -> Noise:
    """The noise of images (N, H, H) in [0, 1]."""
    smooth = gaussian_filter(images, (0, SMOOTH, SMOOTH))
    rest = (images - smooth).astype(np.float64)
    steep = maximum_filter(np.hypot(*np.gradient(smooth, axis=(1, 2))), (1, WIDE, WIDE))
    grey = np.rint(smooth.clip(0, 1) * (len(GREYS) - 1)).astype(int)
    seen = smooth > EMPTY
    flat = seen & (steep <= np.quantile(steep[seen], FLAT)) if seen.any() else seen
    flat |= ~seen & (steep < EMPTY / 10)
    each = [np.abs(rest[flat & (grey == i)]) for i in range(len(GREYS))]
    sd = np.array([1.4826 * np.median(x) if len(x) >= FEWEST else np.nan for x in each])
    known = np.isfinite(sd)
    if not known.any():
        raise ValueError(f"{images[..., 0].size} rows of pixels are too few to estimate noise from")
    sd = np.interp(GREYS, GREYS[known], sd[known])
    unit = rest / np.maximum(sd[grey], 1e-6)
    pair = flat[..., :-1] & flat[..., 1:] & (sd[grey][..., :-1] > 1e-4)
    # the mean sign: an edge among them weighs no more than any other pixel
    alike = np.mean(np.sign(unit[..., :-1][pair] * unit[..., 1:][pair])) if pair.any() else -1.0
    left, correlation = np.array([_filtered(float(s), images.shape[-1]) for s in SPREADS]).T
    spread = float(np.interp(alike, 2 / np.pi * np.arcsin(correlation), SPREADS))
    return Noise(sd / np.sqrt(np.interp(spread, SPREADS, left)), spread)


@cache
def _filtered(spread: float, side: int) -> tuple[float, float]:
    """Of noise with this grain: the share of its variance that the filter leaves, and the
    correlation of neighbours in what is left."""
    point = torch.zeros(1, side, side)
    point[0, side // 2, side // 2] = 1
    seen = grain(point, spread)[0].numpy() if spread else point[0].numpy()
    seen = seen / np.sqrt((seen**2).sum())
    rest = seen - gaussian_filter(seen, SMOOTH)
    variance = (rest**2).sum()
    return float(variance), float((rest[:, :-1] * rest[:, 1:]).sum() / variance)
