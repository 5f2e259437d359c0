# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Table II and Figure 5: do the lesions help a segmenter?
#
# - six arms in four regimes of learning, between real slices alone and an *oracle* that adds as many
#   fresh phantoms; beside them, copies, blurred copies and shuffled masks;
# - the paper's 32 contrasts, with Holm's correction, and its increments, which hardly depend on the
#   network;
# - Dice by size of the lesion, recall and calibration of pixels, few training subjects.
#
# Nothing here shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
root = ""
draws = ""

# %%
from itertools import pairwise

import numpy as np

from lib.claims.verdict import MARGINS
from lib.metrics.inference import holm, paired_t
from lib.papers.budget import SPARE
from lib.papers.pathosyn import looks, printed
from lib.papers.pathosyn.arms import FEWER, MAIN, SEGMENTERS, TABLE2, TRIED, chosen
from lib.report import lesions, plots
from lib.report.page import Page
from lib.report.rows import NONE, interval, number

page = Page("pathosyn/table2_segmentation", profile, seed, dataset, root, draws)
LABELS = {name: each.label for name, each in SEGMENTERS.items()}
SIX = chosen(*TABLE2)

# %% [markdown]
# ## What the paper prints
#
# > PathoSyn: Diff synthetic data leads to a consistent and statistically significant improvement
# > (p < 0.01) in all evaluated architectures [...], outperforming the "No Augmentation" baseline by an
# > absolute margin of +6.5%. (Section IV-E)
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | paired t-tests of an unknown unit, p < 0.01, many of them, no correction (PS-E09) | paired over training draws, each with its own subjects and seeds, shared by all arms; Holm over the 32 contrasts |
# | increments that hardly depend on the network (PS-E10) | shown below, and left at that |
# | "±" without saying over what (PS-E20) | the spread over training draws and that over test subjects, apart |
# | nnU-Net; "an identical 2D architecture and optimization pipeline" | *DynUNet (nnU-Net-style)*: its kind of network, same steps and batches in every arm |
# | the share of labels in the semi-supervised regime, and how an unsupervised network uses synthetic masks (PS-E21) | the masks of a tenth of the subjects, in the third and fourth column, and none of the others' in a pool; a contrastive U-Net of ours stands in for Contra-Seg |
# | how many slices are added (PS-E18), and on which anatomy (PS-E22) | as many in every arm, about one for each real one; the lesion of one slice on the healed anatomy of another |
# | the gain is largest for small tumours: a figure without sizes (PS-E24) | quartiles of the lesion area of the training slices; shares of the oracle's gain, since small lesions gain most from any image |
# | low-data use: no experiment (PS-E30) | a sweep over the number of training subjects |
#
# Below are the printed Dice, and what each line adds to the line above it:


# %%
def said(regime: str, arm: str, table: dict = printed.TABLE2) -> float:
    """The Dice of Table II, or from its twin the number after "±"."""
    return table[regime][arm]["dice"]


lines = [
    [arm.label, *(f"{said(r, arm.name):.3f} ± {said(r, arm.name, printed.TABLE2_SD):.3f}"
                  for r in SEGMENTERS)]
    for arm in SIX
]  # fmt: skip
page.table(["paper (patients)", *LABELS.values()], lines)
steps = {r: np.diff([said(r, arm) for arm in TABLE2]) for r in SEGMENTERS}
lines = [[f"{below.label} minus {above.label}", *(f"{steps[r][i]:+.3f}" for r in SEGMENTERS)]
         for i, (above, below) in enumerate(pairwise(SIX))]  # fmt: skip
page.table(["the increments", *LABELS.values()], lines)
spread = [x["dice"] for column in printed.TABLE2_SD.values() for x in column.values()]
print(f"SDs of the cells: {min(spread)} to {max(spread)}")
assert np.ptp([each[-1] for each in steps.values()]) < 1e-9, "the same in all four columns"

# %% [markdown]
# **What to see.** The last line is the same number four times, for networks that learn from all labels,
# from few or from none (PS-E10). Means that scatter as their SDs say would seldom agree so well;
# [00_claims](00_claims.py) puts a number on that. Values per patient or per seed would settle it.
#
# ## A toy: why small lesions gain most
#
# A disc of radius $r$ is found with radius $r + e$. Its Dice is
#
# $$D(r, e) = \frac{2 r^2}{r^2 + (r + e)^2}.$$
#
# Let better training halve the error at the rim, from one pixel to half a pixel, for every lesion alike:

# %%
r = np.array([2.0, 4, 8, 16])


def disc(e: float) -> np.ndarray:
    """Dice of discs of radius r whose rim is found e pixels too far out."""
    return 2 * r**2 / (r**2 + (r + e) ** 2)


found = {"Dice, one pixel off": disc(1), "Dice, half a pixel off": disc(0.5)}
found["relative gain"] = gain = disc(0.5) / disc(1) - 1
page.table(["radius, pixels", *map(number, r)], [[name, *map(number, x)] for name, x in found.items()])
page.check("the same rim gives small lesions the larger relative gain", (np.diff(gain) < 0).all())

# %% [markdown]
# So *any* improvement looks like "the most significant relative performance gain" on small tumours.
# One question remains: does PathoSyn reach a larger part of what fresh phantoms give on small lesions
# than on large ones?
#
# ## A toy: 32 contrasts
#
# Two arms of PathoSyn are compared with four others in four regimes. If there is nothing to find, how
# often is some p below 0.01? And with true differences of one SD of the paired differences, how often
# are all 32, with few draws and with many?

# %%
def all_below(effect: float, R: int, times: int = 200) -> tuple[float, float]:
    """Shares of studies with any p below 0.01, and with all 32 below it after Holm."""
    noise = np.random.default_rng(seed).normal(size=(times, 32, R))
    each, level = [[paired_t(d)["p"] for d in effect + x] for x in noise], printed.STATED["p"].value
    return np.mean([min(p) < level for p in each]), np.mean([max(holm(p)) < level for p in each])


lines = [[effect, R, *(f"{x:.0%}" for x in all_below(effect, R))]
         for effect, R in ((0, 5), (1, 5), (1, 10), (3, 10))]  # fmt: skip
page.table(["true difference, in SDs", "R", "any p < 0.01", "all 32, after Holm"], lines)

# %% [markdown]
# The printed pattern, 32 of 32, requires differences of several SDs of the paired differences.
#
# ## The run
#
# Every arm is a chain of stored jobs: training subjects, a generator that sees their lesion slices
# and no others, its pool, a segmenter, and its scores on the volumes of the test subjects. Where few
# subjects are labelled, a generator sees these alone: the masks of its pool are labels too.

# %%
rows = page.run()
there = {name: rows[name] for name in SEGMENTERS if name in rows}
if not there:
    page.text("*No draw yet: tables below are empty, figures and checks of rows left out.*")

# %% [markdown]
# ## Table II
#
# Dice of whole volumes, mean and 95 % t-interval over training draws. *Share* is the part of the
# oracle's gain that an arm reaches, with Fieller's interval. The paper reads a smaller "±" as
# stability; beside it are two spreads that it could be: over training draws, and over test subjects
# (PS-E20). The columns *paper (patients)* are another population: look at the order, not at the
# values.

# %%
HEAD = ["R", "Dice", "share of oracle's gain", "*paper (patients)*", "SD over draws",
        "SD over subjects", "*paper's ±*"]  # fmt: skip


def line(name: str, arm) -> list[str]:
    """One arm of a regime."""
    at, theirs = there[name], printed.TABLE2_SD[name].get(arm.name, {}).get("dice", NONE)
    found = at.values(arm, "dice")
    over = number(np.std(found, ddof=1)) if len(found) > 1 else NONE
    each = [at.cell(arm, "dice"), at.share(arm, "dice"), at.paper(arm, "dice")]
    return [arm.label, len(found), *each, over, at.cell(arm, "dice_sd"), f"*{theirs}*"]


plain = rows.get("unet")
others = [arm for arm in MAIN.values() if arm not in SIX and arm.name != "oracle"]
others = [arm for arm in others if plain.has(arm, "dice")]
for name, at in there.items():
    every = [arm for arm in (*SIX, *FEWER.values(), MAIN["oracle"]) if at.has(arm, "dice")]
    page.table([LABELS[name], *HEAD], [line(name, arm) for arm in every])
page.table([f"{LABELS['unet']}: arms beside them", *HEAD], [line("unet", arm) for arm in others])

