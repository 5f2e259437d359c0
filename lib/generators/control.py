"""Control of a lesion: severity, extent, place, and several lesions on one anatomy.

Pure functions of masks (N, H, W) of 0 and 1 and deviations of the same shape. Lengths are pixels.
What a request cannot mean is refused in one sentence (ValueError). What lies outside the image or
the brain is cut off: a lesion that touches the border stays whole and is filled from the sides
that it has, one that is larger than the brain becomes the brain.
"""

import numpy as np
from scipy.ndimage import distance_transform_edt

from lib.generators.membrane import AIR

SEVERITY = (0.0, 3.0)  # allowed scale of a deviation: 0 none, 1 as drawn
EMPTY = AIR  # grey value up to which a pixel shows nothing, so is no brain


def binary(mask: np.ndarray) -> np.ndarray:
    """Masks (N, H, W) as bool, empty or not; ValueError for other shapes, NaN, values but 0, 1."""
    mask = np.asarray(mask)
    if mask.ndim != 3 or not mask.size:
        raise ValueError(f"masks must be (N, H, W) with N >= 1; got shape {mask.shape}.")
    if mask.dtype.kind == "f" and np.isnan(mask).any():
        raise ValueError("a mask holds NaN; say for every pixel whether it is lesion.")
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise ValueError("a mask has values other than 0 and 1; compare labels to the target's.")
    return mask.astype(bool)


def checked(mask: np.ndarray) -> np.ndarray:
    """`binary`, and ValueError for an empty mask."""
    return _not_empty(binary(mask), "is empty; mark at least one pixel")


def _not_empty(mask: np.ndarray, problem: str) -> np.ndarray:
    empty = np.nonzero(~mask.any((1, 2)))[0]
    if len(empty):
        raise ValueError(f"mask {empty[0]} {problem}.")
    return mask


def scaled(deviation: np.ndarray, severity: float) -> np.ndarray:
    """Severity: the deviation times a number in SEVERITY."""
    low, high = SEVERITY
    if not low <= severity <= high:  # also NaN
        raise ValueError(f"severity {severity} is out of range; use {low:g} to {high:g}.")
    if not np.isfinite(deviation).all():
        raise ValueError("the deviation holds NaN or infinite values; draw it again.")
    return np.asarray(deviation) * np.float32(severity)


def grown(mask: np.ndarray, pixels: float) -> np.ndarray:
    """Extent: masks with all pixels within this Euclidean distance; a negative one shrinks them.

    Growth stops at the border of the image. ValueError if a mask shrinks to nothing.
    """
    mask = checked(mask)
    if not np.isfinite(pixels):
        raise ValueError(f"extent {pixels} is no length; use a number of pixels.")
    if pixels >= 0:
        return np.array([distance_transform_edt(~m) <= pixels if (~m).any() else m for m in mask])
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)), mode="edge")  # no shrinking from the border
    depth = [distance_transform_edt(m) if (~m).any() else np.full(m.shape, np.inf) for m in padded]
    left = np.array(depth)[:, 1:-1, 1:-1] > -pixels
    return _not_empty(left, f"shrinks to nothing by {-pixels:g} pixels; shrink it less")


def moved(mask: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Place: masks shifted down by `rows` and to the right by `columns`, negative: up and left.

    What leaves the image is cut off; ValueError if nothing is left.
    """
    mask = checked(mask)
    if not all(isinstance(by, int | np.integer) for by in (rows, columns)):
        raise ValueError(f"a shift by ({rows}, {columns}) is not whole; use whole pixels.")
    found = np.zeros_like(mask)
    height, width = mask.shape[1:]
    if abs(rows) < height and abs(columns) < width:
        (to_y, of_y), (to_x, of_x) = _overlap(rows, height), _overlap(columns, width)
        found[:, to_y, to_x] = mask[:, of_y, of_x]
    return _not_empty(found, f"leaves the image by ({rows}, {columns}); move it less far")


def _overlap(by: int, size: int) -> tuple[slice, slice]:
    """Where along an axis pixels arrive that are shifted by so many, and whence they come."""
    return slice(max(by, 0), size + min(by, 0)), slice(max(-by, 0), size + min(-by, 0))


def placed(mask: np.ndarray, row: int, column: int) -> np.ndarray:
    """Place: each mask moved so that the middle of its bounding box is this pixel."""
    parts = []
    for m in checked(mask):
        ends = [np.nonzero(m.any(axis))[0][[0, -1]] for axis in (1, 0)]
        middle = [int(first + last) // 2 for first, last in ends]
        parts.append(moved(m[None], int(row) - middle[0], int(column) - middle[1])[0])
    return np.array(parts)


def within(mask: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Masks cut to the brain of their images (N, H, W): pixels above EMPTY.

    A lesion larger than the brain becomes the brain. ValueError if none of it lies in the brain.
    """
    mask = checked(mask)
    return _not_empty(mask & (np.asarray(image) > EMPTY), "has no pixel in the brain; move it")


def together(masks: np.ndarray) -> np.ndarray:
    """Several lesions (K, H, W) of one anatomy as one mask (H, W).

    ValueError if two of them share a pixel, whose deviation would be that of neither.
    """
    masks = checked(masks)
    shared = int((masks.sum(0) > 1).sum())
    if shared:
        raise ValueError(f"lesions share {shared} pixels; move them apart, or join their masks.")
    return masks.any(0)
