# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Start here: four papers on synthetic medical images, rerun where the truth is known
#
# - see a phantom whose disease is known pixel by pixel, and why that settles arguments;
# - see the four papers' ideas in four pictures;
# - learn to read a verdict, a null, an oracle, and a fraction of the oracle's gain.
#
# *About 15 seconds.* **Nothing here shows that a method works or fails on patients.** The pictures
# of this page are illustrations made from phantoms and formulas: no method has been trained yet.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import os
import time
from dataclasses import replace

import numpy as np
from IPython.display import Markdown, display
from scipy.stats import norm

from lib import profiles
from lib.claims import verdict
from lib.jobs import pool
from lib.metrics import fidelity, inference
from lib.papers import pavae
from lib.phantoms import chest
from lib.record import rows as record
from lib.report import plots
from lib.runner import notebooks

start = time.perf_counter()
plots.use_style()
size = profiles.get(profile)
assert dataset == "phantom", "this page is about phantoms; explore/your_own_data reads other sets"
GREY = {"vmax": 0.8}  # white on the raw images of this page, grey units
by_runner = pool.WORKERS in os.environ  # else a reader runs this page in JupyterLab

# %% [markdown]
# ## What this is
#
# Four papers make claims about synthetic medical images: they look real, they keep the anatomy, they
# follow a mask, they train better models. On patients most of these cannot be checked, because
# nobody knows what the patient would look like healthy, or where exactly the disease ends.
#
# So the papers are run again on **phantoms**: procedural pictures in which all of that is known.
# Every claim was written down with its test and its margin before any result existed.
#
# | chapter | the paper | its idea in one line |
# |---|---|---|
# | PA-VAE | Synthetic Medical Imaging with Pathology-Aware Variational Autoencoders | draw images of a requested class, and keep what marks the disease |
# | PathoSyn | Imaging-Pathology MRI Synthesis via Disentangled Deviation Diffusion | draw only the deviation, on an anatomy that stays as it is |
# | ControlNet | a study of synthetic chest X-rays by a latent diffusion model with text and masks | a mask says where the disease appears |
# | dHVAE | Discriminative Hamiltonian Variational Autoencoder for Accurate Tumor Segmentation | draw image and mask together, by following Hamilton's equations |

# %% [markdown]
# ## Phantoms with a known truth
#
# A subject is a seed. The seed gives its anatomy and its noise; the label only decides whether an
# opacity is drawn. So the same subject exists **with and without its disease**:
#
# $$ \text{image} = \text{healthy counterfactual} + \text{deviation} $$

# %%
seeds = np.arange(40, 44, dtype=np.uint64)
labels = np.array([chest.LEFT, chest.RIGHT, chest.HEALTHY, chest.LEFT])
subjects = chest.from_seeds(chest.BARE, seeds, labels)
made = chest.render(subjects)
off = float(np.abs(made.image - (made.healthy + made.deviation)).max())
leak = float(np.abs(made.deviation[~made.mask]).max())
print(f"image - (healthy + deviation): {off}; deviation outside the mask: {leak}")
assert off == 0 and leak == 0

# %%
titles = ["image", "healthy twin", "deviation, doubled", "mask"]
with plots.figure(4, 4, figsize=(6.6, 6.8), layout="constrained") as (figure, axes):
    for i, line in enumerate(axes):
        planes = (made.image[i], made.healthy[i], 2 * made.deviation[i], made.mask[i])
        for ax, plane, title in zip(line, planes, titles, strict=True):
            plots.show(ax, plane, "" if i else title, **GREY)
        name = chest.CLASSES[labels[i]].replace(" ", "\n")
        line[0].text(-0.08, 0.5, name, transform=line[0].transAxes, ha="right", va="center")
    files = [plots.save(figure, "", "00_start_here")]
    display(figure)

