"""The ledger: all claims with their pre-set tests, read from ledger.json and checked.

A claim is a dict: id, paper, where, quote, statement, metric, direction, paper_values, figure,
priority (1 core .. 3 background), testability (T as stated, Q analogue, A arithmetic, N not here),
run, and `test`. The kinds of test and the fields they need are in FIELDS. A part of a composite,
and the inner test of a truth, inherit every field they do not set.

paper_effect is a number, or {place in the paper: number} where it prints two. `shares` of an
interaction are weighted shares of an oracle's gain (treatment, oracle, baseline) in regimes or
metrics of their own. `gate` "off" is for claims that a generator fails (lib.claims.gate).
"""

import json
from collections import Counter
from functools import cache
from pathlib import Path

from lib.claims.verdict import MARGINS, REASONS, TEN_PERCENT, margin_of
from lib.papers import registry

HERE = Path(__file__).parent
PAPERS = tuple(registry.PAPERS)
PLACE = {"item", "regime", "metric", "better", "margin", "replicates"}
# kind: the fields it needs ("a|b" = one of them)
FIELDS = {
    "difference": PLACE | {"treatment", "control"},
    "noninferiority": PLACE | {"treatment|terms"},
    "equivalence": PLACE | {"treatment|terms"},
    "interaction": PLACE | {"terms|shares"},
    "trend": PLACE | {"arms"},
    "correlation": {"item", "regime", "arms", "x", "y", "margin", "replicates", "above|below"},
    "bound": {"item", "replicates", "arm|stamp", "lo|hi"},
    "share": {"cells", "threshold", "replicates"},
    "spread": PLACE | {"treatment|arm", "control|hi"},
    "composite": {"rule", "parts"},
    "truth": {"of"},
    "arithmetic": {"check"},
    "untestable": {"reason", "why"},
}
OPTIONAL = {
    "kind", "label", "note", "treatment", "control", "paper_effect", "attribution", "baseline",
    "oracle", "gate", "relative", "regime", "metric", "better", "margin", "arm", "given", "alpha",
    "adjust",
}  # fmt: skip
CLAIM = {
    "id", "paper", "where", "quote", "statement", "metric", "direction", "paper_values", "figure",
    "priority", "testability", "run", "test",
}  # fmt: skip


def inherit(parent, child):
    """`child` with the fields it does not set itself taken from `parent`."""
    own = {"kind", "parts", "of", "rule", "label"}
    return {**{k: v for k, v in parent.items() if k not in own}, **child}


def children(test):
    """The tests inside a composite or a truth, complete; none for a simple test."""
    inner = test.get("parts") or ([test["of"]] if "of" in test else [])
    return [inherit(test, child) for child in inner]


def leaves(test):
    """The simple tests that a test consists of, in order."""
    inner = children(test)
    return [leaf for child in inner for leaf in leaves(child)] if inner else [test]


def problems(test, inner=False):
    """What is wrong with a test, as a list of sentences; empty when it is valid."""
    kind = test.get("kind")
    if kind not in FIELDS:
        return [f"kind {kind!r} is not one of {', '.join(FIELDS)}"]
    needed = FIELDS[kind]
    found = [f"{kind} lacks {f}" for f in sorted(needed) if not set(f.split("|")) & set(test)]
    if not inner:
        known = OPTIONAL | PLACE | {name for field in needed for name in field.split("|")}
        found += [f"{kind} does not know {f}" for f in sorted(set(test) - known)]
    fixed = TEN_PERCENT if test.get("relative") else margin_of(test.get("metric"), kind)
    fixed = MARGINS["gain_share"] if "shares" in test else fixed
    simple = kind not in ("composite", "truth")  # what these state is checked in their parts
    if simple and "margin" in test and "metric" in test and test["margin"] != fixed:
        found.append(f"margin {test['margin']} of {test['metric']} differs from the table")
    if test.get("better", "higher") not in ("higher", "lower"):
        found.append(f"better is {test['better']!r}: higher or lower")
    if test.get("gate", "off") != "off":
        found.append(f"gate is {test['gate']!r}: off, or leave it out")
    if kind == "trend" and len(test.get("arms", ())) < 3:
        found.append("trend needs at least three arms")
    if kind == "composite" and test.get("rule") not in ("all", "readings"):
        found.append(f"rule {test.get('rule')!r} is not all or readings")
    if kind == "untestable" and test.get("reason") not in REASONS:
        found.append(f"reason {test.get('reason')!r} is not one of {', '.join(REASONS)}")
    return found + [text for child in children(test) for text in problems(child, True)]


