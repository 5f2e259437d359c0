"""PathoSyn: VAE-GAN, the framework of `pathosyn` with another law of the deviation (section IV-A).

    z ~ N(0, I) of 128 numbers,   r = G(z, x_sub, m) on the lesion's patch
    L = area error of r + KL / pixels + lambda_adv L_PatchGAN,   lambda_adv = 0.1

The paper gives the size of the latent, the critic's kind and its weight; the rest is ours. The
decoder says the mean of r given z: a Gaussian likelihood of deviation `sd`, per lesion its mean
over the lesion's own pixels times `pixels`, so that small lesions count. The critic sees patches of
the image with r pasted inside the mask, beside the mask, and learns from decoded samples of the
prior.

A mean is smooth and the image has noise. So samples, and what the critic sees of them, are draws:
observation noise, estimated from the training images, is added inside the mask. (The diffusion
needs none: it draws the noise with the deviation.)
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lib.generators import boxes, frame, observation, scenes
from lib.generators.frame import CHUNK, State
from lib.generators.joint import Lesions, fit_parts, own_mean, prepared, shared
from lib.generators.observation import Noise
from lib.generators.pathosyn import PathoSyn, PathoSynSettings
from lib.jobs import Result
from lib.networks.pathosyn import PatchDecoder, PatchEncoder, SubstrateNet
from lib.networks.wsconv import PatchCritic
from lib.training import loop as tr
from lib.training.cost import flops
from lib.training.weights import freeze, seeded

LOG_VARIANCE = (-12.0, 2.0)  # clamp of the posterior


@dataclass(frozen=True)
class PatchGanSettings(PathoSynSettings):
    """PathoSyn-VAE-GAN; see PathoSynSettings for what is shared."""

    latent: int = 128  # section IV-A
    adv_weight: float = 0.1  # lambda_adv, section IV-A
    sd: float = 0.3  # ours: of the likelihood, in units of `scale`
    pixels: float = 100.0  # ours: lesion pixels that the mean error of one stands for
    delay: int = 500  # ours: steps before the critic joins
    critic_rate: float = 0.5  # ours: learning rate of the critic over `rate`
    betas: tuple[float, float] = (0.5, 0.999)  # ours: of the critic's AdamW
    noisy: bool = True  # ours: samples are draws about the decoder's means
    widths: tuple[int, ...] = (48, 64, 96)  # ours: at 1/2, 1/4 and 1/8 of the patch
    sides: tuple[int, ...] = (48,)  # ours: one side for all patches, the network has linear layers


class PatchGan(PathoSyn):
    """f_sub and the VAE of patches."""

    def __init__(self, settings: PatchGanSettings):
        super().__init__(settings)
        s = settings
        if len(s.sides) != 1:
            raise ValueError(f"patches have sides {s.sides}; give one, as long as all need.")
        self.encoder = PatchEncoder(s.latent, s.widths, s.sides[0])
        self.decoder = PatchDecoder(s.latent, s.widths, s.sides[0])
        self.noise: Noise | None = None

    def posterior(self, r_0: Tensor, substrate: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation (B, latent) of q(z | r_0, x_sub, m)."""
        with tr.autocast(self.settings.precision):
            mean, log_variance = self.encoder(torch.cat([r_0, substrate, mask], 1))
        return mean, 0.5 * log_variance.clamp(*LOG_VARIANCE)

    def decode(self, z: Tensor, substrate: Tensor, mask: Tensor) -> Tensor:
        """The mean of r (B, 1, side, side) in units of `scale`, 0 outside the mask."""
        with tr.autocast(self.settings.precision):
            return self.decoder(z, torch.cat([substrate, mask], 1)).float() * mask

    def draw(self, substrate: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """Deviations (N, 1, H, W) in units of `scale`; without the observation noise."""
        s = self.settings
        places = boxes.around(mask[:, 0].numpy(), s.sides, s.pad)
        z, r = torch.randn(len(mask), s.latent, generator=generator), torch.zeros_like(mask)
        for at in np.array_split(np.arange(len(mask)), -(-len(mask) // CHUNK)):
            sub, m = (places.cut(part, at) for part in (substrate, mask))
            places.put(r, at, self.decode(z[torch.from_numpy(at)], sub, m))
        return r

    def observed(
        self, substrate: Tensor, deviation: Tensor, support: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Deviations with observation noise about the image that they make, where there is any."""
        if self.noise is None:
            return deviation
        mean = substrate + deviation
        seen = self.noise.on(mean[:, 0], generator).unsqueeze(1)
        return deviation + (seen - mean) * support


def vae_terms(model: PatchGan, r_0: Tensor, substrate: Tensor, mask: Tensor, eps: Tensor) -> dict:
    """Both terms of the VAE in nats a lesion, (B,): "error" and "kl"; eps (B, latent)."""
    s = model.settings
    mean, log_sd = model.posterior(r_0, substrate, mask)
    found = model.decode(mean + log_sd.exp() * eps, substrate, mask)
    error = 0.5 * s.pixels * own_mean(((found - r_0) / s.sd).square(), mask)
    kl = 0.5 * (mean.square() + (2 * log_sd).exp() - 2 * log_sd - 1).sum(1)
    return {"error": error, "kl": kl}


def pasted(
    image: Tensor, substrate: Tensor, added: Tensor, mask: Tensor, noise: Noise | None,
    generator: torch.Generator,
) -> Tensor:  # fmt: skip
    """Images (B, 1, h, w) with substrate + added in the mask, a draw about it if noise is given."""
    made = substrate + added
    if noise is not None:
        made = noise.on(made[:, 0], generator).unsqueeze(1)
    return torch.where(mask > 0, made, image)


def fit(
    image: np.ndarray, mask: np.ndarray, s: PatchGanSettings, rng: np.random.Generator,
    warm: SubstrateNet | None = None,
) -> Iterator[State]:  # fmt: skip
    """Train on lesion slices: image (N, H, W) in [0, 1], mask (N, H, W), none of them empty.

    Yields a State every EVERY steps of the stages of `fit_parts`. ValueError for bad pairs, and for
    a lesion that no patch holds.
    """
    init_rng, parts_rng, noise_rng = rng.spawn(3)
    data = prepared(image, mask, s)
    model = seeded(lambda: PatchGan(s), init_rng)
    critic = seeded(PatchCritic, init_rng)
    judge = torch.optim.AdamW(
        critic.parameters(), s.critic_rate * s.rate, s.betas, weight_decay=s.decay
    )
    draws = tr.torch_generator(noise_rng)
    model.noise, step = observation.estimate(image) if s.noisy else None, 0

    def generative(batch: Lesions, substrate: Tensor) -> dict[str, Tensor]:
        nonlocal step
        step += 1
        every = np.arange(len(batch))
        planes = (batch.image, substrate, batch.support)
        x, sub, m = (batch.places.cut(part, every) for part in planes)
        eps = torch.randn(2, len(batch), s.latent, generator=draws)
        # 1. The VAE of this batch's deviations
        terms = vae_terms(model, model.deviation(x, sub, m), sub, m, eps[0])
        terms = {name: value.mean() for name, value in terms.items()}
        loss = (terms["error"] + terms["kl"]) / s.pixels
        # 2. Samples of the prior before the critic, once it has joined
        if step > s.delay:
            added = model.grey(model.decode(eps[1], sub, m))
            fake = torch.cat([pasted(x, sub, added, m, model.noise, draws), m], 1)
            terms["critic"] = judged(critic, judge, torch.cat([x, m], 1), fake.detach(), s)
            critic.requires_grad_(False)
            with tr.autocast(s.precision):
                terms["adv"] = F.softplus(-critic(fake).float()).mean()
            critic.requires_grad_(True)
            loss = loss + s.adv_weight * terms["adv"]
        return terms | {"loss": loss}

    yield from fit_parts(model, data, generative, parts_rng, warm)


def judged(critic, judge: torch.optim.Optimizer, real: Tensor, fake: Tensor, s) -> Tensor:
    """One step of the critic on patches {image, mask} (B, 2, h, w), and its loss before it."""
    with tr.autocast(s.precision):
        on_real, on_fake = critic(real).float(), critic(fake).float()
    loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
    tr.descend(judge, loss)
    return loss.detach()


def fit_job(
    data: Result, settings: dict, stream: list[int], substrate: Result | None = None
) -> Result:
    """Job: as `deviation.fit_job`. Arrays: weights and, where samples are draws, their noise."""
    s = frame.from_json(PatchGanSettings, settings)
    parts = data.arrays["image"], data.arrays["mask"]
    states = fit(*parts, s, np.random.default_rng(stream), shared(substrate, s))
    done = frame.to_its_end(states, s)
    noise = observation.estimate(parts[0]).arrays if s.noisy else {}
    return Result(done.arrays | noise, done.scores)


def load(fitted: Result) -> PatchGan:
    """The stored model, frozen."""
    model = frame.restored(PatchGan, PatchGanSettings, fitted)
    model.noise = observation.restored(fitted.arrays) if model.settings.noisy else None
    return model


def pool(
    fitted: Result, data: Result, n: int, stream: list[int], scene: str = "own",
    how: str | None = None, severity: float = 1.0,
) -> Result:  # fmt: skip
    """Job: n syntheses on slices of a slice_set, see `scenes.pool`."""
    return scenes.pool(load(fitted), data, n, stream, scene, how, severity)


def operations(settings: dict) -> int:
    """Floating point operations for one synthesis of 64 x 64, counted."""
    s = frame.from_json(PatchGanSettings, settings | {"precision": "float32"})
    model = freeze(PatchGan(s))
    box, whole = torch.zeros(1, 1, s.sides[0], s.sides[0]), torch.zeros(1, 1, 64, 64)
    patch = flops(lambda: model.decode(torch.zeros(1, s.latent), box, box))
    return patch + flops(lambda: model.substrate(whole, whole))
