"""How often the judge errs: simulated draws of known truth, judged by its own code.

    python -m lib.claims.rates       # writes rates.json again, in about a minute

Every kind of test stands in a situation taken from the chapters (SDs over draws of the first
record): AUC of arms that spread by 0.01 beside `real` with 0.02, all on draws that spread by 0.03;
Dice by 0.028. A row is the share of verdicts of each sort after R draws.
"""

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lib.claims import looks
from lib.claims import verdict as v
from lib.claims.evaluate import seen
from lib.claims.ledger import children
from lib.metrics.inference import two_variances

FILE = Path(__file__).parent / "rates.json"
SEED = 0
PLANS = {10: 300, 20: 100, 40: 100}  # draws at the last look: simulated studies
BEFORE = 3  # draws before the first look
SORTS = {  # of verdicts
    "for": (v.REPRODUCED, v.DIRECTION),
    "partly": (v.PARTLY,),
    "nothing": (v.NO_EFFECT,),
    "against": (v.REVERSED, v.FALLEN),
}
HEAD = ["R", *SORTS, "open"]
ITEM = "made/up"
PLACE = {"item": ITEM, "regime": "", "metric": "auc", "better": "higher", "margin": 0.01}
ARM, REAL, DRAW, DICE = 0.01, 0.02, 0.03, 0.028  # SDs
ZERO, MARGIN, PAPER, REVERSED = "nothing", "the margin", "the paper's size", "reversed"


@dataclass(frozen=True)
class Situation:
    """A test, {truth: its parameter}, and means(truth's parameter) -> {row: (mean, SD)}."""

    test: dict
    truths: dict
    means: Callable
    factor: float = 1.0  # p is multiplied by it
    shared: float = DRAW  # SD of what all arms of a draw have in common


def sizes(margin: float, paper: float) -> dict[str, float]:
    return {ZERO: 0.0, MARGIN: margin, PAPER: paper, REVERSED: -paper}


def auc(**means: float) -> dict:
    """{row: (mean, SD)} of arms by AUC."""
    return {("", arm, "auc"): (x, REAL if arm == "real" else ARM) for arm, x in means.items()}


def gains(few: float, many: float = 0.3, whole: tuple = (0.2, 0.1)) -> dict:
    """Rows of a method that has so much of the oracle's gain with few and with many images."""
    found = {}
    for regime, share, gain in (("few", few, whole[0]), ("many", many, whole[1])):
        each = auc(real=0.0, method=share * gain, oracle=gain)
        found |= {(regime, arm, metric): x for (_, arm, metric), x in each.items()}
    return found


def ranks(agreement: float) -> dict:
    """Four arms whose AUC follows their FD so much."""
    steps = np.arange(4) * 0.02
    fd = {("", f"a{k}", "fd"): (-x, ARM) for k, x in enumerate(steps)}
    return fd | {("", f"a{k}", "auc"): (agreement * x, ARM) for k, x in enumerate(steps)}


def cells(gain: float) -> dict:
    """Eight arms with one gain over `real`."""
    return auc(real=0.0, **{f"m{k}": gain for k in range(8)})


def steps(each: list[float]) -> dict:
    """Five arms, each so much above the one before."""
    return auc(**{f"a{k}": float(x) for k, x in enumerate(np.cumsum([0.0, *each]))})


def best(over: list[float]) -> dict:
    """A method so much above each of five others."""
    return auc(method=0.0, **{f"b{k}": -x for k, x in enumerate(over)})


def of_five(paper: float, number: int) -> dict:
    """Truths of a claim of some parts, all alike or one apart."""
    alike = {name: [size] * number for name, size in sizes(0.01, paper).items()}
    rest = [paper] * (number - 1)
    return alike | {"one of them reversed": [-paper, *rest], "one of them nothing": [0.0, *rest]}


