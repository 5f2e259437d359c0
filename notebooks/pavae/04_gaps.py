# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Why PA-VAE stays below its oracle: one defect at a time
#
# - fresh phantoms get one defect of generated images at a time, and one defect of PA-VAE is mended;
# - spectra, detail, noise and variety say how much of each defect PA-VAE has;
# - the AUC that a defect costs on fresh phantoms says how much of the gap it explains, alone.
#
# Nothing here shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
root = ""
draws = ""

# %%
import numpy as np

from lib import jobs
from lib.metrics import sharpness
from lib.metrics.inference import paired_t
from lib.papers.pavae import diagnostics
from lib.papers.pavae.diagnostics import GAPS
from lib.report import plots
from lib.report.page import Page
from lib.report.rows import NONE, interval

page = Page("pavae/04_gaps", profile, seed, dataset, root, draws)
study = page.study
ARMS = study.arms | GAPS

# %% [markdown]
# ## The arms
#
# The oracle adds fresh phantoms. PA-VAE's samples differ from those in several ways at once. To tell
# the ways apart, fresh phantoms get *one* of them at a time, and everything else stays perfect:
#
# | arm | fresh phantoms, but | chosen |
# |---|---|---|
# | without sensor noise | unlimited photons | beforehand |
# | blurred | Gaussian of one pixel | beforehand |
# | one place | every opacity in the middle of its lung | beforehand |
# | wrong labels | a share of the labels replaced | beforehand |
# | as blurred as PA-VAE | a Gaussian that leaves as much detail as PA-VAE's samples have | **afterwards**, when a first PA-VAE's spectrum had been seen: exploratory |
# | large and plain | radius and contrast from the upper quarter of their range | **afterwards**, when its adherence had been seen: exploratory |
#
# And one defect is *mended*: samples already are draws about the decoded means, with noise estimated
# from the training images; white noise is added to PA-VAE's until they reach the level of real images.
# Noise can also help by itself, as regularisation, so the standard VAE gets the same (**afterwards**).
#
# The rows of this page stand among those of [04_diagnostics](04_diagnostics.py).

# %%
rows = page.run_into("pavae/04_diagnostics")
at = rows["bare"]
R = page.counted(rows, "oracle_blurred", "auc")

# %% [markdown]
# ## What each defect costs
#
# *Cost*: AUC of the oracle minus that of the arm with the defect, draw by draw, same subjects. The
# *gap* to explain: AUC of the oracle minus PA-VAE's.

# %%
DEFECTS = {  # arm: (name, how it is measured, metrics whose mean that is, is a dose above 1 cut?)
    "oracle_noiseless": ("no noise", "noise level", ("noise_level",), True),
    "oracle_blurred": ("blur of a pixel", "detail", ("detail",), False),
    "oracle_soft": ("PA-VAE's own blur", "detail", ("detail",), True),
    "oracle_one_place": ("one place", "spread along", ("spread place along",), True),
    "oracle_plain": ("large, plain opacities", "coverage of looks", ("coverage_look",), True),
    "oracle_mislabelled": ("wrong labels", "adherence", ("adherence",), False),
}
BEST, GAP = (float(at.gain("oracle", arm).mean()) for arm in ("real", "pavae"))
print(f"oracle's gain over real-only {BEST:+.3f}, of which PA-VAE leaves a gap of {GAP:.3f}")
FOREST = ("stylegan", "vae", "vae_noise", "memoriser", "smooth", "template", "pavae", "pavae_noise")
forest = [ARMS[name] for name in (*FOREST, *DEFECTS, "oracle") if at.has(name, "auc")]
there = [name for name in DEFECTS if at.has(name, "auc")]


# %%
def share_of(arm) -> dict:
    """Gain over real-only as a share of the oracle's: draws over its mean gain, Fieller's ends."""
    gain = {key: d / BEST for key, d in at.lead(arm, "real", "auc").items()}
    found = at.fraction(arm, "auc") or {"lo": None, "hi": None}
    here = at.here("auc", arm, "real")
    return {"draws": gain, "role": arm.role, "here": here, "ends": (found["lo"], found["hi"])}


