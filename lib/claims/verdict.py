"""The verdict rules and their wording: pure functions of numbers, no files, no rows.

A difference `delta` is always in the claim's direction: positive means "as the paper says".
Intervals are (lo, hi) or None when there is only one replicate; p is two-sided, Holm-adjusted for
core claims. The rules are read from top to bottom and the first that applies is the verdict.
"""

import math
from statistics import NormalDist

REPRODUCED = "reproduced on phantoms"
DIRECTION = "direction reproduced"
PARTLY = "partly reproduced"
NO_EFFECT = "no meaningful effect"
REVERSED = "not reproduced (reversed)"
INCONCLUSIVE = "inconclusive"
UNTESTABLE = "not testable here"
MEASURED = "measured (ours)"
CONSISTENT = "arithmetic: consistent"
INCONSISTENT = "arithmetic: inconsistent"
NOT_RUN = "not yet run"
NOT_INTERPRETED = "not interpreted: condition adherence below 0.85"

POSITIVE = (REPRODUCED, DIRECTION, PARTLY)
EMPIRICAL = (*POSITIVE, NO_EFFECT, REVERSED, INCONCLUSIVE, MEASURED)
VERDICTS = (*EMPIRICAL, UNTESTABLE, CONSISTENT, INCONSISTENT, NOT_RUN, NOT_INTERPRETED)
HOLDS, VANISHES, UNTESTED = "holds", "vanishes", "untested"
REASONS = {
    "U": "the paper does not define it",
    "D": "it needs patient data",
    "H": "it needs human experts",
    "S": "it needs a scale that does not fit here",
}
EXPLORATORY = "exploratory: "
APPEARS = "On synthetic phantoms the effect appears with the paper's sign"
FEWEST = 5  # below this many replicates a verdict is exploratory at most
ALPHA = 0.05
AGREEMENT = 0.6 - 1e-9  # Kendall tau of a ranking that is called the same, less rounding

TEN_PERCENT = {"relative": 0.1}
DISTANCE = {"relative": 0.1, "null_sd": 2}
DIVERGENCE = {"null": 2}
# The smallest effect that counts. The first block is the standard of the whole project; the second
# block was set by us, metric by metric, before any run.
MARGINS = {
    **dict.fromkeys(["auc", "auc_ovr", "dice", "dice_all", "ece", "ece_debiased", "brier"], 0.01),
    **dict.fromkeys(["f1", "f1_tuned", "f1_macro", "f1_macro_tuned", "f1_rare"], 0.02),
    **dict.fromkeys(["sens95", "c2st_auc"], 0.03),
    **dict.fromkeys(["fd", "fd2", "kid", "lesion_kid"], DISTANCE),
    **dict.fromkeys(["jsd", "kld"], DIVERGENCE),
    "tau": 0.2,
    **dict.fromkeys(["spec95", "ssim", "auc_drop", "dice_range"], 0.01),
    **dict.fromkeys(["cos", "cos_centred", "pixel_ece"], 0.02),
    **dict.fromkeys(["adherence", "recall_minority", "pixel_auroc", "pointing"], 0.03),
    **dict.fromkeys(["mask_adherence", "label_adherence", "nn_share", "coverage"], 0.03),
    **dict.fromkeys(["overconfidence", "pixel_recall", "distance_auc", "quality"], 0.03),
    "psnr": 0.1,  # dB
    "elbo": 1.0,  # nats per image
    "sd_log": math.log(1.1),  # log ratio of standard deviations
}


def margin_of(metric):
    """The margin fixed for a metric: a number or a rule; a metric not listed takes 10 %."""
    return MARGINS.get(metric, TEN_PERCENT)


def margin_size(margin, control=None, null=None, null_sd=None):
    """A margin as a number.

    The rule {"relative": r, "null_sd": k} is the larger of r times the control's mean and k times
    the SD of the real-split null where a row gives one; {"null": k} is k times the null itself.
    """
    if isinstance(margin, int | float):
        return float(margin)
    sizes = []
    if "relative" in margin and control is not None:
        sizes.append(margin["relative"] * abs(control))
    if "null_sd" in margin and null_sd is not None:
        sizes.append(margin["null_sd"] * null_sd)
    if "null" in margin and null is not None:
        sizes.append(margin["null"] * null)
    if not sizes:
        raise ValueError(f"margin rule {margin} needs the control's mean or a null in the row")
    return float(max(sizes))


def margin_of_row(row):
    """The smallest effect that counts for the metric of a merged row, by its own mean and null."""
    rule = margin_of(row["metric"])
    if rule is DIVERGENCE and row["null"] is None:
        rule = TEN_PERCENT
    return margin_size(rule, row["mean"], row["null"], row["null_sd"])


def above(ci):
    """Whether an interval exists and lies above zero."""
    return ci is not None and ci[0] > 0


def inside(ci, lo, hi):
    """Whether an interval exists and lies inside (lo, hi)."""
    return ci is not None and lo < ci[0] and ci[1] < hi


def _clear(p):
    return p is not None and p < ALPHA


def verdict(delta, ci95, ci90, p, margin, paper_effect=None):
    """Verdict of a superiority claim from its mean paired difference."""
    if above(ci95) and _clear(p):
        return REPRODUCED if delta >= max(margin, (paper_effect or 0) / 2) else DIRECTION
    if inside(ci90, -margin, margin):
        return NO_EFFECT
    if ci95 is not None and ci95[1] < 0 and _clear(p):
        return REVERSED
    return INCONCLUSIVE


