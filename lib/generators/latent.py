"""LDM: latent diffusion of an image together with its mask (Rombach et al. 2022).

First stage, a KL auto-encoder of pairs: per pair, squared error of the image over twice its
variance plus cross-entropy of the mask, summed over pixels, plus a small weight times the KL.
(Theirs has the absolute error, which left grey discs here, and adds a perceptual and a patch loss,
which ours leaves to the dHVAE.) Second stage, a diffusion of the
posterior means, brought to unit standard deviation over the training set, sampled by DDIM.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.datasets.checks import check_pairs
from lib.generators import diffusion, frame, observation
from lib.generators.frame import CHUNK, EVERY, State
from lib.jobs import Result
from lib.networks.baselines import SIDE, Denoiser, LatentDecoder, LatentEncoder
from lib.training import loop as tr
from lib.training.cost import flops
from lib.training.means import Means
from lib.training.weights import approach, freeze, seeded

LOG_VARIANCE = (-30.0, 20.0)  # clamp of the posterior, as Rombach et al. have it
SCHEDULES = {"cosine": diffusion.cosine, "linear": diffusion.linear}


@dataclass(frozen=True)
class LatentSettings:
    """LDM at a laptop's size; "theirs" is Rombach et al. 2022, what they leave open is ours."""

    coder_steps: int = 3000  # ours: many small batches learn more in the same time than few large
    coder_batch: int = 4  # ours
    coder_rate: float = 3e-3  # 4.5e-6 per image of a batch at their size; ours, for few steps
    coder_widths: tuple[int, ...] = (16, 32, 32)  # ours: at 32, 16 and 8 pixels a side
    sd: float = 0.1  # ours, as in the HVAE: of the image's error, grey units
    kl: float = 1e-6  # theirs, "small" beside sums over pixels
    latent: int = 4  # theirs; channels of 8 x 8
    steps: int = 2000  # ours: of the denoiser
    batch: int = 64  # ours
    rate: float = 2e-3  # 5e-5 in the dHVAE paper (section 4.5); ours, for few steps
    betas: tuple[float, float] = (0.5, 0.999)  # AdamW, dHVAE paper, section 4.5
    decay: float = 1e-6  # dHVAE paper, section 4.5
    average: float = 0.98  # ours; 0.9999 theirs: decay of the moving average of the denoiser
    width: int = 64  # ours
    depth: int = 3  # ours
    kind: str = "v"  # what the denoiser predicts; "eps" theirs
    schedule: str = "cosine"  # "linear" theirs
    length: int = 1000  # theirs: T
    sampler_steps: int = 50  # DDIM with eta = 0; 50 to 500 theirs
    precision: str = "bfloat16"  # ours


