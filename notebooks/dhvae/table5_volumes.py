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
#   which one generator of 30 volumes also serves the segmenters that may see only 10;
# - what "plateau" and "largest with the fewest" have to mean before they can be tested.
#
# **Nothing here shows that a method works or fails on patients.**

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
root = ""
draws = ""

# %%
import numpy as np

from lib.claims.verdict import margin_of
from lib.metrics.inference import paired_t, t_interval, tost
from lib.papers.dhvae import printed
from lib.papers.dhvae.arms import DICE, MAIN, SOURCES, VOLUMES
from lib.report import plots
from lib.report.page import Page
from lib.report.rows import NONE, interval

page = Page("dhvae/table5_volumes", profile, seed, dataset, root, draws)
NAMES = {
    "real": SOURCES["real"].label,
    "dhvae": "dHVAE +2,000",
    "dhvae_fixed": f"dHVAE +2,000, generator of {MAIN}",
    "classic5": SOURCES["classic5"].label,
    "dhvae_classic5": "dHVAE +2,000 and classical ×5",
}

# %% [markdown]
# ## What the paper prints
#
# > We observe that beyond a certain threshold of real volumes, the improvement in DSC reaches a
# > plateau. This observation can be attributed to the limited number of modes covered by the
# > synthetic images, which have been trained on only 30 real volumes. (Section 4.7)


# %%
def paper(modality: str, arm: str) -> list[float]:
    """The paper's five numbers of an arm; none if it has no such arm."""
    each = [printed.TABLE5[f"{modality}-{n}"].get(arm, {}) for n in VOLUMES]
    return [cell["dice_selected"] for cell in each if cell]


theirs = [(m, arm, paper(m, arm)) for m in page.studies for arm in NAMES if paper(m, arm)]
lines = [[m, NAMES[arm], *(f"{x:.3f}" for x in found)] for m, arm, found in theirs]
page.table(["*paper (patients)*", "volumes:", *VOLUMES], lines)
mean, sd, runs = printed.TABLE5["pet-10"]["real"]["dice_selected"], 0.12, 5  # "0.051±0.12"
largest = mean * np.sqrt(runs)  # one draw holds all, the others are zero
print(f"{runs} numbers of 0 or more with mean {mean} have an SD of at most {largest:.3f}")
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
# Below nothing changes at all (true difference 0, SD 0.03 per draw); how often is that shown? (For
# one test at R draws; a verdict has four looks at stricter levels.)

# %%
rng, margin = np.random.default_rng(seed), margin_of("dice", "equivalence")
share = {}
for runs in (3, 5, 10, 20):
    d = rng.normal(0, 0.03, (400, runs))
    share[runs] = np.mean([tost(each, margin) < 0.05 for each in d])
page.table(["draws", *share], [["plateau shown", *(f"{x:.0%}" for x in share.values())]])
page.check("more draws can show a plateau that is there", share[20] > share[3])

# %% [markdown]
# ## The run
#
# The first n volumes of each draw, so that 20 contain the 10; segmenters, and for every n a guide
# and a generator of its own.

# %%
rows = page.run()


def at(modality: str, n: int, arm: str, metric: str = "dice") -> dict[str, float]:
    """{draw: value}; at 30 volumes a generator of 30 is no arm of its own."""
    arm = "dhvae" if (n, arm) == (MAIN, "dhvae_fixed") else arm
    name = f"{modality}-{n}"
    there = name in rows and rows[name].has(arm, metric)
    return rows[name].draws(arm, metric) if there else {}


def shared(*cells: dict[str, float]) -> np.ndarray:
    """Values (cells, R) of the draws that all cells have."""
    keys = [key for key in cells[0] if all(key in cell for cell in cells)]
    return np.array([[cell[key] for key in keys] for cell in cells]).reshape(len(cells), -1)


def told(values: np.ndarray, sign: str = "+") -> str:
    """Mean, interval and R; a dash without a draw."""
    return f"{interval(values, sign)} R={len(values)}" if len(values) else NONE


