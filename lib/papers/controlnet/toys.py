"""A toy of section "Radiologist Feedback": preferences over a mixture of two modes on a line.

Data x ~ (1 - SHARE) N(-CENTRE, WIDTH^2) + SHARE N(CENTRE, WIDTH^2). A tiny network learns its
noise; readers prefer the right mode. The law that DPO aims at has a closed form, see `aimed`.
"""

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
TUNING = {"steps": 300, "pairs": 16, "rate": 1e-4, "warm_up": 10, "decay": 0.0}


class LineNet(nn.Module):
    """The noise in x_t (B, 1), told by a network of two hidden layers; unconditional."""

    def __init__(self, width: int = 48):
        super().__init__()
        layers = nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        self.net = nn.Sequential(*layers, nn.Linear(width, 1))
        self.schedule = diffusion.cosine(LENGTH)

    def say(self, x: Tensor, t: Tensor) -> Tensor:
        """The noise (B, 1) in x (B, 1) at t (B,)."""
        signal, noise = self.schedule.rates(t, x)
        return self.net(torch.cat([x, signal, noise], 1))

    def residuals(
        self, latents: Tensor, noise: Tensor, t: Tensor, tokens: Tensor, mask: Tensor
    ) -> Tensor:
        """As `preference.Policy` asks for; tokens and mask say nothing here."""
        return self.say(diffusion.add_noise(self.schedule, latents, noise, t), t) - noise

    def sample(self, n: int, rng: np.random.Generator, steps: int = 25) -> Tensor:
        """n points (n, 1) by DDIM."""
        def predict(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            return diffusion.parts(self.schedule, "eps", self.say(x, t), x, t)

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
        x_t = diffusion.add_noise(model.schedule, x, eps, t)
        tr.descend(optimizer, F.mse_loss(model.say(x_t, t), eps))
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


def aimed(share: float, liking: float, strength: float = 1.0) -> float:
    """The share of the right mode in the law that maximises reward minus strength * KL.

    share (of the reference) times exp(liking / strength), normalised (Rafailov et al. 2023,
    equation 4).
    """
    odds = share / (1 - share) * np.exp(liking / strength)
    return float(odds / (1 + odds))


@dataclass(frozen=True)
class Tuned:
    """What a tuning does: its log, share and spread of samples, and mean misses of both modes."""

    log: list[dict]
    share: float  # of samples in the right mode
    spread: float  # standard deviation of these
    away: float  # share of samples further than 4 WIDTH from either centre


def look(model: LineNet, rng: np.random.Generator, n: int = 2000) -> dict[str, float]:
    """share, spread and away of n samples (see Tuned)."""
    x = model.sample(n, rng)[:, 0].numpy()
    right = x[np.abs(x - CENTRE) < 4 * WIDTH]
    away = np.minimum(np.abs(x - CENTRE), np.abs(x + CENTRE)) > 4 * WIDTH
    return {
        "share": float((x > 0).mean()),
        "spread": float(right.std()) if len(right) else float("nan"),
        "away": float(away.mean()),
    }


def tuned(model: LineNet, data: Data, s: DpoSettings, rng: np.random.Generator) -> Tuned:
    """A copy of the network after DPO, and what its samples are like."""
    import copy

    fit_rng, look_rng = rng.spawn(2)
    other = copy.deepcopy(model)
    log = [state.row for state in preference.fit(other, data, s, fit_rng)]
    return Tuned(log, **look(freeze(other), look_rng))
