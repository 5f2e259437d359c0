# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Figure 4: what readers prefer
#
# - sets of four films, scored by simulated readers whose noise is known: how well do they agree?
# - from scores to pairs, and from pairs to a generator: Diffusion-DPO, and how it can go wrong while
#   its loss looks fine;
# - what tuning does to the films and to a classifier, beside tuning on pairs of which a coin says who
#   won, and what more readers would change.
#
# Nothing here shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
root = ""
draws = ""

# %%
from itertools import combinations
from pathlib import Path

import numpy as np

from lib.claims.verdict import MARGINS
from lib.datasets import ratings
from lib.datasets.ratings import CRITERIA, NAMES
from lib.generators import preference
from lib.generators.preference import DpoSettings
from lib.papers.controlnet import looks, toys
from lib.papers.controlnet.arms import TASKS, chosen
from lib.papers.controlnet.printed import FIGURE2, FIGURE4, STATED
from lib.phantoms import reports
from lib.report import plots
from lib.report.films import unread
from lib.report.page import Page
from lib.report.rows import number
from lib.scores import raters
from lib.scores.raters import ReaderSettings

# %%
page = Page("controlnet/05_feedback", profile, seed, dataset, root, draws)
study, size = page.study, page.size
study.source.known("films with nine findings")
TASK, READERS = TASKS["rsna"], ReaderSettings(readers=size.readers)
HUES = {"vanilla": "#0072B2", "rank": "#CC79A7", "safeguarded": "#009E73", "coin": "#777777"}

# %% [markdown]
# ## What the paper says
#
# > We assembled approximately 200 sets of four sampled images each [...] four radiologists independently
# > scored each image set on a scale from 0 (low quality) to 5 (high quality). [...] We employed Direct
# > Preference Optimization (DPO) to utilize these preferences in model finetuning. (Radiologist Feedback)

# %%
said = {"real films": ("real", FIGURE2["rsna-10"].real), "original synthetic": (
    "syn2", FIGURE2["rsna-10"].synthetic), "tuned on feedback": ("dpo2", None)}  # fmt: skip
page.table(
    ["*paper (patients)*: RSNA at 10 %", "F1, Figure 4", "F1, Figure 2"],
    [[name, f"{FIGURE4[arm]:.3f}", f"{f1:.3f}" if f1 else "–"] for name, (arm, f1) in said.items()],
)
gain = FIGURE4["dpo2"] - FIGURE4["real"]
print(f"feedback gains {gain:.3f} over real films;",
      f"the two runs of real films differ by {FIGURE4['real'] - FIGURE2['rsna-10'].real:.3f}")  # fmt: skip

# %% [markdown]
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | the same setting has two values in two sections (CN-E09) | all arms of a draw share films, start and steps |
# | scores from 0 to 5, "ranking", and pairs, without a word on how one becomes the other (CN-E14) | every pair within a set, for every reader; ties are dropped and counted |
# | readers "blinded to the source" of films that are all synthetic (CN-E14) | nothing to be blind to; our readers are simulated |
# | no word on how far the readers agree | kappa beside what chance gives |
# | the effect is weak "due to the limited size of the expert cohort", which is not tested (CN-E23) | the number of sets, and the readers' noise, are varied |
# | "can enhance image quality", not measured | quality and mask adherence, by a network that no reader is made of |
# | tuning takes further steps; with them alone nothing is compared | a generator tuned with the same steps, batches and noise on the same pairs, of which a coin says who won |
# | the equation is missing in the text that we hold, and so is $\beta$ (CN-E21) | Diffusion-DPO as published; $\beta$ from the start |
#
# ## Simulated readers
#
# A reader who sees an image of quality $q$ in $[0, 1]$ says
#
# $$s = \tfrac52 + a\,\bigl(5q - \tfrac52\bigr) + b + \eta,\qquad \text{rounded to } 0, 1, \dots, 5,$$
#
# with a slope $a$ and a bias $b$ of the reader's own, and fresh noise $\eta$ each time. How well do
# they agree? Kappa with quadratic weights is 1 for equal scores and 0 by chance.

