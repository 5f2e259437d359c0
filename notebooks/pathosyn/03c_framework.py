# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Section III-D: the whole framework, and what it does when it is read to the letter
#
# - the soft map, the ring and the losses, each on something so small that it can be checked by eye;
# - several ways to put a deviation back on its substrate, and what each does to a lesion's rim;
# - ablations of the objective, and a gallery of the text and algorithms exactly as printed.
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

from lib.generators import deviation, diffusion, fusion
from lib.metrics.sharpness import rim_step
from lib.papers.pathosyn import looks, toys
from lib.papers.pathosyn.arms import LITERAL, SOURCES, chosen
from lib.report import plots
from lib.report.page import Page
from lib.report.rows import Regime, number
from lib.training.loop import as_planes

page = Page("pathosyn/03c_framework", profile, seed, dataset, root, draws)
page.study.source.known("how steep true lesions are at their rim")
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"

# %% [markdown]
# ## What the paper prints
#
# > All components are optimized under a shared objective, ensuring that anatomical-pathological
# > decomposition and subsequent recombination remain mutually consistent throughout training.
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | L_leak punishes what the estimate has outside the mask, but Algorithm 1 multiplies the estimate by the mask first: the term is 0, and the outer half of the ring term with it (PS-E07) | as printed; an arm without the mask |
# | L_dev wants $\hat{\mathbf{r}}_0 = \mathbf{r}_0$, L_syn wants $\mathbf{S}\hat{\mathbf{r}}_0 = \mathbf{r}_0$ (equations 13 and 14, PS-E08) | both, as printed; what this does to a rim is measured |
# | α_t where $\bar\alpha_t$ is meant: equation 12, Algorithms 1 and 2 (PS-E11) | with the bar; three arms as printed |
# | S is smoothed from m in Algorithm 1, from 1 - m in Algorithm 2 (PS-E12) | from m; an arm as printed |
# | a saturation that is never undone, and that the algorithms leave out (PS-E13) | undone; two arms |
# | a noise loss over all pixels or over masked ones (PS-E14) | over each lesion's own; two arms |
# | "jointly estimates", with a "fully end-to-end" pipeline as future work (PS-E17) | joint; the substrate first is an arm of [04a_realism](04a_realism.py) |
# | an "inference-time stabilization module" in the abstract; the discussion "removes the need" for it; no section describes it (PS-E02) | none |
# | no values for eight λ and for the width of the Gaussian (PS-E18) | listed as ours in `DeviationSettings` |
#
# ## The soft map and the ring
#
# $$\mathbf{S} = \mathrm{Smooth}(\mathbf{m}), \qquad \mathbf{w}_{ring} = 4\,\mathbf{S}\,(1 - \mathbf{S}) \quad (11)$$
#
# A Gaussian over the mask. At a straight rim S passes through a half between the last pixel inside and
# the first outside, and there the ring is 1.

# %%
row, column = np.mgrid[:32, :32]
disc = (np.hypot(row - 15.5, column - 15.5) < 9)[None]
s = deviation.DeviationSettings()
soft, other = (fusion.soft_map(disc, s.sigma, blend) for blend in fusion.BLENDS)
ring = fusion.ring(soft)
maps = {"m": disc, "S(m)": soft, "$w_{ring}$": ring, "S(1 - m)": other}

# %%
caption = (
    f"A disc, its soft map (σ = {s.sigma:g} pixel), the ring, and Algorithm 2's map of 1 - m. "
    "Right: the same along a line through the middle."
)
SPLIT = {"figsize": (12, 2.6), "width_ratios": (1, 1, 1, 1, 1.6)}
with page.figure(caption, 1, 5, **SPLIT) as axes:
    axes[4].set_prop_cycle(color=["#777777", BLUE, GREEN, ORANGE])
    for ax, (title, plane) in zip(axes, maps.items(), strict=False):
        plots.show(ax, plane[0], title, cmap="magma")
        axes[4].plot(plane[0, 16], label=title)
    axes[4].axvspan(6.5, 24.5, color=plots.BAND, alpha=0.25, lw=0)
    axes[4].set(xlabel="pixel (shaded: inside)")
    axes[4].legend(fontsize=7, loc="center")
page.check("S of the complement is the complement of S", np.allclose(soft + other, 1, atol=1e-6))

