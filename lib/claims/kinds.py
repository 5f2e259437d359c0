"""One function per kind of test: from rows to an outcome (verdict, numbers, sentence).

`source(item)` gives the merged page of one item (lib.record.draws), or None. Arms pair by the keys
of their draws. `factor` is the Holm multiplier of the claim's p. An outcome has verdict, n (draws),
sentence, and what its kind measured.
"""

import numpy as np

from lib.claims import verdict as v
from lib.claims.arithmetic import CHECKS
from lib.claims.ledger import children
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
    named = [r for r in record_of(source, item)["rows"] if (r["arm"], r["metric"]) == (arm, metric)]
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


def values(test, source, **changes):
    """{key of draw: value} of test["arm"] and friends; `changes` replace fields of the test."""
    t = {**test, **changes}
    return defined(find_row(source, t["item"], t["arm"], t["metric"], t.get("regime", PLAIN)))


def sample(test, source, **changes):
    """The values of one row, as a vector (R,)."""
    return np.array(list(values(test, source, **changes).values()))


def together(each):
    """Rows of values as one matrix (rows, R) of the draws that all have; Missing without any."""
    keys = [key for key in each[0] if all(key in row for row in each)]
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
    t = {**test, **term}
    row = find_row(source, t["item"], t["arm"], t["metric"], t.get("regime", PLAIN))
    try:
        return v.margin_size(test["margin"], row["mean"], row["null"], row["null_sd"])
    except ValueError as error:
        raise Missing(f"{t['item']}: row of arm {t['arm']}: {error}") from error


def contrast(test, source, factor=1.0):
    """The weighted sum of rows in the claim's direction: mean, ci95, ci90, p, n, d and margin.

    With `relative` it is a ratio to the last term's arm, with Fieller's interval.
    """
    terms = terms_of(test)
    matrix = together([values(test, source, **term) for term in terms])
    d = sign(test) * (np.array([term["w"] for term in terms]) @ matrix)
    out = {**inference.paired_t(d), "d": d, "scale": 1.0}
    if test.get("relative"):
        wide, narrow = (inference.fieller(d, matrix[-1], level) for level in (0.95, 0.9))
        bounded = wide["lo"] is not None
        out["mean"] = wide["fraction"] if bounded else float(d.mean() / matrix[-1].mean())
        out["ci95"] = [wide["lo"], wide["hi"]] if bounded else None
        out["ci90"] = [narrow["lo"], narrow["hi"]] if bounded else None
        out |= {"margin": float(test["margin"]["relative"]), "scale": matrix[-1]}
    else:
        out["margin"] = size_of_margin(test, source, terms[-1])
    out["p"] = scaled(out["p"], factor)
    return out


def scaled(p, factor):
    return None if p is None else min(1.0, p * factor)


def outcome(test, name, s, sentence, **more):
    """What every kind returns for a measured difference `s`."""
    return {
        "verdict": name,
        "n": s["n"],
        "delta": s["mean"],
        "ci95": s["ci95"],
        "ci90": s["ci90"],
        "p": s["p"],
        "margin": s.get("margin"),
        "paper_effect": test.get("paper_effect"),
        "sentence": sentence,
        **more,
    }


def what(test):
    return test.get("label") or test.get("metric", "value") + " difference"


def difference(test, source, factor):
    s, effect = contrast(test, source, factor), test.get("paper_effect")
    name = v.verdict(s["mean"], s["ci95"], s["ci90"], s["p"], s["margin"], effect)
    text = v.wording(name, s["margin"], effect, _needed(test, s, factor))
    if name == v.DIRECTION and v.inside(s["ci90"], -s["margin"], s["margin"]):
        text += ", and equivalent within the margin"
    flipped = inference.sign_flip(s["d"]) if s["n"] <= 16 else None
    return outcome(test, name, s, f"{text} {_numbers(test, s)}.", p_sign_flip=flipped)


