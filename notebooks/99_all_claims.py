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
# *A few seconds.* **Nothing here shows that a method works or fails on patients.** This is a
# conceptual replication on different (synthetic) data; no verdict speaks about the papers' own data.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import time

from IPython.display import Markdown, display
from matplotlib import pyplot as plt

from lib import paths, profiles
from lib.claims import judge, ledger, verdict
from lib.metrics.inference import holm, paired_t
from lib.record import rows as record
from lib.report import plots, summary

start = time.perf_counter()
plots.use_style()
size = profiles.get(profile)


def show(head: list[str], lines: list[list]) -> None:
    """Show a table, or say that it is empty."""
    display(Markdown(summary.table(head, lines) if lines else "*none yet*"))


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
# | reproduced on phantoms | 95 % interval above 0, $p$ below 0.05, $\Delta$ at least $m$ and half the paper's effect |
# | direction reproduced | the same, but $\Delta$ is smaller |
# | no meaningful effect | 90 % interval inside $(-m, m)$ |
# | not reproduced (reversed) | 95 % interval below 0, $p$ below 0.05 |
# | inconclusive | none of these |
#
# A toy first: five differences of three draws each, judged with a margin of 0.01.

# %%
toy = {
    "clear gain": [0.080, 0.083, 0.079],
    "clear, but small": [0.0081, 0.0083, 0.0082],
    "nothing": [0.001, -0.001, 0.0005],
    "clear loss": [-0.05, -0.052, -0.049],
    "scatter": [0.09, -0.04, 0.03],
}
tests = {name: paired_t(d) for name, d in toy.items()}
judged = {
    name: verdict.verdict(t["mean"], t["ci95"], t["ci90"], t["p"], margin=0.01, paper_effect=0.08)
    for name, t in tests.items()
}
show(
    ["differences", "mean", "95 % interval", "verdict"],
    [[f"{name}: {toy[name]}", verdict.number(t["mean"]), verdict.interval(t["ci95"]), judged[name]]
     for name, t in tests.items()],
)  # fmt: skip

# %% [markdown]
# **What to see.** A gain smaller than the margin can be *clear* and still be only a direction; three
# draws that scatter decide nothing. Fewer than five draws make every verdict *exploratory*.
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
show(["p", "Holm"], [[a, verdict.number(b)] for a, b in zip(p, holm(p), strict=True)])
assert holm(p)[0] == p[0] * len(p)

# %% [markdown]
# ## The verdicts of record
#
# A claim is judged by the record with more training draws: this run, or the committed numbers of
# ten draws in `data/reference`; on ties this run counts, and in `smoke`, whose numbers mean
# nothing, it alone. Rows of the two are never mixed inside a claim. Holm's multipliers are taken over
# the set of core claims so mixed, because that is the set that is read.

# %%
verdicts = judge.judge_all(paths.METRICS, reference=judge.committed(profile))
origins = summary.by_origin(verdicts)
print(f"measured verdicts: {origins[judge.RUN]} from this run ({profile}),", end=" ")
print(f"{origins[judge.FULL]} from the committed numbers of {judge.FULL}")

# %% [markdown]
# The last row counts how many of the verdicts above it are exploratory.

# %%
counts = summary.counts(verdicts)
named = [name for name in summary.COLOURS if any(row[name] for row in counts.values())]
lines = [[name, *(row[name] for row in counts.values())] for name in (*named, "exploratory")]
show(["verdict", *(summary.SHORT[paper] for paper in counts)], lines)
print(f"{len(verdicts)} claims, {sum(c['priority'] == 1 for c in ledger.load())} of them core")

# %%
fig, axes = plt.subplots(figsize=(8.5, 2.6), layout="constrained")
left = dict.fromkeys(counts, 0)
for name in named:
    bars = [counts[paper][name] for paper in counts]
    shown = [summary.SHORT[paper] for paper in counts]
    axes.barh(shown, bars, left=list(left.values()), color=summary.COLOURS[name], label=name)
    left = {paper: left[paper] + counts[paper][name] for paper in counts}
axes.invert_yaxis()
axes.set_xlabel("number of claims")
axes.grid(axis="y", visible=False)
fig.legend(loc="outside lower center", ncols=3)
picture = plots.save(fig, "", "99_all_claims")

# %% [markdown]
# **What to see.** Grey is work ahead: a chapter that has not run leaves its claims *not yet run*, and
# they are neither for nor against its paper.
#
# ## Verdicts in words
#
# The first column links to the cell that shows the verdict in its notebook. Where the committed
# numbers decided, *this run alone* says what this run gives.


# %%
def line(out: dict) -> list[str]:
    """One measured claim: link, verdict and its axes, source, sentence."""
    whose = "; ".join(t for t in (summary.source_text(out), summary.alone_text(out)) if t)
    return [summary.link(out), out["title"].partition(": ")[2], whose, out["sentence"]]


