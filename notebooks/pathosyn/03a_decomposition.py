# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sections III-A and III-B: what lies behind a lesion?
#
# - how an image is taken apart into a healthy substrate and a deviation, first on a line, then on
#   slices;
# - what the fixed inpainter and the substrate network say is behind a lesion, beside the truth;
# - where a lesion ends, what is lost there, and what "preserved by construction" means.
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
import torch

from lib.generators import fusion
from lib.generators.membrane import inpainted
from lib.generators.pathosyn import LARGEST, PathoSyn, PathoSynSettings
from lib.papers.pathosyn import looks, toys
from lib.papers.pathosyn.arms import DECOMPOSED, MARGIN
from lib.report import plots
from lib.report.page import Page
from lib.report.rows import Regime, number

page = Page("pathosyn/03a_decomposition", profile, seed, dataset, root, draws)
page.study.source.known("what lies behind a lesion")
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"

# %% [markdown]
# ## What the paper prints
#
# > $\mathbf{x} = \mathbf{x}_{sub} + \mathbf{r}$ (equation 1): disease does not replace the image, it is
# > added to a healthy one.
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | Inp, "a fixed inpainting operator", is not named | a membrane: every hidden pixel is the mean of its neighbours |
# | structure is preserved "by construction", yet outside the mask the result is the substrate, a network's prediction that a penalty ties to the image (PS-E04) | as printed, and measured; beside it arms that paste the image's own pixels back |
# | two encoders, two decoders and "pre-trained E_r, D_r", which no equation uses (PS-E16) | two U-Nets, none of them pre-trained |
# | the deviation is saturated in equation 5, in neither algorithm, and no step takes it back (PS-E13) | saturated before the diffusion, and the inverse applied to what is drawn |
# | λ_out, λ_in and δ have no values (PS-E18) | listed as ours in `PathoSynSettings` |
# | the lesion ends at its mask | as printed; a phantom's lesion goes on beyond its label, and an arm grows the mask |
#
# ## A line with a bump
#
# A healthy signal, a little noise, and a bump that was added to it. The label, as a reader would draw
# it, covers the part where the bump has at least half of its height. In a patient only the black line
# and the label are known; the dashed line is what everybody would like to know.

# %%
line = toys.line(np.random.default_rng(seed))
within = line.mask[0, 0]
filled = inpainted(line.image, line.mask)
found = np.where(line.mask, line.image - filled, 0)
print(f"{within.sum()} of {toys.WIDTH} pixels are labelled")

# %% [markdown]
# Inp looks at the healthy side of the rim and stretches a membrane across (in one dimension, a
# straight line). The deviation is what is left of the image inside the mask:
#
# $$\mathbf{r}_0 := (\mathbf{x} - \mathbf{x}_{sub}) \odot \mathbf{m} \quad (4)$$

# %%
caption = (
    "Left: a line with a bump (shaded: its label), the healthy truth and Inp. Right: the deviation "
    "that equation 4 finds behind Inp, and the bump that was added."
)
with page.figure(caption, 1, 2, figsize=(10, 3.2)) as axes:
    left, right = axes
    left.plot(line.image[0, 0], color="black", lw=1, label="image")
    left.plot(line.healthy[0, 0], "--", color=GREEN, label="true healthy signal")
    left.plot(np.where(within, filled[0, 0], np.nan), color=BLUE, lw=2, label="Inp")
    right.plot(line.bump[0, 0], "--", color=GREEN, label="true deviation")
    right.plot(found[0, 0], color=BLUE, label="equation 4 behind Inp")
    for ax in axes:
        ax.axvspan(*np.flatnonzero(within)[[0, -1]], color=plots.BAND, alpha=0.25, lw=0)
        ax.set(xlabel="pixel", ylabel="grey units")
        ax.legend(fontsize=7)

# %% [markdown]
# **What to see.** Three things go wrong, and each of them comes back on images. Inp starts from the
# rim, where the bump's border has already lifted the signal. It is straight where the healthy
# signal is wavy, so the waves land in the deviation. And outside the label the deviation is 0, but
# the bump is not: its feet stay in the "healthy" substrate.

# %%
behind = np.abs(filled - line.healthy)[line.mask].mean()
outside = np.square(line.bump[~line.mask]).sum() / np.square(line.bump).sum()
print(f"Inp is off by {behind:.3f} grey units; {outside:.1%} of the bump's energy is not labelled")
page.check("outside its label the toy's deviation is 0", not found[~line.mask].any())
rest = (line.image - filled - found)[line.mask]
page.check("image, substrate and deviation add up", np.allclose(rest, 0))

