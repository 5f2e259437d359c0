"""The classification task of PathoSyn: is a tumour of low or high grade, by three networks.

Any binary target of images serves, so the judge of real against synthetic images is trained here
too. `label` (N,) is 0 or 1; `boxed` makes it of a slice's grade.
"""

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from lib.datasets.checks import check_images
from lib.datasets.splits import assert_subject_disjoint, first
from lib.jobs import Result
from lib.metrics import texture
from lib.networks import augment
from lib.tasks import classifiers, classify, segment
from lib.tasks.segment import SegmentSettings
from lib.training import loop as tr
from lib.training.weights import freeze, weights_to_arrays

# Found on toy discs, without any generator: Swin collapses to one answer at 2e-3, ResNet learns
# little in 70 steps below 3e-3.
RATES = {"resnet": 3e-3, "densenet": 1e-3, "swin": 1e-3}


@dataclass(frozen=True)
class GradeSettings:
    """The paper: AdamW, rate 1e-4, decay 1e-5, cosine, 200 epochs of large images.

    Ours are narrow networks and short runs, hence higher rates.
    """

    network: str = "resnet"  # a name of lib.tasks.classifiers
    steps: int = 300  # equal in every arm
    batch: int = 32
    rate: float | None = None  # AdamW, cosine decay to 1e-5; None: the network's own of RATES
    warm_up: float = 0.1  # share of steps over which the rate rises: Swin collapses without
    decay: float = 1e-5  # of weights, as in the paper
    synthetic: float | None = None  # share of a batch from the pool; None: all images count alike
    augment: bool = False  # rotation, zoom, shift and mirror of every image, drawn anew each step
    precision: str = "float32"  # bfloat16 gains nothing in networks as narrow as these


def fit(
    images: np.ndarray, label: np.ndarray, settings: GradeSettings, rng: np.random.Generator,
    pool: tuple[np.ndarray, np.ndarray] | None = None,
) -> nn.Module:  # fmt: skip
    """Train on images (N, H, W) in [0, 1] and labels (N,) of 0 and 1; returns the network frozen.

    H and W are multiples of 32. pool: further (images, labels) that are not real; the number of
    steps does not depend on it. Raises ValueError, before any training, for images, labels or a
    pool that are not so, for one class only, an unknown network, a batch below two, and a share of
    batches without a pool.
    """
    s, extra = settings, pool or (images[:0], label[:0])
    _check(images, label, extra, s)
    init_rng, batch_rng, augment_rng = rng.spawn(3)
    net = classifiers.create(s.network, 2, init_rng).train()
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=s.decay)
    x, y = tr.as_planes(np.concatenate([images, extra[0]])), np.concatenate([label, extra[1]])
    y, noise = torch.from_numpy(y.astype(np.int64)), tr.torch_generator(augment_rng)
    parts = len(images), len(extra[0]), 0
    for step, at in enumerate(segment.index_batches(*parts, _drawn(s), batch_rng)):
        tr.set_rate(optimizer, rate(step, s))
        inputs = moved(x[at], noise) if s.augment else x[at]
        with tr.autocast(s.precision):
            logits = net(inputs.contiguous(memory_format=torch.channels_last))
        tr.descend(optimizer, F.cross_entropy(logits.float(), y[at]))
    return freeze(net)


def rate(step: int, s: GradeSettings) -> float:
    """Learning rate: rises in equal parts over the share `warm_up` of steps, on a cosine decay."""
    risen = min(1.0, (step + 1) / max(1.0, s.warm_up * s.steps))
    return risen * tr.cosine(step, s.steps, s.rate or RATES[s.network], 1e-5)


