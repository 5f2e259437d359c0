"""The store of results: one HDF5 (arrays) and one JSON (scores, recipe) per job, under its key.

Both files are written under a temporary name and moved into place, the JSON last: its presence
means done. It names the HDF5, whose name carries its checksum. So two processes that store the same
key at the same time leave one whole result, and whoever reads meanwhile sees the old or the new.
"""

import functools
import hashlib
import json
import math
import os
import statistics
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from lib import files

_verified: dict[Path, tuple[int, int, str]] = {}  # HDF5 files whose checksum this process took


@dataclass(frozen=True)
class Result:
    """What a job's function returns and what `jobs.load` gives back."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)  # names may contain "/"
    scores: dict = field(default_factory=dict)  # plain JSON


def find(store: Path, key: str, thorough: bool = True) -> tuple[dict | None, str]:
    """The record of a whole result, else None and what is wrong with it ("" when none is there).

    Not thorough: the HDF5's size is compared, not its checksum, which reads the whole file.
    """
    file = store / key[:2] / f"{key}.json"
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return None, ""
    try:
        record = json.loads(text)
        arrays, sha = file.with_name(record["h5"]["file"]), record["h5"]["sha256"]
        size = record["h5"]["bytes"]
        if record["key"] != key or not isinstance(record["scores"], dict):
            raise ValueError(key)
    except (ValueError, KeyError, TypeError):  # not JSON, or not a record of ours
        return None, f"the stored {file.name} is damaged"
    if not arrays.is_file():
        return None, f"the stored {arrays.name} is missing"
    if arrays.stat().st_size != size or (thorough and checksum(arrays) != sha):
        return None, f"the stored {arrays.name} is damaged"
    return record, ""


def forget(store: Path, key: str) -> None:
    """Take a damaged result out of the store, so that the next run computes it again."""
    with files.writing(store):
        (store / key[:2] / f"{key}.json").unlink(missing_ok=True)


def keep_only(store: Path, keys: set[str]) -> tuple[int, int]:
    """Remove all results but those of these keys; the number of files removed, and of their bytes.

    Nothing may be writing meanwhile (`users`).
    """
    removed = []
    for file in sorted(store.glob("??/[!.]*")):
        key = file.name.partition(".")[0]
        record = find(store, key, thorough=False)[0] if key in keys else None
        if record is None or file.name not in (f"{key}.json", record["h5"]["file"]):
            removed.append(file.stat().st_size)
            with files.writing(store):
                file.unlink()
    return len(removed), sum(removed)


def users(store: Path) -> list[Path]:
    """The private folders of processes that are using the store."""
    return [each for each in store.glob(".half-*") if files.in_use(each)]


def read(store: Path, record: dict) -> Result:
    """The result that a record found with `find` describes."""
    file = store / record["key"][:2] / record["h5"]["file"]
    with h5py.File(file, "r", locking=False) as file:  # it never changes: no lock is needed
        arrays = {name: _read_array(file[name]) for name in record["h5"]["arrays"]}
    return Result(arrays, record["scores"])


def write(store: Path, record: dict, result: Result) -> None:
    """Store a result under record["key"]; `record` holds what else the JSON says (plain JSON).

    Raises files.CannotWrite on a full or write-protected disk.
    """
    scores = plain_scores(result.scores, "scores")
    folder = store / record["key"][:2]
    with files.writing(store), files.half(folder) as half:
        arrays, text = half / "arrays.h5", half / "record.json"
        with h5py.File(arrays, "w", locking=False) as file:
            for name, values in result.arrays.items():
                _write_array(file, name, np.asarray(values))
        sha = checksum(arrays)
        name = f"{record['key']}.{sha[:8]}.h5"
        h5 = {"file": name, "sha256": sha, "bytes": arrays.stat().st_size}
        h5 |= {"arrays": list(result.arrays)}
        record = {**record, "h5": h5, "scores": scores}
        text.write_text(json.dumps(record, allow_nan=False, indent=1), encoding="utf-8")
        os.replace(arrays, folder / name)
        os.replace(text, folder / f"{record['key']}.json")


def checksum(file: Path) -> str:
    """sha256 of a file, taken again only when its time or size has changed."""
    stat = file.stat()
    seen = _verified.get(file)
    if seen is None or seen[:2] != (stat.st_mtime_ns, stat.st_size):
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        seen = _verified[file] = (stat.st_mtime_ns, stat.st_size, digest)
    return seen[2]


@functools.lru_cache(maxsize=1)
def seconds(store: Path) -> dict[str, float]:
    """Median core-seconds of every function with results in the store; read once in a process."""
    found: dict[str, list[float]] = {}
    for file in sorted(store.glob("??/*.json")):
        try:
            record = json.loads(file.read_bytes())
        except ValueError:  # damaged: `find` reports it when it is needed
            continue
        found.setdefault(record["spec"]["function"], []).append(record["seconds"])
    return {name: statistics.median(values) for name, values in found.items()}


def plain_scores(value, where: str):
    """Scores as plain JSON: numpy scalars and arrays become numbers and lists; no NaN."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}; return None where there is no number")
        return value
    if type(value) in (list, tuple):
        return [plain_scores(v, f"{where}[{i}]") for i, v in enumerate(value)]
    if type(value) is dict and all(type(key) is str for key in value):
        return {key: plain_scores(v, f"{where}[{key!r}]") for key, v in value.items()}
    raise TypeError(f"{where} is a {type(value).__name__} that is not plain JSON with str keys")


def _write_array(file: h5py.File, name: str, values: np.ndarray) -> None:
    if not all(part.strip(".") for part in name.split("/")):
        raise ValueError(f"array name {name!r} must be plain parts joined by single '/'")
    if values.dtype.kind not in "biufcU":
        raise TypeError(f"array {name!r} has dtype {values.dtype}; arrays hold numbers or str")
    text = values.dtype.kind == "U"
    values, dtype = (values.astype(object), h5py.string_dtype()) if text else (values, None)
    file.create_dataset(name, data=values, dtype=dtype)


def _read_array(dataset: h5py.Dataset) -> np.ndarray:
    text = h5py.check_string_dtype(dataset.dtype)
    return np.asarray(dataset.asstr()[()], dtype=str) if text else np.asarray(dataset[()])
