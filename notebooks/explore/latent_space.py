# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Explore a latent space: where codes lie, where none do, and what is drawn there
#
# - drag a point through the latent space of four auto-encoders and watch what they decode;
# - change the label alone, walk between two patients, follow Hamiltonian dynamics step by step;
# - find a hole: a place that the prior promises, and where samples break.
#
# Half a minute: no model is trained; all of them come from the record. The explorer runs in your
# browser and needs no kernel. Nothing here shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import numpy as np

from lib import jobs
from lib.explore import latent_space
from lib.generators import hvae, vae
from lib.papers import registry
from lib.papers.dhvae.arms import SOURCES
from lib.papers.pavae import method
from lib.papers.pavae.arms import MAIN
from lib.phantoms import chest
from lib.report import plots
from lib.report.page import Page
from lib.tasks import classify

page = Page("explore/latent_space", profile, seed, dataset)
assert dataset == "phantom", "the healthy twin is known for phantoms only"

# %% [markdown]
# ## Four models
#
# PA-VAE and the standard VAE draw a chest from a latent $z$ and a label; the dHVAE, and the plain VAE
# that it starts from, draw a brain slice and the mask of its tumour from $z$ alone. All are fits of
# draw 0. The *independent reader* names the class of a chest; it has seen none of the generators.

# %%
chests, brains = (registry.table(item).studies(page.plan)[0]
                  for item in ("pavae/03_method", "dhvae/03_method"))  # fmt: skip
FITS = {
    "pavae/pavae": method.printed(chests),
    "standard": chests.fitted(MAIN["vae"], 0),
    "dhvae/dhvae_flair": brains.fitted(SOURCES["dhvae"], 0),
    "dhvae/vae_flair": brains.fitted(SOURCES["vae"], 0),
    "reader": chests.reader,
}
if not (page.meaningful or page.from_record):
    jobs.run([*FITS.values()])  # tiny ones, so that a test run trains its own
fitted = {name: page.model(name, job) for name, job in FITS.items() if page.has_model(name, job)}
for name in (name for name in FITS if name not in fitted):
    page.text(f"*{name}: not in the record, so it is left out; `./run_all.sh --refit {page.item}` fits it.*")

# %% [markdown]
# ## Images that no training has seen
#
# Fresh phantoms, each with its healthy twin: the same subject in the same noise without the disease.
# Their codes are the means of the encoder's posterior.

# %%
N_CHESTS, N_BRAINS = (240, 100) if page.meaningful else (16, 6)
rng = np.random.default_rng(chests.stream("explorer"))
scenes = {
    "chest": latent_space.chests(chest.BARE, N_CHESTS, rng),
    "brain": page.panel("brains", lambda: latent_space.brains(
        N_BRAINS, np.random.default_rng(brains.stream("explorer"))
    )),
}  # fmt: skip

# %%
TITLES = {"pavae/pavae": "PA-VAE (chest)", "standard": "Standard VAE (chest)"}
PAIRS = {"dhvae/dhvae_flair": "dHVAE (brain and mask)", "dhvae/vae_flair": "VAE (brain and mask)"}
draws = np.random.default_rng([seed, 16])
spaces = {
    name: latent_space.labelled(title, vae.load(fitted[name]), scenes["chest"], draws)
    for name, title in TITLES.items() if name in fitted
}  # fmt: skip
spaces |= {
    name: latent_space.paired(title, hvae.load(fitted[name]), scenes["brain"], 16, draws)
    for name, title in PAIRS.items() if name in fitted
}  # fmt: skip

# %% [markdown]
# ## The explorer
#
# - **Map.** The two directions are yours to choose: principal ones, the difference of two classes, or
#   any single dimension. The ring is the point; everything else of $z$ stays as it is while you drag.
# - **Pictures behind the map** are decoded over the same plane. Hatching marks a hole.
# - **Hover over a mark** to see its image, its healthy twin, and what the disease has changed.
# - By keyboard: Tab to the map or to a slider, then the arrow keys (with Shift in larger steps).

# %%
reader = classify.load(fitted["reader"]) if "reader" in fitted else None
shown = latent_space.explorer(spaces, scenes, reader)
shown.write()
shown

