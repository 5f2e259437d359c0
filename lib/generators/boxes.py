"""Boxes around lesions: a deviation is drawn on few pixels instead of a whole slice.

A box is square, of the least of some sides that holds the lesion and `pad` pixels around it, as
nearly centred on the lesion as the image allows. Networks see the same boxes when they learn.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Boxes:
    """One box an image: side, first row and first column, (N,) int64 each."""

    side: np.ndarray
    top: np.ndarray
    left: np.ndarray

    def __getitem__(self, at: np.ndarray) -> "Boxes":
        return Boxes(self.side[at], self.top[at], self.left[at])

    def groups(self) -> Iterator[tuple[int, np.ndarray]]:
        """Each side in use and the images whose box has it, the smallest first."""
        for side in np.unique(self.side):
            yield int(side), np.nonzero(self.side == side)[0]

    def cut(self, planes: Tensor, at: np.ndarray) -> Tensor:
        """The boxes (n, C, side, side) of images `at`, all of one side, out of planes (N, C, H, W).

        Gradients flow back to the planes.
        """
        images, rows, columns = self._index(at)
        return planes[images, :, rows, columns].permute(0, 3, 1, 2)

    def put(self, planes: Tensor, at: np.ndarray, patches: Tensor) -> None:
        """Write patches (n, C, side, side) into the boxes of images `at` of planes (N, C, H, W)."""
        images, rows, columns = self._index(at)
        planes[images, :, rows, columns] = patches.permute(0, 2, 3, 1)

    def _index(self, at: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Indices that together have shape (n, side, side)."""
        along = np.arange(self.side[at[0]])
        rows = torch.from_numpy(self.top[at, None] + along)
        columns = torch.from_numpy(self.left[at, None] + along)
        return torch.from_numpy(at)[:, None, None], rows[:, :, None], columns[:, None, :]


def around(mask: np.ndarray, sides: tuple[int, ...], pad: int) -> Boxes:
    """A box for each mask (N, H, W), none of them empty.

    A lesion that fits the largest side only without all of its padding gets that side. ValueError
    if it does not fit it at all, or if the image is smaller than the box that it needs.
    """
    found = [_box(np.asarray(m, dtype=bool), sorted(sides), pad) for m in mask]
    side, top, left = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return Boxes(side, top, left)


def _box(mask: np.ndarray, sides: list[int], pad: int) -> tuple[int, int, int]:
    ends = [np.nonzero(mask.any(axis))[0][[0, -1]] for axis in (1, 0)]
    extent = max(int(last - first) + 1 for first, last in ends)
    side = next((s for s in sides if s >= extent + 2 * pad), sides[-1])
    if extent > side:
        raise ValueError(f"a lesion spans {extent} pixels, the largest box {side}; allow a larger.")
    if side > min(mask.shape):
        shape = f"{mask.shape[0]} x {mask.shape[1]}"
        raise ValueError(f"a lesion needs a box of {side} pixels, its image is {shape}; pad it.")
    corner = [int(first + last + 1 - side) // 2 for first, last in ends]
    top, left = (min(max(c, 0), n - side) for c, n in zip(corner, mask.shape, strict=True))
    return side, top, left