# %% [markdown]
# **What to see.** Blue and orange are each other's complement, so Algorithm 2 as printed multiplies a
# lesion by 0 where Algorithm 1 multiplied it by 1. The ring is the same for both. And half of the ring
# lies outside the mask.
#
# ## A loss that is always 0
#
# $$\mathcal{L}_{dev} = \lambda_{pat} \|(\hat{\mathbf{r}}_0 - \mathbf{r}_0) \odot \mathbf{m}\|_1 + \lambda_{ring} \|(\hat{\mathbf{r}}_0 - \mathbf{r}_0) \odot \mathbf{w}_{ring}\|_1 + \lambda_{leak} \|\hat{\mathbf{r}}_0 \odot (1 - \mathbf{m})\|_1 \quad (13)$$
#
# Algorithm 1 sets $\hat{\mathbf{r}}_0 \leftarrow (\dots) \odot \mathbf{m}$ a line earlier. Here is an
# estimate that is nonzero everywhere, and how hard each term pulls at it:

# %%
page.source(deviation.deviation_terms)
planes = [as_planes(x) for x in (disc, soft)]
guess = torch.randn(planes[0].shape, generator=torch.Generator().manual_seed(seed)).requires_grad_()
pulls = {}
for name, factor in (("masked (Algorithm 1)", planes[0]), ("not masked (equation 12)", 1)):
    terms = deviation.deviation_terms(guess * factor, 0.5 * planes[0], *planes)
    pulls[name] = {k: torch.autograd.grad(v.sum(), guess, retain_graph=True)[0]
                   for k, v in terms.items()}  # fmt: skip
lengths = {name: [g.norm().item() for g in each.values()] for name, each in pulls.items()}
page.table(["length of the gradient", "inside", "ring", "leak"],
           [[name, *map(number, each)] for name, each in lengths.items()])  # fmt: skip
beyond = float((ring * ~disc).sum() / ring.sum())
print(f"{beyond:.0%} of the ring's weight lies outside the mask, where a masked estimate is 0")
masked, free = (each[-1] for each in lengths.values())
page.check("only without the mask has L_leak a gradient", masked == 0 < free)

# %% [markdown]
# ## Two losses that cannot both be met
#
# $$\hat{\mathbf{x}} = \mathbf{x}_{sub} + \mathbf{S} \odot \hat{\mathbf{r}}_0, \qquad \mathcal{L}_{syn} = \|(\hat{\mathbf{x}} - \mathbf{x}) \odot \mathbf{S}\|_1 \quad (14)$$
#
# With $\mathbf{r}_0 = (\mathbf{x} - \mathbf{x}_{sub}) \odot \mathbf{m}$ the second loss is 0 when
# $\mathbf{S}\hat{\mathbf{r}}_0 = \mathbf{r}_0$. In the middle of a lesion S = 1 and all is well. At
# the rim S falls to a half. The cost of one pixel with our weights, leaving the sizes of the regions
# aside:

# %%
estimate, best = np.linspace(0, 2.5, 251), {}
caption = "What a pixel pays for its estimate, in shares of the true deviation; dots: least cost."
with page.figure(caption, name="conflict", figsize=(5, 3)) as ax:
    for S, hue in zip((0.5, 0.7, 0.9, 1.0), (ORANGE, PINK, BLUE, GREEN), strict=True):
        dev = s.dev_weight * (s.pat_weight + s.ring_weight * fusion.ring(S)) * np.abs(estimate - 1)
        cost = dev + s.syn_weight * S * np.abs(S * estimate - 1)
        best[S] = estimate[cost.argmin()], cost.min()
        ax.plot(estimate, cost, color=hue, label=f"S = {S:g}")
        ax.plot(*best[S], "o", color=hue)
    ax.set(xlabel=r"$\hat r_0 / r_0$", ylabel="cost")
    ax.legend(fontsize=7)
page.check("inside, the true deviation is free", np.allclose(best[1.0], (1, 0), atol=1e-9))
page.check("at the rim nothing is", best[0.5][1] > 0.05 and best[0.5][0] > 1.5)

