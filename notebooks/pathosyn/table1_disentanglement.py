# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Table I: does a lesion give away its anatomy?
#
# - the paper's two scores of disentanglement, cosine and mutual information, beside their values when
#   pairs are shuffled and when directions are random;
# - a map that keeps everything, and yet has a cosine at chance; and independent features, whose
#   cosine is far above it;
# - the scores of *true* lesions, under laws that tie them to their anatomy not at all, weakly and
#   strongly: a perfect generator should have the same scores, and not zero.
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
from scipy.optimize import brentq

from lib import jobs
from lib.generators import pathosyn
from lib.metrics import dependence
from lib.papers.pathosyn import printed
from lib.papers.pathosyn.arms import DISENTANGLEMENT, NULLS, TABLE1, chosen
from lib.papers.pathosyn.tables import TRUE
from lib.report import plots
from lib.report.page import Page
from lib.report.rows import number
from lib.scores import coupling

page = Page("pathosyn/table1_disentanglement", profile, seed, dataset, root, draws)
page.study.source.known("the healthy image behind a lesion, which the true coupling needs")
ARMS = [*chosen(*TABLE1, "pathosyn_vaegan"), *chosen("oracle")]

# %% [markdown]
# ## What the paper prints
#
# > A value C ≈ 0 indicates that the two representations reside in orthogonal subspaces. [...]
# > PathoSyn achieves near-orthogonality (C = 0.072). (Sections IV-B and IV-D)

# %%
SAID = {"cos": "C, absolute cosine", "mi": "mutual information"}
lines = [
    [arm.label, *(f"{printed.TABLE1[arm.name][m]} ± {printed.TABLE1_SD[arm.name][m]}" for m in SAID)]
    for arm in chosen(*TABLE1)
]
page.table(["paper (patients)", *SAID.values()], lines)

# %% [markdown]
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | features φ of a "frozen medical encoder"; estimator, units and number of features are not named (PS-E19) | the bottleneck of an independent segmenter; Gaussian-copula information in nats, between two principal directions of either part |
# | C and information also of methods that have neither a substrate nor a deviation (PS-E19) | one definition for all: an independent network heals the sample, and the deviation is the sample minus what it gives, inside the mask |
# | a cosine near zero is orthogonality, and that is disentanglement (PS-E06) | raw and centred features, with the pairs shuffled (*permutation*) and the chance level beside |
# | lesions depend on their anatomy (section II), yet the ideal is that nothing of it can be told (PS-E05) | the true lesions' own score is the mark, under laws with no, weak and strong coupling |
# | "±": over what is not said (PS-E20) | over training draws; of a subject with several lesions one counts, since its slices resemble each other |
# | Meta-Auto in this table alone (PS-E26) | in Tables II and III as well, where no number is printed |
#
# ## The first score: an absolute cosine
#
# $$C = \frac1n \sum_{i=1}^{n} \frac{|\phi(x_{sub}^i) \cdot \phi(r^i)|}{\|\phi(x_{sub}^i)\| \, \|\phi(r^i)\|}$$
#
# (Section IV-B, without a number.) What is it for directions that have nothing to do with each other?
# In $d$ dimensions
#
# $$E|\cos| = \frac{\Gamma(d/2)}{\sqrt\pi \, \Gamma((d+1)/2)} \approx \sqrt{\frac{2}{\pi d}}.$$

# %%
rng = np.random.default_rng(seed)
for d in (2, 16, 128, 512):
    a, b = rng.normal(size=(2, 2000, d))
    found = dependence.coupling(a, b)
    print(f"d = {d:3}: independent directions {found:.4f}, formula {dependence.chance(d):.4f}")
page.check("the formula holds", np.isclose(found, dependence.chance(d), rtol=0.05))


# %%
def dimension(c: float) -> float:
    """The number of dimensions whose chance level is c."""
    return brentq(lambda d: dependence.chance(d) - c, 1, 10_000)


dims = {arm: dimension(printed.TABLE1[arm]["cos"]) for arm in TABLE1}
lines = [[arm.label, printed.TABLE1[arm.name]["cos"], f"{dims[arm.name]:.1f}"]
         for arm in chosen(*TABLE1)]  # fmt: skip
page.table(["paper (patients)", "C", "is chance in so many dimensions"], lines)

# %%
caption = "C of independent directions by the number of dimensions; crosses: the paper's four values."
with page.figure(caption, name="chance", figsize=(5.6, 3.2)) as ax:
    grid = np.geomspace(2, 600, 200)
    ax.plot(grid, [dependence.chance(d) for d in grid], color=plots.ROLES["baseline"])
    for arm in chosen(*TABLE1):
        place = dims[arm.name], printed.TABLE1[arm.name]["cos"]
        ax.plot(*place, "x", ms=7, color=plots.ROLES["paper"])
        ax.annotate(arm.label, place, (7, 3), textcoords="offset points", fontsize=8)
    ax.set(xscale="log", xlabel="dimensions", ylabel="C by chance", xlim=(2, 1500))

