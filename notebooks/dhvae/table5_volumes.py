# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Table 5: how many annotated volumes does it take?
#
# - Dice from 10 to 50 training volumes: real slices, 2,000 of dHVAE's, classical x5, and both;
# - a generator trained on *the same* volumes as the segmenter, and beside it the paper's design, in
#   which one generator of 30 volumes also serves the segmenters that may see 10;
# - what "plateau" and "largest with the fewest" have to mean before they can be tested.
#
# *About a minute once the jobs are there; their own time is printed below.*
# **Nothing here shows that a method works or fails on patients.**

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import time

import numpy as np
from IPython.display import Markdown, display

from lib import jobs, paths, profiles
from lib.claims import judge
from lib.claims.verdict import MARGINS
from lib.jobs import store
from lib.metrics.inference import paired_t, t_interval, tost
from lib.papers import dhvae
from lib.papers.dhvae import printed
from lib.papers.dhvae.study import MAIN, VOLUMES
from lib.record import rows as record
from lib.report import plots, summary

start = time.perf_counter()
plots.use_style()
size = profiles.get(profile)
studies = {study.modality: study for study in dhvae.studies(size, seed)}
R, few, files = size.replicates, len(next(iter(studies.values())).beside), {}
assert dataset == "phantom", "fresh training draws need a phantom law"

# %% [markdown]
# ## What the paper prints
#
# > We observe that beyond a certain threshold of real volumes, the improvement in DSC reaches a
# > plateau. This observation can be attributed to the limited number of modes covered by the
# > synthetic images, which have been trained on only 30 real volumes. (Section 4.7)

# %%
NAMES = {
    "real": dhvae.NAMES["real"],
    "dhvae": "dHVAE +2,000",
    "dhvae_fixed": f"dHVAE +2,000, generator of {MAIN}",
    "classic5": dhvae.NAMES["classic5"],
    "dhvae_classic5": "dHVAE +2,000 and classical ×5",
}


def table(head: list[str], lines: list[list]) -> None:
    """Show a Markdown table."""
    display(Markdown(summary.table(head, lines)))


def paper(modality: str, arm: str) -> list[float] | None:
    """The paper's five numbers of an arm; None if it has no such arm."""
    each = [printed.TABLE5[f"{modality}-{n}"].get(arm) for n in VOLUMES]
    return [cell["dice_selected"] for cell in each] if all(each) else None


# %%
printed_arms = [(m, arm) for m in studies for arm in NAMES if paper(m, arm)]
lines = [[m, NAMES[arm], *(f"{x:.3f}" for x in paper(m, arm))] for m, arm in printed_arms]
table(["*paper (patients)*", "volumes:", *VOLUMES], lines)
mean, sd, draws = paper("pet", "real")[0], 0.12, 5  # "0.051±0.12" over five draws
largest = mean * np.sqrt(draws)  # one draw holds all, the others are zero
print(f"{draws} numbers of 0 or more with mean {mean} have an SD of at most {largest:.3f}")
print(f"the paper prints {sd}: {sd / mean:.1f} times the mean")

# %% [markdown]
# An SD above the mean of a score that cannot be negative says that most of the draws were near zero
# and one was not, or that it is an SD of something else; SDs of 0.00 are rounding (DH-E22).
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | rows of 10 and 20 volumes use a generator that was trained on 30, so on subjects the segmenter may not see (DH-E09) | primary: generator and segmenter share the same n volumes (*dHVAE +2,000*); the paper's design is a second, labelled arm (*generator of 30*) |
# | other folds draw other subjects, so the generator's 30 may be test subjects (DH-E09) | test subjects are a draw of their own; every segmenter checks that no subject is on both sides |
# | two decimals of SD, zeros among them (DH-E22) | three decimals, single draws, 95 % t-intervals |
# | "plateau" without a margin | equivalence: the 90 % interval of the difference lies within a margin fixed beforehand |
# | "ours + classical x5" has no x5 alone beside it | all four cells of the 2 x 2 at 30 volumes |
# | training length with few volumes: not stated | equal gradient steps in every cell of the table |

# %% [markdown]
# ## A toy: a plateau is not the absence of a difference
#
# With few draws nothing differs significantly from anything. A plateau needs the opposite question:
# is the difference *small*? Two one-sided tests say yes only if
#
# $$-m < \bar d - t_{R-1,\,0.95}\,\frac{s}{\sqrt R} \quad\text{and}\quad \bar d + t_{R-1,\,0.95}\,\frac{s}{\sqrt R} < m$$
#
# Below nothing changes at all (true difference 0, SD 0.01 per draw); how often is that shown?

# %%
rng, margin = np.random.default_rng(seed), MARGINS["dice"]
share = {}
for runs in (3, 5, 10, 20):
    d = rng.normal(0, 0.01, (400, runs))
    share[runs] = np.mean([tost(each, margin) < 0.05 for each in d])