# %% [markdown]
# **What to see.** Only for S = 1 does a curve reach 0. At the rim either the estimate is the true
# deviation, and the lesion that is put back fades to half; or the lesion is right, and the estimate
# is up to twice the deviation that the noise loss asks for. The result is a compromise between eight
# weights, and the paper gives none of them.
#
# ## Putting it back, on a line
#
# The line of [03a_decomposition](03a_decomposition.py). Suppose that everything is known: the true
# deviation inside the label, and a substrate that is off by two hundredths, as that of a network is.
# The bump is put on a healthy signal.
#
# - **hard**: $\mathbf{x}_{sub} + \mathbf{r}$; **seam**: $\mathbf{x}_{sub} + \mathbf{S}\mathbf{r}$,
#   equation 14;
# - **feathered**: the input and $\mathbf{x}_{sub} + \mathbf{r}$ mixed by S; **paste**: the input
#   outside the mask, bit for bit;
# - **poisson**: the field that has the deviation's own differences between neighbours, and is 0 on
#   the rim.

# %%
page.source(fusion.fuse)
line = toys.line(np.random.default_rng(seed))
r, substrate = np.where(line.mask, line.bump, 0), line.healthy + 0.02
known = (substrate, r, line.mask, line.healthy, toys.SIGMA)
fused = {way: fusion.fuse(way, *known) for way in looks.WAYS}


def measured(x: np.ndarray) -> list[float]:
    """Step across the rim, height in the middle, and change outside, of a line."""
    middle, off = line.bump > 0.95 * toys.HEIGHT, x - line.healthy
    step = rim_step(x.repeat(2, 1), line.mask.repeat(2, 1))[0]
    return [step, off[middle].mean(), np.abs(off[~line.mask]).mean()]


found = {way: measured(x) for way, x in {"truth": line.image, **fused}.items()}
page.table(["way", "step across the rim", "height in the middle", "change outside"],
           [[way, *map(number, each)] for way, each in found.items()])  # fmt: skip
page.check("the seam lessens the step of hard fusion", found["seam"][0] < found["hard"][0])
page.check("paste-back changes nothing outside", found["paste"][2] == 0)

# %% [markdown]
# Another idea needs no blending: let pixels near the rim *join late*. Each is held at a deviation of
# 0, in the noise of the step, until its own time; those in the middle are free from the start. So the
# network draws a lesion that fits its rim. (Ours, on the toy alone.)

# %%
page.source(toys.later)
law, schedule = toys.law(), diffusion.linear()
rims, middle = toys.at_rim(law, line, 400, seed), toys.from_rim(law) > 8
height = {name: x[:, middle].mean() for name, x in rims.items()}
print("; ".join(f"{name}: {x:.2f} in the middle" for name, x in height.items()))
page.check("Poisson takes most of the lesion away", height["poisson"] < 0.6 * height["hard"])
page.check("joining late keeps the middle", height["joining late"] > 0.8 * height["hard"])

# %%
caption = (
    "Left: the toy's bump, put back in five ways on a substrate that is off by 0.02. Right: mean of "
    "400 drawn deviations inside the mask, by what is done at the rim."
)
STYLE = {"hard": BLUE, "seam": ORANGE, "feathered": PINK, "poisson": GREEN, "paste": "#777777"}
with page.figure(caption, 1, 2, "line", figsize=(11, 3.3)) as (left, right):
    left.plot(line.image[0, 0], "--", color="black", lw=1, label="truth")
    for way, x in fused.items():
        left.plot(x[0, 0], color=STYLE[way], lw=1.2, label=way)
    left.set(xlim=(26, 70), xlabel="pixel", ylabel="grey units")
    right.plot(law.mean, "--", color="black", lw=1, label="true law")
    for name, x in rims.items():
        right.plot(x.mean(0), color=STYLE.get(name, PINK), label=name)
    right.set(xlabel="pixel of the mask", ylabel="deviation, bump's heights")
    for ax in (left, right):
        ax.legend(fontsize=7, ncols=2)

# %% [markdown]
# **What to see.** The truth has no step at the label: its border lies on both sides. *Hard* cuts the
# border off and leaves a step. *Seam* makes the step smaller by making the rim weaker; it adds
# nothing outside, where the true border goes on. *Poisson* has no step and no lesion: on the rim the
# deviation is forced to 0, and most of its height goes with it. *Joining late* falls at the rim and
# keeps its middle. A step that is too small is as wrong as one that is too large: what counts is the
# distance to the truth.
#
# ## All terms together
#
# $$\mathcal{L} = \mathcal{L}_{sub} + \lambda_{diff}\mathcal{L}_{diff} + \lambda_{dev}\mathcal{L}_{dev} + \lambda_{syn}\mathcal{L}_{syn} \quad (15)$$
#
# Algorithm 1, as it runs here. Every norm is divided by the size of its own region, and L_dev and
# L_syn are weighted by the signal that is left (ours): without that weight, the few steps at which
# $\hat{\mathbf{r}}_0$ divides by a tiny $\sqrt{\bar\alpha_t}$ would drown out all others.

