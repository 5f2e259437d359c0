# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Section 3: what the model takes for the disease
#
# - one latent under three labels: the model's own counterfactual, beside the phantom's true one;
# - how much of the true change is in the model's, and how much of that the label alone controls;
# - whether the opacity that the model draws is where the subject's is.
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

from lib.generators import vae
from lib.papers.pavae import counterfactuals, looks, method
from lib.report import plots
from lib.report.page import Page

page = Page("pavae/03_counterfactuals", profile, seed, dataset, root, draws)
page.study.source.known("another label of the same subject")
page.run()
look, rows = looks.Look(page.study), page.rows_of("pavae/03_method")
model = vae.load(page.model("pavae", method.printed(page.study)))
CLASSES, HUES = ("healthy", "left", "right"), ("#777777", "#0072B2", "#D55E00")

# %% [markdown]
# ## One latent, three labels
#
# If z is the anatomy and y the disease, then changing y alone draws the same chest healthy, with a
# left and with a right opacity: the model's own counterfactual. For phantoms the true one is known,
# *the same subject* with another label: a subject is a seed, and it can be drawn again. So the model
# can be checked.

# %%
page.source(counterfactuals.under_all_labels, looks.twins)


# %%
def six() -> dict[str, np.ndarray]:
    """Two held-out images of each class, with their labels and subjects."""
    seen = look.held_out
    few = np.concatenate([np.flatnonzero(seen.label == c)[:2] for c in range(3)])
    return {"image": seen.image[few], "label": seen.label[few], "subject": seen.subject[few]}


few = page.panel("six", six, of=page.study.validation(0))
decoded = counterfactuals.under_all_labels(model, few["image"], few["label"])
true = np.stack([looks.twins("bare", few["subject"], label) for label in range(3)])
gap = np.abs(true[few["label"], np.arange(6)] - few["image"]).max()
if page.is_todays("six", page.study.validation(0)):
    page.check("the subjects drawn again are the stored images", gap <= 0.5 / 255 + 1e-6)
else:
    print("the record's images are of an earlier law: today's draws these seeds differently")

# %%
caption = (
    "Left: held-out images, decoded by one fit under three labels, beside the phantom's truth for the "
    "same subjects. Right: left opacity less healthy, in the model and in truth."
)
SPLIT = {"figsize": (12, 7.2), "width_ratios": (7, 2)}
with page.figure(caption, 1, 2, **SPLIT) as (left, right):
    columns = np.stack([few["image"], *decoded, *true], 1)  # (subjects, columns, H, W)
    plots.show(left, plots.panel(np.concatenate(columns), 7))
    named = [f"{who}:\n{c}" for who in ("model", "truth") for c in CLASSES]
    plots.over(left, ["image", *named])
    changes = np.stack([decoded[1] - decoded[0], true[1] - true[0]], 1)
    pair = plots.panel(np.concatenate(changes), 2)
    plots.show(right, pair, cmap="RdBu_r", vmin=-0.5, vmax=0.5)
    plots.over(right, ("model:\nleft - healthy", "truth:\nleft - healthy"))

# %% [markdown]
# **What to see.** Two subjects of each class from top to bottom. Along a row of *model* the chest
# stays; does an opacity come and go with y? Compare *model: left* with *truth: left*. Only in the
# rows *left* does z come from an image with that opacity; elsewhere nothing tells the model where
# this subject's would be, or how dense. In the rows *left*, look at *model: healthy*: where a trace of
# the true opacity stays, z has kept part of the disease for itself. In numbers, the model's change
# projected on what the true opacity brightens:

# %%
changed, due = decoded[1] - decoded[0], (true[1] - true[0]).clip(0)
part = (changed * due).sum((1, 2)) / np.square(due).sum((1, 2))
page.table(["subject", *(CLASSES[c] for c in few["label"])],
           [["of its left opacity, drawn by y alone", *(f"{x:.0%}" for x in part)]])  # fmt: skip
own = few["label"] == 1
print(f"mean where z holds a left opacity {part[own].mean():.0%}, where not {part[~own].mean():.0%}")

# %% [markdown]
# ## How much of the truth is in the model's change?
#
# Three changes, each against the true one, for all held-out sick images:
#
# - *label*: the same z, decoded with y and decoded as healthy;
# - *twin*: the image against its true healthy twin, both encoded and decoded: what gets through the
#   bottleneck at all;
# - *null*: one map for a class, the mean true change of the labelled subjects: it looks at no
#   image.

