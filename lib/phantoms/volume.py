"""What the volume phantoms share: subjects made from seeds, coordinates, and the known truth.

Volumes are stacks of axial slices (D, H, W), slice 0 the lowest. A slice follows the radiological
convention: front at the top, the patient's LEFT on the RIGHT side of the image. Coordinates are in
half image widths: x to the right and y to the back in (-1, 1), z upwards in (-HEIGHT, HEIGHT).

A subject is one 64-bit seed; separate random streams of it give its parameters, its anatomy, its
lesion, its grade and the noise of every modality. So a modality drawn alone has the same bytes as
among others, and the healthy counterfactual has the noise of the subject itself.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import torch
from torch import Tensor

SHAPE = (32, 64, 64)  # slices, rows, columns
SMALLEST = 16  # voxels a side: below it the anatomy cannot be told any more
HEIGHT = 0.8  # the volume's extent along its slices in image widths: slices are 1.6 pixels thick
LOW, HIGH = range(2)  # grades
PARAMETERS, ANATOMY, LESION, GRADE, NOISE = range(5)  # random streams; NOISE + i: modality i

Range = tuple[float, float]
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Volumes:
    """N rendered subjects with their known truth.

    image:     (N, C, D, H, W) float32, the subject as acquired in C modalities
    healthy:   (N, C, D, H, W) float32, the same subject and noise without the lesion
    labels:    (N, D, H, W) uint8, 0 where there is no lesion
    support:   (N, D, H, W) bool, every voxel that the lesion can change; wider than the labels
    deviation: (N, C, D, H, W) float32, image - healthy; exactly zero outside the support
    grade:     (N,) int64, 0 low or 1 high
    subject:   (N,) uint64, the seed that makes this subject again
    text:      N short descriptions
    """

    image: np.ndarray
    healthy: np.ndarray
    labels: np.ndarray
    support: np.ndarray
    deviation: np.ndarray
    grade: np.ndarray
    subject: np.ndarray
    text: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, items: slice) -> "Volumes":
        return Volumes(*(getattr(self, f.name)[items] for f in fields(self)))

    @property
    def mask(self) -> np.ndarray:
        """(N, D, H, W) bool, all that is labelled."""
        return self.labels > 0


def concatenate(parts: list[Volumes]) -> Volumes:
    """Join volumes of one shape along the first axis."""
    columns = ([getattr(part, f.name) for part in parts] for f in fields(Volumes))
    *arrays, text = columns
    return Volumes(*(np.concatenate(a) for a in arrays), text=tuple(t for ts in text for t in ts))


@dataclass(frozen=True)
class Parameters:
    """N sampled subjects: values[name] is (N, k) float32; seed and grade are (N,)."""

    law: object
    seed: np.ndarray
    grade: np.ndarray
    values: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.seed)

    def __getitem__(self, items: slice) -> "Parameters":
        values = {name: v[items] for name, v in self.values.items()}
        return Parameters(self.law, self.seed[items], self.grade[items], values)


def stream(seed: int, part: int) -> np.random.Generator:
    """Random numbers of one subject for one part of it."""
    return np.random.default_rng((int(seed), part))


def white(seed: int, part: int, *shapes: tuple[int, ...]) -> list[Tensor]:
    """Standard normal numbers of one stream, cut into arrays of these shapes."""
    counts = [int(np.prod(shape)) for shape in shapes]
    numbers = torch.from_numpy(stream(seed, part).standard_normal(sum(counts), dtype=np.float32))
    return [n.view(shape) for n, shape in zip(numbers.split(counts), shapes, strict=True)]


def new_seeds(n: int, rng: np.random.Generator) -> np.ndarray:
    """Seeds (n,) of new subjects."""
    if not isinstance(n, int | np.integer) or n < 0:
        raise ValueError(f"n must be a whole number of subjects, 0 or more; got {n!r}.")
    return rng.integers(0, 2**63, size=n, dtype=np.uint64)


def draw(law, seeds: np.ndarray, grades: np.ndarray | None, counts: dict[str, int]) -> Parameters:
    """Parameters uniform in the law's ranges, counts[name] of them where a name has more than one.

    Without grades every seed draws its own, low or high with equal chance; the grade changes
    nothing else of the subject.
    """
    seeds = np.asarray(seeds, dtype=np.uint64)
    if grades is None:
        grades = [stream(seed, GRADE).random() < 0.5 for seed in seeds]
    grades = np.asarray(grades, dtype=np.int64)
    if grades.shape != seeds.shape or seeds.ndim != 1 or not np.isin(grades, (LOW, HIGH)).all():
        raise ValueError("grades must be 0 (low) or 1 (high); pass one grade a seed, or None.")
    names, repeats, low, high = _table(law, tuple(counts.items()))
    uniform = np.array([stream(seed, PARAMETERS).random(len(low)) for seed in seeds])
    flat = low + uniform.reshape(-1, len(low)) * (high - low)
    columns = np.split(flat.astype(np.float32), np.cumsum(repeats)[:-1], axis=1)
    return Parameters(law, seeds, grades, dict(zip(names, columns, strict=True)))


@cache
def _table(law, counts: tuple) -> tuple[list[str], list[int], np.ndarray, np.ndarray]:
    """Names, multiplicities and flat bounds of a law's ranges."""
    names = [f.name for f in fields(law) if f.name != "name"]
    repeats = [dict(counts).get(name, 1) for name in names]
    bounds = np.repeat([getattr(law, name) for name in names], repeats, axis=0)
    return names, repeats, bounds[:, 0], bounds[:, 1]