# %%
page.source(deviation.terms_of, deviation.total)
last = diffusion.linear().alpha_bar[-1].item()
print(f"at the last step an error of the noise is multiplied by {last**-0.5:.0f} in the estimate")
rows = page.run()
at = rows.regimes.get("bare", Regime("bare", ()))

# %% [markdown]
# ## Taken apart and fused again
#
# Nothing is drawn yet: each test slice is given the fitted substrate and its *own* deviation
# (equation 4), put back where it came from. A perfect way returns the slice itself. The error of each
# way, by distance from the rim in pixels:

# %%
again = page.panel("refused", lambda: looks.refused(page.study))
caption = (
    "One test slice, and the same taken apart and fused in five ways. Below: root mean square error "
    "over all test slices by pixels from the rim (shaded: inside); one fit."
)
if again:
    shape = {"figsize": (9, 5.2), "height_ratios": (1, 1.5)}
    with page.figure(caption, 2, 1, "refused", **shape) as (top, low):
        plots.show(top, plots.panel(again["pictures"], 6))
        plots.over(top, ("slice", *looks.WAYS))
        for way, off in zip(looks.WAYS, again["off"], strict=True):
            low.plot(looks.REACH, off, "o-", ms=3, color=STYLE[way], label=way)
        low.axvspan(looks.REACH[0] - 0.5, -0.5, color=plots.BAND, alpha=0.25, lw=0)
        low.set(xlabel="pixels from the rim", ylabel="error, grey units")
        low.legend(fontsize=7)

# %%
if again:
    head = ["step across the rim", *looks.WAYS, "the slices"]
    page.table(head, [["grey units", *map(number, again["steps"])]])
    pasted = again["off"][looks.WAYS.index("paste")]
    page.check("pasted back, a slice is itself", np.nanmax(pasted) < 1e-6)
else:
    page.text("*The record has no slices yet, and this run has none of its own.*")

# %% [markdown]
# **What to see.** *Hard* and *paste* are exact inside; outside, *hard* shows how far the substrate is
# from the image. The *seam* errs inside, in the last pixels before the rim: that is PS-E08 in actual
# fits, a lesion that loses its edge although everything about it was known.
#
# ## Drawn lesions: the step across the rim
#
# Lesions are drawn anew in the masks of true ones. Shown are the mean difference between neighbours
# on either side of the rim, and how far it is from that of the true lesions. Anatomy has edges too,
# so the true step is not 0. The first rows are one fit of Diff, fused in several ways; below them
# stand the VAE-GAN, which fuses as Diff does, and an inpainter, which has no seam to hide until its
# slice is pasted back.

# %%
STEPS = chosen(*page.table_of.fused, *page.table_of.rivals)
HEADS = {"boundary_step": "step across the rim", "boundary_step_error": "off true lesions by"}
lines = [[arm.label, at.count(arm, "boundary_step"), *(at.cell(arm, m) for m in HEADS)]
         for arm in STEPS]  # fmt: skip
page.table(["grey units", "R", *HEADS.values()], lines)

# %%
caption = "Step across the rim of drawn lesions by way of fusing, and of true ones; training draws."
if at.has("truth", "boundary_step"):
    with page.figure(caption, name="step", figsize=(6.8, 3.2)) as ax:
        plots.forest(ax, at, STEPS, "boundary_step", "step, grey units", crosses=False)
        ax.axvline(at.mean("truth", "boundary_step"), color=plots.ROLES["oracle"], lw=1)
    off = at.mean("truth", "boundary_step_error")
    page.check("true lesions are the measure of their own step", off == 0)

# %% [markdown]
# **What to see.** The green line is the aim: left of it a rim is too soft, right of it too sharp. Two
# effects add up at a rim: what is done to the deviation inside, and what stands outside. Where a
# lesion is *pasted back*, the pixels outside are the slice's own, with the lesion's foot and noise;
# elsewhere they are a network's.

# %% tags=["PS-11"]
page.verdicts("PS-11")

