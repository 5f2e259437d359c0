# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Table 1: the dataset, drawn, split by subject and kept in HDF5
#
# - draw Table 1 of PA-VAE from a phantom law: three classes, a tenth of the training images labelled;
# - check that no subject stands in two splits, and watch the guard refuse a leak;
# - write the four splits as HDF5 files, read them back, and compare them with the paper's counts.
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
from scipy.stats import ks_2samp

from lib import jobs, paths
from lib.datasets import hdf5
from lib.datasets.chest import TABLE1, image_set
from lib.datasets.splits import assert_subject_disjoint, interleaved_labels
from lib.papers.table import row
from lib.phantoms.chest import CLASSES
from lib.report import plots
from lib.report.page import Page

page = Page("pavae/table1_dataset", profile, seed, dataset, root, draws)
known = page.study.source.truth  # whether masks and subjects are those of phantoms

# %% [markdown]
# ## What the paper prints
#
# > Only 10% of the training set is labeled; the remainder is unlabeled for semi-supervised or
# > synthetic augmentation. (Table 1)

# %%
page.table(["split", *CLASSES, "total"], [[k, *n, sum(n)] for k, n in TABLE1.items()])
mixes = {name: tuple(np.divide(n, sum(n))) for name, n in TABLE1.items()}
print(f"labelled: {sum(TABLE1['labelled']) / sum(TABLE1['train']):.0%} of train;", end=" ")
print("class mix of every split:", " / ".join(f"{p:.0%}" for p in mixes["train"]))
page.check("all of the paper's splits have one class mix", len(set(mixes.values())) == 1)

# %% [markdown]
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | title and section 4 speak of "public chest radiograph settings"; yet every image is procedural, and no generator is linked (PV-E25) | our own phantom law, called procedural throughout |
# | how labels are spread over the draw: not stated | classes repeat in a fixed pattern, so that a prefix of the draw has the same mix |
# | whether the unlabelled part is used at all: not stated (PV-E13) | methods see the labelled images only; a variant with pseudo-labels is a separate arm |
# | test set of Table 1's size | a longer test draw whose first images are Table 1's test: the test set's own error becomes small beside the spread over seeds |
#
# ## A toy first: prefixes of a draw
#
# The labels repeat *healthy, left, healthy, right*. Any prefix of whole patterns therefore has
# Table 1's mix, and the labelled images are simply the first ones of the training draw.

# %%
toy = interleaved_labels(12)
print("labels:", toy)
prefixes = [np.bincount(toy[:n], minlength=3) / n for n in (4, 8, 12)]
page.check("prefixes have Table 1's class mix", np.allclose(prefixes, mixes["train"]))

# %% [markdown]
# The stronger promise: a short draw **is** the beginning of a long one from the same stream, pixel
# for pixel. So the labelled images stay the same, however many unlabelled ones follow.

# %%
short, long = (hdf5.from_arrays(image_set("bare", n, [seed, 1]).arrays) for n in (8, 24))


def equal(a: hdf5.ImageSet, b: hdf5.ImageSet) -> bool:
    """Whether two sets agree in all columns, bit for bit."""
    return all(np.array_equal(column, b.arrays()[name]) for name, column in a.arrays().items())


print("8 images drawn alone equal the first 8 of 24, in", ", ".join(short.arrays()))
page.check("a short draw is the beginning of a long one", equal(short, long[:8]))

# %% [markdown]
# ## The guard
#
# A phantom subject is one 64-bit seed, so "the same patient twice" can be checked exactly. A guard
# that never fires is no guard. Here one training subject is smuggled into another set:

# %%
other = hdf5.from_arrays(image_set("bare", 8, [seed, 2]).arrays)
assert_subject_disjoint(train=long.subject, test=other.subject)
try:
    assert_subject_disjoint(train=long.subject, test=np.append(other.subject, long.subject[0]))
except ValueError as error:
    message = str(error)
    print("refused:", message)
page.check("the guard refuses a leak", "in both train and test" in message)

# %% [markdown]
# ## A file, written and read back
#
# One HDF5 file holds the columns `image`, `label`, `subject` and `mask`. The mask is what no public
# radiograph set has: every pixel that the opacity can change.

# %%
folder = paths.HOME / "data" / "chest"
folder.mkdir(parents=True, exist_ok=True)
file = folder / "toy.h5"
hdf5.write(file, long)
page.check("a file comes back bit for bit", equal(long, hdf5.read(file)))

