# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Section III-C: drawing a deviation, and nothing else
#
# - a bump's deviation, diffused inside its mask and drawn back with the best answer that any network
#   can give;
# - what it does to lose the bar over an α, and why small lesions need a loss of their own;
# - the fitted network: what it knows of a lesion under noise, and what it draws beside the truth.
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

from lib.generators import boxes, deviation, diffusion
from lib.metrics import deviations as metric
from lib.networks.pathosyn import NoiseNet
from lib.papers.pathosyn import looks, toys
from lib.papers.pathosyn.arms import DIFFUSED, SOURCES, chosen
from lib.report import plots
from lib.report.page import Page
from lib.report.rows import Regime
from lib.scores.deviations import SIGNALS
from lib.training.weights import seeded

page = Page("pathosyn/03b_deviation_diffusion", profile, seed, dataset, root, draws)
page.study.source.known("the true deviation")
HUES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#777777")

# %% [markdown]
# ## What the paper prints
#
# > This formulation ensures that the generative modeling capacity is exclusively allocated to the
# > pathological appearance, while the anatomical substrate remains deterministic and invariant.
# > (section III-C)
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | $\bar\alpha_t$ in equations 7 and 10, α_t where both algorithms and equation 12 mean the same (PS-E11; a bar may have been lost in print) | the bar everywhere; as printed in three arms of [03c_framework](03c_framework.py), and in the toy below |
# | ancestral sampling (equation 10, Algorithm 2), then "DDIM sampling during inference" (section IV-A); how many steps is not said (PS-E15) | DDIM with 50 steps; ancestral sampling with all 1,000 as an arm |
# | the noise loss over all pixels (equation 9), or masked (Algorithm 1) (PS-E14) | over each lesion's own pixels, every lesion alike; the printed ones as arms |
# | saturation at an unknown δ (PS-E13, PS-E18) | three times the deviations' root mean square, inverted after sampling; estimates are kept within δ |
# | whole slices | a box around the lesion: outside the mask nothing is drawn; the network sees less of the substrate |
# | one diffusion, "a high-capacity U-Net" of unknown size | a small one; whether velocities on a cosine schedule do better is an arm |
#
# ## A toy whose noise is known exactly
#
# Deviations on a line: the bump of [03a_decomposition](03a_decomposition.py) inside its label, in units
# of its height, with a smooth texture that differs from lesion to lesion. This is a Gaussian law with
# mean μ and covariance C, so the best guess of the noise has a closed form, and no network is needed:
#
# $$\mathrm{E}[\epsilon \mid \mathbf{r}_t] = \sqrt{1-\bar\alpha_t}\,\bigl(\bar\alpha_t C + (1-\bar\alpha_t) I\bigr)^{-1} (\mathbf{r}_t - \sqrt{\bar\alpha_t}\,\mu)$$

# %%
page.source(toys.Law.noise)
law, schedule = toys.law(), diffusion.linear()
generator = torch.Generator().manual_seed(seed)
true = law.draw(400, generator)
print(f"{true.shape[1]} pixels, {len(true)} lesions of mean {true.mean():.2f}")

# %% [markdown]
# ## Forward: equations 6 to 8
#
# $$\mathbf{r}_t = \bigl(\sqrt{\bar\alpha_t}\,\mathbf{r}_0 + \sqrt{1-\bar\alpha_t}\,\epsilon\bigr) \odot \mathbf{m}, \qquad \bar\alpha_t = \prod_{s \le t} \alpha_s, \quad \alpha_t = 1 - \beta_t \quad (7, 8)$$
#
# $\alpha_t$ is what *one* step leaves of the signal, $\bar\alpha_t$ what *all steps so far* have
# left. Where Algorithm 1 writes $\sqrt{\alpha_t}\,\mathbf{r}_0 + \sqrt{1-\alpha_t}\,\epsilon$, it
# adds the noise of a single step.

