"""What figures need beside numbers: named sets of arrays, one HDF5 file per notebook.

Small on purpose. Floats with three or more dimensions count as pictures: with all values in [0, 1]
they are kept in 256 steps (uint8), else as float16; other floats are float32. Booleans and integers
stay as they are. All is compressed, and the same arrays give the same bytes.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from lib import paths
from lib.record import rows as pages
from lib.record.rows import RecordError

MOST = 3_000_000  # bytes a chapter in data/record
PACKED = {"compression": "gzip", "shuffle": True, "fletcher32": True}  # with a checksum
STEPS = 255  # of a picture in [0, 1]


def save(item: str, name: str, arrays: Mapping[str, np.ndarray], key: str = "") -> None:
    """Keep a set of arrays under data/metrics/<item>.h5, in the place of one of this name.

    `key` is that of the job behind them. Raises TypeError for what is no number.
    """
    kept = {key: _small(np.asarray(value), f"{item} {name} {key}") for key, value in arrays.items()}
    with pages.locked(paths.METRICS):
        _put(item, paths.METRICS, {name: kept}, {name: key})


def load(item: str, name: str, own: bool = True) -> dict[str, np.ndarray]:
    """A set of arrays, from this home if it has one and `own` allows it, else from the record.

    Pictures come back as float32. Raises RecordError when neither has it.
    """
    for root in (paths.METRICS, paths.RECORD) if own else (paths.RECORD,):
        found = _read(item, root)
        if name in found:
            return {key: _restored(*kept) for key, kept in found[name].items()}
    raise RecordError(f"{item} has no arrays {name!r}; make them with: ./run_all.sh {item}.")


def made_by(item: str, name: str, own: bool = True) -> str:
    """Key of the job behind the arrays that `load` gives; "" where none is told."""
    for root in (paths.METRICS, paths.RECORD) if own else (paths.RECORD,):
        if name in _read(item, root):
            return _keys(item, root).get(name, "")
    return ""


def has(item: str, name: str) -> bool:
    """Whether this home or the record has a set of arrays."""
    return any(name in _read(item, root) for root in (paths.METRICS, paths.RECORD))


def keep(item: str) -> None:
    """Copy the sets of arrays of this home into the record; others stay."""
    mine = _read(item, paths.METRICS)
    if mine:
        _put(item, paths.RECORD, mine, _keys(item, paths.METRICS))


def _small(values: np.ndarray, where: str) -> tuple[np.ndarray, str]:
    """(the array as it is kept, what it was: "picture", "float" or "")."""
    if values.dtype.kind in "biu":
        return values, ""
    if values.dtype.kind != "f":
        raise TypeError(f"{where} has dtype {values.dtype}; give numbers or booleans.")
    if values.ndim < 3 or not np.isfinite(values).all() or np.abs(values).max(initial=0) > 60_000:
        return values.astype(np.float32), "float"
    if values.min(initial=0) < 0 or values.max(initial=0) > 1:
        return values.astype(np.float16), "float"
    return np.round(values * STEPS).astype(np.uint8), "picture"


def _restored(values: np.ndarray, was: str) -> np.ndarray:
    if was == "picture":
        return values.astype(np.float32) / STEPS
    return values.astype(np.float32) if was == "float" else values


def _read(item: str, root: Path) -> dict[str, dict[str, tuple[np.ndarray, str]]]:
    """{name: {key: (kept array, what it was)}} of a file; {} without one."""
    file, found = root / f"{item}.h5", {}
    if not file.is_file():
        return found

    def add(path: str, data: h5py.Dataset) -> None:
        name, _, key = path.partition("/")
        found.setdefault(name, {})[key] = (np.asarray(data[()]), data.attrs["was"])

    try:
        with h5py.File(file, "r", locking=False) as stored:
            for at, path in enumerate(json.loads(stored.attrs["names"])):
                add(path, stored[str(at)])
    except (OSError, KeyError, RuntimeError, ValueError):  # of a file that is not whole
        raise RecordError(pages.damaged(file, item, root)) from None
    return found


def _keys(item: str, root: Path) -> dict[str, str]:
    """{name: key of the job behind the set} of a file that can be read, or of none."""
    file = root / f"{item}.h5"
    if not file.is_file():
        return {}
    with h5py.File(file, "r", locking=False) as stored:
        return json.loads(stored.attrs.get("keys", "{}"))


def _put(item: str, root: Path, sets: dict, keys: dict[str, str]) -> None:
    """Write a file anew with these sets added to or replacing those that it has."""
    whole = {**_read(item, root), **sets}
    keys = {**_keys(item, root), **{name: keys.get(name, "") for name in sets}}

    def write(half: Path) -> None:
        with h5py.File(half, "w", locking=False) as file:
            pairs = ((name, key) for name, arrays in whole.items() for key in arrays)
            named = {f"{name}/{key}": whole[name][key] for name, key in pairs}
            file.attrs["names"] = json.dumps([*named])  # in order; HDF5 itself goes by name
            file.attrs["keys"] = json.dumps({name: key for name, key in keys.items() if key})
            for at, (values, was) in enumerate(named.values()):
                packed = PACKED if values.ndim else {}
                file.create_dataset(str(at), data=values, **packed).attrs["was"] = was

    pages.replace_file(root / f"{item}.h5", write)
