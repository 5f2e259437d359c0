# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Figure 1: films from texts and masks
#
# - one noise, four orders: what a text and a mask change;
# - samples of texts, masks and both beside real films, in the eyes of an independent reader;
# - is the generator good enough to be judged at all? All other pages of this chapter depend on that;
# - pick findings and a mask yourself, and see what is honoured and what is dropped.
#
# How the branch works, and which recipes were tried, is the subject of [01_branch](01_branch.py).
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

from lib.claims import gate
from lib.explore import prompts
from lib.generators import controlnet, portable, requests
from lib.metrics.masks import alignment
from lib.papers.controlnet import looks
from lib.papers.controlnet.arms import SOURCES, chosen
from lib.phantoms import findings, reports
from lib.phantoms.findings import FINDINGS, LAWS
from lib.record.rows import RecordError
from lib.report import conditions, plots, watched
from lib.report.page import Page
from lib.tasks import film_reader

page = Page("controlnet/01_generator", profile, seed, dataset, root, draws)
study = page.study
study.source.known("films with nine findings")
ASKED, READ = plots.ROLES["control"], "#56B4E9"  # outlines: a requested mask, a lesion that is read

# %% [markdown]
# ## What the paper says
#
# > generate synthetic data from any combination of text and mask (Methods)
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | samples are shown, and no score of them is given | an independent reader, trained on films of its own, says what it sees in each of them |
# | any combination of text and mask | text alone, mask alone, and both, for the same requests |
# | the generator has seen more than ten times the films of the scarce tasks, from one of the test collections (CN-E05, CN-E06) | as printed; [03_volume](03_volume.py) has one that saw the scarce films alone |
#
# ## Figure 1, a picture of our own
#
# A text and a mask go in; DDIM turns noise into a film, step by step, in the latents of an
# auto-encoder. Here the same noise is given four orders.

# %%
rows = page.run()
at = rows.get("bare")
k = next(iter(study.draws()), 0)
if not len(rows):
    page.text("*No draw of this page yet; figures of samples are left out.*")
ways = page.panel("ways", lambda: looks.ways(study, k, seed))

# %%
if ways:
    text = reports.words(ways["text"])
    caption = (
        f"From noise to film: one noise and four orders; the text is “{text}”, the mask orange; seven "
        "moments of the sampler, the last one the film."
    )
    with page.figure(caption, 4, 7, figsize=(9.5, 5.6)) as axes:
        plots.gallery(axes, dict(zip(looks.ORDERS, ways["film"], strict=True)))
        for line in axes[2:]:
            plots.outline(line[0], ways["mask"], ASKED)
            plots.outline(line[-1], ways["mask"], ASKED)
        axes[0, 0].set_title("noise"), axes[0, -1].set_title("film")

# %% [markdown]
# **What to see.** All four begin alike. Does the lung draw back along the orange line where the mask is
# asked for, and only there? Does the text change what it names, and leave the rest?
#
# ## Texts, masks, and both, beside real films
#
# What is asked for is what real films of *mimic* show, half of them with a pneumothorax. *Fresh phantoms*
# are other subjects with the same findings: what a perfect generator would draw.

# %%
CONDITIONS = chosen("fresh", "text_only", "mask_only", "text_and_mask")
drawn = page.panel("conditions", lambda: looks.conditions(study, k, CONDITIONS))
caption = (
    "Eight requests: fresh phantoms that show them, and samples under text, mask, and both. Orange: the "
    "mask asked for (of phantoms: their own), blue: the pneumothorax that the reader sees; number: "
    "their Dice. The first four have a mask, the others none; one draw."
)
if drawn:
    with page.figure(caption, 4, 8, "conditions", figsize=(11.5, 6.2)) as axes:
        for line, arm in zip(axes, CONDITIONS, strict=True):
            three = (drawn[f"{arm.name}/{part}"] for part in ("image", "mask", "lesion"))
            for ax, x, m, seen in zip(line, *three, strict=True):
                plots.show(ax, x, f"{alignment(m[None], seen[None])['dice'] or 0:.2f}" if m.any() else "")
                plots.outline(ax, m, ASKED)
                plots.outline(ax, seen, READ)
            plots.label(line[0], arm.label.replace(" (", "\n("))

# %%
def named(found: np.ndarray) -> str:
    """Findings by their names."""
    return ", ".join(name for name, there in zip(FINDINGS, found, strict=True) if there) or "–"


lines = [] if not drawn else [
    [i + 1, reports.words(drawn["text_and_mask/tokens"][i]), *(named(drawn[f"{arm.name}/sees"][i])
     for arm in (CONDITIONS[0], CONDITIONS[1], CONDITIONS[3]))] for i in range(8)]  # fmt: skip
page.table(["", "the text", "the reader sees: fresh", "text alone", "text and mask"], lines)

