# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # All claims: what four papers say, and what came out on phantoms
#
# - see how a number becomes a verdict, on made-up differences first;
# - read the verdict of every claim, and which claims no run has reached yet;
# - see where the papers contradict themselves or leave a detail open.
#
# It only reads what the other notebooks left. **Nothing here shows that a method works or fails on
# patients.** This is a conceptual replication on different (synthetic) data; no verdict speaks about
# the papers' own data.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import numpy as np

from lib.claims import gate, judge, kinds, ledger, looks, rates, verdict
from lib.explore import claim_dial
from lib.metrics.inference import holm
from lib.papers.plateau import SECOND_HALF
from lib.papers.registry import PAPERS
from lib.report import summary
from lib.report.page import Page

page = Page("99_all_claims", profile, seed, dataset)

# %% [markdown]
# ## How a verdict is made
#
# Every claim has **one test and one margin $m$, written into `lib/claims/ledger.json` before any
# result**. For most claims the test is a paired difference over $R$ training draws, signed so that
# plus means *as the paper says*:
#
# $$\Delta = \frac{1}{R} \sum_{r=1}^{R} \left( M_r^{\text{method}} - M_r^{\text{control}} \right)$$
#
# The rules are read from the top, and the first that applies is the verdict:
#
# | verdict | rule |
# |---|---|
# | reproduced on phantoms | $\Delta$ clear above 0, and at least $m$ and half the paper's effect |
# | direction reproduced | the same, but $\Delta$ is smaller |
# | no meaningful effect | two one-sided tests place $\Delta$ inside $(-m, m)$ |
# | not reproduced (reversed) | $\Delta$ clear below 0 |
# | inconclusive | none of these |
#
# *Clear* is a $p$ below the level of a **look**. Whoever tests after every draw finds something
# sooner or later, so a claim is looked at four times, after 4, 6, 8 and 10 draws, with levels that
# together let 5 % of empty claims through; its verdict is that of the first look that decides.
# Between two looks nothing changes, and after the tenth draw there is no further look.
#
# A claim with **several parts** holds if all do. It is *not reproduced* if one part is reversed, or
# shown to be nothing, at the level divided by the number of parts; *partly reproduced* if at least
# half hold and no part fails in this way. A ranking is judged by Page's test and by its adjacent
# pairs, in the same way. Where a paper's abstract and its tables print two effects, the larger one
# counts and both are shown. Whether a gain shrinks with more images is judged on shares of the
# oracle's gain, because a smaller gain is built in. Equality in Dice is shown within 0.03, since 0.01
# would need some hundred draws.
#
# A toy first: five sets of four differences, judged with a margin of 0.01 and a paper's effect of
# 0.08.

# %%
TOY = {"clear gain": [0.080, 0.083, 0.079, 0.081], "nothing": [0.001, -0.001, 0.0005, -0.0005],
       "clear, but small": [0.0081, 0.0083, 0.0082, 0.0082],
       "clear loss": [-0.05, -0.052, -0.049, -0.051], "scatter": [0.09, -0.04, 0.03, 0.05]}


def judged(differences: list[float]) -> dict:
    """The verdict on paired differences, and the numbers behind it."""
    return kinds.of_differences(np.array(differences), margin=0.01, paper_effect=0.08)


# %%
tests = {name: judged(each) for name, each in TOY.items()}
page.table(
    ["differences", "mean", "95 % interval", "verdict"],
    [[f"{name}: {TOY[name]}", verdict.number(t["mean"]), verdict.interval(t["ci95"]), t["verdict"]]
     for name, t in tests.items()],
)  # fmt: skip

# %% [markdown]
# **What to see.** A gain smaller than the margin can be *clear* and still be only a direction; draws
# that scatter decide nothing. Before the first look every verdict is *inconclusive*, and marked
# *exploratory*. The levels of the looks:

# %%
levels = [[n, verdict.number(looks.level(n, looks.DRAWS))] for n in looks.looks(looks.DRAWS)]
page.table(["draws", "level of p"], levels)

# %% [markdown]
# ## A claim's dial: what three draws can and cannot say
#
# Set how large an effect truly is and how much its differences spread, then move the number of draws.
# The page judges a study, and 800 more, by the rules above.

# %%
dial = claim_dial.explorer(summary.COLOURS)
dial.write()
dial

