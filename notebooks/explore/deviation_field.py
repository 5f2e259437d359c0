# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Explore a deviation field: a lesion on its substrate, moved, scaled, fused
#
# - drag a lesion over a brain, make it fainter or stronger, let its mask grow;
# - put it back in five ways, and read what each changes where nothing should change;
# - walk back to the noise that a lesion came from, and hold its spectrum against the true one.
#
# A minute; from the record a few seconds. Nothing here shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import numpy as np

from lib import jobs
from lib.explore import deviation_field as field
from lib.generators import deviation, fusion
from lib.metrics.deviations import band_ratio, lesion_spectrum
from lib.metrics.sharpness import rim_step
from lib.papers import registry
from lib.papers.pathosyn.arms import SOURCES
from lib.report import plots
from lib.report.page import Page

page = Page("explore/deviation_field", profile, seed, dataset)
assert dataset == "phantom", "the healthy twin is known for phantoms only"

# %% [markdown]
# ## What is moved
#
# PathoSyn takes an image apart and puts it together again (equations 1 and 14):
#
# $$x = x_{\text{sub}} + S\,r,$$
#
# with a substrate from one network, a deviation $r$ that a diffusion draws inside the mask $m$, and $S$,
# the mask under a Gaussian. The sum can be done in other ways too:
#
# | fusion | inside the mask | outside |
# |---|---|---|
# | hard | $x_{\text{sub}} + r$ | substrate |
# | seam (the paper's) | $x_{\text{sub}} + S r$ | substrate |
# | Poisson | $x_{\text{sub}} + r$, its step at the rim spread inside | substrate |
# | paste | $x_{\text{sub}} + r$ | the input's own pixels |
# | feathered | paste with $S$ for $m$ | the input, and a share $S$ of the substrate |
#
# ## Toy: one disc, five ways
#
# A flat image, a substrate that is too bright by 0.02, a deviation of 0.2 in a disc. How large is the
# step at the rim, and how far is the outside from the input?

# %%
row, column = np.indices((64, 64))
disc = (np.hypot(row - 32, column - 32) < 10)[None]
flat = np.full((1, 64, 64), 0.5, np.float32)
parts = flat + 0.02, np.where(disc, 0.2, 0).astype(np.float32), disc, flat
toy = {kind: fusion.fuse(kind, *parts) for kind in fusion.FUSIONS}
page.table(["fusion", "mean step at the rim", "mean error outside"], [
    [kind, f"{rim_step(x, disc)[0]:.3f}", f"{abs(x - flat)[~disc].mean():.4f}"]
    for kind, x in toy.items()
])  # fmt: skip
page.check("only paste leaves the outside as it is",
           [kind for kind, x in toy.items() if np.array_equal(x[~disc], flat[~disc])] == ["paste"])

# %% [markdown]
# No way gets both right: the smaller the step, the less of the deviation is left, or the more leaks
# out.
#
# ## The model and its lesions
#
# The diffusion of draw 0. For each subject the phantom's law knows the healthy twin, which is the
# input, and the true lesion, which is only shown for comparison. Sixteen lesions are drawn for every
# mask, and for the mask grown by 1 to 4 pixels; all masks of a subject start from the same noise.

# %%
study = registry.table("pathosyn/05_control").studies(page.plan)[0]
fit = study.fitted(SOURCES["pathosyn_diff"], 0)
if not (page.meaningful or page.from_record):
    jobs.run([fit])  # a tiny one, so that a test run trains its own
model = deviation.load(page.model("pathosyn/pathosyn_diff", fit))
SHOWN = (field.SUBJECTS, field.SEEDS, field.FILMED) if page.meaningful else (1, 2, 1)

# %%
def drawn() -> dict[str, np.ndarray]:
    """Lesions in every mask of the subjects that are shown."""
    n, seeds, filmed = SHOWN
    given = field.subjects(n, study.stream("explorer"))
    return field.stored(model, given, study.stream("explorer drawn"), seeds, filmed)


found = page.panel("field", drawn)

# %% [markdown]
# ## The explorer
#
# - **Drag** the mask in *substrate* or *fused*; by keyboard: Tab to the picture, then the arrow keys.
# - **Severity** multiplies the deviation; **extent** takes the lesion that was drawn in the grown mask.
# - **Denoising** goes back to the noise, for the first four seeds at extent 0.
# - In a live notebook a button draws a new lesion where the mask stands; on this page the stored
#   deviation goes with its mask, and where this has left, the substrate is the input again.

# %%
shown = field.explorer(found, model)
shown.write()
shown