# %%
page.source(raters.weighted_kappa)
QUALITY = np.random.default_rng([seed, 5]).beta(4, 3, (800, 2))
NOISES = (0.0, 0.4, 0.8, 1.6, 3.2)


# %%
def readers(noise: float) -> tuple[float, float, float]:
    """Kappa, share of ties within sets of four, and share of the other pairs that are right."""
    s = ReaderSettings(readers=4, noise=noise)
    scores, _ = raters.scored(QUALITY, s, np.random.default_rng([seed, 6]))
    kappa, sets = raters.weighted_kappa(scores[..., 0].T), scores[..., 0].reshape(4, -1, 4)
    truth = QUALITY[:, 0].reshape(-1, 4)
    gaps = np.concatenate([np.sign(sets[..., i] - sets[..., j]) * np.sign(truth[:, i] - truth[:, j])
                           for i, j in combinations(range(4), 2)])  # fmt: skip
    return kappa, float((gaps == 0).mean()), float((gaps[gaps != 0] > 0).mean())


# %%
agreed = np.transpose([readers(noise) for noise in NOISES])
caption = (
    "Four simulated readers of 200 sets, by their noise: kappa, and within sets the share of pairs that "
    "tie and the share of the others that are in the true order; dashed: the noise of this chapter."
)
with page.figure(caption, name="readers", figsize=(6, 3)) as ax:
    for values, hue, label in zip(agreed, ("#0072B2", "#999999", "#009E73"),
                                  ("kappa", "pairs that tie", "pairs in true order"), strict=True):
        ax.plot(NOISES, values, "o-", color=hue, label=label)
    ax.axvline(READERS.noise, color="black", ls="--", lw=1)
    ax.axhline(0.5, color="#BBBBBB", lw=0.8)
    ax.set(xlabel="noise (SD in points of the scale)", ylabel="share, kappa", ylim=(-0.05, 1.05))
    ax.legend(fontsize=8)
page.check("noise lowers kappa", np.all(np.diff(agreed[0]) < 0))
page.check("without noise no pair is wrong", agreed[2, 0] == 1)

# %% [markdown]
# **What to see.** Kappa falls much faster than the share of right pairs: readers who hardly agree on
# scores still mostly agree on which of two images is better. That is why it makes sense to ask for
# preferences.
#
# ## From scores to pairs
#
# A set of four has six pairs. Here are one reader's scores, as they stand in a file:

# %%
SCORES = (5, 3, 3, 1)
text = "\n".join([",".join(ratings.COLUMNS),
                  *(f"me,0,{image},T2I,{score}," for image, score in enumerate(SCORES))])  # fmt: skip
pairs = ratings.pairs(ratings.as_result(ratings.parsed(text)))
print(text)
page.table(["preferred", "over", "scores"], [
    [f"image {a}", f"image {b}", "{} and {}".format(*scores)]
    for a, b, scores in zip(*(pairs.arrays[name] for name in ("winner", "loser", "scores")), strict=True)
])  # fmt: skip
page.check("five pairs and a tie", (pairs.scores["pairs"]["text"], pairs.scores["ties"]["text"]) == (5, 1))

# %% [markdown]
# ## The run

# %%
rows = page.run()
at, bare = rows.get(TASK.regime(10)), rows.get("bare")
k = next(iter(study.draws()), 0)
if not len(rows):
    page.text("*There is no draw so far, and no figure that needs one.*")
sets = page.panel("sets", lambda: looks.rated_sets(study, k))


def told(scores: np.ndarray) -> str:
    """What readers said of a film, scores (readers, 2), a line for each criterion."""
    return "\n".join(f"{name} {' '.join(map(str, column))}"
                     for name, column in zip(CRITERIA, scores.T, strict=True) if column.min() >= 0)

