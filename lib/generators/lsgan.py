"""LSGAN: an adversarial baseline that draws an image and its mask together (Mao et al. 2017).

    L_D = 1/2 E[(D(x) - b)^2] + 1/2 E[(D(G(z)) - a)^2]       a = 0, b = c = 1
    L_G = 1/2 E[(D(G(z)) - c)^2]                             (their equations 2 and 9)

No moving average of the weights, no gradient penalty, no augmentation. The dHVAE paper compares
with it (section 4.6.2) and names its sizes nowhere; ours are those of a laptop. One thing is added:
noise on all that the critic sees (Sønderby et al. 2017). Without it the critic tells drawn masks by
their soft edge alone, and in some runs the generator stopped drawing masks.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from lib.datasets.pairs import check_pairs
from lib.jobs import Result
from lib.networks.pairs import PairCritic, PairGenerator, as_pairs, flops, from_logits
from lib.training import loop as tr

A, B, C = 0.0, 1.0, 1.0  # "fake" and "real" to the critic, and what the generator wants to hear
CHUNK = 250  # pairs drawn at once
EVERY = 50  # steps between two States


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


@dataclass
class State:
    """What `fit` yields every EVERY steps and at the end; the generator is in training mode."""

    step: int
    generator: PairGenerator
    losses: dict[str, float]  # means since the last


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """L_D of scores (B,) of real and of drawn pairs."""
    return 0.5 * (real - B).square().mean() + 0.5 * (fake - A).square().mean()


def generator_loss(fake: Tensor) -> Tensor:
    """L_G of scores (B,) of drawn pairs."""
    return 0.5 * (fake - C).square().mean()


def build(s: LsganSettings) -> PairGenerator:
    return PairGenerator(s.latent, tuple(s.widths))


def fit(
    image: np.ndarray, mask: np.ndarray, s: LsganSettings, rng: np.random.Generator
) -> Iterator[State]:
    """Train on pairs: image (N, 64, 64) in [0, 1], mask (N, 64, 64) bool.

    Raises ValueError for bad pairs (`check_pairs`).
    """
    check_pairs(image, mask)
    init_rng, batch_rng, noise_rng = rng.spawn(3)
    generator = tr.seeded(lambda: build(s), init_rng)
    critic = tr.seeded(lambda: PairCritic(tuple(s.critic)), init_rng)
    options = {"betas": tuple(s.betas), "weight_decay": s.decay}
    draws = torch.optim.AdamW(generator.parameters(), s.rate, **options)
    judges = torch.optim.AdamW(critic.parameters(), s.critic_rate, **options)
    pairs, noise = as_pairs(image, mask), tr.torch_generator(noise_rng)

    def noisy(pair: Tensor) -> Tensor:
        return pair + s.noise * torch.randn(pair.shape, generator=noise)

    sums, seen = {}, 0
    for step, at in enumerate(tr.batches(len(pairs), s.batch, s.steps, batch_rng), start=1):
        for optimizer, rate in ((draws, s.rate), (judges, s.critic_rate)):
            tr.set_rate(optimizer, tr.cosine(step - 1, s.steps, rate, 0.05 * rate))
        real = pairs[at].contiguous(memory_format=torch.channels_last)
        with tr.autocast(s.precision):
            fake = generator(torch.randn(len(at), s.latent, generator=noise)).float().sigmoid()
            scores = [critic(noisy(pair)).float() for pair in (real, fake.detach())]
        losses = {"critic": critic_loss(*scores)}
        tr.descend(judges, losses["critic"])
        critic.requires_grad_(False)
        with tr.autocast(s.precision):
            losses["generator"] = generator_loss(critic(noisy(fake)).float())
        tr.descend(draws, losses["generator"])
        critic.requires_grad_(True)
        sums = {name: sums.get(name, 0.0) + value.item() for name, value in losses.items()}
        seen += 1
        if step % EVERY == 0 or step == s.steps:
            yield State(step, generator, {name: value / seen for name, value in sums.items()})
            sums, seen = {}, 0


def sample(
    generator: PairGenerator, s: LsganSettings, n: int, rng: np.random.Generator, chunk: int = CHUNK
) -> tuple[np.ndarray, np.ndarray]:
    """n new images (n, 64, 64) in [0, 1] and their masks (bool); a generator in evaluation mode."""
    z = torch.randn(n, s.latent, generator=tr.torch_generator(rng))
    with torch.no_grad(), tr.autocast(s.precision):
        return from_logits(torch.cat([generator(part) for part in z.split(chunk)]))


def from_dict(settings: dict) -> LsganSettings:
    """Settings from plain JSON."""
    tuples = {k: tuple(settings[k]) for k in ("betas", "widths", "critic") if k in settings}
    return LsganSettings(**(settings | tuples))


def fit_job(data: Result, settings: dict, stream: list[int]) -> Result:
    """Job: train on the lesion slices of a slice_set. Arrays: weights. Scores: settings and log."""
    s, log = from_dict(settings), []
    parts = data.arrays["image"], data.arrays["mask"]
    for state in fit(*parts, s, np.random.default_rng(stream)):
        log.append({"step": state.step, **state.losses})
    weights = tr.weights_to_arrays(state.generator, "model/")
    return Result(weights, {"settings": asdict(s), "log": log})


def load(fitted: Result) -> PairGenerator:
    """The stored generator, frozen."""
    generator = build(from_dict(fitted.scores["settings"]))
    return tr.freeze(tr.load_arrays(generator, fitted.arrays, "model/"))


def pool(fitted: Result, n: int, stream: list[int]) -> Result:
    """Job: n new pairs."""
    s = from_dict(fitted.scores["settings"])
    image, mask = sample(load(fitted), s, n, np.random.default_rng(stream))
    return Result({"image": image, "mask": mask}, {"n": n})


def operations(settings: dict) -> int:
    """Floating point operations for one new pair."""
    s = from_dict(settings)
    generator = tr.freeze(build(s))
    return flops(lambda: generator(torch.zeros(1, s.latent)))
