# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Section IV-C, Figure 3: can synthetic slices be told from real ones?
#
# - a judge of real against synthetic for every generator, with fresh phantoms at one half, and with
#   blurred copies, which it must catch;
# - two spreads that the paper treats as one: over the judge's test cases, and over generators trained
#   anew;
# - whether each generator is competent at all, and eight samples of each, none of them selected.
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
from scipy.stats import norm

from lib import jobs
from lib.claims import gate, judge
from lib.metrics import realism
from lib.metrics.classification import auc
from lib.papers.pathosyn.arms import GENERATORS, GRADED, SEGMENTERS, chosen
from lib.papers.plateau import SECOND_HALF
from lib.report import lesions, plateau, plots
from lib.report.page import Page
from lib.report.rows import NONE, Regime, number

page = Page("pathosyn/04a_realism", profile, seed, dataset, root, draws)
page.study.source.known("the fresh subjects that samples are compared with")
METHODS, ARMS = chosen(*GENERATORS), chosen(*page.table_of.shown)

# %% [markdown]
# ## What the paper says
#
# > In this context, a lower Area Under the Curve (AUC ↓) indicates a reduced separability between the
# > real and synthetic domains, signifying superior visual realism. (Section IV-C)
# >
# > Narrower distributions paired with lower medians (↓) reflect improved generative stability.
# > (Section IV-C, Figure 3 bottom)
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | Figure 3 has curves and violins, no number; judge, cases and split are not given (PS-E23) | a small residual network, as many real slices as samples, split by subject: who is in the judge's training is not in its test |
# | real slices are of BraTS 2023, generators learn from BraTS 2020 (PS-E01) | real slices are unseen subjects of the same law: a judge cannot win by knowing the scanner |
# | the width of a bootstrap over test cases is read as "generative stability" (PS-E23) | it is kept apart from the spread over generators that were trained anew |
# | no anchor: what AUC would perfect samples get, and what AUC a visible fault? | fresh phantoms, and copies blurred by one pixel |
# | on which anatomy a lesion is drawn is not said (PS-E22) | another subject's lesion mask on a healed slice; a slice's own mask, and lesion-free slices, are arms of their own |
# | Meta-Auto stands in Table I alone (PS-E26) | it is judged like the others |
#
# ## Toy: a bad generator with a narrow bootstrap
#
# Let a judge's score of real slices be normal, $s \sim N(0, 1)$, and of synthetic ones $N(d, 1)$. Then
#
# $$\mathrm{AUC} = P(s_{syn} > s_{real}) = \Phi(d / \sqrt 2).$$
#
# A bad generator has a large $d$. Every run of its training may end at another $d$. The bootstrap
# resamples the *test cases* of one run; it never sees the other runs.

# %%
rng = np.random.default_rng(seed)
n, label = 200, np.repeat([0, 1], 200)
RUNS = {"bad, and different in every run": (1.9, 0.6), "good, and the same in every run": (0.3, 0.0)}


def run_of(d: float) -> tuple[float, np.ndarray]:
    """The AUC of one training run, and its bootstrap."""
    score = rng.normal(size=2 * n) + d * label
    drawn = realism.auc_samples(label, score, np.arange(2 * n), rng, 500)
    return float(auc(label, score)[0]), drawn


toy = {name: [run_of(rng.normal(d, sd)) for _ in range(12)] for name, (d, sd) in RUNS.items()}

# %%
caption = (
    "Toy: the bootstrap of one training run (violin) beside the AUC of twelve runs (dots), for a "
    "generator that is bad and unstable and one that is good and stable."
)
with page.figure(caption, 1, 1, "toy", figsize=(6, 2.3)) as ax:
    for y, each in enumerate(toy.values()):
        lesions.violin(ax, each[0][1], y + 0.2, plots.ROLES["method"], 0.5)
        ax.plot([x for x, _ in each], [y - 0.2] * len(each), "o", ms=4, color="black", alpha=0.6)
    ax.set_yticks(range(len(toy)), [*toy])
    ax.set_xlabel("AUC of the judge")

# %%
wide = {name: (each[0][1].std(), np.std([x for x, _ in each])) for name, each in toy.items()}
page.table(["SD of the AUC", "bootstrap of one run", "over twelve runs"],
           [[name, *map(number, both)] for name, both in wide.items()])  # fmt: skip
