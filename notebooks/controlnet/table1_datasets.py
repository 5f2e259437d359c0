# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Table 1: five laws in the place of five collections
#
# - the paper's data sets and ours side by side: how many films, which findings, which scanner;
# - every finding as eight films, each beside its healthy twin and the deviation between them;
# - reports and five-word captions, what "1 %" means, and what Dice says where there is no lesion;
# - how hard each finding is for the independent reader.
#
# Nothing here shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
root = ""
draws = ""

# %%
import json
from dataclasses import fields
from pathlib import Path

import numpy as np

from lib.datasets import films
from lib.metrics import segmentation
from lib.papers.controlnet import looks, printed
from lib.papers.controlnet.arms import PERCENT, SOURCES, TASKS
from lib.phantoms import findings, reports
from lib.phantoms.findings import FINDINGS, LAWS
from lib.report import films as report
from lib.report import plots
from lib.report.page import Page

page = Page("controlnet/table1_datasets", profile, seed, dataset, root, draws)
page.study.source.known("films with nine findings")

# %% [markdown]
# ## What the paper prints
#
# > We used the CANDID-PTX chest X-ray dataset for training our diffusion model. A total of 17,237
# > randomly selected images were used for training, while the remaining 2,000 images were reserved for
# > evaluation. These 2,000 held-out images were then employed for downstream pneumothorax segmentation,
# > with the data split randomly into an 80/20 ratio for training and testing. (Datasets)

# %%
share = {name: each.train / (each.train + each.test) for name, each in printed.TABLE1.items()}
lines = [[TASKS[name].label.removesuffix("-like"), f"{each.train:,}", f"{each.test:,}",
          f"{share[name]:.1%}", ", ".join(each.conditions)]
         for name, each in printed.TABLE1.items()]  # fmt: skip
page.table(["Table 1", "train", "test", "train share", "conditions"], lines)
kept = {name: abs(x - printed.STATED["train_share"].value) < 0.01 for name, x in share.items()}
page.check("of SIIM and RSNA, both said to be split 80/20, RSNA is not", kept["siim"] > kept["rsna"])

# %% [markdown]
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | RSNA "80/20", printed as another share; its sum, and CheXpert's test set, are not those of the public sets (CN-E15) | every set is drawn fresh: training, validation and test subjects differ by construction |
# | Table 1 gives the *generator's* split of CANDID-PTX; segmentation has four fifths of the smaller part (CN-E16) | the films of the branch, of the task and of the test are three sets of subjects |
# | SIIM without lesion-free films, CANDID-PTX with them; what Dice is without a lesion is not said (CN-E17) | Dice over films with a lesion; beside it over all, an empty mask on an empty one counting 1 |
# | 1, 10 and 100 % of sets whose sizes differ a hundredfold (CN-E19) | the same fractions of sets of one size; results stand against the number of films |
#
# ## Four tasks, and one more law
#
# A law is a mixture of *kinds of patients*. Within a kind $k$ findings are independent, so that every
# prevalence, and every pair, has a closed form:
#
# $$P(a) = \sum_k \pi_k\, p_{k,a}, \qquad P(a, b) = \sum_k \pi_k\, p_{k,a}\, p_{k,b}$$
#
# The fifth law, *mimic*, is the one that the base learns from: it has all nine findings.

# %%
page.source(findings.Law.prevalence)
page.table(
    ["law", "kinds of patients", *FINDINGS],
    [[name, len(law.kinds), *(f"{law.prevalence(f):.0%}" if law.prevalence(f) else "–"
                              for f in FINDINGS)] for name, law in LAWS.items()],
)  # fmt: skip

# %% [markdown]
# Findings come together because patients do: a large heart with edema and effusion, pneumothorax with
# a tube.

# %%
SHORT = ("atelect.", "cardiom.", "consol.", "edema", "effusion", "pneumon.", "pneumoth.", "fracture",
         "tube")  # fmt: skip


