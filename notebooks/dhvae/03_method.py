# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Section 3: an image and its mask from one latent, term by term
#
# - the network and its size, and each term of equation 12: formula, code, what it measures, and what
#   it weighs in nats along a real fit;
# - samples of VAE, HVAE and dHVAE from the same latents, and a walk between two patients;
# - image and mask drawn together, against an image drawn for a given mask: do the two fit?
#
# Brain FLAIR only. Nothing here shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
root = ""
draws = ""

# %%
import math
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, shift
from torch.nn.functional import binary_cross_entropy_with_logits

from lib.generators import hvae
from lib.metrics.masks import alignment
from lib.networks import wsconv
from lib.papers.dhvae import looks, toys
from lib.papers.dhvae.arms import DICE, SOURCES, SWAPPED, chosen, preset
from lib.phantoms import brain
from lib.report import lesions, plots
from lib.report.page import Page
from lib.report.rows import interval
from lib.training.loop import as_pairs, from_logits
from lib.training.weights import seeded

page = Page("dhvae/03_method", profile, seed, dataset, root, draws)
study = page.study
assert dataset == "phantom", "healthy counterfactuals are known for phantoms only"

# %% [markdown]
# ## What the paper prints
#
# > $\mathcal{L}_{global} = \alpha \cdot \mathcal{L}^H_{ELBO} + \beta \cdot (\mathcal{L}_{disc} + \mathcal{L}_{rec})$, where $\alpha \in [0, 1]$ and $\beta = 1 - \alpha$ (equation 12)
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | a bound that is maximised is added to losses that are minimised (DH-E13) | its negative, in nats per image |
# | the discriminator's own objective, which it maximises, is what the generator's loss gets; both carry θ (equation 11, DH-E14) | the critic descends its loss, the generator the non-saturating one |
# | β = 0.01 is the best in Table 1, then "Ours (α = 0.01)" in Table 4; with β = 1 - α that is β = 0.99 (DH-E01) | β = 0.01; a run with 0.99 is an arm of Table 1 |
# | the ablations take equal weights, the method 0.01: part and weight change together (DH-E10) | both weights are run for each part (Table 2) |
# | sums or means: not stated | the ELBO is a sum over pixels, the other terms are means; each mean is multiplied by the pixels |
# | VGG16 of photographs behind the feature loss | the *guide*: a segmenter of the same training slices and of nothing else |
# | "a certain number of iterations" before the discriminator joins; batch, epochs, latent size: not stated (DH-E13) | the delay is counted in batches; all listed as ours in `HvaeSettings`; which other recipes were tried stands in [04_budget](04_budget.py) (*Which recipes were tried?*) |
# | "More details are specified in section 3.6", which does not exist (DH-E26) | section 3.4 |
#
# ## The pair goes in together
#
# Encoder and decoder see two planes, $\{x, m\}$: a FLAIR slice and the contour of its tumour.

# %%
rows = page.run()
chosen_slices = page.panel("held_out", lambda: looks.largest(study), of=study.reference)
level, each = chosen_slices["index"], np.arange(len(chosen_slices["index"]))
seeds = brain.from_seeds(brain.BRAIN, chosen_slices["subject"])
drawn = brain.render(seeds, modalities=("FLAIR",))
image, healthy = (x[each, 0, level].clip(0, 1) for x in (drawn.image, drawn.healthy))
mask = drawn.mask[each, level]
same = np.abs(image - chosen_slices["image"]).max() < 1 / 255
if page.is_todays("held_out", study.reference):
    page.check("a subject is made again from its seed", same)
else:
    print("the record's images are of an earlier law: today's draws these seeds differently")
pairs = as_pairs(image, mask)
P = pairs[0, 0].numel()
print(f"{len(pairs)} held-out pairs {tuple(pairs.shape[1:])}, one of each subject; {P:,} pixels")

# %% [markdown]
# ## The network
#
# Four blocks each way of a weight-standardised convolution, GroupNorm and Swish with a residual
# connection; linear self-attention in the first and last block, attention in the latent, which keeps
# its two dimensions. The paper says 23 million parameters. Both sizes from the same code, the
# paper's without any memory (device `meta`):

