"""The fitted model of draw 0 on held-out images, term by term: the numbers of section 3.

Functions of a Look give {(arm, metric): (value, {"null": ..., "oracle": ...})}, or the arrays that
such numbers and a figure share.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, shift
from torch import Tensor, nn
from torch.nn import functional as F

from lib import jobs
from lib.datasets.hdf5 import ImageSet, from_arrays
from lib.datasets.preprocess import preprocess
from lib.generators import vae, watch
from lib.networks.classifier import SmallCNN
from lib.papers.pavae import method
from lib.papers.pavae.arms import Fitted
from lib.papers.pavae.study import Study
from lib.phantoms import chest
from lib.tasks import classify
from lib.training import loop as tr
from lib.training.weights import freeze, seeded

Numbers = dict[tuple[str, str], tuple[float, dict]]
ADDED = ("path", "mask", "cls")  # the terms that the paper adds to the ELBO
ACTIVE = 0.1  # nats from which on a latent counts as used
PLAIN = vae.VaeSettings(**vae.BERNOULLI, precision="float32")  # equation 1, weights of Table 2a
LAMBDAS = {"reconstruction": 1.0, "kl": PLAIN.beta, "path": PLAIN.lambda_path}
LAMBDAS |= {"mask": PLAIN.lambda_mask, "cls": PLAIN.lambda_cls}
OURS = "as trained (ours)"
READINGS = {  # what path, mask and cls are multiplied by
    "means, as printed": (1, 1, 1),
    OURS: (PLAIN.guide_scale, chest.SIZE**2, PLAIN.guide_scale),
    "all times the pixels": (chest.SIZE**2,) * 3,
}


@dataclass(frozen=True)
class Look:
    """PA-VAE as printed of draw 0, its guide, and up to method.HELD_OUT validation images."""

    study: Study

    @cached_property
    def fitted(self) -> jobs.Result:
        return jobs.load(method.printed(self.study))

    @cached_property
    def model(self) -> vae.ConditionalVAE:
        return vae.load(self.fitted)

    @cached_property
    def guide(self) -> SmallCNN:
        return classify.load(jobs.load(self.study.guide(0)))

    @cached_property
    def labelled(self) -> ImageSet:
        return from_arrays(jobs.load(self.study.train(0)).arrays)[: self.study.size.labelled]

    @cached_property
    def held_out(self) -> ImageSet:
        return from_arrays(jobs.load(self.study.validation(0)).arrays)[: method.HELD_OUT]

    @cached_property
    def batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Images (N, 1, H, W), labels (N,) and masks (N, H, W) as the training sees them."""
        found = self.held_out
        mask = torch.from_numpy(found.mask.astype(np.float32))
        return tr.as_planes(found.image), torch.from_numpy(found.label), mask

    @cached_property
    def sick(self) -> np.ndarray:
        return self.held_out.label > 0

    @cached_property
    def decoded(self) -> tuple[np.ndarray, np.ndarray]:
        """Reconstructions and decoded masks, (N, H, W) both, in [0, 1]."""
        x, y, _ = self.batch
        with torch.no_grad():
            planes = self.model.decoder(self.model.posterior(x, y)[0], y)
        return planes[:, 0].sigmoid().numpy(), planes[:, 1].sigmoid().numpy()

    @cached_property
    def truth(self) -> np.ndarray:
        """The held-out subjects under every label, (labels, N, H, W); needs a phantom."""
        subjects = self.held_out.subject
        return np.stack([twins(self.study.regime, subjects, label) for label in range(3)])


def twins(regime: str, subjects: np.ndarray, label: int) -> np.ndarray:
    """The very subjects (N,) as they look with another label, (N, H, W)."""
    labels = np.full(len(subjects), label)
    seeds = chest.from_seeds(chest.LAWS[regime], subjects, labels)
    return preprocess(chest.render(seeds).image)


# ---- term by term -------------------------------------------------------------------------------