# %%
bare = toys.printed(schedule)
TIMES = (0, 249, 499, 999)
eps = torch.randn(1, true.shape[1], generator=generator, dtype=torch.float64)
noisy = {name: [diffusion.add_noise(s, true[:1], eps, torch.tensor([t]))[0] for t in TIMES]
         for name, s in (("with the bar", schedule), ("as printed", bare))}  # fmt: skip

# %%
caption = (
    "One deviation of the toy under noise, with the bar (equation 7) and without (Algorithm 1). "
    "Right: what is left of the signal, and how much noise there is, by step."
)
with page.figure(caption, 1, 3, figsize=(11, 3)) as axes:
    for ax, (name, each) in zip(axes, noisy.items(), strict=False):
        for t, r_t, hue in zip(TIMES, each, HUES, strict=False):
            ax.plot(r_t, color=hue, lw=1, label=f"t = {t + 1}")
        ax.set(title=name, xlabel="pixel of the mask", ylim=(-4.5, 4.5))
    axes[0].legend(fontsize=7, ncols=2, loc="lower left")
    for s, name, style in ((schedule, "bar", "-"), (bare, "printed", "--")):
        a = s.alpha_bar
        axes[2].plot(a.sqrt(), style, color=HUES[0], label=f"signal, {name}")
        axes[2].plot((1 - a).sqrt(), style, color=HUES[1], label=f"noise, {name}")
    axes[2].set(xlabel="step t", title="factors")
    axes[2].legend(fontsize=7)

# %%
both = {t: [a for s in (schedule, bare) for a in (s.at(t), 1 - s.at(t))] for t in TIMES}
lines = [[t + 1, *(f"{a**0.5:.4f}" for a in each)] for t, each in both.items()]
page.table(["step", "signal, bar", "noise, bar", "signal, printed", "noise, printed"], lines)
page.check("with the bar the last step is noise alone", schedule.at(999) < 1e-4)
page.check("without it, almost nothing is ever added", bare.alpha_bar.min() > 0.97)

# %% [markdown]
# **What to see.** Left, the last curve has forgotten the bump: that is why sampling may begin at pure
# noise. In the middle even the last curve is a lesion with a little grain on it. A network that is
# trained on these has never seen what sampling begins with.
#
# ## Backward: equation 10, and DDIM
#
# $$\mathbf{r}_{t-1} = \frac{1}{\sqrt{\alpha_t}}\Bigl(\mathbf{r}_t - \frac{1-\alpha_t}{\sqrt{1-\bar\alpha_t}}\,\epsilon_\theta\Bigr) + \sigma_t \mathbf{z} \quad (10)$$
#
# Here are both of the paper's samplers, given the exact noise. DDIM draws no new noise on its way, so
# it can take large steps; ancestral sampling with 50 of 1,000 steps loses some of the spread.

# %%
page.source(diffusion.ddim, diffusion.ddpm)
told = law.predictor(schedule)
WAYS = {
    "DDIM, 50 steps": lambda x, g: diffusion.ddim(schedule, told, x, 50),
    "ancestral, 1,000 steps": lambda x, g: diffusion.ddpm(schedule, told, x, 1000, g),
    "ancestral, 50 steps": lambda x, g: diffusion.ddpm(schedule, told, x, 50, g),
}
sampled = {"true law": true}
for name, way in WAYS.items():
    sampled[name] = diffusion.last(way(*toys.start(400, law, seed)))


# %%


def facts(r: torch.Tensor) -> list[float]:
    """Mean, error of the mean lesion, and spread of deviations (n, P)."""
    off = r.mean(0) - law.mean
    return [float(r.mean()), float(off.abs().max()), float((r - r.mean(0)).square().mean().sqrt())]


HEAD = ["toy, units of the bump's height", "mean", "mean lesion off by", "spread"]
page.table(HEAD, [[name, *(f"{x:.3f}" for x in facts(r))] for name, r in sampled.items()])
spread = {name: facts(r)[-1] for name, r in sampled.items()}
near = abs(spread["ancestral, 1,000 steps"] / spread["true law"] - 1)
page.check("all ancestral steps give the true spread", near < 0.06)
few, as_many = (spread[f"{name}, 50 steps"] for name in ("ancestral", "DDIM"))
page.check("with few steps DDIM keeps more of the spread", few < as_many)