def check(claims):
    """ValueError naming every claim that is incomplete, doubled or has an invalid test."""
    found = [f"id {id_} appears {n} times" for id_, n in _ids(claims).items() if n > 1]
    for claim in claims:
        lacking = sorted(CLAIM - set(claim))
        if lacking:
            found.append(f"{claim.get('id')}: lacks {', '.join(lacking)}")
            continue
        kind, letter = claim["test"].get("kind"), claim["testability"]
        expected = {"A": "arithmetic", "N": "untestable"}.get(letter)
        if (kind == expected) != (expected is not None) or (
            expected is None and kind in ("arithmetic", "untestable")
        ):
            found.append(f"{claim['id']}: kind {kind} does not fit testability {letter}")
        found += [f"{claim['id']}: {text}" for text in problems(claim["test"])]
    if found:
        raise ValueError("lib/claims/ledger.json is not valid; mend it: " + "; ".join(found))
    return claims


def _ids(claims):
    return Counter(claim.get("id") for claim in claims)


@cache
def load():
    """All claims as a tuple of dicts, in paper order, checked."""
    return tuple(check(json.loads((HERE / "ledger.json").read_text(encoding="utf-8"))))


@cache
def inconsistencies():
    """What the papers contradict or leave open: dicts of id, paper, severity, source, where, ..."""
    return tuple(json.loads((HERE / "inconsistencies.json").read_text(encoding="utf-8")))


@cache
def changes():
    """What was changed after results had been seen: dicts of paper, what, why, how, seeds, claims.

    Numbers of these seeds had been seen before the change, so whatever they say about these claims
    is exploratory.
    """
    return tuple(json.loads((HERE / "changes.json").read_text(encoding="utf-8")))


def by_paper(paper):
    """The claims of one paper; ValueError for a name that is none."""
    if paper not in PAPERS:
        raise ValueError(f"paper {paper!r} is not one of {', '.join(PAPERS)}")
    return [claim for claim in load() if claim["paper"] == paper]


def counts(claims=None):
    """Numbers per paper: claims, core, and how many are testable, arithmetic or not testable."""
    table = {}
    for claim in load() if claims is None else claims:
        row = table.setdefault(claim["paper"], Counter())
        row.update(["claims", claim["testability"]] + ["core"] * (claim["priority"] == 1))
    return {paper: dict(row) for paper, row in table.items()}


def needs(test):
    """The rows that decide a test, as a sorted list of (item, regime, arm, metric).

    A test of a stamp has (item, "", "", ""). Control arms of the attribution and the oracle are
    extra information: `extras` lists them; the gate has its own rows (lib.claims.gate).
    """
    return sorted({row for leaf in leaves(test) for row in _rows(leaf)})


def _rows(leaf):
    if "item" not in leaf and "cells" not in leaf:
        return []

    def row(**changes):
        t = {**leaf, **changes}
        return t["item"], t.get("regime", ""), t.get("arm", ""), t.get("metric", "")

    if "terms" in leaf:
        return [row(**term) for term in leaf["terms"]]
    if "shares" in leaf:
        named = [{"baseline": "real", **leaf, **term} for term in leaf["shares"]]
        arms = [(t, t[role]) for t in named for role in ("treatment", "oracle", "baseline")]
        return [row(**{**t, "arm": arm}) for t, arm in arms]
    if "cells" in leaf:
        return [
            row(**{**group, "regime": regime, "arm": arm})
            for group in leaf["cells"]
            for regime in group["regimes"]
            for arm in [*group["treatments"], group["control"]]
        ]
    axes = [leaf[axis] for axis in ("x", "y") if axis in leaf] or [{}]
    arms = leaf.get("arms") or [leaf[role] for role in ("treatment", "control") if role in leaf]
    return [row(**axis, arm=arm) for axis in axes for arm in arms or [leaf.get("arm", "")]]


def extras(test):
    """The rows that attribution and fraction of oracle gain read, as in `needs`."""
    found = set()
    for leaf in leaves(test):
        arms = [*leaf.get("attribution", ())]
        arms += [leaf["oracle"], leaf.get("baseline", "real")] if "oracle" in leaf else []
        found |= {(leaf["item"], leaf["regime"], arm, leaf["metric"]) for arm in arms}
    return sorted(found)


def items(test):
    """The metrics files a test reads, as "paper/stem", sorted."""
    return sorted({row[0] for row in needs(test)})