# %% [markdown]
# **What to see.** *Error outside* is exactly 0 with *paste*, at every place, and with no other fusion: what
# the substrate network makes of healthy tissue is small here, but it is everywhere. A *seam* of 3 pixels
# takes about a third of the deviation away. Drag a lesion to the rim of the brain: what would leave it is
# cut off, and half of the mask stays inside. Drag it over a ventricle, and no law of anatomy objects. Noise
# becomes a lesion late: in the first half of the way there is little to see.
#
# ## The same in print

# %%
each = [field.fields(found, s) for s in range(len(found["healthy"]))]
caption = (
    "Each row a subject: its substrate, one drawn deviation, the fused image (seam), the true lesion; "
    "orange: the mask; one fit."
)
with page.figure(caption, len(each), 4, figsize=(6.4, 1.7 * len(each)), squeeze=False) as axes:
    for line, one in zip(axes, each, strict=True):
        r = one["deviation"][0]
        fused = fusion.fuse("seam", one["substrate"][None], r[None], one["mask"][None])[0]
        greys = {"substrate": one["substrate"], "fused": fused, "true": one["healthy"] + one["truth"]}
        for ax, (title, picture) in zip(line[[0, 2, 3]], greys.items(), strict=True):
            ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
            ax.set_title(title if ax in axes[0] else "")
        line[1].imshow(r, cmap="RdBu_r", vmin=-0.4, vmax=0.4)
        axes[0][1].set_title("deviation")
        for ax in line:
            plots.outline(ax, one["mask"], plots.ROLES["control"])
            ax.set(xticks=[], yticks=[])

# %% [markdown]
# ## What changes outside the mask
#
# Mean $|$fused $-$ input$|$ outside, in grey units, over all subjects and seeds.

# %%
def outside(kind: str, one: dict[str, np.ndarray]) -> float:
    """The mean error outside the mask of all seeds of a subject."""
    r = one["deviation"]
    alike = (np.broadcast_to(one[name], r.shape) for name in ("substrate", "mask", "healthy"))
    substrate, mask, healthy = alike
    return float(abs(fusion.fuse(kind, substrate, r, mask, healthy) - healthy)[~mask].mean())


errors = {kind: np.mean([outside(kind, one) for one in each]) for kind in fusion.FUSIONS}
page.table(["fusion", "error outside"], [[kind, f"{e:.5f}"] for kind, e in errors.items()])
page.check("paste changes nothing outside", errors["paste"] == 0)
page.check("every other fusion does", min(e for k, e in errors.items() if k != "paste") > 0)

# %% [markdown]
# ## How rough, and how varied?
#
# Power of the deviation in waves of 3 to 12 pixels, over that of the true one; and the standard deviation
# of a pixel over the seeds.

# %%
lines = []
for s, one in enumerate(each):
    alike = np.repeat(one["mask"][None], len(one["deviation"]), 0)
    ratio = band_ratio(lesion_spectrum(one["deviation"], alike),
                       lesion_spectrum(one["truth"][None], one["mask"][None]))  # fmt: skip
    spread = one["deviation"].std(0)[one["mask"]].mean()
    lines.append([s + 1, int(one["mask"].sum()), f"{ratio:.2f}", f"{spread:.3f}"])
page.table(["subject", "pixels", "power over true", "SD over seeds, grey units"], lines)

# %% [markdown]
# **What to see.** A ratio below 1 says that the drawn lesion is smoother than this subject's true one. A
# single true lesion can be rough or plain, so only the whole set can tell:
# [03b_deviation_diffusion](../pathosyn/03b_deviation_diffusion.py) has it.
#
# ## In this notebook we have
#
# - moved, scaled and grown lesions, and seen which of these is a new drawing and which is not;
# - read off that paste-back alone leaves the outside untouched;
# - held the drawn deviation against the true one, in the picture and in its spectrum.
#
# ## Exercises
#
# **1.** Subject 1, seed 1: at which severity is the mean of the drawn deviation inside the mask that of
# the true one? (Compare the pictures first, then compute.)

# %%
answer = None  # a factor
one = each[0]
page.exercise(
    answer, lambda: one["truth"][one["mask"]].mean() / one["deviation"][0][one["mask"]].mean(),
    within=0.1,
)  # fmt: skip

# %% [markdown]
# **2.** Which of `fusion.FUSIONS` leaves every pixel outside the mask as it was in the input?

# %%
answer = None  # a name, such as "hard"
page.exercise(answer, lambda: min(errors, key=errors.get))

# %% [markdown]
# **3.** Subject 1, seed 1: at which position of *Denoising* does the correlation of the picture with its
# end, inside the mask, first reach 0.9?

# %%
answer = None  # a whole number
way = one["way"][:, 0][:, one["mask"]]
page.exercise(answer, lambda: int(np.argmax([np.corrcoef(f, way[-1])[0, 1] >= 0.9 for f in way])))

# %%
page.check("a way ends in what is drawn", abs(way[-1] - one["deviation"][0][one["mask"]]).max() < 0.01)
page.close()