# %% [markdown]
# ## The same toy, without the bars
#
# First comes the best network for the noise of Algorithm 1 (*noise as printed*), with the right
# sampler; then the right network, sampled by Algorithm 2 as printed, which subtracts
# $\frac{1-\alpha_t}{\sqrt{1-\alpha_t}}\,\epsilon$ instead of
# $\frac{1-\alpha_t}{\sqrt{1-\bar\alpha_t}}\,\epsilon$.

# %%
PRINTED = ("noise as printed", "sampler as printed")
s, (x, generator) = deviation.DeviationSettings(), toys.start(400, law, seed)
blind = law.predictor(schedule, learned=bare, limit=s.delta)
sampled[PRINTED[0]] = diffusion.last(diffusion.ddim(schedule, blind, x, s.sampler_steps))
sampled[PRINTED[1]] = deviation.as_printed(schedule, told, x, generator)
measured = {name: facts(sampled[name]) for name in ("true law", *PRINTED)}
page.table(HEAD, [[name, *(f"{x:.3f}" for x in each)] for name, each in measured.items()])
(_, _, wide), (_, off, _), (_, _, narrow) = measured.values()
page.check("noise as printed draws no lesion", off > 0.5)
page.check("the sampler as printed loses most of the spread", narrow < wide / 2)

# %%
caption = "Six deviations of the toy as the law draws them, and as four ways back from noise do."
SHOWN = ("true law", "DDIM, 50 steps", "ancestral, 1,000 steps", *PRINTED)
with page.figure(caption, 1, 5, "ways", figsize=(12, 2.8), sharey=True) as axes:
    for ax, name in zip(axes, SHOWN, strict=True):
        ax.plot(sampled[name][:6].T, lw=1)
        ax.plot(law.mean, "--", color="black", lw=1)
        ax.set(title=name, xlabel="pixel of the mask")
    axes[0].set_ylabel("deviation")

# %% [markdown]
# **What to see.** The first three panels are one law (dashed: its mean). The fourth is no lesion: the
# network takes what it is shown for a lesion with a little grain, and its mistake is multiplied at
# every step until clipping stops it. The fifth has the right mean and hardly any texture: too much
# noise is subtracted at every step, so all lesions are alike. A log of losses shows neither fault.
#
# ## Whose error counts? A lesion of 4 pixels and one of 400
#
# Equation 9 sums over all pixels, Algorithm 1 over those of the mask. Take two lesions in boxes of 32
# x 32, a fresh network and the same noise: how large is the gradient that each lesion gives under
# each loss?

# %%
page.source(deviation.noise_loss)
mask = torch.zeros(2, 1, 32, 32)
mask[0, :, 15:17, 15:17], mask[1, :, 6:26, 6:26] = 1, 1
noise = torch.randn(mask.shape, generator=generator)
net = seeded(lambda: NoiseNet((64, 96), 2), np.random.default_rng(seed))


# %%
def pull(i: int, how: str) -> float:
    """Length of the gradient of one lesion's loss on the network's last layer."""
    said = net(torch.cat([noise * mask, 0 * mask, mask], 1)[i : i + 1], torch.tensor([500]))
    loss = deviation.noise_loss(noise[i : i + 1] - said, mask[i : i + 1], how).sum()
    return torch.autograd.grad(loss, net.out.weight)[0].norm().item()


# %%
LOSSES = {"own": "own pixels (ours)", "masked": "masked (Algorithm 1)"}
LOSSES |= {"whole": "all pixels (equation 9)"}
pulls = {how: (pull(0, how), pull(1, how)) for how in LOSSES}
share = mask.mean((1, 2, 3))
floors = {"own": "none", "masked": "none", "whole": " and ".join(f"{1 - s:.2f}" for s in share)}
page.table(["noise loss", "4 pixels", "400 pixels", "ratio", "can never be learned"],
           [[LOSSES[how], *(f"{x:.3g}" for x in each), f"{each[1] / each[0]:.3g}", floors[how]]
            for how, each in pulls.items()])  # fmt: skip
