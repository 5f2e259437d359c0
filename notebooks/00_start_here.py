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
# **Nothing here shows that a method works or fails on patients.** The pictures of this page are
# illustrations made from phantoms and formulas: no method has been trained yet.
#
# The tour takes **fifteen minutes**: four for the phantoms and the four ideas, four for verdicts, four for
# the null and the oracle, and three for the exercise. A course of four sessions is at the end. Letters and
# words are explained in [01_derivations](01_derivations.py).

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import os
from dataclasses import replace

import numpy as np
from scipy.stats import norm

from lib.claims import kinds, power, verdict
from lib.jobs import pool
from lib.metrics import fidelity, inference
from lib.papers.pavae import printed
from lib.papers.registry import PAPERS
from lib.phantoms import chest
from lib.report import plots
from lib.report.page import Page
from lib.runner import notebooks

page = Page("00_start_here", profile, seed, dataset)
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
#
# ## Phantoms with a known truth
#
# A subject is a seed. The seed gives its anatomy and its noise; the label only decides whether an
# opacity is drawn. So the same subject exists **with and without its disease**:
#
# $$ \text{image} = \text{healthy counterfactual} + \text{deviation} $$

# %%
seeds = np.arange(40, 44, dtype=np.uint64)
labels = np.array([chest.LEFT, chest.RIGHT, chest.HEALTHY, chest.LEFT])
made = chest.render(chest.from_seeds(chest.BARE, seeds, labels))
off = float(np.abs(made.image - (made.healthy + made.deviation)).max())
leak = float(np.abs(made.deviation[~made.mask]).max())
page.check("image is healthy plus deviation, which stays inside the mask", off == 0 and leak == 0)

# %%
caption = "Phantoms with a known truth: image, healthy counterfactual, deviation and mask."
titles = ("image", "healthy twin", "deviation, doubled", "mask")
planes = zip(made.image, made.healthy, 2 * made.deviation, made.mask, strict=True)
lines = {f"{i} {chest.CLASSES[labels[i - 1]]}": each for i, each in enumerate(planes, 1)}
with page.figure(caption, 4, 4, figsize=(6.6, 6.8)) as axes:
    plots.gallery(axes, lines, titles, **GREY)

# %% [markdown]
# **What to see.** The first two columns differ by the third and by nothing else. *Left* is the
# patient's left, which is on the right of the image, as in any radiograph.
#
# ## Idea 1, PA-VAE: draw a requested class
#
# A class-conditional generator is asked for "left opacity" and must put *something typical of that
# class* into its images. What is typical shows in the class means. (Here the phantom law itself
# plays the generator, and draws the same subjects for every class.)

# %%
n, HALF = 300, chest.SIZE // 2
streams = [np.random.default_rng(seed) for _ in range(3)]  # the same subjects for every class
asked = [chest.sample(chest.BARE, np.full(n, i), rng) for i, rng in enumerate(streams)]
images = [chest.render(each).image for each in asked]
excess = [each.mean(0) - images[chest.HEALTHY].mean(0) for each in images]
more = [each[:, HALF:].mean() - each[:, :HALF].mean() for each in excess]  # left minus right
print(f"left minus right excess: {more[1]:+.4f} (left asked), {more[2]:+.4f} (right asked)")
page.check("an opacity is on the side that was asked for", more[1] > 0 > more[2])

# %%
caption = (
    "Idea of PA-VAE, illustrated by the phantom law: draws of a class, class means, their excess."
)
lines = {name: [*each[:3], each.mean(0)] for name, each in zip(chest.CLASSES, images, strict=True)}
with page.figure(caption, 3, 5, "pavae", figsize=(8.2, 5.0)) as axes:
    plots.gallery(axes[:, :4], lines, ["drawn", "drawn", "drawn", f"mean of {n}"], **GREY)
    for ax, image in zip(axes[:, 4], excess, strict=True):
        plots.show(ax, image, "mean - healthy mean", vmin=-0.05, vmax=0.1, cmap="magma")

# %% [markdown]
# **What to see.** Each class lights up its own lung. Whether a trained generator really does this
# when asked is called *adherence* here, and is measured by an independent reader.
#
# ## Idea 2, PathoSyn: add, do not redraw
#
# $$ \hat x = x_{\text{healthy}} + S(m)\,\hat r $$
#
# Keep the anatomy, draw only the deviation. A model that redraws the whole image may change the
# patient unnoticed; with a known counterfactual the change is seen.