# %% [markdown]
# **What to see.** The line *fresh* is what the reader makes of true films: it errs there, too. A blue
# outline without an orange one is a lesion that nobody asked for.
#
# ## In numbers
#
# *Label accuracy* is the mean of sensitivity and specificity over findings, as a share of what the reader
# reaches on real films; *mask Dice* compares the mask that was asked for with the lesion that is read;
# *hallucination* is the share of films with a finding, or most of a lesion, that was not asked for.

# %%
SCORES = {"label_accuracy_ratio": "label accuracy", "mask_adherence": "mask Dice",
          "hallucination": "hallucination", "realism": "realism", "fd": "FD", "kid": "KID",
          "coverage": "coverage"}  # fmt: skip
ARMS = [arm for arm in chosen("fresh", "text_only", "mask_only", "text_and_mask", "twin")
        if at.has(arm, "fd")]  # fmt: skip
lines = [[arm.label, at.count(arm, "fd"), *(at.cell(arm, m) for m in SCORES)] for arm in ARMS]
nulls = [["null (real against real)", "", *(at.null("syn", m) for m in SCORES)]] if lines else []
page.table(["", "R", *SCORES.values()], lines + nulls)
if not at.has("twin", "fd"):
    page.text("*The twin has no draw here: it is computed in profile `full`.*")

# %%
caption = "Text, mask, and both: every draw a dot, 95 % t-intervals; green band: real against real."
if ARMS:
    four = ("label_accuracy_ratio", "mask_adherence", "hallucination", "fd")
    with page.figure(caption, 2, 2, "scores", figsize=(11, 4.2)) as axes:
        for ax, metric in zip(axes.flat, four, strict=True):
            plots.forest(ax, at, ARMS, metric, SCORES[metric], crosses=False)
            plots.null(ax, at.row("syn", metric))

# %% [markdown]
# ## Is it good enough to be judged?
#
# A generator that does not do what it is asked for makes every comparison with it empty. First our bars
# for this chapter, and the accuracy for one name ([below](#every-finding-alone)), which joined the gate
# after the first look at draw 0; then the gate that all chapters share. A claim whose generator misses
# the latter is *not interpreted*.

# %%
BARS = {"label_accuracy_ratio": (conditions.LABELS, "label accuracy"),
        "mask_adherence": (conditions.DICE, "mask Dice")}  # fmt: skip
lines = []
for metric, (least, label) in BARS.items() if at.has("syn", "fd") else ():
    value = at.mean("syn", metric)
    lines.append([label, at.cell("syn", metric), at.cell("fresh", metric), f"{least:g}",
                  "yes" if value >= least else "**no**"])  # fmt: skip
if at.has("syn", "name_accuracy"):
    names, true = (at.mean(arm, "name_accuracy") for arm in ("syn", "fresh"))
    least = gate.ADHERENCE[0]
    lines.append(["accuracy for one name, over that of fresh phantoms", f"{names / true:.3f}", "1",
                  f"{least:g}", "yes" if names / true >= least else "**no**"])  # fmt: skip
page.table(["base and branch", "here", "fresh phantoms", "at least", "met"], lines)

# %%
asked = conditions.adherences(at)
page.table([*conditions.HEAD], conditions.lines(asked))
page.text("\n".join(conditions.said(asked)))
page.text(f"*The films of {conditions.fed()} are drawn for texts alone, each of them one name.*")

# %% [markdown]
# **What to see.** The first table is about text and mask together. The second has every condition, on two
# scales. Label accuracy is a mean of sensitivity and specificity: films of *anything* have 0.5, and so
# more than half of the reader's accuracy on real films (*chance reads*). *Above chance* takes 0.5 off
# both; it is 0 for films of anything, and 1 for real ones. The bar was fixed for the first scale, and the
# gate reads that, too. Which conditions would still meet it on the second?
#
# The gate:

# %%
ends = {name: f"at least {low:g}" + (f", at most {high:g}" if high < np.inf else "")
        for name, (low, high) in gate.BOUNDS.items() if name not in gate.WITHOUT["controlnet"]}  # fmt: skip
page.table(["the gate", "bounds"], [*map(list, ends.items())])
if at.has("syn", "plateau"):
    print("at its plateau:", "yes" if at.mean("syn", "plateau") else "no")

# %% [markdown]
# Which steps and which guidance were tried before, on a draw of their own, stands in
# [01_branch](01_branch.py).
#
# ## When does the mask take hold?
#
# The branch stands beside its *twin*, which has no frozen base: the mask joins the input of the same
# network, and everything learns. Both start as the base, bit for bit.

# %%
curves = {arm: watched.curve(rows, arm, "mask_adherence", page.size.watched)
          for arm in ("syn", "twin")}  # fmt: skip
