"""Splits by subject, and the guard that no subject stands in two of them."""

import numpy as np


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
