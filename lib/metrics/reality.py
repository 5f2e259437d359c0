"""How near drawn images come to real ones: numbers of `appearance` beside those of patients.

The numbers of patients stand in `lib/phantoms/reality.json`, with their source: facts, no images.
The bounds were fixed before the laws were drawn.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lib import phantoms
from lib.datasets import volumes
from lib.datasets.chest import MIX
from lib.metrics import appearance
from lib.phantoms import chest

FILE = Path(phantoms.__file__).parent / "reality.json"
FACTOR = {"local_sd": 1.4, "fine_energy": 1.4}  # bounds as a factor ...
DISTANCE = {  # ... or as a distance from the real number; explained_1 and _64 are only stated
    "slope": 0.4, "likeness": 0.05, "explained_4": 0.08, "explained_16": 0.08, "grey": 0.1,
}  # fmt: skip
NECK = (0.6, 0.8)  # demanded correlation of neighbours in PET
WORDS = {
    "noise": "noise SD, median", "neighbour_correlation": "correlation of neighbours' residual",
    "tissue_sd": "SD of grey in the body", "local_sd": "SD in 3 x 3 pixels, {} %",
    "grey": "grey in the body, {} %", "likeness": "correlation with the mean image",
    "slope_low": "spectral slope, 2 to 8 cycles", "slope_middle": "spectral slope, 8 to 28 cycles",
    "fine_energy": "energy above 16 cycles", "explained": "explained by {} components of others",
}  # fmt: skip


@dataclass(frozen=True)
class Held:
    """One statistic of a drawn set beside the real one, and the bounds that it must keep."""

    name: str
    real: float
    drawn: float
    low: float | None  # None: stated, nothing is demanded
    high: float | None

    @property
    def met(self) -> bool | None:
        """Whether the bounds are kept; None where there are none."""
        return None if self.low is None else bool(self.low <= self.drawn <= self.high)

    @property
    def words(self) -> str:
        """What the statistic is."""
        stem, _, end = self.name.rpartition("_")
        return WORDS[self.name] if self.name in WORDS else WORDS[stem].format(end)


@cache
def known() -> dict[str, dict]:
    """{"chest", "brain", "neck": title, source, patients, values, ...} of real images."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def statistics(kind: str, images: np.ndarray, subjects: np.ndarray, rng: np.random.Generator):
    """`appearance.statistics` with as many subjects known and tested as of the real images."""
    at = known()[kind]
    sizes = at["known"], at["tested"]
    return appearance.statistics(images, subjects, *sizes, rng, at["stripped"])


def compare(kind: str, found: dict[str, float | None]) -> list[Held]:
    """Statistics of a drawn set beside the real ones, in the order of the real ones."""
    real = known()[kind]["values"]
    names = [name for name in real if name not in ("noise_10", "noise_90")]
    return [Held(name, real[name], found[name], *_bounds(kind, name, real)) for name in names]


def _bounds(kind: str, name: str, real: dict[str, float]) -> tuple[float | None, float | None]:
    stems = (name, name.rpartition("_")[0])
    for stem in stems:
        if stem in FACTOR:
            return real[name] / FACTOR[stem], real[name] * FACTOR[stem]
        if stem in DISTANCE:
            return real[name] - DISTANCE[stem], real[name] + DISTANCE[stem]
    if name == "noise":
        return real["noise_10"], real["noise_90"]
    return NECK if kind == "neck" else (None, None)


def middle_slices(volume: np.ndarray, n: int) -> np.ndarray:
    """n evenly spaced slices (n, H, W) of the part of a volume where the body is large.

    Large: at least a third of the largest section; its two ends are left out.
    """
    area = (volume > 0).sum((1, 2))
    at = np.flatnonzero(area >= area.max() / 3)
    return volume[at[np.linspace(0, len(at) - 1, n + 2).round().astype(int)[1:-1]]]


def drawn(kind: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 64, 64) of n phantoms as the real ones are taken, and the subject of each (N,).

    Of the chest as acquired: preprocessing stretches noise.
    """
    if kind == "chest":
        labels = np.resize(MIX, n)
        return chest.render(chest.sample(chest.BARE, labels, rng)).image, np.arange(n)
    each = known()[kind]["slices"]
    found, *_ = volumes.draw("flair" if kind == "brain" else "pet", n, rng)
    images = np.concatenate([middle_slices(volume, each) for volume in found])
    return images, np.repeat(np.arange(n), each)