# %%
caption = (
    "A set of each condition; above each film what the readers said of text and mask; orange: the "
    "mask that was asked for. One draw."
)
if sets:
    n = len(sets["kind"])
    with page.figure(caption, n, ratings.EACH, "sets", figsize=(6.5, 1.9 * n), squeeze=False) as axes:
        for i, line in enumerate(axes):
            for ax, film, scores in zip(line, sets["image"][i], sets["scores"][i], strict=True):
                plots.show(ax, film)
                ax.set_title(told(scores), fontsize=7)
                plots.outline(ax, sets["mask"][i], plots.ROLES["control"])
            asked = reports.words(sets["tokens"][i]).replace(" . ", "\n")
            plots.label(line[0], f"{NAMES[sets['kind'][i]]}\n{asked}")

# %% [markdown]
# The table shows how well the readers of this draw agree, how many pairs their scores give, and how
# many of these are in the order of what all readers see before noise and habit.

# %%
agreement = page.panel("agreement", lambda: looks.agreement(study, k))
head = ["", "images", "kappa", "by chance, 95 %", "pairs", "ties", "pairs in true order"]
page.table(head, [] if not agreement else [
    [name, f"{n:.0f}", number(kappa), f"{low:.2f} to {high:.2f}", f"{won:,.0f}", f"{ties:,.0f}",
     number(right)]
    for name, (n, kappa, low, high, won, ties, right)
    in zip(CRITERIA, agreement["lines"], strict=True) if n])  # fmt: skip

# %% [markdown]
# ## Diffusion-DPO
#
# The winner of a pair should be denoised better than by the generator as it was before (ref), and the
# loser worse:
#
# $$\mathcal{L} = -\log\sigma\Bigl(-\tfrac{\beta}{2}\bigl[(e_w - e_w^{\mathrm{ref}}) - (e_l - e_l^{\mathrm{ref}})\bigr]\Bigr),
# \qquad e = \tfrac1D\,\lVert \text{said} - \text{target} \rVert^2$$
#
# with the same noise at the same $t$ for all four errors. Before the first step both brackets are zero and
# the loss is $\ln 2$; a tuning that starts elsewhere has a wrong reference.
#
# There are three ways: *vanilla*; *rank*, where each side is weighted by its own score, as in a
# published ControlNet for radiographs; and *safeguarded*, where the loser's gradient never raises the
# winner's error, to first order.
#
# ## Toy: a line with two hills
#
# A tiny diffusion model knows two normal laws, left and right, and a reader likes the right one.
# After careful tuning more points come from the right; nothing else should change.

# %%
page.source(preference.margin, preference.safeguard)
base_rng, point_rng, pair_rng = (np.random.default_rng([seed, i]) for i in (1, 2, 3))
hills = toys.base(base_rng)
data = toys.compared(hills.sample(400, point_rng), 3.0, 600, pair_rng)
RUNS = {"vanilla, careful": ("vanilla", toys.CAREFUL), "vanilla, hasty": ("vanilla", toys.HASTY),
        "rank, hasty": ("rank", toys.HASTY), "safeguarded, hasty": ("safeguarded", toys.HASTY)}
runs = {
    name: toys.tuned(hills, data, DpoSettings(**toys.TUNING, arm=arm, rate=rate),
                     np.random.default_rng([seed, 4]))
    for name, (arm, rate) in RUNS.items()
}  # fmt: skip

# %%
caption = (
    "Four tunings of the toy: the loss, and the errors of winners and losers above the reference's; the "
    "careful rate dashed, the hasty one solid; grey: where all start, ln 2 and 0."
)
SHOWN = {"loss": "loss", "winner": "error of winners", "loser": "error of losers"}
with page.figure(caption, 1, 3, "toy", figsize=(10, 3)) as axes:
    for ax, (key, label) in zip(axes, SHOWN.items(), strict=True):
        for name, run in runs.items():
            arm, style = RUNS[name][0], "--" if "careful" in name else "-"
            points = [(row["step"], row[key]) for row in run.log]
            ax.plot(*np.transpose(points), style, marker=".", color=HUES[arm], label=name)
        ax.axhline(np.log(2) if key == "loss" else 0, color="#BBBBBB", lw=0.8)
        ax.set(xlabel="steps", title=label)
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)

