"""One function per kind of simple test: from rows to an outcome (verdict, numbers, sentence).

`source(item)` gives the merged page of one item (lib.record.draws), or None. Arms pair by the keys
of their draws. `factor` multiplies every p: Holm's of the claim, times parts and look. An outcome
has verdict, n (draws), p_claim (the smallest p that could decide), need (lib.claims.power),
sentence, and what its kind measured.
"""

import numpy as np

from lib.claims import looks, power
from lib.claims import verdict as v
from lib.claims.arithmetic import CHECKS
from lib.claims.evidence import (
    Missing,
    contrast,
    least,
    measured,
    record_of,
    sample,
    scaled,
    sign,
    size_of_margin,
    together,
    values,
)
from lib.metrics import inference


def outcome(test, name, s, sentence, need=None, **more):
    """What every kind returns for a measured difference `s`."""
    return {
        "verdict": name,
        "n": s["n"],
        "delta": s["mean"],
        "ci95": s["ci95"],
        "ci90": s["ci90"],
        "p": s["p"],
        "p_claim": least(s["p"], s.get("p_equal")),
        "margin": s.get("margin"),
        "paper_effect": v.hardest(test.get("paper_effect")),
        "need": need,
        "sentence": sentence,
        **more,
    }


def what(test):
    return test.get("label") or test.get("metric", "value") + " difference"


def judged(s, effect=None):
    """The verdict of measured differences, for a superiority claim."""
    return v.verdict(s["mean"], s["p"], s["p_equal"], s["margin"], effect)


def of_differences(d, margin, paper_effect=None, planned=looks.DRAWS, factor=1.0):
    """The verdict on paired differences d (R,) at the looks: what `paired_t` says of all of them,
    with verdict, the look at which it fell, and p of that look times what it is multiplied by."""

    def at(first, weight):
        s = measured(d[:first], margin, {"paper_effect": paper_effect}, factor * weight)
        return s | {"verdict": judged(s, paper_effect)}

    found, look = looks.decide(len(d), planned, at)
    more = {"verdict": found["verdict"], "p": found["p"], "look": look}
    return inference.paired_t(d) | more


def difference(test, source, factor):
    s, effect = contrast(test, source, factor), test.get("paper_effect")
    targets = _targets(s, effect) if isinstance(effect, dict) else {}
    name = judged(s, v.hardest(effect))
    text = v.wording(name, s["margin"], v.hardest(effect), s["equal"])
    if name == v.DIRECTION and v.clear(s["p_equal"]):
        text += ", and equivalent within the margin"
    more, note = {"targets": targets} if targets else {}, s.get("note")
    said = [f"{text} {_numbers(test, s)}.", _said_of(targets)]
    if note:
        more["note"] = note
        said.append(f"{note[0].upper()}{note[1:]}.")
        need = power.of_gain(*s["whole"], factor)
    else:
        need = _need_of(power.of_difference, s, s["equal"], factor)
    if test.get("first") is None and s["n"] <= 16 and not note:
        more["p_sign_flip"] = inference.sign_flip(s["d"])
    return outcome(test, name, s, " ".join(filter(None, said)), need, **more)


def _need_of(rule, s, margin, factor):
    scale = float(np.mean(s["scale"]))  # of a relative difference: the control's mean
    return rule(s["mean"], s["sd"] and s["sd"] / abs(scale), margin, factor)


def _targets(s, effects):
    """{place in the paper: its printed effect and the verdict against it}."""
    return {place: {"effect": effect, "verdict": judged(s, effect)}
            for place, effect in effects.items()}  # fmt: skip


def _said_of(targets):
    """The verdict against each printed effect, as a sentence."""
    each = [f"{v.number(t['effect'])} ({place}: {t['verdict']})" for place, t in targets.items()]
    return f"Judged against {' and '.join(each)}; the larger one counts." if each else ""


def _numbers(test, s):
    if s["mean"] is None:
        return f"(R={s['n']})"
    return v.figures(what(test), s["mean"], s["ci95"], s["p"], s["n"])


