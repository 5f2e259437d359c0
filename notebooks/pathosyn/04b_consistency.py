# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Section IV-F, Figures 4 and 5: healthy tissue, texture, and distance to real slices
#
# - Figure 4 with two more columns, which no patient can give: the true healthy slice, and the true
#   deviation;
# - what every method changes *outside* the mask, counted bit for bit, with and without pasting the
#   image back, after one edit and after ten;
# - Figure 5: texture inside lesions beside the null of real against real, and distances to real slices
#   beside those of plain copies.
#
# Nothing here shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
root = ""
draws = ""

# %%
from dataclasses import replace

import numpy as np

from lib.datasets.lesions import fresh_lesions, truths
from lib.generators import deviation
from lib.metrics import realism
from lib.papers.pathosyn import looks
from lib.papers.pathosyn.arms import SOURCES, chosen
from lib.report import lesions, plots
from lib.report.page import Page
from lib.report.rows import Regime, number
from lib.scores import texture

page = Page("pathosyn/04b_consistency", profile, seed, dataset, root, draws)
page.study.source.known("the healthy slice behind a lesion")
table = page.table_of
TEXTURED, PLACED = chosen(*table.shown), chosen(*table.placed)
STEP = 1 / 255  # of an 8-bit image

# %% [markdown]
# ## What the paper says
#
# > Preservation of the anatomical substrate during the diffusion process ensures that the synthesized
# > pathology appears physiologically “anchored” rather than superimposed. (Section IV-F, Figure 4)
# >
# > The pronounced shift to the left of the PathoSyn curve indicates that the model consistently produces
# > samples within the “clinically acceptable” range. (Section IV-F, Figure 5)
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | anatomy is kept "by construction"; by equations 3 and 14 the result outside the mask is the substrate, a network's output, tied to the image by a penalty (PS-E04) | counted in grey units and in equal pixels; arms *pasted back* keep the image there |
# | Figure 4: one image per method, picked by the authors | the same slices of unseen subjects for every method, and their truth |
# | Figure 5 has no numbers, and the "acceptable range" is not defined (PS-E25) | every statistic beside its null: real slices of some subjects against those of others |
# | one distance with three names: perceptual statistics, deep conceptual texture distance, deep perceptual texture statistics (PS-E27) | `lesion_kid`: KID of crops around lesions, in the features of the independent reader |
# | feature distances to "the real manifold": nearer is better | nearer than *fresh phantoms* is too near: copies stand beside |
#
# ## Toy 1: a penalty does not preserve by construction
#
# Outside the mask, equation 3 of the paper is $\lambda_{out}\,\|(x_{sub} - x) \odot \bar m\|^2$. Give
# the estimator a second goal, here smoothness:
#
# $$\min_a\ \lambda\,\|a - x\|^2 + \|\nabla a\|^2 .$$
#
# A Fourier transform solves it: frequency $k$ is multiplied by the factor $\lambda / (\lambda +
# k^2)$.

# %%
rng = np.random.default_rng(seed)
x = 0.5 + 0.1 * rng.standard_normal((64, 64))
k2 = sum(np.square(2 * np.pi * f) for f in np.meshgrid(*[np.fft.fftfreq(64)] * 2))
lines, left = [], []
for weight in (1, 10, 100, 1000, 10_000):
    a = np.fft.ifft2(np.fft.fft2(x) * weight / (weight + k2)).real
    left.append(np.abs(a - x).mean())
    lines.append([f"{weight:,}", f"{left[-1]:.6f}", f"{(np.float32(a) == np.float32(x)).mean():.1%}"])
page.table(["λ", "mean change", "equal pixels"], [*lines, ["pasted back", f"{0:.6f}", f"{1:.1%}"]])
page.check("ten times the penalty leaves a tenth of the change", abs(left[-2] / left[-1] - 10) < 1)

# %% [markdown]
# The change falls as $1/\lambda$ and never becomes zero, and even for large $\lambda$ hardly any
# pixel is equal bit for bit. Whether what is left matters is a question of size, so the claims below
# have a margin: half a step of an 8-bit image, which nobody could see.
#
# ## The run

# %%
rows = page.run()
at = rows["bare"] if "bare" in rows else Regime("bare", ())
around = [arm for arm in PLACED if at.has(arm, "outside_change")]
inside = [arm for arm in TEXTURED if at.has(arm, "w1_mean")]
lesions.missing(page, [*PLACED, *TEXTURED], [*around, *inside])