# %% [markdown]
# ## Table 5
#
# Dice of whole volumes with its 95 % t-interval over R training draws, and behind it in brackets the
# paper's way, on slices that are known to hold a lesion. Lines in italics are the paper's patients,
# another population.


# %%
def cell(modality: str, n: int, arm: str) -> str:
    """Mean, interval, draws, and the Dice on known slices."""
    own, known = (list(at(modality, n, arm, m).values()) for m in ("dice", "dice_selected"))
    return told(own, "") + (f" ({np.mean(known):.3f})" if known else "")


for modality, study in page.studies.items():
    lines = []
    for arm, text in NAMES.items():
        lines.append([text, *(cell(modality, n, arm) for n in VOLUMES)])
        said = [f"*{x:.3f}*" for x in paper(modality, arm)]
        lines += [[f"*{text}, paper*", *said]] if said else []
    page.table([modality, *(f"{study.some(n)} volumes" for n in VOLUMES)], lines)

# %% [markdown]
# ## Dice against volumes
#
# Thin lines are single draws; thick the mean of the draws that all columns of an arm have; bars
# 95 % t-intervals where there are two draws or more. Below, the paper's table as a figure.

# %%
LOOK = {"real": ("#777777", "-"), "classic5": ("black", ":"), "dhvae": ("#0072B2", "-"),
        "dhvae_fixed": ("#D55E00", "--"), "dhvae_classic5": ("#009E73", "-")}  # fmt: skip
DOTS = {"dhvae_fixed": {"marker": "o", "ms": 8, "mfc": "none"}}  # round the dot of dHVAE at 30 volumes


def draw_dice(ax, modality: str) -> None:
    """Our panel: Dice of all arms against the number of volumes."""
    for arm, (colour, style) in LOOK.items():
        x = [n for n in VOLUMES if at(modality, n, arm)]
        y = shared(*(at(modality, n, arm) for n in x)) if x else np.empty((0, 0))
        if y.size:
            half = [t_interval(v)[2] - v.mean() if len(v) >= plots.FEWEST else np.nan for v in y]
            ax.plot(x, y, color=colour, ls=style, lw=0.5, alpha=0.4)
            look = {"color": colour, "ls": style, "capsize": 2, **DOTS.get(arm, {"marker": "."})}
            ax.errorbar(x, y.mean(1), half, **look, label=NAMES[arm])
    ax.set(title=f"{modality}, phantoms", ylabel="Dice, whole volume", xticks=VOLUMES)


# %%
def draw_paper(ax, modality: str) -> None:
    """The paper's panel."""
    for arm, (colour, style) in LOOK.items():
        if paper(modality, arm):
            look = {"color": colour, "ls": style, "marker": ".", "label": NAMES[arm]}
            ax.plot(VOLUMES, paper(modality, arm), **look)
    ax.set(title=f"{modality}, paper (patients)", ylabel="DSC as printed", xticks=VOLUMES)
    ax.set_xlabel("training volumes")


# %%
caption = (
    "Table 5 of dHVAE as a figure: whole-volume Dice against training volumes; thin: single draws, "
    f"bars: 95 % t-intervals, {page.size.test_volumes} test volumes; a ring: a generator of {MAIN}, at "
    f"{MAIN} volumes dHVAE itself; below: the paper, on patients."
)
with page.figure(caption, 2, len(page.studies), figsize=(10, 6.6)) as axes:
    for column, modality in zip(axes.T, page.studies, strict=True):
        draw_dice(column[0], modality)
        draw_paper(column[1], modality)
    each = [zip(*ax.get_legend_handles_labels(), strict=True) for ax in axes[::-1].flat]
    named = {label: handle for pairs in each for handle, label in pairs}
    place = {"loc": "outside lower center", "ncols": 3, "fontsize": 8}
    axes[0, 0].figure.legend(named.values(), named.keys(), **place)

