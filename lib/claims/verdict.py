"""The verdict rules and their wording: pure functions of numbers, no files, no rows.

A difference `delta` is always in the claim's direction: positive means "as the paper says". p is
two-sided, p_equal that of two one-sided tests for "within the margin"; both are times what parts,
looks and Holm ask for, so that 0.05 is the level everywhere, and None where nothing can be said.
The rules are read from top to bottom and the first that applies is the verdict.
"""

import math
import re

REPRODUCED = "reproduced on phantoms"
DIRECTION = "direction reproduced"
PARTLY = "partly reproduced"
NO_EFFECT = "no meaningful effect"
REVERSED = "not reproduced (reversed)"
FALLEN = "not reproduced"
INCONCLUSIVE = "inconclusive"
UNTESTABLE = "not testable here"
MEASURED = "measured (ours)"
CONSISTENT = "arithmetic: consistent"
INCONSISTENT = "arithmetic: inconsistent"
NOT_RUN = "not yet run"
NOT_INTERPRETED = "not interpreted: the generator is not competent here"

POSITIVE = (REPRODUCED, DIRECTION, PARTLY)
AGAINST = (NO_EFFECT, FALLEN, REVERSED)
EMPIRICAL = (*POSITIVE, *AGAINST, INCONCLUSIVE, MEASURED)
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
FEWEST = 4  # draws at the first look: below it nothing is decided, and all is exploratory
ALPHA = 0.05
ACRONYMS = ("FLAIR PET SIIM CANDID RSNA CheXpert", "AUC SSIM PSNR LPIPS FD KID ECE JSD KLD",
            "VAE HVAE dHVAE LDM LSGAN")  # fmt: skip
SPELLED = {word.lower(): word for word in " ".join(ACRONYMS).split()} | {"pavae": "PA-VAE"}
NAME = re.compile(rf"(?<![\w/])({'|'.join(SPELLED)})(?![\w/])")
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
    "forbidden_energy": 0.05,  # a share, 0 for true lesions
    "psnr": 0.1,  # dB
    "elbo": 1.0,  # nats per image
    "sd_log": math.log(1.1),  # log ratio of standard deviations
    "gain_share": 0.1,  # of the oracle's gain
}
# Equality within the margin would need some hundred draws: it is shown within these instead.
WIDER = {"dice": 0.03, "dice_all": 0.03}


def margin_of(metric, kind="difference"):
    """The margin fixed for a metric: a number or a rule; a metric not listed takes 10 %."""
    rule = MARGINS.get(metric, TEN_PERCENT)
    return WIDER.get(metric, rule) if kind == "equivalence" else rule


def equal_within(metric, margin, paper_effect=None):
    """The margin inside which a difference counts as none: WIDER where the paper's effect is at
    least twice that, so that half of it stays outside; else the margin itself."""
    wider = WIDER.get(metric, margin)
    return max(margin, wider) if (paper_effect or 0) >= 2 * wider else margin


def hardest(paper_effect):
    """The largest of a paper's printed effects: a number, {place: number} or None."""
    return max(paper_effect.values()) if isinstance(paper_effect, dict) else paper_effect


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


def clear(p):
    """Whether a p is there and below the level."""
    return p is not None and p < ALPHA


def verdict(delta, p, p_equal, margin, paper_effect=None):
    """Verdict of a superiority claim from its mean paired difference."""
    if clear(p) and delta > 0:
        return REPRODUCED if delta >= max(margin, (paper_effect or 0) / 2) else DIRECTION
    if clear(p_equal):
        return NO_EFFECT
    return REVERSED if clear(p) and delta < 0 else INCONCLUSIVE


def verdict_noninferior(delta, p, margin):
    """Verdict of "at least not worse by the margin"; p tests the difference against -margin."""
    if not clear(p):
        return INCONCLUSIVE
    return REPRODUCED if delta > -margin else REVERSED


def verdict_equivalent(p_equal, p_apart):
    """Verdict of "no difference that counts"; p_apart: that it lies beyond the margin."""
    if clear(p_equal):
        return REPRODUCED
    return REVERSED if clear(p_apart) else INCONCLUSIVE


def verdict_trend(p, p_reversed, tau, steps, ends, margin, paper_effect=None):
    """Verdict of a ranking.

    p, p_reversed: Page's test for the claimed and the opposite order. steps: verdicts of the
    adjacent pairs, each {"verdict", "fallen"} (reversed or none, at the level over their number).
    ends: last minus first arm, {"mean", "verdict"}.
    """
    in_order = clear(p) and tau >= AGREEMENT
    if in_order and all(step["verdict"] in POSITIVE for step in steps):
        enough = ends["mean"] >= max(margin, (paper_effect or 0) / 2)
        return REPRODUCED if enough else DIRECTION
    if all(pair["verdict"] == NO_EFFECT for pair in [*steps, ends]):
        return NO_EFFECT
    if clear(p_reversed) and tau <= -AGREEMENT:
        return REVERSED
    if any(step["fallen"] for step in steps):
        return FALLEN
    return PARTLY if in_order else INCONCLUSIVE