# %%
def lesion(of: int, side: int, **values: float) -> chest.Batch:
    """Subject number `of` with an opacity whose place, radius and grey are set by hand."""
    p = chest.from_seeds(chest.BARE, seeds[of : of + 1], np.array([side]))
    wanted = {"x": 0.0, "y": -0.1, "radius": 0.3, "grey": 0.3} | values
    new = {f"opacity_{name}": np.full((1, 1), v, np.float32) for name, v in wanted.items()}
    return chest.render(replace(p, values=p.values | new))


cases = {"deviation added": lesion(0, chest.RIGHT),
         "another deviation": lesion(0, chest.RIGHT, radius=0.2, y=0.3),
         "all drawn anew": lesion(3, chest.RIGHT)}  # fmt: skip
healthy = cases["deviation added"].healthy[0]
difference = {name: np.abs(b.image[0] - healthy) for name, b in cases.items()}
added, other, anew = (float(difference[k][~b.mask[0]].mean()) for k, b in cases.items())
print(f"mean change outside the mask: {added:.3f}, {other:.3f}, {anew:.3f}")
page.check("an added deviation changes nothing outside its mask", added == other == 0)
page.check("an image drawn anew is somebody else", anew > 0.01)

# %%
caption = (
    "Idea of PathoSyn, illustrated: a deviation on a preserved anatomy, and an image drawn anew."
)
with page.figure(caption, 2, 4, "pathosyn", figsize=(8.2, 4.3)) as axes:
    plots.show(axes[0, 0], healthy, "healthy", **GREY)
    for (name, b), (top, bottom) in zip(cases.items(), axes.T[1:], strict=True):
        plots.show(top, b.image[0], name, **GREY)
        plots.show(bottom, difference[name], vmax=0.3, cmap="magma")
        plots.outline(bottom, b.mask[0], "white")
    axes[1, 0].set_axis_off()
    axes[1, 0].text(0.98, 0.5, "|difference from\nthe healthy image|", ha="right", va="center")

# %% [markdown]
# **What to see.** Adding a deviation leaves everything outside the mask exactly as it was. Drawing
# everything anew gives a fine image of *somebody else*.
#
# ## Idea 3, ControlNet: the mask says where
#
# One healthy subject, four masks, four images: a mask-conditioned generator should put the disease
# where the mask is and nowhere else. On phantoms the mask that comes out can be compared with the
# one that went in.

# %%
placed = [lesion(0, side, y=y) for side in (chest.LEFT, chest.RIGHT) for y in (-0.3, 0.4)]
found = [np.abs(b.image[0] - b.healthy[0]) > 0 for b in placed]
share = [float((f & b.mask[0]).sum() / b.mask[0].sum()) for f, b in zip(found, placed, strict=True)]
print("share of each mask in which the image differs from the healthy one:", share)
one = all(np.array_equal(b.healthy, placed[0].healthy) for b in placed)
page.check("four masks, one anatomy", one)

# %%
caption = "Idea of ControlNet, illustrated: one healthy subject, four masks, four images."
masks, images = ([getattr(b, name)[0] for b in placed] for name in ("mask", "image"))
lines = {"mask": [0 * healthy, *masks], "image": [healthy, *images]}
with page.figure(caption, 2, 5, "controlnet", figsize=(8.2, 3.7)) as axes:
    plots.gallery(axes, lines, ["healthy subject"], **GREY)
    for ax, b in zip(axes[1, 1:], placed, strict=True):
        plots.outline(ax, b.mask[0], plots.ROLES["paper"])

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
#
# Three properties make it work: it can be run backwards, it preserves volume, and its energy error
# falls with the square of the step.

# %%
precision = np.linalg.inv(np.array([[1.0, 0.8], [0.8, 1.0]]))  # U(z) = z' precision z / 2


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


def energy(z, rho) -> np.ndarray:
    """Hamiltonian of every point of a path."""
    return 0.5 * ((z @ precision) * z).sum(-1) + 0.5 * (rho**2).sum(-1)


