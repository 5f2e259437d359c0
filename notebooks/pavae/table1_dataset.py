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
# *About 20 seconds.* Nothing here shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import time

import numpy as np
from IPython.display import Markdown, display
from scipy.stats import ks_2samp

from lib import jobs, paths, profiles
from lib.datasets import hdf5
from lib.datasets.chest import TABLE1, image_set
from lib.datasets.splits import assert_subject_disjoint, interleaved_labels
from lib.papers import pavae
from lib.phantoms.chest import CLASSES
from lib.record import rows as record
from lib.report import plots, summary

start = time.perf_counter()
plots.use_style()
size = profiles.get(profile)
assert dataset == "phantom", "this page draws phantoms; explore/your_own_data reads other sets"

# %% [markdown]
# ## What the paper prints
#
# > Only 10% of the training set is labeled; the remainder is unlabeled for semi-supervised or
# > synthetic augmentation. (Table 1)


# %%
def table(head: list[str], lines: list[list]) -> None:
    """Show a Markdown table."""
    display(Markdown(summary.table(head, lines)))


table(["split", *CLASSES, "total"], [[k, *n, sum(n)] for k, n in TABLE1.items()])

# %%
labelled, train = sum(TABLE1["labelled"]), sum(TABLE1["train"])
mixes = {name: tuple(np.divide(n, sum(n))) for name, n in TABLE1.items()}
assert len(set(mixes.values())) == 1, "all splits have one class mix"
print(f"labelled: {labelled} of {train} = {labelled / train:.0%}")
print("class mix of every split:", " / ".join(f"{p:.0%}" for p in mixes["train"]))

# %% [markdown]
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | title and section 4 speak of "public chest radiograph settings"; yet every image is procedural, and no generator is linked (PV-E25) | our own phantom law, called procedural throughout |
# | how labels are spread over the draw: not stated | classes repeat in a fixed pattern, so that a prefix of the draw has the same mix |
# | whether the unlabelled part is used at all: not stated (PV-E13) | methods see the labelled images only; a variant with pseudo-labels is a separate arm |
# | test set of Table 1's size | a longer test draw whose first images are Table 1's test: the test set's own error becomes small beside the seed spread |

# %% [markdown]
# ## A toy first: prefixes of a draw
#
# The labels repeat *healthy, left, healthy, right*. Any prefix of whole patterns therefore has
# Table 1's mix, and the labelled images are simply the first ones of the training draw.

# %%
toy = interleaved_labels(12)
print("labels:", toy)
for n in (4, 8, 12):
    print(f"first {n:2}:", np.bincount(toy[:n], minlength=3) / n)
    assert np.allclose(np.bincount(toy[:n], minlength=3) / n, mixes["train"])

# %% [markdown]
# The stronger promise: a short draw **is** the beginning of a long one from the same stream, pixel
# for pixel. So the labelled images stay the same, however many unlabelled ones follow.

# %%
short, long = (image_set("bare", n, [seed, 1]).arrays for n in (8, 24))
assert all(np.array_equal(short[name], long[name][:8]) for name in short)
print("8 images drawn alone equal the first 8 of 24, in", ", ".join(short))

# %% [markdown]
# ## The draws
#
# Three jobs: training, validation and test. They differ only in the *stream* that seeds them.

# %%
drawn = pavae.STUDIES["table1_dataset"](size, seed)
jobs.run(drawn)
train, validation, test = (hdf5.from_arrays(jobs.load(job).arrays) for job in drawn)
for name, data in {"train": train, "validation": validation, "test": test}.items():
    print(f"{name:10} {data.image.shape} {data.image.dtype}, in [0, 1]")

# %%
in_table1 = min(len(test), sum(TABLE1["test"]))
splits = {
    "train": train,
    "labelled": train[: size.labelled],
    "validation": validation,
    "test": test[:in_table1],
}
print(
    f"Claims are judged on all {len(test)} test images; the first {in_table1} are Table 1's test."
)

# %% [markdown]
# ## No subject in two splits
#
# A phantom subject is one 64-bit seed, so "the same patient twice" can be checked exactly.
# The labelled images are part of the training set by design; the other three must not touch.

