"""Overlap of segmentations, for whole volumes and for slices, with every rule for empty masks.

All start from `counts` (S, D, 3): per subject and slice, how many voxels lie in both masks, in the
predicted, and in the true one. The paper's way of scoring and the plain way differ in which slices
they leave out, so every number here says what it does with slices without a lesion.
"""

import numpy as np


def overlap(predicted, true):
    """Counts (S, D, 3) int32 of boolean masks (S, D, H, W): intersection, predicted, true."""
    predicted, true = np.asarray(predicted), np.asarray(true)
    if predicted.shape != true.shape or predicted.ndim != 4:
        raise ValueError(
            f"predicted {predicted.shape} and true {true.shape} must be equal (S, D, H, W) stacks"
        )
    if predicted.dtype != bool or true.dtype != bool:
        raise ValueError("masks must be boolean: compare probabilities or labels first")
    parts = (predicted & true, predicted, true)
    return np.stack([part.sum((2, 3), dtype=np.int32) for part in parts], axis=-1)


def _checked(counts):
    """`counts` as int64 (S, D, 3); ValueError unless each intersection fits in both masks."""
    counts = np.asarray(counts)
    if counts.ndim != 3 or counts.shape[-1] != 3 or not counts.size:
        raise ValueError(f"counts {counts.shape} must be of shape (S, D, 3): pass those of overlap")
    if (counts < 0).any() or (counts[..., 0] > counts[..., 1:].min(-1)).any():
        raise ValueError("counts hold an intersection larger than a mask: pass those of overlap")
    return counts.astype(np.int64)


def _dice(counts):
    """2 |A ∩ B| / (|A| + |B|) along the last axis (..., 3); 1 where both masks are empty."""
    both, total = counts[..., 0], counts[..., 1] + counts[..., 2]
    return np.where(total > 0, 2 * both / np.maximum(total, 1), 1.0)


def dice(counts):
    """Dice of each subject's whole volume, lesion-free slices included, (S, D, 3) -> (S,).

    A false positive on any slice costs. 1 where neither mask holds anything, 0 where one does.
    """
    return _dice(_checked(counts).sum(1))


def dice_selected(counts):
    """Dice of each subject over those slices alone that truly hold a lesion, (S, D, 3) -> (S,).

    An oracle picks the slices, as dHVAE does when it takes empty slices out of its test set: false
    positives elsewhere are free, so it is never below `dice`. NaN for a subject without a lesion.
    """
    counts = _checked(counts)
    lesion = counts[..., 2:] > 0
    return np.where(lesion.any((1, 2)), _dice((counts * lesion).sum(1)), np.nan)


def slice_dice(counts, empty="score"):
    """Dice of every slice, (S, D, 3) -> (S, D).

    empty: what a slice without a true lesion reads. "score": 1 if nothing is predicted there and 0
    if anything is (MONAI's ignore_empty=False); "skip": NaN (its default), so that false positives
    on healthy slices are free.
    """
    if empty not in ("score", "skip"):
        raise ValueError(f"empty {empty!r} is unknown; choose 'score' or 'skip'")
    counts = _checked(counts)
    found = _dice(counts)
    return found if empty == "score" else np.where(counts[..., 2] > 0, found, np.nan)


def false_positive_rate(counts):
    """Share of the slices without a lesion in which any voxel is predicted; NaN without such."""
    counts = _checked(counts)
    free = counts[..., 2] == 0
    return float((counts[..., 1][free] > 0).mean()) if free.any() else float("nan")
