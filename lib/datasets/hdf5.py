"""Image sets in HDF5 files: image, label, subject, and the mask where it is known."""

import os
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from lib.datasets.checks import check_images


@dataclass(frozen=True)
class ImageSet:
    """N preprocessed images.

    image (N, H, W) float32 in [0, 1]; label (N,) int64; subject (N,) uint64;
    mask (N, H, W) bool, the lesion's pixels (all False for healthy images).
    """

    image: np.ndarray
    label: np.ndarray
    subject: np.ndarray
    mask: np.ndarray

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, items) -> "ImageSet":
        return ImageSet(self.image[items], self.label[items], self.subject[items], self.mask[items])

    def arrays(self) -> dict[str, np.ndarray]:
        """The columns by name, as a file or a job stores them."""
        return {
            "image": self.image,
            "label": self.label,
            "subject": self.subject,
            "mask": self.mask,
        }


def from_arrays(arrays: dict[str, np.ndarray]) -> ImageSet:
    """An ImageSet from stored columns; raises KeyError if one is missing."""
    return ImageSet(*(arrays[name] for name in ("image", "label", "subject", "mask")))


def write(path: Path, data: ImageSet) -> None:
    """Write an image set; the file appears whole or not at all."""
    part = path.with_suffix(f".{os.getpid()}.part")
    with h5py.File(part, "w") as file:
        for name, column in data.arrays().items():
            file.create_dataset(name, data=column)
    os.replace(part, path)


def read(path: Path) -> ImageSet:
    """Read an image set; raises ValueError naming the file and what is wrong with it."""
    try:
        with h5py.File(path, "r") as file:
            data = from_arrays({name: file[name][()] for name in file})
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is not an image set ({error}); write it again.") from error
    lengths = {name: len(column) for name, column in data.arrays().items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{path} has columns of different lengths {lengths}; write it again.")
    try:
        check_images(data.image, unit_range=True)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return data