PAIR = {"treatment": "method", "control": "real"}
DIFFERENCE = {"kind": "difference", **PLACE, **PAIR, "paper_effect": 0.08}
SITUATIONS = {
    "difference": Situation(DIFFERENCE, sizes(0.01, 0.08), lambda x: auc(real=0, method=x)),
    "difference, p times 12 (Holm)": Situation(
        DIFFERENCE, sizes(0.01, 0.08), lambda x: auc(real=0, method=x), 12.0
    ),
    "non-inferiority": Situation(
        {"kind": "noninferiority", **PLACE, **PAIR},
        {ZERO: 0.0, "worse by the margin": -0.01, PAPER: 0.08, REVERSED: -0.08},
        lambda x: auc(real=0, method=x),
    ),
    "equivalence, AUC within 0.01": Situation(
        {"kind": "equivalence", **PLACE, "treatment": "method", "control": "other"},
        sizes(0.01, 0.08), lambda x: auc(other=0, method=x),
    ),
    "equivalence, Dice within 0.03": Situation(
        {"kind": "equivalence", **PLACE, "margin": 0.03, "treatment": "method", "control": "other"},
        sizes(0.03, 0.14),
        lambda x: {("", "method", "auc"): (x, DICE), ("", "other", "auc"): (0, DICE)},
    ),
    "shares of the oracle's gain": Situation(
        {"kind": "interaction", **PLACE, "margin": 0.1, "treatment": "method", "oracle": "oracle",
         "shares": [{"w": 1, "regime": "few"}, {"w": -1, "regime": "many"}]},
        {ZERO: 0.3, MARGIN: 0.4, "0.6 of it": 0.9, REVERSED: -0.3}, gains,
    ),
    "ranking of five arms": Situation(
        {"kind": "trend", **PLACE, "arms": [f"a{k}" for k in range(5)], "paper_effect": 0.08},
        of_five(0.02, 4), steps,
    ),
    "conjunction of five parts": Situation(
        {"kind": "composite", **PLACE, "rule": "all", "paper_effect": 0.08, "parts": [
            {"kind": "difference", "treatment": "method", "control": f"b{k}"} for k in range(5)]},
        of_five(0.08, 5), best,
    ),
    "rank agreement": Situation(
        {"kind": "correlation", **PLACE, "margin": 0.2, "above": 0, "paper_effect": 1.0,
         "arms": [f"a{k}" for k in range(4)], "x": {"metric": "fd", "better": "lower"},
         "y": {"metric": "auc", "better": "higher"}},
        {ZERO: 0.0, MARGIN: 0.15, PAPER: 2.0, REVERSED: -2.0}, ranks,
    ),
    "bound, 0.94 to 0.96": Situation(
        {"kind": "bound", **PLACE, "arm": "method", "lo": 0.94, "hi": 0.96},
        {"in the middle": 0.95, "at the edge": 0.96, "outside": 0.975},
        lambda x: {("", "method", "auc"): (x, 0.006)}, shared=0.0,
    ),
    "share of eight cells": Situation(
        {"kind": "share", "threshold": 0.9, **PLACE, "cells": [
            {**PLACE, "regimes": [""], "treatments": [f"m{k}" for k in range(8)],
             "control": "real"}]},
        sizes(0.01, 0.08), cells,
    ),
    "spread of two arms": Situation(
        {"kind": "spread", **PLACE, **PAIR, "paper_effect": 0.511},
        sizes(v.MARGINS["sd_log"], 0.511),
        lambda x: {("", "real", "auc"): (0, ARM * np.exp(x)), ("", "method", "auc"): (0, ARM)},
        shared=0.0,
    ),
}  # fmt: skip
POOLED = "error pooled over nine arms (decides nothing)"


def drawn(rng: np.random.Generator, means: dict, draws: int, spread: float = DRAW) -> dict:
    """{row: values (draws,)}: a mean, what all arms of a draw share, and what each has alone."""
    shared = spread * rng.normal(size=draws)
    return {row: x + shared + sd * rng.normal(size=draws) for row, (x, sd) in means.items()}


def page(found: dict) -> Callable:
    """source(item) of made-up rows, as the judge reads a merged page."""
    rows = [
        {"regime": regime, "arm": arm, "metric": metric, "null": None, "null_sd": None,
         "mean": float(each.mean()), "draws": {f"1/{k}": x for k, x in enumerate(each)}}
        for (regime, arm, metric), each in found.items()
    ]  # fmt: skip
    return {ITEM: {"rows": rows}}.get


