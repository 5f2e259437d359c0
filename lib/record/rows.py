"""Pages of rows: what every draw of a table or figure gave, one JSON file per notebook.

A page under data/metrics holds the draws that this home has computed, one under data/record those
that are committed; both have the same form. A draw is named "seed/number" and is kept with the key
of the job that made it and the run in which it was written:

    {"format", "paper", "item", "profile",
     "rows": [{"regime", "arm", "metric", "draws": {"0/0": [value or null, code key, run]},
               "paper", "null", "oracle", further columns}],
     "figures": [{"file", "caption", "alt"}],
     "runs": [{"commit", "cpu", "precision", "versions", "seconds"}]}

`null` and `oracle` are numbers, null, or the row whose mean they are, as lib.record.draws says.
"""

import contextlib
import fcntl
import json
import math
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from lib import files, machine, paths
from lib.jobs.store import plain_scores

FORMAT = 2
DIGITS = 10  # significant digits of every number
CODE = 12  # hex digits of a job's key that are kept
DRAW = re.compile(r"\d+/\d+")
ROW = {"regime": "", "arm": "", "metric": "", "draws": {}, "paper": None, "null": None}
ROW |= {"oracle": None}  # columns of a row, in order, with what stands where nothing is given
HEAD = ("format", "paper", "item", "profile")
PAGE = (*HEAD, "rows", "figures", "runs")
SAME_SIZES = ("quick", "core", "full")  # profiles whose draws are the same jobs


class RecordError(ValueError):
    """A page that cannot be used, in one sentence with the remedy."""


def write(
    item: str,
    profile: str,
    rows: Iterable[dict],
    figures: Iterable[dict] = (),
    seconds: float | None = None,
) -> Path:
    """Add draws to data/metrics/<item>.json (`pavae/table4_main`, `00_start_here`) in one step.

    Each row needs arm, metric and `draws`, {"seed/number": (value or None, key of its job)};
    (regime, arm, metric) stands once. Draws that are there already stay, unless they are written
    again or the page is of a profile with other sizes. Raises ValueError for a number that is none.
    """
    run = {"commit": machine.commit(), "cpu": machine.cpu(), "precision": machine.precision()}
    run |= {"versions": machine.versions(), "seconds": seconds}
    paper, _, stem = item.rpartition("/")
    head = {"format": FORMAT, "paper": paper, "item": stem, "profile": profile}
    page = {**head, "rows": _rows(rows, item), "runs": [run]}
    page["figures"] = plain_scores(list(figures), item)
    page = _round(page)
    with locked(paths.METRICS):
        old = read(item, paths.METRICS)
        if old and alike(old["profile"], profile):
            page = join(old, page)
        return save(page, paths.METRICS)


def read(item: str, root: Path) -> dict | None:
    """The page of an item under data/metrics or data/record; None where there is none.

    Raises RecordError for a damaged page and for one of another format.
    """
    file = root / f"{item}.json"
    try:
        page = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:  # no JSON, or not UTF-8
        raise RecordError(damaged(file, item, root)) from None
    if isinstance(page, dict) and "rows" in page and page.get("format") != FORMAT:
        made = page.get("format", "an earlier one")
        text = f"{short(file)} has format {made}, this version reads {FORMAT}"
        raise RecordError(f"{text}; {_remedy(file, item, root)}.")
    if not _is_whole(page):
        raise RecordError(damaged(file, item, root))
    return page


def save(page: dict, root: Path) -> Path:
    """Write a whole page under data/metrics or data/record in one step; its path."""
    file = root / page["paper"] / f"{page['item']}.json"
    replace_file(file, lambda half: half.write_text(_layout(page), encoding="utf-8"))
    return file


def items(root: Path) -> list[str]:
    """The items that have a page under data/metrics or data/record, by name."""
    found = files.below(root, ".json")
    return sorted(file.relative_to(root).with_suffix("").as_posix() for file in found)


def row_key(row: dict) -> tuple[str, str, str]:
    """What names a row: (regime, arm, metric)."""
    return row["regime"], row["arm"], row["metric"]


def alike(one: str, other: str) -> bool:
    """Whether draws of two profiles have the same sizes, so that they may stand in one page."""
    return one == other or (one in SAME_SIZES and other in SAME_SIZES)


def join(base: dict, top: dict) -> dict:
    """One page with the draws of both; where both have a draw or a column, that of `top` counts.

    Rows of `base` come first, in their order. The newest run, the last, is that of `top`.
    """
    rows = {row_key(row): row | {"draws": _with_runs(row, base)} for row in base["rows"]}
    for row in top["rows"]:
        draws = rows.get(row_key(row), ROW)["draws"] | _with_runs(row, top)
        ordered = sorted(draws.items(), key=lambda named: place(named[0]))
        rows[row_key(row)] = row | {"draws": dict(ordered)}
    used = [run for row in rows.values() for _, _, run in row["draws"].values()]
    runs = [run for run in base["runs"] if run in used and run != top["runs"][-1]]
    runs += [run for run in top["runs"][:-1] if run in used and run not in runs]
    runs.append(top["runs"][-1])  # also of a page without any draw
    for row in rows.values():
        row["draws"] = {k: [*draw[:2], runs.index(draw[2])] for k, draw in row["draws"].items()}
    figures = top["figures"] or base["figures"]
    return top | {"rows": list(rows.values()), "figures": figures, "runs": runs}