class LatentDiffusion(nn.Module):
    """Auto-encoder, denoiser, and the standardisation of the latents between them."""

    def __init__(self, settings: LatentSettings):
        super().__init__()
        s = self.settings = settings
        self.encoder = LatentEncoder(s.latent, s.coder_widths)
        self.decoder = LatentDecoder(s.latent, s.coder_widths)
        self.denoiser = Denoiser(s.latent, s.width, s.depth)
        self.register_buffer("shift", torch.zeros(1, s.latent, 1, 1))
        self.register_buffer("scale", torch.ones(1, s.latent, 1, 1))
        self.schedule = SCHEDULES[s.schedule](s.length)

    @property
    def code(self) -> tuple[int, int, int]:
        """Shape of one latent."""
        side = SIDE // 2 ** len(self.settings.coder_widths)
        return self.settings.latent, side, side

    def posterior(self, pair: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the raw latent, float32."""
        with tr.autocast(self.settings.precision):
            mean, log_variance = self.encoder(pair)
        return mean.float(), log_variance.float().clamp(*LOG_VARIANCE)

    def encode(self, pairs: Tensor, chunk: int = CHUNK) -> Tensor:
        """Posterior means (N, latent, 8, 8) of pairs, standardised; never a noisy sample."""
        with torch.no_grad():
            raw = torch.cat([self.posterior(part)[0] for part in pairs.split(chunk)])
        return (raw - self.shift) / self.scale

    def decode(self, z: Tensor) -> Tensor:
        """Logits of {image, mask} from standardised latents."""
        with tr.autocast(self.settings.precision):
            return self.decoder(z * self.scale + self.shift).float()

    def standardise(self, pairs: Tensor) -> None:
        """Set shift and scale so that the latents of these pairs have mean 0 and deviation 1."""
        self.shift.zero_()
        self.scale.fill_(1.0)
        raw = self.encode(pairs)
        self.shift.copy_(raw.mean((0, 2, 3), keepdim=True))
        self.scale.copy_(raw.std((0, 2, 3), correction=0, keepdim=True).clamp(min=1e-6))

    def predict(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """x_0 and eps at x_t, for the samplers."""
        with tr.autocast(self.settings.precision):
            output = self.denoiser(x, t)
        return diffusion.parts(self.schedule, self.settings.kind, output, x, t)

    def sample(
        self, n: int, rng: np.random.Generator, chunk: int = CHUNK
    ) -> tuple[np.ndarray, np.ndarray]:
        """n new images (n, 64, 64) in [0, 1] and their masks (bool)."""
        noise = torch.randn(n, *self.code, generator=tr.torch_generator(rng))
        steps = self.settings.sampler_steps
        with torch.no_grad():
            logits = [
                self.decode(diffusion.last(diffusion.ddim(self.schedule, self.predict, x, steps)))
                for x in noise.contiguous(memory_format=torch.channels_last).split(chunk)
            ]
        return tr.from_logits(torch.cat(logits))


def coder_terms(model: LatentDiffusion, pair: Tensor, noise: Tensor) -> dict[str, Tensor]:
    """Terms of the first stage in nats per pair; noise of the latents' shape."""
    mean, log_variance = model.posterior(pair)
    with tr.autocast(model.settings.precision):
        logits = model.decoder(mean + (0.5 * log_variance).exp() * noise).float()
    image, mask = logits.unbind(1)
    error = (image.sigmoid() - pair[:, 0]) / model.settings.sd
    entropy = F.binary_cross_entropy_with_logits(mask, pair[:, 1], reduction="none")
    kl = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1)
    return {
        "image": 0.5 * error.square().sum((1, 2)).mean(),
        "mask": entropy.sum((1, 2)).mean(),
        "kl": kl.sum((1, 2, 3)).mean(),
    }