def entropy(x: np.ndarray) -> np.ndarray:
    """Cross-entropy of a grey value with itself, nats."""
    safe = np.clip(np.asarray(x, float), 1e-12, 1 - 1e-12)
    return -(safe * np.log(safe) + (1 - safe) * np.log(1 - safe))


def likelihood(look: Look) -> Numbers:
    """What a reconstruction costs, and the floor that no decoder can remove."""
    rebuilt, x = torch.from_numpy(look.decoded[0]), look.batch[0][:, 0]
    cost = F.binary_cross_entropy(rebuilt, x, reduction="none").sum((1, 2)).numpy()
    floor = entropy(look.held_out.image).sum((1, 2))
    return {("pavae", "reconstruction"): (float(cost.mean()), {"null": float(floor.mean())})}


def latents(look: Look) -> Numbers:
    """What all latents carry, how many carry something, and how often the prior is clamped."""
    each = watch.kl_per_latent(look.model, look.held_out)
    clamped = (look.model.prior[:, 1] >= vae.PRIOR_LOG_VARIANCE[1]).float().mean()
    found = {"kl": each.sum(), "active_latents": (each > ACTIVE).sum(), "prior_at_clamp": clamped}
    return {("pavae", metric): (float(value), {}) for metric, value in found.items()}


def changed(look: Look) -> dict[str, np.ndarray]:
    """Sick images changed in five ways, each by the squared error of taking the lesion out.

    The lesion is taken out as the phantom knows it; so it needs one.
    """
    before, target = look.held_out.image[look.sick], look.truth[0][look.sick]
    error = np.square(target - before).mean((1, 2), keepdims=True)

    def as_far(other: np.ndarray) -> np.ndarray:
        step = other - before
        return before + step * np.sqrt(error / np.square(step).mean((1, 2), keepdims=True))

    rng = np.random.default_rng(look.study.plan.seed)
    return {
        "lesion removed": target,
        "blurred": as_far(gaussian_filter(before, (0, 1.5, 1.5))),
        "shifted": as_far(shift(before, (0, 0, 1), order=1, mode="nearest")),
        "contrast": as_far(np.full_like(before, 0.5)),
        "noise": as_far(before + rng.standard_normal(before.shape, dtype=np.float32)),
    }