def lost(arm) -> dict:
    """AUC lost against the oracle."""
    here = at.here("auc", arm, "oracle")
    return {"draws": at.lead("oracle", arm, "auc"), "role": arm.role, "here": here}


# %%
caption = (
    f"Left: AUC gain over real-only as a share of the oracle's, {R}; dots: draws over the "
    "oracle's mean gain, bars: Fieller's 95 % intervals where the oracle's gain is clear of zero. "
    "Right: AUC lost by one defect on fresh phantoms, and PA-VAE's gap, with 95 % t-intervals. "
    "Chosen after results were seen: as blurred as PA-VAE, large and plain, the VAE with noise."
)

# %%
with page.figure(caption, 1, 2, figsize=(11, 4.9)) as (left, right):
    shares = {arm.label: share_of(arm) for arm in forest}
    plots.lines(left, shares, "AUC gain, share of the oracle's")
    dots = [value for line in shares.values() for value in line["draws"].values()]
    left.set(xlim=(min(dots) - 0.2, max(dots) + 0.2), title="0 real only, 1 oracle")
    left.axvline(0, color=plots.ROLES["baseline"], lw=0.8, ls="--")
    left.axvline(1, color=plots.ROLES["oracle"], lw=0.8, ls="--")
    costs = {ARMS[arm].label: lost(ARMS[arm]) for arm in (*there, "pavae")}
    plots.lines(right, costs, "AUC lost against the oracle, draw by draw")
    right.axvline(0, color=plots.ROLES["oracle"], lw=0.8, ls="--")
    right.set_title("fresh phantoms with one defect, and PA-VAE")
    plots.legend(left.figure)

# %% [markdown]
# **What to see.** Left: grey line real-only, green line oracle; wide bars are cut at the frame. Right:
# at zero a defect costs nothing; a negative cost says that fresh phantoms are *more* useful with it,
# as regularisation can be. The last bar is the gap.
#
# ## How much of each defect does PA-VAE have?
#
# ### Noise and detail
#
# The **spectrum** shows both: power by frequency, as a share of that of real images.

# %%
DRAWN = {"pavae": "#0072B2", "stylegan": "#CC79A7", "template": "#E69F00", "vae": "#56B4E9",
         "oracle_noiseless": "#999933", "oracle_blurred": "#882255",
         "oracle": "#009E73"}  # fmt: skip


def spectra() -> dict[str, np.ndarray]:
    """Power of each arm's images over that of the real ones, by draw (R, 33)."""

    def power(arm: str, k: int) -> np.ndarray:
        images = jobs.load(diagnostics.images(study, ARMS[arm], k)).arrays["image"]
        return sharpness.spectrum(images[: page.size.labelled])

    real = np.stack([power("real", k) for k in study.draws()])
    return {arm: np.stack([power(arm, k) for k in study.draws()]) / real for arm in DRAWN}


ratio = page.panel("spectra", spectra)

# %%
n = len(ratio["oracle"])
caption = (
    "Power of each pool by frequency over that of the real images, one line for each of "
    f"{n} draw{'s' * (n > 1)} computed for this page; grey: the band called detail."
)

# %%
with page.figure(caption, name="spectrum", figsize=(7.5, 4)) as ax:
    for arm, colour in DRAWN.items():
        for k, line in enumerate(ratio[arm]):
            label = None if k else ARMS[arm].label
            ax.plot(np.arange(1, 33), line[1:], color=colour, lw=1.2, alpha=0.8, label=label)
    ax.axvspan(*sharpness.BAND, color="#BBBBBB", alpha=0.3, lw=0)
    ax.axhline(1, color="black", lw=0.6)
    ax.set(xscale="log", yscale="log", ylim=(1e-3, 3))
    ax.set_xticks([1, 2, 4, 8, 16, 32], [1, 2, 4, 8, 16, 32])
    ax.set(xlabel="cycles per image", ylabel="power, share of real images'")
    ax.legend(fontsize=7, loc="lower left")