# %% [markdown]
# **What to see.** With $R = 10$ the paper's 0.08 is found in nearly all studies; press $R = 3$, and nothing
# is decided, however large the effect. *One look, p < 0.05* would decide there, and would also find 0.08
# in most studies: the price shows where margins are small, and where one looks again after the next draw.
# Where there is nothing, ten draws rarely suffice to show it: *no meaningful effect* needs a spread that
# is small beside the margin.
#
# ## The gate
#
# A claim is *not interpreted* if any generator that it compares, baselines included, is not competent
# here. The bounds hold for all chapters; where a row is missing, the verdict stands and says so. Not
# gated are a generator's own scores, adherence for instance, and the claims of the second table: all
# ranks, bounds and spreads, and what the ledger sets *off*. Most are about a generator itself; where one
# is about what samples are good for, look at the gate of the other claims that compare the same arms.

# %%
low, high = gate.ADHERENCE
page.table(["condition", "bound"], [
    ["adherence, over the reader's accuracy on real images", f"{low} to {high}"],
    ["coverage, over that of real against real images", f"at least {gate.COVERAGE}"],
    ["empty masks", f"at most {gate.EMPTY:.0%}"],
    ["how far the second half of its training moves its distance, on a spare draw",
     f"less than {SECOND_HALF:.0%}"],
])  # fmt: skip

# %%
free = {}  # claims by the kind of a test that is not gated
for claim in ledger.load():
    for leaf in ledger.leaves(claim["test"]):
        kind = leaf.get("gate") or leaf["kind"]
        if leaf["kind"] in kinds.SIMPLE and kind not in gate.GATED:
            free.setdefault(kind, {})[claim["id"]] = None
page.table(["not gated", "claims"], [[kind, ", ".join(ids)] for kind, ids in free.items()])

# %% [markdown]
# ## How often the judge errs
#
# Simulated draws, judged by the same code: the true effect is nothing, the margin, the paper's
# effect, or the paper's effect reversed, and the differences spread as in the chapters. Shares of
# verdicts after R draws; `python -m lib.claims.rates` makes the table again.

# %%
kept = rates.kept()
for name in dict.fromkeys(row["test"] for row in kept["rows"]):
    lines = [rates.line(row) for row in kept["rows"] if row["test"] == name]
    page.table([name, *rates.HEAD], lines)

# %% [markdown]
# **What to see.** Where nothing is there, few verdicts are for the claim, and where the paper's
# effect is there, few are against it; in the tables of equivalence it is the other way round, and a
# method that changes nothing is rightly found not inferior. A margin that is small against the spread is neither shown nor
# excluded in ten draws: such a claim says *cannot be decided here*, and how many draws it needs. A
# conjunction of five parts fails if one of them is reversed. The last table is why the interval with
# the error pooled over arms stands beside some verdicts and decides none: it would find the paper's
# effect sooner, but is too confident at the first looks.
#
# ## Two more axes, and many claims at once
#
# - **Attribution**: a gain *holds* only if it also stands against arms that add images without new
#   pathology: the same images again, blurred images, images with shuffled labels.
# - **Share of the oracle's gain**: how much of the gain that as many *fresh* phantoms give, with
#   Fieller's interval.
# - **Holm**: with many core claims per paper some $p$ is small by chance. The smallest of $n$ values
#   is multiplied by $n$, the next by $n - 1$, and so on.

# %%
p = [0.001, 0.01, 0.02, 0.04]
page.table(["p", "Holm"], [[a, verdict.number(b)] for a, b in zip(p, holm(p), strict=True)])

# %% [markdown]
# ## The verdicts
#
# There is one set of draws: those of the committed record, and those computed in this home. Where
# both have a draw, the one computed here counts; `smoke`, whose numbers mean nothing, stands alone.
# Holm's correction runs over each paper's core claims.

# %%
verdicts = list(page.judged.values())
measured = summary.told(verdicts, summary.MEASURED)
core = sum(out["priority"] == 1 for out in verdicts)
print(f"{len(verdicts)} claims, {core} of them core; draws have been made for {len(measured)};", end=" ")
print(f"{summary.from_record(verdicts)} of these rest on draws that were not computed here")

# %%
counts = summary.counts(verdicts)
named = [name for name in summary.COLOURS if any(row[name] for row in counts.values())]
lines = [[name, *(row[name] for row in counts.values())] for name in (*named, "exploratory")]
lines[-1][0] = "*of these, exploratory*"
page.table(["verdict", *(PAPERS[paper].short for paper in counts)], lines)

# %%
papers = [PAPERS[paper].short for paper in counts]
with page.figure(summary.overview(verdicts), figsize=(8.5, 2.6)) as ax:
    left = [0] * len(papers)
    for name in named:
        bars = [row[name] for row in counts.values()]
        ax.barh(papers, bars, left=left, color=summary.COLOURS[name], label=name)
        left = [a + b for a, b in zip(left, bars, strict=True)]
    ax.invert_yaxis()
    ax.set_xlabel("number of claims")
    ax.grid(axis="y", visible=False)
    ax.figure.legend(loc="outside lower center", ncols=3)