# %%
subjects = {"train": train.subject, "validation": validation.subject, "test": test.subject}
assert_subject_disjoint(**subjects)
everyone = np.concatenate(list(subjects.values()))
assert len(np.unique(everyone)) == len(everyone), "a subject gives one image only"
assert np.isin(splits["labelled"].subject, train.subject).all()
print(f"{len(everyone)} images, {len(np.unique(everyone))} subjects, none shared between splits")

# %% [markdown]
# A guard that never fires is no guard. Here one training subject is smuggled into the test set:

# %%
leaky = np.append(test.subject, train.subject[0])
try:
    assert_subject_disjoint(train=train.subject, test=leaky)
except ValueError as error:
    message = str(error)
    print("refused:", message)
assert "in both train and test" in message

# %% [markdown]
# ## Written, and read back
#
# One HDF5 file per split with the columns `image`, `label`, `subject` and `mask`. The mask is what
# no public radiograph set has: every pixel that the opacity can change.

# %%
folder = paths.HOME / "data" / "chest"
folder.mkdir(parents=True, exist_ok=True)
for name, data in splits.items():
    hdf5.write(folder / f"{name}.h5", data)
    megabytes = (folder / f"{name}.h5").stat().st_size / 2**20
    print(f"data/chest/{name}.h5  {len(data):6} images {megabytes:7.1f} MiB")

# %%
back = {name: hdf5.read(folder / f"{name}.h5") for name in splits}
for name, data in back.items():
    for column, values in data.arrays().items():
        assert np.array_equal(values, splits[name].arrays()[column]), (name, column)
assert_subject_disjoint(**{name: back[name].subject for name in ("train", "validation", "test")})
print("all columns of all files come back bit for bit, and the splits are still disjoint")

# %% [markdown]
# A cut or foreign file is named, with what to do about it:

# %%
broken = folder / "broken.h5"
broken.write_bytes((folder / "labelled.h5").read_bytes()[:4000])
try:
    hdf5.read(broken)
except ValueError as error:
    print("refused:", str(error).replace(str(paths.HOME), "..."))
broken.unlink()

# %% [markdown]
# ## Table 1, counted from the files

# %%
counts = {name: np.bincount(data.label, minlength=3) for name, data in back.items()}
table(
    ["split", *CLASSES, "total", "paper's total"],
    [[name, *n, n.sum(), sum(TABLE1[name])] for name, n in counts.items()],
)

# %% [markdown]
# In the sizes of `quick` and above the counts must equal the paper's; the tiny `smoke` sizes only
# keep its class mix.

# %%
full_size = size.train == sum(TABLE1["train"])
for name, found in counts.items():
    expected = TABLE1[name] if full_size else np.multiply(mixes[name], found.sum())
    assert np.array_equal(found, expected), f"{name}: {found}, Table 1 says {expected}"
print("counts equal Table 1" if full_size else "class mix equals Table 1's (smaller sizes)")

# %% [markdown]
# ## What the splits look like
#
# One image of every class from every split, the border of the true opacity drawn over it. Left is
# the patient's left: on the right of the image.


# %%
def example(axes, data: hdf5.ImageSet, label: int) -> None:
    """The last image of a class with the outline of its mask."""
    at = int(np.flatnonzero(data.label == label)[-1])
    plots.show(axes, data.image[at])
    if data.mask[at].any():
        axes.contour(data.mask[at], [0.5], colors=plots.ROLES["paper"], linewidths=0.8)


def bars(axes, found: np.ndarray, printed: tuple[int, ...]) -> None:
    """Class counts of a split, and the paper's as crosses."""
    axes.bar(range(3), found, color=[plots.ROLES["baseline"], *[plots.ROLES["method"]] * 2])
    axes.plot(range(3), printed, "x", color=plots.ROLES["paper"], label="paper, Table 1")
    axes.set_xticks(range(3), ["healthy", "left", "right"])
    axes.set_ylim(0, 1.15 * max(*found, *printed))
    axes.set_ylabel("images")