def _needed(test, s, factor):
    """More replicates that would decide: for the seen difference, or the margin if larger."""
    if not s["sd"] or test.get("relative"):
        return None
    needed = v.replicates_needed(s["sd"], max(s["margin"], abs(s["mean"])), factor)
    return max(needed, s["n"] + 1)


def _numbers(test, s):
    return v.figures(what(test), s["mean"], s["ci95"], s["p"], s["n"])


def noninferiority(test, source, factor):
    s = contrast(test, source, factor)
    s["p"] = scaled(inference.paired_t(s["d"] + s["margin"] * s["scale"])["p"], factor)
    name = v.verdict_noninferior(s["ci95"], s["p"], s["margin"])
    m = v.number(s["margin"])
    text = {
        v.REPRODUCED: f"Not worse by more than {m} on phantoms",
        v.REVERSED: f"Worse by more than {m} on phantoms",
        v.INCONCLUSIVE: f"Undecided whether worse by {m}",
    }[name]
    return outcome(test, name, s, f"{text} {_numbers(test, s)}.")


def equivalence(test, source, factor):
    s = contrast(test, source, factor)
    p = inference.tost(s["d"], s["margin"], s["scale"]) if s["margin"] > 0 else None
    s["p"] = scaled(p, factor)
    name = v.verdict_equivalent(s["ci95"], s["ci90"], s["p"], s["margin"])
    m = v.number(s["margin"])
    text = {
        v.REPRODUCED: f"Equivalent within {m} on phantoms, as claimed",
        v.REVERSED: f"Different by more than {m} on phantoms",
        v.INCONCLUSIVE: f"Undecided whether equivalent within {m}",
    }[name]
    return outcome(test, name, s, f"{text} {_numbers(test, s)}.")


def trend(test, source, factor):
    arms = test["arms"]
    matrix = sign(test) * together([values(test, source, arm=arm) for arm in arms])
    p, tau = inference.page(matrix.T)
    p, p_reversed = scaled(p, factor), scaled(inference.page(matrix[::-1].T)[0], factor)
    steps = [inference.paired_t(step) for step in np.diff(matrix, axis=0)]
    ends = inference.paired_t(matrix[-1] - matrix[0])
    margin = size_of_margin(test, source, {"arm": arms[0]})
    name = v.verdict_trend(p, p_reversed, tau, steps, ends, margin, test.get("paper_effect"))
    clear = sum(v.above(step["ci95"]) for step in steps)
    text = (
        f"Ranking of {len(arms)} arms by {test['metric']}: tau {v.number(tau)}, "
        f"{clear} of {len(steps)} adjacent pairs in order with a clear gap "
        + v.figures("last minus first", ends["mean"], ends["ci95"], p, ends["n"])
    )
    pairs = [{"mean": s["mean"], "ci95": s["ci95"]} for s in steps]
    s = {**ends, "p": p, "margin": margin}
    return outcome(test, name, s, text + ".", tau=tau, pairs=pairs)


def correlation(test, source, factor):
    """Kendall's tau over arms within each replicate, against a threshold; t interval over them."""

    axes = [{**test, **test[name]} for name in ("x", "y")]
    each = [values(axis, source, arm=arm) for axis in axes for arm in test["arms"]]
    x, y = np.split(together(each), 2)
    x, y = sign(axes[0]) * x, sign(axes[1]) * y
    taus = np.array([inference.kendall(*pair) for pair in zip(x.T, y.T, strict=True)])
    gap = taus - test["above"] if "above" in test else test["below"] - taus
    s = {**inference.paired_t(gap), "margin": float(test["margin"])}
    s["p"] = scaled(s["p"], factor)
    effect = test.get("paper_effect")
    name = v.verdict(s["mean"], s["ci95"], s["ci90"], s["p"], s["margin"], effect)
    side = "above" if "above" in test else "below"
    numbers = v.figures("distance to it", s["mean"], s["ci95"], s["p"], s["n"])
    text = (
        f"Rank agreement of {test['x']['metric']} and {test['y']['metric']} over "
        f"{len(test['arms'])} arms: tau {v.number(taus.mean())}, claimed {side} "
        f"{v.number(test[side])} {numbers}."
    )
    return outcome(test, name, s, text, tau=float(taus.mean()))