# %% [markdown]
# **What to see.** Noise alone changes the right of the picture (more than about 12 cycles). Blur
# bends a curve down from further left. The grey band, wavelengths of about 5 to 11 pixels, holds ribs,
# vessels and the borders of opacities, and hardly any noise: the power in it (geometric mean, so that
# each frequency counts alike) is our *detail*. The noise level is a reading of the highest
# frequencies (a difference of two Laplacians), so a blurred image reads as noiseless too.


# %%
def relative(arm: str, metric: str) -> str:
    """A measure as a share of the oracle's in the same draws."""
    if not (at.has(arm, metric) and at.has("oracle", metric)):
        return NONE
    own, fresh = at.together([arm, "oracle"], metric)
    return interval(own / fresh)


looked = [arm for arm in diagnostics.looked(study) if at.has(arm, "detail")]
page.table(
    ["arm", "R", "noise level, grey units", "detail, share of the oracle's"],
    [[a.label, at.count(a, "detail"), at.cell(a, "noise_level"), relative(a.name, "detail")]
     for a in looked],
)  # fmt: skip
if at.has("oracle_soft", "sigma"):
    print("blur that takes as much detail as PA-VAE lacks:", at.cell("oracle_soft", "sigma"), "px")

# %% [markdown]
# ### Variety of places and looks
#
# The reader of attributes ([04_diagnostics](04_diagnostics.py)) sees where opacities sit and how they
# look. The line *as blurred as PA-VAE* is a control of the reader: those phantoms have all places and
# all looks, so whatever it misses there is due to the blur, and PA-VAE may miss as much without fault.

# %%
VARIETY = {"spread place across": "spread across", "spread place along": "spread along",
           "coverage_place": "coverage of places", "coverage_look": "coverage of looks"}  # fmt: skip
varied = [ARMS[name] for name in ("oracle", *diagnostics.VARIED, "pavae")]
page.table(
    ["arm", *VARIETY.values()],
    [[a.label, *(at.cell(a, m) for m in VARIETY)] for a in varied if at.has(a, "coverage_look")],
)

# %% [markdown]
# ### The dose
#
# The *dose* puts all on one scale: 0 is a fresh phantom, 1 the arm that has the defect.
#
# $$\text{dose} = \frac{\text{fresh} - \text{PA-VAE}}{\text{fresh} - \text{arm with the defect}}$$

# %%
def measured(arm: str) -> np.ndarray:
    """Fresh phantoms, the arm and PA-VAE: means over the draws that all have; NaN without any."""
    trio, metrics = ("oracle", arm, "pavae"), DEFECTS[arm][2]
    if not all(at.has(each, metric) for each in trio for metric in metrics):
        return np.full(3, np.nan)
    return np.mean([at.together(trio, metric).mean(1) for metric in metrics], axis=0)


def dose(arm: str) -> float:
    """How much of an arm's defect PA-VAE has: 0 none, 1 as much as the arm; NaN: unmeasurable."""
    fresh, bad, ours = measured(arm)
    if not fresh - bad > 0:
        return 0.0 if ours >= fresh else np.nan
    found = (fresh - ours) / (fresh - bad)
    return min(1.0, found) if DEFECTS[arm][3] else found


# %% [markdown]
# ### What a defect explains


# %%
def explains(arm: str) -> tuple[str, float]:
    """What a defect alone explains of the gap, in words, and as a share (NaN: cannot be said)."""
    amount, cost = dose(arm), float(at.gain("oracle", arm).mean())
    if np.isnan(amount):
        return "not measurable at this size", np.nan
    if amount < 0.1:
        return "nothing: PA-VAE does not have it", 0.0
    if amount > 1.1 and cost > 0:
        return "not said: PA-VAE has more of it than this arm", np.nan
    if cost <= 0 or GAP <= 0:
        return "nothing: it costs nothing on fresh phantoms", 0.0
    return f"at most {cost / GAP:.0%} of the gap", cost / GAP