# %%
most = max((at.count("pathosyn_diff", "dice") for at in there.values()), default=0)
caption = (
    "Table II: Dice of six arms and the oracle in four regimes; 95 % t-intervals over at most "
    f"R={most} training draws; cross: the paper, on patients."
)
if there:
    with page.figure(caption, 1, len(there), figsize=(13, 3.6), sharey=True) as axes:
        for ax, (name, at) in zip(axes, there.items(), strict=True):
            plots.forest(ax, at, (*SIX, MAIN["oracle"]), "dice", "Dice")
            ax.set_title(LABELS[name], fontsize=9)
        plots.legend(axes[0].figure)

# %% [markdown]
# **What to see.** The gap between *No augmentation* and *Oracle* is what that many fresh images of
# new subjects are worth; a method whose lesions are perfect but whose anatomies are the old ones can
# lie below it. The order of crosses and diamonds may be compared, but not their level. Spreads are
# compared with real slices that count as many networks as an arm (PS-21): a mean of more networks
# spreads less. An SD of few draws is known to a factor of two or three at best.
#
# ## What the gain is made of
#
# PathoSyn's Dice minus that of another arm of the U-Net, draw by draw. Copies bring no new lesion,
# blurred ones lose texture, and shuffled masks belong to other images: a gain that these match does
# not come from pathology.

# %%
caption = (
    "Dice of PathoSyn: Diff minus Dice of every other arm, U-Net, paired by training draw, with 95 % "
    "t-intervals; grey: the smallest difference that counts; cross: the paper, on patients."
)
rivals = [arm for arm in MAIN.values() if arm.name != "pathosyn_diff"]
if plain.has("pathosyn_diff", "dice"):
    with page.figure(caption, name="gain", figsize=(6.8, 5.6)) as ax:
        plots.differences(ax, plain, MAIN["pathosyn_diff"], rivals, "dice", MARGINS["dice"])
        ax.set(xlabel="Dice of PathoSyn: Diff minus Dice of ...")
        plots.legend(ax.figure)

# %% [markdown]
# **What to see.** To the right of zero PathoSyn is better. Read the orange arms first, then
# *Conventional augmentation* and *Augmented on the fly*, which cost nothing, then the rival
# generators.
#
# ## The 32 contrasts
#
# Both arms of PathoSyn against the four others, paired by draw; p is two-sided and adjusted by Holm
# over all 32 (PS-19).

# %%
BOTH, RIVALS = chosen(*printed.DAGGERS["table2"]), SIX[:4]
contrasts = {
    (name, arm.name, other.name): at.gain(arm, other, "dice")
    for name, at in there.items()
    for arm in BOTH
    for other in RIVALS
    if at.has(arm, "dice") and at.has(other, "dice")
}
p = [paired_t(d)["p"] for d in contrasts.values()]
if p and None not in p:
    found = [sum(x < 0.01 for x in each) for each in (p, holm(p))]
    print(f"{found[0]} of {len(p)} contrasts have p < 0.01, {found[1]} after Holm")
else:
    print("one draw has no p")


# %%
def contrast_lines(name: str) -> dict[str, dict]:
    """The eight contrasts of a regime as lines of a forest."""
    at, found = there[name], {}
    for _, arm, other in (key for key in contrasts if key[0] == name):
        lead, here = at.lead(arm, other, "dice"), at.here("dice", arm, other)
        theirs = said(name, arm) - said(name, other)
        label = f"{MAIN[arm].label.removeprefix('PathoSyn: ')} minus {MAIN[other].label}"
        found[label] = {"draws": lead, "role": "method", "here": here, "paper": theirs}
    return found


caption = (
    "The 32 contrasts of Table II, Dice, paired by training draw, with 95 % t-intervals; grey: the "
    "smallest difference that counts; cross: the paper, on patients."
)
if there:
    with page.figure(caption, 1, len(there), "contrasts", figsize=(13, 3.6), sharey=True) as axes:
        for ax, name in zip(axes, there, strict=True):
            plots.negligible(ax, MARGINS["dice"])
            plots.lines(ax, contrast_lines(name), "difference of Dice")
            ax.set_title(LABELS[name], fontsize=9)

# %% [markdown]
# **What to see.** All crosses lie to the right of the grey band, at nearly the same places in the
# four panels. Ours need not: the claim is that all 32 intervals are clear of zero.
#
# ## By size of the lesion
#
# Dice of single test slices, by quartile of the lesion's area; the quartiles are those of the
# training slices, so the four groups need not be equally large.

# %%
QUARTERS = [f"dice_q{i}" for i in (1, 2, 3, 4)]
SIZED = chosen("classic", "brain_ldm", "maskdiff", "pathosyn_vaegan", "pathosyn_diff", "oracle")


