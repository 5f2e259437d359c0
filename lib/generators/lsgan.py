"""LSGAN: an adversarial baseline that draws an image and its mask together (Mao et al. 2017).

    L_D = 1/2 E[(D(x) - b)^2] + 1/2 E[(D(G(z)) - a)^2]       a = 0, b = c = 1
    L_G = 1/2 E[(D(G(z)) - c)^2]                             (their equations 2 and 9)

The dHVAE paper compares with it (section 4.6.2) and names its sizes nowhere; ours are those of a
laptop. As Mao et al. have it, it stopped drawing masks in most runs on so few slices. It has what
small GANs have today: a penalty on the critic's slope at real pairs (R1, Mescheder et al. 2018), a
moving average of the generator's weights, noise on all that the critic sees (Sønderby et al. 2017),
without which drawn masks are told by their soft edge alone, and drawn images that are draws about
the generator's means.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lib.datasets.checks import check_pairs
from lib.generators import frame, observation
from lib.generators.frame import CHUNK, EVERY, State
from lib.jobs import Result
from lib.networks.baselines import PairCritic, PairGenerator
from lib.training import loop as tr
from lib.training.cost import flops
from lib.training.means import Means
from lib.training.penalty import r1_penalty
from lib.training.weights import approach, freeze, seeded

A, B, C = 0.0, 1.0, 1.0  # targets: the critic's for drawn and for real pairs, the generator's


@dataclass(frozen=True)
class LsganSettings:
    """LSGAN at a laptop's size; what the dHVAE paper leaves open is marked ours."""

    steps: int = 4000  # ours: of critic and generator each
    batch: int = 16  # ours
    rate: float = 1e-3  # 5e-5 in the paper (section 4.5); ours, for few steps
    critic_rate: float = 1e-3  # ours; both rates decay to a twentieth along a cosine
    noise: float = 0.1  # ours: deviation of the noise on what the critic sees; 0: plain
    r1: float = 1.0  # ours: weight of the squared slope of the critic at real pairs; 0: none
    r1_every: int = 8  # ours: steps between two penalties, each times as many
    average: float = 0.99  # ours: decay of the moving average of the generator's weights
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

    averaged, observed = copy.deepcopy(generator), observation.estimate(image)

    def drawn(count: int) -> Tensor:
        """Pairs about the means that the generator gives."""
        with tr.autocast(s.precision):
            mean = generator(torch.randn(count, s.latent, generator=noise)).float().sigmoid()
        return torch.cat([observed.on(mean[:, 0], noise).unsqueeze(1), mean[:, 1:]], 1)

    means = Means()
    for step, at in enumerate(tr.batches(len(pairs), s.batch, s.steps, batch_rng), start=1):
        for optimizer, rate in ((draws, s.rate), (judges, s.critic_rate)):
            tr.set_rate(optimizer, tr.cosine(step - 1, s.steps, rate, 0.05 * rate))
        # 1. The critic: L_D of a batch of real pairs and one of drawn ones, both noisy
        real = pairs[at].contiguous(memory_format=torch.channels_last)
        fake = drawn(len(at))
        with tr.autocast(s.precision):
            scores = [critic(noisy(pair)).float() for pair in (real, fake.detach())]
        losses, penalty = {"critic": critic_loss(*scores)}, 0.0
        if s.r1 and step % s.r1_every == 0:
            penalty = s.r1 * s.r1_every * r1_penalty(critic, real)
        tr.descend(judges, losses["critic"] + penalty)
        # 2. The generator against this critic: L_G of the same drawn pairs
        critic.requires_grad_(False)
        with tr.autocast(s.precision):
            losses["generator"] = generator_loss(critic(noisy(fake)).float())
        tr.descend(draws, losses["generator"])
        critic.requires_grad_(True)
        # 3. The moving average of its weights, from which samples are drawn
        approach(averaged, generator, min(s.average, step / (step + 10)))
        for mean, value in zip(averaged.buffers(), generator.buffers(), strict=True):
            mean.copy_(value)
        means.add(losses)
        if step % EVERY == 0 or step == s.steps:
            yield State({"step": step}, averaged, means.take())


def fit_job(data: Result, settings: dict, stream: list[int]) -> Result:
    """Job: train on the lesion slices of a slice_set. Arrays: weights. Scores: settings and log."""
    s, parts = frame.from_json(LsganSettings, settings), (data.arrays["image"], data.arrays["mask"])
    done = frame.to_its_end(fit(*parts, s, np.random.default_rng(stream)), s)
    return Result(done.arrays | observation.estimate(parts[0]).arrays, done.scores)


def load(fitted: Result) -> Lsgan:
    """The stored generator, frozen."""
    return frame.restored(Lsgan, LsganSettings, fitted)


def pool(fitted: Result, n: int, stream: list[int]) -> Result:
    """Job: n new pairs."""
    return frame.pair_pool(load(fitted), n, stream, observation.restored(fitted.arrays))


def operations(settings: dict) -> int:
    """Floating point operations for one new pair."""
    s = frame.from_json(LsganSettings, settings)
    generator = freeze(Lsgan(s))
    return flops(lambda: generator(torch.zeros(1, s.latent)))
