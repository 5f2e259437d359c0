# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Hypothesis 2: is more better?
#
# - every task against the amount of synthetic films, at equal steps, with the curve of fresh phantoms
#   beside it and a test of trend;
# - what happens to the gain at equal epochs, where more films also mean more training;
# - what is asked for (one finding or several, a balanced mix or the real one, masks as they are or
#   transformed), and what the generator had seen before films became "scarce".
#
# **Nothing here shows that a method works or fails on patients.**

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
root = ""
draws = ""

# %%
from itertools import product

import numpy as np

from lib.claims.verdict import margin_of
from lib.papers.controlnet import looks, printed
from lib.papers.controlnet.arms import CHEXPERT, PERCENT, SOURCES, TASKS, TIMES
from lib.report import films
from lib.report.films import amounts, lead
from lib.report.page import Page
from lib.report.rows import NONE, interval
from lib.tasks.findings import FindingsSettings
from lib.tasks.pneumothorax import PneumothoraxSettings

page = Page("controlnet/03_volume", profile, seed, dataset, root, draws)
page.study.source.known("films whose findings are known")
study, size = page.study, page.size
COUNTS = {percent: study.real(percent) for percent in PERCENT}
CELLS = list(product(TASKS.values(), PERCENT))

# %% [markdown]
# ## What the paper prints
#
# > Increasing the volume of synthetic data further correlates positively with improved model
# > performance [...]. However, this trend plateaus at higher data availability (e.g., 100% ground
# > truth data). (Discussion; Results)
#
# The amounts that its own text quotes, presumably the best of each row:

# %%
head = ["quoted amount", *(f"{p} % of the real images" for p in PERCENT)]
page.table(head, [[name, *(f"{printed.FIGURE2[task.regime(p)].times}x" for p in PERCENT)]
                  for name, task in TASKS.items()])  # fmt: skip
falling = [[printed.FIGURE2[task.regime(p)].times for p in PERCENT] for task in TASKS.values()]
page.check("no quoted amount rises with the real images", (np.diff(falling) <= 0).all())

# %% [markdown]
# As real images increase, the quoted amount falls to the smallest, and in CheXpert it is the smallest
# throughout (CN-E07). If more were better, the largest would be quoted everywhere.
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | "more is better" from single quoted amounts (CN-E07, CN-E20) | all amounts, and Page's test of trend over them |
# | epochs as in the networks' own papers, so that more images are also more steps (CN-E18) | equal steps in every arm; an arm at equal epochs, and one that spends its steps on real films alone |
# | the generator has learned from ten times as many CANDID-PTX images as "100 %" of the task has, and its base from MIMIC-CXR (CN-E05) | the same, and a branch that has seen the scarce films alone; the oracle as the ceiling |
# | CANDID-PTX counts as out of distribution (CN-E06) | it is the generator's own set, and is read so |
# | one disease for each prompt, transformed masks, balanced labels: none compared with its plain form | each against its plain form, at equal volume |
#
# ## A toy: when samples repeat what is known
#
# Let a film be one number with mean $\mu$ and variance 1, and let the task be to estimate $\mu$.
# There are $n$ real films. A generator that has learned from $N$ *other* films draws around *their*
# mean, and $m$ of its samples are pooled with the real ones. The mean over this pot has the error
#
# $$E(n, m) = \frac{n + m + m^2/N}{(n+m)^2},$$
#
# which tends to $1/N$: however many samples there are, they say no more than the generator knows. For
# $2n > N$ there is a best amount, $m^* = nN/(2n - N)$, and beyond it more is worse. With fresh films
# ($N = \infty$) it is $1/(n+m)$. A generator that has learned from the *same* $n$ films gives $1/n +
# m/(n+m)^2$, and never gains.

# %%
KNOWN, FEW, MANY = 64, 16, 160  # films behind the toy's generator, and two numbers of real films


def error(n: int, m: np.ndarray, known: float) -> np.ndarray:
    """Mean squared error of the pot."""
    return (n + m + m**2 / known) / (n + m) ** 2


def simulated(n: int, m: int, studies: int, rng: np.random.Generator) -> float:
    """The same, from so many studies."""
    real, centre, noise = rng.normal(size=(3, studies))  # the sum of n films has the SD sqrt(n)
    real, drawn = np.sqrt(n) * real, m * centre / np.sqrt(KNOWN) + np.sqrt(m) * noise
    return float(np.mean(((real + drawn) / (n + m)) ** 2))


