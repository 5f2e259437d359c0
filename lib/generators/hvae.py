"""VAE, Hamiltonian VAE and dHVAE of an image together with its mask (dHVAE paper, section 3).

    L = alpha * (-ELBO) + beta * (L_disc + L_feature + L_1),   alpha = 1 - beta        (12)

The ELBO is that of Caterini et al. 2018, summed over pixels, in nats per image. The regularisers
are means (over patches, features, pixels), so each is multiplied by the number of pixels: beside a
sum over 4,096 of them a mean with beta = 0.01 would weigh nothing.
"""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from lib.datasets.checks import check_pairs
from lib.generators import frame, observation
from lib.generators import hamiltonian as hmc
from lib.generators.frame import CHUNK, EVERY, State
from lib.jobs import Result
from lib.networks import wsconv
from lib.tasks import segment
from lib.training import loop as tr
from lib.training.cost import flops
from lib.training.means import Means
from lib.training.weights import approach, seeded

LOG_VARIANCE = (-12.0, 2.0)  # clamp of the posterior, ours
APART = 0.7  # of a code near a training pair's: what is noise; 1: N(0, I), 0: the pair's own code


@dataclass(frozen=True)
class HvaeSettings:
    """dHVAE; what the paper leaves open is marked ours."""

    steps: int = 8120  # ours: gradient steps, the same for every auto-encoder
    warm_up: int = 8000  # ours: of these, steps of a plain VAE before dynamics and regularisers
    batch: int = 16  # ours
    rate: float = 4e-3  # 5e-5 in the paper; ours, for so few steps: cosine to a quarter, then ...
    rate_after: float = 1e-3  # ... from here to a twentieth, ...
    ramp: int = 20  # ... over so many steps from nothing: a new optimiser's first steps are blind
    clip: float = 2.0  # ours: the longest gradient, in medians of the last; see `Clipped`
    betas: tuple[float, float] = (0.5, 0.999)  # AdamW, section 4.5
    decay: float = 1e-6  # section 4.5
    leapfrog: int = 3  # K, ours; 0: a VAE
    step_size: float = 0.05  # ours: where the learned steps start ...
    step_cap: float = 0.5  # ... and what they stay below
    step_rate: float = 20.0  # ours: their learning rate over `rate`, for so few steps
    beta0: float = 0.3  # ours: initial inverse temperature, quadratic scheme
    stopped: bool = False  # True: no gradient through the dynamics
    sd: float = 0.2  # ours: of the Gaussian likelihood, grey units; where it starts, if ...
    sd_rate: float = 0.0  # ... it is learned, at `rate` times this; 0: it is fixed
    mask_weight: float = 1.0  # ours: of the mask's cross-entropy; 1: log p(x, m | z) is a density
    whitened: bool = True  # ours: once warmed up, N(0, I) is the law of the training codes
    anneal: int = 500  # ours: first steps of the warm-up, in which the KL grows to its full weight
    average: float = 0.99  # ours: decay of the moving average of the weights
    noisy: bool = True  # ours: the critic sees draws about the samples' means, not the means
    beta: float = 0.01  # equation 12, "favorable compromise"
    disc: bool = True  # equation 11
    adaptive: bool = False  # ours: True: the critic's weight follows the gradients, `balance`
    perc: bool = True  # equation 9
    l1: bool = True  # equation 10
    delay: int = 8000  # ours: batches before the discriminator joins ("a certain number")
    condition: bool = False  # True: p(x | z, m), the mask is given (section 3.1)
    widths: tuple[int, ...] = wsconv.CPU.widths
    units: int = wsconv.CPU.units
    stem: int = wsconv.CPU.stem
    latent: int = wsconv.CPU.latent
    side: int = wsconv.CPU.side
    precision: str = "bfloat16"

    @property
    def shape(self) -> wsconv.Shape:
        return wsconv.Shape(self.widths, self.units, self.stem, self.latent, self.side)

    def rate_at(self, step: int) -> float:
        """Learning rate of a step, counted from 1."""
        if step <= self.warm_up:
            return tr.cosine(step - 1, self.warm_up, self.rate, 0.25 * self.rate)
        after, end = step - 1 - self.warm_up, 0.05 * self.rate_after
        rate = tr.cosine(after, self.steps - self.warm_up, self.rate_after, end)
        return rate * min(1.0, (after + 1) / max(1, self.ramp))


