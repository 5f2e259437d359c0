"""Direct preference optimisation of a diffusion model from readers' scores.

    L = -log sigmoid(-beta/2 [(e_w - e_w^ref) - (e_l - e_l^ref)])

(Diffusion-DPO, Wallace et al. 2023, equation 14; the equation is missing in the paper's text that
we hold, CN-E21.) e is the mean squared error of what the network says of the preferred (w) and of
the other image (l), in the same noise at the same t; ref is the network before, frozen. As e is a
mean over an image's latent, beta depends on the latent's size: it is set so that the median of
|beta (e_w - e_l)| is 1 at the start, where the loss is ln 2 whatever beta is.

Arms. "vanilla": as above. "rank": each side counts by its own score, (s_w/5) (e_w - e_w^ref) -
(s_l/5) (e_l - e_l^ref), as in a published ControlNet of radiographs. "safeguarded": the gradient of
e_l is scaled so that a step never raises e_w to first order (Diffusion-SDPO, 2025).

What may go wrong: both e_w and e_l grow, the second faster, and the loss still falls. So both are
logged. Text and mask are separate losses, averaged where an image has both (`ratings.pairs`).

A model to be tuned offers

    model.say(x_t, t, tokens, mask) -> (B, ...)     # float32
    model.schedule, model.settings.kind              # of T steps; what it says: "eps", "x0" or "v"
"""

import copy
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.datasets.ratings import BEST
from lib.generators import diffusion
from lib.generators.diffusion import Schedule
from lib.generators.frame import EVERY, State
from lib.jobs import Result
from lib.training import loop as tr
from lib.training.means import Means
from lib.training.weights import freeze

ARMS = ("vanilla", "rank", "safeguarded")
TUNED = 256  # pairs by which beta is set


@dataclass(frozen=True)
class DpoSettings:
    """The paper's values where it has any; "DPO" is Wallace et al. 2023, for Stable Diffusion."""

    arm: str = "vanilla"  # "the parameters of the DPO paper"
    steps: int = 4000  # the paper's
    rate: float = 1e-5  # ours: the paper's exponent is illegible (CN-E21); DPO 1e-8 times its batch
    beta: float | None = None  # None: by the median at the start; DPO 5000
    mu: float = 0.9  # Diffusion-SDPO: share of its own step that the winner keeps
    pairs: int = 2  # ours, a step, without accumulation as in the paper; DPO 2048
    times: int = 16  # ours: values of t for each pair and step, one from each stratum; DPO 1
    warm_up: int = 50  # ours, steps; DPO 500
    betas: tuple[float, float] = (0.9, 0.999)  # AdamW, DPO
    decay: float = 0.01  # DPO
    precision: str = "float32"  # ours: bfloat16 weights do not move by so small a step

    def __post_init__(self):
        if self.arm not in ARMS:
            raise ValueError(f"arm {self.arm!r} is unknown; use one of {ARMS}.")
        if min(self.steps, self.pairs, self.times) < 1:
            raise ValueError("steps, pairs and times must be at least 1.")


OURS = {"steps": 400, "rate": 1e-5, "pairs": 4}  # for networks of our size, in minutes


