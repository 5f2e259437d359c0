"""What the page of a claim's dial needs: levels of the looks and quantiles of t, from lib.claims.

The rules themselves stand in js/verdicts.js; tests hold them against `kinds.of_differences`.
"""

from collections.abc import Mapping

from scipy.special import stdtrit

from lib.claims import looks
from lib.claims import verdict as v
from lib.claims.rates import ARM, DICE, REAL
from lib.explore.host import Explorer

MOST = 40  # draws of the longest plan
PLANS = (10, 20, MOST)  # draws at the last look
NAMES = (v.REPRODUCED, v.DIRECTION, v.INCONCLUSIVE, v.NO_EFFECT, v.REVERSED)
ONCE = "once"  # the rule of who looks but once, after all draws
# {name: mean difference, its SD, margin and the paper's effect}, as in the simulation of the judge
PRESETS = {
    "AUC, the paper's size": {
        "effect": 0.08, "spread": (ARM**2 + REAL**2) ** 0.5, "margin": 0.01, "paper": 0.08,
    },
    "AUC, nothing there": {
        "effect": 0.0, "spread": (ARM**2 + REAL**2) ** 0.5, "margin": 0.01, "paper": 0.08,
    },
    "Dice, a small gain": {
        "effect": 0.02, "spread": DICE * 2**0.5, "margin": 0.01, "paper": 0.04,
    },
}  # fmt: skip


def look(n: int, level: float) -> dict[str, float]:
    """A look after n draws: its level of p, and the |t| beyond which p is below it: two-sided, and
    one-sided, as the two tests of "within the margin" ask."""
    two, one = (float(stdtrit(n - 1, 1 - level / sides)) for sides in (2, 1))
    return {"n": n, "level": level, "two": two, "one": one}


def rules() -> dict[str, list[dict[str, float]]]:
    """{planned draws: its looks}, and under ONCE a look at p < 0.05 after 2 to MOST draws each."""
    plans = {
        str(planned): [look(n, looks.level(n, planned)) for n in looks.looks(planned)]
        for planned in PLANS
    }
    return plans | {ONCE: [look(n, v.ALPHA) for n in range(2, MOST + 1)]}


def intervals() -> list[float | None]:
    """The t quantile of a 95 % interval by the number of draws, 0 to MOST; None below two."""
    return [None, None, *(float(stdtrit(n - 1, 0.975)) for n in range(2, MOST + 1))]


def explorer(colours: Mapping[str, str]) -> Explorer:
    """The dial; `colours` of verdicts by name."""
    data = {
        "rules": rules(), "interval": intervals(), "presets": PRESETS, "fewest": v.FEWEST,
        "verdicts": [{"name": name, "colour": colours[name]} for name in NAMES],
    }  # fmt: skip
    return Explorer("claim_dial", "A claim's dial", data, ["verdicts"], height=900)