table(["draws", *share], [["plateau shown", *(f"{x:.0%}" for x in share.values())]])
assert share[20] > share[3], "more draws can show a plateau that is there"

# %% [markdown]
# ## The run
#
# The first n volumes of each draw, so that 20 contain the 10; segmenters, and for every n a guide
# and a generator of its own.

# %%
needed = dhvae.STUDIES["table5_volumes"](size, seed)
jobs.run(needed)
rows = [row for study in studies.values() for row in dhvae.tables.table5_rows(study)]
at = {(row["regime"], row["arm"], row["metric"]): row for row in rows}
tasks = jobs.tasks(needed)
spent = sum(store.find(paths.STORE, task.key)[0]["seconds"] for task in tasks)
print(f"{len(tasks)} jobs of {spent / 3600:.2f} core hours give {len(rows)} rows")


# %%
def values(modality: str, n: int, arm: str, metric: str = "dice") -> np.ndarray:
    """One number per draw; at 30 volumes a generator of 30 is no arm of its own."""
    arm = "dhvae" if (n, arm) == (MAIN, "dhvae_fixed") else arm
    return np.array(at[f"{modality}-{n}", arm, metric]["values"])


def shared(modality: str, arm: str, metric: str = "dice") -> np.ndarray:
    """(5, draws): 10 to 50 volumes in the draws that all of them have."""
    return np.array([values(modality, n, arm, metric)[:few] for n in VOLUMES])


def signed(d: np.ndarray) -> str:
    """Mean difference with its 95 % t-interval."""
    low, high = t_interval(d)[1:]
    return f"{d.mean():+.3f}" + (f" [{low:+.3f}, {high:+.3f}]" if low is not None else "")


# %% [markdown]
# ## Table 5
#
# Dice of whole volumes with its 95 % t-interval over R training draws, and below it in brackets the
# paper's way, on slices that are known to hold a lesion. Lines in italics are the paper's patients,
# another population.


# %%
def cell(modality: str, n: int, arm: str) -> str:
    """Mean, interval, draws, and the Dice on known slices."""
    x = values(modality, n, arm)
    low, high = t_interval(x)[1:]
    ends = f" [{low:.3f}, {high:.3f}]" if low is not None else ""
    known = values(modality, n, arm, "dice_selected").mean()
    return f"{x.mean():.3f}{ends} R={len(x)} ({known:.3f})"


# %%
for modality in studies:
    lines = []
    for arm, text in NAMES.items():
        lines.append([text, *(cell(modality, n, arm) for n in VOLUMES)])
        theirs = paper(modality, arm)
        lines += [[f"*{text}, paper*", *(f"*{x:.3f}*" for x in theirs)]] if theirs else []
    table([modality, *(f"{studies[modality].some(n)} volumes" for n in VOLUMES)], lines)

# %% [markdown]
# ## Dice against volumes
#
# Thin lines are single draws, the same in all columns; thick their mean; bars 95 % t-intervals where
# there are two draws or more. Below, the paper's table as a figure.

# %%
LOOK = {
    "real": ("#777777", "-"),
    "classic5": ("black", ":"),
    "dhvae": ("#0072B2", "-"),
    "dhvae_fixed": ("#D55E00", "--"),
    "dhvae_classic5": ("#009E73", "-"),
}


def draw_dice(ax, modality: str) -> None:
    """Our panel: Dice of all arms against the number of volumes."""
    x = [studies[modality].some(n) for n in VOLUMES]
    for arm, (colour, style) in LOOK.items():
        y = shared(modality, arm)
        half = [t_interval(each)[2] - each.mean() if few > 1 else np.nan for each in y]
        ax.plot(x, y, color=colour, ls=style, lw=0.5, alpha=0.4)
        ax.errorbar(
            x, y.mean(1), half, color=colour, ls=style, marker="o", ms=4, label=NAMES[arm], capsize=2
        )
    ax.set(title=f"{modality}, phantoms (R={few})", ylabel="Dice, whole volume", xticks=x)


def draw_paper(ax, modality: str) -> None:
    """The paper's panel."""
    for arm, (colour, style) in LOOK.items():
        if paper(modality, arm):
            ax.plot(VOLUMES, paper(modality, arm), color=colour, ls=style, marker="o", ms=4)
    ax.set(title=f"{modality}, paper (patients)", ylabel="DSC as printed", xticks=VOLUMES)
    ax.set_xlabel("training volumes")


# %%
with plots.figure(2, 2, figsize=(10, 6.6), layout="constrained") as (figure, axes):
    for column, modality in zip(axes.T, studies, strict=True):
        draw_dice(column[0], modality)
        draw_paper(column[1], modality)
    named = axes[0, 0].get_legend_handles_labels()
    figure.legend(*named, loc="outside lower center", ncols=3, fontsize=8)
    files["main"] = plots.save(figure, "dhvae", "table5_volumes")
    display(figure)

