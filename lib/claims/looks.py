"""When a claim is looked at: four looks, set beforehand, each with its own level.

Between two looks the verdict of the last one stands, and before the first there is none. With these
levels 5 of 100 empty claims find an effect by the last look; who asks for p < 0.05 after every draw
finds one in 17.
"""

import math
from collections.abc import Callable

from lib.claims.verdict import ALPHA, INCONCLUSIVE, PARTLY

DRAWS = 10  # at the last look, unless a claim plans more
SHARES = (0.4, 0.6, 0.8, 1.0)  # of the draws at the last look
LAST = 0.0379  # level of p at the last look; before it LAST (n / last)^3, like O'Brien and Fleming


def looks(planned: int) -> tuple[int, ...]:
    """Numbers of draws at which a claim is looked at; a count, planned with one draw, at once."""
    if planned == 1:
        return (1,)
    return tuple(round(share * max(planned, DRAWS)) for share in SHARES)


def level(n: int, planned: int) -> float:
    """The level of p at the look after n draws; 0.05 for what is planned with one."""
    return ALPHA if planned == 1 else LAST * (n / looks(planned)[-1]) ** 3


def weight(n: int, planned: int) -> float:
    """What p is multiplied by at a look, so that 0.05 is its level."""
    return ALPHA / level(n, planned)


def reached(n: int, planned: int) -> tuple[int, ...]:
    """The looks that n draws allow."""
    return tuple(look for look in looks(planned) if look <= n)


def decide(n: int, planned: int, at: Callable[..., dict]) -> tuple[dict, int | None]:
    """What a test finds at the look at which its verdict falls, or at the last; and that look.

    at(draws, weight) gives the outcome of so many draws, with "verdict". Before the first look it
    is asked about all draws with an infinite weight, and the look is None. A partial verdict stands
    until a later look says more.
    """
    last, partly = (at(None, math.inf), None) if not reached(n, planned) else None, None
    for look in reached(n, planned):
        last = at(look, weight(look, planned)), look
        if last[0]["verdict"] == PARTLY:
            partly = partly or last
        elif last[0]["verdict"] != INCONCLUSIVE:
            return last
    return partly or last


def state(look: int | None, n: int, planned: int, decided: bool) -> str:
    """The sentence that says at which look a verdict fell, or how far the draws reach."""
    each = looks(planned)
    if each == (1,):
        return ""
    if look is None:
        return f"No look yet: R={n}, the first is at R={each[0]}."
    if decided:
        return f"It fell at the look R={look}."
    later = [each_look for each_look in each if each_look > look]
    return f"Looked at last at R={look}" + (f", next at R={later[0]}." if later else ", for good.")
