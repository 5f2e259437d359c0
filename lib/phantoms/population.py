"""What all phantoms share: laws, subjects made from seeds, and what they render to.

A subject is one 64-bit seed; separate random streams of it give its parameters, its anatomy, its
lesion and the noise of every image. So any subject can be made again alone, and its healthy
counterfactual has the same noise.
"""

from dataclasses import dataclass, fields
from functools import cache

import numpy as np

Range = tuple[float, float]
PARAMETERS = 0  # the random stream of a subject's parameters; a phantom numbers its others


@dataclass(frozen=True)
class Law:
    """A frozen population: a name, and in a subclass the range of every parameter."""

    name: str


@dataclass(frozen=True)
class Parameters:
    """N sampled subjects: values[name] is (N, k) float32; seed and label are (N,)."""

    law: Law
    seed: np.ndarray
    label: np.ndarray
    values: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.seed)

    def __getitem__(self, items: slice) -> "Parameters":
        values = {name: v[items] for name, v in self.values.items()}
        return Parameters(self.law, self.seed[items], self.label[items], values)


@dataclass(frozen=True)
class Batch:
    """N rendered phantoms with their known truth; * is (H, W), or (C, D, H, W) of volumes.

    image:     (N, *) float32, the subject as acquired; volumes in C modalities
    healthy:   (N, *) float32, the same subject, noise and acquisition without the lesion
    parts:     (N, [D,] H, W) uint8, the labelled parts of the lesion; 0 where there is none
    support:   (N, [D,] H, W) bool, every pixel that the lesion can change; at least the parts
    deviation: (N, *) float32, image - healthy; exactly zero outside the support
    label:     (N,) int64, class of an image, grade of a volume
    subject:   (N,) uint64, the seed that makes this subject again
    text:      N short descriptions
    """

    image: np.ndarray
    healthy: np.ndarray
    parts: np.ndarray
    support: np.ndarray
    deviation: np.ndarray
    label: np.ndarray
    subject: np.ndarray
    text: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, items: slice) -> "Batch":
        return Batch(*(getattr(self, f.name)[items] for f in fields(self)))

    @property
    def mask(self) -> np.ndarray:
        """(N, [D,] H, W) bool, all that is labelled."""
        return self.parts > 0


def concatenate(batches: list[Batch]) -> Batch:
    """Join batches of one shape along the first axis."""
    columns = ([getattr(batch, f.name) for batch in batches] for f in fields(Batch))
    *arrays, text = columns
    return Batch(*(np.concatenate(a) for a in arrays), text=tuple(t for part in text for t in part))


def stream(seed: int, part: int) -> np.random.Generator:
    """Random numbers of one subject for one part of it."""
    return np.random.default_rng((int(seed), part))


def new_seeds(n: int, rng: np.random.Generator) -> np.ndarray:
    """Seeds (n,) of new subjects."""
    if not isinstance(n, int | np.integer) or n < 0:
        raise ValueError(f"n must be a whole number of subjects, 0 or more; got {n!r}.")
    return rng.integers(0, 2**63, size=n, dtype=np.uint64)


def draw(law: Law, seeds: np.ndarray, labels: np.ndarray, counts: dict[str, int]) -> Parameters:
    """Parameters uniform in the law's ranges, counts[name] of them where a name has more than one.

    The labels change nothing else of the subjects.
    """
    seeds, labels = np.asarray(seeds, dtype=np.uint64), np.asarray(labels, dtype=np.int64)
    names, repeats, low, high = _table(law, tuple(counts.items()))
    uniform = np.array([stream(seed, PARAMETERS).random(len(low)) for seed in seeds])
    flat = low + uniform.reshape(-1, len(low)) * (high - low)
    columns = np.split(flat.astype(np.float32), np.cumsum(repeats)[:-1], axis=1)
    return Parameters(law, seeds, labels, dict(zip(names, columns, strict=True)))


@cache
def _table(law: Law, counts: tuple) -> tuple[list[str], list[int], np.ndarray, np.ndarray]:
    """Names, multiplicities and flat bounds of a law's ranges."""
    names = [f.name for f in fields(law) if f.name != "name"]
    repeats = [dict(counts).get(name, 1) for name in names]
    bounds = np.repeat([getattr(law, name) for name in names], repeats, axis=0)
    return names, repeats, bounds[:, 0], bounds[:, 1]