# %% [markdown]
# **What to see.** How far right the gray line must go to reach the blue one: so many volumes the
# synthetic slices are worth. Where the dashed line lies above the blue one, the generator has told
# the segmenter about subjects that it was not to see.
#
# ## What the leak is worth
#
# Generator of 30 volumes minus generator of n, the same segmenter and the same real slices. Left of
# 30 it knows more subjects than the segmenter, right of it fewer.

# %%
OTHERS = [n for n in VOLUMES if n != MAIN]
lines = []
for modality in studies:
    both = [[values(modality, n, arm) for arm in ("dhvae_fixed", "dhvae")] for n in OTHERS]
    lines.append([modality, *(signed(fixed - own) for fixed, own in both)])
table([f"R={few}", *(f"{n} volumes" for n in OTHERS)], lines)

# %% [markdown]
# ## Gain against volumes
#
# The gain over real slices alone, $G_n = D_n^{dHVAE} - D_n^{real}$. It must shrink when the real-only
# Dice nears its ceiling, whatever the generator does. So beside it: the share of the missing part that
# is made up, $G_n / (1 - D_n^{real})$. A claim that synthetic data matter most with few volumes says
# more if both fall.


# %%
def gains(modality: str, arm: str, theirs: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Mean gain, and its share of what is missing to 1, at 10 to 50 volumes."""
    source = paper if theirs else shared
    real, method = (np.array(source(modality, a)).reshape(5, -1) for a in ("real", arm))
    gain = (method - real).mean(1)
    return gain, gain / (1 - real.mean(1))


# %%
with plots.figure(1, 4, figsize=(12.5, 3.2), layout="constrained") as (figure, axes):
    for i, modality in enumerate(studies):
        for arm in ("dhvae", "dhvae_fixed", "classic5"):
            colour, style = LOOK[arm]
            for ax, y in zip(axes[2 * i :], gains(modality, arm), strict=False):
                ax.plot(VOLUMES, y, color=colour, ls=style, marker="o", ms=4, label=NAMES[arm])
        for ax, y in zip(axes[2 * i :], gains(modality, "dhvae", theirs=True), strict=False):
            ax.plot(VOLUMES, y, "x", color="black", label="paper (patients)")
        axes[2 * i].set(title=f"{modality}: gain in Dice", xlabel="volumes", xticks=VOLUMES)
        axes[2 * i + 1].set(title=f"{modality}: share of the rest", xlabel="volumes")
        axes[2 * i + 1].set_xticks(VOLUMES)
    named = axes[0].get_legend_handles_labels()
    figure.legend(*named, loc="outside lower center", ncols=4, fontsize=8)
    files["gain"] = plots.save(figure, "dhvae", "table5_volumes_gain")
    display(figure)

# %% [markdown]
# **What to see.** The slope of the blue line in the first panel of each pair is the claim; look
# whether it is still there in the second. The dashed line is what the paper's design would show.
#
# ## Is there a plateau?
#
# Steps between columns of *dHVAE +2,000*. The thick bar is the 90 % interval, which must lie inside
# the gray margin for a plateau; the thin one the 95 % interval, which must miss zero for a rise.

# %%
STEPS = {(10, 20): "20 minus 10", (20, 30): "30 minus 20", (30, 40): "40 minus 30"}
STEPS |= {(40, 50): "50 minus 40", (30, 50): "**50 minus 30**"}


def draw_steps(ax, modality: str) -> None:
    """Differences between columns with both intervals and single draws."""
    ax.axvspan(-margin, margin, color="#BBBBBB", alpha=0.4, lw=0)
    ax.axvline(0, color="black", lw=0.8)
    for y, (few_volumes, more) in enumerate(reversed(STEPS)):
        one, other = (values(modality, n, "dhvae") for n in (more, few_volumes))
        draws = min(len(one), len(other))
        d = one[:draws] - other[:draws]
        found = paired_t(d)
        for ends, width in ((found["ci95"], 1.2), (found["ci90"], 4)):
            ax.plot(ends or (d[0], d[0]), [y, y], color=plots.ROLES["method"], lw=width, alpha=0.5)
        ax.plot(d, [y] * draws, "o", color=plots.ROLES["method"], ms=4)
    ax.set_yticks(range(len(STEPS)), [text.strip("*") for text in reversed(STEPS.values())])
    ax.set(title=f"{modality} (R={draws})", xlabel="difference in Dice")
    ax.locator_params(axis="x", nbins=6)


# %%
with plots.figure(1, 2, figsize=(9, 2.9), layout="constrained") as (figure, axes):
    for ax, modality in zip(axes, studies, strict=True):
        draw_steps(ax, modality)
    files["steps"] = plots.save(figure, "dhvae", "table5_volumes_steps")
    display(figure)

# %% [markdown]
# **What to see.** The last line is the claim's contrast. A bar wider than the gray band can show
# neither a plateau nor a rise.
#
# ## Synthetic, classical, both
#
# A 2 x 2 at 30 volumes. The interaction asks whether both together give more than the sum:
#
# $$I = D_{both} - D_{dHVAE} - D_{\times 5} + D_{real}$$

# %%
lines = []
for modality in studies:
    both, own, classic, real = (
        values(modality, MAIN, arm)[:few] for arm in ("dhvae_classic5", "dhvae", "classic5", "real")
    )
    found = (both - real, both - own, both - classic, both - own - classic + real)
    lines.append([modality, *map(signed, found)])
head = ["both minus real", "both minus dHVAE", "both minus x5", "interaction"]
table([f"{MAIN} volumes, R={few}", *head], lines)

# %% [markdown]
# ## Sanity, asserted

# %%
for modality, study in studies.items():
    for n in VOLUMES:
        for arm, each in dhvae.tables.volume_arms(study, n).items():
            x, known = (values(modality, n, arm, m) for m in ("dice", "dice_selected"))
            assert len(x) == len(each) and (x >= 0).all() and (known <= 1).all()
            assert (known >= x - 1e-12).all(), "false alarms only cost"
            subjects = {jobs.load(job).scores["subjects"] for job in each}
            assert subjects == {study.some(n)}, "as many subjects as the column says"
    least, most = (jobs.load(study.slices(0, n)).arrays["subject"] for n in (10, 50))
    assert np.isin(least, most).all(), "the first 10 volumes are among the 50"
print("sanity holds")

# %%
note = f"R={few} training draws (R={R} of three arms at {MAIN} volumes), {size.test_volumes} volumes"
captions = {
    "main": "Table 5 of dHVAE as a figure: whole-volume Dice against training volumes; thin: single "
    f"draws, bars: 95 % t-interval over R={few} training draws; below: the paper, on patients.",
    "gain": f"Gain over real-only, and its share of what is missing to a Dice of 1; means over R={few} "
    "training draws, no interval; crosses: the paper, on patients.",
    "steps": "Differences between numbers of volumes, dHVAE +2,000; thick bars: 90 %, thin: 95 % "
    f"t-intervals over R={few} training draws; dots: single draws; gray: the margin.",
}
figures = [{"file": files[each], "caption": text} for each, text in captions.items()]
seconds, code = round(time.perf_counter() - start, 1), jobs.fingerprint(needed)
record.write_metrics("dhvae", "table5_volumes", profile, R, rows, figures, seconds, [seed], code)
print(f"{len(rows)} rows in data/metrics/dhvae/table5_volumes.json: {note}")

# %% [markdown]
# ## Verdicts
#
# Tests and margins stand in `lib/claims/ledger.json` since before the first result. All of them use
# the Dice of whole volumes and the generator without the leak; *p* is adjusted by Holm. With fewer
# than five draws a verdict is exploratory. A claim is judged by the record with more draws: this
# run's, or the committed ones. That PET is harder than FLAIR (DH-35) says here how hard the two
# phantom laws are, and their ranges are ours.

# %%
of_record = {v["id"]: v for v in judge.judge_all(paths.METRICS, reference=judge.committed(profile))}


def tell(*ids: str) -> None:
    """Show the verdicts of these claims in words."""
    for id_ in ids:
        display(Markdown(summary.in_words(of_record[id_])))
        assert not of_record[id_]["missing"]


# %% tags=["DH-32"]
tell("DH-32")

# %% tags=["DH-33"]
tell("DH-33")

# %% tags=["DH-34"]
tell("DH-34")

# %% tags=["DH-35"]
tell("DH-35")

# %% [markdown]
# ## In this notebook we have
#
# - followed Dice from 10 to 50 volumes with a generator that sees what the segmenter sees;
# - put a number on the leak of a generator that sees more;
# - asked for a plateau by equivalence instead of by a missing difference;
# - separated a gain from the room that is left to gain;
# - judged the claims of this table by tests fixed before.
#
# ## Exercises
#
# **1.** In `flair`, how much of the 10-volume gain (mean) is left at 50 volumes, as a ratio?

# %%
answer = None  # your number
truth = gains("flair", "dhvae")[0][-1] / gains("flair", "dhvae")[0][0]
print("not answered yet" if answer is None else f"right: {abs(answer - truth) < 0.01}")

# %% [markdown]
# **2.** In the toy, which SD of a single draw would let 10 draws with mean exactly 0 just reach the
# margin, with $t_{9,\,0.95} = 1.833$?

# %%
answer = None  # your number
truth = margin * np.sqrt(10) / 1.833
print("not answered yet" if answer is None else f"right: {abs(answer - truth) < 0.0005}")