# %%
page.table(["tuning", "last loss", "points on the right", "their SD", "points off both hills", "alarm"], [
    [name, number(run.log[-1]["loss"]), f"{run.share:.0%}", number(run.spread or np.nan),
     f"{run.away:.0%}", preference.alarm(run.log) or "–"] for name, run in runs.items()])  # fmt: skip
hasty, guarded = runs["vanilla, hasty"], runs["safeguarded, hasty"]
page.check("every loss starts at ln 2", all(np.isclose(run.log[0]["loss"], np.log(2)) for run in runs.values()))
page.check("haste has the better loss and the worse points",
           hasty.log[-1]["loss"] < runs["vanilla, careful"].log[-1]["loss"] and hasty.away > 0.05)
page.check("its sign: both errors grow", min(hasty.log[-1]["winner"], hasty.log[-1]["loser"]) > 0)
page.check("the safeguard holds winners", preference.alarm(guarded.log) is None and guarded.away < 0.05)

# %% [markdown]
# **What to see.** The loss of the hasty run looks fine: it falls further than that of the careful
# one. But it only asks that losers get worse *faster* than winners; when both get worse, points land
# where no data ever were. So both errors are logged in all that follows, and an alarm says when
# winners are worse than before. Weighting by rank also holds up here, since a loser with a low score
# is hardly pushed at all.
#
# ## The tuning of the films
#
# The branch learns from the pairs, the base stays frozen. For *coin* the pairs are the same, and so are
# batches and noise; but for any two films a coin says which is the winner, for all readers alike. What
# that tuning changes, too, is not due to what readers say.

# %%
tuned = page.panel("logs", lambda: looks.tunings(study, k))
caption = (
    "Tuning on the readers' pairs, and on pairs whose winner is drawn by a coin: the loss, and the errors "
    "of winners and losers above the untuned generator's; above zero winners are worse than before. "
    "One draw."
)
if tuned:
    with page.figure(caption, 1, 3, "logs", figsize=(10, 2.8)) as axes:
        for i, (ax, label) in enumerate(zip(axes, SHOWN.values(), strict=True), start=1):
            for how, log in tuned.items():
                ax.plot(log[:, 0], log[:, i], ".-", color=HUES[how], label=how)
            ax.axhline(np.log(2) if i == 1 else 0, color="#BBBBBB", lw=0.8)
            ax.set(title=label, xlabel="steps")
        axes[0].legend(fontsize=8)
    alarms = {how: next((int(r[0]) for r in log if r[0] and r[2] > 0), None) for how, log in tuned.items()}
    print("first step with winners worse than before:", alarms)
    starts = [log[0, 1] for log in tuned.values()]
    page.check("each tuning of films starts at ln 2", np.allclose(starts, np.log(2), atol=1e-6))

# %% [markdown]
# ## Do the films get better?
#
# Quality is the mean of faithfulness to what was asked for and of realism. It is judged by a reader
# network that shares no film with the one through which simulated readers see; otherwise the
# generator might learn the readers' blind spots. The claim is about films for text and mask (TM2I), which
# alone have both a text and a mask; most of the rated sets were asked for by text alone (T2I), so films
# for texts stand below.

# %%
PAIR = [arm for arm in chosen("original", "dpo", "dpo_random") if bare.has(arm, "quality")]
TOLD = [arm for arm in chosen("original_text", "dpo_text") if bare.has(arm, "quality")]
LOOKS = {"quality": "quality", "mask_adherence": "mask Dice", "label_adherence": "finding is seen",
         "hallucination": "hallucination (lower)", "kid": "KID (lower)"}  # fmt: skip
page.table(["", "R", *LOOKS.values()], [
    [arm.label, bare.count(arm, "quality"), *(bare.cell(arm, m) for m in LOOKS)] for arm in (*PAIR, *TOLD)])

