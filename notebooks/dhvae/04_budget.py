# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Section 4, training: how hard is the task, and how long is a segmenter trained?
#
# - how visible a lesion is: every value that was tried, and the one that stayed;
# - Dice by gradient steps, with fresh slices and without, and with augmentation on the fly;
# - a network that has learnt its slices by heart, and one that has not seen them all yet;
# - the budget of every 2-D arm of this chapter, fixed here before any generator is trained;
# - whether each generator, on the same spare draw, has been trained long enough to be judged.
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

from lib.papers.budget import SPARE
from lib.papers.dhvae.arms import AMOUNTS, MOST
from lib.papers.plateau import SECOND_HALF
from lib.report import beside, plateau, steps
from lib.report.page import Page
from lib.report.steps import by_steps

page = Page("dhvae/04_budget", profile, seed, dataset, root, draws)
size = page.size
FEW = min(AMOUNTS)

# %% [markdown]
# ## What the paper says
#
# Nothing: neither steps nor epochs of a segmenter are stated. Its arms hold 771 slices (real) to 3,855
# (classical x5), so that equal *epochs* would be five times as many steps in one arm as in another
# (DH-E21).
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | training length: not stated | equal steps in every 2-D arm, read off this page |
# | classical augmentation as copies that are made once (x2, x5) | those, and *augmented on the fly*: a new map for every slice at every step |
#
# ## The images that a segmenter learns from
#
# Slices of phantoms beside slices of patients; [91_reality](../91_reality.py) says how they are measured
# and shows them.

# %%
for kind, n in {"brain": 24, "neck": 10}.items() if page.on_phantoms else ():
    shown = beside.held(kind, n if page.meaningful else 10, seed)
    page.table([kind, *beside.HEAD[1:]], beside.lines(shown))
    print(beside.farthest(shown))

# %% [markdown]
# ## A toy: epochs are not steps
#
# Two arms share a network. One has $n$ slices, the other $5 n$ that say the same: copies. Trained for
# equal epochs, the second takes five times as many steps, and its lead is a matter of steps alone.

# %%
taken, pace = {"n slices": 40, "5 n copies": 200}, 60
fitted = {name: 1 - np.exp(-s / pace) for name, s in taken.items()}
page.table(["equal epochs", *fitted], [["share learnt", *(f"{x:.0%}" for x in fitted.values())]])
page.check("copies lead by their steps alone", fitted["5 n copies"] > fitted["n slices"])

# %% [markdown]
# ## The run
#
# Draw 999, which no table uses; Dice of whole volumes on fresh subjects. Each point is a training of
# its own, whose learning rate falls to its end within its steps.

# %%
rows = page.run()
LOOKS = {"real only": ("baseline", "-"), "augmented on the fly": ("baseline", "--"),
         f"fresh +{FEW:,}": ("oracle", "-"), f"fresh +{MOST:,}": ("oracle", "--")}  # fmt: skip
ARMS = dict(zip(LOOKS, page.table_of.arms(page.study), strict=True))
found = {at.name: {label: by_steps(at, arm, "dice", size.budget) for label, arm in ARMS.items()}
         for at in rows}  # fmt: skip

# %%
caption = (
    f"Dice on fresh volumes by gradient steps, draw {SPARE} alone; dotted: the budget of all 2-D arms. "
    "Grey: real slices alone, plain and augmented on the fly; green: with fresh slices."
)
if found:
    wide = {"figsize": (8.8, 3.6), "squeeze": False}
    with page.figure(caption, 1, len(found), **wide) as axes:
        for ax, (modality, each) in zip(axes[0], found.items(), strict=True):
            steps.curves(ax, each, LOOKS, size.slice_steps)
            ax.set_title(modality)
        axes[0, 0].set_ylabel("Dice of volumes")
        axes[0, -1].legend(fontsize=7, handlelength=4)

# %% [markdown]
# **What to see.** The plain grey line flattens first: few slices are soon known by heart. Augmented on
# the fly they last longer. The green lines need the most steps, and the distance between green and
# grey *at the dotted line* is what a generator can win.

# %%
for modality, each in found.items():
    lines = [[label, *(f"{x:.3f}" for x in curve.values())] for label, curve in each.items()]
    page.table([modality, *(f"{s} steps" for s in size.budget)], lines)

# %% [markdown]
# ## Is the budget long enough?

# %%
for modality, each in found.items() if page.meaningful else ():
    left = steps.still_to_gain(each[f"fresh +{MOST:,}"], size.slice_steps)
    print(steps.verdict(modality, left))

# %% [markdown]
# ## How hard are the laws?
#
# The same draw, and the steps of the budget. Required beforehand of real slices alone: a Dice of
# 0.55 to 0.68 in FLAIR, 0.40 to 0.55 in PET, and at least 0.06 more with most fresh slices. Every
# range that was tried is listed here; no generator was involved. The lines below the tables say where
# the draws of the study came out, which were made afterwards.

# %%
for at in rows:
    lines = steps.difficulty(at, page.table_of, page.studies[at.name])
    page.table([at.name, "real only", f"fresh +{MOST:,}", "gain"], lines)
DEMANDED = {"flair": (0.55, 0.68), "pet": (0.40, 0.55)}
for at in page.rows_of("dhvae/table4_augmentation"):
    if at.name in DEMANDED and at.has("real", "dice"):
        (low, high), dice = DEMANDED[at.name], at.values("real", "dice")
        inside = f"{((dice >= low) & (dice <= high)).sum()} of {len(dice)} draws"
        print(f"{at.name}: {inside} within {low:.2f} to {high:.2f}; mean {dice.mean():.3f}")

# %% [markdown]
# ## Is every generator at its plateau?
#
# Draw 999 again: each generator of the paper is trained for half of its steps and for all of them,
# dynamics and regularisers joining after the same share. Fixed beforehand: it is at its plateau if
# the second half moves the Fréchet distance, in the independent reader's features, by less than the
# share printed here, up or down: one that gets worse is not done either. Claims about a generator
# short of its plateau are *not interpreted* (`lib/claims/gate.py`).

# %%
for at in rows:
    page.table([at.name, *plateau.HEAD], plateau.lines(at, page.table_of.generators))
print(f"plateau: the second half moves it by less than {SECOND_HALF:.0%}")

# %% [markdown]
# ## Which recipes were tried?
#
# Hyper-parameters of generators were chosen on this draw, by what the independent reader sees in their
# samples; no claim was looked at. Those that were not chosen are trained again in profile `full`; where the
# record does not have them, a line says so.

# %%
for at in rows:
    head = ["FD", "mask fits image", "empty masks", "coverage"]
    page.table([at.name, *head, "taken"], plateau.tried(at, page.table_of))
    page.text(plateau.missing(at, page.table_of, rows.page.get("runs", ())))

# %% [markdown]
# ## In this notebook we have
#
# - shown every law that was tried, and what decided between them;
# - told epochs and steps apart;
# - seen how long real slices, augmented ones and fresh ones go on teaching a segmenter;
# - fixed the steps of every 2-D arm on a draw of its own, and said whether the arm with most fresh slices
#   is flat by then;
# - seen whether the second half of each generator's training still changes its samples.
#
# ## Exercise
#
# How many more steps do 10 epochs of 3,855 slices take than 10 epochs of 771, in batches of 16? Set
# `answer`.

# %%
answer = None
page.exercise(answer, lambda: 10 * (3855 - 771) / 16, within=1)

# %%
page.close()
