"""Writes and reads the JSON of metrics that each table or figure leaves, one row per line."""

import functools
import json
import math
import os
import platform
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from lib import paths
from lib.store import plain_scores

DIGITS = 10  # significant digits of every number
ROW = {  # columns of a row, in order, with what stands where nothing is given
    "regime": "",
    "arm": "",
    "metric": "",
    "mean": None,
    "ci95": None,
    "values": [],
    "paper": None,
    "null": None,
    "oracle": None,
}
PACKAGES = ("numpy", "scipy", "torch", "scikit-image", "scikit-learn", "statsmodels")


def write_metrics(
    paper: str,
    item: str,
    profile: str,
    replicates: int,
    rows: Iterable[dict],
    figures: Iterable[dict] = (),
    seconds: float | None = None,
    seeds: Iterable[int] = (),
    code: str = "",
) -> Path:
    """Write data/metrics/<paper>/<item>.json (paper "" for top-level notebooks) in one step.

    Each row needs arm and metric; (regime, arm, metric) stands once. `figures` are
    {"file": path under figures/, "caption": text}; `code` is jobs.fingerprint of the jobs.
    """
    stamp = {"code": code, "commit": _commit(), "seeds": list(seeds), "versions": _versions()}
    stamp |= {"cpu": _cpu(), "seconds": seconds}
    head = {"paper": paper, "item": item, "profile": profile, "replicates": replicates}
    page = {**head, "rows": _rows(rows, item), "figures": list(figures), "stamp": stamp}
    file = _file(paper, item, paths.METRICS)
    _replace_text(file, _layout(_round(plain_scores(page, item))))
    return file


def read_metrics(paper: str, item: str, root: Path | None = None) -> dict:
    """The JSON under `root` (default: data/metrics; or a folder of data/reference)."""
    return json.loads(_file(paper, item, root or paths.METRICS).read_text())


def row_key(row: dict) -> tuple[str, str, str]:
    """What names a row: (regime, arm, metric)."""
    return row["regime"], row["arm"], row["metric"]


def _rows(rows: Iterable[dict], item: str) -> list[dict]:
    """Rows with every column, in the order of ROW, further columns by name after them."""
    full = [ROW | {key: row[key] for key in sorted(row)} for row in rows]
    for row in full:
        if not row["arm"] or not row["metric"]:
            raise ValueError(f"{item}: a row has no arm or no metric: {row}")
    twice = [key for key, n in Counter(map(row_key, full)).items() if n > 1]
    if twice:
        raise ValueError(f"{item}: more than one row (regime, arm, metric) = {twice[0]}")
    return full


def _round(value):
    """The same JSON with floats rounded to DIGITS significant digits."""
    if isinstance(value, float) and value != 0.0:
        return round(value, DIGITS - 1 - math.floor(math.log10(abs(value))))
    if isinstance(value, list):
        return [_round(each) for each in value]
    if isinstance(value, dict):
        return {key: _round(each) for key, each in value.items()}
    return value


def _layout(page: dict) -> str:
    """JSON text with one line per key, and one per row or figure, so that diffs can be read."""

    def text(key: str, value) -> str:
        if key not in ("rows", "figures") or not value:
            return json.dumps(value)
        return "[\n" + ",\n".join(f"  {json.dumps(each)}" for each in value) + "\n ]"

    lines = [f" {json.dumps(key)}: {text(key, value)}" for key, value in page.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _replace_text(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".half-") as half:
        (Path(half) / file.name).write_text(text)
        os.replace(Path(half) / file.name, file)


def _file(paper: str, item: str, root: Path) -> Path:
    return root / paper / f"{item}.json"


@functools.cache
def _commit() -> str | None:
    """Commit of the repository, `-dirty` with uncommitted changes; None outside of git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return None
    return done.stdout.strip() or None


@functools.cache
def _versions() -> dict[str, str]:
    """Versions of python and of the packages that numbers depend on, without local parts."""
    found = {name: metadata.version(name).partition("+")[0] for name in PACKAGES}
    return {"python": platform.python_version(), **found}


@functools.cache
def _cpu() -> str:
    """Model of the processor: numbers agree to the last digits only on the same one."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