# %% [markdown]
# **What to see.** The paper's 0.072 is what a hundred and twenty-odd dimensions give by themselves;
# an encoder with 128 features is a common size. So C = 0.072 cannot tell "disentangled" from "the
# encoder has many features", and 0.425 needs no more than a few strong directions.
#
# ## Two counter-examples
#
# **Independent, yet C is high.** Features behind a ReLU are never negative, so all of them point the
# same way. **One is a function of the other, yet C is at chance.** A random rotation loses nothing:
# each row determines its image, and the image the row.

# %%
a, b = rng.normal(size=(2, 2000, 128))
turned = dependence.rotated(a, rng)
toys = {"independent, behind a ReLU": (np.maximum(a, 0), np.maximum(b, 0)),
        "independent": (a, b), "one rotated into the other": (a, turned)}  # fmt: skip
lines = []
for name, (one, other) in toys.items():
    rest = other - one @ np.linalg.lstsq(one, other, rcond=None)[0]
    told = 1 - rest.var() / other.var()
    raw, centred = (dependence.coupling(one, other, how) for how in (False, True))
    lines.append([name, number(raw), number(centred), f"{told:.0%}"])
page.table(["128 features", "C, raw", "C, centred", "variance of b that a line in a gives"], lines)

# %%
raw, centred = (dependence.coupling(*toys["independent, behind a ReLU"], how) for how in (False, True))
page.check("raw features of independent images read 1/π or more", raw > 0.3 > 0.1 > centred)
at_chance = dependence.coupling(a, turned) / dependence.chance(128)
page.check("a map that keeps everything has C at chance", abs(at_chance - 1) < 0.1)

# %%
caption = "Absolute cosines of 2,000 pairs in 128 dimensions, centred; dashed: the chance level."
with page.figure(caption, name="counter", figsize=(5.6, 2.8)) as ax:
    bins = np.linspace(0, 0.4, 41)
    for name, colour in (("independent", "#777777"), ("one rotated into the other", "#0072B2")):
        values = dependence.cosines(*toys[name])
        ax.hist(values, bins, histtype="step", lw=1.5, color=colour, label=name)
    ax.axvline(dependence.chance(128), color="black", ls="--", lw=0.8)
    ax.set(xlabel="|cos| of a pair", ylabel="pairs")
    ax.legend(fontsize=8)

# %% [markdown]
# **What to see.** No difference: the two histograms coincide. A score that is the same for
# "unrelated" and for "the same up to a rotation" says nothing about leaks.
#
# ## The second score: mutual information
#
# It sees any dependence, provided that it can be estimated. Two Gaussians with correlation ρ in each
# of $d$ pairs of directions share $-\frac d2 \ln(1-\rho^2)$ nats. Here are two estimators, and what
# defeats each of them:


# %%
def paired(d: int, total: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two Gaussian sets (n, d) that share so many nats in all."""
    rho = (1 - np.exp(-2 * total / d)) ** 0.5
    x, noise = rng.normal(size=(2, n, d))
    return x, rho * x + (1 - rho**2) ** 0.5 * noise


bent = rng.normal(size=(1500, 1))
pairs = {"0.5 nats, 2 directions, n = 1,500": paired(2, 0.5, 1500),
         "0.5 nats, 2 directions, n = 100": paired(2, 0.5, 100),
         "0.5 nats, 4 directions, n = 1,500": paired(4, 0.5, 1500),
         "a parabola with noise": (bent, bent**2 + rng.normal(size=bent.shape) / 2)}  # fmt: skip
both = (dependence.copula_information, dependence.neighbour_information)
lines = [[name, *(number(each(*pair)) for each in both)] for name, pair in pairs.items()]
page.table(["toy", "Gaussian copula", "neighbours"], lines)

# %%
said = [printed.TABLE1[arm]["mi"] for arm in TABLE1]
lines = [[SAID["mi"], *said], ["correlation of one pair of directions, if these are nats",
                               *(f"{(1 - np.exp(-2 * x)) ** 0.5:.2f}" for x in said)]]  # fmt: skip
page.table(["paper (patients)", *(arm.label for arm in chosen(*TABLE1))], lines)

# %% [markdown]
# The copula misses what is not monotone; the neighbour estimator loses information with every further
# direction. We take two directions from either part, keep the copula as the score of the claim, and
# let shuffled pairs show what it says where there is none. Note the last line: even the paper's
# lowest value would be a correlation above one half.
#
# ## What is compared
#
# For every sample an independent network says what lies behind the lesion ($x_{sub}$), and the rest
# inside the mask is the deviation ($r$), which the encoder sees on a grey background. For the
# phantom's own slices both are known; for a sample there is only the network's answer.


# %%
def shown() -> dict[str, np.ndarray]:
    """Image, substrate and deviation (3, H, W, four times) of true lesions and of PathoSyn's."""
    study, found = page.study, {}
    real, truth = (jobs.load(job).arrays for job in (study.reference, study.truths(study.reference)))
    at = np.linspace(0, len(real["image"]) - 1, 4).astype(int)
    found["truth"] = np.stack([real["image"][at], truth["healthy"][at],
                               coupling.GROUND + truth["deviation"][at] * real["mask"][at]])
    pool = jobs.load(study.pool(chosen("pathosyn_diff")[0], study.draws()[0])).arrays
    four = jobs.Result({name: pool[name][:4] for name in ("image", "mask")}, {})
    parts = pathosyn.decomposition(jobs.load(study.healer), four, 4).arrays
    drawn = coupling.GROUND + parts["deviation"] * four.arrays["mask"]
    found["PathoSyn: Diff"] = np.stack([four.arrays["image"], parts["substrate"], drawn])
    return {name: images.clip(0, 1) for name, images in found.items()}


# %% [markdown]
# ## The run

# %%
rows = page.run()
weak = rows.get("weak")
if not len(rows):
    page.text("*No draw yet: tables below are empty, figures and checks of rows left out.*")
examples = page.panel("pairs", shown)

# %%
NAMES, REACH = ("image", "substrate", "deviation on grey"), (0.5, 0.5, 0.25)  # from middle grey
caption = "Four true lesions and four of PathoSyn's, draw 0: image, what lies behind, and the rest."
if examples:
    with page.figure(caption, 3, 8, "pairs", figsize=(10, 4)) as axes:
        for start, (name, images) in zip((0, 4), examples.items(), strict=True):
            for line, each, reach in zip(axes[:, start : start + 4], images, REACH, strict=True):
                for ax, image in zip(line, each, strict=True):
                    plots.show(ax, image, vmin=0.5 - reach, vmax=0.5 + reach)
            axes[0, start].set_title(name, loc="left")
        for line, name in zip(axes, NAMES, strict=True):
            plots.label(line[0], name)

# %% [markdown]
# ## Table I
#
# Mean and 95 % t-interval over training draws. *Permutation*: PathoSyn's substrates with the
# deviations of other samples. *Chance*: the C that is expected by chance in as many dimensions as
# both parts share, which are far fewer than the encoder has features; it is a formula for directions that
# are all alike, and pairs that are truly shuffled may read something else. The columns *paper (patients)*
# are another encoder and another estimator: an order, not a target.

# %%
HEAD = {"cos": "C, raw", "cos_centred": "C, centred", "chance": "chance", "mi": "MI, nats"}


def line(at, arm, label: str = "") -> list[str]:
    """One method, the permutation, or the truth under one law."""
    own = [at.cell(arm, m) for m in HEAD]
    said = [at.paper(arm, m) for m in SAID]
    return [label or arm.label, at.count(arm, "cos"), own[0], said[0], *own[1:], said[1]]


head = ["R", "C, raw", "*paper (patients)*", *list(HEAD.values())[1:], "*paper (patients)*"]
page.table(["law as it stands", *head], [line(weak, arm) for arm in (*ARMS, NULLS["permutation"])])
levels = {level: rows[level] for level in coupling.COUPLINGS if level in rows}
lines = [line(at, TRUE, f"coupling {level}") for level, at in levels.items()]
page.table(["true lesions", *head], lines)

# %% [markdown]
# **What to see.** *C, raw* of shuffled pairs is as high as that of true ones, or nearly so: it is a
# property of the encoder. Then compare each method's information with that of the *true* lesions under
# the same law ("weak"), which is its mark, and with the *oracle*, whose fresh phantoms go through the
# same healing network as the samples do.

# %%
SHOWN = {"cos": "C, raw", "cos_centred": "C, centred", "mi": "mutual information, nats"}


def drawn_lines(metric: str) -> dict[str, dict]:
    """The methods, the permutation, and the truth under three laws, as lines of a forest."""
    each = [(arm.label, weak, arm) for arm in (*ARMS, NULLS["permutation"])]
    each += [(f"truth, coupling {level}", at, TRUE) for level, at in levels.items()]
    return {
        label: {"draws": at.draws(arm, metric), "role": arm.role, "here": at.row(arm, metric)["here"]}
        for label, at, arm in each
        if all(at.has(arm, m) for m in SHOWN)
    }


# %%
caption = (
    "Table I: C of raw and of centred features, and mutual information; 95 % t-intervals over "
    f"{page.counted(rows, 'pathosyn_diff', 'mi')} training draws; dashed: PathoSyn's pairs shuffled."
)

# %%
if len(rows):
    with page.figure(caption, 1, 3, figsize=(12.5, 4.4)) as axes:
        for ax, metric in zip(axes, SHOWN, strict=True):
            plots.lines(ax, drawn_lines(metric), SHOWN[metric])
            ax.tick_params(labelleft=ax is axes[0])
            if metric == "mi" and weak.has("permutation", metric):
                ax.axvline(weak.mean("permutation", metric), color="#777777", lw=1, ls="--")
        plots.legend(axes[0].figure)

# %% [markdown]
# **What to see.** In the right panel, on the dashed line, a lesion says nothing about its anatomy; the C of
# a method has a null of its own, since features differ. A method whose information lies *below* that of the
# truth under the same law does not disentangle better: its lesions have lost what true
# ones owe to their place. One that lies above has put into its lesions something of the anatomy that
# true ones do not have.
#
# ## What the numbers are made of
#
# Shown is the first principal direction of either part, with one dot for each lesion, in draw 0.
# Without coupling the cloud has no slope; the more lesions depend on their slice, the more one axis
# says about the other.


# %%
def clouds() -> dict[str, np.ndarray]:
    """First principal components (n, 2) of both parts: true lesions by law, and PathoSyn's."""
    study, found = page.study, {}
    k, arm = study.draws()[0], chosen("pathosyn_diff")[0]
    made = {f"truth, coupling {level}": study.truly_coupled(level, k) for level in levels}
    made[arm.label] = study.coupled(study.pool(arm, k), k)
    for name, job in made.items():
        features, known = (jobs.load(part).arrays for part in job.inputs)
        found[name] = np.hstack([
            dependence.principal(known[part], 1)(features[part])
            for part in ("substrate", "deviation")
        ])
    return found


scattered = page.panel("clouds", clouds)

# %%
caption = "First principal components of substrate and deviation features, one dot a lesion; draw 0."
if scattered:
    with page.figure(caption, 1, len(scattered), "clouds", figsize=(11, 3)) as axes:
        for ax, (name, points) in zip(axes, scattered.items(), strict=True):
            colour = plots.ROLES["oracle" if name.startswith("truth") else "method"]
            ax.plot(*points.T, ".", ms=3, alpha=0.5, color=colour)
            ax.set(title=name, xlabel="substrate")
        axes[0].set_ylabel("deviation")

# %% [markdown]
# ## What must hold

# %%
there = [(at, arm) for at in rows for arm in at.arms]
shares = [at.values(arm, m) for at, arm in there for m in DISENTANGLEMENT[:2] if at.has(arm, m)]
page.check("cosines lie between 0 and 1", all(((v >= 0) & (v <= 1)).all() for v in shares))
if page.meaningful and len(rows):
    none, strong = (levels[level].mean(TRUE, "mi") for level in ("none", "strong"))
    page.check("more coupling is more information", strong > none + 0.1)
    page.check("shuffled pairs share next to nothing", abs(weak.mean("permutation", "mi")) < 0.05)

# %% [markdown]
# ## Verdicts
#
# Tests and margins have stood in `lib/claims/ledger.json` since before the first result. PS-06 asks
# whether the centred C of PathoSyn lies within the margin of that of shuffled pairs; after the
# counter-example above even a yes does not mean disentangled.

# %% tags=["PS-04", "PS-05", "PS-06"]
page.verdicts("PS-04", "PS-05", "PS-06")

# %% [markdown]
# ## In this notebook we have
#
# - found the chance level of an absolute cosine, and that the paper's best value lies at it;
# - built features that are the same up to a rotation, and unrelated ones, which C cannot tell apart;
# - measured cosine and information with shuffled pairs, and with the true coupling, beside them;
# - judged three claims by tests fixed before.
#
# ## Exercises
#
# **1.** In how many dimensions is the paper's C of Meta-Auto the chance level? (Within one; use
# $\sqrt{2/(\pi d)}$.)

# %%
answer = None  # your number
page.exercise(answer, lambda: dims["meta_auto"], within=1)

# %% [markdown]
# **2.** If the paper's information of PathoSyn is in nats, how many bits is it?

# %%
answer = None  # your number
page.exercise(answer, lambda: printed.TABLE1["pathosyn_diff"]["mi"] / np.log(2), within=0.005)

# %% [markdown]
# **3.** Eight numbers are the signs (±1) of one fair coin in all places, $a = (s, s, ..., s)$, and
# $b$ is $a$ with the signs of its last four flipped. How large is C, and how much does $a$ say
# about $b$, in bits? Answer with the sum of both.

# %%
answer = None  # your number
page.exercise(answer, lambda: 1)  # C is 0, and a tells all of the one coin

# %%
page.close()