# %%
rng, studies = np.random.default_rng([seed, 3]), 4000
lines, off = [], []
for n, times in product((FEW, MANY), (0, *TIMES)):
    exact, found = error(n, times * n, KNOWN), simulated(n, times * n, studies, rng)
    lines.append([n, f"{times}x", f"{exact:.5f}", f"{found:.5f}", f"{1 / (n * (1 + times)):.5f}"])
    off.append(abs(found / exact - 1))
page.table(["real films", "added", "error", "simulated", "with fresh films"], lines)
page.check("the formula holds", max(off) < 5 * np.sqrt(2 / studies))

# %%
caption = (
    f"The toy: error of the pot over that of real films alone, by the amount added; {FEW} and {MANY} "
    f"real films, samples of a generator that knows {KNOWN} other films (blue) or the same films "
    "(orange), and fresh films (green)."
)
with page.figure(caption, 1, 2, "toy", figsize=(8.4, 3.1), sharey=True) as axes:
    for ax, n in zip(axes, (FEW, MANY), strict=True):
        t = np.linspace(0, max(TIMES), 400)
        ax.plot(t, n * error(n, t * n, KNOWN), color="#0072B2", label=f"generator of {KNOWN} others")
        ax.plot(t, 1 + t / (1 + t) ** 2, color="#E69F00", label="generator of the same")
        ax.plot(t, 1 / (1 + t), color="#009E73", label="fresh films")
        ax.axhline(1, color="black", lw=0.8)
        ax.set(yscale="log", title=f"{n} real films", xlabel="added for each real film", xticks=TIMES)
    axes[0].set(ylabel="error / error of real alone")
    axes[0].legend(fontsize=8)

# %%
best = MANY * KNOWN / (2 * MANY - KNOWN)
added = np.arange(1, 10 * MANY)
lowest = int(added[error(MANY, added, KNOWN).argmin()])
print(f"with {MANY} real films the best amount is {lowest} samples, {lowest / MANY:.2f}x")
page.check("the best amount is that of the formula", abs(lowest - best) < 1)
page.check("with few real films more samples never hurt",
           (np.diff(error(FEW, added, KNOWN)) < 0).all())  # fmt: skip

# %% [markdown]
# **What to see.** On the left the generator knows more films than the task has: the curve falls and
# soon lies flat. On the right the task has more films than the generator knows: beyond a small amount
# more is worse. So the sign of a trend shows who knows more, and a gain with few films may be nothing
# but the transfer of what the generator was given (CN-E05).
#
# ## The run
#
# Arms, films and seeds are those of [02_utility](02_utility.py); nothing that was computed there is
# computed again.

# %%
rows = page.run()
whole = {
    (task, p): rows.get(task.regime(p)) for task, p in CELLS
    if all(rows.get(task.regime(p)).has(arm, task.score) for arm in amounts("syn"))
}  # fmt: skip
page.text(f"*{len(whole)} of {len(CELLS)} fractions have all amounts. Profile `quick` draws the one "
          "that the paper quotes; `full` adds the others and the arms that stand beside.*")  # fmt: skip

# %% [markdown]
# ## More films, equal steps
#
# The figure shows the paper's score against the amount. Points are placed at the mean of *real* plus
# the arm's gain in its own draws; bars are 95 % t-intervals, from three draws on. A ring marks the
# amount that the paper quotes.

# %%
page.text("\n".join(line for task in TASKS.values() for line in films.told(rows, task, COUNTS)))

# %%
caption = (
    "The paper's score by the amount of synthetic films (blue) and of fresh phantoms (green), at "
    "equal steps; squares at 10x: equal epochs; ring: the amount that the paper quotes; bars: 95 % "
    "t-intervals over training draws."
)
with page.figure(caption, len(PERCENT), len(TASKS), figsize=(12, 7.6), sharex=True) as axes:
    handles = {}
    for (i, p), (j, task) in product(enumerate(PERCENT), enumerate(TASKS.values())):
        films.draw_amounts(axes[i, j], rows.get(task.regime(p)), task, p)
        axes[i, j].set_title(f"{task.label}, {COUNTS[p]:,} real films", fontsize=9)
        found, names = axes[i, j].get_legend_handles_labels()
        handles |= dict(zip(names, found, strict=True))
    for ax, task in zip(axes[1], TASKS.values(), strict=True):
        ax.set_ylabel(films.named(task.score))
    for ax in axes[-1]:
        ax.set_xlabel("added for each real film")
    axes[0, 0].figure.legend(handles.values(), handles, loc="outside lower center", ncols=4)

