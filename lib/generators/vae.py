"""The conditional VAE and PA-VAE (PA-VAE paper, section 3, equation 1).

    L = E_q[-log p(x|z,y)] + beta KL(q(z|x,y) || p(z|y))
        + lambda_path L_path + lambda_mask L_mask + lambda_cls L_cls

Reduction: pixels, latents and likelihood are summed, the batch is averaged. The added terms are of
order one, and the paper's 0.5 and 0.2 would vanish beside thousands of nats, so each has a scale of
ours, chosen on a spare draw: the mask's overlap the number of pixels, the two terms of the guide
`guide_scale`. What a scale means depends on the likelihood: a Gaussian whose variance is learned
weighs an error many times more than a Bernoulli law of grey values does.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.datasets.hdf5 import ImageSet, from_arrays
from lib.generators import frame, observation
from lib.generators.frame import EarlyStopping, State
from lib.jobs import Result
from lib.networks.blocks import Decoder, Encoder
from lib.tasks import classify
from lib.training import loop as tr
from lib.training.means import Means
from lib.training.weights import approach, seeded

LOG_VARIANCE = (-8.0, 2.0)  # clamp of the posterior, ours
PRIOR_LOG_VARIANCE = (-4.0, 0.0)  # of the prior, ours: a wide one samples where no image was


@dataclass(frozen=True)
class VaeSettings:
    """PA-VAE as in the paper's Table 2a; what the paper leaves open is marked ours."""

    epochs: int = 8  # "8-10", early stopping on FID-like
    epoch_images: int = 8000  # ours: an epoch is 8,000 images (Table 1), drawn from the 800
    batch: int = 64  # "per step"
    rate: float = 1e-3  # Adam (0.9, 0.999), cosine decay ...
    rate_end: float = 1e-5  # ... to this minimum
    beta: float = 4.0  # "disentanglement trade-off"
    lambda_path: float = 0.5  # "feature-preservation weight"
    lambda_cls: float = 0.2  # "class-consistency weight"
    lambda_mask: float = 0.5  # absent from the paper; chosen on validation
    guide_scale: float = 256.0  # ours: multiplies L_path and L_cls
    likelihood: str = "gaussian"  # ours: variance at its maximum; "bernoulli", as the paper has it
    class_prior: bool = True  # p(z|y); False: N(0, I)
    prior_rate: float = 20.0  # ours: rate of p(z|y) over `rate`, so that it keeps up with q
    latent: int = 32  # ours
    average: float = 0.99  # ours: decay of the moving average of the weights
    precision: str = "bfloat16"  # ours

    @property
    def steps_per_epoch(self) -> int:
        return self.epoch_images // self.batch


BERNOULLI = {"likelihood": "bernoulli", "guide_scale": 4.0}  # as the paper has it, with its scale
PA_VAE = VaeSettings()
STANDARD = VaeSettings(
    beta=1.0, likelihood="bernoulli", lambda_path=0.0, lambda_cls=0.0, lambda_mask=0.0,
    class_prior=False,
)  # fmt: skip