# %% [markdown]
# ## Saturate, and take it back
#
# $$\mathbf{r}_0 \leftarrow \delta \tanh(\mathbf{r}_0 / \delta) \quad (5)$$
#
# A diffusion works best with numbers near 1, so `scale` is the deviations' root mean square, and δ is
# given in that unit. The tanh keeps outliers in bounds. It is a change of the *data*: what is drawn
# later is a saturated lesion, and somebody has to undo the saturation. The paper's algorithms neither
# apply it nor undo it.

# %%
page.source(PathoSyn.deviation, PathoSyn.grey)
model = PathoSyn(PathoSynSettings())
model.scale.fill_(float(np.sqrt(np.square(found[line.mask]).mean())))
r = torch.linspace(0, 10, 201)[None, None, None]
saturated = model.deviation(r * model.scale, torch.zeros_like(r), torch.ones_like(r))
restored = model.grey(saturated) / model.scale

# %%
caption = "A deviation before and after equation 5, and after its inverse; in units of scale."
with page.figure(caption, name="saturation", figsize=(4.6, 3)) as ax:
    ax.plot(r[0, 0, 0], r[0, 0, 0], color=plots.BAND, lw=3, label="as it is")
    ax.plot(r[0, 0, 0], saturated[0, 0, 0], color=ORANGE, label="saturated (equation 5)")
    ax.plot(r[0, 0, 0], restored[0, 0, 0], "--", color=BLUE, label="and inverted")
    ax.set(xlabel="true deviation", ylabel="deviation")
    ax.legend(fontsize=7)
delta = model.settings.delta
print(f"δ = {delta:g}; without the inverse a lesion of strength δ keeps {np.tanh(1):.0%} of it")

# %% [markdown]
# **What to see.** Without its inverse the operator makes strong lesions weaker, and the strongest
# most of all. With it nothing is lost up to the bend of the dashed line: a drawn value of δ itself
# would come back as infinity, so values beyond 0.99 δ are set to 0.99 δ.

# %%
same = (restored - r)[r < 2.5].abs().max().item()
page.check("saturation and its inverse cancel", same < 1e-3)
page.check("nothing comes back infinite", restored.max() <= delta * np.arctanh(LARGEST) + 1e-4)

# %% [markdown]
# ## Images: Inp, and a network that learns from it
#
# $$\mathcal{L}_{sub} = \lambda_{out} \|(\mathbf{x}_{sub} - \mathbf{x}) \odot \bar{\mathbf{m}}\|_2^2 +
# \lambda_{in} \|(\mathbf{x}_{sub} - \mathrm{Inp}(\mathbf{x}, \mathbf{m})) \odot \mathbf{m}\|_2^2 \quad
# (3)$$
#
# $f_{sub}$ is shown the image without the lesion, and the shape of the hole. Outside it should repeat
# the image, inside it should repeat Inp. But Inp is computed from what $f_{sub}$ is shown, so the
# loss is lowest for a perfect copy of Inp, with all of its errors. By equation 3 alone, then, a
# network comes nearer to the truth than its teacher only where it fails to copy it, for instance
# where it does not follow the noise on the rim. What else it learns comes from the other losses of
# the joint training ([03c_framework](03c_framework.py)), and these ask for an easy deviation, not for
# a healthy brain. A network that learns to fill holes in *healthy* tissue has a better teacher: the
# image itself. Ours (`HEALER` in the chapter's study) is no part of the method, it is the chapter's
# independent judge; but it tells whether the network or its objective is at fault, so it is measured
# below as well.

# %%
rows = page.run()
at = rows.regimes.get("bare", Regime("bare", ()))
parts = page.panel("decomposed", lambda: looks.decomposed(page.study))
TITLES = ("image and label", "Inp", "$f_{sub}$", "true healthy")
TITLES += ("deviation, $f_{sub}$", "true deviation")