# %% [markdown]
# ## One term at a time
#
# Each fit lacks one term of L_dev, and one has an estimate that is not masked. All recover the same
# test lesions in one step (as in [03b_deviation_diffusion](03b_deviation_diffusion.py)). Shown are
# the error inside, the error at the rim, and the share of energy outside the mask *before* the mask
# is applied. What do you expect from the fit without the leak term?

# %%
ABLATED = chosen("full", "no_inside", "no_ring", "no_leak", "unmasked")
MEASURES = {"inside_rmse": "inside error", "ring_error": "error at the rim"}
MEASURES |= {"outside_energy": "energy outside"}
if any(at.has(arm, "inside_rmse") for arm in ABLATED):
    lines = [[arm.label, at.count(arm, "inside_rmse"), *(at.cell(arm, m) for m in MEASURES)]
             for arm in ABLATED]  # fmt: skip
    page.table(["", "R", *MEASURES.values()], lines)
    caption = "Each term's own measure, with and without it, by training draw (lower is better)."
    with page.figure(caption, 1, 3, "terms", figsize=(10, 2.4), sharey=True) as axes:
        for ax, (name, label) in zip(axes, MEASURES.items(), strict=True):
            plots.forest(ax, at, ABLATED, name, label, crosses=False)
            ax.locator_params(axis="x", nbins=4)
else:
    page.text("*No draws yet: profile `quick` leaves these arms out, `full` has them.*")

# %% [markdown]
# **What to see.** The fit without the leak term equals the fit with it, digit for digit: a term that
# is always 0 has nothing to teach. The estimate that is not masked shows what the term could have
# done.

# %% tags=["PS-44"]
page.verdicts("PS-44")

# %% [markdown]
# ## Taken literally: on a line
#
# Each of these sentences can be found in the paper. What does it do to lesions of the toy, drawn with
# the exact noise? Shown is what a reader would see, the healthy signal with the lesion on it. For the
# saturation the lesions are twice as strong.

# %%
letter = toys.to_the_letter(law, line, 400, seed, s)
label = {name: SOURCES[name].label if name else "as we read it" for name in letter}
page.table(["toy, heights of the bump asked for", "mean", "spread"],
           [[label[n], *(f"{y:.2f}" for y in (x.mean(), x.std(0).mean()))]
            for n, x in letter.items()])  # fmt: skip
strong = {name: x.mean() / letter[""].mean() for name, x in letter.items()}
page.check("the complement fades the lesion out", strong["complement"] < 0.3)
page.check("saturation weakens strong lesions", strong["saturated"] < 0.95)
caption = "Four lesions of the toy on the healthy line, by reading; black: the law's mean."
with page.figure(caption, 1, 5, "letter", figsize=(12, 2.7), sharey=True) as axes:
    for ax, (name, x) in zip(axes, letter.items(), strict=True):
        height = toys.HEIGHT * (2 if name == "saturated" else 1)
        shown = np.repeat(line.healthy[0], 5, 0)
        shown[:, line.mask[0, 0]] += height * np.concatenate([x[:4], law.mean[None]])
        ax.plot(shown[:4].T, lw=0.9)
        ax.plot(shown[4], "--", color="black", lw=0.9)
        ax.set(title=name.replace("_", ", ") or "as we read it", xlabel="pixel", xlim=(20, 76))
    axes[0].set_ylabel("grey units")

# %% [markdown]
# **What to see.** *complement*: the lesion is gone except for its rim. *noising*: the network never
# saw more than a little noise, and turns the noise that it is given into waves. *sampler*: every
# lesion is the mean lesion. *saturated*: nothing looks wrong, and every strong lesion is too weak.
#
# Equation 12 without its bar does not draw; it teaches a wrong *lesson*. At the true noise the
# estimate is not the deviation, so L_dev pulls the network away from it, towards noise that is larger
# by this factor:

# %%
bare = toys.printed(schedule)
times = {t: ((1 - schedule.at(t)) / (1 - bare.at(t))) ** 0.5 for t in (99, 249, 499, 999)}
page.table(["step", *(t + 1 for t in times)], [["longer", *(f"{x:.1f}" for x in times.values())]])
page.check("equation 12 as printed asks for far too much", min(times.values()) > 2)

# %% [markdown]
# ## Taken literally: on slices
#
# Now with networks. All arms are asked for the same lesions on the same anatomies. Those that only
# sample differently share our fit; where the *training* differs, the arm has a fit of its own.