class Policy(Protocol):
    """A conditional diffusion model that can be tuned."""

    schedule: Schedule
    settings: object  # with a `kind`, one of diffusion.KINDS

    def say(self, x: Tensor, t: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """What the network says of x_t (B, ...) at t (B,), float32, of the same shape.

        tokens (B, LENGTH), mask (B, 1, H, W).
        """
        ...


class Data(NamedTuple):
    """Images that were compared, and how: tensors of a pool (N, ...) and of its pairs (P, ...).

    latents (N, ...), tokens (N, LENGTH), mask (N, 1, H, W) float32; winner and loser (P,), into the
    pool; scores (P, 2) of both, weight (P,).
    """

    latents: Tensor
    tokens: Tensor
    mask: Tensor
    winner: Tensor
    loser: Tensor
    scores: Tensor
    weight: Tensor


class Sides(NamedTuple):
    """Residuals of winners and losers, (B, ...) each."""

    winner: Tensor
    loser: Tensor


class Noised(NamedTuple):
    """Rows of pairs (B,), with the noise and the t that winner, loser and reference share."""

    at: Tensor
    noise: Tensor
    t: Tensor


def as_data(pairs: Result, latents: Tensor, pool: Result) -> Data:
    """Pairs of a pool (`ratings.pairs`) and the latents of its images; ValueError: no such image.

    latents (N, ...)
    """
    a = {name: torch.from_numpy(np.ascontiguousarray(x)) for name, x in pairs.arrays.items()}
    most = int(torch.maximum(a["winner"], a["loser"]).max())
    if most >= len(latents):
        raise ValueError(f"pairs name image {most} of {len(latents)}; pass the pool they are of.")
    given = torch.from_numpy(pool.arrays["tokens"]), tr.as_planes(pool.arrays["mask"])
    return Data(latents, *given, a["winner"], a["loser"], a["scores"].float(), a["weight"])


# ---- the loss -----------------------------------------------------------------------------------


def errors(residuals: Tensor) -> Tensor:
    """e, the mean squared error of each image: residuals (B, ...) -> (B,)."""
    return residuals.square().flatten(1).mean(1)


def safeguard(sides: Sides, mu: float) -> Tensor:
    """lambda (B,) in [0, 1], by which the gradient of e_l is scaled (Diffusion-SDPO).

    min(1, (1 - mu) |g_w|^2 / g_l.g_w) where the gradients g of both errors by the network's outputs
    point the same way, else 1; g is the residual times a constant that cancels.
    """
    g_w, g_l = (side.detach().flatten(1) for side in sides)
    along, own = (g_w * g_l).sum(1), g_w.square().sum(1)
    most = (1 - mu) * own / along.where(along > 0, torch.ones_like(along))
    return most.clamp(max=1).where(along > 0, torch.ones_like(along))


def margin(now: Sides, before: Sides, s: DpoSettings, scores: Tensor) -> tuple[Tensor, Tensor]:
    """(e_w - e_w^ref, e_l - e_l^ref) by the arm, (B,) each; scores (B, 2) of winner and loser."""
    e_w, e_l = map(errors, now)
    if s.arm == "safeguarded":
        scale = safeguard(now, s.mu)
        e_l = e_l.detach() + scale * (e_l - e_l.detach())
    ref_w, ref_l = map(errors, before)
    share = scores / BEST if s.arm == "rank" else torch.ones_like(scores)
    return share[:, 0] * (e_w - ref_w), share[:, 1] * (e_l - ref_l)


def loss_terms(
    now: Sides, before: Sides, s: DpoSettings, beta: float, scores: Tensor, weight: Tensor
) -> dict[str, Tensor]:
    """The loss, both errors above the reference's, and the share of pairs told apart rightly.

    A tie counts one half. Means are weighted by weight (B,).
    """
    winner, loser = margin(now, before, s, scores)
    inside = -beta / 2 * (winner - loser)
    raw = [errors(a) - errors(b) for a, b in zip(now, before, strict=True)]
    each = {"loss": -F.logsigmoid(inside), "winner": raw[0], "loser": raw[1]}
    each |= {"accuracy": (inside.sign() + 1) / 2}
    return {name: (weight * x).sum() / weight.sum() for name, x in each.items()}


def both(model: Policy, data: Data, now: Noised) -> Sides:
    """What the network says minus what it should say, of the winners and losers of some pairs."""
    rows = torch.cat([data.winner[now.at], data.loser[now.at]])
    latents, tokens, mask = (part[rows] for part in (data.latents, data.tokens, data.mask))
    noise, t = torch.cat([now.noise, now.noise]), torch.cat([now.t, now.t])
    said = model.say(diffusion.add_noise(model.schedule, latents, noise, t), t, tokens, mask)
    goal = diffusion.target(model.schedule, model.settings.kind, latents, noise, t)
    return Sides(*(said - goal).chunk(2))


def strata(n: int, times: int, length: int, generator: torch.Generator) -> Tensor:
    """t (n, times): one value from each of `times` equal parts of range(length)."""
    within = torch.rand(n, times, generator=generator)
    return ((torch.arange(times) + within) / times * length).long().clamp(max=length - 1)


def noised(
    data: Data, at: Tensor, times: int, length: int, generator: torch.Generator
) -> Noised:
    """Pairs `at` (n,), each at `times` values of t in fresh noise."""
    t = strata(len(at), times, length, generator).flatten()
    noise = torch.randn(len(t), *data.latents.shape[1:], generator=generator)
    return Noised(at.repeat_interleave(times), noise, t)


# ---- fit ----------------------------------------------------------------------------------------


def tuned_beta(
    reference: Policy, data: Data, times: int, rng: np.random.Generator, of: int = TUNED
) -> float:
    """beta at which the median of |beta (e_w - e_l)| is 1, over up to `of` pairs.

    ValueError: winners and losers that the reference finds equally likely.
    """
    at = torch.from_numpy(rng.permutation(len(data.winner))[:of])
    generator, gaps = tr.torch_generator(rng), []
    for part in at.split(16):
        some = noised(data, part, times, len(reference.schedule), generator)
        with torch.no_grad():
            e_w, e_l = map(errors, both(reference, data, some))
        gaps.append((e_w - e_l).abs())
    middle = torch.cat(gaps).median().item()
    if not middle > 0:
        raise ValueError("winners and losers do not differ; pass pairs of different images.")
    return 1 / middle


def fit(
    model: nn.Module, data: Data, s: DpoSettings, rng: np.random.Generator,
    trained: Iterable[nn.Parameter] | None = None,
) -> Iterator[State]:  # fmt: skip
    """Tune a Policy in place; it is its own reference, as it was given.

    trained: its weights that may move, by default all. Yields a State every EVERY steps of the
    stage "dpo" and at its end; the first one, of step 0, holds beta and the losses of the start.
    """
    beta_rng, batch_rng, noise_rng = rng.spawn(3)
    reference = freeze(copy.deepcopy(model))
    beta = tuned_beta(reference, data, s.times, beta_rng) if s.beta is None else s.beta
    weights = list(model.parameters() if trained is None else trained)
    for weight in weights:
        weight.requires_grad_(True)
    optimizer = torch.optim.AdamW(weights, s.rate, s.betas, weight_decay=s.decay)
    generator, means = tr.torch_generator(noise_rng), Means()
    model.eval()  # dropout would make the model differ from its reference
    for step, at in enumerate(tr.batches(len(data.winner), s.pairs, s.steps, batch_rng), start=1):
        tr.set_rate(optimizer, s.rate * min(1, step / max(1, s.warm_up)))
        some = noised(data, at, s.times, len(model.schedule), generator)
        with torch.no_grad():
            before = both(reference, data, some)
        rows = data.scores[some.at], data.weight[some.at]
        terms = loss_terms(both(model, data, some), before, s, beta, *rows)
        if step == 1:
            first = {name: value.item() for name, value in terms.items()}
            yield State({"stage": "dpo", "step": 0}, model, first | {"beta": beta})
        tr.descend(optimizer, terms["loss"])
        means.add(terms)
        if step % EVERY == 0 or step == s.steps:
            yield State({"stage": "dpo", "step": step}, model, means.take())


def alarm(log: list[dict]) -> int | None:
    """The first step after the start at which winners are worse than the reference's, or None."""
    worse = (row["step"] for row in log if row["step"] and row["winner"] > 0)
    return next(worse, None)


def scores_of(log: list[dict], s: DpoSettings) -> dict:
    """What a tuning leaves as scores: settings, beta, the log, and where the alarm rang."""
    start = log[0]["loss"]
    if not math.isclose(start, math.log(2), abs_tol=1e-6):
        raise AssertionError(f"the loss starts at {start}, not at ln 2: the reference is another.")
    return {"dpo": asdict(s), "beta": log[0]["beta"], "dpo_log": log, "alarm": alarm(log)}