# %% [markdown]
# **What to see.** How far right the grey line must go to reach the blue one: that many volumes is
# what the synthetic slices are worth. Where the dashed line lies above the blue one, the generator
# has told the segmenter about subjects that it was not supposed to see.
#
# ## What the leak is worth
#
# Generator of 30 volumes minus generator of n, the same segmenter and the same real slices. Left of
# 30 it knows more subjects than the segmenter, right of it fewer.

# %%
OTHERS = [n for n in VOLUMES if n != MAIN]
lines = []
for modality in page.studies:
    both = [shared(*(at(modality, n, arm) for arm in ("dhvae_fixed", "dhvae"))) for n in OTHERS]
    lines.append([modality, *(told(leak - own) for leak, own in both)])
page.table(["", *(f"{n} volumes" for n in OTHERS)], lines)

# %% [markdown]
# ## Gain against volumes
#
# The gain over real slices alone, $G_n = D_n^{dHVAE} - D_n^{real}$. It must shrink when the real-only
# Dice nears its ceiling, whatever the generator does. So beside it stands the share of the missing
# part that is made up, $G_n / (1 - D_n^{real})$. A claim that synthetic data matter most with few
# volumes says more if both fall; its verdict (DH-34) compares shares of what the oracle gains there.


# %%
def gains(modality: str, arm: str) -> np.ndarray:
    """Number of volumes, mean gain, and its share of what is missing to 1, (3, columns)."""
    each = {n: shared(at(modality, n, "real"), at(modality, n, arm)) for n in VOLUMES}
    found = [(n, *pair.mean(1)) for n, pair in each.items() if pair.size]
    n, real, method = np.array(found).T if found else np.empty((3, 0))
    return np.array([n, method - real, (method - real) / (1 - real)])


# %%
columns = 2 * len(page.studies)
caption = (
    "Gain over real-only, and its share of what is missing to a Dice of 1; means over training "
    "draws, no interval; crosses: the paper, on patients."
)
with page.figure(caption, 1, columns, "gain", figsize=(3.1 * columns, 3.4)) as axes:
    for i, modality in enumerate(page.studies):
        pair = axes[2 * i : 2 * i + 2]
        for arm in ("dhvae", "dhvae_fixed", "classic5"):
            n, *each = gains(modality, arm)
            for ax, y in zip(pair, each, strict=True):
                look = dict(zip(("color", "ls"), LOOK[arm], strict=True)) | {"label": NAMES[arm]}
                ax.plot(n, y, **look, **DOTS.get(arm, {"marker": "."}))
        real, method = (np.array(paper(modality, arm)) for arm in ("real", "dhvae"))
        for ax, y in zip(pair, (method - real, (method - real) / (1 - real)), strict=True):
            ax.plot(VOLUMES, y, "x", color=plots.ROLES["paper"], label="paper (patients)")
            ax.set(xlabel="volumes", xticks=VOLUMES)
        pair[0].set_title(f"{modality}: gain in Dice")
        pair[1].set_title(f"{modality}: share of the rest")
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)

# %% [markdown]
# **What to see.** The slope of the blue line in the first panel of each pair is the claim; look
# whether it is still there in the second. The dashed line is what the paper's design would show.
#
# ## Is there a plateau?
#
# Steps between columns of *dHVAE +2,000*. The thick bar is the 90 % interval, which must lie inside
# the grey margin for a plateau; the thin one the 95 % interval, which must miss zero for a rise.

# %%
STEPS = [(10, 20), (20, 30), (30, 40), (40, 50), (30, 50)]


def draw_steps(ax, modality: str) -> None:
    """Differences between columns with both intervals and single draws."""
    ax.axvspan(-margin, margin, color="#BBBBBB", alpha=0.4, lw=0)
    ax.axvline(0, color="black", lw=0.8)
    for y, (fewer, more) in enumerate(reversed(STEPS)):
        one, other = shared(at(modality, more, "dhvae"), at(modality, fewer, "dhvae"))
        few = {"ci95": [], "ci90": []}
        found = paired_t(one - other) if len(one) >= plots.FEWEST else few
        for ends, width in ((found["ci95"], 1.2), (found["ci90"], 4)):
            line = [y] * len(ends)
            ax.plot(ends, line, color=plots.ROLES["method"], lw=width, alpha=0.5)
        ax.plot(one - other, [y] * len(one), "o", color=plots.ROLES["method"], ms=4)
    ax.set_yticks(range(len(STEPS)), [f"{more} minus {fewer}" for fewer, more in reversed(STEPS)])
    ax.set(title=modality, xlabel="difference in Dice")
    ax.locator_params(axis="x", nbins=6)


