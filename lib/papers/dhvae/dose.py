"""How many synthetic slices stand beside a real one, and how often a real one is seen in training.

Table 4 adds the paper's counts to another number of real slices, so its ratios differ. Here both
are counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from lib import jobs
from lib.papers.arms import Arm
from lib.papers.dhvae import printed
from lib.papers.dhvae.arms import AMOUNTS
from lib.papers.dhvae.study import Study
from lib.record import panels
from lib.tasks.segment import SegmentSettings, shares

KEPT = "dhvae/04_2d_or_3d", "budget"  # the record's panel that has the numbers of slices too


@dataclass(frozen=True)
class Dose:
    """One arm of one population."""

    added: int  # slices beside the real ones
    ratio: float  # of them per real lesion slice
    paper: float | None  # the same in the paper; None for an arm that it has not
    seen: float  # how often a real lesion slice is in a batch of one training


def real_slices(studies: Mapping[str, Study]) -> dict[str, np.ndarray]:
    """{modality: (2,)}: lesion slices and lesion-free ones of the training volumes, first draw."""
    each = {m: jobs.load(study.slices(study.draws()[0])).arrays for m, study in studies.items()}
    return {m: np.array([len(x["image"]), len(x["free/image"])]) for m, x in each.items()}


def recorded() -> dict[str, np.ndarray]:
    """`real_slices` of the record; {} where it has none."""
    if not panels.has(*KEPT):
        return {}
    found = panels.load(*KEPT, own=False)
    return {name.partition("/")[0]: table[1:3, 0].astype(int) for name, table in found.items()}


def dose(study: Study, arm: Arm, real: int, free: int) -> Dose:
    """What a 2-D arm trains on beside so many real lesion slices and lesion-free ones."""
    how = study.predictions(arm, 0).spec["args"]
    added = _added(arm, real, how["extra"])
    s = SegmentSettings(**how["settings"])
    theirs = printed.REAL_SLICES.get(study.modality)
    paper = None
    if arm.name in printed.TABLE4.get(study.modality, {}):
        paper = _added(arm, theirs, arm.amount) / theirs
    return Dose(added, added / real, paper, seen(real, added, free, s))


def _added(arm: Arm, real: int, extra: int | None) -> int:
    """Slices that an arm adds to `real` ones; "classical" has `amount` copies of each."""
    if not arm.source:
        return 0
    return arm.amount * real if arm.source == "classic" else extra


def seen(real: int, added: int, free: int, s: SegmentSettings) -> float:
    """Expected number of times that a real lesion slice is in a batch of one training.

    s.steps batches, or with s.epochs as many more as there is more to see.
    """
    if s.epochs:
        s = replace(s, steps=round(s.steps * (1 + added / real)))
    lesions, _, _ = shares(added, free, s)
    return s.steps * lesions / (real + (added if s.synthetic is None else 0))


def nearest(study: Study, real: int) -> tuple[int, int]:
    """How many slices are to the real ones here what the paper's most are to its own, and the
    nearest amount of Table 4."""
    wanted = max(AMOUNTS) / printed.REAL_SLICES[study.modality] * real
    return round(wanted), min(map(study.amount, AMOUNTS), key=lambda n: abs(n - wanted))


def lines(study: Study, arms: Iterable[Arm], real: int, free: int) -> list[list[str]]:
    """One line per arm: label, slices added, per real slice, in the paper, a real slice is seen."""
    found = []
    for arm in arms:
        d = dose(study, arm, real, free)
        theirs = "–" if d.paper is None else f"{d.paper:.1f}"
        found.append([arm.label, f"{d.added:,}", f"{d.ratio:.1f}", theirs, f"{d.seen:.1f}"])
    return found