# %% [markdown]
# **What to see.** The two left columns differ by the third and by nothing else. Left is the
# patient's left, on the image's right, as radiographs are read.
#
# ## Idea 1, PA-VAE: draw a requested class
#
# A class-conditional generator is asked for "left opacity" and must put *something typical of that
# class* into its images. What is typical shows in class means. (Here the phantom law itself plays
# the generator.)

# %%
n = 300
draws = {
    label: chest.render(
        chest.sample(chest.BARE, np.full(n, label), np.random.default_rng([seed, label]))
    ).image
    for label in range(3)
}
template = {label: images.mean(0) for label, images in draws.items()}
excess = {label: template[label] - template[chest.HEALTHY] for label in (chest.LEFT, chest.RIGHT)}

# %%
with plots.figure(3, 5, figsize=(8.2, 5.0), layout="constrained") as (figure, axes):
    for label, line in enumerate(axes):
        for ax, image in zip(line[:3], draws[label], strict=False):
            plots.show(ax, image, **GREY)
        plots.show(line[3], template[label], f"mean of {n}", **GREY)
        plots.show(
            line[4],
            excess.get(label, 0 * template[0]),
            "mean - healthy mean",
            vmin=-0.05,
            vmax=0.1,
            cmap="magma",
        )
        line[1].set_title(f"drawn as: {chest.CLASSES[label]}")
    files.append(plots.save(figure, "", "00_start_here_pavae"))
    display(figure)

# %%
half = chest.SIZE // 2
for label, image in excess.items():
    right, left = image[:, :half].mean(), image[:, half:].mean()  # of the patient
    print(f"{chest.CLASSES[label]:13}: mean excess right {right:+.4f}, left {left:+.4f}")
    assert (left > right) == (label == chest.LEFT)

# %% [markdown]
# **What to see.** Each class lights up its own lung. Whether a trained generator really does this
# when asked is called *adherence* here, and is measured by an independent reader.
#
# ## Idea 2, PathoSyn: disturb, do not redraw
#
# $$ \hat x = x_{\text{healthy}} + S(m)\,\hat r $$
#
# Keep the anatomy, draw only the deviation. A model that redraws the whole image instead may change
# the patient without anybody noticing; with a known counterfactual it is noticed.


# %%
def edited(p: chest.Parameters, **values: float) -> chest.Parameters:
    """The same subjects with some parameters of their opacity set by hand."""
    new = {f"opacity_{name}": np.full((len(p), 1), v, np.float32) for name, v in values.items()}
    return replace(p, values=p.values | new)


# %%
one = chest.from_seeds(chest.BARE, seeds[:1], np.array([chest.RIGHT]))
another = chest.from_seeds(chest.BARE, seeds[3:4], np.array([chest.RIGHT]))
place = {"x": 0.0, "y": -0.1, "radius": 0.3, "grey": 0.3}
cases = {
    "deviation added": chest.render(edited(one, **place)),
    "another deviation": chest.render(edited(one, **place | {"radius": 0.2, "y": 0.3})),
    "all drawn anew": chest.render(edited(another, **place)),
}

# %%
healthy = cases["deviation added"].healthy[0]
changed = {
    k: float(np.abs(b.image[0] - healthy)[~b.mask[0]].mean()) for k, b in cases.items()
}  # outside the lesion

# %%
with plots.figure(2, 4, figsize=(8.2, 4.3), layout="constrained") as (figure, axes):
    plots.show(axes[0, 0], healthy, "healthy", **GREY)
    axes[1, 0].set_axis_off()
    for (name, b), (top, bottom) in zip(cases.items(), axes.T[1:], strict=True):
        plots.show(top, b.image[0], name, **GREY)
        difference = np.abs(b.image[0] - healthy)
        plots.show(
            bottom, difference, f"outside the mask: {changed[name]:.3f}", vmax=0.3, cmap="magma"
        )
        bottom.contour(b.mask[0], [0.5], colors="w", linewidths=0.7)
    axes[1, 0].text(0.98, 0.5, "|difference from\nthe healthy image|", ha="right", va="center")
    files.append(plots.save(figure, "", "00_start_here_pathosyn"))
    display(figure)