page.check("masked, the small lesion is hardly heard", pulls["masked"][1] > 5 * pulls["masked"][0])
page.check("by its own pixels it is", pulls["own"][0] > 0.2 * pulls["own"][1])

# %% [markdown]
# **What to see.** Masked and averaged over the box, a lesion counts in proportion to its area, and
# small lesions are the ones that the paper wants to help. Averaged over its own pixels the small one
# even pulls harder, since a mean over 4 is noisier than one over 400. With all pixels both seem to
# count alike, but for the small lesion nearly all of the gradient comes from noise outside the mask,
# where $\mathbf{r}_t$ is 0 and says nothing: a loss that no network can lower (PS-E14).
#
# ## The fitted network
#
# Back to slices. One fit of Algorithm 1, which [03c_framework](03c_framework.py) explains, is asked
# about test lesions that it has never seen: noise is added to each true deviation, and equation 12
# recovers it in a single step (*teacher-forced*, as in training). Networks see a box around each
# lesion:

# %%
rows = page.run()
at = rows.regimes.get("bare", Regime("bare", ()))
forced = DIFFUSED["teacher_forced"]
seen = page.panel("estimates", lambda: looks.estimates(page.study, forced))
if seen:
    places = boxes.around(seen["mask"] > 0, s.sides, s.pad)
    pixels, whole = np.square(places.side), seen["mask"][0].size
    print(f"boxes of {', '.join(map(str, places.side))} pixels a side: ", end="")
    print(f"{pixels.mean() / whole:.0%} of a slice's {whole:,} pixels")
    page.check("every lesion lies in its box", all((seen["mask"][i] > 0).sum() ==
        (seen["mask"][i, t : t + n, left : left + n] > 0).sum() for i, (n, t, left) in
        enumerate(zip(places.side, places.top, places.left, strict=True))))  # fmt: skip

# %%
caption = (
    "Three test lesions, magnified: the phantom's deviation, the one behind the network's own "
    "substrate (equation 4), and its one-step estimates by what is left of the signal; ±0.4 grey units."
)
if seen:
    titles = ("image and box", "true", "$r_0$", *(f"$\\bar\\alpha$ = {a:g}" for a in SIGNALS))
    with page.figure(caption, 3, 8, "estimates", figsize=(12, 4.8)) as axes:
        for i, each in enumerate(axes):
            plots.show(each[0], seen["image"][i])
            plots.outline(each[0], seen["mask"][i] > 0, plots.ROLES["control"])
            n, top, left = (float(x[i]) for x in (places.side, places.top, places.left))
            across, down = n * np.array([[0, 1, 1, 0, 0], [0, 0, 1, 1, 0]]) - 0.5
            each[0].plot(left + across, top + down, color="white", lw=0.7)
            for ax, field in zip(each[1:], (seen["true"][i], *seen["estimates"][i]), strict=True):
                plots.show(ax, field, cmap="RdBu_r", vmin=-0.4, vmax=0.4)
        for ax, title in zip(axes[0], titles, strict=True):
            ax.set_title(title)
else:
    page.text("*The record has no lesions yet, and this run has none: figures are left out.*")

# %% [markdown]
# **What to see.** From left to right the network is shown less of the lesion. At first it only
# removes noise; at the end it can only say what a lesion in this mask looks like on average. Compare
# *true* with $r_0$ as well: what the substrate gets wrong is in the deviation from the start, and no
# diffusion removes it.

# %%
WORDS = {"deviation_correlation": "correlation with the true deviation",
         "inside_rmse": "inside RMSE, grey units", "ring_error": "error at the rim, grey units",
         "outside_energy": "share of energy outside, before the mask",
         "decomposition_correlation": "correlation of $r_0$ itself"}  # fmt: skip