# %% [markdown]
# ## Figure 4: with the truth beside it
#
# Each of four unseen subjects is shown at the slice with the largest lesion, with that lesion's own
# mask. *Brain-LDM* is given no anatomy: what is shown is what its auto-encoder alone makes of the
# given slice, which is the least that it changes. The other methods draw a new lesion in the mask.

# %%
shown = page.panel("pictures", lambda: looks.pictures(page.study, chosen(*table.pictured)))
LOOK = {"cmap": "RdBu_r", "vmin": -0.5, "vmax": 0.5}
COLUMNS = {"given": "given", "brain_ldm": "Brain-LDM,\nreconstructed", "maskdiff": "MaskDiff",
           "pathosyn_vaegan": "VAE-GAN", "pathosyn_diff": "Diff",
           "pathosyn_diff/substrate": "substrate\nof Diff", "healthy": "true\nhealthy slice",
           "pathosyn_diff/deviation": "deviation\nof Diff", "deviation": "true\ndeviation"}  # fmt: skip
caption = (
    "Figure 4 again: slices of unseen subjects, what every method makes of them in the orange mask, "
    "PathoSyn's substrate and deviation, and beside each the truth; red: brighter; one draw."
)
n = len(shown.get("given", ()))

# %%
if shown:
    with page.figure(caption, n, len(COLUMNS), figsize=(11.5, 1.4 * n + 0.3)) as axes:
        for i, line in enumerate(axes):
            for ax, (name, title) in zip(line, COLUMNS.items(), strict=True):
                look = LOOK if name.endswith("deviation") else {}
                plots.show(ax, shown[name][i], "" if i else title, **look)
                ax.title.set_fontsize(8)
            plots.outline(line[0], shown["mask"][i], plots.ROLES["control"])

# %% [markdown]
# **What to see.** A drawn lesion need not be *this* lesion: it may look different. The substrate has
# no such freedom: it should be the true healthy slice, inside the mask too. And the true deviation
# does not end at the mask, as a drawn one does: the label has a hard border, the lesion a soft one.
#
# ## What changes around the lesion
#
# These are the same slices; below them is $|\hat x - x|$, on a scale that is white at five grey steps
# of 255. Inside the mask a change is asked for; outside it is not.

# %%
CHANGED = {"brain_ldm": "Brain-LDM, reconstructed", "maskdiff": "MaskDiff",
           "pathosyn_vaegan": "VAE-GAN", "pathosyn_diff": "Diff"}  # fmt: skip
caption = (
    "Absolute change of the given slice by every method, black 0, white five steps of an 8-bit image "
    "or more; orange: the mask; first line: the given slices; one draw."
)
if shown:
    lines = {t: np.abs(shown[a] - shown["given"]) / (5 * STEP) for a, t in CHANGED.items()}
    with page.figure(caption, 1 + len(lines), n, "changes", figsize=(1.3 * n + 1.9, 6.2)) as axes:
        lesions.masked(axes, {"given": shown["given"]} | lines, shown["mask"])

# %% [markdown]
# The numbers are over all samples of the draw: lesions drawn on *lesion-free* slices, which are
# healthy already; for Brain-LDM, reconstructed lesion slices. *Mean change* and its 99th percentile
# are taken over pixels outside the mask, air included; *equal pixels* are those that keep their value
# bit for bit; *error* is the root mean square distance to the healthy slice. *Identity* is how often
# a sample is nearest to its own anatomy among all of them, by the grey values outside the mask.

# %%
SCORES = {"outside_change": "mean change", "outside_p99": "99th percentile",
          "outside_same": "equal pixels", "outside_error": "error",
          "reidentification": "identity"}  # fmt: skip
lines = [[arm.label, *(at.cell(arm, m) for m in SCORES)] for arm in around]
page.table(["outside the mask", *SCORES.values()], lines)
print(f"one step of an 8-bit image: {STEP:.4f}; the margin of PS-08 is half of it")

# %%
caption = (
    "Outside the mask: mean change (dashed: half a step of an 8-bit image) and error against the "
    f"healthy slice; 95 % t-intervals, {page.counted(rows, 'pathosyn_diff', 'outside_change')} draws "
    "of PathoSyn: Diff."
)
if around:
    with page.figure(caption, 1, 2, "outside", figsize=(10.5, 3.4), sharey=True) as axes:
        for ax, metric in zip(axes, ("outside_change", "outside_error"), strict=True):
            plots.forest(ax, at, around, metric, f"{SCORES[metric]}, grey units", crosses=False)
            ax.set_xscale("symlog", linthresh=1e-3)
            ax.set_xlim(left=-1e-4)
        axes[0].axvline(STEP / 2, color="black", lw=0.8, ls="--")
        plots.legend(axes[0].figure)

