"""A VAE of three classes in a plane, which trains in seconds: why p(z|y) is learned as it is."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.generators import vae
from lib.metrics.fidelity import frechet
from lib.training import loop as tr
from lib.training.weights import seeded

CENTRES = torch.tensor([[0.0, 1.6], [-1.8, -1.0], [1.8, -1.0]])
SHAPES = torch.tensor([[[0.8, 0], [0, 0.2]], [[0.3, 0.2], [0.2, 0.5]], [[0.5, -0.3], [-0.3, 0.3]]])
STEPS, RATE, SIGMA = 500, 4e-3, 0.25  # SIGMA: standard deviation of p(x|z)


def points(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """n points (n, 2) of three narrow clouds and their labels (n,)."""
    y = torch.arange(n) % 3
    noise = torch.randn(n, 2, generator=generator)
    return CENTRES[y] + torch.einsum("nij,nj->ni", SHAPES[y], noise), y


@dataclass(frozen=True)
class Toy:
    """Two latents. The decoder is not told the class, so that only the prior can ask for one."""

    encoder: nn.Module
    decoder: nn.Module
    prior: Tensor  # (classes, 2, 2): mean and log-variance

    def posterior(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x,y)."""
        return self.encoder(torch.cat([x, F.one_hot(y, 3).float()], 1)).chunk(2, 1)

    def prior_of(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and clamped log-variance of p(z|y), as in the real model."""
        return self.prior[y, 0], self.prior[y, 1].clamp(*vae.PRIOR_LOG_VARIANCE)

    def sample(self, y: Tensor, noise: Tensor) -> Tensor:
        """One point (2,) per label, from standard normal noise (n, 2)."""
        with torch.no_grad():
            return self.decoder(vae.draw(*self.prior_of(y), noise))


def networks(rng: np.random.Generator) -> list[nn.Module]:
    """Encoder and decoder, freshly drawn."""
    return [
        seeded(lambda a=a, b=b: nn.Sequential(nn.Linear(a, 32), nn.SiLU(), nn.Linear(32, b)), rng)
        for a, b in ((5, 4), (2, 2))
    ]


def fit(seed: int, boost: float, class_weight: float = 0.0) -> Toy:
    """Train the toy; `boost` is the rate of p(z|y) over RATE, `class_weight` lets L_cls move it."""
    rng = np.random.default_rng(seed)
    encoder, decoder = networks(rng)
    prior, gen = nn.Parameter(torch.zeros(3, 2, 2)), tr.torch_generator(rng)
    toy = Toy(encoder, decoder, prior)
    weights = {"params": [*encoder.parameters(), *decoder.parameters()]}
    optimizer = torch.optim.Adam([weights, {"params": [prior], "boost": boost}], RATE)
    for step in range(STEPS):
        tr.set_rate(optimizer, tr.cosine(step, STEPS, RATE, RATE / 100))
        (x, y), eps = points(96, gen), torch.randn(2, 96, 2, generator=gen)
        q, p = toy.posterior(x, y), toy.prior_of(y)
        miss = (decoder(vae.draw(*q, eps[0])) - x).square().sum(1).mean() / (2 * SIGMA**2)
        loss = miss + vae.kl(*q, *p).sum(1).mean()
        if class_weight:
            nearness = -torch.cdist(decoder(vae.draw(*p, eps[1])), CENTRES).square()
            loss = loss + class_weight * F.cross_entropy(nearness, y)
        tr.descend(optimizer, loss)
    return Toy(encoder, decoder, prior.detach())


def distance(a: Tensor, b: Tensor, y: Tensor) -> float:
    """Mean Fréchet distance of the three classes; points (n, 2) both, labels (n,) of both."""
    return float(np.mean([frechet(a[y == c], b[y == c]) for c in range(3)]))