# %%
films = page.panel("films", lambda: looks.before_and_after(study, k, PAIR))
caption = (
    "The same noise and requests before and after tuning, on readers' pairs and on pairs whose winner is "
    "drawn by a coin; orange: the mask that was asked for, above: quality. One draw."
)
if films:
    with page.figure(caption, len(PAIR), 8, "films", figsize=(11, 1.55 * len(PAIR)), squeeze=False) as axes:
        for line, arm in zip(axes, PAIR, strict=True):
            parts = films[arm.name], films["mask"], films[f"{arm.name}/quality"]
            for ax, film, mask, quality in zip(line, *parts, strict=True):
                plots.show(ax, film, f"{quality:.2f}")
                plots.outline(ax, mask, plots.ROLES["control"])
            plots.label(line[0], arm.label.replace(" on ", " on\n").replace(", ", ",\n"))

# %% tags=["CN-26"]
page.verdicts("CN-26")

# %% [markdown]
# ## Figure 4
#
# Here is what the tuned generator's films are worth to a classifier of pneumonia, beside the
# controls. A value is the mean of as many networks in every arm, more than
# [02_utility](02_utility.py) trains with synthetic films.

# %%
if words := unread(at, TASK, 2):
    page.text(words)

# %%
ARMS = [arm for arm in chosen("real", "syn2", "dpo2", "dpo_random2", "rank2", "safeguarded2", "oversample2",
                              "smooth2", "shuffled2", "oracle2") if at.has(arm, "f1")]  # fmt: skip
SCORED = {"auc": "AUC", "f1": "F1 at 0.5", "f1_tuned": "F1, threshold from validation"}
page.table(["", "R", *SCORED.values(), "share of the oracle's gain in F1", "*paper (patients)*"], [
    [arm.label, at.count(arm, "f1"), *(at.cell(arm, m) for m in SCORED),
     at.share(arm, "f1", "oracle2"), at.paper(arm, "f1")] for arm in ARMS])  # fmt: skip

# %%
caption = ("AUC and F1 of the pneumonia classifier at 10 % of the real films; 95 % t-intervals over "
           "draws; crosses: the paper, on patients.")  # fmt: skip
if ARMS:
    with page.figure(caption, 1, 2, figsize=(11, 3.8), sharey=True) as axes:
        for ax, metric in zip(axes, ("auc", "f1"), strict=True):
            plots.forest(ax, at, ARMS, metric, SCORED[metric])
        plots.legend(axes[0].figure)

# %%
caption = ("F1 with films of the tuned generator minus that of other arms, draw by draw; grey: the "
           "smallest difference that counts; crosses: the paper, on patients.")  # fmt: skip
TUNED, = chosen("dpo2")
if at.has(TUNED, "f1"):
    with page.figure(caption, name="gain", figsize=(7.5, 3)) as ax:
        plots.differences(ax, at, TUNED, [arm for arm in ARMS if arm != TUNED], "f1", MARGINS["f1"])
        ax.set_xlabel("F1, tuned on preferences minus ...")

# %% [markdown]
# **What to see.** How far is *tuned on preferences* from *Synthetic*, and how wide is the interval?
# That is what feedback adds; what tuning adds, whoever won, is in *the winner by a coin*. If the films did
# get better, did they also help more?

# %% tags=["CN-25"]
page.verdicts("CN-25")

# %% [markdown]
# ## More sets, better readers
#
# The cause that the paper gives for the weak effect can be tested by varying it: first the number of
# sets, then the noise of the readers at the paper's number of sets.
#
# Every tuning takes as many steps and draws as many pairs. So the sweep varies from how many *different*
# sets these come: those of few sets are drawn again and again, most of those of many sets never. What
# longer tuning would make of many sets, it does not say.

# %%
taken = size.dpo_steps * preference.OURS["pairs"]
each = agreement["lines"][:, 4].sum() / size.sets if agreement else None
print(f"a tuning draws {taken:,} pairs in {size.dpo_steps:,} steps")
page.table(["sets of four", "pairs, about", "each is drawn"], [] if not each else [
    [f"{n:,}", f"{n * each:,.0f}", f"{taken / (n * each):.2g} times"] for n in size.sweep])