caption = (
    "Dice of requested and read mask after so many steps, masks alone; dots: draws; green: fresh "
    "phantoms."
)
if curves["syn"]:
    with page.figure(caption, name="steps", figsize=(6, 3)) as ax:
        for arm, hue in (("syn", plots.ROLES["method"]), ("twin", ASKED)):
            if curves[arm]:
                plots.curve(ax, curves[arm], hue, SOURCES[arm].label)
        ax.axhline(at.mean("fresh", "mask_adherence"), color=plots.ROLES["oracle"], lw=1)
        ax.set(xlabel="gradient steps", ylabel="mask Dice", ylim=(0, 1))
        ax.set_xticks(page.size.watched)
        ax.legend(fontsize=8)
for arm, found in curves.items():
    page.text(watched.rule(SOURCES[arm].label, found))
if not curves["twin"]:
    page.text("*The twin's curve needs profile `full`.*")

# %% [markdown]
# **What to see.** Users of ControlNet report that the condition takes hold suddenly. Is there such a
# step? And does freezing the base cost adherence, or only time?
#
# Adherence could also say when to stop. Here it does not: the reader that it takes is the one that judges
# the films, and all generators and draws are to have equal steps. So the number of steps is fixed, and the
# line below the figure says what such a rule would have chosen. How texts fare meanwhile stands in
# [01_branch](01_branch.py).
#
# ## More masks than there are
#
# > Geometric transformations, including dilation, erosion, horizontal flipping, and translation, were
# > applied to ground truth masks (Results)

# %%
labels = np.zeros((4, len(FINDINGS)), np.uint8)
labels[:, findings.columns("pneumothorax")] = 1
truth = findings.render(findings.from_seeds(LAWS["candid"], np.arange(14, 18), labels))
own = findings.plane(truth.planes, "pneumothorax")
each = {how: np.stack([requests.transformed(m, how, np.random.default_rng([seed, i]))
                       for i, m in enumerate(own)]) for how in requests.TRANSFORMS}  # fmt: skip

# %%
caption = "Four true masks (left column: with their films) under each transformation."
with page.figure(caption, 4, 6, "transforms", figsize=(8.6, 5.8)) as axes:
    for i, line in enumerate(axes):
        plots.show(line[0], truth.image[i], "film" if i == 0 else "")
        plots.outline(line[0], own[i], ASKED)
        for ax, (how, masks_) in zip(line[1:], each.items(), strict=True):
            plots.show(ax, masks_[i], how if i == 0 else "")

# %%
grow, less = (each[how] > 0 for how in ("dilation", "erosion"))
page.check("dilation contains the mask, the mask its erosion", bool((grow >= own).all() and (own >= less).all()))
page.check("flipped twice is the mask", np.array_equal(each["flip"][:, :, ::-1], own))
page.check("translation adds nothing", bool((each["translation"].sum((1, 2)) <= own.sum((1, 2))).all()))

# %% [markdown]
# **What to see.** A dilated or moved rim leaves the lung: no pneumothorax looks like that, and the film is
# drawn all the same. Whether such masks help is asked in [02_utility](02_utility.py) (CN-20).
#
# ## Every finding alone
#
# This is what classifiers are later given: films whose prompt is one name. A dot marks films in which the
# reader sees the finding that was asked for.

# %%
single = page.panel("single", lambda: looks.single(study, k))
caption = (
    "Four films for each finding, drawn by base and branch from its name alone (left), and fresh phantoms "
    "(right); green dot: the reader sees what was asked for. First films, one draw."
)
if single:
    films, hit = (np.concatenate([single[f"{name}/{part}"] for name in ("drawn", "fresh")], 1)
                  for part in ("film", "sees"))  # fmt: skip
    with page.figure(caption, name="single", figsize=(7.6, 8.2)) as ax:
        plots.show(ax, plots.panel(films.reshape(-1, 64, 64), 8))
        plots.beside(ax, FINDINGS)
        plots.over(ax, ("drawn", "fresh phantoms"), side=256)
        ax.axvline(255.5, color="white", lw=3)
        for y, x in zip(*np.nonzero([hit[j, :, j] for j in range(9)]), strict=True):
            ax.plot(64 * x + 6, 64 * y + 6, "o", ms=4, color="#3ddc97")

# %%
caption = "Share of films in which the reader sees a finding (column) when one (row) was asked for."
if single:
    with page.figure(caption, 1, 2, "seen", figsize=(9.5, 4.4), sharey=True) as axes:
        for ax, (name, title) in zip(axes, {"drawn": "base and branch", "fresh": "fresh phantoms"}.items(),
                                     strict=True):  # fmt: skip
            image = ax.imshow(single[f"{name}/share"], cmap="Blues", vmin=0, vmax=1)
            ax.set_xticks(range(9), FINDINGS, rotation=90)
            ax.set_yticks(range(9), FINDINGS)
            ax.grid(visible=False)
            ax.set(title=title, xlabel="seen")
        axes[0].set_ylabel("asked for")
        axes[0].figure.colorbar(image, ax=axes, shrink=0.7)