# %%
made = {}
for name, shape in {"here": wsconv.CPU, "the paper's": wsconv.PAPER}.items():
    s = replace(hvae.DHVAE, widths=shape.widths, units=shape.units, stem=shape.stem,
                latent=shape.latent, side=shape.side, precision="float32")  # fmt: skip
    with torch.device("meta"):
        made[name] = hvae.PairVAE(s)
count = {name: sum(p.numel() for p in model.parameters() if p.requires_grad)
         for name, model in made.items()}  # fmt: skip
code = {name: model.settings.shape.code for name, model in made.items()}
page.table(
    ["size", "parameters", "image", "latent", "numbers in it"],
    [[n, f"{count[n]:,}", made[n].settings.side, code[n], math.prod(code[n])] for n in made],
)
page.check("the paper's size has 23 million", round(count["the paper's"] / 1e6) == 23)

# %%
for part in ("encoder", "decoder"):
    found = []
    for name, model in made.items():
        side, d = model.settings.side, math.prod(code[name])
        given = torch.empty((1, 2, side, side) if part == "encoder" else (1, d), device="meta")
        found.append(toys.leaves(getattr(model, part), given))
    page.table([part, *made], [[step, *(each.get(step) for each in found)] for step in found[0]])

# %% [markdown]
# **Weight standardisation.** Before it is used, each kernel is shifted and scaled to mean 0 and
# variance 1 over its inputs. So neither an added constant nor a factor of the raw kernel matters:
# the optimiser changes its direction alone.

# %%
conv = seeded(lambda: wsconv.convolution(2, 8), np.random.default_rng(seed))
raw, used = conv.parametrizations.weight.original, conv.weight.detach().clone()
before = conv(pairs).detach()
for name, one in (("raw", raw[0]), ("used", used[0])):
    print(f"a kernel, {name}: mean {one.mean():+.3f}, SD {one.std(correction=0):.3f}")
with torch.no_grad():
    raw.mul_(3).add_(0.5)
page.check("3 × kernel + 0.5 changes nothing", torch.allclose(conv(pairs), before, atol=2e-3))

# %% [markdown]
# ## Term 1: the bound
#
# [02_background](02_background.py) has its dynamics. Its likelihood has two parts, both densities:
# a Gaussian for the grey values, whose standard deviation is fixed, and a coin for each mask pixel.
#
# $$\log p(x, m|z) = \sum_i \log N(x_i; \hat x_i, \sigma^2) + w \sum_i \bigl[m_i \log \hat m_i + (1 - m_i)\log(1 - \hat m_i)\bigr]$$
#
# With w = 1 it is a density. A small lesion is then a matter of some nats among thousands, and many
# samples have none; so training counts the mask w times (ours; DH-15 is judged on arms with w = 1).

# %%
page.source(hvae.PairVAE.log_likelihood)
fits = {SOURCES[a].label: page.model(f"{a}_flair", study.fitted(SOURCES[a], 0))
        for a in ("vae", "hvae", "dhvae")}  # fmt: skip
models = {name: hvae.load(fit) for name, fit in fits.items()}
sd = models["VAE"].settings.sd
ceiling = -P * (math.log(sd) + 0.5 * math.log(2 * math.pi))


# %%
def split(model: hvae.PairVAE) -> list[float]:
    """Nats per pair at the posterior's mean: image, mask, KL of q(z_0) to the prior."""
    with torch.no_grad():
        mean, log_sd = model.posterior(pairs)
        logits = model.decode(model.code_of(mean))
        both = model.log_likelihood(logits, pairs)
        kl = model.kl(mean, log_sd)
    coin = binary_cross_entropy_with_logits(logits[:, 1], pairs[:, 1], reduction="sum")
    of_mask = -coin.item() / len(pairs)
    of_image = both.mean().item() - model.settings.mask_weight * of_mask
    return [of_image, of_mask, kl.mean().item()]


# %%
lines = [[name, *(f"{x:.1f}" for x in split(m))] for name, m in models.items()]
page.table(["nats per pair", "log p(image)", "log p(mask)", "KL of q(z_0)"], lines)
print(f"a perfect image would have {ceiling:.1f} nats: a density may exceed one (sigma = {sd:g})")
print(f"the mask counts w = {models['VAE'].settings.mask_weight:g} times in the loss, once in this table")