def together(law: findings.Law) -> np.ndarray:
    """P(column | row) of all findings (9, 9); NaN where the row's never occurs."""
    pairs = np.array([[law.prevalence(*{a, b}) for b in FINDINGS] for a in FINDINGS])
    alone = np.diag(pairs)[:, None]
    return np.divide(pairs, alone, out=np.full_like(pairs, np.nan), where=alone > 0)


caption = "How often the finding of a column is there, given that of the row; closed form, five laws."
with page.figure(caption, 1, 5, "together", figsize=(13, 3.4)) as axes:
    for ax, (name, law) in zip(axes, LAWS.items(), strict=True):
        ax.set_facecolor("#BBBBBB")
        drawn = ax.imshow(together(law), cmap="Blues", vmin=0, vmax=1)
        ax.set_xticks(range(9), SHORT, rotation=90, fontsize=7)
        ax.set_yticks(range(9), SHORT if ax is axes[0] else [""] * 9, fontsize=7)
        ax.set_title(name)
        ax.grid(visible=False)
    axes[0].figure.colorbar(drawn, ax=axes, shrink=0.7, label="P(column | row)")

# %% [markdown]
# **What to see.** Grey lines are findings that a law does not have. In *siim* every film has a
# pneumothorax, as in the paper, which kept "only [...] images with nonzero segmentation masks".
#
# ## The scanners
#
# Here are the same six healthy subjects in front of every law's scanner. The law of the branch,
# *candid*, has the scanner of the base; the generator never sees the other three.

# %%
six, none = np.arange(1, 7, dtype=np.uint64), np.zeros((6, len(FINDINGS)), np.uint8)
seen = {name: findings.render(findings.from_seeds(law, six, none)).image for name, law in LAWS.items()}
caption = "Six subjects without findings, the same in every line, seen by the scanners of five laws."
with page.figure(caption, 5, 6, "scanners", figsize=(7.6, 6.2)) as axes:
    plots.gallery(axes, seen)
differs = [name for name, image in seen.items() if not np.array_equal(image, seen["mimic"])]
page.check("mimic and candid share a scanner, bit for bit", "candid" not in differs)
page.check("the other three differ", differs == ["siim", "rsna", "chexpert"])


# %% [markdown]
# Only these ranges of a law are calibrated; everything else belongs to the body that all laws share.
# They were set with arms that have no generator, and then frozen. How hard they make the findings was
# measured once: the AUC of a small network by the number of real films, and the Dice of a U-Net for the
# pneumothorax.

# %%
default, lines = findings.Body(), []
for f in fields(findings.Body):
    each = [getattr(law.body, f.name) for law in LAWS.values()]
    if f.name != "name" and any(one != getattr(default, f.name) for one in each):
        lines.append([f"`{f.name}`", *(f"{low:g} to {high:g}" for low, high in each)])
lines.append(["blur of the detector, pixels", *(f"{law.blur:g}" for law in LAWS.values())])
page.table(["range", *LAWS], lines)
hard = json.loads((Path(findings.__file__).parent / "difficulty.json").read_text(encoding="utf-8"))
at = ("16", "160", "1600")
measured = {(law, name): {n: each[name] for n, each in by.items()} for law, by in hard["auc"].items()
            if law in TASKS for name in by["16"]}  # fmt: skip
measured |= {(law, "Dice of the outline"): by for law, by in hard["dice"].items()}
lines = [[*key, *(f"{by[n]:.2f}" for n in at), f"{by[max(by, key=int)]:.2f}"]
         for key, by in measured.items()]  # fmt: skip
page.table(["law", "AUC of", *at, "most films"], lines)
page.text(f"*{hard['how']}*")

# %% [markdown]
# ## Nine findings, eight films each
#
# Each subject has three pictures: with the finding, without it in the same noise (its *healthy
# twin*), and their difference, grey where nothing changes.

