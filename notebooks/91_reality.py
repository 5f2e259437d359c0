# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Reality: do the phantoms behave like patients' images?
#
# - say what "looks real" means in numbers that anybody can measure: noise, contrast, spectra, likeness;
# - hold three phantoms against patients' images, by bounds that were fixed before they were drawn;
# - see what still differs, because a verdict on phantoms can be no better than they are.
#
# Nothing here shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import numpy as np

from lib.metrics import appearance, reality
from lib.report import beside, plots
from lib.report.page import Page

page = Page("91_reality", profile, seed, dataset)
COUNTS = {"chest": 264, "brain": 36, "neck": 12} if page.meaningful else dict.fromkeys(
    ("chest", "brain", "neck"), 10) | {"chest": 264}  # fmt: skip

# %% [markdown]
# ## Why it matters
#
# A generator is judged by what its images do for another network. If our images carried six times the
# noise of real ones, a sample without noise would fail for a reason that does not exist in patients;
# if every subject had folds of its own, no latent space of sixteen directions could hold a brain,
# though it can hold patients' brains. So the phantoms must be as noisy, as varied and as *alike* as
# patients are.
#
# ## A toy: what noise does to variety
#
# Components learnt from some subjects explain a share of the variance of *other* subjects. Noise
# belongs to no component, so it caps that share.

# %%
rng = np.random.default_rng(seed)
modes, found = rng.normal(size=(4, 32, 32)), {}
for noise in (0.0, 0.5, 2.0):
    x = np.tensordot(rng.normal(size=(200, 4)), modes, 1)
    x += noise * rng.normal(size=x.shape)
    found[noise] = appearance.explained(x[:100], x[100:])[4]
page.table(["noise SD", *found], [["explained by 4 of 4", *(f"{v:.2f}" for v in found.values())]])
page.check("noise hides what subjects share", found[0.0] > found[0.5] > found[2.0])

# %% [markdown]
# The ceiling is $4 / (4 + \sigma^2)$: four directions of variance one in each pixel, and the noise.

# %%
for noise, share in found.items():
    print(f"noise {noise}: explained {share:.2f}, ceiling {4 / (4 + noise**2):.2f}")

# %% [markdown]
# ## The patients
#
# Numbers, not images: what was measured on openly licensed images of patients, and on how many.

# %%
page.table(["", "patients", "source"], [
    [facts["title"], facts["patients"], facts["source"]] for facts in reality.known().values()
])  # fmt: skip
for facts in reality.known().values():
    print(f"{facts['title']}: {facts['note']}")

# %% [markdown]
# ## As many phantoms

# %%
drawn = {kind: reality.drawn(kind, n, np.random.default_rng([seed, 91]))
         for kind, n in COUNTS.items()}  # fmt: skip
shown = {kind: images[:: max(1, len(images) // 10)][:10] for kind, (images, _) in drawn.items()}

# %%
caption = "Ten phantoms of each kind, on the grey scale on which they are measured."
with page.figure(caption, 3, 10, figsize=(11, 3.6)) as axes:
    for row, (kind, images) in zip(axes, shown.items(), strict=True):
        stripped = reality.known()[kind]["stripped"]
        for ax, image in zip(row, appearance.scaled(images, stripped), strict=True):
            plots.show(ax, image)
        plots.label(row[0], kind)

# %% [markdown]
# **What to see.** Radiographs that differ in pose, exposure and build; brains that share their folds as
# registered patients do; uptake in head and neck, where the brain outshines most tumours.
#
# ## Beside patients

# %%
held = {}
for kind, (images, subjects) in drawn.items():
    stated = reality.statistics(kind, images, subjects, np.random.default_rng(seed))
    held[kind] = reality.compare(kind, stated)
    title = f"{reality.known()[kind]['title']} ({len(images)} images)"
    page.table([title, *beside.HEAD[1:]], beside.lines(held[kind]))

# %% [markdown]
# *Likeness* is the mean correlation of an image with the mean of its set; *explained* is the share of
# other subjects' variance that components of some span. Bounds: the middle 80 % of patients for noise,
# a factor of 1.4 for local contrast and fine energy, 0.4 for slopes, 0.05 for likeness, 0.08 for
# explained variance, 0.1 for grey values.

# %%
caption = "Power by cycles per image: phantoms, and patients (their curve where it was measured)."
with page.figure(caption, 1, 3, "spectra", figsize=(10, 3)) as axes:
    for ax, (kind, (images, _)) in zip(axes, drawn.items(), strict=True):
        beside.draw_spectrum(ax, kind, images)
    axes[0].set_ylabel("power, at 2 cycles one")
    axes[0].legend(fontsize=7)
    axes[1].legend(fontsize=7)

# %% [markdown]
# ## What still differs

# %%
for kind, found in held.items():
    print(f"{kind}: {beside.farthest(found)}")
    if page.meaningful:
        page.check(f"{kind}: every bound is kept", all(h.met is not False for h in found))

# %% [markdown]
# These numbers see no shape: a radiograph with three lungs could pass them. The eye has to judge
# the pictures above, and a reader who has patients' data can use them in place of ours.
#
# ## In this notebook we have
#
# - seen why noise that patients do not have decides a comparison of generators;
# - measured three phantoms as patients were measured, and kept bounds that were set before;
# - named the statistic of each that fits least.
#
# ## Exercise
#
# White noise of SD 0.1 is added to images whose pixels have SD 0.2 and whose subjects share everything.
# What share of the variance can components explain at most? Set `answer` (two decimals).

# %%
answer = None
page.exercise(answer, lambda: 0.2**2 / (0.2**2 + 0.1**2), within=0.01)

# %%
page.close()