# %% [markdown]
# **What to see.** Does the blue curve rise along its whole length, as the green one should, or is it
# flat after the first step, as in the toy? A green curve that falls in F1 at 0.5 is no riddle: each
# film that is added shows the disease (see the toy of [02_utility](02_utility.py)).
#
# ## A test of trend
#
# *Page's test* asks whether the arms rise in the order 0x, 2x, 5x, 10x, 25x within the draws; $\tau$
# compares that order with the order of the means. The column *best* is the amount with the highest
# mean, which is a choice made on test films and no result (CN-E20). Each P is for one fraction and is
# not corrected; the verdict below is.


# %%
lines = []
for (task, p), at in whole.items():
    quoted = f"*{task.quoted[p]}x*"
    pair = [films.trend(at, kind, task.score) for kind in ("syn", "oracle")]
    lines.append([task.label, f"{COUNTS[p]:,}", *pair[0], quoted, *pair[1][1:]])
page.table(["trend over amounts", "real films", "R", "τ", "P", "best", "*paper's amount*",
            "oracle: τ", "P", "best"], lines)  # fmt: skip

# %% tags=["CN-17"]
page.verdicts("CN-17")

# %% [markdown]
# ## Does it plateau where real films abound?
#
# To see no effect is not to show that there is no trend: 25x and 2x must be shown to differ by less
# than the margin, at 100 % of the real films.

# %%
lines, most = [], max(PERCENT)
for task in TASKS.values():
    at, line = rows.get(task.regime(most)), []
    for kind in ("syn", "oracle"):
        both = [f"{kind}{m}" for m in (max(TIMES), min(TIMES))]
        there = all(at.has(arm, task.score) for arm in both)
        line.append(interval(at.gain(*both, task.score), sign="+") if there else NONE)
    lines.append([task.label, *line, f"±{margin_of(task.score, 'equivalence'):g}"])
page.table([f"{COUNTS[most]:,} real films, 25x minus 2x", "synthetic", "oracle", "margin"], lines)

# %% tags=["CN-18"]
page.verdicts("CN-18")

# %% [markdown]
# ## Equal epochs
#
# At equal epochs an arm with ten films added to each real one takes eleven times the steps. A gain
# may then come from the films or from the steps. So a third arm takes *the same number of steps* and
# sees the same real films again.

# %%
lines, times = [], 10
for task in TASKS.values():
    steps = size.findings_steps if task.findings else size.masks_steps
    batch = (FindingsSettings if task.findings else PneumothoraxSettings)().batch
    each = [(0, steps), (times, steps), (times, steps * (1 + times))]
    seen = [f"{s * batch / (COUNTS[10] * (1 + m)):.1f}" for m, s in each]
    lines.append([task.label, f"{steps:,}", f"{steps * (1 + times):,}", *seen])
page.table(["", "equal steps", "steps at equal epochs, 10x", "each film is seen: real alone",
            "10x, equal steps", "10x, equal epochs"], lines)  # fmt: skip


# %%
found = {}
for task in TASKS.values():
    at, score = rows.get(task.regime(10)), task.score
    found[f"{task.label}: over equal steps"] = lead(at, "syn10_epochs", "syn10", score)
    again = lead(at, "syn10_epochs", "oversample10_epochs", score)
    found[f"{task.label}: over real films, as many steps"] = again
caption = (
    "Synthetic films at 10x and equal epochs, minus the same at equal steps and minus real films "
    "alone that are trained for as many steps; 10 % of the real films, paired by draw, 95 % "
    "t-intervals."
)
films.leads(page, caption, "epochs", found, "difference in the paper's score")

# %% [markdown]
# **What to see.** Of each pair of lines the second is the fair comparison. If the first lies to the
# right of zero and the second does not, it is more training that helped.
#
# ## What is asked for
#
# **The mix of labels.** The share of each label in training follows from the labels of the real films
# and from the prompts of two arms: *balanced*, and *as prevalent as real*.


# %%
shares = page.panel("mix", lambda: looks.mix(study, study.draws()[0]))
lines = []
for name, label in (("syn2", "balanced"), ("syn2_proportional", "as prevalent as real")):
    for m in TIMES if name in shares else ():
        after = (shares["real"] + m * shares[name]) / (1 + m)
        lines.append([label, f"{m}x", *(f"{x:.1%}" for x in after)])
if shares:
    lines = [["real films", "0x", *(f"{x:.1%}" for x in shares["real"])], *lines]
page.table(["share in training", "added", *CHEXPERT], lines)

# %% [markdown]
# **What to see.** How even is *balanced* at each amount, and what does the commonest label lose? A
# rare label that is asked for more often takes the place of another.
#
# **The masks.** [01_generator](01_generator.py) shows masks under each of the paper's transformations.
#
# **Each against its plain form**, at equal volume and equal steps. The rows of prompts and masks are
# those of [02_utility](02_utility.py), which has their verdicts.

