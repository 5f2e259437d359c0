"""Lesion slices of the PathoSyn chapter: the parts of a split by subject, and their truth.

A part is a `volumes.slice_set` with the grade of every lesion. The truth is a job of its own that
draws the subjects again: what trains on slices cannot reach it, and of patients there is none.

Where a slice shows no labelled pixel, the soft border of a lesion can still reach into it: of
lesion-free slices beside a tumour the true deviation can exceed 0.1 grey units.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lib.datasets import volumes
from lib.datasets.readers.draws import PARTS
from lib.datasets.source import Source
from lib.datasets.splits import assert_subject_disjoint, first
from lib.jobs import Job, Result
from lib.phantoms import brain
from lib.phantoms.population import Batch

MODALITY = "flair"  # the phantoms' one modality with the whole tumour as target
ENDS = ("", "free/")  # of a slice_set: its lesion slices and its lesion-free ones
Ranges = dict[str, list[float]]


@dataclass(frozen=True)
class Lesions:
    """The lesion slices of a source of volumes, as jobs; None where patients have no answer."""

    volumes: Source
    subjects: tuple[int, int, int]  # of train, validation and test
    most: int | None = None  # slices of a kind from one subject; None: all

    def train(self, stream: list[int]) -> Job:
        """Slices of the training subjects of a draw."""
        return self._part(stream, "train")

    def validation(self, stream: list[int]) -> Job:
        """Slices of the subjects that follow those of `train` in the same draw."""
        return self._part(stream, "validation")

    def test(self, stream: list[int]) -> Job:
        """Slices of the test subjects; a stream of their own gives phantoms of their own."""
        n = self.subjects[2]
        data = self.volumes.test(n, stream)
        return Job(part, volumes=data, subjects=[0, 0, n], name="test", **self._how)

    def fresh(self, n: int, stream: list[int]) -> Job | None:
        """n lesion slices of subjects beside the split."""
        return Job(fresh_lesions, n=n, stream=stream) if self.volumes.truth else None

    def truths(self, slices: Job) -> Job | None:
        """The truth behind the slices of any of these jobs."""
        return Job(truths, slices=slices) if self.volumes.truth else None

    def _part(self, stream: list[int], name: str) -> Job:
        counts = [*self.subjects[:2], 0]
        data = self.volumes.train(sum(counts), stream)
        return Job(part, volumes=data, subjects=counts, name=name, **self._how)

    @property
    def _how(self) -> dict:
        return {"graded": self.volumes.truth, "most": self.most}


# ---- slices -------------------------------------------------------------------------------------


def part(
    volumes: Result, subjects: list[int], name: str, graded: bool = True, most: int | None = None
) -> Result:
    """Job: the slices of one part of a volume_set that is cut, in order, into PARTS.

    subjects: how many make train, validation and test. Arrays of S slices with a lesion: image
    (S, H, W) float32 in [0, 1], mask bool, subject uint64, index (S,) the slice in its volume, and
    with `graded` grade (S,), 0 low or 1 high, the same for all slices of a subject (phantoms only:
    it is read from the seed). Under "free/": image, subject and index of their slices without a
    labelled pixel. `most` keeps so many of either kind from one subject, evenly spaced.

    ValueError: a part without subjects, too few volumes, one subject in two parts, no lesion.
    """
    counts = dict(zip(PARTS, subjects, strict=True))
    if not counts.get(name):
        raise ValueError(f"part {name!r} has no subjects in {counts}; ask for one that has.")
    held = first(volumes, sum(subjects))
    cuts = np.cumsum(subjects)
    pieces = np.split(np.arange(cuts[-1]), cuts[:-1])
    at = dict(zip(PARTS, pieces, strict=True))
    assert_subject_disjoint(**{each: held["subject"][rows] for each, rows in at.items()})
    arrays = _slices({key: column[at[name]] for key, column in held.items()}, most)
    if graded:
        arrays["grade"] = grades(arrays["subject"])
    return Result(arrays, {"subjects": counts[name], "slices": len(arrays["image"])})


def fresh_lesions(n: int, stream: list[int], ranges: Ranges | None = None) -> Result:
    """Job: `volumes.fresh_slices` of the brain with grades: n slices of new subjects."""
    made = volumes.fresh_slices(MODALITY, n, stream, ranges)
    return Result(made.arrays | {"grade": grades(made.arrays["subject"])}, made.scores)


def grades(subject: np.ndarray) -> np.ndarray:
    """The grades (N,) int64 of phantoms (N,): 0 low, 1 high; every seed draws its own."""
    return brain.from_seeds(brain.BRAIN, subject).label


def _slices(whole: dict[str, np.ndarray], most: int | None) -> dict[str, np.ndarray]:
    """The columns of a slice_set of whole volumes, with "free/index"."""
    arrays = volumes.slice_set(Result(whole, {}), len(whole["image"])).arrays
    arrays["free/index"] = np.nonzero(~whole["mask"].any((2, 3)))[1]
    if most is None:
        return arrays
    kept = {end: _spread(arrays[f"{end}subject"], most) for end in ("", "free/")}
    return {key: a[kept["free/" if key.startswith("free/") else ""]] for key, a in arrays.items()}


def _spread(subject: np.ndarray, most: int) -> np.ndarray:
    """Places of at most `most` entries of every subject, evenly spaced among its own."""
    runs = np.split(np.arange(len(subject)), np.flatnonzero(subject[1:] != subject[:-1]) + 1)
    return np.concatenate(
        [run[np.linspace(0, len(run) - 1, min(most, len(run))).round().astype(int)] for run in runs]
    )


def of_grade(slices: Result, grade: int) -> Result:
    """Job: the slices of the subjects of one grade, lesion-free ones too, in their order.

    ValueError if there are none.
    """
    given = slices.arrays
    who = np.unique(given["subject"][given["grade"] == grade])
    if not len(who):
        raise ValueError(f"no slice has grade {grade}; draw more subjects, or ask for 0 or 1.")
    kept = {end: np.isin(given[f"{end}subject"], who) for end in ENDS if f"{end}subject" in given}
    arrays = {key: a[kept["free/" if key.startswith("free/") else ""]] for key, a in given.items()}
    return Result(arrays, {"subjects": len(who), "slices": len(arrays["image"])})


def one_each(slices: Result, n: int) -> Result:
    """Job: of each of the first n subjects the lesion slice with most lesion; nothing of "free/".

    ValueError if there are fewer subjects.
    """
    subject, area = slices.arrays["subject"], slices.arrays["mask"].sum((1, 2))
    who = list(dict.fromkeys(subject.tolist()))[:n]
    if len(who) < n:
        raise ValueError(f"{n} subjects are asked of {len(who)}; draw more.")
    at = [int(np.where(subject == s, area, -1).argmax()) for s in who]
    return Result({k: a[at] for k, a in slices.arrays.items() if k[:5] != "free/"}, {"n": n})


# ---- what only phantoms know --------------------------------------------------------------------


def truths(slices: Result, ranges: Ranges | None = None) -> Result:
    """Job: the truth behind brain slices, the subjects drawn again from their seeds.

    Arrays like the slices' own, in their order, (S, H, W): healthy float32 in [0, 1], the same
    slice in the same noise without the lesion; deviation float32, image - healthy in grey units;
    support bool, all that the lesion can change, outside of which deviation is exactly 0. The same
    under "free/" where the slices have "free/index". `ranges` as in `volumes.draw`.

    ValueError if the slices are not, bit for bit, those of these phantoms.
    """
    given = slices.arrays
    ends = ["", "free/"] if "free/index" in given else [""]
    types = {"healthy": np.float32, "deviation": np.float32, "support": bool}
    found = {f"{end}{name}": np.empty(given[f"{end}image"].shape, type_)
             for end in ends for name, type_ in types.items()}  # fmt: skip
    who = {end: given[f"{end}subject"] for end in ends}
    for batch in _again(np.unique(np.concatenate([*who.values()])), ranges):
        for end in ends:
            for i, subject in enumerate(batch.subject):
                at = np.flatnonzero(who[end] == subject)
                level = given[f"{end}index"][at]
                _check_same(given[f"{end}image"][at], batch.image[i, 0, level], subject)
                healthy = batch.healthy[i, 0, level].clip(0, 1)
                found[f"{end}healthy"][at] = healthy
                found[f"{end}deviation"][at] = given[f"{end}image"][at] - healthy
                found[f"{end}support"][at] = batch.support[i, level]
    return Result(found, {"slices": len(given["image"])})


def _again(seeds: np.ndarray, ranges: Ranges | None) -> Iterator[Batch]:
    law = replace(brain.BRAIN, **{name: tuple(ends) for name, ends in (ranges or {}).items()})
    for start in range(0, len(seeds), volumes.CHUNK):
        parameters = brain.from_seeds(law, seeds[start : start + volumes.CHUNK])
        yield brain.render(parameters, modalities=("FLAIR",))


def _check_same(stored: np.ndarray, drawn: np.ndarray, subject: int) -> None:
    if not np.array_equal(stored, drawn.clip(0, 1)):
        raise ValueError(
            f"slices of subject {subject} are not those of this phantom; truths are known of "
            "brain phantoms alone, and of their own ranges."
        )
