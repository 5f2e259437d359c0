# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # ControlNet: its claims, what we run, and what came out
#
# - where our implementation departs from the paper, or fills in what it leaves open, and why;
# - the verdict on each of the 35 claims, with the cell that shows it and the numbers it rests on;
# - where the paper's own numbers contradict each other, and what remains open.
#
# It only reads what the other notebooks of this chapter have left. **Nothing here shows that a method
# works or fails on patients.** This is a conceptual replication on different (synthetic) data.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import numpy as np

from lib.metrics import multilabel
from lib.papers.controlnet import printed
from lib.papers.controlnet.arms import TASKS
from lib.papers.controlnet.departures import departures
from lib.phantoms.findings import LAWS
from lib.report import chapter
from lib.report.page import Page

page = Page("controlnet/00_claims", profile, seed, dataset)
mine = chapter.Chapter(page)

# %% [markdown]
# ## The paper in four sentences
#
# > We find best practices for generating synthetic chest X-ray images for downstream tasks include
# > conditioning on single-disease labels or geometrically-transformed segmentation masks, as well as
# > potentially using proxy modeling for fine-tuning such generations. (Abstract)
#
# A frozen text-to-image network gets a branch that sees a mask. Its films are added to 1, 10 or 100 %
# of the real films of four data sets, 2 to 25 for each real one, and F1 and Dice are compared over
# two trials. Other films are chosen by a proxy model, or drawn by a generator that has learned what
# radiologists prefer. The paper says that synthetic films help almost everywhere, that more of them
# help more, and that they help most where real ones are scarce.
#
# The chapter in reading order:

# %%
mine.reading("table1_datasets", "01_branch", "01_generator", "02_utility", "03_volume", "04_proxy",
             "05_feedback", "06_statistics")  # fmt: skip

# %% [markdown]
# ## Paper and implementation
#
# The paper prints one equation that survives in the text we hold, one table, and no settings. Every
# line below is a place where we had to choose, or chose to differ. The numbers come from the settings
# that run in this profile; `CN-E..` points to the list of contradictions at the end of this page.

# %%
mine.departures(departures(page.plan))

# %% [markdown]
# **What to see.** Keep three things in mind: all arms take equal gradient steps, where the paper
# counts epochs; the reader and the proxy are two networks, each with films of its own; and the
# generator has seen far more films than the task is allowed to see.
#
# ## How a verdict is read
#
# Each claim has one test and one margin, fixed in `lib/claims/ledger.json` before any result;
# [99_all_claims](../99_all_claims.py) shows the rules, and [PA-VAE's page](../pavae/00_claims.py)
# explains attribution, the share of the oracle's gain, and what the number of draws R decides.
#
# The paper's F1 has no stated threshold (CN-E10), so claims about it have two parts that must both
# hold: F1 at 0.5, and F1 at a threshold from validation films. A toy shows why: the outputs of one
# classifier are all shifted together. It has learned nothing, yet its F1 at 0.5 changes a lot.

# %%
rng = np.random.default_rng(seed)
share = LAWS["rsna"].prevalence("pneumonia")
y = rng.random(4000) < share
logit = rng.normal(size=4000) + 1.2 * y
lines, moved = [], []
for shift in (-4.0, -2.5, -1.5, -0.6):
    p = 1 / (1 + np.exp(-logit - shift))
    best = multilabel.best_threshold(y[:2000], p[:2000])
    told = multilabel.label_scores(y[2000:].astype(int), p[2000:], best)
    moved.append([told[name] for name in ("f1", "f1_tuned", "auc")])
    lines.append([f"{shift:+g}", *(f"{x:.3f}" for x in moved[-1])])
page.table(["all logits shifted by", "F1 at 0.5", "F1, tuned threshold", "AUC"], lines)
spread = np.ptp(moved, axis=0)
page.check("a shift moves F1 at 0.5 and nothing else", spread[0] > 0.3 and max(spread[1:]) < 1e-6)

# %% [markdown]
# Where a disease is rare among real films, a classifier becomes cautious; balanced synthetic films
# make it bold. That alone can look like a gain in F1.
#
# ## The verdicts of record

# %%
mine.verdicts()

# %% [markdown]
# **What to see.** The link in the first column leads to the cell that shows the verdict. *Not yet
# run* is neither for nor against the paper; *not interpreted* means that the generator misses the gate of
# [01_generator](01_generator.py). A positive verdict whose attribution *vanishes* is a gain that blurred
# copies, or shuffled labels, give as well.
#
# What a run has measured, in words:

# %%
mine.in_words()

# %% [markdown]
# ## All tests on one scale
#
# Every difference is divided by the smallest one that counts, the margin, so that F1, Dice and
# distances fit on one axis: classification to the left, segmentation and the generator itself to the
# right. Bounds and shares of cells have no margin and appear in the tables only.