# %% [markdown]
# **What to see.** The diagonal is what was asked for. Off it lie the reader's own errors, which both
# panels share, and findings that the generator adds because reports name them together. A diagonal that
# is empty on the left and not on the right is a generator that reads reports and not names: whoever
# gives such films to a classifier teaches it wrong labels. The gate therefore asks for the accuracy of
# these films, too, over that of fresh phantoms; chance is 0.5.
#
# ## Ask for films of your own
#
# Pick findings, a mask, or both. Every order has four samples, which start from the same noise as those
# of all others: what changes is what was asked for.
#
# - **Honoured**: the reader sees a finding that was asked for, or its outline and the mask have a Dice of
#   0.6. **Dropped**: it does not. **Added**: the reader is sure of a finding that nobody asked for.
# - By keyboard: Tab to a choice, then space or the arrow keys.
# - In a live notebook with fitted weights the kernel draws any order: write the prompt in words of your
#   own, move the mask, take another seed. It needs the first two code cells and the next two, no others.

# %%
def carried() -> tuple | None:
    """Base, branch and reader of draw 0; None where neither this home nor the record has them."""
    try:
        kept = page.model("controlnet", study.portable(0))
        return (*portable.parts(kept), film_reader.load(page.model("reader", study.reader)))
    except RecordError as error:
        page.text(f"*{error}*")
        return None


answering = carried()

# %%
ordered = page.panel("prompts", lambda: looks.ordered(study, 0), study.ordered(0))
shown = prompts.explorer(ordered, prompts.Kernel(*answering) if answering else None)
shown.write()
shown

# %% [markdown]
# **What to see.** Does the mask alone bring a pneumothorax, and does the text alone? Let the text ask for
# the right side and the mask for the left one: which of the two wins? Take *healthy* with a mask. Then
# look for what is added: an edema that comes along with a large heart is what reports have taught.
#
# ## A prompt in words
#
# Write other words of `reports.VOCABULARY` and run the cell again: severities and synonyms, too.

# %%
wish = "large left pneumothorax . chest tube"

# %%
if answering:
    base, branch, reader = answering
    four = controlnet.pool(base, branch, requests.prompt_requests([wish], 4), 4, [seed, 9]).arrays["image"]
    with page.figure(f"Four films for “{wish}”, draw 0.", 1, 4, "asked", figsize=(8, 2.2)) as axes:
        for i, (ax, film) in enumerate(zip(axes, four, strict=True)):
            plots.show(ax, film, f"{i + 1}")
            plots.outline(ax, reader.lesions(film[None])[0], READ)
    page.table(["film", "the reader sees"], [[i + 1, named(x)] for i, x in enumerate(reader.sees(four))])

# %% [markdown]
# ## Verdicts
#
# Tests and margins stand in `lib/claims/ledger.json`. Does the branch leave the text-only model as it
# was, at the start and in its samples? Do samples follow mask and text? And does one of the two alone
# work as well?

# %% tags=["CN-28", "CN-29", "CN-30"]
page.verdicts("CN-28", "CN-29", "CN-30")

# %%
shares = [at.values(arm, m) for arm in ARMS for m in ("mask_adherence", "hallucination", "realism")
          if at.has(arm, m)]  # fmt: skip
page.check("scores are shares", all(((v >= 0) & (v <= 1)).all() for v in shares))
if page.meaningful and at.has("fresh", "mask_adherence"):
    page.check("the reader finds the masks of true films", at.mean("fresh", "mask_adherence") > 0.5)

# %% [markdown]
# ## In this notebook we have
#
# - watched one noise become four films, by what they were asked for;
# - looked at films for texts, masks and both with the eyes of a reader that has seen none of them in
#   training;
# - held the generator against bars that were set beforehand, and so asked whether it may be judged;
# - seen what masks become when they are transformed, and what a prompt of one name draws.
#
# Next: [02_utility](02_utility.py), what such films are worth.
#
# ## Exercises
#
# **1.** A mask of 100 pixels is asked for. The reader sees a lesion of 80 pixels, and 60 of them lie in the
# mask. What is the Dice?

# %%
answer = None  # your number
page.exercise(answer, lambda: 2 * 60 / (100 + 80), within=0.005)

# %% [markdown]
# **2.** A reader that cannot see anything in a film calls every finding absent. What is its label accuracy,
# before it is divided by that on real films?

# %%
answer = None  # your number
page.exercise(answer, lambda: (0 + 1) / 2)

# %%
page.close()