def verdict_noninferior(ci95, p, margin):
    """Verdict of "at least not worse by the margin"; p tests the difference against -margin."""
    if ci95 is None or not _clear(p):
        return INCONCLUSIVE
    if ci95[0] > -margin:
        return REPRODUCED
    return REVERSED if ci95[1] < -margin else INCONCLUSIVE


def verdict_equivalent(ci95, ci90, p, margin):
    """Verdict of "no difference that counts"; p is that of the two one-sided tests."""
    if inside(ci90, -margin, margin) and _clear(p):
        return REPRODUCED
    apart = ci95 is not None and (ci95[0] > margin or ci95[1] < -margin)
    return REVERSED if apart else INCONCLUSIVE


def verdict_trend(p, p_reversed, tau, steps, ends, margin, paper_effect=None):
    """Verdict of a ranking.

    p, p_reversed: Page's test for the claimed and the opposite order. steps: the adjacent pairs,
    ends: last minus first arm, each a dict with mean, ci95, ci90.
    """
    if _clear(p) and tau >= AGREEMENT:
        if not all(above(step["ci95"]) for step in steps):
            return PARTLY
        enough = ends["mean"] >= max(margin, (paper_effect or 0) / 2)
        return REPRODUCED if enough else DIRECTION
    if all(inside(pair["ci90"], -margin, margin) for pair in [*steps, ends]):
        return NO_EFFECT
    return REVERSED if _clear(p_reversed) and tau <= -AGREEMENT else INCONCLUSIVE


def verdict_bound(ci, lo=None, hi=None):
    """Verdict of "the value lies between lo and hi" (either may be None) from its interval."""
    lo, hi = -math.inf if lo is None else lo, math.inf if hi is None else hi
    if lo <= ci[0] and ci[1] <= hi:
        return REPRODUCED
    return REVERSED if ci[1] < lo or ci[0] > hi else INCONCLUSIVE


def verdict_parts(verdicts):
    """Verdict of a composite claim from those of its parts.

    All positive: the weakest of them. At least half positive and none reversed: partly. More than
    half reversed: reversed. All without meaningful effect: that. Anything else is inconclusive.
    """
    holds = [v in POSITIVE for v in verdicts]
    turned = [v == REVERSED for v in verdicts]
    if all(holds):
        return max(verdicts, key=POSITIVE.index)
    if 2 * sum(holds) >= len(verdicts) and not any(turned):
        return PARTLY
    if 2 * sum(turned) > len(verdicts):
        return REVERSED
    return NO_EFFECT if all(v == NO_EFFECT for v in verdicts) else INCONCLUSIVE


def demote(name, replicates, planned=FEWEST):
    """The verdict as it may be printed: marked exploratory below five replicates.

    Counts that no seed can change are planned with one replicate, and then one is enough.
    """
    small = name in EMPIRICAL and replicates < min(FEWEST, planned)
    return EXPLORATORY + name if small else name


def base(name):
    """The verdict without its exploratory mark."""
    return name.removeprefix(EXPLORATORY)


def attribution(intervals):
    """holds / vanishes / untested from {control arm: 95 % CI of the difference, or None}."""
    if not intervals or any(ci is None for ci in intervals.values()):
        return UNTESTED
    return HOLDS if all(above(ci) for ci in intervals.values()) else VANISHES


def as_measured(sentence):
    """A sentence without the words of reproduction, for quantities that no paper printed."""
    plain = [
        (REVERSED, "does not hold"),
        (PARTLY, "partly"),
        (DIRECTION, "holds, below the margin"),
        (REPRODUCED, "holds"),
        (APPEARS, "The contrast has the claimed sign"),
    ]
    for words, instead in plain:
        sentence = sentence.replace(words, instead)
    return sentence


def replicates_needed(sd, effect, factor=1.0):
    """Replicates for 80 % power of a two-sided paired t at 0.05 / factor (Holm's multiplier).

    ((z_alpha + z_power) sd / effect)^2 + z_alpha^2 / 2, the normal approximation with its
    correction for an estimated SD.
    """
    z = NormalDist().inv_cdf(1 - ALPHA / (2 * max(factor, 1.0)))
    return math.ceil(((z + NormalDist().inv_cdf(0.8)) * sd / effect) ** 2 + z**2 / 2)


# ---- wording ------------------------------------------------------------------------------------


def number(x):
    """Three significant digits; whole numbers from a thousand on."""
    return f"{x:.0f}" if abs(x) >= 1000 else f"{x:.3g}"


def interval(ci):
    """ "0.012 to 0.034", or the reason why there is none."""
    return "none from one draw" if ci is None else f"{number(ci[0])} to {number(ci[1])}"


def figures(what, delta, ci95, p, n):
    """The numbers that stand in brackets behind a sentence."""
    p_text = "" if p is None else f", p={number(p)}"
    return f"({what} {number(delta)}, 95 % CI {interval(ci95)}{p_text}, R={n})"


def wording(name, margin, paper_effect=None, needed=None):
    """The clause of a difference verdict, without its numbers."""
    m = number(margin)
    if name == REPRODUCED and paper_effect:
        return f"{APPEARS} and at least half its size"
    if name == DIRECTION and paper_effect:
        return f"Same direction, smaller than half the paper's {number(paper_effect)} or than {m}"
    return {
        REPRODUCED: f"{APPEARS}, beyond {m}",
        DIRECTION: f"Same direction, smaller than {m}",
        NO_EFFECT: f"Equivalent within {m} on phantoms",
        REVERSED: "The opposite holds on phantoms",
        INCONCLUSIVE: "Undecided" + (f"; would need about R={needed}" if needed else ""),
    }[name]