# %%
scaled = [one for one in mine.effects if one["value"] is not None and one["kind"] != "bound"]
tells = ("rsna", "chexpert")
columns = [[one for one in scaled if one["regime"].startswith(tells) == side] for side in (True, False)]
far = max([10, *(abs(x) for one in scaled for x in (one["ci95"] or [one["value"]]))])


def stack(ax, tests: list[dict]) -> None:
    """A line for each test from the top, shaded by claim."""
    ids = list(dict.fromkeys(one["id"] for one in tests))
    for y, one in enumerate(tests):
        if ids.index(one["id"]) % 2:
            ax.axhspan(y - 0.5, y + 0.5, color="#F2F2F2", lw=0)
        chapter.mark(ax, one, y, size=3.4)
    chapter.in_margins(ax, (1, 10, 100))
    names = [f"{one['label'][:44]}  {one['id']}" for one in tests]
    ax.set_yticks(range(len(tests)), names, fontsize=6.5)
    ax.set(xlim=(-1.3 * far, 1.3 * far), ylim=(len(tests) - 0.4, -0.6))


# %%
caption = (
    f"All measured tests of this chapter with a margin: {len(scaled)} tests of "
    f"{len({one['id'] for one in scaled})} claims, in margins, with 95 % t-intervals; cross: the paper's "
    "effect."
)
tall = max(map(len, columns))
if scaled:
    with page.figure(caption, 1, 2, figsize=(12.5, 0.15 * tall + 2)) as axes:
        for ax, tests, title in zip(axes, columns, ("classification", "segmentation, generator"),
                                    strict=True):  # fmt: skip
            stack(ax, tests)
            ax.set(title=title, xlabel="difference in the claim's direction, in margins")
        chapter.legend(axes[0].figure, scaled)
else:
    page.text("*No draw of this chapter yet.*")

# %% [markdown]
# **What to see.** To the right of the grey band lies a difference that counts, in the direction of
# the paper; to the left of it, one that counts against the paper. An interval inside the band means
# that nothing that counts has happened.
#
# ## The paper's numbers against each other
#
# Figure 2 has no numbers; its text quotes one multiplier for each task and fraction. Compare that
# with the abstract (CN-E01, CN-E02):

# %%
gains = {regime: cell.gain for regime, cell in printed.FIGURE2.items()}
page.table(
    ["task", "real films", "without", "with", "times", "gain"],
    [[f"{TASKS[task].label.removesuffix('-like')}, {percent} %", f"{printed.real_images(task, percent):,}", cell.real,
      cell.synthetic, f"{cell.times}×", f"{cell.gain:+.4f}"]
     for regime, cell in printed.FIGURE2.items() for task, percent in [printed.PLACES[regime]]],
)  # fmt: skip
for metric, maximum in printed.MAXIMA.items():
    own = {r: g for r, g in gains.items() if printed.score(r).startswith(metric)}
    most = max(own, key=own.get)
    print(f"{metric}: the abstract's maximum is {maximum.gain:g}, the text's {own[most]:g} ({most})")
    page.check(f"the maximum of {metric} is none of the printed gains", maximum.gain not in own.values())

# %% [markdown]
# Three claims are arithmetic: the two maxima, and what two trials can show. Where their P values come
# from is worked out in [06_statistics](06_statistics.py).

# %% tags=["CN-01", "CN-02", "CN-34"]
page.verdicts("CN-01", "CN-02", "CN-34")

# %% [markdown]
# **"The benefit diminishes"** (CN-E08), and **"more is better"** (CN-E07):

# %%
caption = (
    "Printed gains of Figure 2 by the number of real films behind them; beside each point the multiplier "
    "that the text quotes."
)
BESIDE = {"candid": (-18, 2)}  # where labels would hide each other, points

# %%
with page.figure(caption, name="printed", figsize=(6.4, 3.2)) as ax:
    for name, task in TASKS.items():
        cells = [printed.FIGURE2[task.regime(p)] for p in printed.FRACTIONS]
        n = [printed.real_images(name, p) for p in printed.FRACTIONS]
        plain = task.label.removesuffix("-like")
        (line,) = ax.plot(n, [cell.gain for cell in cells], "o-", ms=4, label=plain)
        for x, cell in zip(n, cells, strict=True):
            ax.annotate(f"{cell.times}×", (x, cell.gain), xytext=BESIDE.get(name, (3, 4)),
                        textcoords="offset points", fontsize=7, color=line.get_color())
    ax.axhline(0, color="black", lw=0.8)
    ax.set(xscale="log", xlabel="real films", ylabel="printed gain", ylim=(-0.015, None))
    ax.legend(fontsize=8)

