"""Text-to-image latent diffusion of chest films: the base that a ControlNet builds on.

Three stages, each a job: a KL auto-encoder (Rombach et al. 2022) whose posterior means are brought
to mean 0 and deviation 1 over the training films; on these, a U-Net with cross-attention and its
text encoder, from scratch; later a branch (`controlnet`). The paper takes the first two ready-made
(Bluethgen et al.); ours learn them from films of the law "mimic".

A text of "N/A" is zero vectors in training and in sampling (paper, "Model Architecture and
Training"), and a share of the training texts becomes it: that is what guidance needs (Ho and
Salimans 2022),

    eps = eps(no condition) + g (eps(condition) - eps(no condition)),     g = 1: the condition alone
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from lib.generators import diffusion, frame, observation
from lib.generators.frame import CHUNK, EVERY, State
from lib.generators.observation import Noise
from lib.jobs import Result
from lib.networks.textual import (
    LATENT,
    NO_TEXT,
    FilmDecoder,
    FilmEncoder,
    TextEncoder,
    TextUNet,
)
from lib.phantoms import reports
from lib.training import loop as tr
from lib.training.means import Means
from lib.training.weights import approach, freeze, load_arrays, seeded

SIDE = 16  # of a latent, pixels
BURNT = 0.995  # grey value from which a film is burnt out
LOG_VARIANCE = (-30.0, 20.0)  # clamp of the posterior, as Rombach et al. have it
SCHEDULES = {"cosine": diffusion.cosine, "linear": diffusion.linear}


@dataclass(frozen=True)
class CoderSettings:
    """The auto-encoder; all ours but what is marked (Rombach et al. 2022)."""

    steps: int = 1500
    batch: int = 8
    rate: float = 1e-3  # cosine to a twentieth
    decay: float = 1e-6
    widths: tuple[int, int] = (32, 64)  # channels at 32 and 16 pixels a side
    sd: float = 0.03  # of a film's error, grey units
    kl: float = 1e-2  # "small", theirs, beside sums over pixels
    precision: str = "bfloat16"


@dataclass(frozen=True)
class BaseSettings:
    """The text-to-image base."""

    steps: int = 1500  # ours
    batch: int = 64  # ours: one batch; the paper adds up the gradients of 16
    rate: float = 2e-3  # ours, for few steps; 1e-4 or 1e-5 the paper, garbled
    decay: float = 1e-4  # ours
    average: float = 0.99  # ours: decay of the moving average of the weights
    text_drop: float = 0.1  # texts that become "N/A", so that guidance knows no condition
    caption_share: float = 0.35  # ours: texts that are the caption in the report's place
    name_share: float = 0.3  # ours: texts that are the bare names of what the film shows
    widths: tuple[int, int, int] = (32, 96, 128)  # ours: at 16, 8 and 4 pixels a side
    text: int = 96  # ours: width of the text's vectors
    depth: int = 1  # ours: layers of the text encoder
    kind: str = "v"  # ours; "eps" the paper, equation 1
    schedule: str = "cosine"  # ours
    length: int = 1000  # T
    sampler_steps: int = 20  # ours: DDIM with eta = 0
    precision: str = "bfloat16"  # ours


# ---- coder --------------------------------------------------------------------------------------


class FilmCoder(nn.Module):
    """Encoder, decoder, and the standardisation of the latents between them."""

    def __init__(self, settings: CoderSettings):
        super().__init__()
        s = self.settings = settings
        self.encoder = FilmEncoder(s.widths)
        self.decoder = FilmDecoder(s.widths)
        self.register_buffer("shift", torch.zeros(1, LATENT, 1, 1))
        self.register_buffer("scale", torch.ones(1, LATENT, 1, 1))

    def posterior(self, film: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the raw latents of films (B, 1, 64, 64), float32."""
        with tr.autocast(self.settings.precision):
            mean, log_variance = self.encoder(film)
        return mean.float(), log_variance.float().clamp(*LOG_VARIANCE)

    def encode(self, film: Tensor) -> Tensor:
        """Posterior means (N, latent, 16, 16) of films (N, 1, 64, 64), standardised."""
        with torch.no_grad():
            raw = torch.cat([self.posterior(part)[0] for part in film.split(CHUNK)])
        return (raw - self.shift) / self.scale

    def decode(self, z: Tensor) -> Tensor:
        """Films (N, 1, 64, 64) of standardised latents, not clipped."""
        with tr.autocast(self.settings.precision):
            return self.decoder(z * self.scale + self.shift)

    def standardise(self, film: Tensor) -> None:
        """Set shift and scale so that the latents of these films have mean 0 and deviation 1."""
        self.shift.zero_()
        self.scale.fill_(1.0)
        raw = self.encode(film)
        self.shift.copy_(raw.mean((0, 2, 3), keepdim=True))
        self.scale.copy_(raw.std((0, 2, 3), correction=0, keepdim=True).clamp(min=1e-6))