# %% [markdown]
# **What to see.** Grey is work ahead: a chapter that has not run leaves its claims *not yet run*, and
# they are neither for nor against its paper.
#
# ## Verdicts in words
#
# The first column links to the cell that shows the verdict in its notebook; *source* says how many
# draws it rests on, and how many of them were computed here.


# %%
def line(out: dict) -> list[str]:
    """One measured claim: link, verdict and its axes, source, sentence."""
    words = out["title"].partition(": ")[2]
    return [summary.link(out), words, summary.source_text(out), out["sentence"]]


for paper, about in PAPERS.items():
    mine = [line(out) for out in measured if out["paper"] == paper]
    page.text(f"### {about.short}")
    page.table(["claim", "verdict", "source", "in words"], mine)

# %% [markdown]
# ## Papers against their own numbers, and what phantoms cannot test

# %%
fixed = (verdict.INCONSISTENT, verdict.CONSISTENT, verdict.UNTESTABLE)
page.table(
    ["claim", "statement", "verdict", "in words"],
    [[summary.link(out), out["statement"], out["verdict"], out["sentence"]]
     for out in summary.told(verdicts, fixed)],
)  # fmt: skip

# %% [markdown]
# ## Not yet run

# %%
missing: dict[str, list[str]] = {}
for out in summary.told(verdicts, (verdict.NOT_RUN,)):
    missing.setdefault(out["missing"], []).append(out["id"])
lines = [[text, ", ".join(ids)] for text, ids in sorted(missing.items())]
page.table(["what is missing", "claims"], lines)

# %% [markdown]
# ## What the papers contradict or leave open
#
# Severity A changes what can be concluded, B blocks an exact rerun (undefined or contradictory), C is
# clerical. We answer each of them; where it was cheap, we ran both readings.

# %%
gaps = summary.severities()
lines = [[PAPERS[paper].short, *row.values(), sum(row.values())] for paper, row in gaps.items()]
page.table(["paper", "A", "B", "C", "all"], lines)

# %% [markdown]
# Those of severity A follow; each chapter's page of claims lists all of its own.

# %%
grave = [entry for entry in ledger.inconsistencies() if entry["severity"] == "A"]
columns = {"id": "", "where": "where", "finding": "what the paper says", "ours": "what we do"}
page.table([*columns.values()], [[entry[key] for key in columns] for entry in grave])

# %% [markdown]
# ## Counts by paper and verdict, kept as rows

# %%
page.keep(lambda: [
    {"regime": "", "arm": paper, "metric": name, "draws": {f"{seed}/0": (n, "")}}
    for paper, row in counts.items() for name, n in row.items()
])  # fmt: skip

# %% [markdown]
# ## What must hold


# %%
planned = {claim["id"]: judge.planned(claim["test"]) for claim in ledger.load()}


def is_marked(out: dict) -> bool:
    """Whether a measured claim has the draws it was planned with, or is marked exploratory."""
    return out["exploratory"] or out["n"] >= min(verdict.FEWEST, planned[out["id"]])


wanted = (verdict.REPRODUCED, verdict.NO_EFFECT, verdict.DIRECTION, verdict.REVERSED)
found = tuple(t["verdict"] for t in tests.values())
page.check("the toy has one of each verdict", found == (*wanted, verdict.INCONCLUSIVE))
page.check("Holm multiplies the smallest p by their number", holm(p)[0] == p[0] * len(p))
page.check("there are 156 claims", len(verdicts) == len(ledger.load()) == 156)
each = {paper: sum(row[name] for name in named) for paper, row in counts.items()}
ours = {paper: len(ledger.by_paper(paper)) for paper in counts}
page.check("every claim has one verdict", each == ours)
page.check("there are 106 gaps", sum(sum(row.values()) for row in gaps.values()) == 106)
page.check("few draws are marked", all(map(is_marked, summary.told(verdicts, verdict.EMPIRICAL))))

# %% [markdown]
# ## In this notebook we have
#
# - turned differences into verdicts with rules that were fixed before the results;
# - listed every claim, with what is still missing;
# - kept apart what phantoms show, what arithmetic shows, and what neither can.
#
# ## Exercises
#
# **1.** Three draws give differences of 0.004, 0.006 and 0.005, and the margin is 0.01. Which verdict
# is it? (One of `verdict.VERDICTS`.)

# %%
answer = None  # such as verdict.INCONCLUSIVE
page.exercise(answer, lambda: judged([0.004, 0.006, 0.005])["verdict"])

# %% [markdown]
# **2.** Seven core claims of a paper have $p = 0.008$ each. How many stay below 0.05 after Holm?

# %%
answer = None  # your number
page.exercise(answer, lambda: sum(p < verdict.ALPHA for p in holm([0.008] * 7)))

# %%
page.close()