# %% [markdown]
# A truncated or foreign file is refused by name, with what to do about it:

# %%
file.write_bytes(file.read_bytes()[:4000])
try:
    hdf5.read(file)
except ValueError as error:
    refused = str(error)
    print("refused:", refused.replace(str(paths.HOME), "..."))
file.unlink()
page.check("a cut file is refused", "write it again" in refused)

# %% [markdown]
# ## The draws
#
# Three jobs: training, validation and test. They differ only in the *stream* that seeds them. The
# labelled images are part of the training set by design; the other three must not overlap. Claims
# are judged on the whole test draw; its first images are Table 1's test.

# %%
page.run()
drawn = {"train": page.study.train(0), "validation": page.study.validation(0), "test": page.study.test}


def splits() -> dict[str, hdf5.ImageSet]:
    """The four splits of Table 1, written as files, checked and read back."""
    found = {name: hdf5.from_arrays(jobs.load(job).arrays) for name, job in drawn.items()}
    assert_subject_disjoint(**{name: data.subject for name, data in found.items()})
    found["test"] = found["test"][: sum(TABLE1["test"])]
    found["labelled"] = found["train"][: page.size.labelled]
    for name, data in found.items():
        hdf5.write(folder / f"{name}.h5", data)
        assert equal(data, hdf5.read(folder / f"{name}.h5")), name
        print(f"data/chest/{name}.h5  {len(data):6} images, read back bit for bit")
    return {name: found[name] for name in TABLE1}


# %% [markdown]
# What this page shows of them:


# %%
def look() -> dict[str, np.ndarray]:
    """Of every split class counts, last images, areas of lesions; subjects shared by any two."""
    found, sets = {}, splits()
    for name, data in sets.items():
        last = [np.flatnonzero(data.label == label)[-1] for label in range(3)]
        found[f"{name}/counts"] = np.bincount(data.label, minlength=3)
        found[f"{name}/image"], found[f"{name}/mask"] = data.image[last], data.mask[last]
        found[f"{name}/area"] = data.mask.sum((1, 2))[data.label > 0].astype(np.uint16)
    ids = [np.unique(data.subject) for data in sets.values()]
    found["shared"] = np.array([[len(np.intersect1d(a, b)) for b in ids] for a in ids])
    return found


seen = page.panel("splits", look)

# %% [markdown]
# ## No subject in two splits
#
# How many subjects any two splits share; on the diagonal, how many they have.

# %%
shared = seen["shared"]
page.table(["subjects", *TABLE1], [[n, *line] for n, line in zip(TABLE1, shared, strict=True)])
apart = np.delete(np.delete(shared, 1, 0), 1, 1)  # without the labelled ones
page.check("the other three share no subject", np.count_nonzero(apart) == len(apart))
page.check("all labelled subjects are training subjects", shared[1, 0] == shared[1, 1])

# %% [markdown]
# ## Table 1, counted from the files


# %%
def counted(name: str) -> list[dict]:
    """Rows of a split: images of each class, and all, beside Table 1's."""
    n, said = seen[f"{name}/counts"].tolist(), TABLE1[name]
    pairs = zip([*n, sum(n)], [*said, sum(said)], strict=True)
    code = drawn.get(name, drawn["train"]).key
    return [
        row(page.study, "bare", name, metric, {0: mine}, code, paper=paper)
        for metric, (mine, paper) in zip(("healthy", "left", "right", "total"), pairs, strict=True)
    ]


page.keep(lambda: [each for name in TABLE1 for each in counted(name)])

# %%
counts = {name: seen[f"{name}/counts"] for name in TABLE1}
page.table(
    ["split", *CLASSES, "total", "paper's total"],
    [[name, *n, n.sum(), sum(TABLE1[name])] for name, n in counts.items()],
)

# %% [markdown]
# In the sizes of `quick` and above the counts of phantoms must equal the paper's; the tiny `smoke`
# sizes only keep its class mix.

# %%
if known:
    mixed = all(np.allclose(n / n.sum(), mixes[name]) for name, n in counts.items())
    page.check("every split has Table 1's class mix", mixed)
    single = all(shared[i, i] == n.sum() for i, n in enumerate(counts.values()))
    page.check("a subject gives one image only", single)
