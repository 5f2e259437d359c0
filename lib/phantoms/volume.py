"""What the volume phantoms share: grades, coordinates, and how a batch is drawn.

Volumes are stacks of axial slices (D, H, W), slice 0 the lowest. A slice follows the radiological
convention: front at the top, the patient's LEFT on the RIGHT side of the image. Coordinates are in
half image widths: x to the right and y to the back in (-1, 1), z upwards in (-HEIGHT, HEIGHT).

Every modality has a random stream of its own for its noise: drawn alone it has the same bytes as
among others.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lib.phantoms import population
from lib.phantoms.population import PARAMETERS, Batch, Law, Parameters, stream

SHAPE = (32, 64, 64)  # slices, rows, columns
SMALLEST = 16  # voxels a side: below it the anatomy cannot be told any more
HEIGHT = 0.8  # the volume's extent along its slices in image widths: slices are 1.6 pixels thick
LOW, HIGH = range(2)  # grades
ANATOMY, LESION, GRADE, NOISE = range(PARAMETERS + 1, 5)  # random streams; NOISE + i: modality i

Shape = tuple[int, int, int]


def white(seed: int, part: int, *shapes: tuple[int, ...]) -> list[Tensor]:
    """Standard normal numbers of one stream, cut into arrays of these shapes."""
    counts = [int(np.prod(shape)) for shape in shapes]
    numbers = torch.from_numpy(stream(seed, part).standard_normal(sum(counts), dtype=np.float32))
    return [n.view(shape) for n, shape in zip(numbers.split(counts), shapes, strict=True)]


def draw(law: Law, seeds: np.ndarray, grades: np.ndarray | None, counts) -> Parameters:
    """Subjects as `population.draw` gives them, whose labels are their grades.

    Without grades every seed draws its own, low or high with equal chance.
    """
    seeds = np.asarray(seeds, dtype=np.uint64)
    if grades is None:
        grades = [stream(seed, GRADE).random() < 0.5 for seed in seeds]
    grades = np.asarray(grades, dtype=np.int64)
    if grades.shape != seeds.shape or seeds.ndim != 1 or not np.isin(grades, (LOW, HIGH)).all():
        raise ValueError("grades must be 0 (low) or 1 (high); pass one grade a seed, or None.")
    return population.draw(law, seeds, grades, counts)


@cache
def grid(shape: Shape) -> tuple[Tensor, Tensor, Tensor]:
    """Voxel-centre coordinates x (1, 1, W), y (1, H, 1) and z (D, 1, 1) in half image widths."""
    z, y, x = ((torch.arange(n, dtype=torch.float32) + 0.5) * (2 / n) - 1 for n in shape)
    return x.view(1, 1, -1), y.view(1, -1, 1), HEIGHT * z.view(-1, 1, 1)


def spots(places: Tensor, radius: Tensor, gain: Tensor, shape: Shape) -> Tensor:
    """Sum (D, H, W) of K round Gaussian spots, each a product of three.

    places (3, K) along x, y and z; radius and gain (K,).
    """
    across, down, along = (
        torch.exp(-0.5 * ((axis.view(1, -1) - place.view(-1, 1)) / radius.view(-1, 1)).square())
        for axis, place in zip(grid(shape), places, strict=True)
    )
    planes = (gain.view(-1, 1) * down).unsqueeze(2) * across.unsqueeze(1)  # (K, H, W)
    return (along.T @ planes.flatten(1)).view(shape)


class Drawn(NamedTuple):
    """One subject drawn twice, in the same noise: image and healthy (C, D, H, W); its truth."""

    image: Tensor
    healthy: Tensor
    parts: Tensor
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
) -> Batch:
    """Draw the subjects one by one: each fits the cache, and none depends on its neighbours.

    draw_one(seed, values, grade) draws one subject; a value is a (k,) tensor.
    """
    n = len(p)
    image, healthy = (np.empty((n, channels, *shape), np.float32) for _ in range(2))
    parts, support = np.empty((n, *shape), np.uint8), np.empty((n, *shape), bool)
    for i, values in enumerate(each(p)):
        drawn = draw_one(int(p.seed[i]), values, int(p.label[i]))
        for kept, new in zip((image, healthy, parts, support), drawn, strict=True):
            kept[i] = new.numpy()
    return Batch(image, healthy, parts, support, image - healthy, p.label, p.seed, text)