# %% [markdown]
# **What to see.** *Pasted back* is zero, bit for bit: there the structure is preserved by
# construction, and by a copy, not by any network; MaskDiff can have that too. Without the copy the
# change is what the substrate network does to healthy tissue, which is mostly that it smooths the
# noise. *Identity* is an easy test: even a blurred image is nearest to its own original. The paper's
# claim is about people, and nobody is identified by one noisy slice.
#
# ## Toy 2: nearer is not better
#
# Figure 5 (bottom right) shows how far samples are from their nearest real image, and a curve further
# left is called better. Compare three generators of a law in sixteen dimensions: the law itself, the
# law pulled towards its mean (blurred, without variety), and real images with a little noise.

# %%
known, real, fresh = rng.standard_normal((3, 500, 16))
TOY = {"the law itself": rng.standard_normal((500, 16)), "pulled to the mean": 0.6 * fresh,
       "noisy copies of other real ones": real + 0.1 * fresh,
       "noisy copies of these": known + 0.1 * fresh}  # fmt: skip
base = realism.distances(rng.standard_normal((500, 16)), known)
near = {name: realism.nearer(realism.distances(each, known), base)[0] for name, each in TOY.items()}
page.table(["toy", "P(nearer than a fresh one)"], [[name, number(p)] for name, p in near.items()])
page.check("the law itself reads one half", abs(near["the law itself"] - 0.5) < 0.06)
page.check("without variety samples are nearer", near["pulled to the mean"] > 0.7)

# %% [markdown]
# **What to see.** A score of one half is perfect. More means that samples crowd together where real
# ones are: the dull generator wins the plot. Copies of *other* subjects cannot be told from the law
# here, since they are real images; that is why the real slices of this page are of subjects that no
# generator has seen, and why a memoriser nevertheless scores about as well as the truth.
#
# ## Figure 5, top right: deep texture
#
# KID of crops of 24 pixels around lesions, in the features of the independent reader.

# %%
caption = (
    "Figure 5 (top right) again: KID of crops around lesions; 95 % t-intervals, green: real (two SD); "
    f"{page.counted(rows, 'pathosyn_diff', 'lesion_kid')} draws of PathoSyn: Diff."
)
deep = [arm for arm in TEXTURED if at.has(arm, "lesion_kid")]
if deep:
    with page.figure(caption, 1, 1, "lesion_kid", figsize=(6.5, 3.4)) as ax:
        lesions.forests([ax], at, deep, {"lesion_kid": "lesion KID (lower)"}, {"lesion_kid": "symlog"})

# %%
page.text(lesions.beside_oracle(at, deep, "lesion_kid", "KID"))

# %% [markdown]
# ## Figure 5, bottom left: intensity and texture inside lesions
#
# The statistics are mean, skewness and kurtosis of the grey values in a lesion, and contrast and
# homogeneity of their co-occurrence. Each pool has one curve: the share of its lesions that lie below
# a value.

# %%
spread = page.panel("statistics", lambda: looks.percentiles(page.study, TEXTURED, page.size.judged))
CURVES = {"real": None} | {arm.name: arm for arm in TEXTURED if arm.name != "pathosyn_paste"}


def draw_shares(ax, key: str) -> None:
    """Cumulative shares of one quantity, a curve for each pool that has it."""
    for name, arm in CURVES.items():
        if f"{name}/{key}" in spread:
            lesions.shares(ax, spread[f"{name}/{key}"], arm, "--" if name == "memoriser" else "-")


# %%
caption = (
    "Figure 5 (bottom left) again: cumulative shares of five statistics of the lesions of every pool, "
    "black: real lesions; one draw, no interval."
)
if spread:
    with page.figure(caption, 2, 3, "statistics", figsize=(11, 6)) as axes:
        for ax, statistic in zip(axes.flat, texture.COMPARED, strict=False):
            draw_shares(ax, f"lesion/{statistic}")
            ax.set(xlabel=statistic, ylabel="% of lesions below")
        axes[1, 0].set_xscale("symlog", linthresh=1)  # contrast
        axes[1, 2].set_axis_off()
        axes[1, 2].legend(*axes[0, 0].get_legend_handles_labels(), loc="center", fontsize=8)

