# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Section 3: the latents, and the model watched while it learns
#
# - what each latent carries, and what changing it does to a picture;
# - the model learning in front of you, and the film of a longer training;
# - a control for β: what a costlier KL leaves of images and samples.
#
# Nothing here shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
root = ""
draws = ""
live_epochs = 2  # of the training in this page; 40 take about a minute
live_images = 1280  # images that make one of its epochs: 40 steps

# %%
import os

import numpy as np
import torch
from IPython.display import display
from matplotlib import pyplot as plt

from lib import jobs, machine
from lib.generators import vae, watch
from lib.jobs.pool import WORKERS
from lib.papers.pavae import looks, method
from lib.papers.pavae.counterfactuals import height
from lib.phantoms.chest import LEFT
from lib.report import plots
from lib.report.page import Page

page = Page("pavae/03_latents", profile, seed, dataset, root, draws)
page.run()
look, rows = looks.Look(page.study), page.rows_of("pavae/03_method")
model = vae.load(page.model("pavae", method.printed(page.study)))
CLASSES = ("healthy", "left", "right")

# %% [markdown]
# ## What a latent carries
#
# The KL of [03_method](03_method.py) is a sum over latents, so each can be asked what it carries. A
# latent whose posterior is the prior for every image says nothing about any image.
#
# A **traversal** turns one latent and holds the others: from the mean of p(z|left opacity), ±3 of the
# prior's standard deviations. The model below is PA-VAE as printed, of Table 4's first draw.

# %%
each = page.panel("kl", lambda: {"kl": watch.kl_per_latent(model, look.held_out)})["kl"]
order, TURNS = np.argsort(-each), torch.linspace(-3, 3, 7)


def traverse(latent: int, label: int = LEFT) -> np.ndarray:
    """Images (7, 64, 64) of a class, one latent turned."""
    y = torch.full((len(TURNS),), label)
    z, log_variance = model.prior_of(y)
    z[:, latent] += TURNS * (0.5 * log_variance[0, latent]).exp()
    with torch.no_grad():
        return model.decoder(z, y)[:, 0].sigmoid().numpy()


turned = np.stack([traverse(latent) for latent in [*order[:3], order[-1]]])

# %%
caption = (
    f"KL of every latent of PA-VAE (one fit, mean over at most {method.HELD_OUT} held-out images); "
    "traversals of the first three and of the last, and what their ends differ by."
)
with page.figure(caption, 1, 3, figsize=(12, 3.4), width_ratios=(3, 7, 1)) as axes:
    axes[0].bar(range(len(each)), each[order], color=plots.ROLES["method"])
    axes[0].axhline(looks.ACTIVE, color=plots.ROLES["paper"], lw=1, ls="--")
    axes[0].set(xlabel="latent, by KL", ylabel="KL (nats)")
    plots.show(axes[1], plots.panel(np.concatenate(turned), 7), "-3 to 3 standard deviations")
    plots.beside(axes[1], ("1st", "2nd", "3rd", "last"))
    ends = turned[:, -1] - turned[:, 0]
    plots.show(axes[2], plots.panel(ends, 1), "3 less -3", cmap="RdBu_r", vmin=-0.4, vmax=0.4)

# %% [markdown]
# **What to see.** KL is spread unevenly (dashed: 0.1 nats). Latents high on the list change the
# picture (right: red brighter, blue darker), the last one should change next to nothing. Nothing in
# the loss gives a latent *one* meaning: see whether a row changes an organ, the contrast, the
# opacity, or all of them at once.

# %%
moved = np.ptp(turned, axis=1).mean((1, 2))
print("mean range of a pixel along each row, grey units:", moved.round(3))
if page.meaningful:
    page.check("a latent with KL changes more than one without", moved[:3].max() > moved[3])

# %% [markdown]
# ## Now watch it learn
#
# `vae.fit` is a generator: it trains for an epoch, hands over its state, and waits. So the cell that
# watches is an ordinary loop. The latent noise is drawn once: what changes is the model. *Set
# `live_epochs = 40` in the parameters, and the cell runs for about a minute and redraws its picture
# after every epoch.*


# %%
def draw_live(axes, frame: np.ndarray, curves: dict[str, np.ndarray]) -> None:
    """Samples of the newest epoch, and the loss terms so far, relative to the first epoch."""
    columns = plots.panel(np.concatenate(frame.swapaxes(0, 1)), len(frame))
    plots.show(axes[0], columns, f"epoch {len(curves['kl'])}: six noises under three labels")
    plots.beside(axes[0], CLASSES)
    for name, curve in curves.items():
        axes[1].plot(range(1, len(curve) + 1), curve / curve[0], "o-", ms=3, label=name)
    axes[1].set(xlabel="epoch", ylabel="loss terms, first epoch = 1", yscale="log")
    axes[1].xaxis.get_major_locator().set_params(integer=True)
    axes[1].legend(fontsize=7)

