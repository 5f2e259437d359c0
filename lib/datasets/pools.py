"""What tasks, controls and scores read of film sets and of pools alike.

A film set has labels (N, 9), a column for each of FINDINGS, and planes (N, 64, 64), a bit for each
of PARTS. A pool has labels and the requested mask (N, 64, 64), which is that of the pneumothorax;
so a film set's mask is its pneumothorax plane.
"""

import numpy as np

from lib.datasets.splits import first
from lib.jobs import Result
from lib.phantoms.findings import FINDINGS, plane
from lib.phantoms.reports import NOTHING, VOCABULARY

NO_TEXT = VOCABULARY.index(NOTHING)


def masks(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The masks (N, 64, 64) bool of a pool, or the pneumothorax planes of a film set."""
    if "mask" in arrays:
        return arrays["mask"] > 0
    return plane(arrays["planes"], "pneumothorax")


def targets(arrays: dict[str, np.ndarray], columns: list[int]) -> np.ndarray:
    """Labels (N, k) uint8 of the findings in `columns`; ValueError for none, twice one or unknown.
    """
    known = range(len(FINDINGS))
    if not columns or len(set(columns)) < len(columns) or not set(columns) <= set(known):
        raise ValueError(f"columns are {columns}; name each finding once, from 0 to {known[-1]}.")
    return arrays["labels"][:, columns]


def texted(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Which items (N,) come with a text: all but those whose first token is "N/A"."""
    return arrays["tokens"][:, 0] != NO_TEXT


def columns_of(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns of a pool, of a pool or a film set; subject where it is known."""
    kept = {k: arrays[k] for k in ("image", "labels", "tokens", "subject") if k in arrays}
    return kept | {"mask": masks(arrays).astype(np.uint8)}


def head(films: Result, n: int) -> Result:
    """Job: the first n films of a set, as a set."""
    return Result(first(films, n), {"n": n})


def spread(films: Result, finding: str) -> Result:
    """Job: the films of a set in an order in which any first few have their share of a finding.

    A small fraction would else have none of it by chance, or all.
    """
    has = films.arrays["labels"][:, FINDINGS.index(finding)] > 0
    place = np.empty(len(has))
    for each in (has, ~has):
        place[each] = np.arange(each.sum()) / max(1, each.sum())
    order = np.lexsort((~has, place))  # one that has it before one that has not
    return Result({name: x[order] for name, x in films.arrays.items()}, {"n": len(has)})


def relabelled(pool: Result, requests: Result) -> Result:
    """Job: the images of a pool as if they had been asked for otherwise, by so many requests.

    ValueError if there are more of one than of the other.
    """
    image, asked = pool.arrays["image"], requests.arrays
    if len(image) != len(asked["labels"]):
        raise ValueError(
            f"{len(image)} images for {len(asked['labels'])} requests; pass as many of both."
        )
    return Result({name: asked[name] for name in ("labels", "mask", "tokens")} | {"image": image},
                  {"n": len(image)})  # fmt: skip


def joined(parts: list[Result]) -> Result:
    """Job: pools one after the other, as one pool."""
    each = [columns_of(part.arrays) for part in parts]
    names = set.intersection(*(set(part) for part in each))
    arrays = {name: np.concatenate([part[name] for part in each]) for name in sorted(names)}
    return Result(arrays, {"n": len(arrays["image"])})
