# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Why dHVAE stays below its oracle: one thing at a time
#
# - does the gain need the pathology? Its samples with every lesion filled in;
# - what do the samples lack? Fresh phantoms whose image, mask or both are decoded by dHVAE;
# - what would close the gap? Its images with masks read anew, and a generator of five times the
#   volumes.
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

from lib import jobs
from lib.papers.dhvae import diagnostics
from lib.papers.dhvae.arms import SOURCES
from lib.papers.dhvae.diagnostics import STANDING, TIMES
from lib.report import lesions, plots
from lib.report.page import Page
from lib.report.rows import NONE, interval

page = Page("dhvae/04_diagnostics", profile, seed, dataset, root, draws)
ARMS = {name: SOURCES[name] for name in STANDING} | diagnostics.ARMS

# %% [markdown]
# ## The arms
#
# The paper explains its gain by samples that are realistic and show new pathology. It has no arm that
# could say otherwise. On phantoms there are such arms: true images, true masks and a reader are at
# hand, so one thing can be changed at a time. All arms add as many pairs to the real slices, take the
# same steps and the same seeds.
#
# | question | arm | its pairs |
# |---|---|---|
# | does the gain need the pathology? | dHVAE, lesions filled in | dHVAE's slices, each lesion (and two pixels around) filled from its rim, mask empty |
# | | dHVAE, masks shuffled; blurred copies | arms of [table4](table4_augmentation.py) |
# | what do the samples lack? | fresh masks, images decoded | a fresh phantom's true mask; its image as dHVAE's encoder and decoder give it back, with noise |
# | | fresh images, masks decoded | the true image; the mask as it comes back |
# | | fresh pairs, both decoded | both as they come back: dHVAE with perfect codes |
# | what would close the gap? | dHVAE, masks read anew | dHVAE's images with the masks that the independent reader sees in them: not to be had in practice |
# | | dHVAE, codes near training ones | half of the variance of each code is that of a training pair's code: nearer to what the decoder has seen, and to memory |
# | | dHVAE of 5 × the volumes | the same generator, trained on 150 volumes instead of 30 |

# %%
rows = page.run()

# %% [markdown]
# ## The pairs

# %%
SHOWN = ("dhvae", "dhvae_near", "healed", "remade_image", "remade_mask", "remade_both", "reread",
         "more_volumes", "oracle")  # fmt: skip


def pool(study, name: str):
    """The job of an arm's pairs in the first draw."""
    k = study.draws("beside")[0]
    if name in diagnostics.ARMS:
        return diagnostics.pool(study, ARMS[name], k)
    return study.pool(ARMS[name], k)


# %%
def pairs() -> dict[str, np.ndarray]:
    """Four pairs of each arm, spread over its pool."""
    found = {}
    for m, study in page.studies.items() if page.plan.draws("beside") else ():
        for name in SHOWN if study.source.truth else ():
            drawn = jobs.load(pool(study, name)).arrays
            at = np.linspace(0, len(drawn["mask"]) - 1, 4).astype(int)
            found |= {f"{m}/{name}/{part}": drawn[part][at] for part in ("image", "mask")}
    return found


seen = page.panel("pairs", pairs)

# %%
WHITE = {"flair": 1.0, "pet": 0.4}  # grey value shown as white: PET is dark but for tumours
held = [m for m in page.studies if f"{m}/dhvae/image" in seen]


# %%
def together(name: str) -> tuple[np.ndarray, np.ndarray]:
    """An arm's pairs of all modalities in one line, images as they are shown."""
    each = [seen[f"{m}/{name}/image"].astype(float) / WHITE.get(m, 1.0) for m in held]
    return np.concatenate(each), np.concatenate([seen[f"{m}/{name}/mask"] for m in held])


# %%
caption = f"Four pairs of each arm ({', '.join(held)}); outline: the mask that a segmenter is given."
if held:
    shown = {ARMS[name].label: together(name) for name in SHOWN}
    shape = {"figsize": (1.25 * 4 * len(held) + 1.5, 1.15 * len(SHOWN))}
    with page.figure(caption, len(SHOWN), 4 * len(held), "pairs", **shape) as axes:
        lesions.paired(axes, shown)

