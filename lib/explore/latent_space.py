"""The latent spaces of the auto-encoders as the data of an explorer.

A space is a fitted model and what an explorer needs of it: its decoder for the browser, the codes
of images that no training has seen, the prior, and directions to move along.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import nn
from torch.nn.utils import parametrize

from lib.datasets.preprocess import preprocess
from lib.datasets.splits import interleaved_labels
from lib.explore import weights
from lib.explore.host import Explorer
from lib.generators import hamiltonian, hvae, vae
from lib.networks.classifier import SmallCNN
from lib.phantoms import brain, chest
from lib.tasks import classify
from lib.training import loop as tr

DIRECTIONS = 6  # principal directions that a reader can choose from
DRAWS = 4  # of each posterior
FAR = 1.25  # times what neighbours are apart: farther than usual
GRADES = ("low grade", "high grade")


# ---- images that no training has seen -----------------------------------------------------------


def chests(law: chest.Law, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """n fresh chests (a multiple of 4) and their healthy twins, in the class mix of Table 1.

    image, healthy (n, 64, 64) float32 in [0, 1], both preprocessed; label (n,).
    """
    batch = chest.render(chest.sample(law, interleaved_labels(n), rng))
    pictures = {"image": preprocess(batch.image), "healthy": preprocess(batch.healthy)}
    return pictures | {"label": batch.label}


def brains(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The FLAIR slice with most lesion of each of n fresh brains, and its healthy twin.

    image, healthy (n, 64, 64) float32 in [0, 1]; mask bool; label (n,), 0 low and 1 high grade. A
    brain without a labelled pixel is left out.
    """
    batch = brain.render(brain.sample(brain.BRAIN, n, rng), modalities=("FLAIR",))
    area = batch.mask.sum((2, 3))
    who = np.flatnonzero(area.any(1))
    level = area[who].argmax(1)
    pictures = {"image": batch.image[who, 0, level], "healthy": batch.healthy[who, 0, level]}
    pictures = {name: picture.clip(0, 1) for name, picture in pictures.items()}
    return pictures | {"mask": batch.mask[who, level], "label": batch.label[who]}


