"""What every phantom renders to."""

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Batch:
    """N rendered phantoms with their known truth.

    image:     (N, H, W) float32, the subject as acquired; grey units, about [0, 1], not clipped
    healthy:   (N, H, W) float32, the same subject, noise and acquisition without the lesion
    mask:      (N, H, W) bool, the pixels the lesion can change
    deviation: (N, H, W) float32, image - healthy; exactly zero outside the mask
    label:     (N,) int64 class index
    subject:   (N,) uint64, the seed that makes this subject again
    text:      N short descriptions
    """

    image: np.ndarray
    healthy: np.ndarray
    mask: np.ndarray
    deviation: np.ndarray
    label: np.ndarray
    subject: np.ndarray
    text: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, items: slice) -> "Batch":
        return Batch(*(getattr(self, f.name)[items] for f in fields(self)))


def concatenate(batches: list[Batch]) -> Batch:
    """Join batches along the first axis."""
    columns = ([getattr(b, f.name) for b in batches] for f in fields(Batch))
    *arrays, text = columns
    return Batch(*(np.concatenate(a) for a in arrays), text=tuple(t for part in text for t in part))