# %% [markdown]
# **What to see.** Filled in: would you see where the lesion was? Decoded images keep place and size
# of a lesion and lose what is fine. A decoded mask is smoother than the true one, and small lesions
# lose theirs. The last two lines are what every synthetic pair is measured by.
#
# ## Dice with each


# %%
def line(at, name: str) -> list[str]:
    """One line of the table of an arm."""
    arm, scored = ARMS[name], ("mask_adherence", "empty", "coverage", "fd")
    gain = interval(at.gain(name, "real", "dice"), "+") if name != "real" else NONE
    return [arm.label, at.count(name, "dice"), at.cell(name, "dice"), gain,
            *(at.cell(name, metric) for metric in scored)]  # fmt: skip


# %%
HEAD = ["R", "Dice", "gain over real only", "adherence", "empty masks", "coverage", "FD"]
for m in (m for m in page.studies if m in rows):
    there = [name for name in ARMS if rows[m].has(name, "dice")]
    page.table([m, *HEAD], [line(rows[m], name) for name in there])

# %%
caption = (
    "Dice over whole test volumes; dots: training draws, bars: 95 % t-intervals where there are "
    "several."
)
held = [m for m in page.studies if m in rows]
if held:
    size = {"figsize": (5.6 * len(held), 3.6), "squeeze": False}
    with page.figure(caption, 1, len(held), "dice", **size) as axes:
        for ax, m in zip(axes[0], held, strict=True):
            there = [ARMS[name] for name in ARMS if rows[m].has(name, "dice")]
            plots.forest(ax, rows[m], there, "dice", f"Dice, {m}")

# %% [markdown]
# **What to see.** Real slices alone and the oracle are the two marks. An arm at the first gives
# nothing, one to the left of it does harm; an arm at the second is as good as new patients.
#
# ## Does the gain need the pathology?
#
# If filled-in slices gain as much as dHVAE's, the gain is one of more healthy-looking background. What
# the pathology itself gives is the difference of the two.


# %%
def difference(at, one: str, other: str) -> str:
    """Mean difference of Dice of two arms, with its interval where there is one."""
    both = at.has(one, "dice") and at.has(other, "dice")
    return interval(at.gain(one, other, "dice"), "+") if both else NONE


def differences(asked: dict) -> list[list[str]]:
    """One line for each pair of arms, with the difference in each modality."""
    return [[text, *(difference(rows[m], *pair) for m in held)] for text, pair in asked.items()]


# %%
QUESTIONS = {
    "filled in, over real only": ("healed", "real"),
    "dHVAE, over its filled-in slices": ("dhvae", "healed"),
    "dHVAE, over shuffled masks": ("dhvae", "shuffled"),
    "dHVAE, over blurred copies": ("dhvae", "smooth"),
}

# %%
page.table(["Dice", *held], differences(QUESTIONS))

# %% [markdown]
# A filled-in slice has no lesion left, so it also teaches what has none: it can cost lesions that are
# hard to see, and save false alarms. Where its Dice is near zero, a segmenter has learnt that nothing
# is a lesion: most of its slices say so.
#
# ## What do the samples lack?
#
# The first three lines are what decoding takes from fresh phantoms. The fourth compares dHVAE's
# samples with fresh phantoms that went through the same decoder: the same blur and the same kind of
# masks, but codes of real anatomy. What is left between the two is the law of the codes.

# %%
LACK = {
    "images decoded": ("remade_image", "oracle"),
    "masks decoded": ("remade_mask", "oracle"),
    "both decoded": ("remade_both", "oracle"),
    "dHVAE's samples, less fresh pairs decoded": ("dhvae", "remade_both"),
    "dHVAE's samples, less the oracle: the gap": ("dhvae", "oracle"),
}

# %%
page.table(["Dice", *held], differences(LACK))

# %% [markdown]
# ## What would close the gap?