if known and page.meaningful:
    exact = all(np.array_equal(n, TABLE1[name]) for name, n in counts.items())
    page.check("counts equal Table 1's", exact)

# %% [markdown]
# ## What the splits look like
#
# One image of every class from every split, the border of the true opacity drawn over it. Left is
# the patient's left: on the right of the image.


# %%
def bars(ax, name: str) -> None:
    """Class counts of a split, and the paper's as crosses."""
    colours = [plots.ROLES[role] for role in ("baseline", "method", "method")]
    ax.bar(range(3), counts[name], color=colours)
    ax.plot(range(3), TABLE1[name], "x", color=plots.ROLES["paper"], label="paper, Table 1")
    ax.set_xticks(range(3), ["healthy", "left", "right"])
    ax.set_ylim(0, 1.15 * max(*counts[name], *TABLE1[name]))
    ax.set_ylabel("images")


# %%
caption = (
    "Table 1 as images: one example of every class in every split with the outline of its true "
    "opacity, and the class counts (bars) beside the paper's (crosses)."
)
with page.figure(caption, 4, 4, figsize=(7.4, 7.4)) as axes:
    for line, name in zip(axes, TABLE1, strict=True):
        pairs = zip(seen[f"{name}/image"], seen[f"{name}/mask"], strict=True)
        for ax, (image, mask) in zip(line[:3], pairs, strict=True):
            plots.show(ax, image)
            plots.outline(ax, mask, plots.ROLES["paper"])
        plots.label(line[0], name)
        bars(line[3], name)
    for ax, title in zip(axes[0], [*CLASSES, "class counts"], strict=True):
        ax.set_title(title)
    axes[0, 3].legend(fontsize=7, loc="upper right")

# %% [markdown]
# **What to see.** The classes differ by a faint opacity among ribs, vessels and noise: the outline
# is needed to find many of them. The bars reach the paper's crosses wherever the sizes are full.
#
# ## Splits of one population
#
# If the splits came from different populations, a test score would measure that too. The true
# lesion size of every image is known, so it can be checked where it matters.

# %%
areas = {name: seen[f"{name}/area"] for name in TABLE1}
against = {n: float(ks_2samp(areas["train"], areas[n]).pvalue) for n in ("validation", "test")}
if known:
    print("Kolmogorov-Smirnov p against train:", {k: round(p, 3) for k, p in against.items()})
    page.check("the splits have the same lesion sizes", min(against.values()) > 1e-4)
else:
    print("the true size of a lesion needs a phantom")

# %%
if known:
    caption = "Area of the true opacity: cumulative share of lesions, one curve per split."
    with page.figure(caption, name="lesions", figsize=(5.4, 3.2)) as ax:
        for name, area in areas.items():
            ax.plot(np.sort(area), np.linspace(0, 1, len(area)), label=f"{name} (n = {len(area)})")
        ax.set_xlabel(f"true lesion area (pixels, of {short.mask[0].size})")
        ax.set_ylabel("share of lesions up to this area")
        ax.legend()

# %% [markdown]
# **What to see.** The curves lie on top of each other: a split is a matter of chance and nothing
# else.
#
# ## In this notebook we have
#
# - drawn Table 1 from a phantom law, with the labelled images as a prefix of the training draw;
# - checked by subject that train, validation and test do not overlap, and seen the guard fire;
# - written and re-read the splits bit for bit, and compared every count with the paper.
#
# Next: [04_data](04_data.py) takes the phantom apart and calibrates how hard it is to read.
#
# ## Exercises
#
# **1.** How many *unlabelled* left opacities does the training set hold in the paper's sizes?

# %%
answer = None  # your number
page.exercise(answer, lambda: TABLE1["train"][1] - TABLE1["labelled"][1])

# %% [markdown]
# **2.** Somebody splits 16 images at random *by image*, of 8 subjects with two images each, into
# halves. Estimate by simulation how often `assert_subject_disjoint` lets such a split pass.

# %%
answer = None  # your estimate, a share between 0 and 1
rng = np.random.default_rng(seed)
orders = [rng.permutation(np.repeat(np.arange(8), 2)) for _ in range(4000)]
passed = np.mean([not np.intersect1d(order[:8], order[8:]).size for order in orders])
page.exercise(answer, lambda: passed, within=0.01)

# %%
page.close()