# %%
z0, rho0 = np.array([-1.5, -0.4]), np.array([0.6, 1.2])
z, rho = leapfrog(z0, rho0, 0.2, 25)
back, _ = leapfrog(z[-1], -rho[-1], 0.2, 25)
reversal = float(np.abs(back[-1] - z0).max())
unit = [leapfrog(v[:2], v[2:], 0.2, 25) for v in np.eye(4)]  # the map is linear in (z, rho)
volume = float(np.linalg.det(np.array([np.append(a[-1], b[-1]) for a, b in unit])))
stride = np.array([0.4, 0.2, 0.1, 0.05, 0.025])
error = [np.ptp(energy(*leapfrog(z0, rho0, s, round(5 / s)))) for s in stride]
order = float(np.polyfit(np.log(stride), np.log(error), 1)[0])
print(f"reversal error {reversal:.0e}, volume factor {volume:.6f}, order {order:.2f}")
page.check("leapfrog runs backwards", reversal < 1e-12)
page.check(
    "leapfrog keeps volumes, to second order", abs(volume - 1) < 1e-9 and 1.85 < order < 2.15
)

# %%
caption = (
    "Idea of dHVAE, illustrated: image and mask as one sample; leapfrog steps on a toy potential."
)
with page.figure(caption, 1, 4, "dhvae", figsize=(10.0, 2.7)) as axes:
    plots.show(axes[0], made.image[0], "image ...", **GREY)
    plots.show(axes[1], made.mask[0], "... and mask, one sample")
    side = np.linspace(-2.6, 2.6, 80)
    surface = np.stack(np.meshgrid(side, side), -1)
    axes[2].contour(side, side, ((surface @ precision) * surface).sum(-1) / 2, 8, alpha=0.5)
    axes[2].plot(*z.T, "o-", ms=3, color=plots.ROLES["method"])
    axes[2].set(title="leapfrog on a toy potential", xlabel="$z_1$", ylabel="$z_2$")
    axes[3].loglog(stride, error, "o-", color=plots.ROLES["method"], label="energy error")
    second = error[-1] * (stride / stride[-1]) ** 2
    axes[3].loglog(stride, second, "--", color=plots.ROLES["baseline"], label="slope 2")
    axes[3].minorticks_off()
    axes[3].set_xticks(stride, stride, rotation=45)
    axes[3].set(xlabel="step size", ylabel="range of the energy")
    axes[3].legend(fontsize=7)

# %% [markdown]
# **What to see.** The path rolls through the valley and turns where the potential rises; the error
# follows the dashed line.
#
# ## How to read a verdict
#
# Every claim is judged from paired differences over *draws*: fresh training sets, shared by all
# arms. The rules are fixed functions of numbers (`lib/claims/verdict.py`). Here they are applied to
# invented differences, so that each answer can be checked by eye:

# %%
MARGIN = verdict.margin_of("auc")  # the smallest difference that counts, fixed beforehand
PAPER = printed.TABLE4["pavae"][0] - printed.TABLE4["real"][0]  # the effect a paper printed


def judge(effect: float, spread: float, draws: int) -> tuple[np.ndarray, dict, str]:
    """Invented differences, what is measured of them, and the verdict."""
    d = np.random.default_rng([seed, draws]).normal(effect, spread, draws)
    found = kinds.of_differences(d, MARGIN, PAPER, planned=max(draws, 10))
    return d, found, verdict.demote(found["verdict"], draws)


# %%
CASES = {  # true effect, spread over draws, number of draws
    "large and sure": (0.06, 0.015, 10),
    "small but sure": (0.02, 0.008, 10),
    "nothing there": (0.0, 0.008, 10),
    "the other way": (-0.04, 0.015, 10),
    "lost in spread": (0.02, 0.06, 10),
    "too few draws": (0.06, 0.015, 3),
}
judged = {name: judge(*case) for name, case in CASES.items()}
wanted = ("reproduced on", "direction", "no mean", "not reproduced", "inconcl", "exploratory")
right = all(found[2].startswith(w) for w, found in zip(wanted, judged.values(), strict=True))
page.check("the six verdicts are those that one sees", right)

# %%
caption = "Invented studies and the verdicts they would get."
with page.figure(caption, name="verdict", figsize=(8.6, 3.4)) as ax:
    for y, (d, _, words) in enumerate(judged.values()):
        plots.marks(ax, dict(enumerate(d)), y, plots.ROLES["method"], here=range(len(d)))
        ax.text(0.115, y, f"{words} (R={len(d)})", va="center", fontsize=8)
    ax.axvspan(-MARGIN, MARGIN, color=plots.BAND, alpha=0.4, lw=0, label="margin")
    ax.axvline(PAPER / 2, ls="--", color=plots.ROLES["paper"], label="half the paper's effect")
    ax.set_yticks(range(len(judged)), judged)
    ax.invert_yaxis()
    ax.set_xlim(-0.11, 0.24)
    ax.set_xlabel("difference in AUC, in the claim's direction (bar: 95 % t-interval over R draws)")
    ax.legend(fontsize=7, loc="lower left")