# %%
def defect_line(arm: str) -> list[str]:
    """One line of the table of defects."""
    name, how, *_ = DEFECTS[arm]
    numbers = ", ".join(f"{value:.3g}" for value in measured(arm))
    has = f"{dose(arm):.2f} ({how}: fresh, arm, PA-VAE = {numbers})"
    return [name, has, interval(at.gain("oracle", arm), sign="+"), explains(arm)[0]]

# %%
head = ["defect", "dose in PA-VAE (measured how)", "AUC it costs on fresh phantoms"]
page.table([*head, "so alone it explains"], [defect_line(arm) for arm in there])

# %% [markdown]
# *Alone*: as the only defect, and provided that less of it costs no more. Do not add up the lines
# (blur takes noise away too); and defects may act *together*, which the mended arm below tests. A
# dose of variety is what the reader sees, partly an effect of blur on the reader. Doses are means
# over draws; draws differ:

# %%
BY_DRAW = {"best_epoch": "best epoch", "detail": "detail", "spread place across": "spread across",
           "spread place along": "spread along", "adherence": "adherence"}  # fmt: skip
gains = {"AUC gain": at.lead("pavae", "real", "auc"), "gap": at.lead("oracle", "pavae", "auc")}
each = {name: at.draws("pavae", metric) for metric, name in BY_DRAW.items() if at.has("pavae", metric)}
page.table(
    ["draw", *each, *gains],
    [[key, *(f"{each[name][key]:.3g}" if key in each[name] else NONE for name in each),
      *(f"{gain[key]:+.3f}" if key in gain else NONE for gain in gains.values())]
     for key in at.draws("pavae", "auc")],
)  # fmt: skip

# %% [markdown]
# ## Mended, and others with the same eight hundred images
#
# More comparisons bear on the gap: PA-VAE and the standard VAE with noise restored, and what noise is
# worth on fresh phantoms; blurred copies, which hold no new subject; and the template baseline, which
# knows the same labelled images (with masks) as PA-VAE and no more. Where the template leads, the gap
# is not for want of information.

# %%
PAIRS = (("pavae_noise", "pavae"), ("vae_noise", "vae"), ("oracle", "oracle_noiseless"),
         ("smooth", "pavae"), ("template", "pavae"))  # fmt: skip
change = {pair: at.gain(*pair) for pair in PAIRS if all(at.has(arm, "auc") for arm in pair)}
page.table(["pair", "R", "AUC difference"], [
    [f"{ARMS[a].label} minus {ARMS[b].label}", len(d), interval(d, sign="+")]
    for (a, b), d in change.items()
])  # fmt: skip

# %%
share = {arm: explains(arm)[1] for arm in there}
known = {arm: part for arm, part in share.items() if part > 0}
absent = [DEFECTS[arm][0] for arm in there if dose(arm) < 0.1]
harmless = [DEFECTS[a][0] for a in there if dose(a) >= 0.1 and at.gain("oracle", a).mean() <= 0]
some = GAP > 0 and BEST > 0
text = [f"PA-VAE leaves {GAP / BEST:.0%} of the oracle's gain." if some else "There is no gap."]
text += [f"It does not have: {', '.join(absent)}."] if absent else []
text += [f"It has, at no cost on fresh phantoms: {', '.join(harmless)}."] if harmless else []

# %%
if known:
    arm = max(known, key=known.get)
    most = f"{DEFECTS[arm][0]}: {min(known[arm], 1):.0%} of the gap"
    text += [f"The costliest it has, as an only defect, is {most}."]

# %%
if some and max(known.values(), default=0) < 0.5:
    text += ["None of these defects alone accounts for half of the gap."]
print("\n".join(text) if at.count("pavae", "auc") > 1 else "one draw: no reading")

# %% [markdown]
# What the pairs say is read only where their intervals leave zero out.


# %%
def read(pair: tuple[str, str]) -> float:
    """Mean change of AUC where its 95 % interval leaves zero out; else 0."""
    found = paired_t(change[pair]) if pair in change else {"ci95": None}
    low, high = found["ci95"] or (0, 0)
    return found["mean"] if low * high > 0 else 0.0