def bound(test, source, factor):
    """A value against an interval; a single value is judged by itself."""
    if "stamp" in test:
        stamped = record_of(source, test["item"])["stamp"].get(test["stamp"])
        if stamped is None:
            raise Missing(f"{test['item']}: its stamp has no {test['stamp']}")
        x = np.array([stamped], float)
    else:
        x = sample(test, source)
    mean, lo, hi = inference.t_interval(x)
    ci = [mean, mean] if lo is None else [lo, hi]
    name = v.verdict_bound(ci, test.get("lo"), test.get("hi"))
    s = {"n": len(x), "mean": mean, "ci95": ci if len(x) > 1 else None, "ci90": None, "p": None}
    return outcome(test, name, s, _bound_text(test, name, s))


def _bound_text(test, name, s):
    lo, hi = test.get("lo"), test.get("hi")
    if lo is None or hi is None:
        stated = f"at least {v.number(lo)}" if hi is None else f"at most {v.number(hi)}"
    else:
        stated = f"between {v.number(lo)} and {v.number(hi)}"
    state = {v.REPRODUCED: "holds", v.REVERSED: "does not hold"}.get(name, "is undecided")
    label = test.get("label") or test.get("metric") or test.get("stamp")
    numbers = v.figures(label, s["mean"], s["ci95"], None, s["n"])
    return f"The bound {stated} {state} on phantoms {numbers}."


def share(test, source, factor):
    """Share of cells with a gain, and with one that survives correction (BH, or Holm if asked)."""
    cells = [
        contrast({**group, "regime": regime, "treatment": treatment}, source)
        for group in test["cells"]
        for regime in group["regimes"]
        for treatment in group["treatments"]
    ]
    correct = inference.holm if test.get("adjust") == "holm" else inference.benjamini_hochberg
    p = correct([1.0 if c["p"] is None else c["p"] for c in cells])
    alpha = test.get("alpha", v.ALPHA)
    up = np.mean([c["mean"] > 0 for c in cells])
    clear = np.mean([c["mean"] > 0 and q < alpha for c, q in zip(cells, p, strict=True)])
    down = np.mean([c["mean"] < 0 and q < alpha for c, q in zip(cells, p, strict=True)])
    name = _share_verdict(cells, up, clear, down, test["threshold"])
    n = min(c["n"] for c in cells)
    sentence = (
        f"A gain in {v.number(100 * up)} % of {len(cells)} cells, clear after correction in "
        f"{v.number(100 * clear)} %, a clear loss in {v.number(100 * down)} %; claimed above "
        f"{v.number(100 * test['threshold'])} % (R={n})."
    )
    s = {"n": n, "mean": float(up), "ci95": None, "ci90": None, "p": None}
    return outcome(test, name, s, sentence, clear=float(clear), losses=float(down))


def _share_verdict(cells, up, clear, down, threshold):
    if clear > threshold:
        return v.REPRODUCED
    if up > threshold and down == 0:
        return v.DIRECTION if clear >= 0.5 else v.PARTLY if clear > 0 else v.INCONCLUSIVE
    if all(v.inside(c["ci90"], -c["margin"], c["margin"]) for c in cells):
        return v.NO_EFFECT
    if clear >= 0.5 and down == 0:
        return v.PARTLY
    return v.REVERSED if down >= 0.5 else v.INCONCLUSIVE


