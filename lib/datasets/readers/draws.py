"""Draws of patients: subjects are split once by the seed, and put in order by the stream."""

import numpy as np

from lib.datasets.splits import assert_subject_disjoint, interleaved_labels
from lib.phantoms.chest import CLASSES

PARTS = ("train", "validation", "test")
IMAGE_SHARES = (0.6, 0.15, 0.25)  # of the subjects of every class, in the order of PARTS
VOLUME_SHARES = (0.75, 0.0, 0.25)

Columns = dict[str, np.ndarray]


def split(columns: Columns, seed: int, shares: tuple[float, ...]) -> dict[str, np.ndarray]:
    """The subjects of every part, in an order that the seed alone gives.

    columns: subject (N,), label (N,) and split (N,), one entry an image or a volume. Where split is
    not empty it says the part. Else the subjects of every class (the highest label that a subject
    has) are shuffled and cut by the shares.
    """
    rng, parts = np.random.default_rng([seed]), {part: [] for part in PARTS}
    subjects, first, at = np.unique(columns["subject"], return_index=True, return_inverse=True)
    worst = np.zeros(len(subjects), dtype=np.int64)
    np.maximum.at(worst, at, columns["label"])
    for label in np.unique(worst):
        mine = rng.permutation(subjects[worst == label])
        ends = np.rint(np.cumsum(shares) * len(mine)).astype(int)
        for part, piece in zip(PARTS, np.split(mine, ends[:-1]), strict=True):
            parts[part].append(piece)
    found = {part: rng.permutation(np.concatenate(pieces)) for part, pieces in parts.items()}
    said = columns["split"][first]
    if (said != "").any():
        order = rng.permutation(len(subjects))
        found = {part: subjects[order][said[order] == part] for part in PARTS}
    assert_subject_disjoint(**found)
    return found


def in_order(
    columns: Columns, part: str, stream: list[int], shares: tuple[float, ...]
) -> np.ndarray:
    """Places (K,) of all entries of a part, subject after subject in the order of the stream."""
    subjects = split(columns, stream[0], shares)[part]
    if len(stream) > 1:
        subjects = np.random.default_rng(stream).permutation(subjects)
    rank = np.full(int(columns["subject"].max()) + 1, -1)
    rank[subjects] = np.arange(len(subjects))
    rank = rank[columns["subject"]]
    order = np.argsort(rank, kind="stable")
    return order[rank[order] >= 0]


def choose_images(columns: Columns, part: str, n: int, stream: list[int]) -> np.ndarray:
    """Places (n,) of the first n images of a part in the class mix of the phantoms.

    Raises ValueError if a class has too few images in this part.
    """
    there, wanted = in_order(columns, part, stream, IMAGE_SHARES), interleaved_labels(n)
    chosen = np.empty(n, dtype=np.int64)
    for label, name in enumerate(CLASSES):
        mine, slots = there[columns["label"][there] == label], np.flatnonzero(wanted == label)
        if len(mine) < len(slots):
            raise ValueError(
                f"{part}: {n} images need {len(slots)} of class {label} ({name}), its subjects "
                f"have {len(mine)}; add subjects, ask for fewer, or move some in column split."
            )
        chosen[slots] = mine[: len(slots)]
    return chosen


def choose_volumes(columns: Columns, part: str, n: int, stream: list[int]) -> np.ndarray:
    """Places (n,) of the first n volumes of a part; ValueError if it has fewer."""
    there = in_order(columns, part, stream, VOLUME_SHARES)
    if not 0 < n <= len(there):
        raise ValueError(
            f"{part}: {n} volumes are asked, its subjects have {len(there)}; "
            "add subjects, ask for fewer, or move some in column split."
        )
    return there[:n]