# %%
caption = (
    "Four test slices, small lesions first: what Inp and the substrate network of one fit say is "
    "behind the lesion, and the deviation that this leaves (±0.4 grey units, red: brighter)."
)
if parts:
    with page.figure(caption, 4, 6, "slices", figsize=(11, 7.4)) as axes:
        for i, line_of in enumerate(axes):
            x, mask, *answers = (column[i] for column in parts.values())
            for ax, picture in zip(line_of, (x, *answers), strict=False):
                plots.show(ax, picture)
                plots.outline(ax, mask, plots.ROLES["control"])
            cut = np.where(mask, answers[1], x)
            for ax, behind in zip(line_of[4:], (cut, answers[2]), strict=True):
                plots.show(ax, x - behind, cmap="RdBu_r", vmin=-0.4, vmax=0.4)
                plots.outline(ax, mask, plots.ROLES["control"])
        for ax, title in zip(axes[0], TITLES, strict=True):
            ax.set_title(title)
else:
    page.text("*The record has no slices yet, and this run has none of its own.*")

# %% [markdown]
# **What to see.** Inside the outline, compare the second and third columns with the fourth: folds
# that end at the rim, a ventricle that the lesion covers. Then compare the last two: the true
# deviation has no sharp edge at the label and goes on beyond it, while that of equation 4 is cut off
# there.
#
# ## How near is each answer?
#
# The score is the root mean square error inside the lesion against the true healthy slice, for each
# lesion, averaged over lesions. The truth contains the image's noise, which nobody can know behind a
# lesion, so even the true slice *without noise* has an error, the `noise floor`. The test slices are
# the same in every draw, so only answers that are learned scatter. The answers are:
#
# - the substrate network; Inp alone;
# - random numbers with the brain's mean and spread; the mean of the training slices at this level;
# - the image itself, lesion left in: the null;
# - ours: the same network fitted alone, by equation 3 and on healthy tissue, on the same slices and
#   for the same steps; and the judge, one fit to many other subjects.

# %%
HEADS = {"inside_rmse": "inside", "inside_rmse_clean": "inside, truth without noise",
         "noise_floor": "noise floor", "outside_rmse": "outside"}  # fmt: skip
lines = [[arm.label, at.count(arm, "inside_rmse"), *(at.cell(arm, m) for m in HEADS)]
         for arm in DECOMPOSED.values()]  # fmt: skip
page.table(["behind the lesion (grey units)", "R", *HEADS.values()], lines)

# %%
caption = (
    "Error of each answer inside the lesion, grey units; dashed: the lesion left in; green: what "
    "the truth without noise reads. Means of draws with their 95 % t-intervals."
)
if at.has("substrate", "inside_rmse"):
    with page.figure(caption, name="answers", figsize=(6.8, 3.4)) as ax:
        what = "inside_rmse", "inside RMSE (lower)"
        plots.forest(ax, at, DECOMPOSED.values(), *what, crosses=False)
        plots.null(ax, at.row("substrate", "inside_rmse"))
        ax.axvline(at.mean("substrate", "noise_floor"), color=plots.ROLES["oracle"], lw=2)
        ax.set_xlim(0, None)

# %% [markdown]
# **What to see.** The distance from the green line is what an answer does not know. Is the network to
# the left of Inp by more than the scatter of the draws? That is PS-09. And is Inp left of answers
# that never look at the rim? If the network that is taught on healthy tissue lies to the left of
# both, then such a network can know more than Inp, and equation 3 does not let it. (Not all of its
# lead is the objective's: its hole is two pixels wider than the label, which hides the lesion's foot,
# and it starts from Inp's answer. The one by equation 3 alone has neither.)

# %% tags=["PS-09"]
page.verdicts("PS-09")

# %% [markdown]
# ## Where does a lesion end?
#
# Oedema has no edge. The label is a line that somebody drew, and the paper's deviation is 0 beyond
# it. Root mean squares over test slices, by distance from the rim in pixels:

# %%
rim = page.panel("rim", lambda: looks.around_rim(page.study))
STYLES = {"true deviation": (GREEN, "true deviation"), "noise": (GREY, "noise of the image"),
          "x_sub": (BLUE, "$f_{sub}$ - true healthy"), "Inp": (ORANGE, "Inp - true healthy"),
          "change": ("black", "$f_{sub}$ - image")}  # fmt: skip

# %%
caption = (
    "Root mean squares by pixels from the label's rim (shaded: inside). Left: the true deviation. "
    "Right: errors of the two answers, and what the network changes outside; one fit."
)
if rim:
    reach = np.array(looks.REACH)
    with page.figure(caption, 1, 2, "rim", figsize=(10, 3.2)) as (left, right):
        for ax, names in ((left, ("true deviation",)), (right, ("x_sub", "Inp", "change"))):
            for name in (*names, "noise"):
                where = reach >= 0 if name == "change" else slice(None)
                colour, label = STYLES[name]
                ax.plot(reach[where], rim[name][where], "o-", ms=3, color=colour, label=label)
            ax.axvspan(reach[0] - 0.5, -0.5, color=plots.BAND, alpha=0.25, lw=0)
            ax.set(xlabel="pixels from the rim", ylabel="grey units")
            ax.legend(fontsize=7)