# %%
falls = {name: all(gains[f"{name}-{a}"] > gains[f"{name}-{b}"] for a, b in ((1, 10), (10, 100)))
         for name in TASKS}  # fmt: skip
print("gain falls with every step:", ", ".join(n for n, down in falls.items() if down) or "in no task",
      "- not so:", ", ".join(n for n, down in falls.items() if not down))  # fmt: skip
page.check("in two of four tasks the gain does not fall steadily", sum(falls.values()) == 2)
times = {name: [printed.FIGURE2[f"{name}-{p}"].times for p in printed.FRACTIONS] for name in TASKS}
page.check("the quoted multiplier never rises with more real films",
           all(sorted(each, reverse=True) == each for each in times.values()))  # fmt: skip

# %% [markdown]
# **What to see.** Lines of the same fraction lie decades apart (CN-E19). If the quoted multiplier is
# the best one, then more was better only where real films were fewest, and nowhere on CheXpert.
#
# **Two numbers for one experiment** (CN-E09). RSNA at 10 % appears in Figure 2 and in Figure 4:

# %%
two, four = printed.FIGURE2["rsna-10"], printed.FIGURE4
page.table(["RSNA, 10 %", "real", "synthetic", "after feedback"],
           [["Figure 2", two.real, two.synthetic, "–"], ["Figure 4", four["real"], four["syn2"], four["dpo2"]]])
apart, effect = abs(two.real - four["real"]), four["dpo2"] - four["real"]
print(f"the two real-only numbers differ by {apart:.3f}, feedback gains {effect:+.3f}")
page.check("the difference between two reports of one arm exceeds the gain of feedback", apart > effect)

# %% [markdown]
# **Below the trivial classifier** (CN-E10). Calling every film positive gives F1 = 2π / (1 + π) at
# prevalence π. Our law *rsna* has the share of films that the public set is said to have:

# %%
trivial = 2 * share / (1 + share)
best_f1 = max(max(printed.FIGURE2[f"rsna-{p}"][::2]) for p in printed.FRACTIONS)
print(f"all positive at {share:.1%}: F1 = {trivial:.3f}; the best printed F1 on RSNA: {best_f1:.3f}")
page.check("the best printed F1 lies below calling everything positive", best_f1 < trivial)

# %% [markdown]
# **"Validates"** (CN-E11). Hypothesis 3, that realism under a proxy helps, rests on these differences:

# %%
three = printed.FIGURE3
steps = {"tuned by the proxy, over original": three["finetuned2"] - three["syn2"],
         "filtered by the proxy, over original": three["filtered"] - three["syn2"],
         "tuned by readers, over original": four["dpo2"] - four["syn2"]}  # fmt: skip
page.table(["printed difference in F1", ""], [[name, f"{d:+.3f}"] for name, d in steps.items()])
page.check("one rises by a thousandth, two fall", sum(d < 0 for d in steps.values()) == 2
           and 0 < max(steps.values()) < 0.0015)  # fmt: skip

# %% [markdown]
# ## What the paper contradicts or leaves open
#
# Severity A changes what can be concluded, B blocks an exact rerun (undefined or contradictory), C is
# clerical. The last column links the notebooks that deal with it.

# %%
mine.contradictions()

# %% [markdown]
# ## What was changed after results had been seen, and what remains open
#
# Whatever draws of the seeds in the first table say about the claims named there is exploratory.
# Below it are the claims that no run has reached yet, and measured ones whose intervals leave more
# than one verdict possible.

# %%
mine.changes()
mine.undecided()

# %% [markdown]
# Beyond these there are the questions in the last column of the first tables: the authors' base,
# their proxy and their readers were not available here.

# %%
mine.check(claims=35, severities=[12, 9, 2])

# %% [markdown]
# ## In this notebook we have
#
# - listed where we depart from the paper, with the numbers that run;
# - read the verdict on every claim, and seen which draws it rests on;
# - checked the paper's numbers against each other, where no film is needed.
#
# Next: [table1_datasets](table1_datasets.py), the films.
#
# ## Exercises
#
# **1.** What is the F1 of calling everything positive at a prevalence of one half?

# %%
answer = None  # your number
page.exercise(answer, lambda: 2 * 0.5 / 1.5, within=0.005)

# %% [markdown]
# **2.** Which task has the largest printed gain *relative* to its own F1 or Dice without synthetic films,
# at 10 %? (One of the names of `TASKS`.)

# %%
answer = None  # your name, in quotes
page.exercise(answer, lambda: max(
    TASKS, key=lambda n: gains[f"{n}-10"] / printed.FIGURE2[f"{n}-10"].real))  # fmt: skip

# %%
page.close()
