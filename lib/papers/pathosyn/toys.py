"""Toys behind the pages of section III: a line with a bump, and deviations whose noise is known.

A line is an image of height 1, so that whatever works on images works on it: arrays (N, 1, WIDTH).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lib.generators import deviation, diffusion, fusion
from lib.generators.deviation import DeviationSettings
from lib.generators.diffusion import Predict, Schedule
from lib.generators.membrane import blended

WIDTH = 96
SIGMA = 2.0  # pixels of the soft map of a line: its borders are wider than an image's
ENDS = 36, 60  # pixels where the bump has half of its height
HEIGHT = 0.3  # grey units
PLACE = np.arange(WIDTH)


class Line(NamedTuple):
    """Image, healthy twin in the same noise, label and bump, (1, 1, WIDTH) each."""

    image: np.ndarray
    healthy: np.ndarray
    mask: np.ndarray
    bump: np.ndarray


def bump(border: float) -> np.ndarray:
    """The bump (WIDTH,), grey units; `border` is the width in pixels of its soft ends."""
    rise, fall = (1 / (1 + np.exp(-x / border)) for x in (PLACE - ENDS[0], ENDS[1] - PLACE))
    return HEIGHT * rise * fall


def line(rng: np.random.Generator, noise: float = 0.008, border: float = 1.2) -> Line:
    """A wavy healthy signal and a bump on it, labelled where it has half of its height."""
    waves = 0.45 + 0.08 * np.sin(PLACE / 7) + 0.04 * np.sin(PLACE / 2.3)
    healthy, added = waves + noise * rng.standard_normal(WIDTH), bump(border)
    parts = healthy + added, healthy, added > HEIGHT / 2, added
    return Line(*(part[None, None] for part in parts))


@dataclass(frozen=True)
class Law:
    """Deviations r ~ N(mean, covariance) of P pixels, float64, in units in which they are near 1.

    Of this law the best that a network could say about the noise has a closed form.
    """

    mean: Tensor
    covariance: Tensor

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n true deviations (n, P)."""
        values, vectors = torch.linalg.eigh(self.covariance)
        noise = torch.randn(n, len(self.mean), generator=generator, dtype=torch.float64)
        return self.mean + noise * values.clamp(min=0).sqrt() @ vectors.T

    def noise(self, schedule: Schedule, x: Tensor, t: int) -> Tensor:
        """E[eps | r_t = x], x (n, P), of deviations that were noised by this schedule:

        sqrt(1 - a) (a C + (1 - a) I)^-1 (r_t - sqrt(a) mean)
        """
        a = schedule.at(t)
        values, vectors = torch.linalg.eigh(self.covariance)
        off = (x - a**0.5 * self.mean) @ vectors
        return (off * (1 - a) ** 0.5 / (a * values + 1 - a)) @ vectors.T

    def predictor(
        self, schedule: Schedule, learned: Schedule | None = None, limit: float | None = None
    ) -> Predict:
        """What a sampler of `schedule` is told by the best network of the schedule `learned`; r_0
        is kept in [-limit, limit]."""

        def predict(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            said = self.noise(learned or schedule, x, int(t[0]))
            return diffusion.parts(schedule, "eps", said, x, t, limit)

        return predict


def law(spread: float = 0.35, reach: float = 3.0) -> Law:
    """The bump inside its label with a smooth texture of this spread and reach in pixels."""
    where = np.flatnonzero(bump(1.2) > HEIGHT / 2)
    apart = torch.from_numpy((where[:, None] - where) / reach)
    mean = torch.from_numpy(bump(1.2)[where] / HEIGHT)
    return Law(mean, spread**2 * torch.exp(-0.5 * apart.square()))


def printed(schedule: Schedule) -> Schedule:
    """alpha_t without its bar, as if it were a schedule."""
    return Schedule(1 - schedule.beta)


def start(n: int, law: Law, seed: int) -> tuple[Tensor, torch.Generator]:
    """r_T (n, P), and the generator of what follows."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, len(law.mean), generator=generator, dtype=torch.float64), generator


def later(
    law: Law, schedule: Schedule, begins: np.ndarray, steps: int, n: int, seed: int
) -> Tensor:
    """n deviations of which pixel p joins in at its own time; (n, P).

    begins (P,) in [0, 1]: the share of the way at which p is set free. Until then it is what a
    deviation of 0 would be in the noise of the step, so that others fit themselves to it.
    """
    x, generator = start(n, law, seed)
    held, predict = torch.from_numpy(begins), law.predictor(schedule)
    visited = diffusion.trailing(len(schedule), steps)
    for i, (t, to) in enumerate(zip(visited, [*visited[1:], -1], strict=True)):
        zero = (1 - schedule.at(t)) ** 0.5 * torch.randn(x.shape, generator=generator).double()
        x = torch.where(held > i / steps, zero, x)
        r_0, eps = predict(x, torch.full((n,), t))
        x = diffusion.ddim_step(schedule, r_0, eps, t, to)
    return x


# ---- many lesions of the line, (n, P) each, in heights of the bump ------------------------------


def drawn(law: Law, n: int, seed: int) -> np.ndarray:
    """By 50 steps of DDIM, told the exact noise."""
    x, _ = start(n, law, seed)
    schedule = diffusion.linear()
    return diffusion.last(diffusion.ddim(schedule, law.predictor(schedule), x, 50)).numpy()


def at_rim(law: Law, line: Line, n: int, seed: int) -> dict[str, np.ndarray]:
    """Drawn deviations by what is done at the rim of the mask."""
    plain, where = drawn(law, n, seed), np.flatnonzero(line.mask)
    whole = np.zeros((n, 1, WIDTH))
    whole[:, 0, where] = plain
    membrane = blended(whole, np.repeat(line.mask, n, 0))[:, 0, where]
    soft = fusion.soft_map(line.mask, SIGMA)[0, 0, where]
    begins = np.clip(0.95 - from_rim(law) / 4, 0, 1)
    late = later(law, diffusion.linear(), begins, 50, n, seed).numpy()
    return {"hard": plain, "seam": soft * plain, "poisson": membrane, "joining late": late}


def from_rim(law: Law) -> np.ndarray:
    """Pixels between each pixel of the mask and its rim, (P,)."""
    places = np.arange(len(law.mean))
    return np.minimum(places, places[::-1])


def to_the_letter(law: Law, line: Line, n: int, seed: int, s: DeviationSettings) -> dict:
    """What lesions add to the line, {arm or "": (n, P)}, "" for our reading.

    The lesions of "saturated" are twice as strong as the others, and in units of twice the height.
    """
    schedule, where = diffusion.linear(), np.flatnonzero(line.mask)
    soft, other = (fusion.soft_map(line.mask, SIGMA, b)[0, 0, where] for b in fusion.BLENDS)
    blind = law.predictor(schedule, learned=printed(schedule), limit=s.delta)
    x, generator = start(n, law, seed)
    grainy = diffusion.last(diffusion.ddim(schedule, blind, x, 50)).numpy()
    wrong = deviation.as_printed(schedule, law.predictor(schedule), x, generator).numpy()
    plain = drawn(law, n, seed)
    return {
        "": soft * plain,
        "complement": other * plain,
        "noising_printed": soft * grainy,
        "sampler_printed": soft * wrong,
        "saturated": soft * s.delta * np.tanh(2 * plain / s.delta) / 2,
    }
