"""What figures need beside numbers: small arrays by name, one HDF5 file per notebook.

Images (two last sides of 16 and more, values in [0, 1]) are kept in 256 grey levels and masks as
bytes, both to come back as they were meant; other floating-point numbers with 32 bits.
"""

from pathlib import Path

import h5py
import numpy as np

from lib import paths
from lib.record.rows import RecordError, locked, replace_file, short

LEVELS = 255  # grey levels of an image above black
SIDE = 16  # an array whose two last sides are at least so long may be an image


def save(item: str, name: str, arrays: dict[str, np.ndarray]) -> Path:
    """Keep a panel of an item ("pavae/table4_main") in data/metrics, beside its other panels."""
    file = paths.METRICS / f"{item}.h5"
    with locked(paths.METRICS):
        panels = {other: _read(file, other) for other in names(file) if other != name}
        return write(file, panels | {name: arrays})


def load(item: str, name: str, own: bool = True) -> dict[str, np.ndarray]:
    """A panel of this home, or else of the record; RecordError if neither has it."""
    roots = (paths.METRICS, paths.RECORD) if own else (paths.RECORD,)
    for file in (root / f"{item}.h5" for root in roots):
        if name in names(file):
            return _read(file, name)
    raise RecordError(f"{item} has no panel {name!r}; ./run_all.sh {item} makes it.")


def names(file: Path) -> list[str]:
    """The panels of a file; none if there is no file. RecordError for one that is damaged."""
    if not file.is_file():
        return []
    try:
        with h5py.File(file, "r", locking=False) as found:
            return list(found)
    except OSError:
        raise RecordError(
            f"{short(file)} is damaged; delete it and run its notebook again."
        ) from None


def write(file: Path, panels: dict[str, dict[str, np.ndarray]]) -> Path:
    """Write all panels of an item in one step."""

    def fill(half: Path) -> None:
        with h5py.File(half, "w", track_order=True) as out:
            for name, arrays in panels.items():
                group = out.create_group(name, track_order=True)
                for key, values in arrays.items():
                    _put(group, key, np.asarray(values))

    replace_file(file, fill)
    return file


def _put(group: h5py.Group, key: str, values: np.ndarray) -> None:
    kind, image = values.dtype.kind, False
    if kind == "b":
        values = values.astype(np.uint8)
    elif kind == "f":
        image = _is_image(values)
        values = np.round(values * LEVELS).astype(np.uint8) if image else values.astype(np.float32)
    options = {"compression": "gzip", "shuffle": True} if values.size > 64 else {}
    dataset = group.create_dataset(key.replace("/", "\\"), data=values, **options)
    dataset.attrs["kind"] = "image" if image else kind


def _is_image(values: np.ndarray) -> bool:
    large = values.ndim > 1 and min(values.shape[-2:]) >= SIDE and values.size > 0
    return large and values.min() >= 0 and values.max() <= 1


def _read(file: Path, name: str) -> dict[str, np.ndarray]:
    with h5py.File(file, "r", locking=False) as found:
        return {key.replace("\\", "/"): _get(data) for key, data in found[name].items()}


def _get(dataset: h5py.Dataset) -> np.ndarray:
    values, kind = dataset[()], dataset.attrs["kind"]
    if kind == "image":
        return values.astype(np.float32) / LEVELS
    return values.astype(bool) if kind == "b" else values
