"""How both parts of PathoSyn learn, together (Algorithm 1, equation 15) or one after the other.

A joint fit has a way out that the objective does not forbid: a substrate so far from the image that
every deviation saturates at delta is a deviation whose noise is easy to tell. L_in holds it back,
so its weight must not be small; where f_sub is fitted first the way does not exist.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lib.generators import boxes, frame, fusion
from lib.generators.frame import CHUNK, EVERY, State
from lib.generators.membrane import AIR, inpainted
from lib.generators.pathosyn import PathoSyn, PathoSynSettings, base, checked, supported
from lib.jobs import Result
from lib.networks.pathosyn import SubstrateNet
from lib.training import loop as tr
from lib.training.means import Means
from lib.training.weights import approach, seeded


@dataclass(frozen=True)
class Lesions:
    """What a fit learns from: planes (N, 1, H, W) float32 and a box for each."""

    image: Tensor  # x
    support: Tensor  # m, or with a margin the grown mask
    filled: Tensor  # Inp(x, m)
    soft: Tensor  # S
    places: boxes.Boxes

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, at: Tensor) -> "Lesions":
        planes = (self.image[at], self.support[at], self.filled[at], self.soft[at])
        return Lesions(*planes, self.places[at.numpy()])


def prepared(image: np.ndarray, mask: np.ndarray, s: PathoSynSettings) -> Lesions:
    """Images (N, H, W) in [0, 1] with their masks, none of them empty; ValueError otherwise."""
    image, _ = checked(image, mask)
    support = supported(image, mask, s.margin)
    planes = (image, support, inpainted(image, support), fusion.soft_map(support, s.sigma))
    return Lesions(*map(tr.as_planes, planes), boxes.around(support, s.sides, s.pad))


def own_mean(values: Tensor, region: Tensor) -> Tensor:
    """Mean of values (B, ...) over each sample's own region (weights of 0 to 1), (B,)."""
    size = region.flatten(1).sum(1).clamp(min=1e-6)
    return (values * region).flatten(1).sum(1) / size


def substrate_terms(model: PathoSyn, batch: Lesions) -> tuple[Tensor, dict[str, Tensor]]:
    """f_sub's answer (B, 1, H, W) and the terms of L_sub, equation 3, unweighted.

    With `holes` the masks of other images of the batch are hidden too, as far as they lie in the
    brain, and inside them f_sub should say what the image shows: in the place of Inp, which knows
    no better than the rim. Its answer then is that of a picture with more holes.
    """
    x, unseen, target, inside = batch.image, batch.support, batch.filled, batch.support
    if model.settings.holes:
        hole = batch.support.roll(1, 0) * (x > AIR)
        unseen, target, inside = torch.maximum(unseen, hole), x, hole * (1 - batch.support)
    substrate = model.substrate(x, unseen)
    terms = {
        "out": own_mean((substrate - x).square(), 1 - unseen).mean(),
        "in": own_mean((substrate - target).square(), inside).mean(),
    }
    return substrate, terms


def substrate_loss(s: PathoSynSettings, terms: dict[str, Tensor]) -> Tensor:
    """L_sub."""
    return s.out_weight * terms["out"] + s.in_weight * terms["in"]


def trained(
    model: PathoSyn, stage: str, weights: list[nn.Parameter],
    terms: Callable[[Tensor], dict[str, Tensor]], n: int, steps: int, batch: int,
    rng: np.random.Generator,
) -> Iterator[State]:  # fmt: skip
    """Descend on terms(index batch)["loss"] for some steps; the model ends as its moving average.

    Yields a State of that average every EVERY steps and at the end.
    """
    s, means, averaged = model.settings, Means(), copy.deepcopy(model)
    optimizer = torch.optim.AdamW(weights, s.rate, weight_decay=s.decay)
    for step, at in enumerate(tr.batches(n, batch, steps, rng), start=1):
        tr.set_rate(optimizer, tr.cosine(step - 1, steps, s.rate, 0.05 * s.rate))
        found = terms(at)
        tr.descend(optimizer, found["loss"])
        approach(averaged, model, min(s.average, step / (step + 10)))  # short at first
        means.add(found)
        if step == steps:
            model.load_state_dict(averaged.state_dict())
        if step % EVERY == 0 or step == steps:
            yield State({"stage": stage, "step": step}, averaged, means.take())


