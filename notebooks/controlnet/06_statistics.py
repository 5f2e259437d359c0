# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Statistical Analysis: what two trials can show
#
# - the paper's rule on cells whose true gain is known: how often it finds a gain where there is none,
#   and how often it misses one;
# - where its printed P values come from, as its printed intervals reveal;
# - what the largest of 48 gains is worth, and what our own grid would have said with two trials.
#
# Nothing here trains a network; it takes seconds. Nothing here shows that a method works or fails on
# patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
root = ""
draws = ""

# %%
from itertools import product

import numpy as np
from scipy import stats

from lib.metrics import trials
from lib.papers.controlnet.printed import FIGURE2, MAXIMA, MULTIPLIERS, STATED, score
from lib.report.page import Page
from lib.scores import rules

page = Page("controlnet/06_statistics", profile, seed, dataset, root, draws)
N, ALPHA = int(STATED["trials"].value), STATED["alpha"].value
CELLS, SHARED = len(FIGURE2) * len(MULTIPLIERS), len(MULTIPLIERS)
STUDIES = 4000 if page.meaningful else 200
HUES = {"none": "#D55E00", "holm": "#009E73", "bonferroni": "#0072B2"}
print(f"{CELLS} cells: {len(FIGURE2)} pairs of task and fraction, {SHARED} multipliers each")

# %% [markdown]
# ## What the paper prints
#
# > One-tailed t-tests with Bonferroni correction of the performance differences between ground truth
# > and synthetic-data-augmented downstream models were used to assess the statistical significance
# > [...]. We used two trials to calculate the mean values for each experimental setting and used a
# > significance level of P < 0.05 to determine general improvements with synthetic data.
# > (Statistical Analysis)
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | two trials for each setting (CN-E04) | draws with films, generators and networks of their own; intervals of their differences |
# | one-tailed tests: only "better" can be found | two-sided intervals: a loss is a finding too |
# | Bonferroni, over how many cells is not said (CN-E03) | Holm over the cells of a claim |
# | the largest improvement in the abstract (CN-E01, CN-E02, CN-E04) | every cell; a maximum only beside what chance alone makes of it |
#
# ## A study without any effect
#
# Let synthetic images change nothing at all: in every cell, both arms have two trials of the same
# normal law. The scale does not matter. The four multipliers of a task and fraction share one
# control.

# %%
page.source(trials.one_tailed)
rng = np.random.default_rng([seed, 6])
null = np.zeros(CELLS)
nothing = trials.trials(null, 1.0, N, STUDIES, rng, shared=SHARED)
apart = trials.trials(null, 1.0, N, STUDIES, rng)
p = {test: trials.one_tailed(*nothing, test) for test in trials.TESTS}

# %%
lines = []
for test, correction in product(trials.TESTS, trials.CORRECTIONS):
    found = trials.operating(p[test], null, ALPHA, correction)
    rates = found["false_positive_rate"], found["family_error"]
    lines.append([test, correction, *(f"{x:.3f}" for x in rates)])
page.table(["t test", "correction", "cells called", "studies with any"], lines)

# %%
loose = trials.operating(trials.one_tailed(*apart), null, ALPHA, "none")["family_error"]
strict = trials.operating(trials.one_tailed(*apart), null, ALPHA, "bonferroni")["family_error"]
exact = trials.family_error(ALPHA, CELLS)
print(f"independent cells, no correction: {loose:.3f}; 1 - (1 - α)^{CELLS} = {exact:.3f}")
near = 4 * np.sqrt(exact * (1 - exact) / STUDIES)
page.check("independent null cells err as the closed form says", abs(loose - exact) < near)
page.check("Bonferroni keeps the level", strict < ALPHA + 4 * np.sqrt(ALPHA / STUDIES))

# %% [markdown]
# **What to see.** Without a correction nearly every study without any effect finds a significant
# cell. Cells that share a control err together, so a few more studies find none; those that find one
# find several. With Bonferroni or Holm the level holds, since the t test is exact even with two
# trials *if the trials are normal with one variance*; the paired test and Welch's, which assume less,
# have rows of their own.
#
# ## No exact test can get there
#
# A t test with two trials takes the shape of the law on trust, since two numbers cannot show it. A
# test without that trust has a floor. Of all ways to deal 2n values to two arms, one is the most
# extreme:
#
# $$p \ge 1 \Big/ \binom{2n}{n}, \qquad \text{in pairs } p \ge 2^{-n}$$