for paper, short in summary.SHORT.items():
    mine = [out for out in summary.told(verdicts, summary.MEASURED) if out["paper"] == paper]
    if mine:
        display(Markdown(f"### {short}"))
        show(["claim", "verdict of record", "source", "in words"], [line(out) for out in mine])
    else:
        print(f"{short}: no claim has been measured yet")

# %% [markdown]
# ## Papers against their own numbers, and what phantoms cannot test

# %%
fixed = (verdict.INCONSISTENT, verdict.CONSISTENT, verdict.UNTESTABLE)
show(["claim", "statement", "verdict", "in words"],
     [[summary.link(out), out["statement"], out["verdict"], out["sentence"]]
      for out in summary.told(verdicts, fixed)])  # fmt: skip

# %% [markdown]
# ## Not yet run

# %%
waiting = summary.told(verdicts, (verdict.NOT_RUN,))
files = sorted({out["missing"] for out in waiting})
by_file = {text: [out["id"] for out in waiting if out["missing"] == text] for text in files}
show(["what is missing", "claims"], [[text, ", ".join(ids)] for text, ids in by_file.items()])

# %% [markdown]
# ## What the papers contradict or leave open
#
# Severity A changes what can be concluded, B blocks an exact rerun (undefined or contradictory), C is
# clerical. Each has an answer of ours; where it was cheap, both readings are run.

# %%
severities = summary.severities()
show(["paper", "A", "B", "C", "all"],
     [[summary.SHORT[paper], *row.values(), sum(row.values())]
      for paper, row in severities.items()])  # fmt: skip

# %%
grave = [entry for entry in ledger.inconsistencies() if entry["severity"] == "A"]
show(["", "where", "what the paper says", "what we do"],
     [[entry["id"], entry["where"], entry["finding"], entry["ours"]] for entry in grave])  # fmt: skip

# %% [markdown]
# ## What this notebook leaves

# %%
rows = [{"arm": paper, "metric": name, "mean": n, "values": [n]}
        for paper, row in counts.items() for name, n in row.items()]  # fmt: skip
others = f"; {origins[judge.FULL]} verdicts from the committed numbers of {judge.FULL}"
caption = (
    f"Verdicts of all {len(verdicts)} claims by paper, profile {profile}, R={size.replicates} "
    f"training draws in the core studies{others if origins[judge.FULL] else ''}; grey claims have "
    "not run."
)
record.write_metrics(
    "", "99_all_claims", profile, size.replicates, rows,
    figures=[{"file": picture, "caption": caption}], seeds=[seed],
    code=summary.code(paths.METRICS, judge.committed(profile)),
    seconds=round(time.perf_counter() - start, 1),
)  # fmt: skip
print(caption)

# %%
wanted = (verdict.REPRODUCED, verdict.DIRECTION, verdict.NO_EFFECT, verdict.REVERSED)
assert tuple(judged.values()) == (*wanted, verdict.INCONCLUSIVE)
assert len(verdicts) == 156 and len({out["id"] for out in verdicts}) == 156
for paper, row in counts.items():
    assert sum(n for name, n in row.items() if name != "exploratory") == len(ledger.by_paper(paper))
assert sum(sum(row.values()) for row in severities.values()) == 106
plan = {claim["id"]: judge.planned(claim["test"]) for claim in ledger.load()}
for out in summary.told(verdicts, verdict.EMPIRICAL):
    assert out["exploratory"] or out["n"] >= min(verdict.FEWEST, plan[out["id"]])
    assert out["own"] is None or out["own"]["n"] < out["n"], "the record with more draws"

# %% [markdown]
# ## In this notebook we have
#
# - turned differences into verdicts with rules that were fixed before the results;
# - listed every claim, with what is still missing;
# - kept apart what phantoms show, what arithmetic shows, and what neither can.
#
# ## Exercises
#
# 1. Three draws give differences of 0.004, 0.006 and 0.005, and the margin is 0.01. Which verdict?
# 2. Seven core claims of a paper have $p = 0.008$ each. How many stay below 0.05 after Holm?

# %%
answer_1 = verdict.NO_EFFECT  # try another of verdict.VERDICTS
t = paired_t([0.004, 0.006, 0.005])
right = verdict.verdict(t["mean"], t["ci95"], t["ci90"], t["p"], margin=0.01)
print("right" if answer_1 == right else f"no: the 95 % interval is {verdict.interval(t['ci95'])}")

# %%
answer_2 = 7
right = sum(p < verdict.ALPHA for p in holm([0.008] * 7))
print("right" if answer_2 == right else f"no: {7 * 0.008:.3f} is the smallest adjusted p")