# %% [markdown]
# **Which law do codes have?** The paper draws z from N(0, I). After a few thousand steps the codes
# of training slices do not fill it: they lie in a corner, and elsewhere the decoder has learnt
# nothing. So when the warm-up ends, a fixed linear map is set between code and network, from mean and
# covariance of the training codes; then N(0, I) is their law, as far as it is normal.

# %%
page.source(hvae.PairVAE.whiten)

# %%
model = models["VAE"]
with torch.no_grad():
    h = model.posterior(pairs)[0]
    codes = {"as they are": h, "whitened": model.code_of(h)}
length = {name: x.norm(dim=1).mean().item() for name, x in codes.items()}
expected = math.sqrt(len(model.raw_steps))

# %%
lines = [[name, f"{length[name]:.1f}", f"{x.mean(0).norm():.1f}"] for name, x in codes.items()]
page.table(["codes of held-out pairs", "mean length", "length of their mean"],
           [*lines, ["draws from N(0, I)", f"{expected:.1f}", f"{expected / len(h) ** 0.5:.1f}"]])  # fmt: skip

# %% [markdown]
# ## Term 2: features
#
# $$\mathcal{L}_{feature} = \frac{1}{L}\sum_j \frac{\overline{(\phi_j(\hat x) - \phi_j(x))^2}}{\overline{\phi_j(x)^2}} \quad (9)$$
#
# φ are the guide's four maps, each divided by its own size so that no depth dominates. What does each
# map see? Change held-out slices in five ways *by the same pixel error*: take the tumour out (the
# phantom's own healthy twin), blur, shift, flatten the contrast, add noise.

# %%
page.source(hvae.feature_loss)
error = np.square(healthy - image).mean((1, 2), keepdims=True)
page.check("the twin lacks its tumour alone", ((healthy == image) | drawn.support[each, level]).all())
noise = np.random.default_rng(seed).standard_normal(image.shape, dtype=np.float32)
others = {"blurred": gaussian_filter(image, (0, 1.5, 1.5)), "noise": image + noise}
others |= {"shifted": shift(image, (0, 0, 1), order=1), "contrast": np.full_like(image, 0.3)}
changed = {name: toys.as_far(image, other, error) for name, other in others.items()}
changed = {"tumour out": healthy, **changed}

# %%
seen = page.panel("guide", lambda: looks.by_guide(study, pairs[:, :1], changed.values()))
if "loss" in seen:
    trained = np.isclose(seen["loss"], seen["terms"][0].mean(), rtol=1e-3)
    page.check("equation 9 is as it is trained", trained.all())
BLUES = ("#BBDDF2", "#56B4E9", "#0072B2", "#003A5D")
caption = f"What the guide's maps make of these changes (means over {len(pairs)} slices)."
with page.figure(caption, name="maps", figsize=(6, 3)) as ax:
    for j, hue in enumerate(BLUES):
        place = np.arange(5) + 0.2 * (j - 1.5)
        ax.bar(place, seen["terms"][:, j], 0.2, color=hue, label=f"map {j + 1}")
    ax.set_xticks(range(5), list(changed))
    ax.set_ylabel("term of equation 9")
    ax.legend(fontsize=7)

# %%
caption = "Five changes of one pixel error, and the guide's four maps (channel means)."
with page.figure(caption, 2, 6, "features", figsize=(11, 3.9)) as (top, low):
    for ax, (name, x) in zip(top, {"slice": image, **changed}.items(), strict=True):
        plots.show(ax, x[0], name)
    plots.show(low[0], mask[0], "its mask")
    for ax, name in zip(low[1:5], (f"map {j}" for j in range(1, 5)), strict=True):
        plots.show(ax, seen[name], f"{name}: {len(seen[name])} px", vmax=seen[name].max())
    low[5].set_axis_off()