# %%
caption = "One-step estimates of one fit by noise level, against the true deviation."
if seen:
    with page.figure(caption, 1, 2, "levels", figsize=(8.5, 2.9)) as axes:
        for ax, name in zip(axes, ("deviation_correlation", "inside_rmse"), strict=True):
            ax.plot(SIGNALS, seen[name], "o-", color=HUES[0], label="estimate")
            ax.set(xlabel="$\\bar\\alpha_t$ (less noise to the right)", ylabel=WORDS[name])
        if at.has(forced, "decomposition_correlation"):
            best = at.values(forced, "decomposition_correlation")[0]
            axes[0].axhline(best, color=HUES[4], ls="--", label="$r_0$ itself")
        axes[0].legend(fontsize=7)

# %%
lines = [[words, at.count(forced, m), at.cell(forced, m)] for m, words in WORDS.items()]
page.table(["means over noise levels", "R", "mean"], lines)

# %% [markdown]
# ## Drawn lesions beside true ones
#
# Now only the substrate and the mask are given. A lesion is drawn anew, so it should not *equal* the
# true one, but be of its kind: as strong, as grainy, and with structures of the same size.

# %%
main = SOURCES["pathosyn_diff"]
pairs = page.panel("drawn", lambda: looks.drawn(page.study, main))
LINES = {"image": "true image", "made": "drawn image"}
LINES |= {"true": "true deviation", "drawn": "drawn deviation"}
SIGNED = {"cmap": "RdBu_r", "vmin": -0.4, "vmax": 0.4}
caption = "Six training masks with their true lesions, and with one drawn lesion each; one fit."
if pairs:
    with page.figure(caption, 4, 6, "drawn", figsize=(9, 5.8)) as axes:
        for each, (name, label) in zip(axes, LINES.items(), strict=True):
            for ax, field in zip(each, pairs[name], strict=True):
                plots.show(ax, field, **(SIGNED if name in ("true", "drawn") else {}))
            plots.label(each[0], label)

# %% [markdown]
# What are they compared with? What a generator of $\mathbf{r}_0$ learns is the lesion, *plus* the
# image's noise, *plus* what the substrate misses (equation 4 takes all that the smooth substrate
# leaves). The phantom knows the first two exactly: (image - healthy slice without noise) inside the
# mask. So a spectrum ratio of 1 needs a network that draws the noise with the lesion, and a substrate
# without errors of its own.

# %%
ARMS = chosen("pathosyn_diff", "pathosyn_fast", "pathosyn_ddpm")
power = page.panel("spectra", lambda: looks.spectra(page.study, ARMS))
caption = (
    "Power of deviations in a window around the lesion, by cycles in it: true ones with their "
    "noise, the noise alone, and drawn ones. Shaded: the band of the ratio. One training draw."
)
if power:
    with page.figure(caption, name="spectra", figsize=(8.2, 3.3)) as ax:
        STYLE = {"true": ("black", "true"), "noise": (HUES[4], "noise alone")}
        STYLE |= {arm.name: (hue, arm.label) for arm, hue in zip(ARMS, HUES, strict=False)}
        for name, values in power.items():
            hue, label = STYLE[name]
            ax.loglog(np.arange(1, len(values)), values[1:], "o-", ms=3, color=hue, label=label)
        ax.axvspan(*metric.BAND, color=plots.BAND, alpha=0.25, lw=0)
        ax.set(xlabel=f"cycles in {metric.SIDE} pixels", ylabel="power")
        ax.set_xticks((1, 2, 4, 8, 12), ("1", "2", "4", "8", "12"), minor=False)
        ax.minorticks_off()
        ax.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))

# %%
RATIO = {"spectrum_ratio": "ratio (1: as the truth)", "noise_share": "of it, noise in the truth"}
lines = [[arm.label, at.count(arm, "spectrum_ratio"), *(at.cell(arm, m) for m in RATIO)]
         for arm in ARMS]  # fmt: skip
page.table(["drawn over true power", "R", *RATIO.values()], lines)