# ---- spaces -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Space:
    """A model's latent space, d numbers.

    scenes: the images that were encoded; classes: names of their labels; labelled: the decoder
    takes the label too. arrays: codes (n, d), the posterior means; draws (DRAWS n, d), of every
    posterior in turn, then again; kl (d,), nats by dimension, mean over the images; prior (classes
    or 1, 2, d), mean and standard deviation. Of a Hamiltonian VAE also trajectory (m, K + 1, d),
    potential and hamiltonian (m, K + 1) in nats, and start (m,), the image that each begins from.
    """

    title: str
    scenes: str
    classes: tuple[str, ...]
    labelled: bool
    layers: weights.Layers
    weights: np.ndarray
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def labelled(
    title: str, model: vae.ConditionalVAE, shown: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> Space:  # fmt: skip
    """The space of a conditional VAE; `shown` as `chests` makes it."""
    x, y = tr.as_planes(shown["image"]), torch.from_numpy(shown["label"])
    with torch.no_grad():
        q, (mean, log_variance) = model.posterior(x, y), model.prior_of(torch.arange(3))
        kl = vae.kl(*q, *model.prior_of(y)).mean(0)
    prior = torch.stack([mean, (0.5 * log_variance).exp()], 1)
    arrays = {"codes": q[0], "draws": _draws(q[0], 0.5 * q[1], rng), "kl": kl, "prior": prior}
    arrays = {name: values.detach().numpy() for name, values in arrays.items()}
    exported = weights.export(model.decoder)
    return Space(title, "chest", chest.CLASSES, True, *exported, arrays)


def paired(
    title: str, model: hvae.PairVAE, shown: Mapping[str, np.ndarray], starts: int,
    rng: np.random.Generator,
) -> Space:  # fmt: skip
    """The space of a VAE of image and mask; `shown` as `brains` makes it.

    With dynamics, the trajectories of `starts` images, spread over all.
    """
    model.settings = replace(model.settings, precision="float32")
    pairs = tr.as_pairs(shown["image"], shown["mask"])
    with torch.no_grad(), parametrize.cached():
        posterior = model.posterior(pairs)
        drawn = model.code_of(_draws(*posterior, rng))
        mean, log_sd = model.marginals(*posterior)
    kl = vae.kl(mean, 2 * log_sd, torch.zeros(()), torch.zeros(())).mean(0)
    standard = np.stack([np.zeros(mean.shape[1]), np.ones(mean.shape[1])])[None]
    arrays = {"codes": mean.numpy(), "draws": drawn.numpy()}
    arrays |= {"kl": kl.numpy(), "prior": standard.astype(np.float32)}
    if model.settings.leapfrog:
        at = np.linspace(0, len(pairs) - 1, starts).astype(int)
        arrays |= {"start": at.astype(np.int32)} | _trajectories(model, pairs[at], rng)
    exported = weights.export(nn.Sequential(model.colouring, model.decoder))
    return Space(title, "brain", GRADES, False, *exported, arrays)


def _draws(mean: torch.Tensor, log_sd: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """DRAWS draws of every posterior (n, d): those of all images in turn, then again."""
    noise = torch.randn(DRAWS, *mean.shape, generator=tr.torch_generator(rng))
    return (mean + log_sd.exp() * noise).flatten(0, 1)


def _trajectories(model: hvae.PairVAE, pairs, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Dynamics from a draw of each posterior, with tempering as in training."""
    with torch.no_grad(), parametrize.cached():
        mean, log_sd = model.posterior(pairs)
    noise = torch.randn(2, *mean.shape, generator=tr.torch_generator(rng))
    z, s = model.code_of(mean + log_sd.exp() * noise[0]), model.settings
    with parametrize.cached():
        points = [*hamiltonian.trajectory(
            model.potential(pairs), z, noise[1], model.eps, s.leapfrog, s.beta0
        )]  # fmt: skip
    each = {
        "trajectory": torch.stack([point.z for point in points], 1),
        "potential": torch.stack([point.energy for point in points], 1),
        "hamiltonian": torch.stack([point.hamiltonian for point in points], 1),
    }
    return {name: values.detach().numpy() for name, values in each.items()}


def principal(codes: np.ndarray, n: int = DIRECTIONS) -> np.ndarray:
    """The first n principal directions of codes (N, d), (n, d) of length one; each points to where
    its largest number is positive."""
    _, _, directions = np.linalg.svd(codes - codes.mean(0), full_matrices=False)
    found = directions[:n]
    largest = np.take_along_axis(found, np.abs(found).argmax(1)[:, None], 1)
    return (found * np.sign(largest)).astype(np.float32)


def far(space: Space, label: int, n: int, rng: np.random.Generator) -> float:
    """Share of n draws from the prior of a label that lie farther from all images than FAR times
    what these do from each other, in the prior's standard deviations: where samples may break.

    An image is one draw of its posterior, not the mean: in a dimension that carries nothing, all
    means are alike, and every draw of the prior would seem far. What images are apart is the
    median distance to the nearest other one.
    """
    mean, sd = space.arrays["prior"][label if len(space.arrays["prior"]) > 1 else 0]
    images = (space.arrays["draws"][: len(space.arrays["codes"])] - mean) / sd
    usual = np.median(cKDTree(images).query(images, k=2)[0][:, 1])
    drawn = rng.standard_normal((n, images.shape[1]))
    return float((cKDTree(images).query(drawn)[0] > FAR * usual).mean())


# ---- the explorer -------------------------------------------------------------------------------


def explorer(
    spaces: Mapping[str, Space], scenes: Mapping[str, Mapping[str, np.ndarray]],
    reader: SmallCNN | None = None, notes: tuple[str, ...] = (),
) -> Explorer:  # fmt: skip
    """The explorer of these spaces; `scenes` holds the images that they name.

    reader: an independent classifier of chests, told with its accuracy on the shown images; notes:
    sentences below the title.
    """
    data: dict[str, object] = {"notes": [*notes], "far": FAR, "spaces": []}
    for key, space in spaces.items():
        data["spaces"].append({
            "key": key, "title": space.title, "scenes": space.scenes, "layers": space.layers,
            "classes": [*space.classes], "labelled": space.labelled,
        })  # fmt: skip
        data[f"{key}/weights"] = space.weights
        data[f"{key}/principal"] = principal(space.arrays["codes"])
        data |= {f"{key}/{name}": values for name, values in space.arrays.items()}
        data[f"{key}/draws"] = space.arrays["draws"].astype(np.float16)
    for key, scene in scenes.items():
        data |= {f"{key}/{name}": _bytes(values) for name, values in scene.items()}
    if reader is not None:
        layers, data["reader/weights"] = weights.export(reader)
        seen = classify.predict(reader, scenes["chest"]["image"]).argmax(1)
        right = float((seen == scenes["chest"]["label"]).mean())
        data["reader"] = {"layers": layers, "accuracy": right}
    return Explorer("latent_space", "Latent space", data, uses=("network",), height=1100)


def _bytes(values: np.ndarray) -> np.ndarray:
    """Grey values in [0, 1] as 0..255; masks and labels as they are."""
    return (np.round(255 * values) if values.dtype.kind == "f" else values).astype(np.uint8)