bad, good = wide.values()
page.check("the bad generator of the toy has the narrower bootstrap", bad[0] < good[0])
page.check("and the wider spread over runs", bad[1] > good[1])

# %% [markdown]
# **What to see.** The violin of the bad generator is the *narrower* one: near 1 an AUC has little
# room to vary. Its runs scatter widely. "Narrow and low" are two findings, and the first says
# nothing about stability.
#
# ## The run
#
# The judge learns from every second subject and is scored on the others. All images of a subject,
# whether real, drawn on its anatomy or copied, are on one side: otherwise a judge that recognises a
# patient would seem to recognise what is synthetic. Real and synthetic slices are rounded to 256 grey
# values in the same way.

# %%
rows = page.run()
at = rows["bare"] if "bare" in rows else Regime("bare", ())
there = [arm for arm in ARMS if at.has(arm, "c2st_auc")]
lesions.missing(page, ARMS, there)

# %% [markdown]
# ## Figure 3, top: ROC curves
#
# The curves are those of one draw and one judge: the share of samples that are caught, at each share
# of real slices that are wrongly accused. The band resamples whole *subjects* of the test half, since
# images of one subject are not independent.


# %%
def curves() -> dict[str, np.ndarray]:
    """ROC curve with its band and percentiles of the bootstrap AUC, of the first draw's judges."""
    found, study = {}, page.study
    for arm in (arm for arm in ARMS if study.draws(arm)):
        k = study.draws(arm)[0]
        a = jobs.load(study.one_judge(study.pool(arm, k), k, arm)).arrays
        parts = a["label"], a["score"], a["subject"]
        band = realism.roc_band(*parts, np.random.default_rng(seed), 300)
        drawn = realism.auc_samples(*parts, np.random.default_rng(seed))
        found[arm.name] = np.array([band["tpr"], band["low"], band["high"]])
        found[f"{arm.name}/auc"] = np.percentile(drawn, np.arange(101))
    return found


shown = page.panel("curves", curves)

# %%
DASHES = {"memoriser": "--", "oversample": ":", "pathosyn_own": ":", "pathosyn_paste": "--"}
SIDES = {"Generators": chosen(*GENERATORS, "oracle"),
         "Copies, controls and variants": chosen("smooth", "oracle", *DASHES)}  # fmt: skip
caption = (
    "Figure 3 (top) again: ROC curves of a judge of real (0) against synthetic (1), 95 % bands by "
    "resampling test subjects; one draw, one judge. Dashed grey: chance. Lower is more real."
)

# %%
if shown:
    with page.figure(caption, 1, 2, figsize=(10, 4.6), sharey=True) as axes:
        for ax, (title, arms) in zip(axes, SIDES.items(), strict=True):
            ax.plot([0, 1], [0, 1], "--", color="#555555", lw=0.8)
            for arm in (arm for arm in arms if arm.name in shown):
                lesions.roc(ax, realism.GRID, shown[arm.name], arm, DASHES.get(arm.name, "-"))
            ax.set(title=title, xlabel="real slices accused", aspect="equal")
            ax.legend(fontsize=7, loc="lower right")
        axes[0].set_ylabel("synthetic slices caught")

# %% [markdown]
# **What to see.** Look at the anchors first. Fresh phantoms (green) must lie on the diagonal: nothing
# tells them apart. Blurred copies (orange) must lie far above it: a judge that misses a blur of one
# pixel would take anything for real. Only between the two does a generator's curve mean anything.
#
# ## Figure 3, bottom: violins, and what they leave out

# %%
caption = (
    "Figure 3 (bottom) again. Violins: bootstrap AUC over test subjects of one judge of the first "
    "draw. Dots: the mean AUC of each draw's judges, for generators trained anew on other subjects; "
    f"diamond, bar: their mean and 95 % t-interval, {page.counted(rows, 'pathosyn_diff', 'c2st_auc')}."
)

# %%
if there:
    with page.figure(caption, 1, 1, "violins", figsize=(8, 0.4 * len(there) + 1.4)) as ax:
        plots.forest(ax, at, there, "c2st_auc", "AUC of the judge", crosses=False)
        for y, arm in enumerate(reversed(there)):
            if f"{arm.name}/auc" in shown:
                lesions.violin(ax, shown[f"{arm.name}/auc"], y, plots.ROLES[arm.role])
        ax.axvline(0.5, color=plots.ROLES["oracle"], lw=1)
        plots.legend(ax.figure)