# %%
SHAPE = {"figsize": (10, 3.2), "width_ratios": (2, 1), "layout": "constrained"}
images = min(live_images, page.size.epoch_images)  # of an epoch
# half of Table 2a's batch: half the time of a step
live = vae.VaeSettings(
    live_epochs, images, batch=32, precision=machine.precision(), **vae.BERNOULLI
)

# %%
def train() -> dict[str, np.ndarray]:
    """Train, with a look after every epoch; the last frame, and every loss term by epoch."""
    rng = np.random.default_rng([seed, 3])
    noise, losses = watch.noise_of(live.latent, rng), []
    picture = display("the first epoch is running ...", display_id=True)
    for state in vae.fit(look.labelled, look.guide, live, rng):
        losses.append(state.losses)
        frame = watch.frame(state.model, noise)
        curves = {name: np.array([each[name] for each in losses]) for name in looks.LAMBDAS}
        figure, axes = plt.subplots(1, 2, **SHAPE)
        draw_live(axes, frame, curves)
        picture.update(figure)
        plt.close(figure)
    picture.update(f"{live_epochs} epochs are done")
    return {"frame": frame} | curves

# %%
trained = page.panel("live", train)

# %%
caption = "Samples from fixed noise after a short training inside the page, and its loss terms."
with page.figure(caption, 1, 2, "live", **SHAPE) as axes:
    curves = {name: trained[name] for name in looks.LAMBDAS}
    draw_live(axes, trained["frame"], curves)
if page.meaningful:
    first, *_, last = curves["reconstruction"]
    page.check("the reconstruction's cost falls", last < first)

# %% [markdown]
# **What to see.** After so few steps every sample is only a first sketch of the mean image;
# opacities come much later. The KL starts at zero, because the encoder starts *at* the prior, and
# moves both ways before latents are put to use; the other terms fall.
#
# ## The film
#
# The same loop ran as a stored job, `watch.film`, and kept a frame of every epoch. Its epochs are
# shorter than those of Table 4's model (fewer images each; all other settings are the same), and it
# keeps all epochs where the study keeps the best.

# %%
page.source(watch.frame)


# %%
def filmed() -> dict[str, np.ndarray]:
    """Two noises under three labels by epoch, the KL of each latent, and how far frames differ."""
    arrays = jobs.load(method.film(page.study)).arrays
    frames = arrays["frames"]  # (epochs, noises, labels, H, W)
    found = {"strip": frames[:, :2].transpose(1, 2, 0, 3, 4), "kl": arrays["kl"]}
    found["over noises"] = frames.std(1).mean((1, 2, 3))
    found["between labels"] = np.abs(frames[:, :, 1:] - frames[:, :, :1]).mean((1, 2, 3, 4))
    return found | {"change": np.abs(np.diff(frames, axis=0)).mean((1, 2, 3, 4))}


film = page.panel("film", filmed)

# %%
epochs = np.arange(1, len(film["kl"]) + 1)
caption = (
    f"Samples from fixed noise after each of {len(epochs)} epochs (one fit): two noises, each under "
    "three labels; right: the KL of each latent, largest first."
)

# %%
with page.figure(caption, 1, 2, "film", figsize=(12, 6), width_ratios=(2.1, 1)) as (left, right):
    strip = film["strip"].reshape(-1, *film["strip"].shape[-2:])
    plots.show(left, plots.panel(strip, len(epochs)))
    plots.over(left, epochs)
    plots.beside(left, CLASSES * 2)
    right.plot(epochs, -np.sort(-film["kl"], 1), color=plots.ROLES["method"], lw=0.8)
    right.axhline(looks.ACTIVE, color=plots.ROLES["paper"], ls="--", lw=1)
    right.set(xlabel="epoch", ylabel="KL (nats)", xlim=(0.8, None))

# %% [markdown]
# **What to see.** Read along a row: it is one and the same noise. First the mean chest, nearly alike
# in all rows; then compare the three rows of a noise. Does an opacity come where the label asks for
# one, and stay? Does its place change from one noise to the other? Does it look like one, or like an
# oval with a drawn border? Ribs and sensor noise are not there. On the right, the KL of every latent, from
# almost nothing: some latents end with several times as much as others.

# %%
active = (film["kl"] > looks.ACTIVE).sum(1)
spread = [[f"{x:.4f}" for x in film[of]] for of in ("over noises", "between labels")]
head = ["epoch", "SD over noises", "difference of labels", "latents above 0.1 nats"]
page.table(head, list(zip(epochs, *spread, active, strict=True)))

# %%
SEEN, lines = 0.1, []  # grey units from which on a brightening is called an opacity
for noise, frames in enumerate(film["strip"], 1):  # (labels, epochs, H, W)
    for label in (1, 2):
        brighter = frames[label] - frames[0]
        most, at_end = brighter.max((1, 2)), height(brighter[-1:], np.array([label]))[0]
        where = f"{at_end:.1f}" if most[-1] > SEEN else "none there"
        lines.append([f"{noise}, {CLASSES[label]}", *(f"{x:.2f}" for x in most), where])