mend, mend_vae, worth, _, template = (read(pair) for pair in PAIRS)
if not any(len(d) > 1 for d in change.values()):
    print("one draw: no reading")
elif not mend:
    print("Noise added to its samples: no change clear of zero.")
if template > 0:
    print("The template baseline, from the same images, does better: they hold what that takes.")

# %%
if mend:
    print(f"Noise added to its samples changes AUC by {mend:+.3f}.")
if mend > 0 and mend_vae > 0:
    print(f"The standard VAE gains {mend_vae:+.3f} by the same: in part such noise may work as")
    print("regularisation, not as repair.")
if 0 < worth < mend / 2:
    print(f"Lack of noise alone costs fresh phantoms {worth:+.3f}, less than half of that: defects act")
    print("together, and costs on perfect images are no bounds.")

# %%
if at.count("pavae_noise", "auc") < 5:
    print(f"With {R} all of this is exploratory.")

# %% [markdown]
# ## Implementation, open detail, or method?
#
# | defect | whose it is |
# |---|---|
# | too little noise in samples | the **method** as printed decodes means; whether samples should be drawn around them is an **open detail** (a Bernoulli likelihood on continuous pixels cannot be sampled as an image, PV-E18). Ours are draws; the means are arms of [table4_main](table4_main.py) |
# | blur | a Gaussian code and a pixel-wise likelihood blur, and β = 4 is the paper's (**method**). Width and depth of the network are ours where the paper gives none (**open detail, implementation**) |
# | place, size and contrast less varied than nature's | what is written into p(z\|y) is the **method**; its form is an **open detail** (PV-E12) |
# | caricatured opacities | the class loss rewards what the guide finds easy (**method**); how its weight counts against a sum over pixels, and on which data the guide was trained (PV-E14), are **open details** |
# | draws that differ | one stopping rule keeps one epoch by a distance in features; which features and which images is an **open detail** (PV-E07) |
#
# Other readings (guide terms at other scales, no class prior, another
# β, a guide of all labels, the last epoch instead of the best one) are arms of
# [table5_ablations](table5_ablations.py), most of them in profile `full` only.
#
# ## What must hold

# %%
if page.meaningful:
    clean, bad = (at.values(arm, "noise_level") for arm in ("oracle", "oracle_noiseless"))
    page.check("phantoms without sensor noise have less of it", bad.max() < clean.min())
    own, real = at.together(["pavae_noise", "real"], "noise_level")
    page.check("noise is restored", (abs(own / real - 1) < 0.2).all())
    soft, own = at.together(["oracle_soft", "pavae"], "detail")
    page.check("blurred phantoms have PA-VAE's detail", (abs(soft / own - 1) < 0.1).all())
    wrong, fresh = at.together(["oracle_mislabelled", "oracle"], "adherence")
    page.check("wrong labels are read as such", 0.8 < (wrong / fresh).mean() < 0.95)
    for arm, most in (("oracle_one_place", 0.6), ("oracle_plain", 0.7)):
        fresh, bad, _ = measured(arm)
        page.check(f"{ARMS[arm].label}: the reader sees it", not bad > most * fresh)

# %% [markdown]
# ## In this notebook we have
#
# - measured how much noise, detail and variety PA-VAE's samples lack;
# - priced defects one at a time on fresh phantoms, and asked which of them PA-VAE has;
# - mended one of them, and asked whether that is repair or regularisation.
#
# ## Exercises
#
# **1.** What share of the gap in AUC would be left if PA-VAE with noise added took PA-VAE's place?

# %%
answer = None  # your number
page.exercise(answer, lambda: at.gain("oracle", "pavae_noise").mean() / GAP, within=0.01)

# %% [markdown]
# **2.** White noise of SD 0.03 is added to images whose own noise has SD 0.04. What is the SD of both
# together?

# %%
answer = None  # your number
page.exercise(answer, lambda: float(np.hypot(0.03, 0.04)), within=1e-6)

# %%
page.close()