# %%
assert changed["deviation added"] == changed["another deviation"] == 0
assert changed["all drawn anew"] > 0.01
print("change outside the lesion:", changed)

# %% [markdown]
# **What to see.** Adding a deviation leaves everything outside the mask untouched, exactly. Drawing
# all anew gives a fine image of *somebody else*.
#
# ## Idea 3, ControlNet: the mask says where
#
# One healthy subject, four masks, four images: a mask-conditioned generator should put the disease
# where the mask is and nowhere else. On phantoms the mask that comes out can be compared with the
# one that went in.

# %%
wishes = [(chest.LEFT, -0.3), (chest.LEFT, 0.4), (chest.RIGHT, -0.3), (chest.RIGHT, 0.4)]
placed = [
    chest.render(
        edited(chest.from_seeds(chest.BARE, seeds[:1], np.array([side])), **place | {"y": height})
    )
    for side, height in wishes
]
assert all(np.array_equal(b.healthy, placed[0].healthy) for b in placed), "one anatomy"

# %%
found = [np.abs(b.image[0] - b.healthy[0]) > 0 for b in placed]
share = [float((f & b.mask[0]).sum() / b.mask[0].sum()) for f, b in zip(found, placed, strict=True)]
print("share of each mask in which the image differs from the healthy one:", share)

# %%
with plots.figure(2, 5, figsize=(8.2, 3.7), layout="constrained") as (figure, axes):
    plots.show(axes[0, 0], placed[0].healthy[0], "healthy subject", **GREY)
    axes[1, 0].set_axis_off()
    for b, (top, bottom) in zip(placed, axes.T[1:], strict=True):
        plots.show(top, b.mask[0], "mask")
        plots.show(bottom, b.image[0], "image", **GREY)
        bottom.contour(b.mask[0], [0.5], colors=plots.ROLES["paper"], linewidths=0.7)
    files.append(plots.save(figure, "", "00_start_here_controlnet"))
    display(figure)

# %% [markdown]
# **What to see.** The anatomy is one and the same; only the opacity follows the mask.
#
# ## Idea 4, dHVAE: image and mask together, by Hamilton's equations
#
# To train a segmenter, an image without its mask is useless. A joint generator draws both at once
# from one latent code $z$, and improves $z$ by letting it roll through a potential $U(z)$ with
# momentum $\rho$, in **leapfrog** steps of size $\epsilon$:
#
# $$ \rho \leftarrow \rho - \tfrac{\epsilon}{2} \nabla U(z), \qquad
# z \leftarrow z + \epsilon \rho, \qquad \rho \leftarrow \rho - \tfrac{\epsilon}{2} \nabla U(z) $$

# %%
precision = np.linalg.inv(np.array([[1.0, 0.8], [0.8, 1.0]]))  # U(z) = z' precision z / 2