head = ["noise, label: most grey units above healthy, by epoch", *epochs, "row of the opacity"]
page.table(head, lines)

# %%
if page.meaningful:
    page.check("the film settles", film["change"][-1] < film["change"][0])

# %% [markdown]
# ## A control for β
#
# β weighs the KL: what a latent must earn in nats of reconstruction to be worth its place. Here the
# ELBO stands alone (with p(z|y), without the three added terms, so that only β acts), trained briefly
# from the same start on the same batches. The effect of β on PA-VAE itself is in Table 5.


# %%
def short_fits() -> dict[str, np.ndarray]:
    """By β: six sick images over their reconstructions, samples, and the KL of every latent."""
    few, found, remade = np.flatnonzero(look.sick)[:6], {}, looks.by_beta(look)
    for beta, job in method.beta_fits(page.study).items():
        arrays = jobs.load(job).arrays
        found[f"{beta:g}/images"] = np.stack([look.held_out.image[few], remade[beta][few]])
        found[f"{beta:g}/samples"] = arrays["frames"][-1][:, 1:].swapaxes(0, 1)
        found[f"{beta:g}/kl"] = arrays["kl"][-1]
    return found

# %%
fits = page.panel("beta", short_fits)
top = max(fits[f"{beta:g}/kl"].max() for beta in method.BETAS)


def draw_beta(axes, beta: float) -> None:
    """Images over reconstructions, samples, and the KL of every latent."""
    for ax, kind in zip(axes, ("images", "samples"), strict=False):
        plots.show(ax, plots.panel(np.concatenate(fits[f"{beta:g}/{kind}"]), 6))
    nats = -np.sort(-fits[f"{beta:g}/kl"])
    axes[2].bar(np.arange(len(nats)), nats, color=plots.ROLES["method"])
    axes[2].axhline(looks.ACTIVE, color=plots.ROLES["paper"], ls="--", lw=1)
    axes[2].set(ylim=(0, 1.05 * top), ylabel="KL (nats)", title=f"β = {beta:g}")

# %%
caption = (
    "A plain ELBO by β, one fit each: held-out images over reconstructions; samples of left and "
    "right opacities; the KL of every latent."
)
with page.figure(caption, len(method.BETAS), 3, "beta", figsize=(11, 6.6)) as axes:
    for line, beta in zip(axes, method.BETAS, strict=True):
        draw_beta(line, beta)
    axes[0, 0].set_title("images, reconstructions")
    axes[0, 1].set_title("samples: left, right")
    axes[-1, 2].set_xlabel("latent, by KL")

# %% [markdown]
# **What to see.** A small β keeps many latents and follows each image; a large one silences all
# or nearly all (the table below counts), and reconstructions and samples come near the mean of their
# class. Look for a clear opacity in the samples: to a plain ELBO few pixels, and faint ones, earn few
# nats. That is what the three added terms are for.
#
# In JupyterLab the next cell is a control for the same pictures.


# %%
def show_beta(beta: float) -> None:
    """One row of the figure, larger."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 2.6), layout="constrained")
    draw_beta(axes, beta)
    display(figure)
    plt.close(figure)


if WORKERS in os.environ or page.from_record:
    print("the control needs JupyterLab; the figure above shows all of its positions")
else:
    from ipywidgets import SelectionSlider, interact

    interact(show_beta, beta=SelectionSlider(options=method.BETAS, value=4.0, description="β"))

# %%
if "bare" in rows:
    at, metrics = rows["bare"], ("kl", "active_latents", "mse", "sample_sd")
    lines = [[f"{b:g}", *(at.cell(f"beta_{b:g}", m) for m in metrics)] for b in method.BETAS]
    page.table(["β", "KL", "latents in use", "squared error", "SD of samples"], lines)
    spent = [fits[f"{b:g}/kl"].sum() for b in method.BETAS]
    if page.meaningful:
        page.check("a dearer KL is a smaller KL", spent == sorted(spent, reverse=True))

# %% [markdown]
# ## In this notebook we have
#
# - asked every latent what it carries, and turned some;
# - watched the model learn, first the mean chest, then what differs between labels and noises;
# - turned β, and looked for opacities in the samples of a plain ELBO.
#
# Next: [03_counterfactuals](03_counterfactuals.py) changes the label alone.
#
# ## Exercises
#
# **1.** How many of PA-VAE's latents carry 90 % of its KL?

# %%
answer = None  # your number
shares = np.cumsum(each[order]) / each.sum()
page.exercise(answer, lambda: int((shares < 0.9).sum()) + 1)

# %% [markdown]
# **2.** From which epoch of the film on do images differ more between labels than between noises?
# (0: never.)

# %%
answer = None  # your number
larger = np.flatnonzero(film["between labels"] > film["over noises"])
page.exercise(answer, lambda: int(epochs[larger[0]]) if len(larger) else 0)

# %%
page.close()