# %%
caption = (
    "Differences between numbers of volumes, dHVAE +2,000; thick bars: 90 %, thin: 95 % "
    "t-intervals; dots: single training draws; grey: the margin."
)
pairs = [(at(m, more, "dhvae"), at(m, fewer, "dhvae")) for m in page.studies for fewer, more in STEPS]
if any(shared(*pair).size for pair in pairs):
    with page.figure(caption, 1, len(page.studies), "steps", figsize=(9, 2.9)) as axes:
        for ax, modality in zip(axes, page.studies, strict=True):
            draw_steps(ax, modality)
else:
    page.text("*No draw has two numbers of volumes yet.*")

# %% [markdown]
# **What to see.** The last line is the claim's contrast. A bar wider than the grey band can show
# neither a plateau nor a rise.
#
# ## Synthetic, classical, both
#
# A 2 x 2 at 30 volumes. The interaction asks whether both together give more than the sum:
#
# $$I = D_{both} - D_{dHVAE} - D_{\times 5} + D_{real}$$

# %%
lines = []
for modality in page.studies:
    four = [at(modality, MAIN, arm) for arm in ("dhvae_classic5", "dhvae", "classic5", "real")]
    both, own, classic, real = shared(*four)
    found = (both - real, both - own, both - classic, both - own - classic + real)
    lines.append([modality, *map(told, found)])
head = ["both minus real", "both minus dHVAE", "both minus x5", "interaction"]
page.table([f"{MAIN} volumes", *head], lines)

# %% [markdown]
# ## What must hold

# %%
for found in rows:
    there = [arm for arm in NAMES if found.has(arm, "dice")]
    each = [found.values(arm, m) for arm in there for m in DICE if found.has(arm, m)]
    page.check(f"{found.name}: scores are shares", all(((v >= 0) & (v <= 1)).all() for v in each))
    known = [found.mean(arm, "dice_selected") - found.mean(arm, "dice") for arm in there]
    page.check(f"{found.name}: false alarms only cost", min(known) > -1e-12)

# %% [markdown]
# ## Verdicts
#
# All tests use the Dice of whole volumes and the generator without the leak, and have stood in
# `lib/claims/ledger.json` since before the first result. That PET is harder than FLAIR (DH-35) says
# here only how hard the two phantom laws are, and their ranges are ours.

# %% tags=["DH-32", "DH-33", "DH-34", "DH-35"]
page.verdicts("DH-32", "DH-33", "DH-34", "DH-35")

# %% [markdown]
# ## In this notebook we have
#
# - a table of Dice from 10 to 50 volumes, as far as there are draws, for a generator that sees what the
#   segmenter sees;
# - beside it the leak of a generator that sees more;
# - told a plateau from a difference that is merely not seen;
# - told a gain from the room that is left to gain;
# - seen where the claims of this table stand, by tests fixed before.
#
# ## Exercises
#
# **1.** In `flair`, how much of the 10-volume gain (mean) is left at 50 volumes, as a ratio?

# %%
answer = None  # your number
page.exercise(answer, lambda: gains("flair", "dhvae")[1, -1] / gains("flair", "dhvae")[1, 0], 0.01)

# %% [markdown]
# **2.** In the toy, what SD of a single draw would let 10 draws with mean exactly 0 just reach the
# margin, with $t_{9,\,0.95} = 1.833$?

# %%
answer = None  # your number
page.exercise(answer, lambda: margin * np.sqrt(10) / 1.833, within=0.0005)

# %%
page.close()
