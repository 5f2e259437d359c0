"""Splits by subject, the guard that no subject stands in two of them, and the first of a set."""

import numpy as np

from lib.jobs import Result


def first(data: Result | None, n: int | None) -> dict[str, np.ndarray]:
    """Columns of the first n (None: all) items of a set or pool; ValueError if there are fewer.

    Without a set there are no columns, and no item.
    """
    there = len(data.arrays["image"]) if data else 0
    if not 0 <= (n or 0) <= there:
        raise ValueError(f"{n} images are asked of a set of {there}; draw more.")
    return {name: column[:n] for name, column in data.arrays.items()} if data else {}


def assert_subject_disjoint(**splits: np.ndarray) -> None:
    """Raise ValueError if a subject id occurs in two of the named splits (each an (N,) array)."""
    names = list(splits)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            shared = np.intersect1d(splits[a], splits[b])
            if len(shared):
                raise ValueError(
                    f"subject {shared[0]} is in both {a} and {b} ({len(shared)} shared subjects); "
                    "split by subject, not by image."
                )


def interleaved_labels(n: int, pattern: tuple[int, ...] = (0, 1, 0, 2)) -> np.ndarray:
    """(n,) labels that repeat a pattern, so that any prefix of whole patterns has its class mix.

    The default is Table 1 of PA-VAE: half healthy, a quarter left, a quarter right.
    """
    if n % len(pattern):
        raise ValueError(f"n = {n} must be a multiple of {len(pattern)} to keep the class mix.")
    return np.tile(np.array(pattern, dtype=np.int64), n // len(pattern))