# %%
JUDGED = {"fd": "FD", "kid": "KID", "lesion_kid": "KID of lesions", "coverage": "coverage",
          "mask_adherence": "lesion in its mask (Dice)", "empty": "no lesion seen"}  # fmt: skip
judged = [arm for arm in ARMS if at.has(arm, "kid")]
lines = [[arm.label, at.count(arm, "kid"), *(at.cell(arm, m) for m in JUDGED)] for arm in judged]
real = ["null (real)", "", *(at.null(main, m) for m in JUDGED)]
page.table(["in the reader's eyes", "R", *JUDGED.values()], [*lines, real] if judged else [])

# %% [markdown]
# **What to see.** Where does the blue curve leave the black one? On the left are structures as large
# as whole lesions, on the right is grain, where the grey curve says how much of the truth is noise.
# Two wrongs can make a right here: a substrate that is too rough adds the power that an overly smooth
# network lacks. PS-10 asks for both: that a deviation is recovered, and that drawn ones have the
# right spectrum.
#
# In the second table all three are asked for the same lesions on the same subjects. The last line is
# what real slices of some subjects read against those of others, ± their SD: no arm can be shown to
# be nearer than that. Are the arms with another schedule or sampler apart from the paper's own by
# more than the scatter of draws?

# %% tags=["PS-10"]
page.verdicts("PS-10")

# %% [markdown]
# ## Few subjects: is a deviation easier than an image?
#
# > Structurally separating these components reduces the effective complexity of the generative task
# > (section I)
#
# The same network learns from few training subjects, once $\mathbf{r}_0$ and once the image inside
# the mask. A judge tries to tell real slices from drawn ones; at 0.5 it cannot.

# %%
few = [rows[f"n{n}"] for n in page.size.sweep[:2] if f"n{n}" in rows]
BOTH = chosen("deviation_space", "image_space")
caption = "AUC of a judge of real against drawn (0.5: cannot tell), by training subjects."
if few:
    shape = {"figsize": (4.4 * len(few), 1.9), "squeeze": False}
    with page.figure(caption, 1, len(few), "few", **shape) as axes:
        for ax, each in zip(axes[0], few, strict=True):
            plots.forest(ax, each, BOTH, "c2st_auc", "AUC (lower)", crosses=False)
            ax.axvline(0.5, color=plots.ROLES["baseline"], lw=1, ls="--")
            ax.set(xlim=(0.4, 1.02), ylim=(-0.6, 1.6))
            ax.set_title(f"{each.name[1:]} subjects")
            ax.tick_params(labelleft=ax is axes[0, 0])
else:
    page.text("*No draws yet: profile `quick` leaves this sweep out, `full` has it.*")

# %% tags=["PS-39"]
page.verdicts("PS-39")

# %%
if at.has(forced, "deviation_correlation"):
    known = at.values(forced, "deviation_correlation")
    page.check("correlations lie between -1 and 1", np.abs(known).max() <= 1)
    if page.meaningful:
        page.check("the network knows a lesion again", known.min() > 0)

# %% [markdown]
# ## In this notebook we have
#
# - diffused a deviation inside its mask and drawn it back with the exact noise, by both samplers;
# - seen what α without its bar does to noise and sampler, and whose error counts in each noise loss;
# - compared the fitted network with true deviations, under noise and by spectrum.
#
# Next: [03c_framework](03c_framework.py) puts the deviation back, and reads the paper to the letter.
#
# ## Exercises
#
# **1.** Deviations have a standard deviation of 0.3 (nobody scaled them to the schedule), and
# $\bar\alpha_t = 0.2$. What is the standard deviation of $\mathbf{r}_t$?

# %%
answer = None  # your number
page.exercise(answer, lambda: (0.2 * 0.3**2 + 0.8) ** 0.5, within=0.005)

# %% [markdown]
# **2.** At which step of the linear schedule is half of the signal's *variance* left (count from 1)?

# %%
answer = None  # your number
page.exercise(answer, lambda: int((schedule.alpha_bar > 0.5).sum()) + 1, within=1)

# %%
page.close()
