"""Which known modes of the phantom population does a generator reach: place and size of lesions.

A mode is a cell of side x vertical third x size class, read off the mask; the phantom law fills
all of them. Modes are integers (n,), and 0 is the empty mask.
"""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from lib.metrics.masks import shape_statistics, stack

EMPTY = 0


def size_edges(masks, classes=3):
    """Inner quantile edges of lesion area in pixels, (classes - 1,), from REAL non-empty masks.

    Areas are integers: classes may be unequal where many masks share one area.
    """
    areas = stack(masks).sum(axis=(1, 2))
    if classes < 1 or not areas.any():
        raise ValueError(f"classes={classes} must be 1 or more, and masks need a non-empty one")
    return np.quantile(areas[areas > 0], np.arange(1, classes) / classes)


def count_modes(edges):
    """Number of modes: empty, and 2 sides x 3 thirds x (len(edges) + 1) sizes."""
    return 1 + 2 * 3 * (len(edges) + 1)


def modes(masks, edges):
    """Mode of each mask, (n, H, W) -> int64 (n,) in [0, count_modes(edges)).

    Empty is 0. Otherwise 1 + (side * 3 + third) * sizes + size: side 0 is the left half of the
    image (patient's right, in radiological display), third 0 the top, by the centroid; size counts
    the `size_edges` at or below the area. For images, pass the masks that an independent reader
    sees in them, and give the real images the same reader.
    """
    statistics = shape_statistics(masks)
    height, width = np.shape(masks)[1:]
    seen = statistics["area"] > 0
    row, column, area = (statistics[name][seen] for name in ("row", "column", "area"))
    side = column >= (width - 1) / 2
    third = np.floor(3 * (row + 0.5) / height).astype(int)  # pixel centres lie at row + 1/2
    size = np.searchsorted(edges, area, side="right")
    found = np.full(len(seen), EMPTY)
    found[seen] = 1 + (side * 3 + third) * (len(edges) + 1) + size
    return found


def _shares(*sets):
    """Share of each mode in each set, over one common range of modes."""
    sets = [np.asarray(x) for x in sets]
    if any(x.ndim != 1 or not len(x) or x.dtype.kind not in "iu" or x.min() < 0 for x in sets):
        raise ValueError("modes must be non-empty vectors of integers from 0, as `modes` gives")
    top = max(x.max() for x in sets) + 1
    return [np.bincount(x, minlength=top) / len(x) for x in sets]


def coverage(real, generated):
    """Overlap of two histograms of modes, sum_i min(p_i, q_i): 1 = equal, 0 = disjoint.

    real (n,), generated (m,) modes. It is 1 - total variation distance. Trap: finite samples of
    one law overlap by less than 1 (19 equal modes: 0.76 at n = 100, 0.92 at 1,000, 0.95 at 2,000),
    so take equal n in all arms and print the null beside it. A memoriser scores high: it sees
    modes, not novelty.
    """
    p, q = _shares(real, generated)
    return float(np.minimum(p, q).sum())


def occupied(real, generated):
    """Share of the real set's modes, the empty one too, that the generated set hits at least once.

    In [0, 1]; grows with the number of generated masks, so take equal n. One hit is enough: a
    collapsed generator with a few strays scores well, `coverage` does not forgive that.
    """
    p, q = _shares(real, generated)
    return float((q[p > 0] > 0).mean())


def ball_coverage(real, generated, k=5):
    """Share of real feature vectors (n, d) with a generated one (m, d) near them.

    Near: no farther than the k-th nearest other real one (coverage of Naeem et al. 2020, equation
    5). In [0, 1]; for two sets of one law of equal n it expects 1 - 2^-k, 0.97 at k = 5. Grows
    with m: take equal numbers in all arms. Raises ValueError unless there are more than k real.
    """
    real, generated = (np.asarray(x, np.float64) for x in (real, generated))
    if real.ndim != 2 or generated.shape[1:] != real.shape[1:] or not len(real) > k >= 1:
        raise ValueError(
            f"features {real.shape} and {generated.shape} must be (n, d) with more than k={k} real"
        )
    radius = NearestNeighbors(n_neighbors=k).fit(real).kneighbors()[0][:, -1]
    nearest = NearestNeighbors(n_neighbors=1).fit(generated).kneighbors(real)[0][:, 0]
    return float((nearest <= radius).mean())