def spread(test, source, factor):
    """Log ratio of standard deviations over replicates, or one of them against a bound."""
    if "hi" in test:
        x = sample(test, source)
        sd, lo, hi = inference.sd_interval(x)
        if sd is None:
            return _no_spread(test, 1)
        name = v.verdict_bound([lo, hi], hi=test["hi"])
        s = {"n": len(x), "mean": sd, "ci95": [lo, hi], "ci90": None, "p": None}
        return outcome(test, name, s, _bound_text({**test, "label": "SD"}, name, s))
    pair = [sample(test, source, arm=test[role]) for role in ("treatment", "control")]
    n, margin = min(len(x) for x in pair), v.MARGINS["sd_log"]
    wide, narrow = (inference.spread_ratio(*pair, level=level) for level in (0.95, 0.9))
    if wide[0] is None:
        return _no_spread(test, n)
    ci95, ci90 = ([float(np.log(edge)) for edge in found[1:3]] for found in (wide, narrow))
    s = {"n": n, "mean": float(np.log(wide[0])), "ci95": ci95, "ci90": ci90, "margin": margin}
    s["p"] = scaled(wide[3], factor)
    name = v.verdict(s["mean"], ci95, ci90, s["p"], margin, test.get("paper_effect"))
    text = v.wording(name, margin, test.get("paper_effect"))
    numbers = v.figures("log ratio of SDs", s["mean"], ci95, s["p"], n)
    return outcome(test, name, s, f"{text} {numbers}.")


def _no_spread(test, n):
    s = {"n": n, "mean": None, "ci95": None, "ci90": None, "p": None}
    return outcome(test, v.INCONCLUSIVE, s, f"Too few differing draws for a spread (R={n}).")


def composite(test, source, factor):
    parts = [evaluate(part, source, factor) for part in children(test)]
    names = [part["verdict"] for part in parts]
    labels = [part.get("label") or what(part) for part in children(test)]
    named = list(zip(labels, names, strict=True))
    if test["rule"] == "readings":
        each = "; ".join(f"{label}: {name}" for label, name in named)
        text = f"Judged under {len(parts)} readings; the first one counts. {each}."
        return {**parts[0], "sentence": text, "parts": parts}
    holding = sum(name in v.POSITIVE for name in names)
    known = [part["p"] for part in parts]
    p = None if None in known else max(known)
    each = [_part_text(label, part) for label, part in zip(labels, parts, strict=True)]
    if len(parts) > 5:  # name only what does not hold
        each = [text for text, name in zip(each, names, strict=True) if name not in v.POSITIVE]
    lead = "; not so " if len(parts) > 5 else ": "
    text = f"{holding} of {len(parts)} parts hold" + (lead + "; ".join(each) if each else "") + "."
    n = min(part["n"] for part in parts)
    s = {"n": n, "mean": None, "ci95": None, "ci90": None, "p": p}
    return outcome(test, v.verdict_parts(names), s, text, parts=parts)


def _part_text(label, part):
    """ "label verdict (0.012, 0.004 to 0.020)"."""
    delta, ci95 = part["delta"], part["ci95"]
    numbers = "" if delta is None else f" ({v.number(delta)}, {v.interval(ci95)})"
    return f"{label} {part['verdict']}{numbers}"


def truth(test, source, factor):
    (inner,) = (evaluate(child, source, factor) for child in children(test))
    text = "The paper gives no number; phantom truth gives: " + v.as_measured(inner["sentence"])
    return {**inner, "verdict": v.MEASURED, "finding": inner["verdict"], "sentence": text}


def arithmetic(test, source, factor):
    good, sentence, numbers = CHECKS[test["check"]](**test.get("given", {}))
    name = v.CONSISTENT if good else v.INCONSISTENT
    return {"verdict": name, "n": 0, "p": None, "sentence": sentence, "numbers": numbers}


def untestable(test, source, factor):
    sentence = f"Not tested ({test['reason']}): {v.REASONS[test['reason']]}. {test['why']}"
    return {"verdict": v.UNTESTABLE, "n": 0, "p": None, "sentence": sentence}


KINDS = {
    "difference": difference,
    "noninferiority": noninferiority,
    "equivalence": equivalence,
    "interaction": difference,
    "trend": trend,
    "correlation": correlation,
    "bound": bound,
    "share": share,
    "spread": spread,
    "composite": composite,
    "truth": truth,
    "arithmetic": arithmetic,
    "untestable": untestable,
}


def evaluate(test, source, factor=1.0):
    """The outcome of one test; Missing when a row it needs is not there."""
    return KINDS[test["kind"]](test, source, factor)