# %%
page.source(counterfactuals.agreement)
METRICS = ("correlation", "pixel_auroc", "share_in_mask", "change_outside")
scored = "bare" in rows and rows["bare"].has("label", "correlation")
if scored:
    at = rows["bare"]
    lines = [[m, *(at.cell(arm, m) for arm in ("label", "twin")), at.null("label", m),
              f"{at.row('label', m)['oracle']:.3f}"] for m in METRICS]  # fmt: skip
    page.table(["one fit", "label", "twin", "null", "truth"], lines)

# %% [markdown]
# `share_in_mask` is the mean change inside the true mask over the true one; `change_outside` the
# mean size of the change elsewhere, in grey units, where the truth hardly changes at all (not
# exactly zero, because the preprocessing equalises every image by itself).

# %%
if scored:
    stays = at.mean("label", "opacity_left")
    print(f"of the opacity that the model draws, {stays:.0%} stays when only the label is healthy")
    own, null = (at.row("label", "correlation")[of] for of in ("mean", "null"))
    word = "better" if null > own else "less well"
    print(f"the one map for a class agrees {word} with the truth: {null:.3f} against {own:.3f}")
    if page.meaningful:
        found = at.mean("label", "pixel_auroc")
        page.check("the change lies on the lesion more than by chance", found > 0.5)

# %% [markdown]
# ## And the place?
#
# How high in its lung does the centre of the change lie? Over subjects, does this height vary in
# the model as much as in truth, and together with it? The decoded *mask* is read as well.

# %%
page.source(counterfactuals.height)
place = page.panel("place", lambda: counterfactuals.places(look))
TITLES = {"label": "label changed", "twin": "image and label changed", "mask": "decoded mask"}
slopes = {
    name: counterfactuals.slope(place[name], place["truth"], place["class"]) for name in TITLES
}

# %%
caption = (
    "Row of the opacity in two changes and in the decoded mask of one fit against the true row "
    f"({len(place['class'])} held-out sick images); grey: as in truth."
)
with page.figure(caption, 1, 3, "place", figsize=(10, 3.6), sharey=True) as axes:
    ends = [place["truth"].min(), place["truth"].max()]
    for ax, (name, title) in zip(axes, TITLES.items(), strict=True):
        for c in (1, 2):
            which = place["class"] == c
            x, y = place["truth"][which], place[name][which]
            ax.plot(x, y, "o", ms=3, color=HUES[c], alpha=0.7, label=CLASSES[c])
        ax.plot(ends, ends, color="#999999", lw=1)
        ax.set(title=f"{title}: slope {slopes[name]:.2f}", xlabel="true row of the opacity")
    axes[0].set_ylabel("row in the model")
    axes[0].legend(fontsize=7)

# %% [markdown]
# **What to see.** Dots along the line are a model that moves the opacity with the subject; a flat band
# would be one opacity per class. If the first panel is flatter than the other two, z knows the place
# and a change of y alone does not undo all of it. So z is not the anatomy and y the disease: the KL
# charges z for what it knows, but forbids nothing, and no term asks that the label alone remove a
# lesion. Which places the *samples* reach is a question of coverage, asked in
# [04_diagnostics](04_diagnostics.py).

# %%
if page.meaningful:
    page.check("z knows the place better than the label", slopes["mask"] > slopes["label"])
toy = np.zeros((1, 64, 64))
toy[0, 30, 40] = 1.0
found = counterfactuals.height(toy, np.array([1]))
page.check("a single pixel stands in its own row", np.allclose(found, 30))

# %% [markdown]
# ## In this notebook we have
#
# - held the model's own idea of disease against the truth, subject by subject;
# - asked how much of an opacity lives in z, and how much the label alone draws and takes away.
#
# Next: [04_training](04_training.py) has the curves of all fits,
# [table5_ablations](table5_ablations.py) takes the terms away one by one.
#
# ## Exercises
#
# **1.** In the figure's third row (a left opacity), what is the largest change of a pixel, in grey
# units, when the label alone turns to healthy?

# %%
answer = None  # your number
page.exercise(answer, lambda: np.abs(decoded[1, 2] - decoded[0, 2]).max(), within=0.01)

# %% [markdown]
# **2.** Somebody draws every opacity at the mean place of its class. What slope do they get?

# %%
answer = None  # your number
page.exercise(answer, lambda: 0, within=0.001)

# %%
page.close()
