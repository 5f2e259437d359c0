"""LSGAN: an adversarial baseline that draws an image and its mask together (Mao et al. 2017).

    L_D = 1/2 E[(D(x) - b)^2] + 1/2 E[(D(G(z)) - a)^2]       a = 0, b = c = 1
    L_G = 1/2 E[(D(G(z)) - c)^2]                             (their equations 2 and 9)

No moving average of the weights, no gradient penalty, no augmentation. The dHVAE paper compares
with it (section 4.6.2) and names its sizes nowhere; ours are those of a laptop. One thing is added:
noise on all that the critic sees (Sønderby et al. 2017). Without it the critic tells drawn masks by
their soft edge alone, and in some runs the generator stopped drawing masks.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lib.datasets.checks import check_pairs
from lib.generators import frame
from lib.generators.frame import CHUNK, EVERY, State
from lib.jobs import Result
from lib.networks.baselines import PairCritic, PairGenerator
from lib.training import loop as tr
from lib.training.cost import flops
from lib.training.means import Means
from lib.training.weights import freeze, seeded

A, B, C = 0.0, 1.0, 1.0  # targets: the critic's for drawn and for real pairs, the generator's


@dataclass(frozen=True)
class LsganSettings:
    """LSGAN at a laptop's size; what the dHVAE paper leaves open is marked ours."""

    steps: int = 600  # ours: of critic and generator each
    batch: int = 8  # ours
    rate: float = 2e-3  # of the generator: 5e-5 at paper size (section 4.5); ours, for few steps
    critic_rate: float = 5e-4  # ours; both rates decay to a twentieth along a cosine
    noise: float = 0.2  # ours: deviation of the noise on what the critic sees; 0: plain
    betas: tuple[float, float] = (0.5, 0.999)  # AdamW, section 4.5
    decay: float = 1e-6  # section 4.5
    latent: int = 64  # ours
    widths: tuple[int, ...] = (64, 64, 32, 16)  # ours: generator at 4, 8, 16 and 32 pixels a side
    critic: tuple[int, ...] = (16, 32, 64, 64)  # ours: critic at 32, 16, 8 and 4
    precision: str = "bfloat16"  # ours


class Lsgan(PairGenerator):
    """The generator with its settings."""

    def __init__(self, settings: LsganSettings):
        super().__init__(settings.latent, settings.widths)
        self.settings = settings

    def sample(
        self, n: int, rng: np.random.Generator, chunk: int = CHUNK
    ) -> tuple[np.ndarray, np.ndarray]:
        """n new images (n, 64, 64) in [0, 1] and their masks (bool); in evaluation mode only."""
        z = torch.randn(n, self.settings.latent, generator=tr.torch_generator(rng))
        with torch.no_grad(), tr.autocast(self.settings.precision):
            return tr.from_logits(torch.cat([self(part) for part in z.split(chunk)]))


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """L_D of scores (B,) of real and of drawn pairs."""
    return 0.5 * (real - B).square().mean() + 0.5 * (fake - A).square().mean()


def generator_loss(fake: Tensor) -> Tensor:
    """L_G of scores (B,) of drawn pairs."""
    return 0.5 * (fake - C).square().mean()


def fit(
    image: np.ndarray, mask: np.ndarray, s: LsganSettings, rng: np.random.Generator
) -> Iterator[State]:
    """Train on pairs: image (N, 64, 64) in [0, 1], mask (N, 64, 64) bool.

    Yields a State every EVERY steps and at the end, the generator in training mode. Raises
    ValueError for bad pairs (`check_pairs`).
    """
    check_pairs(image, mask)
    init_rng, batch_rng, noise_rng = rng.spawn(3)
    generator = seeded(lambda: Lsgan(s), init_rng)
    critic = seeded(lambda: PairCritic(s.critic), init_rng)
    options = {"betas": s.betas, "weight_decay": s.decay}
    draws = torch.optim.AdamW(generator.parameters(), s.rate, **options)
    judges = torch.optim.AdamW(critic.parameters(), s.critic_rate, **options)
    pairs, noise = tr.as_pairs(image, mask), tr.torch_generator(noise_rng)

    def noisy(pair: Tensor) -> Tensor:
        return pair + s.noise * torch.randn(pair.shape, generator=noise)

    means = Means()
    for step, at in enumerate(tr.batches(len(pairs), s.batch, s.steps, batch_rng), start=1):
        for optimizer, rate in ((draws, s.rate), (judges, s.critic_rate)):
            tr.set_rate(optimizer, tr.cosine(step - 1, s.steps, rate, 0.05 * rate))
        # 1. The critic: L_D of a batch of real pairs and one of drawn ones, both noisy
        real = pairs[at].contiguous(memory_format=torch.channels_last)
        with tr.autocast(s.precision):
            fake = generator(torch.randn(len(at), s.latent, generator=noise)).float().sigmoid()
            scores = [critic(noisy(pair)).float() for pair in (real, fake.detach())]
        losses = {"critic": critic_loss(*scores)}
        tr.descend(judges, losses["critic"])
        # 2. The generator against this critic: L_G of the same drawn pairs
        critic.requires_grad_(False)
        with tr.autocast(s.precision):
            losses["generator"] = generator_loss(critic(noisy(fake)).float())
        tr.descend(draws, losses["generator"])
        critic.requires_grad_(True)
        means.add(losses)
        if step % EVERY == 0 or step == s.steps:
            yield State({"step": step}, generator, means.take())


def fit_job(data: Result, settings: dict, stream: list[int]) -> Result:
    """Job: train on the lesion slices of a slice_set. Arrays: weights. Scores: settings and log."""
    s, parts = frame.from_json(LsganSettings, settings), (data.arrays["image"], data.arrays["mask"])
    return frame.to_its_end(fit(*parts, s, np.random.default_rng(stream)), s)


def load(fitted: Result) -> Lsgan:
    """The stored generator, frozen."""
    return frame.restored(Lsgan, LsganSettings, fitted)


def pool(fitted: Result, n: int, stream: list[int]) -> Result:
    """Job: n new pairs."""
    return frame.pair_pool(load(fitted), n, stream)


def operations(settings: dict) -> int:
    """Floating point operations for one new pair."""
    s = frame.from_json(LsganSettings, settings)
    generator = freeze(Lsgan(s))
    return flops(lambda: generator(torch.zeros(1, s.latent)))