def seconds(page: dict, precision: str = "", whole: bool = False) -> float | None:
    """What one draw of a page and all its jobs took at most, one after the other; None if no run
    was timed.

    Of its runs the longest counts, each over its own draws; or each `whole`. A job that several
    pages share stands in the time of each. In `precision` float32 a run that was made in bfloat16
    takes machine.FLOAT32 times as long; without it all runs count as they were timed.
    """
    drawn: list[set[str]] = [set() for _ in page["runs"]]
    for row in page["rows"]:
        for key, (_, _, run) in row["draws"].items():
            drawn[run].add(key)
    each = [
        run["seconds"]
        * (machine.FLOAT32 if (run.get("precision"), precision) == ("bfloat16", "float32") else 1)
        / (1 if whole else max(1, len(keys)))
        for run, keys in zip(page["runs"], drawn, strict=True)
        if run["seconds"]
    ]
    return max(each, default=None)


def place(key: str) -> tuple[int, int]:
    """(seed, number) of a draw, by which draws are sorted."""
    seed, _, number = key.partition("/")
    return int(seed), int(number)


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Only one process at a time reads, joins and writes pages under `root`."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # ends with the file, also when the process is killed
        yield


def replace_file(file: Path, write) -> None:
    """Let `write(path)` make a file under a temporary name, then move it into place."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".half-") as half:
        write(Path(half) / file.name)
        os.replace(Path(half) / file.name, file)


def short(path: Path) -> str:
    """A path as a reader says it: from the repository or the redirected home."""
    for base in (paths.ROOT, paths.HOME):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return str(path)


def _with_runs(row: dict, page: dict) -> dict:
    """The draws of a row with the run itself in the place of its number."""
    return {key: [*draw[:2], page["runs"][draw[2]]] for key, draw in row["draws"].items()}


def damaged(file: Path, item: str, root: Path) -> str:
    """The sentence about a file of the record or of this home that is not whole."""
    return f"{short(file)} is damaged; {_remedy(file, item, root)}."


def _remedy(file: Path, item: str, root: Path) -> str:
    if root == paths.RECORD:
        return f"restore it with: git checkout -- {short(file)}"
    return f"delete it, then make it again with: ./run_all.sh {item}"


def _is_whole(page) -> bool:
    """Whether a page has the form that this module writes."""
    try:
        runs = [run.keys() >= {"commit", "cpu", "versions", "seconds"} for run in page["runs"]]
        figures = [{"file", "caption"} <= figure.keys() for figure in page["figures"]]
        rows = [ROW.keys() <= row.keys() and _good_draws(row, len(runs)) for row in page["rows"]]
        return page.keys() == set(PAGE) and all(runs) and bool(runs) and all(figures + rows)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _good_draws(row: dict, runs: int) -> bool:
    return all(
        DRAW.fullmatch(key)
        and (value is None or (type(value) in (int, float) and math.isfinite(value)))
        and type(code) is str
        and run in range(runs)
        for key, (value, code, run) in row["draws"].items()
    )


def _rows(rows: Iterable[dict], item: str) -> list[dict]:
    """Rows with every column, in the order of ROW, further columns by name after them."""
    full = [_row(row, item) for row in plain_scores(list(rows), item)]
    twice = [key for key, n in Counter(map(row_key, full)).items() if n > 1]
    if twice:
        raise ValueError(f"{item}: more than one row (regime, arm, metric) = {twice[0]}")
    return full


def _row(row: dict, item: str) -> dict:
    full = ROW | {key: row[key] for key in sorted(row)}
    if not full["arm"] or not full["metric"]:
        raise ValueError(f"{item}: a row has no arm or no metric: {row}")
    draws = {key: [value, code[:CODE], 0] for key, (value, code) in full["draws"].items()}
    if not _good_draws({"draws": draws}, 1):
        raise ValueError(f"{item}: draws are {{'seed/number': (number, key)}}, not {row['draws']}")
    full["draws"] = dict(sorted(draws.items(), key=lambda named: place(named[0])))
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
    """JSON text with one line per key, row, figure and run, so that diffs can be read."""

    def text(key: str, value) -> str:
        if key in HEAD or not value:
            return json.dumps(value)
        return "[\n" + ",\n".join(f"  {json.dumps(each)}" for each in value) + "\n ]"

    lines = [f" {json.dumps(key)}: {text(key, page[key])}" for key in PAGE]
    return "{\n" + ",\n".join(lines) + "\n}\n"