# %%
eight = np.arange(8, dtype=np.uint64) + np.uint64(8 * seed)
alone = np.eye(len(FINDINGS), dtype=np.uint8)
shown = {name: findings.render(findings.from_seeds(LAWS["mimic"], eight, label[None].repeat(8, 0)))
         for name, label in zip(FINDINGS, alone, strict=True)}  # fmt: skip
page.check("outside a finding's support the twin is the film, bit for bit", all(
    np.array_equal(each.image[~each.support], each.healthy[~each.support])
    for each in shown.values()))  # fmt: skip
page.check("every finding changes every film", all(x.support.any((1, 2)).all() for x in shown.values()))


# %%
def triple(each: findings.Films) -> np.ndarray:
    """Eight films, their twins and their deviations as one picture of three lines."""
    lines = np.concatenate([each.image, each.healthy, 0.5 + each.deviation])
    return plots.panel(lines.clip(0, 1), 8)


caption = (
    "Each finding alone, in the same eight subjects: film, healthy twin, and deviation (grey: no "
    "change; brighter: more shadow). Law mimic."
)
with page.figure(caption, 3, 3, figsize=(13, 5.4)) as axes:
    for ax, (name, each) in zip(axes.flat, shown.items(), strict=True):
        plots.show(ax, triple(each), name)
    for ax in axes[:, 0]:
        plots.beside(ax, ("film", "twin", "deviation"))

# %% [markdown]
# **What to see.** The columns are the same eight people. Cardiomegaly moves a border, edema is
# everywhere and faint, a pneumothorax *darkens*; a fracture is a few pixels. Two healthy people differ far
# more than a film and its twin.
#
# ## What a report says
#
# A grammar writes our reports from the true findings; the paper's come from MIMIC-CXR and CANDID-PTX,
# and GPT-4 condenses them to five words. Ours are never wrong and leave nothing out.

# %%
page.source(reports.caption)
few = films.film_set("mimic", 60, [seed, 5]).arrays
texts = [[reports.words(few[part][i]) for part in ("tokens", "caption")] for i in range(60)]
has = few["labels"].sum(1).astype(int)
picked = [*np.argsort(-has, kind="stable")[:3], *np.flatnonzero(has == 1)[:2], has.argmin()]
page.table(["film", "report", "caption"], [[i + 1, *texts[j]] for i, j in enumerate(picked)])

# %%
caption = "The six films of the table above."
with page.figure(caption, 1, 6, "reported", figsize=(9, 1.8)) as axes:
    for i, (ax, j) in enumerate(zip(axes, picked, strict=True)):
        plots.show(ax, few["image"][j], f"{i + 1}")
longest = max(len(short.split()) for _, short in texts)
lost = 1 - sum(short != reports.NORMAL for _, short in texts) / few["labels"].sum()
print(f"captions have at most {longest} words; they leave out {lost:.0%} of the findings")
page.check("no caption is longer than the paper's", longest <= printed.STATED["words"].value)

# %% [markdown]
# **What to see.** A caption names the most severe finding only. What a text does not name may still be
# there: a generator that learns from captions learns that too.
#
# ## The draws
#
# One training set for each task, as the arms of [02_utility](02_utility.py) get it: how many films have
# each finding, and how many should by the law.

# %%
page.run()
drawn = page.panel("laws", lambda: looks.sets(page.study, page.study.draws()[0]))
if not drawn:
    page.text("*The record has no draw of these sets yet.*")
else:
    count = {name: (np.diag(drawn[f"{name}/pairs"]), drawn[f"{name}/n"][0]) for name in TASKS}
    page.table(
        ["drawn / law", "films", *FINDINGS],
        [[TASKS[name].label, n, *(f"{a / n:.1%} / {LAWS[name].prevalence(f):.1%}" if a else "–"
         for a, f in zip(have, FINDINGS, strict=True))] for name, (have, n) in count.items()],
    )  # fmt: skip