# %%
counts = range(2, 11)
floor = {n: (trials.permutation_floor(n), trials.permutation_floor(n, True)) for n in counts}
page.table(
    ["trials an arm", "least P, two samples", "least P, pairs", f"least P times {CELLS}"],
    [[n, *(f"{x:.2g}" for x in both), f"{CELLS * both[0]:.2g}"] for n, both in floor.items()],
)
enough = min(n for n in counts if CELLS * floor[n][0] < ALPHA)
print(f"an exact test with Bonferroni over {CELLS} cells needs {enough} trials an arm, at the least")
page.check("two trials cannot reach the level", min(floor[N]) > ALPHA)

# %% [markdown]
# ## The power of the rule
#
# Now let every cell have a gain. Its size is measured in standard deviations of a single trial: a
# gain of 0.02 in F1, where trials have a standard deviation of 0.02, is a gain of one.

# %%
sizes = (0, 0.5, 1, 2, 3, 5, 8)


def power(size: float, n: int, correction: str) -> float:
    """Share of cells that the rule calls if all gain so many standard deviations."""
    gains = np.full(CELLS, float(size))
    pair = trials.trials(gains, 1.0, n, max(50, STUDIES // 10), np.random.default_rng([seed, n]))
    found = trials.operating(trials.one_tailed(*pair), gains, ALPHA, correction)
    return found["power"] if size else found["false_positive_rate"]


powers = {(n, c): [power(size, n, c) for size in sizes] for n in (N, 10) for c in ("none", "holm")}

# %%
caption = (
    f"Power of a one-tailed t test over {CELLS} cells that all gain alike, by the size of the gain in "
    "standard deviations of one trial: two trials (solid) and ten (broken), without a correction "
    "(orange) and with Holm's (green)."
)
with page.figure(caption, figsize=(6, 3.4)) as ax:
    for (n, correction), values in powers.items():
        style = "-" if n == N else "--"
        ax.plot(sizes, values, style, marker=".", color=HUES[correction], label=f"{n}, {correction}")
    ax.axhline(ALPHA, color="#BBBBBB", lw=0.8)
    ax.set(xlabel="true gain (SD of one trial)", ylabel="share of cells found", ylim=(0, 1.02))
    ax.legend(fontsize=8, title="trials, correction")

# %%
exact = stats.nct.sf(stats.t.isf(ALPHA, 2 * N - 2), 2 * N - 2, 3 / np.sqrt(2 / N))
page.check("power is the noncentral t's", abs(powers[N, "none"][sizes.index(3)] - exact) < 0.03)
page.check("a correction costs nearly all power of two trials", powers[N, "holm"][-1] < 0.5)

# %% [markdown]
# **What to see.** With two trials and a correction the rule finds almost nothing, even gains of five
# standard deviations. Whoever finds something with two trials has either an enormous gain or no
# correction.
#
# ## Where the printed P come from
#
# The abstract prints two maxima with intervals and P. A 95 % interval is gain ± t(df) × error, so for
# every df it gives the error, and with it the P of a one-tailed test.

# %%
def implied(metric: str, df: int) -> float:
    """One-tailed P that a printed interval implies."""
    m = MAXIMA[metric]
    error = (m.high - m.gain) / stats.t.isf(0.025, df)
    return float(stats.t.sf(m.gain / error, df))


lines = [
    [metric, f"{m.p:g}", *(f"{implied(metric, df):.5f}" for df in (1, 2, 3)), f"{CELLS * m.p:.2f}"]
    for metric, m in MAXIMA.items()
]
page.table(["", "printed P", "df = 1", "df = 2", "df = 3", f"printed P × {CELLS}"], lines)
page.check("P of F1 has two degrees of freedom", abs(implied("f1", 2) - MAXIMA["f1"].p) < 5e-5)
page.check("P of Dice has one", abs(implied("dice", 1) - MAXIMA["dice"].p) < 5e-5)

# %% [markdown]
# **What to see.** Both P values fit to the last digit: that of F1 with two degrees of freedom, as for
# two arms of two trials, and that of Dice with one, as for two pairs. Neither is corrected for
# anything (CN-E03). Over 48 cells neither would be below 0.05.
#
# ## What the largest gain is worth
#
# Let every cell truly gain 0.02, with a standard deviation of 0.02 between trials. What is the
# largest gain that a study of two trials prints?

# %%
gain = sd = 0.02
most = trials.largest(*trials.trials(np.full(CELLS, gain), sd, N, STUDIES, rng))
none = trials.largest(*trials.trials(null, sd, N, STUDIES, rng))
caption = (
    f"The largest of {CELLS} mean gains of two trials, over simulated studies, where every cell truly "
    f"gains {gain} (blue) and where none gains (grey); trials spread by {sd}. Line: the true gain."
)
with page.figure(caption, figsize=(6, 3), name="largest") as ax:
    bins = np.linspace(0, 0.14, 71)
    for values, hue, label in ((none, "#BBBBBB", "no gain"), (most, "#0072B2", f"{gain} everywhere")):
        ax.hist(values, bins, color=hue, alpha=0.7, label=label)
    ax.axvline(gain, color="black", lw=1)
    ax.set(xlabel="largest mean gain", ylabel="studies")
    ax.legend(fontsize=8)

# %%
print(f"expected maximum: {most.mean():.3f} where all gain {gain:g}, {none.mean():.3f} where none does")
page.check("the maximum is three times the gain", abs(most.mean() / gain - 3.25) < 0.15)

# %% [markdown]
# **What to see.** The maximum over many noisy cells is large whether or not anything works; so an
# abstract that quotes it says little about any cell. The verdicts on the two maxima and on the rule,
# CN-01, CN-02 and CN-34, are arithmetic and are shown in [00_claims](00_claims.py).
#
# ## Our own grid, seen through two trials
#
# Each cell of [02_utility](02_utility.py) that has at least three draws is judged again by the
# paper's rule: how often would two of its draws have made it significant?

# %%
rows = page.rows_of("controlnet/02_utility")
found = {}
for at, times in product(rows, MULTIPLIERS):
    arm, metric = f"syn{times}", score(at.name)
    if at.has(arm, metric) and at.has("real", metric):
        both = at.together(["real", arm], metric)
        if both.shape[1] > N:
            found[at.name, arm] = both


# %%
def by_two(pair: np.ndarray) -> list[str]:
    """How often two draws call a cell significant, uncorrected, and how often its sign is wrong."""
    control, treatment = pair[:, None].tolist()
    said = rules.resampled(control, treatment, N, STUDIES, [seed, 7], correction="none").scores
    return [f"{said[name]:.2f}" for name in ("called", "opposite")]


if not found:
    page.text("*No cell of 02_utility has three draws yet.*")
page.table(
    ["cell", "arm", "draws", "mean gain", "called by two draws", "other sign in two draws"],
    [[cell, arm, pair.shape[1], f"{np.diff(pair.mean(1))[0]:+.3f}", *by_two(pair)]
     for (cell, arm), pair in found.items()],
)  # fmt: skip

# %% [markdown]
# **What to see.** A cell that all draws together put clearly above zero should often be found
# significant. How often is it not, and how often do two draws even show a loss where all of them show
# a gain?
#
# ## In this notebook we have
#
# - counted how often the paper's rule errs on cells without any effect, and checked the count;
# - seen that two trials cannot reach its level in a test that assumes no law, and have no power after
#   a correction;
# - found the degrees of freedom behind both printed P values;
# - seen what a maximum over 48 cells is worth.
#
# Next: [00_claims](00_claims.py), all verdicts of the chapter.
#
# ## Exercises
#
# **1.** How many cells without any effect does it take until, without correction, a significant one
# is more likely than not?

# %%
answer = None  # your number
page.exercise(answer, lambda: next(m for m in range(1, 99) if trials.family_error(ALPHA, m) > 0.5))

# %% [markdown]
# **2.** By the printed interval of Dice, how large is the standard error of that gain? (One degree of
# freedom.)

# %%
answer = None  # your number
dice = MAXIMA["dice"]
page.exercise(answer, lambda: (dice.high - dice.gain) / stats.t.isf(0.025, 1), within=1e-4)

# %%
page.close()