def draw_sizes(level, gain, at) -> None:
    """Dice by quartile, and the gain over real slices alone; means over draws, single draws dots."""
    mean = [at.mean("real", m) for m in QUARTERS]
    level.plot(range(4), mean, "o--", ms=4, color="black", label=MAIN["real"].label)
    for arm in (arm for arm in SIZED if at.has(arm, QUARTERS[0])):
        each = [at.gain(arm, "real", m) for m in QUARTERS]
        level.plot(range(4), [at.mean(arm, m) for m in QUARTERS], "o-", ms=4, color=lesions.colour(arm))
        plots.curve(gain, dict(enumerate(each)), lesions.colour(arm), arm.label, bars=False)
    gain.axhline(0, color="black", lw=0.8)


# %%
shown = [name for name in ("nnunet", "unet") if name in there]
caption = (
    "Figure 5 (top left): Dice by quartile of lesion area, and gain over real slices alone in the same "
    "draws; lines: means, dots: single training draws."
)
if shown:
    with page.figure(caption, len(shown), 2, "sizes", figsize=(9.5, 6)) as axes:
        for (level, gain), name in zip(axes, shown, strict=True):
            draw_sizes(level, gain, there[name])
            level.set(title=LABELS[name], ylabel="Dice of a slice")
            gain.set(title=LABELS[name], ylabel="gain over real slices alone")
            for ax in (level, gain):
                ax.set_xticks(range(4), ["smallest", "2", "3", "largest"])
        handles = [axes[0, 0].lines[0], *gain.get_legend_handles_labels()[0]]
        axes[0, 0].figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)

# %%
for name in shown:
    lines = [[arm.label, *(there[name].share(arm, m) for m in (QUARTERS[0], QUARTERS[3]))]
             for arm in SIZED[:-1]]  # fmt: skip
    page.table([f"{LABELS[name]}: share of the oracle's gain", "smallest", "largest"], lines)
page.check("scores are shares", all(at.are_shares("dice", *QUARTERS) for at in there.values()))
for name, at in there.items() if page.meaningful else ():
    ends = [at.mean("real", m) for m in (QUARTERS[0], QUARTERS[3])]
    page.check(f"{name}: large lesions are easier", ends[0] < ends[1])

# %% [markdown]
# **What to see.** The oracle's line shows where there is anything to gain. If all lines fall from
# left to right, small lesions gain most from anything (the toy). PS-29 and PS-30 ask for *shares*,
# which need several draws and an oracle whose gain is clear of zero.
#
# ## Recall and calibration of pixels
#
# *Recall* is the share of all lesion pixels that are found. *Calibration error* is that of the
# probabilities in a box around each lesion; over whole slices the certain background would make any
# network look honest.

# %%
for name in shown:
    at = there[name]
    lines = [[arm.label, at.cell(arm, "pixel_recall"), at.cell(arm, "pixel_ece")]
             for arm in (*SIX, *others, MAIN["oracle"]) if at.has(arm, "pixel_recall")]  # fmt: skip
    page.table([LABELS[name], "recall of pixels (higher)", "calibration error (lower)"], lines)
reliable = page.panel("diagrams", lambda: looks.diagrams(page.study))
caption = f"Reliability of pixels near lesions, {LABELS['nnunet']}, all draws computed for the page."
if reliable:
    with page.figure(caption, name="reliability", figsize=(4.6, 4)) as ax:
        ax.plot([0, 1], [0, 1], color="black", lw=0.8)
        for name, diagram in reliable.items():
            count, confidence, positive = diagram[diagram[:, 0] > 0].T
            arm = MAIN[name]
            look = {"ms": 3, "color": lesions.colour(arm), "label": arm.label}
            ax.plot(confidence / count, positive / count, "o-", **look)
        ax.set(xlabel="probability of lesion", ylabel="share that is lesion")
        ax.legend(fontsize=8)

# %% [markdown]
# **What to see.** Below the diagonal a network is more confident of a lesion than it has reason to
# be.
#
# ## Few subjects, many subjects
#
# The same U-Net, generators and oracle, fitted on fewer training subjects and on more (PS-40).

# %%
sweep = {int(at.name.rpartition("-n")[2]): at for at in rows if at.name.startswith("unet-n")}
sweep |= {page.size.subjects[0]: plain} if sweep else {}
lines = [[n, at.count("pathosyn_diff", "dice"), at.cell("real", "dice"),
          *(interval(at.gain(arm, "real", "dice"), "+") for arm in ("pathosyn_diff", "oracle")),
          at.share("pathosyn_diff", "dice")] for n, at in sorted(sweep.items())]  # fmt: skip