# %%
def leapfrog(z, rho, step: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions (count + 1, 2) and momenta after every leapfrog step."""
    path = [(z, rho)]
    for _ in range(count):
        rho = rho - step / 2 * (precision @ z)
        z = z + step * rho
        rho = rho - step / 2 * (precision @ z)
        path.append((z, rho))
    z, rho = zip(*path, strict=True)
    return np.array(z), np.array(rho)


# %%
def energy(z, rho) -> np.ndarray:
    """Hamiltonian of every point of a path."""
    return 0.5 * ((z @ precision) * z).sum(-1) + 0.5 * (rho**2).sum(-1)


# %% [markdown]
# Three promises make it work: it can be run backwards, it keeps volumes, and its energy error falls
# with the square of the step.

# %%
z0, rho0 = np.array([-1.5, -0.4]), np.array([0.6, 1.2])
z, rho = leapfrog(z0, rho0, 0.2, 25)
back, _ = leapfrog(z[-1], -rho[-1], 0.2, 25)
reversal = float(np.abs(back[-1] - z0).max())
# %%
unit = [leapfrog(v[:2], v[2:], 0.2, 25) for v in np.eye(4)]  # the map is linear in (z, rho)
volume = float(np.linalg.det(np.array([np.append(a[-1], b[-1]) for a, b in unit])))
stride = np.array([0.4, 0.2, 0.1, 0.05, 0.025])
error = [np.ptp(energy(*leapfrog(z0, rho0, s, round(5 / s)))) for s in stride]
order = float(np.polyfit(np.log(stride), np.log(error), 1)[0])
print(f"reversal error {reversal:.0e}, volume factor {volume:.6f}, order {order:.2f}")
assert reversal < 1e-12 and abs(volume - 1) < 1e-9 and abs(order - 2) < 0.15

# %%
with plots.figure(1, 4, figsize=(10.0, 2.7), layout="constrained") as (figure, axes):
    plots.show(axes[0], made.image[0], "image ...", **GREY)
    plots.show(axes[1], made.mask[0], "... and mask, one sample")
    side = np.linspace(-2.6, 2.6, 80)
    surface = np.stack(np.meshgrid(side, side), -1)
    axes[2].contour(side, side, ((surface @ precision) * surface).sum(-1) / 2, 8, alpha=0.5)
    axes[2].plot(*z.T, "o-", ms=3, color=plots.ROLES["method"])
    axes[2].set(title="leapfrog on a toy potential", xlabel="$z_1$", ylabel="$z_2$")
    axes[3].loglog(stride, error, "o-", color=plots.ROLES["method"], label="energy error")
    axes[3].loglog(
        stride,
        error[-1] * (stride / stride[-1]) ** 2,
        "--",
        color=plots.ROLES["baseline"],
        label="slope 2",
    )
    axes[3].minorticks_off()
    axes[3].set_xticks(stride, stride, rotation=45)
    axes[3].set(xlabel="step size", ylabel="range of the energy")
    axes[3].legend(fontsize=7)
    files.append(plots.save(figure, "", "00_start_here_dhvae"))
    display(figure)

# %% [markdown]
# **What to see.** The path rolls through the valley and turns where the potential rises; the error
# follows the dashed line.
#
# ## How to read a verdict
#
# Every claim is judged from paired differences over *replicates*: fresh training draws, shared by
# all arms. The rules are fixed functions of numbers (`lib/claims/verdict.py`). Here they are on
# invented differences, so that each answer can be checked by eye:

# %%
MARGIN = verdict.margin_of("auc")  # the smallest difference that counts, fixed beforehand
PAPER = pavae.TABLE4["pavae"][0] - pavae.TABLE4["real"][0]  # the effect a paper printed


# %%
def judge(effect: float, spread: float, draws: int) -> tuple[np.ndarray, dict, str]:
    """Invented differences, their paired t test, and the verdict."""
    d = np.random.default_rng([seed, draws]).normal(effect, spread, draws)
    t = inference.paired_t(d)
    found = verdict.verdict(t["mean"], t["ci95"], t["ci90"], t["p"], MARGIN, PAPER)
    return d, t, verdict.demote(found, draws)


# %%
CASES = {  # true effect, spread over draws, number of draws
    "large and sure": (0.06, 0.015, 10),
    "small but sure": (0.02, 0.008, 10),
    "nothing there": (0.0, 0.008, 10),
    "the other way": (-0.04, 0.015, 10),
    "lost in spread": (0.02, 0.06, 10),
    "too few draws": (0.06, 0.015, 3),
}

# %%
judged = {name: judge(*case) for name, case in CASES.items()}

# %%
with plots.figure(figsize=(8.6, 3.4), layout="constrained") as (figure, ax):
    for y, (d, t, words) in enumerate(judged.values()):
        ax.plot(t["ci95"], [y, y], color=plots.ROLES["method"], lw=2, alpha=0.5)
        ax.plot(d, [y] * len(d), "o", ms=3, color=plots.ROLES["method"], alpha=0.6)
        ax.plot(t["mean"], y, "D", ms=5, color=plots.ROLES["method"])
        ax.text(0.115, y, f"{words} (R={len(d)})", va="center", fontsize=8)
    ax.axvspan(-MARGIN, MARGIN, color=plots.ROLES["baseline"], alpha=0.25, label="margin")
    ax.axvline(PAPER / 2, ls="--", color=plots.ROLES["paper"], label="half the paper's effect")
    ax.set_yticks(range(len(judged)), judged)
    ax.invert_yaxis()
    ax.set_xlim(-0.11, 0.24)
    ax.set_xlabel("difference in AUC, in the claim's direction (bar: 95 % t-interval over R draws)")
    ax.legend(fontsize=7, loc="lower left")
    files.append(plots.save(figure, "", "00_start_here_verdict"))
    display(figure)

# %% [markdown]
# **What to see.** An interval right of zero says *direction*; beyond the margin and half the paper's
# effect it says *reproduced on phantoms*. An interval inside the grey band is the interesting
# negative: **no meaningful effect**, shown and not merely "not significant". With few draws every
# verdict is marked *exploratory*.

# %%
for name, (_, t, words) in judged.items():
    text = verdict.figures("difference", t["mean"], t["ci95"], t["p"], t["n"])
    print(f"{name:15} {words:26} {text}")
words = [words for _, _, words in judged.values()]
assert words[0] == verdict.REPRODUCED and words[2] == verdict.NO_EFFECT
assert words[3] == verdict.REVERSED and words[-1].startswith(verdict.EXPLORATORY)

# %% [markdown]
# In JupyterLab the next cell has sliders; try to find all six verdicts.


# %%
def try_it(effect: float = 0.03, spread: float = 0.02, draws: int = 5) -> None:
    """Judge one invented study."""
    _, t, words = judge(effect, spread, draws)
    print(words, verdict.figures("difference", t["mean"], t["ci95"], t["p"], t["n"]))


# %%
if by_runner:
    try_it()
else:
    from ipywidgets import interact

    interact(try_it, effect=(-0.1, 0.1, 0.005), spread=(0.002, 0.1, 0.002), draws=(2, 30))

# %% [markdown]
# ## Null, oracle, and the fraction of the oracle's gain
#
# Two questions a table of scores cannot answer by itself. *What would the score be if nothing were
# going on?* That is the **null**. *What would as many fresh real images have given?* That is the
# **oracle**: as many fresh real phantoms as a method adds synthetic ones. No paper had it.
#
# A toy in which all is a formula: two Gaussian classes, a reader that projects on the difference of
# the class means, and its exact AUC, $\Phi\bigl(w \cdot \mu / (\sqrt{2}\,|w|)\bigr)$.

# %%
DIM, EACH, DRAWS = 30, 20, 30  # features, real images a class, replicates
shift = np.full(DIM, 1.4 / np.sqrt(DIM))  # difference of the class means


# %%
def auc_of(x0: np.ndarray, x1: np.ndarray) -> float:
    """Exact AUC of the reader trained on two classes, each (n, DIM)."""
    w = x1.mean(0) - x0.mean(0)
    return float(norm.cdf(w @ shift / np.sqrt(2 * w @ w)))


# %%
def arms(rng: np.random.Generator) -> dict[str, float]:
    """AUC of every arm in one replicate; each adds as many images as there are real ones."""
    real, fresh, noise = rng.normal(size=(3, 2, EACH, DIM))
    real[1] += shift
    fresh[1] += shift
    added = {
        "real": real[:, :0],
        "copies": real,
        "fitted": real.mean(1, keepdims=True) + noise,
        "half fresh": np.concatenate([fresh[:, : EACH // 2], real[:, : EACH // 2]], 1),
        "oracle": fresh,
    }
    return {name: auc_of(*np.concatenate([real, more], 1)) for name, more in added.items()}


# %%
runs = [arms(np.random.default_rng([seed, k])) for k in range(DRAWS)]
gains = {name: np.array([r[name] - r["real"] for r in runs]) for name in runs[0] if name != "real"}
fraction = {name: inference.fieller(g, gains["oracle"]) for name, g in gains.items()}
for name, f in fraction.items():
    part = f"{f['fraction']:+.2f} ({f['lo']:+.2f} to {f['hi']:+.2f})"
    print(f"{name:11} gain {gains[name].mean():+.4f}, fraction of the oracle's {part}")
assert np.abs(gains["copies"]).max() < 1e-12 and gains["oracle"].mean() > 0.01
assert fraction["copies"]["fraction"] < fraction["half fresh"]["fraction"] < 1

# %%
names = {
    "copies": "copies of the real images",
    "fitted": "drawn around the fitted means",
    "half fresh": "half fresh, half copies",
    "oracle": "oracle: all fresh",
}
with plots.figure(figsize=(7.4, 2.6), layout="constrained") as (figure, ax):
    for y, name in enumerate(names):
        colour = plots.ROLES["oracle" if name == "oracle" else "method"]
        ax.plot(inference.t_interval(gains[name])[1:], [y, y], color=colour, lw=2, alpha=0.5)
        ax.plot(gains[name], [y] * DRAWS, "o", ms=3, color=colour, alpha=0.5)
        ax.plot(gains[name].mean(), y, "D", ms=5, color=colour)
        ax.text(
            1.01,
            y,
            f"{fraction[name]['fraction']:.0%} of the oracle",
            transform=ax.get_yaxis_transform(),
            va="center",
        )
    ax.axvline(0, color=plots.ROLES["baseline"], lw=1)
    ax.set_yticks(range(len(names)), names.values())
    ax.invert_yaxis()
    ax.set_xlabel(f"gain in AUC over real only (bar: 95 % t-interval over R = {DRAWS} draws)")
    files.append(plots.save(figure, "", "00_start_here_oracle"))
    display(figure)

# %% [markdown]
# **What to see.** Copies add nothing, exactly. Samples from a law fitted to the very same images add
# no information either, only noise. Half of the fresh images gives part of the oracle's gain, and
# the interval says how well the part is known. A small gain can thus be most of what was possible,
# and a large one little of it.
#
# The null matters most for distances. Two sets from **one** law do not read zero:

# %%
width, count = 8, 100
rng = np.random.default_rng([seed, 7])
same = [fidelity.frechet(*rng.normal(size=(2, count, width))) for _ in range(40)]
null = float(np.mean(same))
expected = fidelity.null_frechet(width, count)
print(f"Frechet distance of two samples of one law: {null:.2f}; theory {expected:.2f}; not 0")
assert abs(null / expected - 1) < 0.2

# %% [markdown]
# A distance near its null means "as close as real is to real", and differences between methods
# below the null's own spread mean nothing. Tables here print it beside every distance.
#
# ## The arms that stand in every study
#
# | arm | what it adds to the real images | what it tells |
# |---|---|---|
# | real | nothing | the baseline |
# | classic | shifts, contrast, noise | what needs no generator |
# | oversample | the same images again | whether it was only more of the same |
# | memoriser, smooth | noisy copies, blurred copies | whether any perturbation would do |
# | shuffled | the method's own samples with labels permuted | **regularisation, not pathology**, if it gains as much |
# | oracle | fresh phantoms | what fresh images give; no ceiling |
#
# ## Map

# %%
NAMES = {
    "": "Overview",
    "pavae": "PA-VAE",
    "dhvae": "dHVAE",
    "pathosyn": "PathoSyn",
    "controlnet": "ControlNet",
    "explore": "Explore",
}
lines = ["| chapter | notebook | what it shows |", "|---|---|---|"]
for name in notebooks.find():
    folder = name.rpartition("/")[0]
    lines.append(f"| {NAMES.get(folder, folder)} | [{name}]({name}.py) | {notebooks.title(name)} |")
display(Markdown("\n".join(lines)))

# %% [markdown]
# ## How to go on
#
# ```
# ./run_all.sh                        everything in profile quick; the report is figures/index.html
# ./run_all.sh pavae/table4           only the notebooks that start like this
# ./run_all.sh --list                 what each makes, what is cached, how long it takes
# ./run_all.sh --profile full -j 8    more replicates, all cells
# ./run_all.sh --check                my numbers against the committed ones, row by row
# ```
#
# Everything is kept under the hash of its recipe: an interrupted run goes on where it stopped, and
# `full` only adds what `quick` has not computed.

# %% [markdown]
# ## Kept

# %%
checks = {
    ("phantom", "identity_error"): off,
    ("phantom", "outside_mask"): leak,
    ("drawn anew", "outside_mask"): changed["all drawn anew"],
    ("leapfrog", "reversal_error"): round(reversal, 10),
    ("leapfrog", "volume_factor"): round(volume, 8),
    ("leapfrog", "energy_order"): order,
    ("toy distance", "fd_null"): null,
}

# %%
rows = [{"arm": a, "metric": m, "mean": v, "values": [v]} for (a, m), v in checks.items()]
for name, g in gains.items():
    mean, *ends = inference.t_interval(g.round(10))
    row = {"regime": "toy", "arm": name, "metric": "auc_gain", "mean": mean, "ci95": ends}
    oracle = float(gains["oracle"].mean())
    rows.append(row | {"values": g.round(10).tolist(), "null": 0.0, "oracle": oracle})

# %%
captions = [
    "Phantoms with a known truth: image, healthy counterfactual, deviation and mask.",
    "Idea of PA-VAE, illustrated by the phantom law: draws of a class, class means, their excess.",
    "Idea of PathoSyn, illustrated: a deviation on a preserved anatomy, and an image drawn anew.",
    "Idea of ControlNet, illustrated: one healthy subject, four masks, four images.",
    "Idea of dHVAE, illustrated: image and mask as one sample; leapfrog steps on a toy potential.",
    "Invented studies and the verdicts they would get.",
    f"A toy with an exact AUC: gains of four arms and their fraction of the oracle's, R = {DRAWS}.",
]
figures = [{"file": f, "caption": c} for f, c in zip(files, captions, strict=True)]
seconds = round(time.perf_counter() - start, 1)
record.write_metrics("", "00_start_here", profile, DRAWS, rows, figures, seconds, [seed])
print(f"{len(rows)} rows in data/metrics/00_start_here.json, {seconds} s")

# %% [markdown]
# ## In this notebook we have
#
# - met phantoms whose healthy counterfactual, mask and deviation are known;
# - seen four ideas as pictures: request a class, add a deviation, follow a mask, draw both at once;
# - read verdicts, nulls, oracles and fractions on toys where the right answer is known.
#
# Next: [pavae/00_claims](pavae/00_claims.py) lists what the first paper claims.
#
# ## Exercises
#
# **1.** A method gains 0.012 in AUC where the oracle gains 0.060. Which fraction is that, and is the
# gain beyond the margin?

# %%
answer = None  # (fraction, True or False)
truth = (0.012 / 0.060, MARGIN < 0.012)
print("not answered yet" if answer is None else f"right: {np.allclose(answer, truth)}")

# %% [markdown]
# **2.** How many draws does a study need to resolve a difference of 0.02 that spreads by 0.03 from
# draw to draw (80 % power)? `verdict.replicates_needed` knows; estimate first.

# %%
answer = None  # your estimate
needed = verdict.replicates_needed(0.03, 0.02)
print("not answered yet" if answer is None else f"right: {abs(answer - needed) <= 3} ({needed})")