# %% [markdown]
# **What to see.** Left: after how many pixels does the true deviation disappear in the noise? All
# that lies to the right of the shaded part stays in the substrate as if it were healthy, and Inp is
# filled from it. That is why errors on the right are not 0 outside the mask: *repeating the image is
# wrong there*.

# %%
if rim:
    first = rim["true deviation"][reach >= 0][:2]
    print(f"{rim['energy outside'][0]:.1%} of the true deviation's energy lies outside the label")
    print(f"root mean square in the first pixels outside: {first[0]:.3f} and {first[1]:.3f}")
    print(f"the arm with a margin grows the mask by {MARGIN:g} pixels")
    page.check("a lesion fades beyond its label", rim["true deviation"][5] > first[0] > first[1])

# %% [markdown]
# ## "Preserved by construction"
#
# The sentence could mean that pixels outside the mask stay what they were. They do not: the result
# there is the answer of $f_{sub}$, only as near to the image as a penalty makes it (PS-E04). Pasting
# back takes the image's own pixels outside the mask, so nothing changes, by construction. In the toy,
# with a substrate that is off by a hundredth:

# %%
page.source(fusion.fuse)
loose = line.image + 0.01 * np.sin(toys.PLACE / 4)
for how in ("seam", "paste"):
    result = fusion.fuse(how, loose, np.zeros_like(loose), line.mask, line.image)
    off = np.abs(result - line.image)[~line.mask]
    print(f"{how:6} changes pixels outside by {off.mean():.4f}; {(off == 0).mean():.0%} stay")
page.check("paste-back preserves every pixel outside", not off.any())

# %%
if rim:
    changed = rim["change"][reach >= 2].mean()
    print(f"the fitted network leaves {rim['same'][0]:.1%} of the pixels outside as they are,")
    print(f"and is off by {changed:.4f} grey units there; the noise has {rim['noise'][-1]:.4f}")

# %% [markdown]
# That is a preview: what the whole method changes around a lesion on a *lesion-free* slice is measured
# in [04b_consistency](04b_consistency.py), where PS-08 is judged.

# %%
arms, OTHERS = ("substrate", "inpaint", "none"), ("substrate", "equation_3", "taught", "healer")
if all(at.has(arm, "inside_rmse") for arm in arms):
    inside = {arm: at.mean(arm, "inside_rmse") for arm in arms}
    page.check("no answer knows the noise", inside["inpaint"] > at.mean("inpaint", "noise_floor"))
    if page.meaningful:
        page.check("Inp is nearer than the lesion", inside["inpaint"] < inside["none"])
        for arm in (a for a in OTHERS if at.has(a, "inside_rmse")):
            times = number(at.mean(arm, "inside_rmse") / inside["inpaint"])
            print(f"{DECOMPOSED[arm].label}: {times} times the error of Inp")

# %% [markdown]
# ## In this notebook we have
#
# - taken a line and slices apart, and put them together again;
# - measured what Inp and $f_{sub}$ know of the healthy slice, down to the floor that noise sets;
# - seen that a label cuts a lesion's border off, and that only pasting back preserves by construction.
#
# Next: [03b_deviation_diffusion](03b_deviation_diffusion.py) learns to draw the deviation, and
# [03c_framework](03c_framework.py) puts it back on its substrate.
#
# ## Exercises
#
# **1.** A lesion's deviation is 2 δ. It is saturated (equation 5), and the saturation is never
# undone. What share of its strength is left?

# %%
answer = None  # your number
page.exercise(answer, lambda: np.tanh(2) / 2, within=0.005)

# %% [markdown]
# **2.** Grow the toy's label by three pixels on either side (`control.grown`) and fill it again. What
# is Inp's mean absolute error now, over the same pixels as before?

# %%
answer = None  # your number
wider = np.convolve(within, np.ones(7), "same")[None, None] > 0
off = np.abs(inpainted(line.image, wider) - line.healthy)[line.mask]
page.exercise(answer, lambda: off.mean(), within=0.003)

# %%
page.close()