def verdict_bound(ci, lo=None, hi=None):
    """Verdict of "the value lies between lo and hi" (either may be None) from its interval."""
    lo, hi = -math.inf if lo is None else lo, math.inf if hi is None else hi
    if lo <= ci[0] and ci[1] <= hi:
        return REPRODUCED
    return REVERSED if ci[1] < lo or ci[0] > hi else INCONCLUSIVE


def verdict_parts(verdicts, fallen):
    """Verdict of a claim that needs all of its parts, from theirs.

    fallen: whether each part is reversed or shown to be nothing at the level over their number. All
    positive: the weakest. All without meaningful effect: that. More than half reversed: reversed.
    Any fallen: not reproduced. Any not interpreted: that. At least half positive and none against
    the claim: partly. Anything else is inconclusive.
    """
    holds = [v in POSITIVE for v in verdicts]
    if all(holds):
        return max(verdicts, key=POSITIVE.index)
    if all(v == NO_EFFECT for v in verdicts):
        return NO_EFFECT
    if 2 * sum(v == REVERSED for v in verdicts) > len(verdicts):
        return REVERSED
    if any(fallen):
        return FALLEN
    if NOT_INTERPRETED in verdicts:
        return NOT_INTERPRETED
    turned = any(v in (REVERSED, FALLEN) for v in verdicts)
    return PARTLY if 2 * sum(holds) >= len(verdicts) and not turned else INCONCLUSIVE


def demote(name, replicates, planned=FEWEST):
    """The verdict as it may be printed: marked exploratory before the first look.

    Counts that no seed can change are planned with one replicate, and then one is enough.
    """
    small = name in EMPIRICAL and replicates < min(FEWEST, planned)
    return EXPLORATORY + name if small else name


def base(name):
    """The verdict without its exploratory mark."""
    return name.removeprefix(EXPLORATORY)


def short(name):
    """The verdict of a part, without its reason."""
    return name.partition(":")[0]


def attribution(intervals):
    """holds / vanishes / untested from {control arm: 95 % CI of the difference, or None}."""
    if not intervals or any(ci is None for ci in intervals.values()):
        return UNTESTED
    return HOLDS if all(above(ci) for ci in intervals.values()) else VANISHES


def as_measured(sentence):
    """A sentence without the words of reproduction, for quantities that no paper printed."""
    plain = [
        (REVERSED, "does not hold"),
        (FALLEN, "does not hold"),
        (PARTLY, "partly"),
        (DIRECTION, "holds, below the margin"),
        (REPRODUCED, "holds"),
        (APPEARS, "The contrast has the claimed sign"),
    ]
    for words, instead in plain:
        sentence = sentence.replace(words, instead)
    return sentence


# ---- wording ------------------------------------------------------------------------------------


def number(x):
    """Three significant digits; whole numbers from a thousand on."""
    return f"{x:.0f}" if abs(x) >= 1000 else f"{x:.3g}"


def interval(ci, n=1):
    """ "0.012 to 0.034" from n draws, or that there is none."""
    if ci is None:
        return "one draw: no interval" if n == 1 else "no interval"
    return f"{number(ci[0])} to {number(ci[1])}"


def figures(what, delta, ci95, p, n):
    """The numbers that stand in brackets behind a sentence."""
    p_text = "" if p is None else f", p={number(p)}"
    value = f"{spelled(what)} {number(delta)}"
    if ci95 is None and n == 1:
        return f"({value}{p_text}; {interval(None)})"
    return f"({value}, {'95 % CI ' if ci95 else ''}{interval(ci95, n)}{p_text}, R={n})"


def spelled(text):
    """Names of the record as one writes them: "flair: fd of dhvae" is "FLAIR: FD of dHVAE"."""
    return NAME.sub(lambda found: SPELLED[found[0]], text)


def wording(name, margin, paper_effect=None, equal=None):
    """The clause of a difference verdict, without its numbers."""
    m = number(margin)
    if name == REPRODUCED and paper_effect:
        return f"{APPEARS} and at least half its size"
    if name == DIRECTION and paper_effect:
        return f"Same direction, smaller than half the paper's {number(paper_effect)} or than {m}"
    return {
        REPRODUCED: f"{APPEARS}, beyond {m}",
        DIRECTION: f"Same direction, smaller than {m}",
        NO_EFFECT: f"Equivalent within {number(equal or margin)} on phantoms",
        REVERSED: "The opposite holds on phantoms",
        INCONCLUSIVE: "Undecided",
    }[name]