def denoiser_loss(model: LatentDiffusion, x0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
    """Mean squared error of what the denoiser predicts at x_t."""
    s, schedule = model.settings, model.schedule
    with tr.autocast(s.precision):
        output = model.denoiser(diffusion.add_noise(schedule, x0, eps, t), t)
    return F.mse_loss(output.float(), diffusion.target(schedule, s.kind, x0, eps, t))


def fit(
    image: np.ndarray, mask: np.ndarray, s: LatentSettings, rng: np.random.Generator
) -> Iterator[State]:
    """Train both stages on pairs: image (N, 64, 64) in [0, 1], mask (N, 64, 64) bool.

    Yields a State every EVERY steps of the stages "coder" and "denoiser" and at their ends. Raises
    ValueError for bad pairs (`check_pairs`).
    """
    check_pairs(image, mask)
    init_rng, coder_rng, denoiser_rng = rng.spawn(3)
    model = seeded(lambda: LatentDiffusion(s), init_rng)
    pairs = tr.as_pairs(image, mask).contiguous(memory_format=torch.channels_last)
    yield from _fit_coder(model, pairs, coder_rng)
    model.standardise(pairs)
    yield from _fit_denoiser(model, model.encode(pairs), denoiser_rng)


def _fit_coder(model: LatentDiffusion, pairs: Tensor, rng: np.random.Generator) -> Iterator[State]:
    s = model.settings
    batch_rng, noise_rng = rng.spawn(2)
    noise = tr.torch_generator(noise_rng)
    weights = [*model.encoder.parameters(), *model.decoder.parameters()]
    optimizer = torch.optim.AdamW(weights, s.coder_rate, s.betas, weight_decay=s.decay)
    means, each = Means(), tr.batches(len(pairs), s.coder_batch, s.coder_steps, batch_rng)
    for step, at in enumerate(each, start=1):
        rate = tr.cosine(step - 1, s.coder_steps, s.coder_rate, 0.05 * s.coder_rate)
        tr.set_rate(optimizer, rate)
        # 1. One code z ~ q(z|x, m) of each pair of the batch
        eps = torch.randn(len(at), *model.code, generator=noise)
        # 2. Squared error of the image, cross-entropy of the mask, and a small KL to N(0, I)
        terms = coder_terms(model, pairs[at], eps)
        # 3. Encoder and decoder take one step together
        tr.descend(optimizer, terms["image"] + terms["mask"] + s.kl * terms["kl"])
        means.add(terms)
        if step % EVERY == 0 or step == s.coder_steps:
            yield State({"stage": "coder", "step": step}, model, means.take())


def _fit_denoiser(
    model: LatentDiffusion, latents: Tensor, rng: np.random.Generator
) -> Iterator[State]:
    s = model.settings
    batch_rng, noise_rng = rng.spawn(2)
    noise = tr.torch_generator(noise_rng)
    optimizer = torch.optim.AdamW(
        model.denoiser.parameters(), s.rate, s.betas, weight_decay=s.decay
    )
    averaged, means = copy.deepcopy(model.denoiser), Means()
    for step, at in enumerate(tr.batches(len(latents), s.batch, s.steps, batch_rng), start=1):
        tr.set_rate(optimizer, tr.cosine(step - 1, s.steps, s.rate, 0.05 * s.rate))
        # 1. Codes z_0 of the frozen coder, standardised; noise and a time for each of them
        x0 = latents[at].contiguous(memory_format=torch.channels_last)
        eps = torch.randn(x0.shape, generator=noise)
        t = torch.randint(s.length, (len(at),), generator=noise)
        # 2. Noise them to z_t; the squared error of what the denoiser makes of z_t and t
        loss = denoiser_loss(model, x0, eps, t)
        # 3. One step, and the moving average that samples are drawn with
        tr.descend(optimizer, loss)
        keep = min(s.average, step / (step + 10))  # short memory at first: forget the start
        approach(averaged, model.denoiser, keep)
        means.add({"denoiser": loss})
        if step % EVERY == 0 or step == s.steps:
            if step == s.steps:
                model.denoiser.load_state_dict(averaged.state_dict())
            yield State({"stage": "denoiser", "step": step}, model, means.take())


def fit_job(data: Result, settings: dict, stream: list[int]) -> Result:
    """Job: train on the lesion slices of a slice_set. Arrays: weights. Scores: settings and log."""
    s = frame.from_json(LatentSettings, settings)
    parts = data.arrays["image"], data.arrays["mask"]
    done = frame.to_its_end(fit(*parts, s, np.random.default_rng(stream)), s)
    return Result(done.arrays | observation.estimate(parts[0]).arrays, done.scores)


def load(fitted: Result) -> LatentDiffusion:
    """The stored model, frozen."""
    return frame.restored(LatentDiffusion, LatentSettings, fitted)


def pool(fitted: Result, n: int, stream: list[int]) -> Result:
    """Job: n new pairs."""
    return frame.pair_pool(load(fitted), n, stream, observation.restored(fitted.arrays))


def reconstruction(fitted: Result, images: Result, n: int) -> Result:
    """Job: the first n pairs of a set, and what the first stage makes of them."""
    model = load(fitted)
    return frame.remade(images, n, lambda pairs: model.decode(model.encode(pairs)))


def operations(settings: dict) -> int:
    """Floating point operations for one new pair: all denoising steps and the decoder."""
    s = frame.from_json(LatentSettings, settings)
    model = freeze(LatentDiffusion(s))
    z = torch.zeros(1, *model.code)
    step = flops(lambda: model.denoiser(z, torch.zeros(1, dtype=torch.long)))
    return s.sampler_steps * step + flops(lambda: model.decoder(z))