# %% [markdown]
# **What to see.** An interval to the right of zero says *direction*; beyond the margin and half the
# paper's effect it says *reproduced on phantoms*. An interval inside the grey band is the
# interesting negative: **no meaningful effect**, shown and not merely "not significant". Verdicts
# fall at four looks, after 4, 6, 8 and 10 draws, the early ones at a stricter level; before the
# first look nothing is decided, and everything is marked *exploratory*.
#
# In JupyterLab the next cell has sliders; try to find all six verdicts.


# %%
def try_it(effect: float = 0.03, spread: float = 0.02, draws: int = 5) -> None:
    """Judge one invented study."""
    _, t, words = judge(effect, spread, draws)
    print(words, verdict.figures("difference", t["mean"], t["ci95"], t["p"], t["n"]))


try_it()
if not by_runner:
    from ipywidgets import interact

    interact(try_it, effect=(-0.1, 0.1, 0.005), spread=(0.002, 0.1, 0.002), draws=(2, 30))

# %% [markdown]
# ## Null, oracle, and the fraction of the oracle's gain
#
# Two questions that a table of scores cannot answer by itself. *What would the score be if nothing
# were going on?* That is the **null**. *What would as many fresh real images have given?* That is
# the **oracle**: as many fresh real phantoms as a method adds synthetic ones. No paper had it.
#
# A toy in which everything is a formula: two Gaussian classes, a reader that projects on the
# difference of the class means, and its exact AUC, $\Phi\bigl(w \cdot \mu / (\sqrt{2}\,|w|)\bigr)$.

# %%
DIM, EACH, DRAWS = 30, 20, 30  # features, real images a class, draws
shift = np.full(DIM, 1.4 / np.sqrt(DIM))  # difference of the class means


def auc_of(x0: np.ndarray, x1: np.ndarray) -> float:
    """Exact AUC of the reader trained on two classes, each (n, DIM)."""
    w = x1.mean(0) - x0.mean(0)
    return float(norm.cdf(w @ shift / np.sqrt(2 * w @ w)))


# %%
def arms(rng: np.random.Generator) -> dict[str, float]:
    """AUC of every arm in one draw; each adds as many images as there are real ones."""
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
NAMES = {"copies": "copies of the real images", "fitted": "drawn around the fitted means",
         "half fresh": "half fresh, half copies", "oracle": "oracle: all fresh"}  # fmt: skip
runs = [arms(np.random.default_rng([seed, k])) for k in range(DRAWS)]
gains = {name: np.array([run[name] - run["real"] for run in runs]) for name in NAMES}
fraction = {name: inference.fieller(gain, gains["oracle"]) for name, gain in gains.items()}
page.check("copies add nothing", np.abs(gains["copies"]).max() < 1e-12)
page.check("fresh images add something", gains["oracle"].mean() > 0.01)
found = [fraction[name]["fraction"] for name in ("copies", "half fresh")]
page.check("half of them give a part of it", found[0] < found[1] < 1)

# %%
caption = (
    f"A toy with an exact AUC: gains of four arms and their fraction of the oracle's, R = {DRAWS}."
)
with page.figure(caption, name="oracle", figsize=(7.4, 2.6)) as ax:
    for y, (name, gain) in enumerate(gains.items()):
        colour = plots.ROLES["oracle" if name == "oracle" else "method"]
        plots.marks(ax, dict(enumerate(gain)), y, colour, here=range(DRAWS))
        said = "{fraction:.0%} of the oracle [{lo:z.0%}, {hi:z.0%}]".format_map(fraction[name])
        ax.text(1.01, y, said, transform=ax.get_yaxis_transform(), va="center")
    ax.axvline(0, color=plots.ROLES["baseline"], lw=1)
    ax.set_yticks(range(len(NAMES)), NAMES.values())
    ax.invert_yaxis()
    ax.set_xlabel(f"gain in AUC over real only (bar: 95 % t-interval over R = {DRAWS} draws)")

# %% [markdown]
# **What to see.** Copies add exactly nothing. Samples from a law fitted to the very same images add
# no information either, only noise. Half as many fresh images give part of the oracle's gain, and
# the interval says how precisely that part is known. A small gain can thus be most of what was
# possible, and a large one little of it.
#
# The null matters most for distances. The distance between two sets from **one** law is not zero:

# %%
width, count = 8, 100
rng = np.random.default_rng([seed, 7])
null = float(np.mean([fidelity.frechet(*rng.normal(size=(2, count, width))) for _ in range(40)]))
expected = fidelity.null_frechet(width, count)
print(f"Fréchet distance of two samples of one law: {null:.2f}; theory {expected:.2f}; not 0")
page.check("a null distance is what theory says", abs(null / expected - 1) < 0.2)

# %%
TOLD = {("phantom", "identity_error"): off, ("phantom", "outside_mask"): leak,
        ("drawn anew", "outside_mask"): anew, ("leapfrog", "reversal_error"): round(reversal, 10),
        ("leapfrog", "volume_factor"): round(volume, 8), ("leapfrog", "energy_order"): order,
        ("toy distance", "fd_null"): null}  # fmt: skip


def kept() -> list[dict]:
    """The numbers of this page: single ones, then the toy's gains by draw."""
    found = [{"regime": "", "arm": arm, "metric": metric, "draws": {f"{seed}/0": [value, ""]}}
             for (arm, metric), value in TOLD.items()]  # fmt: skip
    for name, gain in gains.items():
        draws = {f"{seed}/{k}": [value, ""] for k, value in enumerate(gain.round(10).tolist())}
        row = {"regime": "toy", "arm": name, "metric": "auc_gain", "draws": draws, "null": 0.0}
        found.append(row | {"oracle": {"arm": "oracle", "metric": "auc_gain"}})
    return found


page.keep(kept)

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
CHAPTERS = {"": "Overview", "explore": "Explore"} | {n: about.short for n, about in PAPERS.items()}
lines = []
for name in notebooks.find():
    folder = name.rpartition("/")[0]
    lines.append([CHAPTERS.get(folder, folder), f"[{name}]({name}.py)", notebooks.title(name)])
page.table(["chapter", "notebook", "what it shows"], lines)

# %% [markdown]
# ## A course of four sessions
#
# Each takes ninety minutes on a laptop: twenty to read together, fifty to work in pairs, twenty to
# compare. The teacher runs `./run_all.sh --report` once beforehand; what a class changes then runs in
# seconds, since all that was trained stands in the record. Every page ends with exercises that check
# the answer.
#
# | session | before | in class | exercises | what a class should find out |
# |---|---|---|---|---|
# | 1. What can be known | this page | [pavae/table1_dataset](pavae/table1_dataset.py), [91_reality](91_reality.py), [99_all_claims](99_all_claims.py) | one of each page | why a known counterfactual settles what a score cannot; what three draws can and cannot say |
# | 2. Auto-encoders | [01_derivations](01_derivations.py), parts 1 and 2 | [pavae/03_method](pavae/03_method.py), [dhvae/02_background](dhvae/02_background.py) | all of both | why blurred samples score well; that a leapfrog with one wrong letter still looks right, and how a test finds it out |
# | 3. Diffusion and deviations | [01_derivations](01_derivations.py), parts 3 to 5 | [pathosyn/03a_decomposition](pathosyn/03a_decomposition.py), [pathosyn/03b_deviation_diffusion](pathosyn/03b_deviation_diffusion.py), [pathosyn/04b_consistency](pathosyn/04b_consistency.py) | all of 03a and 03b | that "by construction" is a claim to be measured; that a loss can be zero and teach nothing |
# | 4. Does it help? | [pavae/00_claims](pavae/00_claims.py) | [pavae/table4_main](pavae/table4_main.py), [pavae/04_gaps](pavae/04_gaps.py), [dhvae/table4_augmentation](dhvae/table4_augmentation.py), [dhvae/04_diagnostics](dhvae/04_diagnostics.py) | all of table4_main | what augmentation, blur and shuffled labels give for free; how much of the oracle's gain is left to a method |
#
# As homework, each pair takes one claim whose verdict is *inconclusive*, says how many draws would
# decide it, and defends the margin.
#
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
#
# ## In this notebook we have
#
# - met phantoms whose healthy counterfactual, mask and deviation are known;
# - seen four ideas as pictures: request a class, add a deviation, follow a mask, draw both at once;
# - read verdicts, nulls, oracles and fractions on toys where the right answer is known.
#
# Next: [pavae/00_claims](pavae/00_claims.py) lists what the first paper claims.
#
# ## Exercise
#
# How many draws does a study need to resolve a difference of 0.02 whose standard deviation from
# draw to draw is 0.03 (80 % power)? `power.replicates_needed` knows; estimate first, to within
# three.

# %%
answer = None  # your estimate
page.exercise(answer, lambda: power.replicates_needed(0.03, 0.02), within=3)

# %%
page.close()