# %% [markdown]
# W1 is the mean shift between such a curve and that of real lesions, in standard deviations of the real
# ones. It is never zero: two sets of *real* lesions of different subjects differ too, which is the null.

# %%
W1 = {f"w1_{name}": name for name in texture.COMPARED}
lines = [[arm.label, at.count(arm, "w1_mean"), *(at.cell(arm, m) for m in W1)] for arm in inside]
ends = ["", *(at.null("pathosyn_diff", m) for m in W1)]
page.table(["W1 to real lesions", "R", *W1.values()], [*lines, ["null (real)", *ends]])
caption = (
    "W1 of five statistics of lesions to real ones; 95 % t-intervals, "
    f"{page.counted(rows, 'pathosyn_diff', 'w1_mean')} draws of PathoSyn: Diff; green: real against "
    "real (two SD)."
)
if inside:
    named = {metric: f"W1, {label}" for metric, label in W1.items()}
    with page.figure(caption, 1, 5, "w1", figsize=(13, 3.8), sharey=True) as axes:
        lesions.forests(axes, at, inside, named, dict.fromkeys(W1, "log"))

# %% [markdown]
# **What to see.** An arm in the green band cannot be told from real lesions by that number. Claim
# PS-33 asks two things of PathoSyn: to be nearer than both baselines, and to lie in the band.
#
# ## Too smooth, or not varied enough?
#
# Two sentences of the paper name a direction. Inpainting shows "insufficient internal heterogeneity":
# we measure variance inside lesions, and entropy of the co-occurrence. Holistic models give
# "over-smoothed" textures: we measure power at wavelengths of three to eight pixels. Fresh phantoms
# are the truth.

# %%
LEVELS = {"lesion_variance": "variance", "glcm_entropy": "entropy, nats",
          "lesion_high_frequency": "fine power"}  # fmt: skip
caption = (
    "Heterogeneity of lesions: variance and entropy inside, power of fine texture; 95 % t-intervals, "
    f"{page.counted(rows, 'pathosyn_diff', 'glcm_entropy')} draws of PathoSyn: Diff; green: real."
)
SCALES = {"lesion_variance": "log", "lesion_high_frequency": "log"}
if inside:
    with page.figure(caption, 1, 3, "levels", figsize=(11.5, 3.8), sharey=True) as axes:
        lesions.forests(axes, at, inside, LEVELS, SCALES)

# %% [markdown]
# **What to see.** All three count noise as well, so that a generator that adds the scanner's noise to a
# smooth lesion has power and entropy. Blurred copies (orange) of true lesions show what each number says
# of a blur: one that leaves them in the green band does not see it.
#
# ## Figure 5, bottom right: distance to real slices
#
# How far is each slice from the nearest slice of unseen real subjects, in the reader's features?

# %%
caption = (
    "Figure 5 (bottom right) again: cumulative shares of the distance of slices to the nearest real "
    "one; green: the oracle, dotted: another set of fresh phantoms, dashed orange: noisy copies; one "
    "draw, no interval."
)
if spread:
    with page.figure(caption, 1, 1, "distances", figsize=(6.5, 4)) as ax:
        draw_shares(ax, "distance")
        others = replace(SOURCES["oracle"], label="Other fresh phantoms")
        lesions.shares(ax, spread["fresh/distance"], others, ":")
        ax.set(xlabel="distance to the nearest real slice", ylabel="% of slices below")
        ax.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))

# %%
lines = [[arm.label, at.cell(arm, "distance_auc")] for arm in inside]
null = at.null("pathosyn_diff", "distance_auc")
page.table(["P(nearer than a fresh phantom)", "0.5: as near"], [*lines, ["null (real)", null]])

# %% [markdown]
# **What to see.** The aim is the green curve, not the left border; see on which side copies lie, the
# blurred and the noisy ones. Whatever lies to the left of it is
# nearer to real slices than real slices are to one another. The test of PS-34 is the paper's own,
# "left of the baselines": a copier passes it, so on its own it says little.
#
# ## One edit, and ten
#
# PS-08 is about one lesion. Who draws several, one after another, edits an image that was edited
# before. Here lesions are drawn in turn on healthy slices, in masks that move by an odd number of
# pixels each time (a network that folds by two might keep even places better), once as the paper
# fuses and once pasted back. Counted is what no mask has touched so far.