# %% [markdown]
# **What to see.** All five changes cost the same in pixels. See which of them the early maps
# respond to (fine texture), and which the late ones do (light to dark blue); a guide that has
# learned the task should respond to a missing tumour. It learned from the training slices alone, so
# it can be wrong: that is why no score uses it.
#
# ## Terms 3 and 4: L1, and a critic of patches
#
# L1 in miniature: a pixel that is 0.2 in most images like this and 0.8 in some. Squared error is
# least at the mean, a grey that never occurs; absolute error at the median, which does. The
# *critic* gives a logit to each patch. Against it equation 11 would have the generator descend
# $\log(1 - D)$, whose slope vanishes where the critic is sure; ours descends $-\log D$ (DH-E14).

# %%
grey, logit = np.linspace(0, 1, 201), np.linspace(-6, 6, 200)
cost = {p: 0.7 * np.abs(grey - 0.2) ** p + 0.3 * np.abs(grey - 0.8) ** p for p in (1, 2)}
critic = seeded(wsconv.PatchCritic, np.random.default_rng(seed))
low, high = toys.reach(critic.body)
print(f"logits {tuple(critic(pairs).shape[1:])}; one sees {' x '.join(map(str, high - low + 1))} pixels")
print(f"least L1 at {grey[cost[1].argmin()]:.2f}, least squares at {grey[cost[2].argmin()]:.2f}")
least = [grey[cost[p].argmin()] for p in (1, 2)]
page.check("L1 is least at the median, squares at the mean", np.allclose(least, (0.2, 0.38)))

# %%
caption = (
    "L1 and squared error of a two-valued pixel (dots: least cost); the pixels behind one logit of "
    "the critic; gradient of two generator losses."
)
with page.figure(caption, 1, 3, "parts", figsize=(11, 3.2)) as (left, middle, right):
    for p, hue in zip(cost, ("#0072B2", "#E69F00"), strict=True):
        left.plot(grey, cost[p], color=hue, label=f"|error|$^{p}$")
        left.plot(grey[cost[p].argmin()], cost[p].min(), "o", color=hue)
    left.set(xlabel="decoded value", ylabel="mean cost", title="0.2 (70 %) or 0.8 (30 %)")
    plots.show(middle, image[0], "what one logit of the critic sees")
    corners = [(low[1], low[0]), (high[1], low[0]), high[::-1], (low[1], high[0]), (low[1], low[0])]
    middle.plot(*zip(*corners, strict=True), color="#E69F00")
    right.plot(logit, 1 / (1 + np.exp(-logit)), color="#E69F00", label="log(1 - D), as printed")
    right.plot(logit, 1 / (1 + np.exp(logit)), color="#0072B2", label="-log D, ours")
    right.set(xlabel="critic's logit of a sample", ylabel="length of the gradient")
    for ax in (left, right):
        ax.legend(fontsize=7)

# %% [markdown]
# ## All terms together
#
# $$\mathcal{L} = -(1 - \beta)\,\mathrm{ELBO} + \beta\,P\,(\mathcal{L}_{disc} + \mathcal{L}_{feature} + \mathcal{L}_{1})$$
#
# with P pixels, because a mean beside a sum over 4,096 of them would weigh nothing.

# %%
page.source(hvae.total)
s = models["dHVAE"].settings
arms = chosen("vae", "hvae", "hvae_disc", "hvae_perc", "dhvae")
PRESETS = {arm.label: preset(arm) for arm in arms}
PRESETS |= {"dHVAE, α = 0.01 read as printed": replace(hvae.DHVAE, beta=SWAPPED)}
lines = [[name, p.leapfrog, f"{1 - p.beta:g}", *(f"{p.beta * P * on:g}" for on in
         (p.disc, p.perc, p.l1))] for name, p in PRESETS.items()]  # fmt: skip
page.table(["arm", "K", "weight of the ELBO", "of L_disc", "of L_feature", "of L_1"], lines)

# %% [markdown]
# The rows of *HVAE + disc* and *HVAE + perc* differ from dHVAE in the parts **and** in the weight
# (DH-E10). The last row is what equation 12 makes of Table 4's α (DH-E01).
#
# Along the fit of draw 0, as it was trained (means over the batches since the last point). The arms
# share their first batches, those of a plain VAE (the warm-up, ours); then the dynamics and the added
# terms join.