def moved(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Images (B, 1, H, W), each moved as `augment.classical_pairs` moves an image with its mask."""
    return augment.warp(images, augment.affine(*images.shape[::2], images.shape[3], generator),
                        "bilinear")  # fmt: skip


def predict(net: nn.Module, images: np.ndarray) -> np.ndarray:
    """Probability of label 1 of images (N, H, W), (N,) float32 in [0, 1]."""
    return classify.apply(lambda x: net(x).softmax(1)[:, 1], images)


def _drawn(s: GradeSettings) -> SegmentSettings:
    return SegmentSettings(steps=s.steps, batch=s.batch, free=0.0, synthetic=s.synthetic)


def _check(images, label, extra, s: GradeSettings) -> None:
    check_images(np.concatenate([images, extra[0]]), unit_range=True)
    every = np.concatenate([label, extra[1]])
    if (len(label), len(extra[1])) != (len(images), len(extra[0])) or every.ndim != 1:
        raise ValueError(f"label has shape {every.shape}; give one label for every image.")
    if not np.isin(every, (0, 1)).all() or len(np.unique(every)) < 2:
        raise ValueError("label must hold 0 and 1, both of them; code the target and add images.")
    if images.shape[1] % classifiers.UNIT or images.shape[2] % classifiers.UNIT:
        raise ValueError(f"images are {images.shape}; use sides of multiples of {classifiers.UNIT}")
    if s.batch < 2 or not 0 <= s.warm_up < 1:
        raise ValueError(
            f"batch is {s.batch}, warm_up {s.warm_up}; use 2 or more, batches are normalised, and "
            "a share in [0, 1)."
        )
    segment.shares(len(extra[0]), 0, _drawn(s))


# ---- jobs ---------------------------------------------------------------------------------------


def boxed(data: Result, side: int | None) -> Result:
    """Job: images of lesions as a classifier of grade takes them: the box around the lesion, as
    large as the image was.

    data holds image and mask (N, H, W), and label or else grade (N,). side: of the box, pixels, see
    `texture.lesion_crops`; where a generator drew no lesion it is the middle of the image. None:
    whole images. Arrays: image (N, H, W) float32, bilinear between pixels, label, and subject where
    data has it. ValueError for a side below 1 or above that of the images.
    """
    a, image = data.arrays, data.arrays["image"]
    if side is not None:
        mask = a["mask"] | ~a["mask"].any((1, 2), keepdims=True)
        planes = tr.as_planes(texture.lesion_crops(image, mask, side))
        image = F.interpolate(planes, image.shape[1:], mode="bilinear")[:, 0].numpy()
    label = a["label" if "label" in a else "grade"]
    beside = {"subject": a["subject"]} if "subject" in a else {}
    return Result({"image": image, "label": label, **beside}, {"images": len(image)})


def fit_job(
    data: Result, n: int | None, settings: dict, stream: list[int], pool: Result | None = None,
    extra: int | None = 0,
) -> Result:  # fmt: skip
    """Job: a classifier of the first n (None: all) images of a draw and `extra` of a pool, if any.

    data and pool hold image (N, H, W) and label (N,). Arrays: its weights. Scores: settings and the
    number of images.
    """
    s = GradeSettings(**settings)
    net, images = _fitted(first(data, n), first(pool, extra), s, stream)
    return Result(weights_to_arrays(net), asdict(s) | {"images": images})


def load(result: Result) -> nn.Module:
    """The frozen network of `fit_job`."""
    return classifiers.restore(result.scores["network"], 2, result.arrays)


def arm(
    real: Result, n: int | None, pool: Result | None, extra: int | None, validation: Result,
    test: Result, settings: dict, stream: list[int], looks: dict[str, Result] | None = None,
) -> Result:  # fmt: skip
    """Job: the network of `fit_job` from the same images, settings and seeds, and what it predicts.

    looks: further sets of images that it sees when it has learnt, such as the test images in
    another rendering. Arrays: probability/validation, probability/test and probability/<look>,
    (N,) float32, of label 1. Scores: images, steps. Raises ValueError, before any training, for
    what `fit` refuses and for subjects that stand in two of train, validation and test.
    """
    parts, s = {"validation": validation, "test": test}, GradeSettings(**settings)
    train, added = first(real, n), first(pool, extra)
    seen = [part["subject"] for part in (train, added) if "subject" in part]
    held = {name: part.arrays["subject"] for name, part in parts.items()}
    assert_subject_disjoint(train=np.concatenate([*seen, held["test"][:0]]), **held)
    net, images = _fitted(train, added, s, stream)
    predicted = {
        f"probability/{name}": predict(net, part.arrays["image"])
        for name, part in (parts | (looks or {})).items()
    }
    return Result(predicted, {"images": images, "steps": s.steps})


def _fitted(train: dict, added: dict, s: GradeSettings, stream: list[int]) -> tuple[nn.Module, int]:
    pool = (added["image"], added["label"]) if added else None
    net = fit(train["image"], train["label"], s, np.random.default_rng(stream), pool)
    return net, len(train["image"]) + len(added.get("image", ()))
