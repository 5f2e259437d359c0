# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Section 4, training: how long is long enough?
#
# - AUC of the downstream network by gradient steps, with fresh phantoms and without, on a spare draw;
# - why a budget at which *real images alone* are done cuts every other arm short;
# - the budget of all studies of this chapter, fixed here before any generator is trained.
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
from lib.report import plots
from lib.report.page import Page
from lib.training import loop

page = Page("pavae/04_budget", profile, seed, dataset, root, draws)
size = page.size
BUDGETS = {"bare": size.bare_steps, "augmented": size.augmented_steps}

# %% [markdown]
# ## What the paper says
#
# > During downstream training we cap the synthetic:real ratio at ≤ 1 to prevent overfitting to
# > artifacts. (Section 4)
#
# It names no downstream network, no epochs and no schedule.
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | training length: not stated | the same number of steps in every arm of a regime, read off this page |
# | validation decides when to stop, on which arm is not stated | no early stopping downstream; the budget is where the arm with the *most* images is flat |
#
# ## A toy: two runners and one whistle
#
# Let the error of an arm with $n$ images fall towards its own floor, the slower the more it has to
# learn: $e_n(s) = f_n + (1 - f_n)\,e^{-s / \tau_n}$ with $f_{2n} < f_n$ and $\tau_{2n} > \tau_n$. The
# whistle after $s$ steps is blown when the *smaller* set is done. What is then left of the gain?

# %%
floors, paces = {"n": 0.30, "2n": 0.25}, {"n": 60, "2n": 110}
steps = np.array([100, 200, 400, 800])
error = {k: floors[k] + (1 - floors[k]) * np.exp(-steps / paces[k]) for k in floors}
gain = error["n"] - error["2n"]
page.table(["steps", *steps], [["gain of 2n over n", *(f"{g:+.3f}" for g in gain)]])
page.check("an early whistle can turn a gain into a loss", gain[0] < 0 < gain[-1])

# %% [markdown]
# An arm with more images is punished twice by a short budget: it learns more, and it sees each image
# less often. So a fair budget is not the one that suits the baseline.
#
# ## How often is an image seen?
#
# With $s$ steps of $B$ images from $n$ real and $r n$ others, each is seen $s B / (n (1 + r))$ times.

# %%
batch = 64
times = {r: [s * batch / (size.labelled * (1 + r)) for s in size.budget] for r in (0, 1, 4)}
page.table(["others per real image", *(f"{s} steps" for s in size.budget)],
           [[r, *(f"{t:.1f}" for t in each)] for r, each in times.items()])  # fmt: skip

# %%
rng, s = np.random.default_rng(seed), size.budget[0]
seen = np.bincount(np.concatenate([*loop.batches(size.labelled, batch, s, rng)]))
page.check("the batches visit images as often as the formula says",
           abs(seen.mean() - times[0][0]) < 0.5)  # fmt: skip

# %% [markdown]
# ## The run
#
# Draw 999, which no table uses. The network, its rate and its batches are those of every arm; its
# learning rate falls to its end within the steps that it is given, so each point is a training of
# its own. AUC is read on 10,000 fresh phantoms that no study uses.

# %%
rows = page.run()


def by_steps(at, arm: str, metric: str = "auc") -> dict[int, np.ndarray]:
    """A score by steps, as far as it is there."""
    names = {s: f"{arm}_s{s}" for s in size.budget}
    return {s: at.values(name, metric) for s, name in names.items() if at.has(name, metric)}


LABELS = {"real": "Real only", "classic": "augmented on the fly",
          "oracle_x1": "fresh, 1 : 1", "oracle_x4": "fresh, 4 : 1"}  # fmt: skip
LOOKS = {"real": ("baseline", "-"), "classic": ("baseline", "--"),
         "oracle_x1": ("oracle", "-"), "oracle_x4": ("oracle", "--")}  # fmt: skip


# %%
def draw(ax, at) -> None:
    """One regime: AUC by steps, and the budget of its studies."""
    for arm, (role, style) in LOOKS.items():
        found = by_steps(at, arm)
        if found:
            means = [values.mean() for values in found.values()]
            ax.plot([*found], means, "o", ls=style, color=plots.ROLES[role], label=LABELS[arm])
    ax.axvline(BUDGETS[at.name], color="black", lw=0.8, ls=":")
    ax.set_xscale("log")
    ax.set_xticks(size.budget, size.budget)
    ax.minorticks_off()
    ax.set(xlabel="gradient steps", title=f"regime {at.name}")


# %%
caption = (
    f"AUC on fresh phantoms by gradient steps, draw {SPARE} alone; dotted: the budget of all arms of "
    "the regime. Grey: real images alone, plain and augmented on the fly; green: with fresh phantoms."
)
wide = {"figsize": (8.8, 3.6), "sharey": True, "squeeze": False}
if len(rows):
    with page.figure(caption, 1, len(rows.regimes), **wide) as axes:
        for ax, at in zip(axes[0], rows, strict=True):
            draw(ax, at)
        axes[0, 0].set_ylabel("AUC, healthy or ill")
        axes[0, -1].legend(fontsize=7)

# %% [markdown]
# **What to see.** Where the solid grey line bends down, the network has learnt its 800 images by
# heart. The green lines go on rising to the right of it: a budget at the grey peak would hide a part
# of what new images can give. The distance between the lines *at the dotted line* is the room that a
# generator can win.

# %%
for at in rows:
    lines = []
    for arm in LOOKS:
        found = {s: v.mean() for s, v in by_steps(at, arm).items()}
        if found:
            lines.append([LABELS[arm], *(f"{x:.3f}" for x in found.values())])
    page.table([at.name, *(f"{s} steps" for s in size.budget)], lines)

# %% [markdown]
# ## What must hold


# %%
def still_to_gain(at, arm: str) -> float:
    """Best AUC at more steps than the budget, minus the AUC at the budget."""
    found = {s: v.mean() for s, v in by_steps(at, arm).items()}
    now = max((s for s in found if s <= BUDGETS[at.name]), default=min(found))
    return max(found[s] for s in found if s >= now) - found[now]


FLAT = 0.01  # AUC: what a plateau may still rise
for at in rows if page.meaningful else ():
    left = still_to_gain(at, "oracle_x1")
    word = "flat" if left < FLAT else "NOT flat"
    print(f"{at.name}: beyond its budget the oracle gains {left:+.3f}: {word}")

# %% [markdown]
# ## In this notebook we have
#
# - seen that a budget decides how much a gain can show, and for whom;
# - counted how often an image is seen, and checked the count;
# - fixed the steps of every arm where the arm with fresh phantoms is flat, on a draw of its own.
#
# ## Exercise
#
# In the toy, after how many of the listed steps is the gain within 10 % of its final 0.05? Set
# `answer` to that number of steps.

# %%
answer = None
page.exercise(answer, lambda: int(steps[np.abs(gain - 0.05) < 0.005][0]))

# %%
page.close()