# %%
early = page.panel("warm", lambda: looks.warm_up(study))["elbo"]
log = fits["dHVAE"].scores["log"]
TERMS = {"disc": "#D55E00", "feature": "#0072B2", "l1": "#009E73"}
nats = {name: [(e["step"], s.beta * P * e[name]) for e in log if name in e] for name in TERMS}
bound = [(e["step"], e["elbo"]) for e in log]
for name, found in {"ELBO": bound, **nats}.items():
    print(f"{name:8} {found[0][1]:9.1f} nats per pair at first, {found[-1][1]:9.1f} at the end")
page.check("the critic waits for its batch", all(step > s.delay for step, _ in nats["disc"]))

# %%
caption = (
    "Weighted terms of equation 12 along the fit of draw 0, the mask counted w times in the bound; "
    "dashed: dynamics and critic join."
)
with page.figure(caption, 1, 2, "fit", figsize=(10, 3.4)) as (left, right):
    left.plot(*early.T, ".-", color=plots.ROLES["baseline"], label="warm-up")
    left.plot(*zip(*bound, strict=True), "o-", ms=3, color=plots.ROLES["method"], label="dHVAE")
    for name, found in nats.items():
        right.plot(*zip(*found, strict=True), "o-", ms=3, color=TERMS[name], label=f"{name} × βP")
    for ax in (left, right):
        ax.axvline(s.delay, color="#777777", ls="--", lw=1)
        ax.set(xlabel="batches", ylabel="nats per pair")
        ax.legend(fontsize=7)
    left.set_title(f"ELBO, higher is better (weight {1 - s.beta:g})")
    right.set_title(f"what is added, β = {s.beta:g}")

# %% [markdown]
# **What to see.** The dashed line is the batch from which dynamics and critic take part. Compare the
# heights of the two panels' *changes*: the added terms steer only as far as they move. A rising term
# of the critic says that the critic gets ahead of the decoder.
#
# ## Samples from the same latents
#
# Latents from N(0, I), the same for all, draw 0, nothing selected. The last line is the VAE without
# the map from codes to its decoder.

# %%
z = torch.randn(8, math.prod(s.shape.code), generator=torch.Generator().manual_seed(seed))
with torch.no_grad():
    shown = {name: from_logits(model.decode(z)) for name, model in models.items()}
    shown["VAE, no map"] = from_logits(models["VAE"].decoder(z).float())
caption = "Held-out phantoms, and samples of three models from the same latents; orange: mask; draw 0."
with page.figure(caption, 5, 8, figsize=(9, 6)) as axes:
    lesions.paired(axes, {"real": (image[:8], mask[:8]), **shown})

# %% [markdown]
# **What to see.** A column is one z. All three models of a draw grew from one plain VAE, their common
# warm-up, so a column should still show one patient; what differs came after. Orange is the drawn
# mask: does it lie on something bright? Auto-encoders lose noise and fine folds; compare the
# sharpness of the brain's outline by row. Without the map, heads are torn or empty.
#
# ## A walk between two patients
#
# From the posterior mean of one held-out pair to that of another, in a straight line.

# %%
walk = torch.linspace(0, 1, 8).view(-1, 1)
ends, walked = np.argsort(mask.sum((1, 2)))[[0, -1]], {}
for name, model in models.items():
    with torch.no_grad():
        mean = model.code_of(model.posterior(pairs[ends])[0])
        walked[name] = from_logits(model.decode(mean[:1] + walk * (mean[1:] - mean[:1])))
caption = "Straight lines between the posterior means of two held-out pairs, draw 0."
with page.figure(caption, 3, 8, "walk", figsize=(9, 3.6)) as axes:
    lesions.paired(axes, walked)

# %% [markdown]
# **What to see.** Image and mask should change together, without a jump, and the contour should stay
# on the lesion all the way. Left and right ends are reconstructions of the smallest and the largest
# tumour among these pairs.
#
# ## Together, or the image for a given mask?
#
# > considering the joint distribution $p_\theta(x, m|z)$ [...] can lead to more realistic results
# > compared to focusing solely on the conditional distribution $p_\theta(x|z, m)$ (Section 3.1)
#
# The conditional arm is the same network, but the mask enters every block of the decoder; its samples
# get the masks of training slices, and the critic sees that pair. Same data, same steps. *Adherence*
# is the Dice of the drawn mask and the tumour that an independent reader sees in the drawn image.