def study(situation: Situation, source: Callable, planned: int) -> Callable:
    """verdict(R) of one simulated study with so many draws."""
    test = situation.test | {"replicates": planned}
    if test["kind"] != "composite":
        return verdict_of(test, source, situation.factor)
    parts = children(test)
    own, strict = (
        [verdict_of(part, source, situation.factor * times) for part in parts]
        for times in (1, len(parts))
    )

    def at(R):
        names, hard = ([each(R) for each in verdicts] for verdicts in (own, strict))
        pairs = zip(names, hard, strict=True)
        fallen = [name not in v.POSITIVE and h in v.AGAINST for name, h in pairs]
        return v.verdict_parts(names, fallen)

    return at


def verdict_of(test: dict, source: Callable, factor: float) -> Callable:
    """verdict(R) of a simple test; each look is evaluated once."""
    at = cache(seen(test, source, factor))
    return lambda R: looks.decide(R, test["replicates"], at)[0]["verdict"]


def pooled(rng: np.random.Generator, effect: float, planned: int) -> Callable:
    """verdict(R) of a difference to `real`, if the error pooled over arms were to decide."""
    means = auc(real=0.0, method=effect, **{f"b{k}": 0.0 for k in range(8)})
    matrix = np.array([*drawn(rng, means, planned).values()])

    def at(n, weight):
        if n is None:
            return {"verdict": v.INCONCLUSIVE}
        found = two_variances(matrix[1:, :n], matrix[0, :n], 0)
        return {"verdict": v.verdict(found["mean"], found["p"] * weight, None, 0.01, 0.08)}

    return lambda R: looks.decide(R, planned, at)[0]["verdict"]


def simulate(name: str, truth: str, planned: int, seed: int = SEED) -> list[dict]:
    """Rows of one test and one truth: shares of verdicts by R, for a plan of so many draws."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{name}/{truth}".encode()), planned])
    at = [BEFORE, *looks.looks(planned)] if planned == looks.DRAWS else [planned]
    studies = [_one(name, truth, planned, rng) for _ in range(PLANS[planned])]
    return [
        {"test": name, "truth": truth, "R": R, **shares([verdict(R) for verdict in studies])}
        for R in at
    ]


def _one(name: str, truth: str, planned: int, rng: np.random.Generator) -> Callable:
    if name == POOLED:
        return pooled(rng, sizes(0.01, 0.08)[truth], planned)
    situation = SITUATIONS[name]
    means = situation.means(situation.truths[truth])
    return study(situation, page(drawn(rng, means, planned, situation.shared)), planned)


def shares(verdicts: list[str]) -> dict[str, float]:
    """{sort: share of verdicts}, to three decimals."""
    found = {sort: sum(name in names for name in verdicts) for sort, names in SORTS.items()}
    found["open"] = len(verdicts) - sum(found.values())
    return {sort: round(n / len(verdicts), 3) for sort, n in found.items()}


def truths(name: str) -> list[str]:
    return [*sizes(0, 0)] if name == POOLED else [*SITUATIONS[name].truths]


def table() -> dict:
    """All rows, and their seed."""
    rows = [
        row
        for name in (*SITUATIONS, POOLED)
        for truth in truths(name)
        for planned in PLANS
        for row in simulate(name, truth, planned)
    ]
    return {"seed": SEED, "rows": rows}


@cache
def kept() -> dict:
    """The table as it is kept in rates.json."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def line(row: dict) -> list:
    """A row under [test, *HEAD]: truth, R, shares in percent."""
    return [row["truth"], row["R"], *(f"{row[sort]:.0%}" for sort in (*SORTS, "open"))]


def main() -> None:
    """Simulate all again and keep the table."""
    found = table()
    each = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in found["rows"])
    text = f'{{"seed": {found["seed"]}, "rows": [\n  {each}\n]}}\n'
    FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