@cache
def grid(shape: Shape) -> tuple[Tensor, Tensor, Tensor]:
    """Voxel-centre coordinates x (1, 1, W), y (1, H, 1) and z (D, 1, 1) in half image widths."""
    z, y, x = ((torch.arange(n, dtype=torch.float32) + 0.5) * (2 / n) - 1 for n in shape)
    return x.view(1, 1, -1), y.view(1, -1, 1), HEIGHT * z.view(-1, 1, 1)


@dataclass(frozen=True)
class Drawn:
    """One subject drawn twice, in the same noise: image and healthy (C, D, H, W); its truth."""

    image: Tensor
    healthy: Tensor
    labels: Tensor
    support: Tensor


def checked(shape: Shape) -> Shape:
    """The shape, or an error that says what is wrong with it."""
    good = isinstance(shape, tuple | list) and len(shape) == 3
    if not (good and all(isinstance(n, int | np.integer) and n >= SMALLEST for n in shape)):
        raise ValueError(
            f"shape must be (slices, rows, columns), each a whole number of at least {SMALLEST}; "
            f"got {shape!r}."
        )
    return tuple(int(n) for n in shape)


def each(p: Parameters) -> Iterator[dict[str, Tensor]]:
    """The values of every subject, (k,) tensors."""
    for i in range(len(p)):
        yield {name: torch.from_numpy(v[i]) for name, v in p.values.items()}


def render(
    p: Parameters,
    draw_one: Callable[[int, dict[str, Tensor], int], Drawn],
    channels: int,
    shape: Shape,
    text: tuple[str, ...],
) -> Volumes:
    """Draw the subjects one by one: each fits the cache, and none depends on its neighbours.

    draw_one(seed, values, grade) draws one subject; a value is a (k,) tensor.
    """
    n = len(p)
    image, healthy = (np.empty((n, channels, *shape), np.float32) for _ in range(2))
    labels, support = np.empty((n, *shape), np.uint8), np.empty((n, *shape), bool)
    for i, values in enumerate(each(p)):
        drawn = draw_one(int(p.seed[i]), values, int(p.grade[i]))
        for kept, new in zip(
            (image, healthy, labels, support),
            (drawn.image, drawn.healthy, drawn.labels, drawn.support),
            strict=True,
        ):
            kept[i] = new.numpy()
    return Volumes(image, healthy, labels, support, image - healthy, p.grade, p.seed, text)