# %% [markdown]
# **What to see.** Look at *Only the label changes*: an opacity should come and go, and all else should
# stay. On the map of PA-VAE the classes overlap in part, although the label reaches the decoder
# anyway. The dHVAE has no label, and its codes are whitened: the prior is the law of the training
# codes. At the prior's mean there is a blurred head without any mask; press *Draw from the prior*, and
# most draws are heads with a lesion under its mask, some of them with a dent or with a lesion in
# pieces. Halfway from A to B both diseases fade, whereas a patient halfway between two would have one
# disease, halfway between two places.
#
# ## How much of the prior is a hole?
#
# A draw of the prior counts as far when the nearest image lies at least a quarter farther away than
# images lie from each other. An image stands here as one draw of its posterior: its mean would sit at
# zero in every dimension that carries nothing, and all draws of the prior would seem far from it.

# %%
FEW = 0.1  # nats from which on a dimension counts as used
lines = []
for space in spaces.values():
    kl, labels = space.arrays["kl"], range(len(space.arrays["prior"]))
    far = [latent_space.far(space, y, 2000, np.random.default_rng([seed, 5])) for y in labels]
    shares = ", ".join(f"{100 * share:.0f} %" for share in far)
    lines.append([space.title, len(kl), int((kl > FEW).sum()), f"{kl.sum():.1f}", shares])
head = ["model", "dimensions", "above 0.1 nats", "nats in all", "far draws (by label)"]
page.table(head, lines)

# %%
caption = (
    f"Codes of at most {N_CHESTS} images that no training has seen (one fit each), in their first two "
    "principal directions; dashed: two standard deviations of N(0, I) about the codes' mean."
)
turn = np.linspace(0, 2 * np.pi, 90)
with page.figure(caption, 1, len(spaces), figsize=(3.2 * len(spaces), 3.4), squeeze=False) as axes:
    for ax, space in zip(axes[0], spaces.values(), strict=True):
        codes = space.arrays["codes"] - space.arrays["codes"].mean(0)
        x, y = latent_space.principal(codes, 2) @ codes.T
        for label, name in enumerate(space.classes):
            own = scenes[space.scenes]["label"] == label
            ax.plot(x[own], y[own], "o^s"[label], ms=3, label=name)
        ax.plot(2 * np.cos(turn), 2 * np.sin(turn), "--", color=plots.ROLES["paper"], lw=1)
        ax.set(title=space.title, aspect="equal")
        ax.legend(fontsize=6)

# %%
for space in spaces.values():
    n = len(scenes[space.scenes]["image"])
    page.check(f"{space.title}: every image has a code", len(space.arrays["codes"]) == n)
if page.meaningful and reader is not None:
    seen = classify.predict(reader, scenes["chest"]["image"]).argmax(1)
    page.check("the reader names most fresh chests", (seen == scenes["chest"]["label"]).mean() > 0.8)

# %% [markdown]
# ## In this notebook we have
#
# - moved through four latent spaces, one dimension or one direction at a time;
# - seen what the label adds while all else stays, and what lies between two patients;
# - found places that a prior promises and no image of ours has.
#
# More: [what each latent carries](../pavae/03_latents.py), [the label alone](../pavae/03_counterfactuals.py),
# [Hamilton's equations](../dhvae/02_background.py).
#
# ## Exercises
#
# **1.** In the first model of the list, which latent dimension carries the most nats?

# %%
answer = None  # the number of the dimension
page.exercise(answer, lambda: int(next(iter(spaces.values())).arrays["kl"].argmax()))

# %% [markdown]
# **2.** In the dHVAE, from its first start, by how many nats does the sum H fall from z0 to the last
# step?

# %%
answer = None  # your number
energy = spaces["dhvae/dhvae_flair"].arrays["hamiltonian"][0]
page.exercise(answer, lambda: float(energy[0] - energy[-1]), within=0.2)

# %% [markdown]
# **3.** In PA-VAE, with the label *left opacity*, press *Draw from the prior* twenty times. About what
# share of the draws is farther from all images than usual (0 to 1; the table above knows)?

# %%
answer = None  # your number
space = next(iter(spaces.values()))
page.exercise(
    answer, lambda: latent_space.far(space, 1, 2000, np.random.default_rng([seed, 5])), within=0.2
)

# %%
page.close()