def noninferiority(test, source, factor):
    s = contrast(test, source, factor)
    p = inference.paired_t(s["d"] + s["margin"] * s["scale"])["p"]
    s |= {"p": scaled(p, factor), "p_equal": None}
    name = v.verdict_noninferior(s["mean"], s["p"], s["margin"])
    m = v.number(s["margin"])
    text = {
        v.REPRODUCED: f"Not worse by more than {m} on phantoms",
        v.REVERSED: f"Worse by more than {m} on phantoms",
        v.INCONCLUSIVE: f"Undecided whether worse by {m}",
    }[name]
    need = _need_of(power.of_noninferiority, s, s["margin"], factor)
    return outcome(test, name, s, f"{text} {_numbers(test, s)}.", need)


def equivalence(test, source, factor):
    s = contrast(test, source, factor)
    bound = np.sign(s["d"].mean()) * s["margin"] * s["scale"]
    beyond = abs(s["mean"]) > s["margin"]
    apart = scaled(inference.paired_t(s["d"] - bound)["p"], factor) if beyond else None
    p = inference.tost(s["d"], s["margin"], s["scale"]) if s["margin"] > 0 else None
    s |= {"p": scaled(p, factor), "p_equal": apart}
    name = v.verdict_equivalent(s["p"], apart)
    m = v.number(s["margin"])
    text = {
        v.REPRODUCED: f"Equivalent within {m} on phantoms, as claimed",
        v.REVERSED: f"Different by more than {m} on phantoms",
        v.INCONCLUSIVE: f"Undecided whether equivalent within {m}",
    }[name]
    need = _need_of(power.of_equivalence, s, s["margin"], factor)
    return outcome(test, name, s, f"{text} {_numbers(test, s)}.", need)


def trend(test, source, factor):
    """Page's test over all arms, beside every adjacent pair by itself."""
    arms = test["arms"]
    each = together([values(test, source, arm=arm) for arm in arms], test.get("first"))
    matrix = sign(test) * each
    p, tau = inference.page(matrix.T)
    p, p_reversed = scaled(p, factor), scaled(inference.page(matrix[::-1].T)[0], factor)
    margin = size_of_margin(test, source, {"arm": arms[0]})
    bare = {key: value for key, value in test.items() if key != "paper_effect"}
    pairs = [_pair(d, margin, bare, factor, len(arms) - 1) for d in np.diff(matrix, axis=0)]
    ends = measured(matrix[-1] - matrix[0], margin, bare, factor)
    whole = {"mean": ends["mean"], "verdict": judged(ends)}
    effect = v.hardest(test.get("paper_effect"))
    name = v.verdict_trend(p, p_reversed, tau, pairs, whole, margin, effect)
    clear = sum(pair["verdict"] in v.POSITIVE for pair in pairs)
    fallen = sum(pair["fallen"] for pair in pairs)
    text = (
        f"Ranking of {len(arms)} arms by {v.spelled(test['metric'])}: tau {v.number(tau)}, "
        f"{clear} of {len(pairs)} adjacent pairs in order with a clear gap, {fallen} reversed or "
        "equal "
        + v.figures("last minus first", ends["mean"], ends["ci95"], p, ends["n"])
    )
    open_ = [pair for pair in pairs if pair["verdict"] == v.INCONCLUSIVE]
    need = power.of_all([pair["need"] for pair in open_], [pair["strict"] for pair in pairs])
    against = [pair["against"] for pair in pairs]
    kept = [{key: pair[key] for key in ("mean", "ci95", "verdict", "fallen")} for pair in pairs]
    s = {**ends, "p": p, "p_equal": least(p_reversed, *against)}
    return outcome(test, name, s, text + ".", need, tau=tau, pairs=kept)