# %% [markdown]
# Here are the two spreads as numbers. *Test cases* is the bootstrap SD, averaged over draws.
# *Training anew* is the SD over draws, each with its own training subjects and seeds; it takes three
# draws to mean anything.

# %%
FEWEST = plots.FEWEST


def spread_line(arm) -> list:
    """AUC, bootstrap SD, and SD over draws of one arm."""
    auc_of = at.values(arm, "c2st_auc")
    over = number(auc_of.std(ddof=1)) if len(auc_of) >= FEWEST else NONE
    return [arm.label, len(auc_of), at.cell(arm, "c2st_auc"),
            number(at.mean(arm, "c2st_bootstrap_sd")), over]  # fmt: skip


head = ["judge's AUC", "R", "mean", "SD over test cases", "SD over generators trained anew"]
page.table(head, [spread_line(arm) for arm in there])
few = sum(at.count(arm, "c2st_auc") < FEWEST for arm in there)
print(f"{few} of {len(there)} arms have fewer than {FEWEST} draws: no spread over training yet")

# %% [markdown]
# **What to see.** Violins near 1 are narrow, whoever made the samples. Compare *SD over test cases* of
# the blurred copies, which no generator made, with those of the generators.
#
# ## The judge, and a distance that needs no judge
#
# KID compares the slices in the features of the independent reader. Its null is real against real.

# %%
caption = (
    "Realism of every arm: AUC of the judge and KID in the independent reader's features; 95 % "
    f"t-intervals over draws, {page.counted(rows, 'pathosyn_diff', 'kid')} of PathoSyn: Diff; dashed: "
    "chance; green: real against real (two SD)."
)
SCALES, SHOWN = {"kid": "symlog"}, {"c2st_auc": "AUC of the judge (lower)", "kid": "KID (lower)"}
if there:
    with page.figure(caption, 1, 2, "forest", figsize=(10.5, 5), sharey=True) as axes:
        lesions.forests(axes, at, there, SHOWN, SCALES)

# %% [markdown]
# **What to see.** The variants of *PathoSyn: Diff* share one idea and differ in what the judge may
# see. With *own masks*, nothing in a slice is new but the look of the lesion. *Pasted back* leaves
# the image as it was outside the mask, noise and all, where otherwise the substrate network has
# smoothed it: if the AUC falls there, the judge had been looking at the background. Copies add
# nothing new; how near *noisy copies* come to one half shows how little this plot asks of a
# generator.
#
# ## Is every generator competent?
#
# A baseline that cannot draw what it is asked for makes every comparison with it empty. Four conditions
# were fixed beforehand (`lib/claims/gate.py`): the lesion that the reader sees must fit the drawn mask
# about as well as in real slices, its places and sizes must be covered, few masks may be empty, and the
# second half of training must move the distance to real slices only a little.

# %%
WORDS = {"adherence": "mask fits image, real = 1", "coverage": "coverage, real = 1",
         "empty masks": "empty masks", "plateau": "at its plateau"}  # fmt: skip
source = judge.reader(own=not page.from_record, profile=page.plan.profile.name)


told = [page.study.told(column) for column in SEGMENTERS.values()]
FITTED = {study.regime: f"{study.size.subjects[0]} subjects" for study in told}
FITTED[GRADED] = "one grade each"


def met(arm, regime: str) -> list[str]:
    """One generator: the four conditions, and what it misses."""
    found = gate.competence(source, page.name, regime, arm.name)
    each = [NONE if found[c] is None else number(found[c]) for c in WORDS]
    return [arm.label, FITTED[regime], *each, "; ".join(gate.failures(found)) or "nothing"]


# %%
ends = (gate.BOUNDS[c] for c in WORDS)
allowed = (" to ".join(number(x) if np.isfinite(x) else "any" for x in pair) for pair in ends)
lines = [met(arm, regime) for regime in FITTED if regime in rows
         for arm in METHODS if rows[regime].has(arm, "mask_adherence")]  # fmt: skip
