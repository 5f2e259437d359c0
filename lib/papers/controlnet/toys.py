"""Toys on a line: guidance between two modes, and preferences over them.

`exact` needs no network: what the best one would say of a mixture. The rest is a toy of section
"Radiologist Feedback":

Data x ~ (1 - SHARE) N(-CENTRE, WIDTH^2) + SHARE N(CENTRE, WIDTH^2). A tiny network learns it;
readers prefer the right mode. No network can lower the loss on fresh pairs below `floor`.
"""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.generators import diffusion, preference
from lib.generators.preference import Data, DpoSettings
from lib.training import loop as tr
from lib.training.weights import freeze, seeded

CENTRE, WIDTH, SHARE = 1.0, 0.25, 0.5  # of the right mode
LENGTH = 100  # T
STEPS, BATCH, RATE = 1500, 256, 3e-3  # of the network's first training
BROAD = 0.7  # deviation of both modes where guidance is shown: they overlap
TUNING = {"steps": 300, "pairs": 16, "warm_up": 10, "decay": 0.0}
CAREFUL, HASTY = 1e-4, 4e-3  # rates: one at which all arms hold, one at which plain DPO fails


@dataclass(frozen=True)
class LineSettings:
    """What a LineNet says of x_t."""

    kind: str = "v"


class LineNet(nn.Module):
    """A `preference.Policy` of points x_t (B, 1); tokens and mask say nothing."""

    def __init__(self, width: int = 48):
        super().__init__()
        layers = nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        self.net = nn.Sequential(*layers, nn.Linear(width, 1))
        self.schedule, self.settings = diffusion.cosine(LENGTH), LineSettings()

    def say(self, x: Tensor, t: Tensor, tokens=None, mask=None) -> Tensor:
        """v (B, 1) of x (B, 1) at t (B,)."""
        signal, noise = self.schedule.rates(t, x)
        return self.net(torch.cat([x, signal, noise], 1))

    def sample(self, n: int, rng: np.random.Generator, steps: int = 25) -> Tensor:
        """n points (n, 1) by DDIM."""
        def predict(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            return diffusion.parts(self.schedule, self.settings.kind, self.say(x, t), x, t)

        noise = torch.randn(n, 1, generator=tr.torch_generator(rng))
        with torch.no_grad():
            return diffusion.last(diffusion.ddim(self.schedule, predict, noise, steps))


def points(n: int, rng: np.random.Generator) -> Tensor:
    """n points (n, 1) of the mixture."""
    side = np.where(rng.random(n) < SHARE, CENTRE, -CENTRE)
    x = side + WIDTH * rng.standard_normal(n)
    return torch.from_numpy(x[:, None].astype(np.float32))


def base(rng: np.random.Generator) -> LineNet:
    """The network that has learned the mixture, frozen."""
    init_rng, data_rng, noise_rng = rng.spawn(3)
    model, generator = seeded(LineNet, init_rng), tr.torch_generator(noise_rng)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    for step in range(STEPS):
        tr.set_rate(optimizer, tr.cosine(step, STEPS, RATE, RATE / 50))
        x = points(BATCH, data_rng)
        eps = torch.randn(x.shape, generator=generator)
        t = torch.randint(LENGTH, (BATCH,), generator=generator)
        said = model.say(diffusion.add_noise(model.schedule, x, eps, t), t)
        goal = diffusion.target(model.schedule, model.settings.kind, x, eps, t)
        tr.descend(optimizer, F.mse_loss(said, goal))
    return freeze(model)


def compared(x: Tensor, liking: float, n: int, rng: np.random.Generator) -> Data:
    """n pairs of points (N, 1), told apart by a reader who likes the right side.

    The probability to prefer x over y is sigmoid(liking (side(x) - side(y))), side 0 or 1 (Bradley
    and Terry 1952): that of the reward `liking * side`. Points of one side are a tie, and no pair.
    """
    right = np.flatnonzero(x[:, 0].numpy() > 0)
    left = np.flatnonzero(x[:, 0].numpy() <= 0)
    if not (len(right) and len(left)):
        raise ValueError("all points lie on one side; pass points of both modes.")
    a, b = rng.choice(right, n), rng.choice(left, n)
    likes = rng.random(n) < 1 / (1 + np.exp(-liking))
    won, lost = (torch.from_numpy(np.where(likes, *each)) for each in ((a, b), (b, a)))
    blank = torch.zeros(len(x), 1)
    scores = torch.tensor([[5.0, 1.0]]).repeat(n, 1)
    return Data(x, blank, blank, won, lost, scores, torch.ones(n))


def floor(liking: float) -> float:
    """The least expected loss of any network, nats: the entropy of the reader's choice."""
    p = 1 / (1 + np.exp(-liking))
    return float(-p * np.log(p) - (1 - p) * np.log1p(-p))


@dataclass(frozen=True)
class Tuned:
    """What a tuning leaves: its log, and what samples are like."""

    log: list[dict]
    share: float  # of samples in the right mode
    spread: float | None  # standard deviation of samples within 4 WIDTH of CENTRE; WIDTH is right
    away: float  # share of samples further than 4 WIDTH from either centre


def look(model: LineNet, rng: np.random.Generator, n: int = 2000) -> dict[str, float | None]:
    """share, spread and away of n samples (see Tuned)."""
    x = model.sample(n, rng)[:, 0].numpy()
    right = x[np.abs(x - CENTRE) < 4 * WIDTH]
    away = np.minimum(np.abs(x - CENTRE), np.abs(x + CENTRE)) > 4 * WIDTH
    return {
        "share": float((x > 0).mean()),
        "spread": float(right.std()) if len(right) else None,
        "away": float(away.mean()),
    }


def tuned(model: LineNet, data: Data, s: DpoSettings, rng: np.random.Generator) -> Tuned:
    """A copy of the network after DPO, and what its samples are like."""
    fit_rng, look_rng = rng.spawn(2)
    other = copy.deepcopy(model)
    log = [state.row for state in preference.fit(other, data, s, fit_rng)]
    return Tuned(log, **look(freeze(other), look_rng))


# ---- guidance -----------------------------------------------------------------------------------


def exact(
    schedule: diffusion.Schedule, x: Tensor, t: Tensor, centres: tuple[float, ...]
) -> tuple[Tensor, Tensor]:
    """E[x_0 | x_t] and the noise (B, 1) that goes with it, x_0 ~ mean of N(centre, BROAD^2)."""
    signal, noise = schedule.rates(t, x)
    variance = (signal * BROAD) ** 2 + noise**2
    c = torch.tensor(centres).view(1, -1)  # (1, modes)
    weight = (-((x - signal * c) ** 2) / (2 * variance)).softmax(1)
    each = c + signal * BROAD**2 / variance * (x - signal * c)  # E[x_0 | x_t, mode]
    x0 = (weight * each).sum(1, keepdim=True)
    return x0, (x - signal * x0) / noise