# %%
with plots.figure(4, 4, figsize=(7.4, 7.4), layout="constrained") as (figure, axes):
    for line, (name, data) in zip(axes, back.items(), strict=True):
        for label in range(3):
            example(line[label], data, label)
        line[0].text(-0.1, 0.5, name, transform=line[0].transAxes, ha="right", va="center")
        bars(line[3], counts[name], TABLE1[name])
    for label in range(3):
        axes[0, label].set_title(CLASSES[label])
    axes[0, 3].legend(fontsize=7, loc="upper right")
    axes[0, 3].set_title("class counts")
    files = [plots.save(figure, "pavae", "table1_dataset")]
    display(figure)

# %% [markdown]
# **What to see.** The classes differ by a faint opacity among ribs, vessels and noise: the outline
# is needed to find many of them. The bars stand on the paper's crosses wherever the sizes are full.

# %% [markdown]
# ## Splits of one population
#
# If the splits came from different populations, a test score would measure that too. The true
# lesion size of every image is known, so it can be checked where it matters.

# %%
areas = {name: data.mask.sum((1, 2))[data.label > 0] for name, data in back.items()}
apart = {
    name: float(ks_2samp(areas["train"], areas[name]).pvalue) for name in ("validation", "test")
}
print("Kolmogorov-Smirnov p against train:", {k: round(v, 3) for k, v in apart.items()})
assert min(apart.values()) > 1e-4, "the splits have different lesion sizes"

# %%
with plots.figure(figsize=(5.4, 3.2), layout="constrained") as (figure, ax):
    for name, area in areas.items():
        ax.plot(np.sort(area), np.linspace(0, 1, len(area)), label=f"{name} (n = {len(area)})")
    ax.set_xlabel(f"true lesion area (pixels, of {test.mask[0].size})")
    ax.set_ylabel("share of lesions up to this area")
    ax.legend()
    files.append(plots.save(figure, "pavae", "table1_dataset_lesions"))
    display(figure)

# %% [markdown]
# **What to see.** The curves lie on each other: a split is a matter of chance and of nothing else.

# %% [markdown]
# ## Kept


# %%
def count_rows(name: str, found: np.ndarray) -> list[dict]:
    """One row per class of a split, and its total, beside Table 1."""
    metrics = ("healthy", "left", "right", "total")
    mine, paper = [*found, found.sum()], [*TABLE1[name], sum(TABLE1[name])]
    return [
        {
            "regime": "bare",
            "arm": name,
            "metric": metric,
            "mean": int(n),
            "values": [int(n)],
            "paper": p,
        }
        for metric, n, p in zip(metrics, mine, paper, strict=True)
    ]


rows = [row for name, found in counts.items() for row in count_rows(name, found)]

# %%
captions = [
    "Table 1 as images: one example of every class in every split with the outline of its true "
    "opacity, and the class counts (bars) beside the paper's (crosses).",
    "Area of the true opacity in every split: cumulative share of lesions, one curve per split.",
]
figures = [{"file": f, "caption": c} for f, c in zip(files, captions, strict=True)]
seconds = round(time.perf_counter() - start, 1)
record.write_metrics(
    "pavae", "table1_dataset", profile, 1, rows, figures, seconds, [seed], jobs.fingerprint(drawn)
)
print(f"{len(rows)} rows in data/metrics/pavae/table1_dataset.json, {seconds} s")

# %% [markdown]
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
truth = TABLE1["train"][1] - TABLE1["labelled"][1]
print("not answered yet" if answer is None else f"right: {answer == truth}")

# %% [markdown]
# **2.** Somebody splits 16 images at random *by image*, of 8 subjects with two images each, into
# halves. Estimate by simulation how often `assert_subject_disjoint` lets such a split pass.

# %%
answer = None  # your estimate, a share between 0 and 1
rng = np.random.default_rng(seed)
orders = [rng.permutation(np.repeat(np.arange(8), 2)) for _ in range(4000)]
passed = np.mean([not np.intersect1d(order[:8], order[8:]).size for order in orders])
print("not answered yet" if answer is None else f"right: {abs(answer - passed) < 0.01}")
