"""Writes and reads the JSON of metrics that each table or figure leaves, one row per line."""

import json
import math
import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from lib import machine, paths
from lib.jobs.store import plain_scores

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
    stamp = {"code": code, "commit": machine.commit(), "seeds": list(seeds)}
    stamp |= {"versions": machine.versions(), "cpu": machine.cpu(), "seconds": seconds}
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
