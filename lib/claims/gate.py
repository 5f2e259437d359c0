"""Whether a generator is competent here: four conditions that a claim's generators must meet.

A baseline that cannot draw what it is asked for makes every comparison with it empty, and so does a
method; an ablation is gated through the method that it changes, since what it lacks is its point.
Which generator that is stands in the rows (`generator`, from lib.papers.arms). Claims about
competence itself, and those that rest on no sample, are not gated.
"""

from collections.abc import Iterable
from math import inf

from lib.claims import evidence
from lib.claims.verdict import number

ADHERENCE = (0.85, 1.05)  # over the reader's accuracy on real images; more is caricature
COVERAGE = 0.8  # at least, over that of real images against real images
EMPTY = 0.2  # share of empty masks at most
CHANGING = "still changing late in its training"
PLATEAU = 1  # on the spare draw the second half of its training moves little: lib.papers.plateau

BOUNDS = {  # least and most of each condition
    "adherence": ADHERENCE,
    "coverage": (COVERAGE, inf),
    "empty masks": (-inf, EMPTY),
    "plateau": (PLATEAU, inf),
}
ROWS = {  # rows of each condition; of several the one counts that misses most
    "adherence": ("adherence_ratio", "name_accuracy", "mask_adherence"),
    "coverage": ("coverage_place", "coverage_look", "coverage"),
    "empty masks": ("empty",),
    "plateau": ("plateau",),
}
ITEMS = {  # where a chapter's rows of competence are, beside the item of the claim
    "pavae": ("pavae/table4_main", "pavae/04_budget"),
    "dhvae": ("dhvae/table2_generators", "dhvae/04_budget"),
    "pathosyn": ("pathosyn/04a_realism",),
    "controlnet": ("controlnet/01_generator",),
}
ALONE = ("pathosyn", "controlnet")  # only ITEMS count: elsewhere `coverage` is of other things
RELATIVE = ("name_accuracy", "mask_adherence", *ROWS["coverage"])  # over real images
WITHOUT = dict.fromkeys(("pavae", "controlnet"), ("empty masks",))  # what a chapter has not
OWN = {*sum(ROWS.values(), ()), "adherence", "label_adherence", "occupied", "psnr", "ssim", "lpips"}
OWN |= {"mask_dice", "elbo", "evidence", "gap", "sampling_cost_ratio"}  # not about samples
GATED = ("difference", "noninferiority", "equivalence", "interaction", "trend", "share")


def generator(source, item: str, regime: str, arm: str, metric: str) -> tuple[str, str] | None:
    """(regime, arm) of the rows that judge the generator behind a row; None where it has none."""
    made = evidence.find_row(source, item, arm, metric, regime).get("generator")
    return (made["regime"], made["arm"]) if made else None


def generators(source, leaf: dict, rows: list[tuple]) -> list[tuple[str, str, str]]:
    """The (item, regime, generator) that a simple test compares; [] for one that is not gated.

    rows: what decides the test, as lib.claims.ledger.needs gives it.
    """
    if leaf["kind"] not in GATED or leaf.get("gate") == "off":
        return []
    found = {
        (item, generator(source, item, regime or evidence.PLAIN, arm, metric))
        for item, regime, arm, metric in rows
        if metric not in OWN
    }
    return sorted((item, *made) for item, made in found if made)


def competence(source, item: str, regime: str, name: str) -> dict[str, float | None]:
    """{condition: value} of a generator; None where its row is absent."""
    chapter = item.partition("/")[0]
    items = ITEMS.get(chapter, ())
    items = items if chapter in ALONE else (item, *items)
    return {
        condition: worst(condition, [_value(source, items, regime, name, m) for m in metrics])
        for condition, metrics in ROWS.items()
        if condition not in WITHOUT.get(chapter, ())
    }


def worst(condition: str, values: list[float | None]) -> float | None:
    """The value that misses its bounds most, or is nearest to one; None where there is none."""
    low, high = BOUNDS[condition]
    there = [x for x in values if x is not None]
    return max(there, key=lambda x: max(low - x, x - high), default=None)


def _value(source, items: tuple, regime: str, name: str, metric: str) -> float | None:
    """Mean of a row in the first item that has it, over real images where that is the scale."""
    for item in items:
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


def in_words(conditions: Iterable[str]) -> list[str]:
    """Conditions as a reader knows them."""
    return ["end of training" if each == "plateau" else each for each in conditions]


def failures(found: dict[str, float | None]) -> list[str]:
    """What a generator misses, as "coverage 0.71 below 0.8"; a plateau in words."""
    missed = []
    for condition, value in found.items():
        low, high = BOUNDS[condition]
        if condition == "plateau" and value is not None and value < low:
            missed.append(CHANGING)
        elif value is not None and value < low:
            missed.append(f"{condition} {apart(value, low)} below {number(low)}")
        if value is not None and value > high:
            missed.append(f"{condition} {apart(value, high)} above {number(high)}")
    return missed


def apart(value: float, bound: float) -> str:
    """A value that misses a bound, with three digits or as many as tell the two apart."""
    digits = range(3, 18)
    return next(found for d in digits if (found := f"{value:.{d}g}") != f"{bound:.{d}g}")


def judge(source, leaf: dict, rows: list[tuple]) -> dict:
    """{"failed": {generator: what it misses}, "unknown": {generator: conditions without a row}}.

    A generator is named with its regime, unless that is the plain one.
    """
    failed, unknown = {}, {}
    for item, regime, made_by in generators(source, leaf, rows):
        found = competence(source, item, regime, made_by)
        name = made_by if regime in ("", evidence.PLAIN) else f"{made_by} in {regime}"
        missed = failures(found)
        absent = [condition for condition, value in found.items() if value is None]
        if missed:
            failed[name] = missed
        elif absent:
            unknown[name] = absent
    return {"failed": failed, "unknown": unknown}
