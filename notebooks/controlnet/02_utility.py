# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Figure 2: do synthetic films help four tasks?
#
# - the paper's main figure: three fractions of the real films, up to 25 times as many synthetic
#   ones, with arms that it did not have: the same films again, blurred copies, shuffled labels, and
#   the *oracle*, which adds fresh phantoms;
# - scores that need no threshold beside F1, and Dice with and without lesion-free films;
# - the verdicts on the claims of this figure, by tests fixed before any result.
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
from scipy.special import expit, logit

from lib.claims.verdict import MARGINS
from lib.metrics import multilabel
from lib.papers.controlnet import looks, printed
from lib.papers.controlnet.arms import MAIN, PERCENT, SOURCES, TASKS, TIMES
from lib.phantoms.findings import LAWS
from lib.report import films, plots
from lib.report.page import Page
from lib.report.rows import NONE, interval

page = Page("controlnet/02_utility", profile, seed, dataset, root, draws)
page.study.source.known("films whose findings are known")
CELLS = list(product(TASKS.values(), PERCENT))
COUNTS = {percent: page.study.real(percent) for percent in PERCENT}

# %% [markdown]
# ## What the paper prints
#
# > Overall, the addition of synthetic data improves the mean Dice score for segmentation tasks and
# > mean F1 score for classification tasks, as demonstrated by the performance increase across almost
# > all conditions (Results)
#
# Figure 2 has four tasks, three fractions and four amounts of synthetic images. The text that we have
# quotes one amount for each fraction.

# %%
lines = []
for regime, cell in printed.FIGURE2.items():
    name, percent = printed.PLACES[regime]
    n = printed.real_images(name, percent)
    gain = f"{cell.gain:+.3f}"
    lines.append([name, f"{percent} %", f"{n:,}", cell.real, f"{cell.times}x", cell.synthetic, gain])
page.table(["task", "real images", "n", "without", "amount", "with", "gain"], lines)
for score, most in printed.MAXIMA.items():
    said = {r: c.gain for r, c in printed.FIGURE2.items()
            if printed.score(r).startswith(score)}  # fmt: skip
    best = max(said, key=said.get)
    print(f"{score}: the abstract's maximum is {most.gain:g}, the text's {said[best]:g} ({best})")

# %% [markdown]
# The two maxima disagree (CN-E01, CN-E02). The gain falls from 1 % to 100 % in two tasks; it rises in
# CANDID-PTX, and in RSNA it peaks in the middle (CN-E08). Without synthetic images RSNA at 10 % has
# another F1 here than in the section on feedback (CN-E09).
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | F1 at a threshold that is not named, and below that of calling every image positive (CN-E10) | F1 at 0.5 and at a threshold from validation films; AUC, AUPRC and the F1 of calling all positive beside them |
# | Dice without a word on lesion-free images: CANDID-PTX keeps them, SIIM drops them (CN-E17) | Dice of films with a lesion; beside it that of all films, where empty on empty is 1 |
# | "2x" to "25x": added or in all is not said, nor whether training takes more steps (CN-E18) | so many are added to each real film; equal gradient steps in every arm |
# | no arm without a generator but real images alone (CN-E18) | augmented on the fly, the same films again, noisy and blurred copies, shuffled labels or masks, fresh phantoms |
# | more is better, yet the quoted amount falls with more real images (CN-E07) | all amounts; their trend is the matter of [03_volume](03_volume.py) |
# | how the quoted amount was chosen is not said (CN-E20) | the grid as a whole; the claims are judged at the quoted amounts, fixed beforehand |
# | one headline maximum of many cells | every cell; a maximum only as in [06_statistics](06_statistics.py) |
#
# ## A toy: F1 moves with the class mix, AUC does not
#
# In RSNA each synthetic image shows the one disease of the task. So adding $m$ of them for each real
# image changes the share $\pi$ of positives in training to
#
# $$\pi_m = \frac{\pi + m}{1 + m}.$$
#
# Let healthy films give a feature $x \sim N(0, 1)$ and ill ones $x \sim N(d, 1)$. A classifier that
# knows both laws already, and so learns *nothing* from synthetic images but the new share, says
#
# $$p(x) = \sigma\Big(d x - \tfrac{d^2}{2} + \ln\frac{\pi_m}{1-\pi_m}\Big).$$
#
# The order of the cases is the same for every $m$, but F1 at 0.5 is not.

# %%
D, prior = 0.6, LAWS["rsna"].prevalence("pneumonia")
rng = np.random.default_rng([seed, 2])