# %%
at = rows["flair"]
METRICS = {"fd": "FD", "kid": "KID", "mask_adherence": "adherence", "empty": "empty masks",
           "coverage": "coverage", "sharpness": "sharpness", "dice": "Dice downstream"}  # fmt: skip
ARMS = [arm for arm in chosen("real", "joint", "conditional", "oracle") if at.has(arm, "dice")]
R = at.count("joint", "dice")
lines = [[arm.label, *(at.cell(arm, metric) for metric in METRICS)] for arm in ARMS]
nulls = [at.null("joint", metric) for metric in METRICS if metric != "dice"]
page.table([f"R={R}", *METRICS.values()], [*lines, ["null: real against real", *nulls, "–"]])
page.check("scores are shares", at.are_shares(*DICE, "mask_adherence"))

# %%
BARS = {"fd": "FD (lower is better)", "mask_adherence": "adherence", "dice": "Dice over volumes"}
caption = (
    f"Joint against mask-conditional generation, R={R} training draws (95 % t-intervals where R is "
    "more than one)."
)
with page.figure(caption, 1, 3, "joint", figsize=(12, 2.4)) as axes:
    for ax, (metric, label) in zip(axes, BARS.items(), strict=True):
        plots.forest(ax, at, ARMS, metric, label)
for metric in BARS if at.has("conditional", "dice") else ():
    d = at.gain("joint", "conditional", metric)
    print(f"joint less conditional, {METRICS[metric]:10} {interval(d, '+')}  R={len(d)}")

# %% [markdown]
# **What to see.** Dots are training draws (bars need two of them). *Oracle* is fresh phantoms: its
# adherence is what the reader gets on real pairs, and an arm above it is easier to read than they
# are. A conditional model cannot draw an empty mask and takes its masks from training data, so it
# earns no credit for its mask statistics.

# %%
PAIR = chosen("joint", "conditional")

beside = page.panel("alignment", lambda: looks.aligned(study, PAIR))
caption = (
    "Samples with their masks (orange) and the tumour that the reader sees (blue); Dice above each; "
    "draw 0."
)
if beside:
    with page.figure(caption, 2, 8, "alignment", figsize=(12, 3.6)) as axes:
        for line, arm in zip(axes, PAIR, strict=True):
            three = (beside[f"{arm.name}/{part}"] for part in ("image", "mask", "seen"))
            for ax, x, m, seen_in_x in zip(line, *three, strict=True):
                dice = alignment(m[None], seen_in_x[None])["dice"]
                plots.show(ax, x, "empty" if dice is None else f"{dice:.2f}")
                plots.outline(ax, m, "#E69F00")
                plots.outline(ax, seen_in_x, "#56B4E9")
            plots.label(line[0], arm.label)

# %% [markdown]
# **What to see.** Orange: the mask of the sample; blue: the tumour that the reader sees in its image;
# above: their Dice. Orange alone is a mask without a visible tumour, blue alone a tumour that the mask
# missed. First samples of each pool, draw 0.
#
# ## Verdicts
#
# By tests in `lib/claims/ledger.json`, fixed before the first result.

# %% tags=["DH-17", "DH-18"]
page.verdicts("DH-17", "DH-18")

# %% [markdown]
# ## In this notebook we have
#
# - counted the paper's 23 million parameters, and built the same network for a laptop;
# - taken equation 12 apart and read what each term weighs in nats while a model learns;
# - asked whether image and mask of a sample fit, when they are drawn together and when the mask is
#   given.
#
# ## Exercise
#
# Somebody keeps the ELBO as a sum over pixels, leaves the other terms as plain means, and takes β =
# 0.01 as printed. Which β of ours gives the same ratio of weights?

# %%
answer = None  # your β
ratio = 0.01 / 0.99 / P
page.exercise(answer, lambda: ratio / (1 + ratio), within=0.05 * ratio)

# %%
page.close()