NONE = {"disc": False, "perc": False, "l1": False}
DHVAE = HvaeSettings()
HVAE = HvaeSettings(beta=0.0, **NONE)
VAE = replace(HVAE, leapfrog=0)
HVAE_DISC = replace(HVAE, beta=0.5, disc=True)  # "equal weighting to the HVAE", section 4.6.2
HVAE_PERC = replace(HVAE, beta=0.5, perc=True, l1=True)


class PairVAE(nn.Module):
    """q(z | x, m), p(x, m | z) and the learned step sizes of the dynamics.

    A code z, z ~ N(0, I), reaches the decoder through a fixed map `colouring`, h = mean + L z.
    It is the identity until `whiten`; the encoder speaks of h.
    """

    def __init__(self, settings: HvaeSettings):
        super().__init__()
        s = self.settings = settings
        self.encoder = wsconv.PairEncoder(s.shape)
        self.decoder = wsconv.PairDecoder(s.shape, condition=s.condition)
        size = math.prod(s.shape.code)
        self.colouring = nn.Linear(size, size).requires_grad_(False)
        self.unwhiten()
        inverse = math.log(s.step_size / (s.step_cap - s.step_size))
        self.raw_steps = nn.Parameter(torch.full((size,), inverse))
        self.log_sd = nn.Parameter(torch.tensor(math.log(s.sd)), requires_grad=s.sd_rate > 0)

    @property
    def eps(self) -> Tensor:
        """Step sizes (d,), in (0, step_cap)."""
        return self.settings.step_cap * self.raw_steps.sigmoid()

    def unwhiten(self) -> None:
        """Make the colouring the identity."""
        nn.init.eye_(self.colouring.weight)
        nn.init.zeros_(self.colouring.bias)

    def whiten(self, pairs: Tensor) -> None:
        """Set the colouring so that codes of training pairs have mean 0 and covariance I.

        So short a training fills a corner of N(0, I), and elsewhere the decoder has learnt nothing.
        """
        mean, factor = fitted_prior(self, pairs)
        with torch.no_grad():
            self.colouring.bias.copy_(mean)
            self.colouring.weight.copy_(factor)

    def posterior(self, pair: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation (B, d) of the law of h_0 given x and m; see `code_of`."""
        with tr.autocast(self.settings.precision):
            mean, log_variance = self.encoder(pair)
        return mean, 0.5 * log_variance.clamp(*LOG_VARIANCE)

    def code_of(self, h: Tensor) -> Tensor:
        """z (B, d) of h (B, d): the colouring backwards."""
        centred = (h - self.colouring.bias).T
        return torch.linalg.solve_triangular(self.colouring.weight, centred, upper=False).T

    @property
    def log_volume(self) -> Tensor:
        """log |det L|: log q(z_0) is the log density of h_0 plus this."""
        return self.colouring.weight.diagonal().log().sum()

    def marginals(self, mean: Tensor, log_sd: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation (B, d) of each number of z_0, from those of h_0."""
        inverse = self.code_of(torch.eye(len(self.colouring.bias)).to(mean) + self.colouring.bias).T
        return self.code_of(mean), 0.5 * ((2 * log_sd).exp() @ inverse.square().T).log()

    def kl(self, mean: Tensor, log_sd: Tensor) -> Tensor:
        """KL of q(z_0 | x, m) to N(0, I) in nats, (B,); mean and log_sd (B, d) are those of h_0."""
        centre, marginal = self.marginals(mean, log_sd)
        square = centre.square() + (2 * marginal).exp() - 1
        return (0.5 * square - log_sd).sum(1) + self.log_volume

    def decode(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits of {image, mask} (B, 2, side, side); a conditional model needs the mask."""
        h = self.colouring(z)
        with tr.autocast(self.settings.precision):
            return self.decoder(h, mask if self.settings.condition else None).float()

    def log_likelihood(self, logits: Tensor, pair: Tensor) -> Tensor:
        """log p(x, m | z) in nats, (B,): Gaussian for the image, Bernoulli for the mask, whose log
        counts `mask_weight` times."""
        x, m = pair[:, 0], pair[:, 1]
        error = (x - logits[:, 0].sigmoid()) / self.log_sd.exp()
        image = -(0.5 * error.square() + self.log_sd + 0.5 * hmc.LOG_2PI).sum((1, 2))
        if self.settings.condition:
            return image
        entropy = F.binary_cross_entropy_with_logits(logits[:, 1], m, reduction="none")
        return image - self.settings.mask_weight * entropy.sum((1, 2))

    def potential(self, pair: Tensor, seen: list[Tensor] | None = None) -> hmc.Potential:
        """U(z) = -log p(x, m, z) (B,); the last logits are kept in `seen`."""

        def energy(z: Tensor) -> Tensor:
            logits = self.decode(z, pair[:, 1:])
            if seen is not None:
                seen[:] = [logits]
            prior = -(0.5 * z.square() + 0.5 * hmc.LOG_2PI).sum(1)
            return -self.log_likelihood(logits, pair) - prior

        return energy

    def infer(
        self, pair: Tensor, noise: Tensor, steps: int, weight: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """ELBO (B,) and the logits at z_K; noise (2, B, d) standard normal.

        Without steps the KL has a `weight`.
        """
        mean, log_sd = self.posterior(pair)
        z = self.code_of(mean + log_sd.exp() * noise[0])
        seen: list[Tensor] = []
        energy = self.potential(pair, seen)
        if not steps:  # a VAE: the KL in closed form
            likelihood = -energy(z) + (0.5 * z.square() + 0.5 * hmc.LOG_2PI).sum(1)
            return likelihood - weight * self.kl(mean, log_sd), seen[0]
        s = self.settings
        *_, last = hmc.trajectory(energy, z, noise[1], self.eps, steps, s.beta0, not s.stopped)
        return hmc.bound(last, log_sd) - self.log_volume, seen[0]

    def log_weights(self, pair: Tensor, noise: Tensor, steps: int) -> Tensor:
        """Importance weights log p(x, m) is estimated from, (B,); noise as in `infer`."""
        mean, log_sd = self.posterior(pair)
        h = mean + log_sd.exp() * noise[0]
        z, log_q = self.code_of(h), hmc.normal_log_density(h, mean, log_sd) + self.log_volume
        energy, beta0 = self.potential(pair), self.settings.beta0
        *_, last = hmc.trajectory(energy, z, noise[1], self.eps, steps, beta0)
        return hmc.log_weight(last, log_q, noise[1])

    def sample(
        self, n: int, rng: np.random.Generator, masks: np.ndarray | None = None,
        near: Tensor | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """n new images (n, side, side) in [0, 1], means of p(x | z), and their masks (bool).

        z ~ N(0, I), or near codes (m, d): sqrt(1 - APART^2) of one of them plus APART of such
        noise, so that whitened codes keep mean and covariance. A conditional model is given the
        masks (n, side, side).
        """
        z = torch.randn(n, len(self.raw_steps), generator=tr.torch_generator(rng))
        if near is not None:
            at = torch.from_numpy(rng.integers(len(near), size=n))
            z = (1 - APART**2) ** 0.5 * near[at] + APART * z
        given = None if masks is None else torch.from_numpy(masks.astype(np.float32)).unsqueeze(1)
        parts = zip(z.split(CHUNK), given.split(CHUNK) if given is not None else z, strict=False)
        with torch.no_grad(), parametrize.cached():
            logits = [self.decode(part, m if given is not None else None) for part, m in parts]
        image, mask = torch.cat(logits).unbind(1)
        return image.sigmoid().numpy(), (mask > 0).numpy() if masks is None else masks


def feature_loss(guide: nn.Module, image: Tensor, target: Tensor, precision: str) -> Tensor:
    """Equation 9 on the guide's four maps: mean squared difference over the maps' mean square."""
    with tr.autocast(precision):
        with torch.no_grad():
            wanted = [m.float() for m in guide.maps(target)]
        found = [m.float() for m in guide.maps(image)]
    pairs = zip(found, wanted, strict=True)
    terms = [(a - b).square().mean() / b.square().mean() for a, b in pairs]
    return sum(terms) / len(terms)


def fit(
    image: np.ndarray, mask: np.ndarray, guide: nn.Module | None, s: HvaeSettings,
    rng: np.random.Generator, warm: PairVAE | None = None,
) -> Iterator[State]:  # fmt: skip
    """Train on pairs (N, H, W); `guide` gives the features of equation 9.

    The first `warm_up` steps are those of a plain VAE, and its codes are whitened then; with
    `warm`, a VAE that has made them, they are skipped. Only the discriminator may join earlier,
    after `delay` batches. Yields a State every EVERY steps and at the end.
    """
    check_pairs(image, mask)
    if s.beta > 0 and s.perc and guide is None:
        raise ValueError("the feature loss needs a guide; pass a frozen network or perc=False.")
    init_rng, batch_rng, noise_rng = rng.spawn(3)
    model = seeded(lambda: PairVAE(s), init_rng)
    if warm is not None:
        model.load_state_dict(warm.state_dict())
        if not s.whitened:
            model.unwhiten()
    critic = seeded(wsconv.PatchCritic, init_rng)
    options = {"betas": s.betas, "weight_decay": s.decay}
    groups = [{"params": [*model.encoder.parameters(), *model.decoder.parameters()]},
              {"params": [model.raw_steps], "boost": s.step_rate},
              {"params": [model.log_sd], "boost": s.sd_rate}]  # fmt: skip
    optimizer = torch.optim.AdamW(groups, s.rate, **options)
    descent = tr.Clipped(optimizer, s.clip)
    judge = torch.optim.AdamW(critic.parameters(), s.rate_after, **options)
    pairs, noise = tr.as_pairs(image, mask), tr.torch_generator(noise_rng)
    averaged = copy.deepcopy(model).requires_grad_(False)
    observed = observation.estimate(image) if s.noisy else None

    def seen(fake: Tensor) -> Tensor:
        """What the critic sees of samples: draws about them."""
        if observed is None:
            return fake
        return torch.cat([observed.on(fake[:, 0], noise).unsqueeze(1), fake[:, 1:]], 1)

    size, means, done = len(model.raw_steps), Means(), s.warm_up if warm is not None else 0
    each = tr.batches(len(pairs), s.batch, s.steps - done, batch_rng)
    for step, at in enumerate(each, start=done + 1):
        tr.set_rate(optimizer, s.rate_at(step))
        pair = pairs[at].contiguous(memory_format=torch.channels_last)
        eps = torch.randn(3, len(at), size, generator=noise)
        adversarial = s.beta > 0 and s.disc and step > s.delay
        # 1. Encoder, decoder and step sizes: equation 12 (before the warm-up's end the ELBO alone)
        with parametrize.cached():
            terms = loss_terms(model, critic, guide, pair, eps, step, seen if adversarial else None)
            fake = terms.pop("fake", None)
            if adversarial and s.adaptive:
                terms["critic_weight"] = balance(model, terms)
            descent.step(total(terms, s, pair[0, 0].numel()))
        # 2. The discriminator, once it has joined: equation 11 on this batch and the same fakes
        if adversarial:
            terms["critic"] = critic_loss(critic, pair, fake.detach(), s.precision)
            tr.descend(judge, terms["critic"])
        # 3. The moving average of all weights, short at first to forget the start
        approach(averaged, model, min(s.average, step / (step + 10)))
        if step == s.warm_up and s.whitened:
            averaged.whiten(pairs)
            model.colouring.load_state_dict(averaged.colouring.state_dict())
        means.add(terms)
        if step % EVERY == 0 or step == s.steps:
            yield State({"step": step}, averaged, means.take())


def loss_terms(
    model: PairVAE, critic: nn.Module, guide: nn.Module | None, pair: Tensor, eps: Tensor,
    step: int, seen: Callable[[Tensor], Tensor] | None,
) -> dict[str, Tensor]:  # fmt: skip
    """Every term of equation 12 for one batch, unweighted; eps (3, B, d) standard normal.

    `seen` makes of the means of samples what the critic sees; None before it has joined.
    """
    s, moving = model.settings, step > model.settings.warm_up
    # q(z_0 | x, m), K leapfrogs with tempering (equations 6 and 7), the bound at z_K (equation 8)
    weight = min(1.0, step / max(1, s.anneal))
    elbo, logits = model.infer(pair, eps[:2], s.leapfrog if moving else 0, weight)
    terms, image = {"elbo": elbo.mean()}, logits[:, :1].sigmoid()
    if s.beta > 0 and moving and s.perc:  # equation 9
        terms["feature"] = feature_loss(guide, image, pair[:, :1], s.precision)
    if s.beta > 0 and moving and s.l1:  # equation 10
        terms["l1"] = (image - pair[:, :1]).abs().mean()
    if seen is not None:  # equation 11: the critic sees samples of the prior
        fake = model.decode(eps[2], pair[:, 1:]).sigmoid()
        fake = seen(torch.cat([fake[:, :1], pair[:, 1:]], 1) if s.condition else fake)
        critic.requires_grad_(False)
        with tr.autocast(s.precision):
            terms["disc"] = F.softplus(-critic(fake).float()).mean()  # non-saturating, ours
        critic.requires_grad_(True)
        terms["fake"] = fake
    return terms


def critic_loss(critic: nn.Module, real: Tensor, fake: Tensor, precision: str) -> Tensor:
    """Equation 11 with the sign of a loss."""
    with tr.autocast(precision):
        on_real, on_fake = critic(real).float(), critic(fake).float()
    return F.softplus(-on_real).mean() + F.softplus(on_fake).mean()


def balance(model: PairVAE, terms: dict[str, Tensor]) -> Tensor:
    """The critic's weight at which its gradient in the decoder's last layer is as long as that of
    the ELBO (Esser et al. 2021, equation 7)."""
    last = model.decoder.out.weight
    ours, theirs = (
        torch.autograd.grad(terms[name], last, retain_graph=True)[0].norm()
        for name in ("elbo", "disc")
    )
    return ours / theirs.clamp_min(1e-4)


def total(terms: dict[str, Tensor], s: HvaeSettings, pixels: int) -> Tensor:
    """Equation 12 in nats per image; the ELBO alone while no regulariser has joined.

    The critic's term counts `pixels` times, as the others do, or the `critic_weight` of the terms.
    """
    weights = {"disc": terms.get("critic_weight", pixels), "feature": pixels, "l1": pixels}
    added = [weights[name] * terms[name] for name in weights if name in terms]
    if not added:
        return -terms["elbo"]
    return -(1 - s.beta) * terms["elbo"] + s.beta * sum(added)


def fit_job(
    data: Result, guide: Result | None, settings: dict, stream: list[int],
    warm: Result | None = None,
) -> Result:  # fmt: skip
    """Job: train on the lesion slices of a slice_set. Arrays: weights. Scores: log and settings.

    `warm` is a fitted VAE whose steps are the first `warm_up` ones: arms of a study share it.
    """
    s = frame.from_json(HvaeSettings, settings)
    frozen = segment.load(guide) if guide is not None else None
    before = load(warm) if warm is not None else None
    parts = data.arrays["image"], data.arrays["mask"]
    done = frame.to_its_end(fit(*parts, frozen, s, np.random.default_rng(stream), before), s)
    return Result(done.arrays | observation.estimate(parts[0]).arrays, done.scores)


def load(fitted: Result) -> PairVAE:
    """The stored model, frozen."""
    return frame.restored(PairVAE, HvaeSettings, fitted)


def pool(
    fitted: Result, n: int, stream: list[int], given: Result | None = None, noisy: bool = True,
    near: Result | None = None,
) -> Result:  # fmt: skip
    """Job: n new pairs; a conditional model takes masks of `given`, with replacement.

    noisy: images are draws from p(x | z), else its means. near: codes are drawn near those of
    these training pairs, see `PairVAE.sample`.
    """
    model, rng = load(fitted), np.random.default_rng(stream)
    masks = None
    if model.settings.condition:
        stored = given.arrays["mask"]
        masks = stored[rng.integers(len(stored), size=n)]
    codes = None
    if near is not None:
        pairs = tr.as_pairs(near.arrays["image"], near.arrays["mask"])
        codes = drawn_codes(model, pairs, tr.torch_generator(rng))
    image, mask = model.sample(n, rng, masks, codes)
    noise = observation.restored(fitted.arrays) if noisy else None
    return Result({"image": frame.observed(image, noise, rng), "mask": mask}, {"n": n})


def drawn_codes(model: PairVAE, pairs: Tensor, noise: torch.Generator) -> Tensor:
    """A draw (N, d) of the posterior of each pair, z_0."""
    with torch.no_grad(), parametrize.cached():
        each = [model.posterior(part) for part in pairs.split(CHUNK)]
    mean, log_sd = (torch.cat(part) for part in zip(*each, strict=True))
    return model.code_of(mean + log_sd.exp() * torch.randn(mean.shape, generator=noise))


def fitted_prior(model: PairVAE, pairs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and Cholesky factor (d, d) of a normal law of the codes of training pairs: the
    moments of their mixed posteriors. Where dynamics or a critic leave N(0, I) with holes, it
    covers what the decoder has learnt."""
    with torch.no_grad(), parametrize.cached():
        each = [model.posterior(part) for part in pairs.split(CHUNK)]
    mean, log_sd = (torch.cat(part).double() for part in zip(*each, strict=True))
    covariance = torch.cov(mean.T) + (2 * log_sd).exp().mean(0).diag()
    return mean.mean(0).float(), torch.linalg.cholesky(covariance).float()


def reconstruction(fitted: Result, images: Result, n: int) -> Result:
    """Job: the first n pairs of a set, and what is decoded from the posterior's mean of each.

    The dynamics are not run.
    """
    model = load(fitted)
    with parametrize.cached():
        return frame.remade(
            images, n, lambda p: model.decode(model.code_of(model.posterior(p)[0]), p[:, 1:])
        )


def likelihood(fitted: Result, images: Result, n: int, samples: int, stream: list[int]) -> Result:
    """Job: ELBO and importance-sampled log-likelihood of n held-out pairs, nats per pair, float32.

    The mask's cross-entropy counts once, however a fit weighed it: log p(x, m | z) is a density.
    elbo: mean log weight; evidence: log of the mean of `samples` weights; gap: their difference.
    The pairs are spread over the set. Arrays: weights (samples, n).
    """
    settings = fitted.scores["settings"] | {"precision": "float32", "mask_weight": 1.0}
    model = load(Result(fitted.arrays, {"settings": settings}))
    at = np.linspace(0, len(images.arrays["image"]) - 1, n).astype(int)
    pairs = tr.as_pairs(images.arrays["image"][at], images.arrays["mask"][at])
    noise = tr.torch_generator(np.random.default_rng(stream))
    size, steps = len(model.raw_steps), model.settings.leapfrog

    def weigh() -> Tensor:
        eps = torch.randn(2, n, size, generator=noise)
        return torch.cat([
            model.log_weights(pair, e, steps).detach()
            for pair, e in zip(pairs.split(50), eps.split(50, 1), strict=True)
        ])  # fmt: skip

    with parametrize.cached():
        weights = torch.stack([weigh() for _ in range(samples)])
    elbo, evidence = weights.mean(0), hmc.importance_estimate(weights)
    scores = {"elbo": elbo.mean(), "evidence": evidence.mean(), "gap": (evidence - elbo).mean()}
    scores = {name: float(value) for name, value in scores.items()}
    return Result({"weights": weights.numpy()}, scores)


def operations(settings: dict) -> int:
    """Floating point operations of one new pair: the decoder, counted and not timed."""
    model = PairVAE(frame.from_json(HvaeSettings, settings | {"precision": "float32"})).eval()
    z, mask = torch.zeros(1, len(model.raw_steps)), torch.zeros(1, 1, 64, 64)
    return flops(lambda: model.decode(z, mask))