def coder_terms(coder: FilmCoder, film: Tensor, noise: Tensor) -> dict[str, Tensor]:
    """Nats a film: squared error over twice its variance, and KL; noise of the latents' shape."""
    mean, log_variance = coder.posterior(film)
    with tr.autocast(coder.settings.precision):
        made = coder.decoder(mean + (0.5 * log_variance).exp() * noise)
    error = (made - film) / coder.settings.sd
    kl = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1)
    parts = {"image": 0.5 * error.square(), "kl": kl}
    return {name: each.sum((1, 2, 3)).mean() for name, each in parts.items()}


def fit_coder(image: np.ndarray, s: CoderSettings, rng: np.random.Generator) -> Iterator[State]:
    """Train on films (N, 64, 64) in [0, 1]; a State every EVERY steps; the last is standardised."""
    init_rng, batch_rng, noise_rng = rng.spawn(3)
    coder, noise = seeded(lambda: FilmCoder(s), init_rng), tr.torch_generator(noise_rng)
    film = planes(image)
    optimizer = torch.optim.AdamW(coder.parameters(), s.rate, weight_decay=s.decay)
    means = Means()
    for step, at in enumerate(tr.batches(len(film), s.batch, s.steps, batch_rng), start=1):
        tr.set_rate(optimizer, tr.cosine(step - 1, s.steps, s.rate, 0.05 * s.rate))
        eps = torch.randn(len(at), LATENT, SIDE, SIDE, generator=noise)
        terms = coder_terms(coder, film[at], eps)
        tr.descend(optimizer, terms["image"] + s.kl * terms["kl"])
        means.add(terms)
        if step == s.steps:
            coder.standardise(film)
        if step % EVERY == 0 or step == s.steps:
            yield State({"stage": "coder", "step": step}, coder, means.take())


def coder_job(films: Result, settings: dict, stream: list[int]) -> Result:
    """Job: the auto-encoder of a film set. Arrays: weights and the noise that its films lack."""
    s, image = frame.from_json(CoderSettings, settings), films.arrays["image"]
    done = frame.to_its_end(fit_coder(image, s, np.random.default_rng(stream)), s, "coder/")
    coder = restored_coder(done)
    with torch.no_grad():
        parts = planes(image).split(CHUNK)
        made = torch.cat([coder.decode(coder.encode(part)) for part in parts])[:, 0].clamp(0, 1)
    error = float((made - torch.from_numpy(image)).square().mean().sqrt())
    noise = missing(*(observation.estimate(exposed(each)) for each in (image, made.numpy())))
    return Result(done.arrays | noise.arrays, done.scores | {"error": error})


def exposed(image: np.ndarray) -> np.ndarray:
    """Films whose burnt-out pixels are 0: these carry no noise, and flat squares of them would pass
    for the flattest."""
    return np.where(image < BURNT, image, 0)


def missing(wanted: Noise, present: Noise) -> Noise:
    """The noise to add where some is present: the difference of the variances, grain as wanted."""
    return replace(wanted, sd=np.sqrt((wanted.sd**2 - present.sd**2).clip(0)))


def restored_coder(fitted: Result) -> FilmCoder:
    """The stored coder, frozen."""
    settings = fitted.scores.get("coder", fitted.scores["settings"])
    coder = FilmCoder(frame.from_json(CoderSettings, settings))
    return freeze(load_arrays(coder, fitted.arrays, "coder/"))


