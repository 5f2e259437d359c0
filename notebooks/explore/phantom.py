# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Explore phantoms: what a law draws, and when a lesion can be found
#
# - move one parameter of a chest, a brain or a neck, and see the same subject change;
# - fade a lesion out, and find your own threshold beside that of a model observer;
# - read noise and blur of each image beside those of patients.
#
# Two minutes; from the record a few seconds. Nothing here shows that a method works or fails on
# patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import numpy as np

from lib.explore import observer, phantom
from lib.explore.host import is_live
from lib.report import plots
from lib.report.page import Page

page = Page("explore/phantom", profile, seed, dataset)
assert dataset == "phantom", "patients have no law"
OTHERS = None if page.meaningful else 12

# %% [markdown]
# ## What is known here
#
# A phantom is parameters, then an image. The seed of a subject gives its parameters, its anatomy and its
# noise from separate streams; so one parameter can be changed and *all else stays*, and each image has
# a healthy twin with the same noise. The deviation is their difference, not an estimate.
#
# ## Toy: who could find it at best?
#
# A lesion of known shape $s$ in white noise of standard deviation $\sigma$ is found best by its own
# template, with $d' = \lVert s \rVert / \sigma$; of two images the right one is picked with probability
# $\Phi(d' / \sqrt 2)$. Anatomy is not white noise: it has most of its power where lesions have theirs. The
# *channelised Hotelling observer* looks through a few channels $c$ and weighs them by the covariance $K_c$
# of healthy images,
#
# $$d'^2 = s_c^\top K_c^{-1} s_c.$$

# %%
rng = np.random.default_rng(seed)
row, column = np.indices((64, 64))
mask = np.hypot(row - 32, column - 32) < 8
spot = 0.1 * np.exp(-np.pi * ((row - 32) ** 2 + (column - 32) ** 2) / 16**2)
white = rng.normal(0, 0.2, (400, 64, 64))
smooth = np.cumsum(np.cumsum(rng.normal(0, 0.02, (400, 64, 64)), 1), 2)  # most power at low frequency
best = np.sqrt((spot**2).sum()) / 0.2
found = {name: observer.detectability(spot, noise, mask) for name, noise in
         {"white noise": white, "cloudy anatomy": smooth}.items()}  # fmt: skip
page.table(["background", "d′", "picked out of two"], [
    [name, f"{d:.2f}", f"{observer.correct(d):.0%}"] for name, d in found.items()
])  # fmt: skip
page.check("in white noise the channels lose little", 0.85 * best < found["white noise"] < 1.1 * best)

# %% [markdown]
# The observer is told where the lesion is and what shape it has, and no reader is; what it cannot
# find, a trained reader of the same images will hardly find either. It is neither a network nor a
# person.
#
# ## The sweeps
#
# Two subjects of each law, five parameters, nine values.

# %%
TOLD = dict(zip(phantom.LAWS, range(3), strict=True))
swept = {
    kind: page.panel(kind, lambda kind=kind, k=k: phantom.sweeps(kind, [seed, 92, k], OTHERS))
    for kind, k in TOLD.items()
}  # fmt: skip

# %% [markdown]
# ## The explorer
#
# Choose a law and a parameter, move the value, and fade the lesion until you lose it. *Your own eye* shows
# two subjects, one of them with its lesion: guess some ten times, and your dot stands beside the
# observer's line.

# %%
shown = phantom.explorer(swept)
shown.write()
shown

# %% [markdown]
# **What to see.** At their own strength most lesions are always found; fade them to a tenth. Few rays a
# pixel make a chest noisier than any patient's, and yet the observer finds the lesion just as often:
# here it is anatomy that hides lesions, not noise. A *small* opacity of the same grey is found more
# often than one of middle size, because anatomy has its power in large waves. More air in the lungs
# helps.
#
# ## Every parameter, in a live notebook
#
# With a kernel the same subject can be drawn with any parameter changed; the page in the report leaves
# this cell out.

# %%
if is_live():
    from IPython.display import display

    display(phantom.live("chest", seed + 1))
else:
    print("open this notebook in JupyterLab to move all parameters")

# %% [markdown]
# ## In print: a lesion that fades

# %%
caption = (
    "How often the model observer picks the lesion out of two, by the strength of the lesion (grey of "
    "the opacity in the chest); each line a subject."
)
with page.figure(caption, 1, 3, figsize=(9.5, 2.8), sharey=True) as axes:
    for ax, (kind, sweep) in zip(axes, swept.items(), strict=True):
        dial = phantom.DIALS[kind][0]
        for line in phantom.correct(sweep, 0):
            ax.plot(dial.values, line, "o-", ms=3, color=plots.ROLES["method"])
        ax.axhline(0.5, color="black", lw=1, ls="--")
        ax.set(title=phantom.TITLES[kind], xlabel=dial.title.partition(",")[0], ylim=(0.4, 1.02))
    axes[0].set_ylabel("picked out of two")

# %%
for kind, sweep in swept.items():
    page.check(f"{kind}: without a lesion the observer guesses", (phantom.correct(sweep, 0)[:, 0] == 0.5).all())
if page.meaningful:
    rising = [np.diff(line).min() > -0.02 for each in swept.values() for line in phantom.correct(each, 0)]
    page.check("a stronger lesion is found more often", all(rising))

# %% [markdown]
# ## In this notebook we have
#
# - changed one thing about a subject at a time, which no patient allows;
# - found where a lesion disappears, for a model observer and for ourselves;
# - seen that what hides a lesion is the anatomy around it.
#
# More: [how the laws are held against patients](../91_reality.py).
#
# ## Exercises
#
# **1.** An observer has $d' = 1$. How often does it pick the right one of two?

# %%
answer = None  # a probability
page.exercise(answer, lambda: observer.correct(1.0), within=0.01)

# %% [markdown]
# **2.** Chest, subject 1: what is the lowest grey of the opacity in the sweep at which the observer is right
# 70 % of the time or more?

# %%
answer = None  # one of the values
grey = phantom.DIALS["chest"][0]
page.exercise(answer, lambda: grey.values[int(np.argmax(phantom.correct(swept["chest"], 0)[0] >= 0.7))])

# %% [markdown]
# **3.** Chest, subject 1, its lesion faded to a tenth: does the observer find the largest opacity of the
# sweep more often than the smallest one?

# %%
answer = None  # True or False
line = phantom.correct(swept["chest"], 1, fade=0.1)[0]
page.exercise(answer, lambda: bool(line[-1] > line[0]))

# %%
page.close()