# %%
model = deviation.load(page.model("pathosyn_diff", page.study.fitted(SOURCES["pathosyn_diff"], 0)))
model.settings = replace(model.settings, sampler_steps=5)
slices = fresh_lesions(16, [seed, 8])
largest = looks.by_size(slices.arrays["mask"], np.linspace(0.75, 1, 4))
healthy, mask = truths(slices).arrays["healthy"][largest], slices.arrays["mask"][largest]
shifts = rng.choice((-3, -1, 1, 3), (10, 2))
after = looks.edited(model, healthy, mask, shifts, seed)

# %%
EDITS, HOW = (1, 2, 3, 5, 10), {"seam": "as the paper fuses", "paste": "pasted back"}
head = [f"{what}, {way}" for way in HOW.values() for what in ("mean change", "equal pixels")]
told = {how: [(f"{change:.4f}", f"{same:.1%}") for change, same in after[how]] for how in HOW}
page.table(["edits", *head], [[k, *told["seam"][k - 1], *told["paste"][k - 1]] for k in EDITS])
over = np.flatnonzero(after["seam"][:, 0] > STEP / 2)
print(f"mean change beyond half a step of an 8-bit image ({STEP / 2:.4f}):",
      f"from edit {over[0] + 1} on" if len(over) else "after no edit")  # fmt: skip
page.check("pasted back, ten edits change no pixel outside",
           after["paste"][:, 0].max() == 0 and after["paste"][:, 1].min() == 1)  # fmt: skip
if page.meaningful:
    page.check("without the copy the change grows", after["seam"][9, 0] > 2 * after["seam"][0, 0])

# %% [markdown]
# **What to see.** Every edit passes the whole image through $f_{sub}$ once more, and what that
# loses does not come back: the change grows with the number of edits, and a bound that one edit
# meets says nothing of the next. If PS-08's bound holds, it holds for *one* lesion. The copy has
# nothing to lose, at the first edit or at the tenth.
#
# ## What must hold

# %%
page.check("shares are shares", at.are_shares("outside_same", "reidentification"))
for arm in (arm for arm in around if arm.name in ("pathosyn_paste", "maskdiff_paste")):
    page.check(f"{arm.name} changes no pixel", at.values(arm, "outside_change").max() == 0)
    page.check(f"{arm.name} keeps every pixel", at.values(arm, "outside_same").min() == 1)

# %%
if shown:
    out = ~shown["mask"]
    off = np.abs(shown["pathosyn_diff"] - shown["pathosyn_diff/substrate"])[out].max()
    page.check("outside the mask PathoSyn's slice is its substrate", off <= STEP)
if page.meaningful and inside:
    page.check("fresh phantoms are as near as others", abs(at.mean("oracle", "distance_auc") - 0.5) < 0.1)
    worst = max(at.mean("oracle", m) / at.row("oracle", m)["null"] for m in W1)
    page.check("fresh lesions have the texture of real ones", worst < 3)
    page.check("a blur is seen in the texture",
               at.mean("smooth", "lesion_high_frequency") < at.mean("oracle", "lesion_high_frequency"))

# %% [markdown]
# ## Verdicts
#
# Tests and margins: `lib/claims/ledger.json`, fixed beforehand. PS-03 needs the realism of
# [04a_realism](04a_realism.py) as well.

# %% tags=["PS-07", "PS-08", "PS-43"]
page.verdicts("PS-07", "PS-08", "PS-43", "PS-03")  # around the lesion; realism as well

# %% tags=["PS-13", "PS-14", "PS-32", "PS-33", "PS-34"]
page.verdicts("PS-13", "PS-14", "PS-32", "PS-33", "PS-34")  # inside it, and distances

# %% [markdown]
# ## In this notebook we have
#
# - put the true healthy slice and the true deviation beside Figure 4;
# - counted what each method changes around a lesion, and seen that only a copy keeps it exactly;
# - put every number of Figure 5 beside its null, and shown how copies fare there.
#
# ## Exercises
#
# **1.** An image of 64 × 64 pixels has a mask of 300. A method changes every pixel outside by one step
# of an 8-bit image. What is its *mean change* outside the mask?

# %%
answer = None  # your number
page.exercise(answer, lambda: STEP, within=1e-4)

# %% [markdown]
# **2.** In toy 1, at which λ is a wave of 8 pixels ($k = 2\pi/8$) kept by nine tenths?

# %%
answer = None  # your number
page.exercise(answer, lambda: 9 * (2 * np.pi / 8) ** 2, within=0.05)

# %%
page.close()
