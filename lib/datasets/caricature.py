"""Phantoms whose opacities are all large and plain, as those of a generator that exaggerates."""

from dataclasses import replace

import numpy as np

from lib.datasets import chest as sets
from lib.jobs import Result
from lib.phantoms import chest

UPPER = 0.75  # radius and contrast come from this quantile of their range upwards


def plain(law: chest.Law) -> chest.Law:
    """The law with opacities of the upper quarter of radius and contrast alone."""

    def upper(ends: chest.Range) -> chest.Range:
        low, high = ends
        return (low + UPPER * (high - low), high)

    return replace(
        law,
        name=f"{law.name} plain",
        opacity_radius=upper(law.opacity_radius),
        opacity_grey=upper(law.opacity_grey),
    )


def plain_set(law: str, n: int, stream: list[int]) -> Result:
    """Job: the subjects of `chest.image_set(law, n, stream)` with large and plain opacities."""
    made = sets.draw(plain(chest.LAWS[law]), n, np.random.default_rng(stream))
    return Result(made.arrays(), {"n": n})
