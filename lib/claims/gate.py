"""Whether a generator is competent here: four conditions that a claim's generators must meet.

A baseline that cannot draw what it is asked for makes every comparison with it empty, and so does a
method; an ablation is gated through the method that it changes, since what it lacks is its point.
Claims about competence itself, and those that rest on no sample, are not gated.
"""

import re

from lib.claims import evidence
from lib.claims.verdict import number

ADHERENCE = (0.85, 1.05)  # over the reader's accuracy on real images; more is caricature
COVERAGE = 0.8  # at least, over that of real images against real images
EMPTY = 0.2  # share of empty masks at most
PLATEAU = 1  # on the spare draw the training curve has become flat

CHAPTERS = {  # generators, arms that stand for another's, where the rows are, regimes of the study
    "pavae": {
        "generators": ("template", "vae", "stylegan", "pavae"),
        "alike": {"no_": "pavae", "beta_": "pavae", "pi_uniform": "pavae", "per_pixel": "pavae"},
        "items": ("pavae/table4_main", "pavae/table5_ablations", "pavae/04_gaps"),
        "main": ("10",),
    },
    "dhvae": {
        "generators": ("lsgan", "ldm", "vae", "hvae", "dhvae"),
        "alike": {"hvae_": "hvae", "beta_": "dhvae", "delayed": "dhvae", "immediate": "dhvae",
                  "with_l1": "dhvae", "without_l1": "dhvae", "joint": "dhvae",
                  "conditional": "dhvae"},
        "items": ("dhvae/table2_generators",),
        "main": ("30",),
    },
    "pathosyn": {
        "generators": ("brain_ldm", "meta_auto", "maskdiff", "pathosyn_vaegan", "pathosyn_diff"),
        "alike": {},
        "items": ("pathosyn/04b_consistency",),
        "main": (),
    },
    "controlnet": {
        "generators": ("syn", "finetuned", "filtered", "dpo", "original"),
        "alike": {},
        "items": ("controlnet/01_generator",),
        "main": (),
    },
}  # fmt: skip
ROWS = {  # rows of each condition; of several the worst counts
    "adherence": ("adherence_ratio", "mask_adherence"),
    "coverage": ("coverage_place", "coverage_look", "coverage"),
    "empty masks": ("empty",),
    "plateau": ("plateau",),
}
RELATIVE = ("mask_adherence", "coverage_place", "coverage_look", "coverage")  # over real images
WITHOUT = {"pavae": ("empty masks",)}  # conditions that a chapter does not have
OWN = {*sum(ROWS.values(), ()), "adherence", "label_adherence", "occupied", "psnr", "ssim", "lpips"}
OWN |= {"mask_dice", "elbo", "evidence", "gap", "sampling_cost_ratio"}  # not about samples
GATED = ("difference", "noninferiority", "equivalence", "interaction", "trend", "share")


def generator(chapter: str, arm: str) -> str | None:
    """The generator that an arm of a chapter draws from, or None: `dhvae2000` draws from dhvae."""
    known = CHAPTERS[chapter]
    alike = [of for start, of in known["alike"].items() if arm.startswith(start)]
    names = sorted(known["generators"], key=len, reverse=True)
    own = (name for name in names if re.fullmatch(rf"{name}(_?r?\d.*|_[a-z].*)?", arm))
    return alike[0] if alike else next(own, None)


def generators(leaf: dict, rows: list[tuple]) -> list[tuple[str, str, str]]:
    """The (item, regime, generator) that a simple test compares; [] for one that is not gated.

    rows: what decides the test, as lib.claims.ledger.needs gives it.
    """
    if leaf["kind"] not in GATED or leaf.get("gate") == "off":
        return []
    found = {
        (item, regime, generator(item.partition("/")[0], arm))
        for item, regime, arm, metric in rows
        if metric not in OWN
    }
    return sorted(each for each in found if each[2])


def competence(source, item: str, regime: str, name: str) -> dict[str, float | None]:
    """{condition: value} of a generator; None where its row is absent."""
    chapter = item.partition("/")[0]
    head, _, tail = regime.partition("-")
    same = [head] if not tail[:1].isdigit() or tail in CHAPTERS[chapter]["main"] else []
    regimes = dict.fromkeys([regime, *same])
    places = [(i, r) for i in (item, *CHAPTERS[chapter]["items"]) for r in regimes]
    return {
        condition: _worst(source, places, name, metrics)
        for condition, metrics in ROWS.items()
        if condition not in WITHOUT.get(chapter, ())
    }


def _worst(source, places, name: str, metrics: tuple) -> float | None:
    found = [_value(source, places, name, metric) for metric in metrics]
    return min((x for x in found if x is not None), default=None)


def _value(source, places, name: str, metric: str) -> float | None:
    """Mean of a row in the first place that has it, over real images where that is the scale."""
    for item, regime in places:
        try:
            row = evidence.find_row(source, item, name, metric, regime)
        except evidence.Missing:
            continue
        real = 1.0
        if metric in RELATIVE:
            real = row["null"] if row["null"] is not None else row.get("oracle")
        if real:
            return sum(evidence.defined(row).values()) / len(evidence.defined(row)) / real
    return None


def failures(found: dict[str, float | None]) -> list[str]:
    """What a generator misses, as "coverage 0.71 below 0.8"."""
    low, high = ADHERENCE
    bounds = {"adherence": (low, high), "coverage": (COVERAGE, None), "empty masks": (None, EMPTY)}
    bounds["plateau"] = (PLATEAU, None)
    missed = []
    for condition, value in found.items():
        lo, hi = bounds[condition]
        if value is not None and lo is not None and value < lo:
            missed.append(f"{condition} {number(value)} below {number(lo)}")
        if value is not None and hi is not None and value > hi:
            missed.append(f"{condition} {number(value)} above {number(hi)}")
    return missed


def judge(source, leaf: dict, rows: list[tuple]) -> dict:
    """{"failed": {generator: what it misses}, "unknown": {generator: conditions without a row}}.

    A generator is named with its regime, unless that is the plain one.
    """
    failed, unknown = {}, {}
    for item, regime, made_by in generators(leaf, rows):
        found = competence(source, item, regime, made_by)
        name = made_by if regime in ("", evidence.PLAIN) else f"{made_by} in {regime}"
        missed = failures(found)
        absent = [condition for condition, value in found.items() if value is None]
        if missed:
            failed[name] = missed
        elif absent:
            unknown[name] = absent
    return {"failed": failed, "unknown": unknown}