page.table(["generator", "fitted on", *WORDS.values(), "misses"],
           [*lines, ["*allowed*", "", *allowed, ""]])  # fmt: skip

# %%
known = plateau.lines(at, METHODS)
page.table(["generator", *plateau.HEAD], known)
print(f"plateau: the second half moves it by less than {SECOND_HALF:.0%}; measured on a spare draw,")
print("in profile `full` and in the record." if not known else "once for each generator.")

# %% [markdown]
# **What to see.** *Adherence* may be too high as well: above 1 the reader finds drawn lesions more
# easily than real ones, as in a caricature. A dash means that no draw has measured it yet.
#
# ## Samples
#
# Here are eight samples of each pool, evenly spaced; orange is the mask that was drawn or asked for.


# %%
PICTURED = chosen(*GENERATORS, "pathosyn_paste", "smooth", "oracle")


def samples() -> dict[str, np.ndarray]:
    """Eight pairs of the real slices and of every pool of the first draw."""
    study, step = page.study, max(page.size.judged // 8, 1)
    pools = {arm.name: study.pool(arm, study.draws()[0]) for arm in PICTURED}
    found = {}
    for name, job in ({"real": study.reference} | pools).items():
        image, mask = (jobs.load(job).arrays[x][: 8 * step : step] for x in ("image", "mask"))
        found |= {name: image, f"{name}/mask": mask.astype(bool)}
    return found


drawn = page.panel("samples", samples)

# %%
NAMES = {"real": "Real"} | {arm.name: arm.label for arm in PICTURED}
caption = "Eight slices of every pool at equal distances, none selected; one draw; orange: the mask."
if drawn:
    lines, borders = ({t: drawn[f"{a}{end}"] for a, t in NAMES.items()} for end in ("", "/mask"))
    shape = {"figsize": (9, 0.98 * len(NAMES))}
    with page.figure(caption, len(NAMES), 8, "samples", **shape) as axes:
        lesions.masked(axes, lines, borders)

# %% [markdown]
# **What to see.** Cover the labels, and sort the rows yourself. Is there noise outside the lesion, as in
# *Real*? Do grey and white matter stay apart? Does the contour lie on a lesion?
#
# ## What must hold

# %%
shares = [at.values(arm, "c2st_auc") for arm in there]
page.check("every AUC is a share", all(((x >= 0) & (x <= 1)).all() for x in shares))
risen = [shown[name][0] for name in shown if "/" not in name]
page.check("every curve rises to 1", all(x[-1] > 0.999 and np.diff(x).min() > -1e-6 for x in risen))
if page.meaningful and there:
    page.check("fresh phantoms are not told apart", abs(at.mean("oracle", "c2st_auc") - 0.5) < 0.1)
    page.check("a blur of one pixel is caught", at.mean("smooth", "c2st_auc") > 0.75)
    page.check("the reader sees real lesions", at.mean("oracle", "mask_adherence") > 0.5)

# %% [markdown]
# ## Verdicts
#
# Tests and margins: `lib/claims/ledger.json`, fixed beforehand. PS-03 needs both halves: realism
# here, and healthy tissue in [04b_consistency](04b_consistency.py).

# %% tags=["PS-01"]
page.verdicts("PS-01")

# %% tags=["PS-02", "PS-03"]
page.verdicts("PS-02", "PS-03")

# %% [markdown]
# ## In this notebook we have
#
# - put the judge between two anchors, fresh phantoms and blurred copies;
# - told the spread of test cases from the spread of generators;
# - asked of every generator whether it is competent before comparing it, and looked at its samples.
#
# ## Exercises
#
# **1.** A judge scores 500 real and 500 synthetic slices, all independent, and cannot tell them apart.
# What is the SD of its AUC? (Without ties its variance is that of Mann and Whitney's statistic,
# $\frac{n + m + 1}{12\,n\,m}$.)

# %%
answer = None  # your number
page.exercise(answer, lambda: (1001 / (12 * 500 * 500)) ** 0.5, within=5e-4)

# %% [markdown]
# **2.** In the toy, which $d$ gives an AUC of 0.75?

# %%
answer = None  # your number
page.exercise(answer, lambda: 2**0.5 * norm.ppf(0.75), within=0.01)

# %%
page.close()
