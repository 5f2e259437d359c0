"""Observation noise: what the mean of a decoder leaves out, and a draw from p(x | z) has.

The mean of p(x | z) is smooth. A classifier or a critic that is shown means sees first that they
carry no pixel noise. So samples are draws: the mean plus noise whose deviation follows the grey
value and whose neighbours are as alike as those of the training images.

Both are estimated from the training images alone, in the flattest of small squares. There the low
frequencies of a square's cosine transform still hold structure, and the high ones almost only
noise: their power says how strong it is, and how it falls towards the highest how coarse its grain.
On the chest phantom strength and grain are the sensor's; in the darkest parts, never quite flat,
the noise is taken for twice as strong.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import dct, dctn
from torch import Tensor

from lib.phantoms.acquisition import grain

SIDE = 8  # pixels of a square
APART = 4  # pixels between squares
LOW = 4  # a square is as flat as its frequencies u + v up to this one are weak ...
HIGH = 8  # ... and noise is measured from this one on
FLAT = 0.01  # share of the squares, the flattest, that count: elsewhere structure passes for noise
EMPTY = 0.02  # grey value below which a square shows nothing
GREYS = np.linspace(0, 1, 21)  # grey values between which the deviation is interpolated
FEWEST = 8  # squares of a grey value that are measured
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
    """The noise of images (N, H, H) in [0, 1]; ValueError if they are too few to measure it."""
    too_few = f"{images[..., 0].size} rows of pixels are too few to estimate noise from"
    if images.shape[-1] < SIDE:
        raise ValueError(too_few)
    squares = sliding_window_view(images, (SIDE, SIDE), (1, 2))[:, ::APART, ::APART]
    squares = squares.reshape(-1, SIDE, SIDE).astype(np.float64)
    grey = squares.mean((1, 2)).clip(0, 1)
    power = dctn(squares, axes=(1, 2), norm="ortho") ** 2
    order = np.add.outer(np.arange(SIDE), np.arange(SIDE))
    rough, fine = power[:, (order > 0) & (order <= LOW)].sum(1), power[:, order >= HIGH]
    seen = grey > EMPTY
    flat = seen & (rough <= np.quantile(rough[seen], FLAT)) if seen.any() else seen
    flat |= ~seen & (rough < (EMPTY / 10) ** 2)
    at = np.rint(grey * (len(GREYS) - 1)).astype(int)
    each = [fine[flat & (at == i)] for i in range(len(GREYS))]
    known = np.array([len(part) >= FEWEST for part in each])
    if not known.any():
        raise ValueError(too_few)
    expected = np.array([_power(float(s), images.shape[-1])[order >= HIGH] for s in SPREADS])
    spread = _coarseness(np.median(fine[flat & seen], 0), expected) if (flat & seen).any() else 0.0
    unit = _power(spread, images.shape[-1])[order >= HIGH]
    sd = [np.sqrt(np.median((part / unit).mean(1))) if len(part) else 0.0 for part in each]
    return Noise(np.interp(GREYS, GREYS[known], np.array(sd)[known]), spread)


def _coarseness(found: np.ndarray, expected: np.ndarray) -> float:
    """The grain whose `expected` powers (len(SPREADS), k) are most nearly proportional to those
    found (k,), as their logarithms' variance has it; between two of SPREADS along a parabola."""
    if not found.all():
        return 0.0
    misses = (np.log(found) - np.log(expected)).var(1)
    best = int(misses.argmin())
    if best in (0, len(SPREADS) - 1):
        return float(SPREADS[best])
    left, middle, right = misses[best - 1 : best + 2]
    return float(SPREADS[best] + 0.5 * (left - right) / (left - 2 * middle + right) * SPREADS[1])


@cache
def _power(spread: float, side: int) -> np.ndarray:
    """Expected power (SIDE, SIDE) of the cosine transform of a square amid images of this side that
    hold nothing but unit noise of this grain."""
    rows = torch.eye(side).unsqueeze(0)
    alike = (grain(rows, spread) if spread else rows)[0].double().numpy()  # covariance of pixels
    inside = slice(side // 2 - SIDE // 2, side // 2 + SIDE // 2)
    basis = dct(np.eye(SIDE), axis=0, norm="ortho")
    line = np.einsum("ij,jk,ik->i", basis, alike[inside, inside], basis)
    return np.outer(line, line)