# %%
SWEEPS = {
    "sets of four": {n: f"dpo{n}" for n in size.sweep},
    "noise of the readers (SD in points)": {
        sd: "dpo2" if sd == READERS.noise else f"dpo_noise{sd:g}"
        for sd in sorted({READERS.noise, *size.noises})},
}  # fmt: skip
swept = {name: {x: at.values(arm, "f1") for x, arm in arms.items() if at.has(arm, "f1")}
         for name, arms in SWEEPS.items()}  # fmt: skip
swept = {name: found for name, found in swept.items() if len(found) > 1}
if not swept:
    page.text("*No draw of the sweeps yet: they come with the profile `full`.*")

# %%
caption = (
    "F1 by the number of sets that readers scored, and by their noise; dots: draws, line: means, bars: "
    "95 % t-intervals; dashed: the generator without feedback."
)
if swept:
    with page.figure(caption, 1, len(swept), "sweep", figsize=(9, 3), squeeze=False) as axes:
        for ax, (name, found) in zip(axes[0], swept.items(), strict=True):
            plots.curve(ax, found, plots.ROLES["method"], "tuned")
            ax.axhline(at.mean("syn2", "f1"), color="#777777", ls="--", lw=1)
            ax.set(xlabel=name, ylabel="F1", xscale="log" if "sets" in name else "linear")
            ax.set_xticks([*found], [f"{x:g}" for x in found])
            ax.minorticks_off()

# %% tags=["CN-33"]
page.verdicts("CN-33")

# %% [markdown]
# ## Be a reader yourself
#
# The form [rate_images](../explore/rate_images.py) writes your scores to a file of the same kind, and
# so can any spreadsheet. Its columns are:
#
# | column | |
# |---|---|
# | reader | a name |
# | set, image | whole numbers; the images of a set were asked for alike |
# | condition | T2I, M2I or TM2I |
# | text_score, mask_score | 0 to 5; empty where there is no such condition |
#
# Name the file below; an error message names the line that is wrong. In a study,
# `ratings.rated_by_form` takes the place of `study.rated` as the job that `ratings.pairs` reads.

# %%
mine = ""  # path of your CSV
scored = ratings.read(Path(mine)) if mine else ratings.parsed(text)
own = ratings.pairs(ratings.as_result(scored))
print(f"{len(set(scored.reader))} reader(s), {len(set(scored.set))} set(s):", own.scores)
page.check("a file is read as it was written", ratings.written(ratings.parsed(text)) == text + "\n")

# %%
for arm in ARMS:
    values = np.concatenate([at.values(arm, m) for m in SCORED if at.has(arm, m)])
    page.check(f"{arm.name}: scores are shares", bool(((values >= 0) & (values <= 1)).all()))
page.check("sets are as large as the paper's", STATED["each"].value == ratings.EACH)
if page.meaningful:
    page.check("and as many, with as many readers",
               (size.sets, size.readers) == (STATED["sets"].value, STATED["readers"].value))

# %% [markdown]
# ## In this notebook we have
#
# - seen how noise hides agreement on scores, and less so on preferences;
# - tuned a toy until its loss looked best and its points were worst, and seen a safeguard against
#   that;
# - compared the films before and after, with a judge that shares nothing with the readers;
# - judged what feedback adds to a classifier, and whether more of it would add more.
#
# Next: [06_statistics](06_statistics.py), what two trials can show.
#
# ## Exercises
#
# **1.** A reader gives the four films of a set the scores 4, 4, 2, 2. How many preferences is that?

# %%
answer = None  # your number
again = text.replace("T2I,5", "T2I,4").replace("1,T2I,3", "1,T2I,4").replace("T2I,3", "T2I,2")
again = ratings.parsed(again.replace("T2I,1", "T2I,2"))
page.exercise(answer, lambda: len(ratings.pairs(ratings.as_result(again)).arrays["winner"]))

# %% [markdown]
# **2.** A reader of the toy prefers the right hill nine times in ten. How low can the expected loss
# get, in nats, before the model has only learned pairs by heart?

# %%
answer = None  # your number
page.exercise(answer, lambda: toys.floor(float(np.log(9))), within=0.005)

# %%
page.close()
