"""Compares the draws computed in this home with those of the record, draw by draw.

Where code key, package versions and processor are the same, or `exact` asks for it, two values of
a draw agree to a relative 1e-9. Otherwise they agree within the larger of the smallest effect that
counts for the metric and three standard errors of the mean over the row's draws in the record.
"""

import math
from collections.abc import Callable, Iterable
from statistics import stdev

from lib import paths
from lib.record import draws
from lib.record import rows as pages


def check(
    items: Iterable[str], margin: Callable[[dict], float], exact: bool = False
) -> tuple[list[str], int]:
    """(one line per draw that is off, number of draws compared) of the items that the record has.

    `margin(row)` is the smallest effect that counts for a merged row of the record.
    """
    found = [_check_item(item, margin, exact) for item in items]
    return [line for lines, _ in found for line in lines], sum(n for _, n in found)


def _check_item(item: str, margin: Callable[[dict], float], exact: bool) -> tuple[list[str], int]:
    record, mine = pages.read(item, paths.RECORD), pages.read(item, paths.METRICS)
    if record is None:
        return [], 0
    if mine is None:
        return [f"{item}: nothing is computed here yet; ./run_all.sh {item} does it"], 0
    if not pages.alike(mine["profile"], record["profile"]):
        made, other = mine["profile"], record["profile"]
        return [f"{item}: made with profile {made}, whose sizes are not those of {other}"], 0
    rows = {pages.row_key(row): row for row in draws.merged(item, own=False)["rows"]}
    stored = {pages.row_key(row): row["draws"] for row in record["rows"]}
    lines, compared = [], 0
    for row in mine["rows"]:
        key = pages.row_key(row)
        for name in [name for name in row["draws"] if name in stored.get(key, ())]:
            one, other = row["draws"][name], stored[key][name]
            same = exact or (one[1] == other[1] and _where(one, mine) == _where(other, record))
            allowed = None if same else _allowed(rows[key], margin)
            text = _problem(one[0], other[0], allowed)
            where = " ".join(part for part in (*key, "draw", name) if part)
            lines += [f"{item}: {where}: {text}"] if text else []
            compared += 1
    return lines, compared


def _where(draw: list, page: dict) -> tuple:
    """What numbers may depend on beside the code: versions and processor of a draw's run."""
    run = page["runs"][draw[2]]
    return run["versions"], run["cpu"]


def _allowed(row: dict, margin: Callable[[dict], float]) -> float:
    values = row["values"]
    if not values:
        return 0.0
    spread = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return max(margin(row), 3 * spread)


def _problem(mine: float | None, theirs: float | None, allowed: float | None) -> str:
    """What is wrong with one draw; "" when it agrees. `allowed` None: but for rounding."""
    if draws.agree(mine, theirs):
        return ""
    if mine is None or theirs is None:
        return f"{mine} here, {theirs} in the record"
    if allowed is not None and abs(mine - theirs) <= allowed:
        return ""
    bound = "" if allowed is None else f" +- {allowed:.2g}"
    return f"{mine:.10g} here, {theirs:.10g}{bound} in the record"