def cases(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth and feature of n cases, as frequent as in the task."""
    y = (rng.random(n) < prior).astype(int)
    return y, rng.normal(D * y)


known, tested, toy = cases(4000), cases(20_000), {}
for m in (0, *TIMES):
    mix = (prior + m) / (1 + m)
    p = [expit(D * x - D**2 / 2 + logit(mix)) for _, x in (known, tested)]
    cut = multilabel.best_threshold(known[0], p[0])
    toy[m] = {"positive in training": mix} | multilabel.label_scores(tested[0], p[1], cut)
head = ["positive in training", *(films.named(m) for m in multilabel.LABEL_SCORES)]
page.table(["added", *head], [[f"{m}x", *(f"{x:.3f}" for x in each.values())]
                              for m, each in toy.items()])  # fmt: skip

# %%
caption = (
    "The toy: F1 at 0.5 of a classifier that learns nothing but the class mix, by the positives "
    "added for each real case; beside it its F1 at a threshold from validation, its AUC, and the F1 "
    "of calling all positive."
)
LOOK = {"f1": ("#0072B2", "o-"), "f1_tuned": ("#56B4E9", "s--"), "auc": ("#009E73", "^-"),
        "f1_all_positive": ("black", ":")}  # fmt: skip
with page.figure(caption, name="toy", figsize=(5.6, 3.2)) as ax:
    for metric, (colour, style) in LOOK.items():
        values = [each[metric] for each in toy.values()]
        ax.plot(range(len(toy)), values, style, color=colour, ms=4, label=films.named(metric))
    ax.set(xticks=range(len(toy)), xticklabels=[f"{m}x" for m in toy], ylim=(0, 1))
    ax.set_xlabel("positives added for each real case")
    ax.legend(fontsize=7, loc="lower right")

# %%
first, last = toy[0], toy[max(TIMES)]
most = max(c.gain for r, c in printed.FIGURE2.items() if "f1" in printed.score(r))
same = [abs(last[m] - first[m]) < 1e-9 for m in ("auc", "auprc", "f1_tuned")]
page.check("the class mix leaves AUC, AUPRC and the validated F1 as they are", all(same))
page.check("F1 at 0.5 rises by more than in any cell of the paper", last["f1"] - first["f1"] > most)
near = abs(last["f1"] - last["f1_all_positive"])
page.check("in the end all cases are called positive", near < 0.01)

# %% [markdown]
# **What to see.** The dark blue curve climbs from near zero to the dotted line, and never above the
# light blue one, which a well-chosen threshold gives for free. It rises by more than F1 does in any
# cell of the paper, and no case is understood any better. So F1 at 0.5 alone does not show what
# synthetic films teach.
#
# This is how far each amount shifts our own tasks:

# %%
lines = []
for task in (task for task in TASKS.values() if task.about):
    pi = LAWS[task.name].prevalence(task.about)
    lines.append([task.label, task.about, *(f"{(pi + m) / (1 + m):.0%}" for m in (0, *TIMES))])
page.table(["films with the finding", "", *(f"{m}x" for m in (0, *TIMES))], lines)

# %% [markdown]
# The five labels of the CheXpert-like task are asked for one at a time; [03_volume](03_volume.py)
# shows the mix that results. *Real films again* leaves the mix nearly as it is; *shuffled* has that
# of the synthetic films. Where all of these show the one finding of the task, shuffling labels would
# change nothing: there, *shuffled* consists of films of the CheXpert-like findings that are labelled
# pneumonia.
#
# ## The run
#
# Every arm is a chain of stored jobs: films, generator, pool, network, scores. All arms of a draw
# share its films, and every network takes the same number of steps.

# %%
rows = page.run()
count = sum(rows.get(task.regime(p)).has(f"syn{m}", task.score) for task, p in CELLS for m in TIMES)
whole = len(CELLS) * len(TIMES)
page.text(f"*{count} of {whole} cells have a draw. Profile `quick` draws the amounts that the paper "
          "quotes; `full` adds all others, and the arms that stand beside.*")  # fmt: skip

# %% [markdown]
# ## What is added
#
# These are the first films that each arm adds at 10 % in draw 0, two for each task.

# %%
pictures = page.panel("added", lambda: looks.added(page.study, page.study.draws()[0]))
caption = (
    "Two films with a finding of each task and kind, the first of draw 0 at 10 % of the real films; "
    "orange: the mask that is given with a film to segment."
)
if pictures:
    wide = {"name": "added", "figsize": (9.4, 6.2)}
    with page.figure(caption, len(looks.KINDS), 2 * len(TASKS), **wide) as axes:
        for line, (kind, label) in zip(axes, looks.KINDS.items(), strict=True):
            for i, (j, task) in product(range(2), enumerate(TASKS.values())):
                ax, name = line[2 * j + i], f"{task.name}/{kind}"
                plots.show(ax, pictures[name][i])
                if not task.findings:
                    plots.outline(ax, pictures[f"{name}/mask"][i], plots.ROLES["control"])
                if kind == "real" and not i:
                    ax.set_title(task.label, loc="left")
            plots.label(line[0], label)

# %% [markdown]
# **What to see.** Do the synthetic films have the look of their task's scanner? The generator has
# seen only the scanners of the CANDID-like law and of the base. In *shuffled* the orange outline
# belongs to another film; a network that gains from it has learned no pneumothorax.
#
# ## Figure 2
#
# Above, our tasks are plotted against the *number* of real films, since equal fractions do not mean
# equal scarcity, as the paper's own cells below show. Not all arms have the same draws, so a point is
# placed at the mean of *real* plus the arm's mean gain in its own draws; bars are 95 % t-intervals of
# that gain, from three draws on.

# %%
caption = (
    "Figure 2 of the paper. Above: our tasks by the number of real films; diamonds: synthetic films "
    "in the amount that the paper quotes, thin lines: in each amount; green: as many fresh phantoms; "
    "dotted: all called positive; bars: 95 % t-intervals over training draws, "
    f"{page.size.test:,} test films. Below: what the paper's text quotes, on patients."
)
with page.figure(caption, 2, len(TASKS), figsize=(13, 6.4)) as axes:
    handles = {}
    for column, task in zip(axes.T, TASKS.values(), strict=True):
        films.draw_ours(column[0], rows, task, COUNTS)
        films.draw_printed(column[1], task)
        found, names = column[0].get_legend_handles_labels()
        handles |= dict(zip(names, found, strict=True))
    axes[0, 0].figure.legend(handles.values(), handles, loc="outside lower center", ncols=5)

# %% [markdown]
# **What to see.** First, the green line: what that many films of *new* subjects would give. Then,
# where the blue diamonds lie between it and the grey circles, and whether *the same films again* lie
# as high. In the two panels of F1 a rise below the dotted line can be due to a shift of the mix
# alone. In the lower row, the paper's four tasks have very different numbers of images at the same
# fraction (CN-E19).
#
# ## The numbers
#
# Mean and 95 % t-interval over R training draws, at the amount that the paper quotes for a fraction.
# *Share* is the part of the oracle's gain that an arm reaches, with Fieller's interval; the oracle's
# films shift F1 at 0.5 as any others do, so AUC has a share of its own. The column *paper (patients)*
# is another population: look at the order, not at the values.

# %%
for task in TASKS.values():
    metrics = [m for m in task.metrics if m not in ("f1_rare", "f1_common")]
    shares = [f"share of {films.named(m)}" for m in films.shared(task)]
    head = ["", "R", *(films.named(m) for m in metrics), *shares, "*paper (patients)*"]
    found = [line for p in PERCENT for line in films.numbers(rows, task, p, COUNTS[p], metrics)]
    page.table([f"{task.label}: real films", *head], found)
    page.text("\n".join(films.told(rows, task, COUNTS)))

# %% [markdown]
# **What to see.** Read the lines below each table first. Where fresh phantoms, which show exactly what
# they are labelled with, do not help, better films could not either. Where synthetic films beat them,
# the gain has another cause than films as true as those of new subjects.
#
# In the tables of F1, read four columns together. If F1 at 0.5 rises and the other three stay the
# same, the outputs have shifted, as in the toy. In those of Dice, the second column gives a film
# without a lesion a 1 if nothing is marked and a 0 for any false pixel; the SIIM-like set has no such
# films, so both columns are equal there, and *false alarms* is empty.
#
# ## Every cell
#
# The gain over real films alone in the paper's score, paired by draw, for all four amounts.

# %%
grid = {(task, p, m): films.gained(rows.get(task.regime(p)), f"syn{m}", task.score)
        for (task, p), m in product(CELLS, TIMES)}  # fmt: skip
there = {cell: gain for cell, gain in grid.items() if len(gain)}
lines = []
for task, p in CELLS:
    each = [interval(g, sign="+") if len(g) else NONE for g in (grid[task, p, m] for m in TIMES)]
    each[TIMES.index(task.quoted[p])] = f"**{each[TIMES.index(task.quoted[p])]}**"
    lines.append([task.label, f"{COUNTS[p]:,}", *each, f"*{printed.FIGURE2[task.regime(p)].gain:+.3f}*"])
page.table(["gain", "real films", *(f"{m}x" for m in TIMES), "*paper (patients)*"], lines)
up = sum(gain.mean() > 0 for gain in there.values())
print(f"{up} of {len(there)} cells gain; bold: the amount that the paper quotes")

# %% [markdown]
# The largest of these numbers is also the luckiest; what a maximum of 48 is worth is the subject of
# [06_statistics](06_statistics.py).
#
# ## What the gain is made of
#
# Here are synthetic films at the quoted amount minus each of the other arms, draw by draw. Grey: the
# smallest difference that counts, fixed beforehand; crosses: the paper's gains, on patients.

# %%
caption = (
    "Synthetic films at the quoted amount minus every other arm, in the paper's score, paired by "
    "training draw, with 95 % t-intervals; grey: the smallest difference that counts; cross: the "
    "paper, on patients."
)
with page.figure(caption, len(TASKS), len(PERCENT), "gain", figsize=(11, 8.6)) as axes:
    for line, task in zip(axes, TASKS.values(), strict=True):
        for ax, p in zip(line, PERCENT, strict=True):
            at, arm = rows.get(task.regime(p)), MAIN[f"syn{task.quoted[p]}"]
            if at.has(arm, task.score):
                plots.differences(
                    ax, at, arm, films.rivals(task, p), task.score, MARGINS[task.score])
            ax.set_title(f"{task.label}, {COUNTS[p]:,} films, {task.quoted[p]}x", fontsize=9)
            ax.tick_params(labelleft=ax is line[0])
            ax.locator_params(axis="x", nbins=5)
    plots.legend(axes[0, 0].figure)

# %% [markdown]
# **What to see.** To the right of zero the synthetic films are better. Read the orange controls
# before *Real films*: where blurred copies or shuffled labels do as well, the gain is regularisation.
# The oracle should lie on the left; [table1_datasets](table1_datasets.py) says where films as true as
# those of new subjects do not help.

# %% tags=["CN-03", "CN-04", "CN-05", "CN-06", "CN-07", "CN-08", "CN-09", "CN-10", "CN-11", "CN-12", "CN-13", "CN-14"]
page.verdicts("CN-03", "CN-04", "CN-05")  # RSNA-like
page.verdicts("CN-06", "CN-07", "CN-08")  # CheXpert-like
page.verdicts("CN-09", "CN-10", "CN-11", "CN-12", "CN-13", "CN-14")  # segmentation

# %% [markdown]
# The two maxima of the abstract, CN-01 and CN-02, are arithmetic: [00_claims](00_claims.py) decides them.
#
# ## Does the benefit diminish, and is it almost everywhere?
#
# A gain shrinks by itself where little is left to gain. The *share* of the oracle's gain allows for
# that: of what new subjects would have given, it is the part that synthetic films give.

# %%
lines = []
for task in TASKS.values():
    arms = {p: MAIN[f"syn{task.quoted[p]}"] for p in PERCENT}
    gains = [grid[task, p, task.quoted[p]] for p in PERCENT]
    lines.append([task.label, "gain", *(interval(g, sign="+") if len(g) else NONE for g in gains)])
    shares = [rows.get(task.regime(p)).share(a, task.score, a.oracle) for p, a in arms.items()]
    lines.append(["", "share", *shares])
    said = [printed.FIGURE2[task.regime(p)].gain for p in PERCENT]
    lines.append(["", "*gain, paper (patients)*", *(f"*{x:+.3f}*" for x in said)])
page.table(["", "", *(f"{n:,} real films" for n in COUNTS.values())], lines)

# %% tags=["CN-15", "CN-16"]
page.verdicts("CN-15", "CN-16")

# %% [markdown]
# ## Sets that the generator never saw
#
# The paper calls all four sets "out-of-distribution", but the generator has learned from CANDID-PTX
# (CN-E06). Of our laws, the CANDID-like has the generator's own scanner, the others have scanners of
# their own. At 10 % of the real films:

# %%
lines = []
for task in TASKS.values():
    arm, at = MAIN[f"syn{task.quoted[10]}"], rows.get(task.regime(10))
    gain = grid[task, 10, arm.times]
    text = interval(gain, sign="+") if len(gain) else NONE
    own = "the generator's" if task.name == "candid" else "its own"
    lines.append([task.label, own, text, at.share(arm, task.score, arm.oracle)])
page.table(["", "scanner", "gain", "share"], lines)

# %% tags=["CN-31"]
page.verdicts("CN-31")

# %% [markdown]
# ## What is asked of the generator
#
# The paper asks for one disease at a time, and for masks that were dilated, eroded, flipped or moved;
# it compares neither with its plain form. *Augmented* does the same to real pairs. These arms are
# computed in profile `full` only.

# %%
ASKED = {"chexpert": ("syn2_single", "syn2_multi"),
         "candid": ("syn10", "syn10_original", "classic"),
         "siim": ("syn10", "syn10_original", "classic")}  # fmt: skip
lines = []
for task, names in ((TASKS[name], names) for name, names in ASKED.items()):
    at, score = rows.get(task.regime(10)), task.score
    for arm in (SOURCES[name] for name in names):
        share = at.share(arm, score, arm.oracle or "oracle10")
        lines.append([task.label, arm.label, at.count(arm, score), at.cell(arm, score), share])
page.table([f"{COUNTS[10]:,} real films", "", "R", "paper's score", "share"], lines)

# %% tags=["CN-19", "CN-20"]
page.verdicts("CN-19", "CN-20")

# %% [markdown]
# ## Rare labels
#
# The five labels of the CheXpert-like task differ in prevalence. If synthetic films remedy class
# imbalance, the rare ones should gain most, and more than from showing the same films again.


# %%
caption = (
    "Gain in F1 at 0.5 of each label of the CheXpert-like task over real films alone, 2x synthetic, "
    "by the label's prevalence in the test films; dots: draws of this panel, diamonds: their mean; "
    "line: least squares through the means."
)
labels = page.panel("labels", lambda: looks.labels(page.study))
if labels:
    with page.figure(caption, 1, len(PERCENT), "labels", figsize=(11, 3.2), sharey=True) as axes:
        for ax, p in zip(axes, PERCENT, strict=True):
            films.draw_labels(ax, labels["prevalence"], labels[f"{p}/gain"])
            ax.set_title(f"{COUNTS[p]:,} real films")
        axes[0].set_ylabel("gain in F1 at 0.5")

# %% [markdown]
# **What to see.** Does the line fall? It rests on five labels, and they differ in more than their
# prevalence: a large heart is easier to see than a thin plate of atelectasis.

# %%
HALVES = {"f1_rare": "F1, rarest two", "f1_common": "F1, commonest two"}
lines = []
for p in PERCENT:
    at = rows.get(TASKS["chexpert"].regime(p))
    arms = [arm for arm in films.quoted_arms(TASKS["chexpert"], p) if at.has(arm, "f1_rare")]
    lines += [[f"{COUNTS[p]:,}", a.label, *(at.cell(a, metric) for metric in HALVES)] for a in arms]
page.table(["real films", "", *HALVES.values()], lines)

# %% tags=["CN-21", "CN-32"]
page.verdicts("CN-21", "CN-32")

# %%
values = [at.values(*arm) for at in rows for arm in at.rows if at.has(*arm) and arm[1] != "gain_slope"]
page.check("scores are shares", all(((v >= 0) & (v <= 1)).all() for v in values))
for task, p in CELLS:
    at, score = rows.get(task.regime(p)), task.score + "_all_positive"
    if task.findings and at.has("real", score):
        same = np.ptp([at.mean(arm, score) for arm in at.arms if at.has(arm, score)])
        page.check(f"{task.label}, {COUNTS[p]:,}: calling all positive ignores the arm", same < 1e-9)
    elif task.name == "siim" and at.has("real", "dice"):
        equal = at.mean("real", "dice") == at.mean("real", "dice_all")
        page.check(f"{task.label}, {COUNTS[p]:,}: no film is without a lesion", equal)

# %% [markdown]
# ## In this notebook we have
#
# - seen that F1 at 0.5 follows the class mix of the training films, and put scores beside it that do
#   not;
# - put four tasks between real films alone and an oracle, at equal gradient steps and against the
#   number of films;
# - shown every cell of the grid that has a draw, not the best one;
# - told a gain from new pathology apart from what repetition, blur and wrong labels give;
# - judged the claims of this figure by tests that were fixed beforehand.
#
# Next: [03_volume](03_volume.py), whether more is better.
#
# ## Exercises
#
# **1.** A set has one positive film in three. What is the F1 of calling all of them positive?

# %%
answer = None  # your number
page.exercise(answer, lambda: multilabel.all_positive_f1([1, 0, 0]), within=1e-3)

# %% [markdown]
# **2.** Which share of the oracle's mean gain do *blurred copies* reach in the RSNA-like task, with
# the fewest real films?

# %%
answer = None  # your number


def won(kind: str) -> float:
    """Mean gain in F1 over real films alone."""
    return rows["rsna-1"].gain(f"{kind}25", "real", "f1").mean()


page.exercise(answer, lambda: won("smooth") / won("oracle"), within=0.01)

# %%
page.close()