def _pair(d, margin, test, factor, number):
    """An adjacent pair of a ranking: its own verdict, and whether it falls at 0.05 / number."""
    plain = measured(d, margin, test)
    s, strict = (plain | {key: scaled(plain[key], f) for key in ("p", "p_equal")}
                 for f in (factor, factor * number))  # fmt: skip
    own = judged(s)
    against = strict["p"] if s["mean"] < 0 else strict["p_equal"]
    needs = [power.of_difference(s["mean"], s["sd"], s["equal"], f)
             for f in (factor, factor * number)]  # fmt: skip
    fallen = own not in v.POSITIVE and judged(strict) in v.AGAINST
    more = {"verdict": own, "fallen": fallen, "against": against}
    return s | more | {"need": needs[0], "strict": needs[1]}


def correlation(test, source, factor):
    """Kendall's tau over arms within each replicate, against a threshold; t interval over them."""

    axes = [{**test, **test[name]} for name in ("x", "y")]
    each = [values(axis, source, arm=arm) for axis in axes for arm in test["arms"]]
    x, y = np.split(together(each, test.get("first")), 2)
    x, y = sign(axes[0]) * x, sign(axes[1]) * y
    taus = np.array([inference.kendall(*pair) for pair in zip(x.T, y.T, strict=True)])
    gap = taus - test["above"] if "above" in test else test["below"] - taus
    s = measured(gap, float(test["margin"]), test, factor)
    name = judged(s, v.hardest(test.get("paper_effect")))
    side = "above" if "above" in test else "below"
    numbers = v.figures("distance to it", s["mean"], s["ci95"], s["p"], s["n"])
    metrics = v.spelled(f"{test['x']['metric']} and {test['y']['metric']}")
    text = (
        f"Rank agreement of {metrics} over {len(test['arms'])} arms: tau "
        f"{v.number(taus.mean())}, claimed {side} {v.number(test[side])} {numbers}."
    )
    need = _need_of(power.of_difference, s, s["equal"], factor)
    return outcome(test, name, s, text, need, tau=float(taus.mean()))


def bound(test, source, factor):
    """A value against an interval; a single value that no draw changes is judged by itself."""
    if "stamp" in test:
        stamped = record_of(source, test["item"])["stamp"].get(test["stamp"])
        if stamped is None:
            raise Missing(f"{test['item']}: its stamp has no {test['stamp']}")
        x = np.array([stamped], float)
    else:
        x = sample(test, source)
    lo, hi = test.get("lo"), test.get("hi")
    mean, *ci95 = inference.t_interval(x)
    alone = len(x) == 1 and test["replicates"] == 1
    ci = [mean, mean] if alone else _at_level(inference.t_interval, x, factor)
    name = v.INCONCLUSIVE if ci[0] is None else v.verdict_bound(ci, lo, hi)
    sd = float(x.std(ddof=1)) if len(x) > 1 else None
    several = len(x) > 1
    s = {"n": len(x), "mean": mean, "ci95": ci95 if several else None, "ci90": None, "p": None}
    need = power.of_bound(mean, sd, lo, hi, factor)
    return outcome(test, name, s, _bound_text(test, name, s), need)


def _at_level(interval, x, factor):
    """The ends of an interval of values at the level 0.05 / factor; None before the first look."""
    return [None, None] if np.isinf(factor) else interval(x, 1 - v.ALPHA / factor)[1:]


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
        contrast({**test, **group, "regime": regime, "treatment": treatment}, source)
        for group in test["cells"]
        for regime in group["regimes"]
        for treatment in group["treatments"]
    ]
    correct = inference.holm if test.get("adjust") == "holm" else inference.benjamini_hochberg
    p = [scaled(q, factor) for q in correct([least(c["p"], 1.0) for c in cells])]
    alpha = test.get("alpha", v.ALPHA)
    up = np.mean([c["mean"] > 0 for c in cells])
    clear, down = (
        np.mean([side * c["mean"] > 0 and q is not None and q < alpha
                 for c, q in zip(cells, p, strict=True)])
        for side in (1, -1)
    )  # fmt: skip
    equal = all(v.clear(scaled(c["p_equal"], factor)) for c in cells)
    name = _share_verdict(equal, up, clear, down, test["threshold"])
    n = min(c["n"] for c in cells)
    sentence = (
        f"A gain in {v.number(100 * up)} % of {len(cells)} cells, clear after correction in "
        f"{v.number(100 * clear)} %, a clear loss in {v.number(100 * down)} %; claimed above "
        f"{v.number(100 * test['threshold'])} % (R={n})."
    )
    each = [power.of_difference(c["mean"], c["sd"], c["equal"], factor) for c in cells]
    need = power.of_cells(each, test["threshold"])
    s = {"n": n, "mean": float(up), "ci95": None, "ci90": None, "p": None}
    return outcome(test, name, s, sentence, need, clear=float(clear), losses=float(down))


