"""The draws that everybody reads: those of the record and those computed here, as one page.

`null` and `oracle` of a row are numbers, null, or {"arm", "metric", "regime" (that of the row),
"all" (false)}: the mean of that row over the draws that both have, or over all of its own.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import mean, stdev

from scipy.special import stdtrit

from lib import paths
from lib.record import models, panels
from lib.record import rows as pages
from lib.record.rows import RecordError, row_key

SAME = 1e-9  # relative, and absolute near zero: two values of one draw that agree
FOLLOW = ("90_speed", "91_reality", "99_all_claims", "00_claims")  # they have no draws to record
FATES = ("new", "equal", "replaced", "there already", "refused")  # equal: by other code


def merged(
    item: str,
    own: bool = True,
    profile: str | None = None,
    today: Mapping[tuple, Mapping[str, Mapping[str, str]]] | None = None,
) -> dict | None:
    """The page of an item from data/record and, with `own`, from data/metrics; None without any.

    A row has, beside its own columns: `draws` {key: value}, sorted; `values`, those that are not
    None, with their `mean` and `ci95` (95 % t-interval; None from one draw); `null` and `oracle` as
    numbers; `here`, the keys computed in this home; `old`, those made by other code than today's,
    {row_key: {key of draw: `keys` of its job}} where given: a draw of another processor is not old.
    What has no key in the record is.
    The page has `seeds`, `runs`, `seconds` (of a draw, as lib.record.rows says), `here` (whether
    this home has a page of its own) and `stamp`: the newest run and a hash over the keys of all
    draws. Draws of other sizes than those of `profile`
    (default: the own page's) are left out: those of smoke and of the record never mix.
    """
    record, mine = pages.read(item, paths.RECORD), None
    if own:
        mine = pages.read(item, paths.METRICS)
    size = profile or (mine or record or {}).get("profile")
    record, mine = (each if each and pages.alike(each["profile"], size) else None
                    for each in (record, mine))  # fmt: skip
    page = pages.join(record, mine) if record and mine else record or mine
    if page is None:
        return None
    here = {row_key(row): row["draws"].keys() for row in mine["rows"]} if mine else {}
    table = {row_key(row): _values(row) for row in page["rows"]}
    found = [_row(row, table, here.get(row_key(row), ()), today or {}) for row in page["rows"]]
    keys = {key for row in found for key in row["draws"]}
    seeds = sorted({pages.place(key)[0] for key in keys})
    head = {name: page[name] for name in ("paper", "item", "profile", "figures", "runs")}
    head |= {"seconds": pages.seconds(page), "stamp": _stamp(page)}
    return {**head, "rows": found, "seeds": seeds, "here": mine is not None}


def all_merged(own: bool = True, profile: str | None = None) -> tuple[dict, dict[str, str]]:
    """{item: its merged page} of every item that has one, and {item: why its page is not used}."""
    there = {*pages.items(paths.RECORD), *(pages.items(paths.METRICS) if own else ())}
    found, problems = {}, {}
    for item in sorted(there):
        try:
            found[item] = merged(item, own, profile)
            mine = pages.read(item, paths.METRICS) if own else None
        except RecordError as error:
            problems[item] = str(error)
            continue
        if mine and profile and not pages.alike(mine["profile"], profile):
            problems[item] = f"its draws are from profile {mine['profile']}, not {profile}; run it."
    return {item: page for item, page in found.items() if page}, problems


def interval(values: list[float]) -> list[float] | None:
    """95 % t-interval of the mean; None with less than two values."""
    n = len(values)
    if n < 2:
        return None
    half = float(stdtrit(n - 1, 0.975)) * stdev(values) / math.sqrt(n)
    return [mean(values) - half, mean(values) + half]


def _values(row: dict) -> dict[str, float | None]:
    """{key: value} of a stored row, in the order of seed and number."""
    ordered = sorted(row["draws"].items(), key=lambda named: pages.place(named[0]))
    return {key: value for key, (value, _, _) in ordered}


def _row(row: dict, table: dict, here: Iterable[str], today: Mapping) -> dict:
    draws = table[row_key(row)]
    values = [float(value) for value in draws.values() if value is not None]
    now = today.get(row_key(row), {})
    codes = {key: code for key, (_, code, _) in row["draws"].items()}
    return row | {
        "draws": draws,
        "values": values,
        "mean": mean(values) if values else None,
        "ci95": interval(values),
        "null": _number(row["null"], row, table),
        "oracle": _number(row["oracle"], row, table),
        "null_sd": row.get("null_sd"),
        "here": [key for key in draws if key in here],
        "old": [key for key, code in codes.items() if _is_old(code, now.get(key))],
    }


def _is_old(code: str, now: Mapping[str, str] | None) -> bool:
    known = now and {key[: pages.CODE] for key in now.values()}
    return not code or (known is not None and code not in known)


def _number(given, row: dict, table: dict) -> float | None:
    """`null` or `oracle` as a number; None when the row that it names has no draw to take."""
    if not isinstance(given, dict):
        return given
    other = table.get((given.get("regime", row["regime"]), given["arm"], given["metric"]), {})
    keys = other if given.get("all") else table[row_key(row)].keys() & other.keys()
    values = [float(other[key]) for key in sorted(keys) if other[key] is not None]
    return mean(values) if values else None


def _stamp(page: dict) -> dict:
    """The newest run, and `code`: one hash over the keys of all draws."""
    codes = [[*row_key(row), key, draw[1]] for row in page["rows"] for key, draw in
             row["draws"].items()]  # fmt: skip
    code = hashlib.sha256(json.dumps(sorted(codes)).encode()).hexdigest()[:16]
    return {**page["runs"][-1], "code": code}


# ---- into the record ----------------------------------------------------------------------------


def to_record(items: Iterable[str]) -> list[str]:
    """Merge the draws computed here into data/record; one sentence for all that was done or not.

    New draws are added, and one that agrees takes the key of today's code. One that differs is
    replaced when its key differs too, and refused otherwise. What follows from draws (verdicts) or
    from the clock alone is left out.
    """
    kept = [item for item in items if not item.endswith(FOLLOW)]
    whole = [item for item in kept if "/" in item and _whole(pages.read(item, paths.METRICS))]
    for paper in sorted({item.partition("/")[0] for item in whole}):
        models.keep(paper)
    return [line for item in kept for line in _keep(item)]


def _whole(page: dict | None) -> bool:
    """Whether there is a page, and its sizes are those of the record."""
    return page is not None and page["profile"] in pages.SAME_SIZES


def _keep(item: str) -> list[str]:
    mine = pages.read(item, paths.METRICS)
    if mine is None:
        return [f"{item}: nothing is computed here yet; ./run_all.sh {item} does it."]
    if not _whole(mine):
        return [f"{item}: not merged, because profile {mine['profile']} has other sizes."]
    with pages.locked(paths.RECORD):
        record = pages.read(item, paths.RECORD)
        there = {row_key(row): row["draws"] for row in record["rows"]} if record else {}
        said, lines, rows = Counter(), [], []
        for row in mine["rows"]:
            kept = {}
            for key, draw in row["draws"].items():
                fate, line = _fate(row, key, draw, there.get(row_key(row), {}).get(key))
                said[fate] += 1
                lines += [f"{item}: {line}"] if line else []
                kept |= {key: draw} if fate in ("new", "replaced", "equal") else {}
            rows.append(row | {"draws": kept})
        page = pages.join(record, mine | {"rows": rows}) if record else mine
        if not record or any(page[part] != record[part] for part in ("rows", "figures")):
            pages.save(page, paths.RECORD)
        panels.keep(item)
    counts = ", ".join(f"{said[fate]} {fate}" for fate in FATES if said[fate]) or "none"
    return [*lines, f"{item}: draws for the record: {counts}."]


def _fate(row: dict, key: str, draw: list, stored: list | None) -> tuple[str, str]:
    """What becomes of one draw, of FATES, and the sentence where one is due."""
    if stored is None:
        return "new", ""
    if agree(draw[0], stored[0]):
        return ("there already" if draw[1] == stored[1] else "equal"), ""
    where = " ".join(part for part in (*row_key(row), "draw", key) if part)
    text = f"{where} is {draw[0]} here and {stored[0]} in the record"
    if draw[1] != stored[1]:
        return "replaced", f"{text}; replaced, because other code made it."
    return "refused", f"{text}, by the same code; refused."


def agree(one: float | None, other: float | None) -> bool:
    """Whether two values of a draw are equal but for rounding."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME)


__all__ = ["RecordError", "agree", "all_merged", "interval", "merged", "to_record"]