# %%
READINGS = {
    "complement": ("S ← Smooth(1 - m), Algorithm 2", "PS-E12"),
    "noising_printed": ("noise by α without its bar, Algorithm 1", "PS-E11"),
    "estimate_printed": ("estimate by α without its bar, equation 12", "PS-E11"),
    "sampler_printed": ("sampler without bars, Algorithm 2", "PS-E11"),
    "saturated": ("δ tanh(r / δ), never inverted, equation 5", "PS-E13"),
    "unsaturated": ("no saturation, so no bound, Algorithm 1", "PS-E13"),
    "noise_whole": ("noise loss over all pixels, equation 9", "PS-E14"),
    "noise_masked": ("noise loss summed over masks, Algorithm 1", "PS-E14"),
}
COLUMNS = {"kid": "KID (lower)", "lesion_kid": "KID of lesions (lower)",
           "mask_adherence": "lesion in its mask (Dice)", "empty": "no lesion seen"}  # fmt: skip
page.check("every literal arm has its sentence", list(READINGS) == list(LITERAL))
main = SOURCES["pathosyn_diff"]
lines = [[*READINGS.get(arm.name, ("as we read it", "")), *(at.cell(arm, m) for m in COLUMNS)]
         for arm in (main, *LITERAL.values())]  # fmt: skip
page.table(["the paper's words", "gap", *COLUMNS.values()], lines)

# %%
shown = page.panel("gallery", lambda: looks.gallery(page.study))
caption = "The same five requests (outlines), by reading of the paper; one training draw."
names = [name for name in shown if "/" not in name]
if names:
    with page.figure(caption, len(names), 5, "gallery", figsize=(8.6, 1.2 * len(names))) as axes:
        for each, name in zip(axes, names, strict=True):
            for ax, picture, asked in zip(each, shown[name], shown[f"{name}/mask"], strict=True):
                plots.show(ax, picture)
                plots.outline(ax, asked > 0, plots.ROLES["control"])
            words, _ = READINGS.get(name, ("as we read it", ""))
            plots.label(each[0], ",\n".join(words.rsplit(", ", 1)))
            if at.has(name, "lesion_kid"):
                kid, dice = (at.mean(name, metric) for metric in ("lesion_kid", "mask_adherence"))
                where = {"transform": each[-1].transAxes, "va": "center", "fontsize": "small"}
                each[-1].text(1.05, 0.5, f"KID {number(kid)}\nDice {dice:.2f}", **where)
else:
    page.text("*No pictures yet: profile `quick` leaves these arms out, `full` has them.*")

# %% [markdown]
# **What to see.** Which rows would you have noticed by eye, and which only by their numbers? A slip
# that leaves plausible pictures is the dangerous one: the lesions of a saturated or area-weighted fit
# look like lesions.
#
# ## The module that is not there
#
# > an inference-time stabilization module, which collectively suppress boundary artifacts (abstract)
# >
# > the framework removes the need for inference-time heuristics (section V)
#
# Both sentences stand in one paper, and neither comes with a description (PS-E02). There is nothing
# to build, and so nothing to test ([PS-12](00_claims.py#PS-12)). That we clip estimates within δ and
# average weights is ours, not that module.
#
# ## In this notebook we have
#
# - seen a loss that is always 0, and two that contradict each other at the rim;
# - fused a deviation in five ways, and measured what the seam takes from a lesion's rim;
# - taken the paper literally on a line with the exact noise, and set fits of networks beside it.
#
# Next: [04a_realism](04a_realism.py) asks whether a judge can tell the result from real slices.
#
# ## Exercises
#
# **1.** What is $\mathbf{w}_{ring}$ where S is 0.9?

# %%
answer = None  # your number
page.exercise(answer, lambda: 4 * 0.9 * 0.1, within=1e-6)

# %% [markdown]
# **2.** From rim to middle S grows. From which S on, short of 1, is the true deviation no longer the
# cheapest estimate of a pixel, at the weights of the figure with the dots? Give two decimals.

# %%
answer = None  # your number
grid = np.linspace(0.3, 1, 701)
dear = s.syn_weight * grid**2 > s.dev_weight * (s.pat_weight + s.ring_weight * fusion.ring(grid))
page.exercise(answer, lambda: grid[dear].min(), within=0.01)

# %%
page.close()