def _share_verdict(equal, up, clear, down, threshold):
    if clear > threshold:
        return v.REPRODUCED
    if up > threshold and down == 0:
        return v.DIRECTION if clear >= 0.5 else v.PARTLY if clear > 0 else v.INCONCLUSIVE
    if equal:
        return v.NO_EFFECT
    if clear >= 0.5 and down == 0:
        return v.PARTLY
    return v.REVERSED if down >= 0.5 else v.INCONCLUSIVE


def spread(test, source, factor):
    """Log ratio of standard deviations over replicates, or one of them against a bound."""
    if "hi" in test:
        return _one_spread(test, source, factor)
    pair = [sample(test, source, arm=test[role]) for role in ("treatment", "control")]
    n, margin = min(len(x) for x in pair), v.MARGINS["sd_log"]
    wide, narrow = (inference.spread_ratio(*pair, level=level) for level in (0.95, 0.9))
    if wide[0] is None:
        return _no_spread(test, n)
    ci95, ci90 = ([float(np.log(edge)) for edge in found[1:3]] for found in (wide, narrow))
    s = {"n": n, "mean": float(np.log(wide[0])), "ci95": ci95, "ci90": ci90, "margin": margin}
    s |= {"p": scaled(wide[3], factor)}
    s |= {"p_equal": scaled(inference.spread_tost(*pair, margin), factor)}
    effect = v.hardest(test.get("paper_effect"))
    name = judged(s, effect)
    text = v.wording(name, margin, effect)
    numbers = v.figures("log ratio of SDs", s["mean"], ci95, s["p"], n)
    need = power.of_spread(s["mean"], margin, 2, factor)
    return outcome(test, name, s, f"{text} {numbers}.", need)


def _one_spread(test, source, factor):
    """The SD of one arm against a bound."""
    x = sample(test, source)
    sd, *ci95 = inference.sd_interval(x)
    if not sd:
        return _no_spread(test, len(x))
    ci = _at_level(inference.sd_interval, x, factor)
    name = v.INCONCLUSIVE if ci[0] is None else v.verdict_bound(ci, hi=test["hi"])
    s = {"n": len(x), "mean": sd, "ci95": ci95, "ci90": None, "p": None}
    need = power.of_spread(float(np.log(test["hi"] / sd)), 0.0, 1, factor)
    return outcome(test, name, s, _bound_text({**test, "label": "SD"}, name, s), need)


def _no_spread(test, n):
    s = {"n": n, "mean": None, "ci95": None, "ci90": None, "p": None}
    return outcome(test, v.INCONCLUSIVE, s, f"Too few differing draws for a spread (R={n}).")


def arithmetic(test):
    good, sentence, numbers = CHECKS[test["check"]](**test.get("given", {}))
    name = v.CONSISTENT if good else v.INCONSISTENT
    fixed = {"verdict": name, "n": 0, "p": None, "p_claim": None, "sentence": sentence}
    return fixed | {"numbers": numbers}


def untestable(test):
    sentence = f"Not tested ({test['reason']}): {v.REASONS[test['reason']]}. {test['why']}"
    return {"verdict": v.UNTESTABLE, "n": 0, "p": None, "p_claim": None, "sentence": sentence}


SIMPLE = {
    "difference": difference,
    "noninferiority": noninferiority,
    "equivalence": equivalence,
    "interaction": difference,
    "trend": trend,
    "correlation": correlation,
    "bound": bound,
    "share": share,
    "spread": spread,
}
FIXED = {"arithmetic": arithmetic, "untestable": untestable}  # no draws