# %%
for name in TASKS if drawn else ():
    pairs, n = drawn[f"{name}/pairs"], drawn[f"{name}/n"][0]
    truth = np.array([[LAWS[name].prevalence(*{a, b}) for b in FINDINGS] for a in FINDINGS])
    near = 5 * np.sqrt(truth * (1 - truth) / n) + 2 / n
    page.check(f"{name}: all pairs are as frequent as the law says", (abs(pairs / n - truth) <= near).all())
    about = TASKS[name].about
    if about:
        first, j = drawn[f"{name}/first"], FINDINGS.index(about)
        even = abs(first[:, j].sum() - len(first) * pairs[j, j] / n) <= 1
        page.check(f"{name}: the first films have their share of {about}", even)

# %%
caption = "Grey values of the training films of four tasks (steps of a fiftieth); the scanners differ."
if drawn:
    with page.figure(caption, name="grey", figsize=(6, 3)) as ax:
        for name, task in TASKS.items():
            ax.plot(np.linspace(0.01, 0.99, 50), drawn[f"{name}/grey"], label=task.label)
        ax.set(xlabel="grey value", ylabel="share of pixels", yscale="log")
        ax.legend(fontsize=8)

# %% [markdown]
# ## What a fraction is
#
# > particularly in cases with minimal ground truth data (e.g., 1% and 10% ground truth data)
# > (Results)

# %%
said = {name: [printed.real_images(name, p) for p in PERCENT] for name in TASKS}
own = [page.study.real(p) for p in PERCENT]
caption = (
    "Real films behind 1, 10 and 100 %: in the paper (crosses) and here (dots), by task."
)
with page.figure(caption, name="fractions", figsize=(6, 2.4)) as ax:
    for y, each in enumerate(said.values()):
        ax.plot(each, [y + 0.12] * 3, "x-", color=plots.ROLES["paper"], label="" if y else "paper")
        ax.plot(own, [y - 0.12] * 3, "o-", color=plots.ROLES["method"], label="" if y else "here")
    ax.set(xscale="log", xlabel="real films", ylim=(-0.6, 3.6))
    ax.set_yticks(range(4), [task.label for task in TASKS.values()])
    ax.legend(fontsize=8, loc="lower right")
page.check("1 % of CheXpert is more than all of the paper's CANDID-PTX films",
           said["chexpert"][0] > said["candid"][2])  # fmt: skip

# %% [markdown]
# **What to see.** The paper's "1 %" of CheXpert is a larger training set than its "100 %" of
# CANDID-PTX (CN-E19). A benefit that shrinks from 1 to 100 % says something about scarcity within
# each line, and nothing across lines.
#
# ## A toy: Dice without a lesion
#
# Two segmenters need no image: one marks nothing, the other a fixed disc. Here is their Dice over
# films with a lesion, over all films with empty on empty counted as 1, and over all with it counted
# as 0 (CN-E17):

# %%
y, x = np.mgrid[:64, :64]
fixed = {"nothing": np.zeros((64, 64), bool), "a disc": (y - 18) ** 2 + (x - 46) ** 2 < 64}
lines, silent = [], {}
for name in ("candid", "siim"):
    masks = films.plane(films.film_set(name, 100, [seed, 7]), "pneumothorax")
    for what, guess in fixed.items():
        counts = segmentation.overlap(np.broadcast_to(guess, masks.shape)[:, None], masks[:, None])
        found = [segmentation.slice_dice(counts, how)[:, 0] for how in ("skip", "score")]
        zero = np.where(masks.any((1, 2)), found[1], 0)
        lines.append([name, what, *(f"{np.nanmean(d):.3f}" for d in (*found, zero))])
        silent[name] = found[1].mean() if what == "nothing" else silent[name]
page.table(["law", "marks", "with a lesion", "all, empty = 1", "all, empty = 0"], lines)
page.check("marking nothing scores where films have no lesion", silent["candid"] > 0.5 > silent["siim"])

