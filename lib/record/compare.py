"""Compares data/metrics with the committed numbers in data/reference, row by row.

Same code, package versions and processor: numbers agree to a relative 1e-6. Otherwise the means
agree within the larger of the metric's margin and three standard errors of their difference.
"""

import json
import math
import statistics
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from lib import paths
from lib.claims import verdict
from lib.record.rows import row_key

EXACT = 1e-6  # relative
SKIPPED = ("90_speed", "99_all_claims", "*/00_claims")  # times; verdicts follow from rows
NUMBERS = ("mean", "ci95", "values", "null", "oracle")


def compare(profile: str, names: Iterable[str] | None = None) -> tuple[list[str], int]:
    """(one line per row that is off, number of rows compared) for the notebooks `names` (or all).

    Raises FileNotFoundError when there is no reference for the profile.
    """
    root = paths.REFERENCE / profile
    files = [file for file in sorted(root.rglob("*.json")) if _wanted(file, root, names)]
    if not files:
        raise FileNotFoundError(f"there is no reference for this selection under {_short(root)}")
    found = [_compare_file(file, paths.METRICS / file.relative_to(root), profile) for file in files]
    return [line for lines, _ in found for line in lines], sum(n for _, n in found)


def _wanted(file: Path, root: Path, names: Iterable[str] | None) -> bool:
    name = file.relative_to(root).with_suffix("").as_posix()
    skipped = any(fnmatch(name, pattern) for pattern in SKIPPED)
    return not skipped and (names is None or name in set(names))


def _compare_file(theirs: Path, mine: Path, profile: str) -> tuple[list[str], int]:
    reference = json.loads(theirs.read_text())
    name = "/".join(part for part in (reference["paper"], reference["item"]) if part)
    total = len(reference["rows"])
    if not mine.is_file():
        return [f"{name}: {_short(mine)} is not there; ./run_all.sh {name} makes it"], total
    page = json.loads(mine.read_text())
    if page["profile"] != profile:
        return [f"{name}: made with profile {page['profile']}, not {profile}"], total
    rows = {row_key(row): row for row in page["rows"]}
    exact = all(page["stamp"][k] == reference["stamp"][k] for k in ("code", "versions", "cpu"))
    lines = [_problem(row, rows.get(row_key(row)), exact) for row in reference["rows"]]
    return [f"{name}: {line}" for line in lines if line], total


def _problem(theirs: dict, mine: dict | None, exact: bool) -> str:
    """What is wrong with one row; "" when it agrees."""
    where = " ".join(part for part in row_key(theirs) if part)
    if mine is None:
        return f"{where}: row is missing"
    if theirs["paper"] != mine["paper"]:
        return f"{where}: the paper's number is {mine['paper']}, reference {theirs['paper']}"
    if exact:
        off = [key for key in NUMBERS if not _equal(theirs[key], mine[key])]
        return f"{where}: {off[0]} {mine[off[0]]}, reference {theirs[off[0]]}" if off else ""
    if theirs["mean"] is None or mine["mean"] is None:
        return "" if theirs["mean"] == mine["mean"] else f"{where}: one of the means is missing"
    allowed = max(_margin(theirs), 3 * math.hypot(_standard_error(theirs), _standard_error(mine)))
    if abs(theirs["mean"] - mine["mean"]) <= allowed:
        return ""
    return f"{where}: mean {mine['mean']:g}, reference {theirs['mean']:g} +- {allowed:.2g}"


def _equal(a, b) -> bool:
    """Same shape, and numbers equal to EXACT."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=EXACT, abs_tol=1e-9)
    return a == b


def _standard_error(row: dict) -> float:
    """Of the mean, from the replicates, else from the interval; 0 when neither says anything."""
    values = [value for value in row["values"] if isinstance(value, int | float)]
    if len(values) > 1:
        return statistics.stdev(values) / math.sqrt(len(values))
    ends = row["ci95"] or []
    return abs(ends[1] - ends[0]) / 3.92 if len(ends) == 2 and None not in ends else 0.0


def _margin(row: dict) -> float:
    """The smallest effect that counts for this metric, as the claims use it."""
    rule = verdict.margin_of(row["metric"])
    if rule is verdict.DIVERGENCE and row["null"] is None:
        rule = verdict.TEN_PERCENT
    return verdict.margin_size(rule, row["mean"], row["null"], row.get("null_sd"))


def _short(path: Path) -> str:
    """A path as a reader says it: from the repository or the redirected home."""
    for base in (paths.ROOT, paths.HOME):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return str(path)