head = ["R", "real only", "gain of PathoSyn: Diff", "gain of the oracle", "share"]
page.table(["training subjects (only in profile `full`)", *head], lines)

# %% [markdown]
# ## Few labels: what was tried
#
# How Mean Teacher and the contrastive network train was chosen on a draw that no claim uses, without
# any generator. Supervision by the same few subjects stands beside them:

# %%
at = rows.get("tried")
tried = [arm for arm in TRIED.values() if at.has(arm, "dice")]
page.table([f"draw {SPARE}, few labelled subjects", "Dice"],
           [[arm.label, at.cell(arm, "dice")] for arm in tried])  # fmt: skip
if not tried:
    page.text(f"*Tried in profile `full`: `./run_all.sh --profile full {page.item}`.*")

# %% [markdown]
# **What to see.** Does either method make use of slices without masks: is it above supervision alone?
# And above supervision with every slice moved anew, which costs nothing?
#
# ## One test subject
#
# The first test subject, draw 0: slices through the lesion. White: the true outline; colour: what three
# segmenters draw. One subject is an example and no evidence.

# %%
THREE = {"real": "#E69F00", "pathosyn_diff": "#56B4E9", "oracle": "#009E73"}
drawn = page.panel("example", lambda: looks.outlined(page.study, chosen(*THREE)))
named = [arm for arm in THREE if arm in drawn]
caption = "The first test subject, draw 0: true outline (white) and the outlines of three segmenters."
if named:
    with page.figure(caption, len(named), 6, "example", figsize=(9, 1.6 * len(named))) as axes:
        for each, arm in zip(axes, named, strict=True):
            for ax, image, true, mask in zip(each, drawn["image"], drawn["true"], drawn[arm],
                                             strict=True):  # fmt: skip
                plots.show(ax, image)
                plots.outline(ax, true, "white")
                plots.outline(ax, mask, THREE[arm])
            plots.label(each[0], MAIN[arm].label.partition(" (")[0])

# %% [markdown]
# ## Verdicts
#
# Tests and margins have been in `lib/claims/ledger.json` since before the first result; verdicts fall
# at looks after 4, 6, 8 and 10 draws, and the spread of PS-21 needs more.

# %% tags=["PS-15", "PS-16", "PS-17", "PS-18"]
page.verdicts("PS-15", "PS-16", "PS-17", "PS-18")  # the gain in each regime

# %% tags=["PS-19", "PS-20", "PS-21", "PS-42"]
page.verdicts("PS-19", "PS-20", "PS-21", "PS-42")  # contrasts, ranking, spread, diffusion or VAE-GAN

# %% tags=["PS-29", "PS-30", "PS-31", "PS-40"]
page.verdicts("PS-29", "PS-30", "PS-31", "PS-40")  # size of lesions, pixels, few subjects

# %% [markdown]
# ## In this notebook we have
#
# - set the paper's six arms between real slices alone and an oracle, in four regimes, at equal steps;
# - set arms beside them that tell new lesions from mere repetition, blur or wrong masks;
# - seen why small lesions gain most from anything, and asked for shares instead;
# - put twelve claims to tests that were fixed beforehand.
#
# ## Exercises
#
# **1.** By how much does the printed Dice of nnU-Net rise from no augmentation to PathoSyn: Diff,
# *relative* to where it starts?

# %%
answer = None  # your number
first, best = (said("nnunet", arm) for arm in ("real", "pathosyn_diff"))
page.exercise(answer, lambda: best / first - 1, within=0.001)

# %% [markdown]
# **2.** A lesion of radius 4 is found one pixel too *small*. What is its Dice? (Change `disc`.)

# %%
answer = None  # your number
page.exercise(answer, lambda: disc(-1)[1], within=0.005)

# %% [markdown]
# **3.** What share of the gain of PathoSyn: Diff do *blurred copies* reach with the U-Net, on average
# over all draws?


# %%
def mean_gain(arm: str) -> float:
    """Of the U-Net's Dice over real slices alone."""
    return plain.gain(arm, "real", "dice").mean()


answer = None  # your number
page.exercise(answer, lambda: mean_gain("smooth") / mean_gain("pathosyn_diff"), within=0.01)

# %%
page.close()
