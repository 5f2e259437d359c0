"""From rows to the numbers of a test: values paired by draw, contrasts, shares of a gain.

`source(item)` gives the merged page of one item (lib.record.draws), or None. A test with `first`
sees so many draws only, in the order of seed and number.
"""

import numpy as np

from lib.claims import verdict as v
from lib.metrics import inference

PLAIN = "bare"


class Missing(LookupError):
    """A row that a test needs is not there yet."""


def record_of(source, item):
    record = source(item)
    if record is None:
        raise Missing(f"{item} has not run")
    return record


def find_row(source, item, arm, metric, regime=PLAIN):
    """The one row of an arm, metric and regime; Missing if there is none or it has no values.

    A row whose regime is "" does not depend on the regime and stands for all of them.
    """
    every = record_of(source, item)["rows"]
    named = [row for row in every if row["metric"] == metric and row["arm"] == arm]
    rows = [row for row in named if row.get("regime", "") == regime]
    rows = rows or [row for row in named if not row.get("regime")]
    name = f"{item}: row of arm {arm}, metric {metric}, regime {regime}"
    if len(rows) > 1:
        raise ValueError(f"{name} is there {len(rows)} times; write it once")
    if not rows or not defined(rows[0]):
        raise Missing(f"{name} is missing")
    return rows[0]


def defined(row):
    """{key of draw: value} of the draws for which a row has a value."""
    return {key: float(value) for key, value in row["draws"].items() if value is not None}


def row_of(test, source, **changes):
    """The row that a test names; `changes` replace its fields."""
    t = {**test, **changes}
    return find_row(source, t["item"], t["arm"], t["metric"], t.get("regime", PLAIN))


def values(test, source, **changes):
    """{key of draw: value} of test["arm"] and friends; `changes` replace fields of the test."""
    return defined(row_of(test, source, **changes))


def sample(test, source, **changes):
    """The values of one row, as a vector (R,)."""
    return np.array([*values(test, source, **changes).values()][: test.get("first")])


def together(each, first=None):
    """Rows of values as a matrix (rows, R) of the `first` draws that all have; Missing if none."""
    keys = [key for key in each[0] if all(key in row for row in each)][:first]
    if not keys:
        raise Missing("the arms have no training draw in common")
    return np.array([[row[key] for key in keys] for row in each])


def sign(test):
    return -1.0 if test.get("better") == "lower" else 1.0


def terms_of(test):
    if "terms" in test:
        return test["terms"]
    return [{"w": 1, "arm": test["treatment"]}, {"w": -1, "arm": test["control"]}]


def size_of_margin(test, source, term):
    row = row_of({**test, **term}, source)
    try:
        return v.margin_size(test["margin"], row["mean"], row["null"], row["null_sd"])
    except ValueError as error:
        item = term.get("item", test["item"])
        raise Missing(f"{item}: row of arm {row['arm']}: {error}") from error


def scaled(p, factor):
    """p times a factor, at most 1; None without p, or where the factor is infinite (no look)."""
    return None if p is None or np.isinf(factor) else min(1.0, p * factor)


def least(*p):
    """The smallest of the p values that are there, or None."""
    known = [each for each in p if each is not None]
    return min(known) if known else None


def contrast(test, source, factor=1.0):
    """The weighted sum of rows in the claim's direction, as `measured` gives it.

    With `relative` it is a ratio to the last term's arm, with Fieller's interval; with `shares` a
    weighted sum of shares of the oracle's gain.
    """
    if "shares" in test:
        return gain_shares(test, source, factor)
    terms = terms_of(test)
    matrix = together([values(test, source, **term) for term in terms], test.get("first"))
    d = sign(test) * (np.array([term["w"] for term in terms]) @ matrix)
    if not test.get("relative"):
        return measured(d, size_of_margin(test, source, terms[-1]), test, factor)
    out = measured(d, float(test["margin"]["relative"]), test, factor, matrix[-1])
    wide, narrow = (inference.fieller(d, matrix[-1], level) for level in (0.95, 0.9))
    bounded = wide["lo"] is not None
    out["mean"] = wide["fraction"] if bounded else float(d.mean() / matrix[-1].mean())
    out["ci95"] = [wide["lo"], wide["hi"]] if bounded else None
    out["ci90"] = [narrow["lo"], narrow["hi"]] if bounded else None
    return out


def measured(d, margin, test, factor=1.0, scale=1.0):
    """Numbers of paired differences d (R,): those of `paired_t`, d, scale, margin, and for verdicts
    equal (the margin within which nothing counts), p and p_equal (that it lies there), both times
    `factor`."""
    found = inference.paired_t(d)
    effect = v.hardest(test.get("paper_effect"))
    equal = v.equal_within(test.get("metric"), margin, effect)
    p_equal = inference.tost(d, equal, scale) if equal > 0 else None
    more = {"d": d, "scale": scale, "margin": margin, "equal": equal}
    return found | more | {"p": scaled(found["p"], factor), "p_equal": scaled(p_equal, factor)}


def gain_shares(test, source, factor=1.0):
    """A weighted sum of a method's shares of the oracle's gain, by the delta method.

    A share is F = N / D, gains over the baseline as means over draws; draw r stands for F + (N_r -
    F D_r) / D. Without an oracle's gain clear of zero in every term there is no share: no mean, no
    interval and no p. `note` says so, and `whole` is the mean and SD of the gain least clear.
    """
    named = [{**test, **term} for term in test["shares"]]
    roles = [(t["treatment"], t["oracle"], t.get("baseline", "real")) for t in named]
    pairs = [(t, arm) for t, arms in zip(named, roles, strict=True) for arm in arms]
    each = [values(t, source, arm=arm) for t, arm in pairs]
    matrix = together(each, test.get("first")).reshape(len(named), 3, -1)
    d, clear, wholes = np.zeros(matrix.shape[-1]), True, []
    for t, (method, best, real) in zip(named, matrix, strict=True):
        gain, whole = sign(t) * (method - real), sign(t) * (best - real)
        clear = clear and not inference.fieller(gain, whole)["note"]
        wholes.append((float(whole.mean()), float(whole.std(ddof=1)) if len(whole) > 1 else None))
        share = gain.mean() / whole.mean() if whole.mean() else np.nan
        d += t["w"] * (share + (gain - share * whole) / whole.mean()) if whole.mean() else np.nan
    if clear:
        return measured(d, float(test["margin"]), test, factor) | {"note": ""}
    blank = dict.fromkeys(("mean", "sd", "ci95", "ci90", "p", "p_equal"))
    more = {"n": len(d), "d": d, "scale": 1.0, "margin": float(test["margin"])}
    least_clear = min(range(len(named)), key=lambda i: wholes[i][0] / (wholes[i][1] or 1.0))
    note = _no_share(test, test["shares"][least_clear], wholes[least_clear][0], len(d))
    return blank | more | {"equal": more["margin"], "note": note, "whole": wholes[least_clear]}


def _no_share(test, term, whole, n):
    """Why there is no share: what the oracle gains, and where."""
    where = v.spelled(term.get("regime") or term.get("metric", test["metric"]))
    gains = f"in {where} the oracle {'loses' if whole < 0 else 'gains'} {v.number(abs(whole))}"
    if n == 1:
        return f"no share from one draw; {gains}"
    return f"no share: {gains}" + ", not clear of zero" * (whole > 0)
