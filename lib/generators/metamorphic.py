"""Meta-Auto: a metamorphic auto-encoder (Bône et al. 2020) of slices with their masks.

    x^ = (T + A(a)) o phi(s),   phi(s) = exp(v(s)),   s, a ~ q(s, a | x, m)

A learnt template T, what the code of appearance a adds to it, and a diffeomorphism: the flow for
unit time of a velocity field that the code of shape s decodes to, smoothed by a Gaussian, found by
scaling and squaring (Arsigny et al. 2006). The mask is decoded beside the appearance, as logits in
the template's space, and carried by the same flow; so slice and mask are drawn together. Both
decoders say 0 of a code of zeros, whose slice is the template.

    loss = |x - x^|^2 / (2 sd^2) + cross-entropy of the mask + KL(q | N(0, I)), in nats a slice

PathoSyn's paper lists it in Table I and says no more; all sizes are ours. Deformations are
displacements u (B, 2, H, W) in pixels, rows first: phi(p) = p + u(p), and an image is pulled back,
(I o phi)(p) = I(p + u(p)); beyond the border stands what is at the border.

Slices are smooth means: samples are draws about them (`observation`).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.datasets.checks import check_pairs
from lib.generators import frame, observation
from lib.generators.frame import CHUNK, State
from lib.generators.hvae import fitted_prior
from lib.generators.joint import trained
from lib.jobs import Result
from lib.networks.metamorphic import CodeEncoder, MapDecoder, smoothly_doubled
from lib.training import loop as tr
from lib.training.cost import flops
from lib.training.weights import freeze, seeded

LOG_VARIANCE = (-12.0, 2.0)  # clamp of the posterior
PRIORS = ("fitted", "normal")


@dataclass(frozen=True)
class MetamorphicSettings:
    """All ours: the paper says nothing of its size."""

    shape: int = 32  # size of s
    appearance: int = 64  # size of a
    side: int = 64  # pixels
    widths: tuple[int, ...] = (24, 48, 64, 96)  # at 1/2, 1/4, 1/8 and 1/16 of the side
    smooth: float = 3.0  # pixels, of the Gaussian that smooths velocities
    squarings: int = 6  # the flow is that of 2^-6 of the velocity, composed with itself 6 times
    sd: float = 0.05  # of the Gaussian likelihood, grey units
    anneal: int = 500  # first steps, in which the KL grows to its full weight
    prior: str = "fitted"  # of samples: moments of the training codes; "normal": N(0, I)
    noisy: bool = True  # samples are draws about the means
    steps: int = 3000
    batch: int = 16
    rate: float = 2e-3  # cosine to a twentieth
    decay: float = 1e-5
    average: float = 0.99  # decay of the moving average of the weights
    precision: str = "bfloat16"


class Metamorphic(nn.Module):
    """q(s, a | x, m), the template, what a adds to it and where s carries it."""

    def __init__(self, settings: MetamorphicSettings):
        super().__init__()
        s = self.settings = settings
        if s.prior not in PRIORS:
            raise ValueError(f"prior {s.prior!r} is unknown; use one of {PRIORS}.")
        size = s.shape + s.appearance
        self.encoder = CodeEncoder(size, s.widths, s.side)
        self.shape = MapDecoder(s.shape, s.widths[1:], s.side // 2)
        self.appearance = MapDecoder(s.appearance, s.widths, s.side)
        self.template = nn.Parameter(torch.zeros(2, s.side, s.side))  # grey values, mask's logits
        self.register_buffer("prior_mean", torch.zeros(size))
        self.register_buffer("prior_factor", torch.eye(size))  # lower triangular

    def posterior(self, pair: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation (B, shape + appearance) of q(s, a | x, m)."""
        with tr.autocast(self.settings.precision):
            mean, log_variance = self.encoder(pair)
        return mean, 0.5 * log_variance.clamp(*LOG_VARIANCE)

    def flow(self, s: Tensor) -> Tensor:
        """Displacements (B, 2, side, side) of phi(s) for s (B, shape)."""
        with tr.autocast(self.settings.precision):
            coarse = self.shape(s)
        velocity = smoothed(smoothly_doubled(coarse), self.settings.smooth)
        return exponential(velocity, self.settings.squarings)

    def decode(self, z: Tensor) -> Tensor:
        """The mean of the image and logits of the mask, (B, 2, side, side), of s and a in one."""
        s, a = z.split([self.settings.shape, self.settings.appearance], 1)
        with tr.autocast(self.settings.precision):
            added = self.appearance(a)
        return warped(self.template + added, self.flow(s))

    def start(self, pairs: Tensor) -> None:
        """The template of a fit's start: mean image, and logits of how often a pixel is lesion."""
        with torch.no_grad():
            mean = pairs.mean(0)
            self.template.copy_(torch.stack([mean[0], mean[1].clamp(1e-3, 1 - 1e-3).logit()]))

    def learn_prior(self, pairs: Tensor) -> None:
        """Set the moments of the prior "fitted" to those of these pairs' codes."""
        mean, factor = fitted_prior(self, pairs)
        self.prior_mean.copy_(mean)
        self.prior_factor.copy_(factor)

    def codes(self, n: int, generator: torch.Generator) -> Tensor:
        """n draws from the prior of the settings, (n, shape + appearance)."""
        z = torch.randn(n, len(self.prior_mean), generator=generator)
        return self.prior_mean + z @ self.prior_factor.T if self.settings.prior == "fitted" else z

    def sample(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n new images (n, side, side) in [0, 1], means of p(x | s, a), and their masks (bool)."""
        with torch.no_grad():
            parts = self.codes(n, tr.torch_generator(rng)).split(CHUNK)
            image, logits = torch.cat([self.decode(z) for z in parts]).unbind(1)
        return image.clamp(0, 1).numpy(), (logits > 0).numpy()


# ---- deformations -------------------------------------------------------------------------------


def exponential(velocity: Tensor, squarings: int) -> Tensor:
    """Displacements of the flow of stationary velocities (B, 2, H, W) for unit time.

    phi = (id + v / 2^K) composed with itself K times over: exact for constant velocities, of error
    O(2^-K) else.
    """
    u = velocity / 2**squarings
    for _ in range(squarings):
        u = u + warped(u, u)
    return u


def warped(planes: Tensor, u: Tensor) -> Tensor:
    """I o phi of planes (B, C, H, W), bilinear, by displacements (B, 2, H, W) in pixels."""
    height, width = planes.shape[-2:]
    rows = torch.arange(height).view(-1, 1) + u[:, 0]
    columns = torch.arange(width) + u[:, 1]
    grid = torch.stack([2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1], -1)
    return F.grid_sample(planes, grid, padding_mode="border", align_corners=True)


def smoothed(fields: Tensor, sigma: float) -> Tensor:
    """Fields (B, C, H, W) under a Gaussian of `sigma` pixels, what is at the border repeated."""
    reach = math.ceil(3 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / max(sigma, 1e-6)).square())
    kernel = (kernel / kernel.sum()).expand(fields.shape[1], 1, 1, -1)
    wide = F.pad(fields, (reach,) * 4, mode="replicate")
    along = F.conv2d(wide, kernel, groups=len(kernel))
    return F.conv2d(along, kernel.transpose(2, 3), groups=len(kernel))


# ---- fit, load, pool ----------------------------------------------------------------------------


def loss_terms(model: Metamorphic, pair: Tensor, eps: Tensor) -> dict[str, Tensor]:
    """Terms of the loss in nats a slice, means over pairs (B, 2, H, W); eps (B, size of z)."""
    mean, log_sd = model.posterior(pair)
    image, logits = model.decode(mean + log_sd.exp() * eps).unbind(1)
    error = (image - pair[:, 0]) / model.settings.sd
    entropy = F.binary_cross_entropy_with_logits(logits, pair[:, 1], reduction="none")
    kl = 0.5 * (mean.square() + (2 * log_sd).exp() - 2 * log_sd - 1)
    terms = {"image": 0.5 * error.square(), "mask": entropy, "kl": kl}
    return {name: value.flatten(1).sum(1).mean() for name, value in terms.items()}


def fit(
    image: np.ndarray, mask: np.ndarray, s: MetamorphicSettings, rng: np.random.Generator
) -> Iterator[State]:
    """Train on pairs: image (N, side, side) in [0, 1], mask (N, side, side) bool.

    Yields a State every EVERY steps of the stage "metamorphosis" and at its end, where the prior of
    samples is learnt. ValueError for bad pairs (`check_pairs`).
    """
    check_pairs(image, mask)
    init_rng, batch_rng, noise_rng = rng.spawn(3)
    model, noise = seeded(lambda: Metamorphic(s), init_rng), tr.torch_generator(noise_rng)
    pairs, step = tr.as_pairs(image, mask), 0
    model.start(pairs)

    def terms(at: Tensor) -> dict[str, Tensor]:
        nonlocal step
        step += 1
        eps = torch.randn(len(at), s.shape + s.appearance, generator=noise)
        found = loss_terms(model, pairs[at], eps)
        weight = min(1.0, step / max(1, s.anneal))
        loss = found["image"] + found["mask"] + weight * found["kl"]
        return found | {"loss": loss / s.side**2}

    counts = len(pairs), s.steps, s.batch
    for state in trained(model, "metamorphosis", [*model.parameters()], terms, *counts, batch_rng):
        if state.at["step"] == s.steps:
            state.model.learn_prior(pairs)
        yield state


def fit_job(data: Result, settings: dict, stream: list[int]) -> Result:
    """Job: train on the lesion slices of a slice_set. Scores: settings and log.

    Arrays: weights and, where samples are draws, their noise.
    """
    s = frame.from_json(MetamorphicSettings, settings)
    parts = data.arrays["image"], data.arrays["mask"]
    done = frame.to_its_end(fit(*parts, s, np.random.default_rng(stream)), s)
    noise = observation.estimate(parts[0]).arrays if s.noisy else {}
    return Result(done.arrays | noise, done.scores)


def load(fitted: Result) -> Metamorphic:
    """The stored model, frozen."""
    return frame.restored(Metamorphic, MetamorphicSettings, fitted)


def pool(fitted: Result, n: int, stream: list[int]) -> Result:
    """Job: n new pairs."""
    model = load(fitted)
    noise = observation.restored(fitted.arrays) if model.settings.noisy else None
    return frame.pair_pool(model, n, stream, noise)


def reconstruction(fitted: Result, images: Result, n: int) -> Result:
    """Job: the first n pairs of a set, and what is decoded from the posterior's mean of each.

    Arrays (n, H, W): image, mask, reconstruction, mask_reconstruction.
    """
    model = load(fitted)
    image, mask = images.arrays["image"][:n], images.arrays["mask"][:n]
    with torch.no_grad():
        parts = [model.decode(model.posterior(p)[0]) for p in tr.as_pairs(image, mask).split(CHUNK)]
    found, logits = torch.cat(parts).unbind(1)
    arrays = {"image": image, "mask": mask, "reconstruction": found.clamp(0, 1).numpy()}
    return Result(arrays | {"mask_reconstruction": (logits > 0).numpy()}, {"n": len(image)})


def operations(settings: dict) -> int:
    """Floating point operations for one new pair, those of convolutions and products, counted."""
    s = frame.from_json(MetamorphicSettings, settings | {"precision": "float32"})
    model = freeze(Metamorphic(s))
    return flops(lambda: model.decode(torch.zeros(1, s.shape + s.appearance)))