class ConditionalVAE(nn.Module):
    """Encoder q(z|x,y), prior p(z|y), decoder p(x|z,y) with a second plane for the lesion mask."""

    def __init__(self, settings: VaeSettings, classes: int = 3):
        super().__init__()
        self.encoder = Encoder(settings.latent, classes)
        self.decoder = Decoder(settings.latent, classes)
        self.prior = nn.Parameter(torch.zeros(classes, 2, settings.latent))  # mean, log-variance
        self.prior.requires_grad_(settings.class_prior)

    def posterior(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and clamped log-variance of q(z|x,y), float32 (B, latent)."""
        mean, log_variance = self.encoder(x, y)
        return mean.float(), log_variance.float().clamp(*LOG_VARIANCE)

    def prior_of(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and clamped log-variance of p(z|y), (B, latent)."""
        return self.prior[y, 0], self.prior[y, 1].clamp(*PRIOR_LOG_VARIANCE)

    def reconstruct(self, x: Tensor, y: Tensor) -> Tensor:
        """Decode the posterior mean: images (B, 1, 64, 64) in [0, 1]."""
        return self.decoder(self.posterior(x, y)[0], y)[:, :1].float().sigmoid()

    def sample(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One image (64, 64) in [0, 1] per label: the mean of p(x|z,y) at z ~ p(z|y)."""
        y = torch.from_numpy(np.asarray(labels, dtype=np.int64))
        noise = torch.randn(len(y), self.prior.shape[-1], generator=tr.torch_generator(rng))
        with torch.no_grad():
            z = draw(*self.prior_of(y), noise)
            parts = zip(z.split(250), y.split(250), strict=True)
            return torch.cat([self.decoder(*part)[:, 0].sigmoid() for part in parts]).numpy()


def draw(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """The reparameterised sample mean + sigma * noise."""
    return mean + (0.5 * log_variance).exp() * noise


def kl(mean_q: Tensor, log_q: Tensor, mean_p: Tensor, log_p: Tensor) -> Tensor:
    """KL(N(mean_q, e^log_q) || N(mean_p, e^log_p)) of diagonal Gaussians per dimension."""
    squared = (mean_q - mean_p).square()
    return 0.5 * (log_p - log_q + (log_q.exp() + squared) * (-log_p).exp() - 1)


def reconstruction_loss(logits: Tensor, x: Tensor, likelihood: str) -> Tensor:
    """-log p(x|z), summed over pixels and averaged over the batch; logits and x (B, 1, H, W).

    bernoulli: cross-entropy of grey values, as the paper has it. gaussian: one variance for all
    pixels, the mean squared error of the batch, which is its maximum-likelihood value.
    """
    if likelihood == "bernoulli":
        each = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        return each.sum((1, 2, 3)).mean()
    if likelihood != "gaussian":
        raise ValueError(f"likelihood {likelihood!r} is unknown; use 'bernoulli' or 'gaussian'.")
    error = (logits.sigmoid() - x).square().mean()
    return 0.5 * x[0].numel() * (error.clamp(min=1e-6).log() + 1 + math.log(2 * math.pi))


def mask_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """1 - soft IoU, averaged over the images of the batch that have a lesion; (B, H, W) both.

    Intersection and union of probabilities; an image without a mask has no IoU and does not count.
    """
    some = mask.flatten(1).any(1)
    p, mask = logits[some].sigmoid(), mask[some]
    both = (p * mask).sum((1, 2))
    iou = both / (p.sum((1, 2)) + mask.sum((1, 2)) - both)
    return (1 - iou).sum() / some.sum().clamp(min=1)


def loss_terms(model: ConditionalVAE, guide: nn.Module, x, y, mask, noise, s: VaeSettings) -> dict:
    """Every term of equation 1 for one batch, unweighted; noise is (2, B, latent)."""
    with tr.autocast(s.precision):
        q, p = model.posterior(x, y), model.prior_of(y)
        planes = model.decoder(draw(*q, noise[0]), y).float()
    image = planes[:, :1]
    terms = {
        "reconstruction": reconstruction_loss(image, x, s.likelihood),
        "kl": kl(*q, *p).sum(1).mean(),
    }
    if s.lambda_mask:
        terms["mask"] = mask_loss(planes[:, 1], mask)
    if s.lambda_path or s.lambda_cls:
        with tr.autocast(s.precision):
            with torch.no_grad():
                target = guide.features(x)
            found = guide.features(image.sigmoid())
            logits = guide.head(found)
            half = slice(len(y) // 2)  # prior samples of half a batch: they cost a whole decoding
            mean, log_variance = (each[half].detach() for each in p)  # p(z|y) fits q alone
            z = draw(mean, log_variance, noise[1][half])
            logits_sampled = guide(model.decoder(z, y[half])[:, :1].sigmoid())
        scale = target.float().square().mean()
        terms["path"] = (found.float() - target.float()).square().mean() / scale
        on_reconstruction = F.cross_entropy(logits.float(), y)
        terms["cls"] = 0.5 * (on_reconstruction + F.cross_entropy(logits_sampled.float(), y[half]))
    return terms


def total(terms: dict[str, Tensor], s: VaeSettings, pixels: int) -> Tensor:
    """Equation 1: the weighted sum.

    Beside a reconstruction that is summed over pixels, L_path, L_mask and L_cls are of order one
    each, so each has a scale, chosen on a spare draw: it follows from no mean that a term would be.
    """
    weights = {
        "reconstruction": 1.0,
        "kl": s.beta,
        "path": s.lambda_path * s.guide_scale,
        "mask": s.lambda_mask * pixels,
        "cls": s.lambda_cls * s.guide_scale,
    }
    return sum(weights[name] * value for name, value in terms.items())


def fit(
    data: ImageSet, guide: nn.Module, settings: VaeSettings, rng: np.random.Generator
) -> Iterator[State]:
    """Train on labelled images with masks; yields a State after every epoch, the model a moving
    average."""
    init_rng, batch_rng, noise_rng = rng.spawn(3)
    model = seeded(lambda: ConditionalVAE(settings), init_rng)
    optimizer = torch.optim.Adam(
        [
            {"params": [*model.encoder.parameters(), *model.decoder.parameters()]},
            {"params": [model.prior], "boost": settings.prior_rate},
        ],
        settings.rate,
        betas=(0.9, 0.999),
    )
    averaged = copy.deepcopy(model).requires_grad_(False)
    x, y = tr.as_planes(data.image), torch.from_numpy(data.label)
    mask = torch.from_numpy(data.mask.astype(np.float32))
    per_epoch, noise = settings.steps_per_epoch, tr.torch_generator(noise_rng)
    steps, means = settings.epochs * per_epoch, Means(per_epoch)
    for step, at in enumerate(tr.batches(len(x), settings.batch, steps, batch_rng), start=1):
        tr.set_rate(optimizer, tr.cosine(step - 1, steps, settings.rate, settings.rate_end))
        # 1. Noise for z ~ q(z|x, y), and for samples of the prior, whose class L_cls reads as well
        eps = torch.randn(2, len(at), settings.latent, generator=noise)
        inputs = x[at].contiguous(memory_format=torch.channels_last)
        # 2. The terms of equation 1 and their weighted sum; the guide is frozen
        terms = loss_terms(model, guide, inputs, y[at], mask[at], eps, settings)
        loss = total(terms, settings, x[0].numel())
        # 3. Encoder, decoder and the prior p(z|y) take one step together
        tr.descend(optimizer, loss)
        # 4. The moving average of all weights, short at first to forget the start
        approach(averaged, model, min(settings.average, step / (step + 10)))
        means.add({**terms, "total": loss})
        if step % per_epoch == 0:
            yield State({"epoch": step // per_epoch}, averaged, means.take())


def fit_job(
    data: Result, n: int, guide: Result, validation: Result | None, settings: dict,
    stream: list[int],
) -> Result:  # fmt: skip
    """Job: train on the first n images; the epoch with the best FD on validation is kept.

    Without validation images it is the last: early stopping watches one distance, and any distance
    favours somebody. The training is the same to the last bit. Arrays: its weights under "best/".
    Scores: the log of every epoch and the one that was kept.
    """
    s, rng = frame.from_json(VaeSettings, settings), np.random.default_rng(stream)
    (stop_rng,) = rng.spawn(1)
    states = fit(from_arrays(data.arrays)[:n], classify.load(guide), s, rng)
    noise = observation.estimate(data.arrays["image"][:n])
    if validation is None:
        last = frame.to_its_end(states, s, "best/")
        return Result(last.arrays | noise.arrays, last.scores | {"best_epoch": s.epochs})
    watch = EarlyStopping(validation.arrays["image"], stop_rng, noise)
    for state in states:
        watch.see(state)
    return Result(watch.weights | noise.arrays, watch.scores | {"settings": asdict(s)})


def load(fitted: Result) -> ConditionalVAE:
    """The stored model, frozen."""
    return frame.restored(ConditionalVAE, VaeSettings, fitted, "best/")


def pool(
    fitted: Result, n: int, stream: list[int], mix: list[int] | None = None, drawn: bool = False,
    noisy: bool = True,
) -> Result:  # fmt: skip
    """Job: n labelled samples in Table 1's class mix, or in mix[0] : mix[1] : mix[2].

    drawn: labels at random with these frequencies, as without the prior pi(y); else exactly.
    noisy: draws from p(x|z,y), else its means.
    """
    noise = observation.restored(fitted.arrays) if noisy else None
    return frame.labelled_pool(load(fitted), n, stream, mix, drawn, noise)


@dataclass(frozen=True)
class Refitted:
    """A conditional VAE whose samples' codes follow a normal law fitted to its training codes."""

    model: ConditionalVAE
    mean: Tensor  # (classes, latent)
    factor: Tensor  # (classes, latent, latent): lower, factor @ factor.T is the covariance

    def sample(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One image (64, 64) in [0, 1] per label, as `ConditionalVAE.sample`."""
        y = torch.from_numpy(np.asarray(labels, dtype=np.int64))
        noise = torch.randn(len(y), self.mean.shape[1], generator=tr.torch_generator(rng))
        z = self.mean[y] + torch.einsum("bij,bj->bi", self.factor[y], noise)
        with torch.no_grad():
            parts = zip(z.split(250), y.split(250), strict=True)
            return torch.cat([self.model.decoder(*p)[:, 0].sigmoid() for p in parts]).numpy()


def refitted(model: ConditionalVAE, x: Tensor, y: Tensor, class_prior: bool) -> Refitted:
    """The model with a law of the codes of training images x (N, 1, 64, 64) with labels y (N,).

    A class's law has mean and covariance of its mixed posteriors q(z|x,y), so that codes are drawn
    from where the decoder has learnt. Without `class_prior` all classes have one law.
    """
    with torch.no_grad():
        each = [model.posterior(*part) for part in zip(x.split(250), y.split(250), strict=True)]
    mean, log_variance = (torch.cat(part).double() for part in zip(*each, strict=True))
    laws = []
    for c in range(len(model.prior)):
        own = y == c if class_prior else torch.ones_like(y, dtype=torch.bool)
        covariance = torch.cov(mean[own].T) + log_variance[own].exp().mean(0).diag()
        laws.append((mean[own].mean(0), torch.linalg.cholesky(covariance)))
    return Refitted(model, *(torch.stack(part).float() for part in zip(*laws, strict=True)))


def refitted_pool(fitted: Result, data: Result, labelled: int, n: int, stream: list[int]) -> Result:
    """Job: n labelled samples in Table 1's class mix, whose codes follow laws fitted to those of
    the first `labelled` images of the training draw; draws from p(x|z,y), see `pool`."""
    train = from_arrays(data.arrays)[:labelled]
    own = frame.from_json(VaeSettings, fitted.scores["settings"]).class_prior
    x, y = tr.as_planes(train.image), torch.from_numpy(train.label)
    made, noise = refitted(load(fitted), x, y, own), observation.restored(fitted.arrays)
    return frame.labelled_pool(made, n, stream, noise=noise)


def reconstruction(fitted: Result, images: Result, n: int) -> Result:
    """Job: reconstructions of the first n images of a set, and those images beside them."""
    model, x = load(fitted), tr.as_planes(images.arrays["image"][:n])
    with torch.no_grad():
        found = model.reconstruct(x, torch.from_numpy(images.arrays["label"][:n]))
    return Result({"image": x[:, 0].numpy(), "reconstruction": found[:, 0].numpy()}, {"n": n})


def pseudo_labelled(data: Result, n: int, guide: Result) -> Result:
    """Job: the whole draw with labels beyond the first n guessed by the guide, their masks empty.

    The variant of PA-VAE that uses the unlabelled 90 % (the paper leaves this open).
    """
    arrays = dict(data.arrays)
    guess = classify.predict(classify.load(guide), arrays["image"][n:]).argmax(1)
    right = float((guess == arrays["label"][n:]).mean())
    arrays["label"] = np.concatenate([arrays["label"][:n], guess])
    arrays["mask"] = np.concatenate([arrays["mask"][:n], np.zeros_like(arrays["mask"][n:])])
    return Result(arrays, {"accuracy": right})