def planes(image: np.ndarray) -> Tensor:
    """Films (N, 64, 64) -> (N, 1, 64, 64) float32; ValueError for others."""
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[1:] != (4 * SIDE, 4 * SIDE):
        raise ValueError(f"image has shape {image.shape}; pass films (N, 64, 64) in [0, 1].")
    if not ((image >= 0) & (image <= 1)).all():  # also NaN
        raise ValueError("image has values outside [0, 1]; rescale the films.")
    return tr.as_planes(image)


# ---- base ---------------------------------------------------------------------------------------


class TextToFilm(nn.Module):
    """Text encoder, U-Net and noise schedule."""

    def __init__(self, settings: BaseSettings):
        super().__init__()
        s = self.settings = settings
        self.text = TextEncoder(len(reports.VOCABULARY), reports.LENGTH, s.text, s.depth)
        self.unet = TextUNet(s.widths, s.text)
        self.schedule = SCHEDULES[s.schedule](s.length)

    def vectors(self, tokens: Tensor) -> Tensor:
        """Vectors (B, LENGTH, text) of tokens (B, LENGTH); zero for "N/A"."""
        return self.text(tokens)

    def say(self, x: Tensor, t: Tensor, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """What the network says of x_t, float32; the base sees no mask."""
        with tr.autocast(self.settings.precision):
            return self.unet(x, t, self.vectors(tokens)).float()

    def errors(
        self, latents: Tensor, noise: Tensor, t: Tensor, tokens: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Mean squared error (B,) of what the network says of noised latents (equation 1).

        latents and noise (B, 4, 16, 16), t (B,), tokens (B, LENGTH), mask (B, 1, 64, 64).
        """
        x = diffusion.add_noise(self.schedule, latents, noise, t)
        goal = diffusion.target(self.schedule, self.settings.kind, latents, noise, t)
        return (self.say(x, t, tokens, mask) - goal).square().mean((1, 2, 3))

    def guided(self, tokens: Tensor, mask: Tensor, guidance: float | Tensor) -> diffusion.Predict:
        """x_0 and eps at x_t for the samplers. Without a condition neither text nor mask is shown.

        guidance: one for all, 1 being the condition alone, or one for each (B, 1, 1, 1).
        """
        texts = torch.cat([tokens, no_text(len(tokens))])
        masks = torch.cat([mask, torch.zeros_like(mask)])

        def predict(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            if isinstance(guidance, int | float) and guidance == 1:
                said = self.say(x, t, tokens, mask)
            else:
                said, free = self.say(x.repeat(2, 1, 1, 1), t.repeat(2), texts, masks).chunk(2)
                said = free + guidance * (said - free)
            return diffusion.parts(self.schedule, self.settings.kind, said, x, t)

        return predict


def no_text(n: int) -> Tensor:
    """Tokens (n, LENGTH) of "N/A"."""
    tokens = torch.zeros(n, reports.LENGTH, dtype=torch.uint8)
    tokens[:, 0] = NO_TEXT
    return tokens


def chosen_text(texts: dict[str, Tensor], s: BaseSettings, generator: torch.Generator) -> Tensor:
    """Texts of a batch: the report; for shares, where it has them, the caption and the names.

    texts: tokens (B, LENGTH) of "report", and none or both of "caption" and "names". A share of
    all is "N/A" in their place.
    """
    text = texts["report"]
    draw = torch.rand(2, len(text), 1, generator=generator)
    if "caption" in texts:
        text = torch.where(draw[0] < s.caption_share, texts["caption"], text)
        text = torch.where(draw[0] >= 1 - s.name_share, texts["names"], text)
    return torch.where(draw[1] < s.text_drop, no_text(len(text)), text)


def written(films: Result) -> dict[str, Tensor]:
    """The texts of films for `chosen_text`; of a pool, which has no captions, its requests alone.

    Tasks ask for findings by their names alone. Reports and captions tell severity and side too,
    and a base that has read nothing else shows next to nothing of a bare name.
    """
    arrays = {"report": films.arrays["tokens"]}
    if "caption" in films.arrays:
        names = reports.name_tokens(films.arrays["labels"])
        arrays |= {"caption": films.arrays["caption"], "names": names}
    return {kind: torch.from_numpy(each) for kind, each in arrays.items()}


def descended(
    model: nn.Module, weights: list[nn.Parameter], loss: Callable[[Tensor], Tensor], n: int,
    stage: str, rng: np.random.Generator, falling: bool = True,
) -> Iterator[State]:  # fmt: skip
    """Descend on loss(index batch); yields a State of the moving average every EVERY steps.

    The settings of the model say how: steps, batch, rate, decay, average. The model itself ends as
    the average. falling: the rate follows a cosine to a twentieth; else it stays, and a stop at
    any step is what a shorter training would have given.
    """
    s, means, averaged = model.settings, Means(), copy.deepcopy(model)
    optimizer = torch.optim.AdamW(weights, s.rate, weight_decay=s.decay)
    for step, at in enumerate(tr.batches(n, s.batch, s.steps, rng), start=1):
        if falling:
            tr.set_rate(optimizer, tr.cosine(step - 1, s.steps, s.rate, 0.05 * s.rate))
        found = loss(at)
        tr.descend(optimizer, found)
        approach(averaged, model, min(s.average, step / (step + 10)))  # short memory at first
        means.add({"loss": found})
        if step == s.steps:
            model.load_state_dict(averaged.state_dict())
        if step % EVERY == 0 or step == s.steps:
            yield State({"stage": stage, "step": step}, averaged, means.take())


def fit_base(
    model: TextToFilm, latents: Tensor, texts: dict[str, Tensor], rng: np.random.Generator
) -> Iterator[State]:
    """Train text encoder and U-Net on latents (N, 4, 16, 16) and their texts, of `written`."""
    batch_rng, noise_rng = rng.spawn(2)
    s, noise = model.settings, tr.torch_generator(noise_rng)

    def loss(at: Tensor) -> Tensor:
        x0 = latents[at].contiguous(memory_format=torch.channels_last)
        eps = torch.randn(x0.shape, generator=noise)
        t = torch.randint(s.length, (len(at),), generator=noise)
        text = chosen_text({kind: each[at] for kind, each in texts.items()}, s, noise)
        return model.errors(x0, eps, t, text).mean()

    yield from descended(model, [*model.parameters()], loss, len(latents), "base", batch_rng)


def base_job(films: Result, coder: Result, settings: dict, stream: list[int]) -> Result:
    """Job: the base of a film set. Arrays: its weights, the coder's and the noise of the films."""
    init_rng, rng = np.random.default_rng(stream).spawn(2)
    s = frame.from_json(BaseSettings, settings)
    return _fitted(seeded(lambda: TextToFilm(s), init_rng), films, coder, rng)


def more_job(films: Result, base: Result, settings: dict, stream: list[int]) -> Result:
    """Job: the base trained on, for settings["steps"] steps, on a film set or a pool.

    settings replace the base's own. This is what the paper does with filtered images ("Proxy
    Model", 9,000 steps).
    """
    s = frame.from_json(BaseSettings, base.scores["settings"] | settings)
    model = load_arrays(TextToFilm(s), base.arrays, "base/").train()
    return _fitted(model, films, base, np.random.default_rng(stream))


def _fitted(model: TextToFilm, films: Result, coded: Result, rng: np.random.Generator) -> Result:
    """A base after its training. Those who continue it see arrays of one form."""
    latents = restored_coder(coded).encode(planes(films.arrays["image"]))
    training = fit_base(model, latents, written(films), rng)
    done = frame.to_its_end(training, model.settings, "base/")
    kept = {k: v for k, v in coded.arrays.items() if k.startswith(("coder/", "noise/"))}
    own = coded.scores.get("coder", coded.scores["settings"])
    return Result(done.arrays | kept, done.scores | {"coder": own})


def restored_base(base: Result) -> TextToFilm:
    """The stored base, frozen."""
    return frame.restored(TextToFilm, BaseSettings, base, "base/")
