"""Chest data sets that differ from Table 1's in one known respect: class mix, scanner, or a defect.

Subjects are seeds, so the same stream gives the same subjects in every variant of a set: a drifted
or degraded set shows the very subjects of the plain one.
"""

from dataclasses import replace

import numpy as np

from lib.datasets.chest import MIX, draw
from lib.datasets.preprocess import preprocess
from lib.jobs import Result
from lib.phantoms import chest

DRIFT = {"gain": -1, "bend": 1, "photons": -1}  # where an ageing scanner goes; photons in logarithm
DEFECTS = ("noiseless", "one place", "plain")
UPPER = 0.75  # "plain" keeps radius and contrast from here on in their ranges


def mix_pattern(mix: tuple[int, ...]) -> tuple[int, ...]:
    """Labels of one block with mix[c] images of class c, spread evenly: (2, 1, 1) -> (0, 1, 2, 0).

    Raises ValueError unless every count is a whole number and their sum is positive.
    """
    if sum(mix) < 1 or any(count < 0 or count != int(count) for count in mix):
        raise ValueError(f"mix {mix} must hold whole counts per class, not all zero.")
    places = [((i + 0.5) / count, label) for label, count in enumerate(mix) for i in range(count)]
    return tuple(label for _, label in sorted(places))


def mixed_set(law: str, mix: list[int], n: int, stream: list[int]) -> Result:
    """Job: n fresh subjects of a named law in the class mix mix[0] : mix[1] : mix[2].

    n is a multiple of sum(mix); any prefix of whole blocks has the mix.
    """
    return _set(chest.LAWS[law], n, stream, mix_pattern(tuple(mix)))


def changed_set(law: str, ranges: dict[str, list[float]], n: int, stream: list[int]) -> Result:
    """Job: n fresh subjects of a named law in which some parameters have other ranges."""
    changes = {name: tuple(ends) for name, ends in ranges.items()}
    return _set(replace(chest.LAWS[law], name=f"{law} changed", **changes), n, stream)


def drifted(law: chest.Law, sds: float) -> chest.Law:
    """The law's population on a scanner whose gain, bend and photons moved by `sds` of their SDs.

    Gain falls, the contrast curve bends, photons fall; the SD of a uniform range (a, b) is
    (b - a) / sqrt(12). Photons move in the logarithm, where no shift makes them negative.
    """

    def moved(name: str) -> chest.Range:
        ends = np.array(getattr(law, name))
        ends = np.log(ends) if name == "photons" else ends
        ends = ends + DRIFT[name] * sds * (ends[1] - ends[0]) / np.sqrt(12)
        return tuple((np.exp(ends) if name == "photons" else ends).tolist())

    return replace(law, name=f"{law.name} drifted", **{name: moved(name) for name in DRIFT})


def drifted_set(law: str, sds: float, n: int, stream: list[int]) -> Result:
    """Job: the subjects of `chest.image_set(law, n, stream)`, seen by the drifted scanner."""
    return _set(drifted(chest.LAWS[law], sds), n, stream)


def degraded(law: chest.Law, defect: str) -> chest.Law:
    """The law with one defect of generated images.

    "noiseless": no sensor noise. "one place": every opacity in the middle of its range of places.
    "plain": all opacities large and of high contrast, as of a generator that exaggerates.
    """
    if defect not in DEFECTS:
        raise ValueError(f"defect {defect!r} is unknown; choose one of {', '.join(DEFECTS)}.")
    name = f"{law.name} {defect}"
    if defect == "noiseless":
        return replace(law, name=name, photons=(1e12, 1e12))
    if defect == "plain":
        ends = {key: getattr(law, key) for key in ("opacity_radius", "opacity_grey")}
        upper = {key: (low + UPPER * (high - low), high) for key, (low, high) in ends.items()}
        return replace(law, name=name, **upper)
    places = {key: (sum(getattr(law, key)) / 2,) * 2 for key in ("opacity_x", "opacity_y")}
    return replace(law, name=name, **places)


def degraded_set(law: str, defect: str, n: int, stream: list[int]) -> Result:
    """Job: the subjects of `chest.image_set(law, n, stream)` with one defect."""
    return _set(degraded(chest.LAWS[law], defect), n, stream)


def counterfactual_set(law: str, data: Result, n: int) -> Result:
    """Job: the first n subjects of a set as they would look healthy, in the same noise."""
    seeds = data.arrays["subject"][:n]
    batch = chest.render(chest.from_seeds(chest.LAWS[law], seeds, np.zeros(n, np.int64)))
    return Result({"image": preprocess(batch.image), "subject": seeds}, {"n": n})


def _set(law: chest.Law, n: int, stream: list[int], pattern: tuple[int, ...] = MIX) -> Result:
    return Result(draw(law, n, np.random.default_rng(stream), pattern).arrays(), {"n": n})