# %% [markdown]
# **What to see.** The third convention punishes a set for its healthy films, the second rewards it.
# The paper's baselines for CANDID-PTX and SIIM differ fourfold, and this alone could be the reason.
#
# ## How hard is a finding?
#
# The independent reader learns from plentiful films that no generator and no arm sees. What it can
# tell apart on held-out films is a ceiling for everything that is measured through its eyes.

# %%
reader = page.panel("reader", lambda: looks.hardness(page.study))
caption = "AUC of the independent reader for each finding, on held-out films of all five laws."
if reader:
    with page.figure(caption, name="reader", figsize=(6, 2.8)) as ax:
        ax.barh(range(9), reader["auc"], color=plots.ROLES["oracle"])
        ax.axvline(0.5, color="black", lw=0.8, ls="--")
        ax.set_yticks(range(9), FINDINGS)
        ax.set(xlim=(0.4, 1), xlabel="AUC (dashed: chance)")
        ax.invert_yaxis()
if reader and page.meaningful:
    page.check("the reader tells every finding better than chance", np.nanmin(reader["auc"]) > 0.6)

# %% [markdown]
# Now the tasks: what real films give alone, with classical augmentation, and with as many fresh
# phantoms as the paper quotes synthetic films. There is no generator in this table. The last column is
# what films as true as those of new subjects give; the lines below it say where that is no gain, so that
# it is no ceiling either.

# %%
utility, lines, told = page.rows_of("controlnet/02_utility"), [], []
for task in TASKS.values():
    for percent in PERCENT:
        at = utility.get(task.regime(percent))
        fresh = SOURCES[f"oracle{task.quoted[percent]}"]
        each = [at.cell(arm, task.score) for arm in ("real", "classic", fresh)]
        lines.append([task.label, f"{percent} %", page.study.real(percent), task.score, *each])
        words = report.unread(at, task, task.quoted[percent])
        told += [f"- *{task.label}, {percent} %.* {words}"] * bool(words)
page.table(["task", "", "films", "score", "real", "augmented", "fresh phantoms"], lines)
page.text("\n".join(told))

# %% [markdown]
# **What to see.** A dash means: not run yet. Where the last column is no better than the first, films of
# a generator are not expected to help, and it should not be blamed for that.
#
# These networks are the paper's at our size (ResNet-50, MGCA and UNet++); the laws were calibrated with
# four convolutions and a U-Net. As many films may so read another AUC or Dice here than in the table of
# the calibration, which was not repeated.
#
# ## In this notebook we have
#
# - replaced the paper's collections by five laws, with prevalences and pairs in closed form;
# - seen every finding beside the same chest without it, and the same chest on every scanner;
# - read reports and captions, and found out what captions leave out;
# - counted how many films 1 % is, and seen what Dice says where there is no lesion.
#
# Next: [01_branch](01_branch.py), how a mask joins a generator that draws films from texts.
#
# ## Exercises
#
# **1.** In the law *chexpert*, what share of films with cardiomegaly also has edema?

# %%
answer = None  # your number
both = LAWS["chexpert"].prevalence("cardiomegaly", "edema")
page.exercise(answer, lambda: both / LAWS["chexpert"].prevalence("cardiomegaly"), within=0.01)

# %% [markdown]
# **2.** A segmenter never marks anything. What is its Dice on a set in which 80 % of the films have
# no lesion, with empty on empty counted as 1?

# %%
answer = None  # your number
page.exercise(answer, lambda: 0.8, within=1e-6)

# %% [markdown]
# **3.** A classifier calls every film of the law *rsna* pneumonia. What is its F1?

# %%
answer = None  # your number
share = LAWS["rsna"].prevalence("pneumonia")
page.exercise(answer, lambda: 2 * share / (1 + share), within=0.005)

# %%
page.close()