# %%
utility = page.rows_of("controlnet/02_utility")
ASKED = {
    "CheXpert-like: balanced over real mix": ("chexpert", "syn2", "syn2_proportional", rows),
    "CheXpert-like: one finding over several": ("chexpert", "syn2_single", "syn2_multi", utility),
    "CANDID-like: transformed over original masks": ("candid", "syn10", "syn10_original", utility),
    "SIIM-like: transformed over original masks": ("siim", "syn10", "syn10_original", utility),
}
found = {}
for title, (name, arm, other, where) in ASKED.items():
    at = where.get(TASKS[name].regime(10))
    found[title] = lead(at, arm, other, TASKS[name].score)
caption = (
    "What is asked for, as the paper does it minus the plain form, at equal volume and equal steps; "
    "10 % of the real films, paired by draw, 95 % t-intervals."
)
films.leads(page, caption, "asked", found, "difference in the paper's score")

# %% [markdown]
# **What to see.** To the right of zero the paper's way is better. Macro F1 and Dice share the axis,
# each in its own units.
#
# ## Where the knowledge comes from
#
# Scarcity is simulated *after* the generator was trained (CN-E05). How many films has each network
# seen in the CANDID-like task at 10 %?

# %%
at = rows.get(TASKS["candid"].regime(10))
page.table(["", "films"], [
    ["segmenter, real films alone", f"{COUNTS[10]:,} with masks"],
    ["generator as the paper has it", f"{size.branch_films:,} with masks"],
    ["generator of the scarce films", f"{COUNTS[10]:,} with masks, those of the segmenter"],
    ["base of both generators", f"{size.base_films:,} with reports, of another law"],
    ["oracle's added films", f"{10 * COUNTS[10]:,} with masks"],
])

# %%
NAMES = ("real", "syn10", "syn10_scarce", "oracle10")
lines = [
    [arm.label, at.count(arm, "dice"), at.cell(arm, "dice"), at.share(arm, "dice", "oracle10")]
    for arm in (SOURCES[name] for name in NAMES)
]
page.table(["CANDID-like, 10 %", "R", "Dice", "share of oracle's gain"], lines)

# %%
found = {
    "large pool over real films": lead(at, "syn10", "real", "dice"),
    "scarce films over real films": lead(at, "syn10_scarce", "real", "dice"),
    "large pool over scarce films": lead(at, "syn10", "syn10_scarce", "dice"),
    "oracle over real films": lead(at, "oracle10", "real", "dice"),
}
caption = (
    "What synthetic films give at 10x when their generator has learned from the large pool, or from "
    "the scarce films of the task alone; CANDID-like, 10 %, paired by draw, 95 % t-intervals."
)
films.leads(page, caption, "knowledge", found, "difference in Dice")

# %% [markdown]
# **What to see.** The third line is the part of the gain that comes from films which would not exist
# in a real shortage. The base has seen many films in both cases, as a published one would have; a
# generator without it would know even less.
#
# ## What must hold

# %%
values = [at.values(*arm) for at in rows for arm in at.rows if at.has(*arm) and arm[1] != "gain_slope"]
page.check("all scores lie between 0 and 1", all(v.min() >= 0 and v.max() <= 1 for v in values))
pairs = [
    (at.draws(arm, task.score), utility.get(at.name).draws(arm, task.score))
    for (task, p) in CELLS for at in [rows.get(task.regime(p))] for arm in amounts("syn")
    if at.has(arm, task.score) and utility.get(at.name).has(arm, task.score)
]  # fmt: skip
same = all(one[k] == other[k] for one, other in pairs for k in one.keys() & other.keys())
page.check("rows that stand on both pages are equal", same)
asked = [shares[name].sum() for name in shares if name != "real"]
page.check("each prompt names one label", np.allclose(asked, 1, atol=1e-5))

# %% [markdown]
# ## In this notebook we have
#
# - seen in closed form why samples of a generator saturate, and when more of them hurt;
# - plotted four tasks against the amount of synthetic films, with the oracle beside them, and tested
#   the trend at equal steps;
# - told the effect of more films apart from that of more training;
# - compared the paper's ways of asking with their plain forms;
# - asked what is left when the generator, too, has only the scarce films.
#
# ## Exercises
#
# **1.** In the toy the generator knows 64 films and the task has 48. How many samples are best?

# %%
answer = None  # your number
page.exercise(answer, lambda: 48 * 64 / (2 * 48 - 64), within=0.5)

# %% [markdown]
# **2.** Training takes 300 steps with real films alone. How many does it take at equal epochs, with
# five synthetic films for each real one?

# %%
answer = None  # your number
page.exercise(answer, lambda: 300 * (1 + 5))

# %%
page.close()
