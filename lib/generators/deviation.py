"""PathoSyn's diffusion of the deviation (sections III-C and III-D, Algorithms 1 and 2).

    r_t = (sqrt(a_t) r_0 + sqrt(1 - a_t) eps) m   (7, 8)         a_t is "alpha bar"
    L_diff = |(eps - eps_theta(r_t, x_sub, m, t)) m|^2   (9)
    L_dev = l_pat |(r^ - r_0) m|_1 + l_ring |(r^ - r_0) w_ring|_1 + l_leak |r^ (1 - m)|_1   (13)
    L_syn = |(x_sub + S r^ - x) S|_1   (14)          L = L_sub + L_diff + L_dev + L_syn   (15)

r^ is the estimate of r_0 at step t (12). Where text and algorithms differ, a setting chooses; its
default is what works, marked ours where the paper has neither:

- a_t with or without its bar: Algorithm 1 adds noise and equation 12 takes it off with alpha_t =
  1 - beta_t, which never falls below 0.98: the network then never sees more than a little noise.
- The noise loss over the lesion's own pixels (ours), over all pixels but masked (Algorithm 1, in
  which a lesion counts as its area), or unmasked (equation 9, where outside the mask the noise
  cannot be known: r_t is 0 there).
- r^ masked (Algorithm 1), and then L_leak is 0 whatever happens, or not (equation 12).
- L_dev and L_syn times sqrt(a_t) (ours): r^ divides the error of eps by sqrt(a_t), 157 times at the
  last step, and these few steps would drown all others.

With space "image" (ours) all is as it is, but r_0 is the image inside the mask, x - mean grey of
the training lesions, where it was x - x_sub: what is drawn then stands in the place of the
substrate, and x_sub is told to the network as before.

The samplers are those of `diffusion`. They work pixel by pixel, so a network that sees and says
nothing outside the mask is the projection r <- r m after every update of Algorithm 2.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lib.generators import boxes, diffusion, frame, fusion, scenes
from lib.generators.frame import CHUNK, State
from lib.generators.joint import Lesions, fit_parts, own_mean, prepared, shared
from lib.generators.pathosyn import PathoSyn, PathoSynSettings
from lib.jobs import Result
from lib.networks.pathosyn import NoiseNet, SubstrateNet
from lib.training import loop as tr
from lib.training.cost import flops
from lib.training.weights import freeze, seeded

SCHEDULES = {"linear": diffusion.linear, "cosine": diffusion.cosine}
NOISE_LOSSES = ("own", "masked", "whole")
ALPHAS = ("bar", "printed")
SAMPLERS = ("ddim", "ddpm", "printed")
SPACES = ("deviation", "image")


@dataclass(frozen=True)
class DeviationSettings(PathoSynSettings):
    """PathoSyn-Diff; see PathoSynSettings for what is shared."""

    space: str = "deviation"  # equation 4; "image": the image inside the mask (ours)
    length: int = 1000  # T, section IV-A
    schedule: str = "linear"  # section IV-A
    kind: str = "eps"  # what the network says, equation 9; "v" and "x0" ours
    noising: str = "bar"  # equation 7; "printed": alpha_t without its bar, Algorithm 1
    estimate: str = "bar"  # of r^; "printed": alpha_t without its bar, equation 12
    noise_loss: str = "own"  # ours; "masked": Algorithm 1; "whole": equation 9
    masked_estimate: bool = True  # Algorithm 1; False: equation 12
    by_signal: bool = True  # ours: L_dev and L_syn times sqrt(alpha bar); False: the paper
    diff_weight: float = 1.0  # ours: lambda_diff, "lambda_d" of Algorithm 1
    dev_weight: float = 1.0  # ours: lambda_dev, "lambda_v"
    syn_weight: float = 1.0  # ours: lambda_syn, "lambda_s"
    pat_weight: float = 0.1  # ours: lambda_pat
    ring_weight: float = 0.1  # ours: lambda_ring
    leak_weight: float = 0.1  # ours: lambda_leak
    sampler: str = "ddim"  # section IV-A; "ddpm": equation 10; "printed": Algorithm 2, no bars
    sampler_steps: int = 50  # ours: the paper names none
    eta: float = 0.0  # of DDIM
    clip: bool = True  # ours: r^ is kept in [-delta, delta], where equation 5 has put r_0
    widths: tuple[int, int] = (64, 96)  # ours: at 1/2 and 1/4 of the side
    depth: int = 2  # ours: residual units at the bottleneck


class DeviationDiffusion(PathoSyn):
    """f_sub, eps_theta and the noise schedule."""

    def __init__(self, settings: DeviationSettings):
        super().__init__(settings)
        s = settings
        for name, value, known in (
            ("noise_loss", s.noise_loss, NOISE_LOSSES), ("sampler", s.sampler, SAMPLERS),
            ("noising", s.noising, ALPHAS), ("estimate", s.estimate, ALPHAS),
            ("space", s.space, SPACES),
        ):  # fmt: skip
            if value not in known:
                raise ValueError(f"{name} {value!r} is unknown; use one of {known}.")
        self.noise_net = NoiseNet(s.widths, s.depth)
        self.register_buffer("mean", torch.zeros(()))  # grey value of training lesions
        self.schedule = SCHEDULES[s.schedule](s.length)
        printed = diffusion.Schedule(1 - self.schedule.beta)  # alpha_t
        self.noising = printed if s.noising == "printed" else self.schedule
        self.estimating = printed if s.estimate == "printed" else self.schedule

    def standardise(self, inpaint: Tensor, image: Tensor, support: Tensor) -> None:
        """Set `mean`, and `scale` to the root mean square of x - Inp(x, m), or of x - mean."""
        self.mean.copy_(image[support > 0].double().mean())
        super().standardise(self.origin(inpaint), image, support)

    def origin(self, substrate: Tensor) -> Tensor:
        """What r_0 is the image's difference from."""
        return substrate if self.settings.space == "deviation" else self.mean.expand_as(substrate)

    def deviation(self, image: Tensor, substrate: Tensor, support: Tensor) -> Tensor:
        return super().deviation(image, self.origin(substrate), support)

    def added(self, r: Tensor, substrate: Tensor) -> Tensor:
        drawn = self.grey(r)
        return drawn if self.settings.space == "deviation" else drawn + self.mean - substrate

    @property
    def limit(self) -> float | None:
        """The largest |r^| of the samplers, in units of `scale`."""
        s = self.settings
        clip = s.clip and s.saturation != "none" and s.sampler != "printed"
        return s.delta if clip else None

    def say(self, r: Tensor, substrate: Tensor, mask: Tensor, t: Tensor) -> Tensor:
        """What the network says of r_t, float32: eps, or another of diffusion.KINDS."""
        with tr.autocast(self.settings.precision):
            return self.noise_net(torch.cat([r, substrate, mask], 1), t).float()

    def predictor(self, substrate: Tensor, mask: Tensor) -> diffusion.Predict:
        """For the samplers, projected on the mask before and after: equation 8."""

        def predict(r: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            r = r * mask
            said = self.say(r, substrate, mask, t)
            r0, eps = diffusion.parts(self.schedule, self.settings.kind, said, r, t, self.limit)
            return r0 * mask, eps * mask

        return predict

    def draw(self, substrate: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """Deviations (N, 1, H, W) in units of `scale`, each drawn in its lesion's box.

        The first noise is drawn for whole images: a box starts from what the whole image would.
        """
        s = self.settings
        places = boxes.around(mask[:, 0].numpy(), s.sides, s.pad)
        noise, r = torch.randn(mask.shape, generator=generator), torch.zeros_like(mask)
        for _, group in places.groups():
            for at in np.array_split(group, -(-len(group) // CHUNK)):
                x, sub, m = (places.cut(part, at) for part in (noise, substrate, mask))
                r_0 = reverse(self, self.predictor(sub, m), x * m, generator)
                places.put(r, at, r_0 * m)
        return r


def reverse(
    model: DeviationDiffusion, predict: diffusion.Predict, r: Tensor, generator: torch.Generator
) -> Tensor:
    """From r_T to r_0 by the sampler of the settings."""
    s = model.settings
    if s.sampler == "printed":
        return as_printed(model.schedule, predict, r, generator)
    if s.sampler == "ddpm":
        way = diffusion.ddpm(model.schedule, predict, r, s.sampler_steps, generator)
    else:
        way = diffusion.ddim(model.schedule, predict, r, s.sampler_steps, s.eta, generator)
    return diffusion.last(way)


def as_printed(
    schedule: diffusion.Schedule, predict: diffusion.Predict, r: Tensor, generator: torch.Generator
) -> Tensor:
    """Algorithm 2 as it is printed, alpha_t without its bar, all T steps, sigma_t^2 = beta_t:

        r_{t-1} = (r_t - (1 - alpha_t) / sqrt(1 - alpha_t) eps) / sqrt(alpha_t) + sigma_t z

    Equation 10 divides by sqrt(1 - alpha bar_t): here far more noise is taken off than is there. Of
    Gaussian deviations with the exact noise the mean is right and the spread 0.4 of theirs.
    """
    for t in range(len(schedule) - 1, -1, -1):
        beta = schedule.beta[t].item()
        _, eps = predict(r, torch.full((len(r),), t))
        r = (r - beta**0.5 * eps) / (1 - beta) ** 0.5
        if t:
            r = r + beta**0.5 * torch.randn(r.shape, generator=generator)
    return r


# ---- losses -------------------------------------------------------------------------------------


def noise_loss(error: Tensor, mask: Tensor, how: str) -> Tensor:
    """L_diff of errors eps - eps_theta (B, 1, h, w), (B,); `how` is a setting."""
    if how == "own":
        return own_mean(error.square(), mask)
    return (error.square() * (mask if how == "masked" else 1)).flatten(1).mean(1)


def deviation_terms(estimate: Tensor, r_0: Tensor, mask: Tensor, soft: Tensor) -> dict[str, Tensor]:
    """The norms of L_dev, equation 13, (B,) each, over their own regions and unweighted."""
    off = (estimate - r_0).abs()
    return {
        "pat": own_mean(off, mask),
        "ring": own_mean(off, fusion.ring(soft)),
        "leak": own_mean(estimate.abs(), 1 - mask),
    }


def terms_of(
    model: DeviationDiffusion, image: Tensor, substrate: Tensor, mask: Tensor, soft: Tensor,
    eps: Tensor, t: Tensor,
) -> dict[str, Tensor]:  # fmt: skip
    """Every term beside L_sub for boxes (B, 1, h, w) at steps t (B,), (B,) each and unweighted."""
    s = model.settings
    # 1. Algorithm 1: r_0 <- (x - x_sub) m, saturated (equations 4 and 5)
    r_0 = model.deviation(image, substrate, mask)
    # 2. Forward diffusion (equations 7 and 8)
    r_t = diffusion.add_noise(model.noising, r_0, eps, t) * mask
    # 3. Conditional denoising and reconstruction (equation 12)
    said = model.say(r_t, substrate, mask, t)
    wanted = diffusion.target(model.noising, s.kind, r_0, eps, t)
    estimate, _ = diffusion.parts(model.estimating, s.kind, said, r_t, t)
    estimate = estimate * mask if s.masked_estimate else estimate
    # 4. Synthesis and losses (equations 9, 13 and 14)
    made = substrate + soft * model.added(estimate, substrate)
    signal = model.noising.rates(t, t)[0] if s.by_signal else 1.0
    terms = deviation_terms(estimate, r_0, mask, soft)
    terms |= {"syn": own_mean((made - image).abs(), soft)}
    terms = {name: signal * value for name, value in terms.items()}
    return terms | {"diff": noise_loss(said - wanted, mask, s.noise_loss)}


def total(s: DeviationSettings, terms: dict[str, Tensor]) -> Tensor:
    """Equation 15 without L_sub."""
    dev = sum(getattr(s, f"{name}_weight") * terms[name] for name in ("pat", "ring", "leak"))
    return s.diff_weight * terms["diff"] + s.dev_weight * dev + s.syn_weight * terms["syn"]


# ---- fit, load, pool ----------------------------------------------------------------------------


def fit(
    image: np.ndarray, mask: np.ndarray, s: DeviationSettings, rng: np.random.Generator,
    warm: SubstrateNet | None = None,
) -> Iterator[State]:  # fmt: skip
    """Train on lesion slices: image (N, H, W) in [0, 1], mask (N, H, W), none of them empty.

    Yields a State every EVERY steps of the stages "joint", or "substrate" and "deviation", and at
    their ends. `warm`: see `fit_parts`. ValueError for bad pairs.
    """
    init_rng, parts_rng, noise_rng = rng.spawn(3)
    data = prepared(image, mask, s)
    model = seeded(lambda: DeviationDiffusion(s), init_rng)
    noise = tr.torch_generator(noise_rng)

    def generative(batch: Lesions, substrate: Tensor) -> dict[str, Tensor]:
        eps = torch.randn(batch.image.shape, generator=noise)
        t = torch.randint(s.length, (len(batch),), generator=noise)
        planes, means = (batch.image, substrate, batch.support, batch.soft, eps), {}
        for _, at in batch.places.groups():
            terms = terms_of(model, *(batch.places.cut(part, at) for part in planes), t[at])
            for name, value in terms.items():
                means[name] = means.get(name, 0.0) + value.sum() / len(batch)
        return means | {"loss": total(s, means)}

    yield from fit_parts(model, data, generative, parts_rng, warm)


def fit_job(
    data: Result, settings: dict, stream: list[int], substrate: Result | None = None
) -> Result:
    """Job: train on the lesion slices of a slice_set. Arrays: weights. Scores: settings and log.

    `substrate`: a fit whose f_sub is taken (`joint.substrate_job`, or any family's); the settings
    must then say joint=False.
    """
    s = frame.from_json(DeviationSettings, settings)
    parts = data.arrays["image"], data.arrays["mask"]
    states = fit(*parts, s, np.random.default_rng(stream), shared(substrate, s))
    return frame.to_its_end(states, s)


def load(fitted: Result) -> DeviationDiffusion:
    """The stored model, frozen."""
    return frame.restored(DeviationDiffusion, DeviationSettings, fitted)


def pool(
    fitted: Result, data: Result, n: int, stream: list[int], scene: str = "own",
    how: str | None = None, severity: float = 1.0, changes: dict | None = None,
) -> Result:  # fmt: skip
    """Job: n syntheses on slices of a slice_set, see `scenes.pool`.

    changes: settings of the sampler to replace, {"sampler_steps": 250} for one.
    """
    settings = fitted.scores["settings"] | (changes or {})
    model = load(Result(fitted.arrays, {"settings": settings}))
    return scenes.pool(model, data, n, stream, scene, how, severity)


def operations(settings: dict, side: int) -> int:
    """Floating point operations for one synthesis of 64 x 64 with a box of this side, counted."""
    s = frame.from_json(DeviationSettings, settings | {"precision": "float32"})
    model = freeze(DeviationDiffusion(s))
    box, whole, t = torch.zeros(1, 1, side, side), torch.zeros(1, 1, 64, 64), torch.zeros(1).long()
    steps = s.length if s.sampler == "printed" else s.sampler_steps
    step = flops(lambda: model.say(box, box, box, t))
    return steps * step + flops(lambda: model.substrate(whole, whole))