# %%
CLOSE = {
    "masks read anew, over dHVAE": ("reread", "dhvae"),
    "codes near training ones, over dHVAE": ("dhvae_near", "dhvae"),
    "5 × the volumes, over dHVAE": ("more_volumes", "dhvae"),
    "5 × the volumes, less the oracle": ("more_volumes", "oracle"),
}

# %%
page.table(["Dice", *held], differences(CLOSE))

# %%
READABLE = 0.5  # coverage below which samples are no samples
for m in (m for m in held if page.meaningful and rows[m].has("more_volumes", "coverage")):
    if rows[m].mean("more_volumes", "coverage") < READABLE:
        print(f"{m}: the fit on {TIMES} × the volumes diverged; its lines say nothing of patients")

# %% [markdown]
# **What to see.** *Masks read anew* is the price of masks that do not fit their images; the reader
# was trained on thousands of fresh phantoms, so this is a bound, not a remedy. *5 × the volumes* is
# the price of few patients: the generator is the same. *Codes near training ones* shows what a better
# law of codes could give; [table2](table2_generators.py) has how near its samples are to training
# slices.
#
# ## In words


# %%
def mean(at, one: str, other: str) -> float:
    """Mean difference of Dice of two arms; NaN where one of them is missing."""
    both = at.has(one, "dice") and at.has(other, "dice")
    return float(at.gain(one, other, "dice").mean()) if both else np.nan


# %%
def sentence(m: str) -> str:
    """The gap, and what costs most; costs of single things need not add up to it."""
    at = rows[m]
    gap = mean(at, "oracle", "dhvae")
    if not gap > 0:
        return f"{m}: dHVAE leaves no gap to the oracle."
    parts = {"images": mean(at, "oracle", "remade_image"),
             "masks": mean(at, "oracle", "remade_mask"),
             "codes": mean(at, "remade_both", "dhvae")}  # fmt: skip
    most = max(parts, key=parts.get)
    return f"{m}: dHVAE is {gap:.3f} below the oracle; {most} alone cost {parts[most]:.3f}."


# %%
for m in held:
    if rows[m].has("remade_both", "dice"):
        print(sentence(m) if page.meaningful else f"{m}: too small a run for a reading")

# %% [markdown]
# Costs of one thing alone do not add up: where images are blurred, masks that are blurred alike may
# cost nothing more. With one draw all of this is exploratory.
#
# ## What must hold

# %%
for m in held:
    dice = [rows[m].mean(name, "dice") for name in ARMS if rows[m].has(name, "dice")]
    page.check(f"{m}: every Dice is a share", min(dice) >= 0 and max(dice) <= 1)
    if f"{m}/healed/mask" in seen:
        page.check(f"{m}: filled-in slices have no mask", not seen[f"{m}/healed/mask"].any())
        same = (seen[f"{m}/remade_mask/image"] == seen[f"{m}/oracle/image"]).all()
        page.check(f"{m}: only the mask is decoded", same)

# %% [markdown]
# ## In this notebook we have
#
# - asked whether the gain needs the pathology, with slices whose lesions are filled in;
# - priced decoded images, decoded masks and the law of the codes on fresh phantoms;
# - seen what better masks, and what more patients, would be worth.
#
# ## Exercises
#
# **1.** What is the gain of filled-in slices as a share of dHVAE's own gain over real only, in FLAIR?

# %%
answer = None  # your number


def share() -> float:
    """Gain of filled-in slices over that of dHVAE's, FLAIR."""
    gains = [mean(rows["flair"], arm, "real") for arm in ("healed", "dhvae")]
    return float(np.divide(*gains))


page.exercise(answer, share, within=0.02)

# %% [markdown]
# **2.** A segmenter gets 2,000 pairs, of which a fifth have an empty mask although their lesion is
# visible. Of 771 real slices all have theirs. Which share of all visible lesions has no mask?

# %%
answer = None  # your number
page.exercise(answer, lambda: 400 / 2771, within=0.001)

# %%
page.close()