def fit_substrate(
    model: PathoSyn, data: Lesions, rng: np.random.Generator
) -> Iterator[State]:
    """f_sub alone on L_sub, for `substrate_steps`: stage "substrate"."""

    def terms(at: Tensor) -> dict[str, Tensor]:
        _, found = substrate_terms(model, data[at])
        return found | {"loss": substrate_loss(model.settings, found)}

    own = [*model.substrate_net.parameters()]
    s = model.settings
    counts = len(data), s.substrate_steps, s.substrate_batch
    yield from trained(model, "substrate", own, terms, *counts, rng)


def fit_parts(
    model: PathoSyn, data: Lesions, generative: Callable[[Lesions, Tensor], dict[str, Tensor]],
    rng: np.random.Generator, warm: SubstrateNet | None = None,
) -> Iterator[State]:  # fmt: skip
    """Both parts of a model on one objective (equation 15, Algorithm 1), or one after the other.

    generative(batch, its substrates) gives terms with "loss", the part of equation 15 beside L_sub.
    `warm`: an f_sub that is taken as it is, where the fit is not joint: arms of a study share it.
    """
    s, (first_rng, second_rng) = model.settings, rng.spawn(2)
    model.standardise(data.filled, data.image, data.support)

    def of_both(at: Tensor) -> dict[str, Tensor]:
        batch = data[at]
        substrate, terms = substrate_terms(model, batch)
        if s.holes:
            substrate = model.substrate(batch.image, batch.support)
        found = generative(batch, substrate)
        return terms | found | {"loss": substrate_loss(s, terms) + found["loss"]}

    counts = len(data), s.steps, s.batch
    if s.joint:
        if warm is not None:
            raise ValueError("a joint fit trains its own f_sub; pass joint=False with `warm`.")
        yield from trained(model, "joint", [*model.parameters()], of_both, *counts, second_rng)
        return
    if warm is None:
        yield from fit_substrate(model, data, first_rng)
    else:
        model.substrate_net.load_state_dict(warm.state_dict())
    model.substrate_net.requires_grad_(False)
    with torch.no_grad():
        parts = zip(data.image.split(CHUNK), data.support.split(CHUNK), strict=True)
        known = torch.cat([model.substrate(x, m) for x, m in parts])
    others = [weight for weight in model.parameters() if weight.requires_grad]

    def of_deviation(at: Tensor) -> dict[str, Tensor]:
        return generative(data[at], known[at])

    yield from trained(model, "deviation", others, of_deviation, *counts, second_rng)


# ---- a substrate that arms share ----------------------------------------------------------------


def substrate_job(data: Result, settings: dict, stream: list[int]) -> Result:
    """Job: f_sub alone on the lesion slices of a slice_set; `settings` of PathoSynSettings.

    Arrays: weights. Scores: settings and log. Fits with joint=False take it as their `substrate`.
    """
    s = frame.from_json(PathoSynSettings, settings)
    init_rng, fit_rng = np.random.default_rng(stream).spawn(2)
    lesions = prepared(data.arrays["image"], data.arrays["mask"], s)
    model = seeded(lambda: PathoSyn(s), init_rng)
    model.standardise(lesions.filled, lesions.image, lesions.support)
    return frame.to_its_end(fit_substrate(model, lesions, fit_rng), s)


def shared(fitted: Result | None, s: PathoSynSettings) -> SubstrateNet | None:
    """f_sub of a fit for another fit with settings `s`; ValueError if the two are shown different
    pictures or have different sizes."""
    if fitted is None:
        return None
    model = base(fitted)
    for name in ("margin", "refine", "substrate_widths"):
        one, other = getattr(model.settings, name), getattr(s, name)
        if one != other:
            raise ValueError(f"f_sub learnt with {name} {one}, not {other}; use the same.")
    return model.substrate_net
