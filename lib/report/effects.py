"""The simple tests behind verdicts on one scale, so that a figure can show them side by side."""

from lib.claims import ledger, verdict
from lib.report.plots import FEWEST


def effects(out: dict) -> list[dict]:
    """The simple tests inside a measured verdict: label, regime, kind, verdict, value, ci95, paper.

    The value is the difference in the claim's direction over the smallest one that counts (the
    margin); so are its interval, None with less than three draws, and the paper's effect. A `bound`
    has no margin: there 0 and 1 are the ends of what is claimed; a missing end counts as the 0 or 1
    of a share, and where that leaves no range (at least 10) there is no value. A claim that is
    measured only, or not interpreted, gives its own verdict to all of its parts.
    """
    (claim,) = (claim for claim in ledger.load() if claim["id"] == out["id"])
    each = [_effect(test, found) for test, found in simple(claim["test"], out)]
    whole = verdict.base(out["verdict"])
    kept = whole in (verdict.MEASURED, verdict.NOT_INTERPRETED)
    return [effect | {"verdict": whole} for effect in each] if kept else each


def simple(test: dict, out: dict) -> list[tuple[dict, dict]]:
    """Every simple test inside a test, with its outcome."""
    if test["kind"] == "truth":
        return simple(ledger.children(test)[0], out)
    if test["kind"] != "composite":
        return [(test, out)]
    pairs = zip(ledger.children(test), out["parts"], strict=True)
    each = [(child.get("label", ""), simple(child, part)) for child, part in pairs]
    return [(_labelled(leaf, label), found) for label, inner in each for leaf, found in inner]


def _labelled(leaf: dict, label: str) -> dict:
    """A leaf whose label starts with that of the part it stands in."""
    own = leaf.get("label", "")
    both = f"{label}: {own}" if own else label
    return leaf | {"label": own if label in ("", own) else both}


def _effect(test: dict, out: dict) -> dict:
    low, high = 0.0, out["margin"] or 0.0
    if test["kind"] == "bound":
        low, high = test.get("lo", 0.0), test.get("hi", 1.0)
    known = high > low and out["delta"] is not None
    ends = out["ci95"] if out["n"] >= FEWEST else None
    numbers = [out["delta"], *(ends or ())] if known else []
    value, *ci95 = [(x - low) / (high - low) for x in numbers] or [None]
    effect = out.get("paper_effect")
    return {
        "label": test.get("label") or _plain_label(test),
        "regime": test.get("regime", ""),
        "kind": test["kind"],
        "verdict": verdict.base(out["verdict"]),
        "value": value,
        "ci95": ci95 or None,
        "paper": effect / high if effect and high else None,
    }


def _plain_label(test: dict) -> str:
    """What is compared, where the ledger gives no label."""
    metrics = [test[axis]["metric"] for axis in ("x", "y") if axis in test]
    name = " and ".join(metrics) or test.get("metric", "value")
    return name + {"trend": ", last minus first", "correlation": ", ranks"}.get(test["kind"], "")
