"""How many draws would decide: a need is {"R": draws for 80 % power, "for": whether they would
speak for the claim}, or None where one draw tells no spread. And what these draws cost.

Pilot numbers only: mean and SD of the draws that are there. `factor` is what p is multiplied by.
"""

import math
from collections.abc import Iterable
from statistics import NormalDist

from lib.claims.verdict import ALPHA, number

POWER = 0.8
MOST = 1000  # a larger need is given as this
Z = NormalDist().inv_cdf


def replicates_needed(sd: float, effect: float, factor: float = 1.0) -> int:
    """Replicates for 80 % power of a two-sided paired t at 0.05 / factor (Holm's multiplier).

    ((z_alpha + z_power) sd / effect)^2 + z_alpha^2 / 2, the normal approximation with its
    correction for an estimated SD; at most MOST.
    """
    return _draws(sd, effect, 1 - ALPHA / (2 * max(factor, 1.0)), POWER)


def equal_needed(sd: float, room: float, factor: float = 1.0) -> int:
    """Replicates for 80 % power of two one-sided tests; room: the margin less the difference."""
    return _draws(sd, room, 1 - ALPHA / max(factor, 1.0), (1 + POWER) / 2)


def _draws(sd: float, effect: float, level: float, power: float) -> int:
    if level >= 1:  # no look allows it
        return MOST
    if sd == 0:  # equal values: p is 2^(1-R)
        return 1 + math.ceil(-math.log2(1 - level))
    if effect <= 0:
        return MOST
    root = (Z(level) + Z(power)) * sd / effect
    return MOST if root**2 > MOST else min(MOST, math.ceil(root**2 + Z(level) ** 2 / 2))


def need(draws: float, speaks_for: bool) -> dict:
    return {"R": int(min(MOST, draws)), "for": bool(speaks_for)}


def of_difference(mean: float, sd: float | None, equal: float, factor: float) -> dict | None:
    """Of a difference, which may be shown, turned round, or shown to be nothing."""
    if sd is None:
        return None
    shown = need(replicates_needed(sd, abs(mean), factor), mean > 0)
    nothing = need(equal_needed(sd, equal - abs(mean), factor), False)
    return min(shown, nothing, key=lambda each: each["R"])


def of_gain(mean: float, sd: float | None, factor: float) -> dict | None:
    """Of an oracle's gain that is not clear of zero yet, without which there is no share of it."""
    return None if sd is None else need(_draws(sd, mean, 1 - ALPHA / (2 * factor), POWER), True)


def of_noninferiority(mean: float, sd: float | None, margin: float, factor: float) -> dict | None:
    gap = mean + margin
    return None if sd is None else need(replicates_needed(sd, abs(gap), factor), gap > 0)


def of_equivalence(mean: float, sd: float | None, margin: float, factor: float) -> dict | None:
    room = margin - abs(mean)
    if sd is None:
        return None
    if room > 0:
        return need(equal_needed(sd, room, factor), True)
    return need(replicates_needed(sd, -room, factor), False)


def of_bound(mean: float, sd: float | None, lo: float | None, hi: float | None, factor: float):
    """Of a value between two ends: the nearer one decides inside, the one it is beyond outside."""
    gap = min(math.inf if lo is None else mean - lo, math.inf if hi is None else hi - mean)
    return None if sd is None else need(replicates_needed(sd, abs(gap), factor), gap > 0)


def of_spread(log_ratio: float, margin: float, arms: int, factor: float) -> dict:
    """Of the log ratio of an SD to another (arms = 2) or a number (1): var(log SD) = 1 / 2(R-1)."""
    sd = math.sqrt(arms / 2)
    found = of_difference(log_ratio, sd, margin, factor)
    return need(found["R"] + 1, found["for"])


def of_cells(needs: Iterable[dict | None], threshold: float) -> dict | None:
    """Of a share of cells: so many that the claimed share of them is decided."""
    each = sorted((one for one in needs if one is not None), key=lambda one: one["R"])
    return each[min(int(threshold * len(each)), len(each) - 1)] if each else None


def of_all(needs: Iterable[dict | None], strict: Iterable[dict | None]) -> dict | None:
    """Of a claim that needs all of its undecided parts; strict: their needs at the level over their
    number. The first part that would fall decides, else the last that would hold."""
    falling = [each for each in strict if each is not None and not each["for"]]
    if falling:
        return min(falling, key=lambda each: each["R"])
    holding = [each for each in needs if each is not None]
    return max(holding, key=lambda each: each["R"]) if holding else None


def price(found: dict | None, n: int, plan: tuple[int, ...], minutes: float | None) -> dict:
    """Of an undecided claim with n draws: the R it needs, or of the next look where one draw tells
    no spread; core-minutes of the draws up to there, at most; the next look, None after the last.

    `plan` are its looks, `minutes` what one draw costs at most, None where that is not known.
    """
    look = next((each for each in plan if each > n), None)
    draws = max(found["R"] if found else look or 0, n + 1)
    cost = None if minutes is None else math.ceil((draws - n) * minutes)
    return {"R": draws, "minutes": cost, "look": look}


def sentence(found: dict | None, n: int, plan: tuple[int, ...], priced: dict) -> str:
    """What an undecided claim needs, or that it cannot be decided here; and its `price`."""
    draws, cost, look = priced["R"], priced["minutes"], priced["look"]
    to_look = ""
    if found is None:
        text = "One draw cannot tell how many would decide."
        to_look = f" up to the {'first' if n < plan[0] else 'next'} look" if look else ""
    elif draws > plan[-1]:
        more = " or more" if draws >= MOST else ""
        text = f"Cannot be decided here: needs about R={number(draws)}{more}."
    else:
        text = f"It would need about R={draws}."
    if cost is None:
        return f"{text} The record has no time of a draw."
    what = f"{draws - n:,} more draw{'s' * (draws > n + 1)}{to_look} cost{'s' * (draws == n + 1)}"
    return f"{text} {what} at most {cost:,} core-minute{'s' * (cost != 1)}."