def path(net: nn.Module, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """L_path (n,) of changed images against their originals, in the features of a network."""
    f, g = classify.features(net, before), classify.features(net, after.astype(np.float32))
    return np.square(g - f).mean(1) / np.square(f).mean()


def paths(look: Look) -> Numbers:
    """L_path of the five changes in the guide's features; null: an untrained network's."""
    before, seed = look.held_out.image[look.sick], look.study.plan.seed
    nets = look.guide, freeze(seeded(SmallCNN, np.random.default_rng(seed)))
    each = {name: [path(net, before, after).mean() for net in nets]
            for name, after in changed(look).items()}  # fmt: skip
    ratio = [one / other for one, other in zip(each["lesion removed"], each["noise"], strict=True)]
    found = {(name, "path_at_equal_error"): pair for name, pair in each.items()}
    found["pavae", "lesion_over_noise"] = ratio
    return {key: (float(own), {"null": float(null)}) for key, (own, null) in found.items()}


def overlap(look: Look) -> Numbers:
    """Soft IoU of decoded masks of sick images; null: one mask for a class, their mean."""
    (_, y, mask), found = look.batch, torch.from_numpy(look.decoded[1])

    def soft_iou(found: Tensor) -> float:
        both = (found * mask).sum((1, 2))
        either = (found + mask - found * mask).sum((1, 2))
        return float((both / either)[look.sick].mean())

    common = torch.stack([mask[y == c].mean(0) for c in range(3)])[y]
    return {("pavae", "mask_iou"): (soft_iou(found), {"null": soft_iou(common)})}


def named(look: Look) -> dict[str, np.ndarray]:
    """The guide's class probabilities (N, 3) of real, rebuilt and sampled images."""
    drawn = look.model.sample(look.held_out.label, np.random.default_rng(look.study.plan.seed))
    seen = {"real": look.held_out.image, "reconstruction": look.decoded[0], "sample": drawn}
    return {kind: classify.predict(look.guide, images) for kind, images in seen.items()}


def guided(look: Look) -> dict[str, np.ndarray]:
    """The guide's mean class probability (label, answer), (3, 3), by kind of image."""
    label = look.held_out.label
    return {kind: np.stack([p[label == c].mean(0) for c in range(3)])
            for kind, p in named(look).items()}  # fmt: skip


def classes(look: Look) -> Numbers:
    """How often the guide names the right class."""
    label = look.held_out.label
    right = {kind: float((p.argmax(1) == label).mean()) for kind, p in named(look).items()}
    return {(kind, "guide_accuracy"): (share, {}) for kind, share in right.items()}


# ---- weights ------------------------------------------------------------------------------------


def weights(reading: str) -> dict[str, float]:
    """Weight of every term in one reading of equation 1."""
    factors = dict(zip(ADDED, READINGS[reading], strict=True))
    return {name: weight * factors.get(name, 1) for name, weight in LAMBDAS.items()}


def terms(look: Look, net: vae.ConditionalVAE) -> dict[str, Tensor]:
    """Every term of one batch, unweighted, with its graph."""
    some, gen = slice(0, 64), torch.Generator().manual_seed(look.study.plan.seed)
    x, y, mask = (part[some] for part in look.batch)
    noise = torch.randn(2, len(x), PLAIN.latent, generator=gen)
    return vae.loss_terms(net, look.guide, x, y, mask, noise, PLAIN)


def pulls(net: vae.ConditionalVAE, found: dict[str, Tensor]) -> dict[str, float]:
    """Length of each term's gradient over the decoder; the KL does not reach it."""
    at, lengths = list(net.decoder.parameters()), {}
    for name in ("reconstruction", *ADDED):
        grads = torch.autograd.grad(found[name], at, retain_graph=True, allow_unused=True)
        lengths[name] = float(sum(g.square().sum() for g in grads if g is not None).sqrt())
    return lengths


def lengths(look: Look) -> dict[str, np.ndarray]:
    """`pulls` of the model before and after its training, (4,) each."""
    each = {who: pulls(net, terms(look, net)) for who, net in nets(look).items()}
    return {who: np.array(list(found.values())) for who, found in each.items()}


def nets(look: Look) -> dict[str, vae.ConditionalVAE]:
    """The model before and after its training, with gradients."""
    rng = np.random.default_rng(look.study.plan.seed)
    untrained = seeded(lambda: vae.ConditionalVAE(PLAIN), rng)
    return {"untrained": untrained, "trained": vae.load(look.fitted).requires_grad_(True)}


def weighed(look: Look) -> Numbers:
    """Every term, and the gradients of the added ones over the reconstruction's, by reading."""
    net = nets(look)["trained"]
    each = terms(look, net)
    pull = pulls(net, each)
    found = {("pavae", f"term {name}"): (value.item(), {}) for name, value in each.items()}
    for reading in READINGS:
        for name in ADDED:
            share = weights(reading)[name] * pull[name] / pull["reconstruction"]
            found[reading, f"pull {name}"] = share, {}
    return found


def readings(look: Look) -> dict[str, np.ndarray]:
    """Reconstructions (N, H, W) of ours, and of the fit with all added terms times the pixels."""
    x, y, _ = look.batch
    other = vae.load(jobs.load(method.per_pixel(look.study)))
    with torch.no_grad():
        remade = other.reconstruct(x, y)[:, 0].numpy()
    return {"ours": look.decoded[0], "all times the pixels": remade}


def eight(look: Look) -> dict[str, np.ndarray]:
    """Eight sick images with masks, true and decoded, and what both readings of lambda decode."""
    sick = np.flatnonzero(look.sick)[:8]
    rebuilt, mask = (each[sick] for each in look.decoded)
    found = {"image": look.held_out.image[sick], "true mask": look.held_out.mask[sick] * 1.0}
    other = readings(look)["all times the pixels"][sick]
    return found | {"decoded": rebuilt, "its mask": mask, "all times\nthe pixels": other}


def errors(look: Look) -> Numbers:
    """Squared error of both readings over that of the mean training image."""
    image, ends = look.held_out.image, {"null": 1.0, "oracle": 0.0}
    far = np.square(look.labelled.image.mean(0) - image).mean()
    return {(name, "relative_error"): (float(np.square(made - image).mean() / far), ends)
            for name, made in readings(look).items()}  # fmt: skip


# ---- trainings that were watched ----------------------------------------------------------------


def films(look: Look) -> Numbers:
    """The KL at the end of the film, and how many latents carry something."""
    last = jobs.load(method.film(look.study)).arrays["kl"][-1]
    found = {"active_latents": (last > ACTIVE).sum(), "kl": last.sum()}
    return {("film", metric): (float(value), {}) for metric, value in found.items()}


def by_beta(look: Look) -> dict[float, np.ndarray]:
    """Reconstructions (N, H, W) of the plain ELBO by beta."""
    x, y, _ = look.batch
    with torch.no_grad():
        return {beta: vae.load(jobs.load(job)).reconstruct(x, y)[:, 0].numpy()
                for beta, job in method.beta_fits(look.study).items()}  # fmt: skip


def betas(look: Look) -> Numbers:
    """What beta does to the KL, to reconstructions, and to the spread of samples of a class."""
    remade, found = by_beta(look), {}
    for beta, job in method.beta_fits(look.study).items():
        arrays = jobs.load(job).arrays
        last = arrays["kl"][-1]
        mse = np.square(remade[beta] - look.held_out.image).mean()
        of = {"sample_sd": arrays["frames"][-1].std(0).mean(), "kl": last.sum(),
              "active_latents": (last > ACTIVE).sum(), "mse": mse}  # fmt: skip
        found |= {(f"beta_{beta:g}", metric): (float(x), {}) for metric, x in of.items()}
    return found


def numbers(look: Look) -> Numbers:
    """All numbers of this file; without a phantom those that need none."""
    parts = [likelihood, latents, overlap, classes, weighed, errors, films, betas]
    parts += [paths] if look.study.source.truth else []
    return {key: value for part in parts for key, value in part(look).items()}


# ---- Table 5 ------------------------------------------------------------------------------------


def side_by_side(study: Study, arms: Iterable[Fitted]) -> dict[str, np.ndarray]:
    """Image and mask planes (6, 2, H, W) of draw 0 by arm, two a class, all from one noise.

    Arms that have no draw in this run are left out.
    """
    labels = torch.arange(3).repeat_interleave(2)
    gen = torch.Generator().manual_seed(study.plan.seed)
    noise = torch.randn(2, vae.PA_VAE.latent, generator=gen).repeat(3, 1)
    found = {}
    for arm in (arm for arm in arms if study.draws(arm)):
        model = vae.load(jobs.load(study.fitted(arm, study.draws(arm)[0])))
        with torch.no_grad():
            z = vae.draw(*model.prior_of(labels), noise)
            found[arm.name] = model.decoder(z, labels).sigmoid().numpy()
    return found


# ---- the phantom --------------------------------------------------------------------------------

RIBS, SPOTS = ("rib_shadow", "front_rib_shadow", "margin_shadow"), ("spot_shadow",)
WORN = ("lead_shadow", "pacemaker_shadow", "tube_shadow")
DEVICES = (*WORN, "marker_shadow")
DISTRACTORS = {  # bright things that are not disease, by what is switched off
    "as drawn": (),
    "no devices": DEVICES,
    "no ribs": RIBS,
    "no end-on vessels": SPOTS,
    "none of them": (*DEVICES, *RIBS, *SPOTS, "vessel_shadow", "tissue_shadow"),
}


def without(subjects: chest.Parameters, names: Iterable[str]) -> np.ndarray:
    """Images (N, H, W) of the same subjects with some of their shadows switched off."""
    values = {key: value * (key not in names) for key, value in subjects.values.items()}
    return chest.render(replace(subjects, values=values)).image
