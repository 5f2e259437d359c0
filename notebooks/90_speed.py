# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Speed: phantoms per second, and what a gradient step costs
#
# - measure the batched renderer on one and on two processes, after a warm-up;
# - hold it against a plain rendition of the same drawing, one image at a time;
# - time preprocessing, and a gradient step of the classifier and of PA-VAE in both precisions;
# - time brain and neck volumes, and a training step of a Hamiltonian VAE with exact and with stopped
#   gradients, beside the library pythae where that is installed;
# - time PathoSyn's lesions, drawn in boxes and, by MONAI, in whole images.
#
# These are timings: run this page alone (`./run_all.sh 90_speed`) for clean ones. There is no
# record of them: a page made from the record alone measures briefly and keeps nothing. Nothing here
# shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import time

import numpy as np
import torch
from joblib import Parallel, delayed, parallel_config
from skimage.filters import gaussian

from lib import machine
from lib.datasets import chest as data
from lib.datasets.preprocess import preprocess
from lib.generators import vae
from lib.networks.classifier import SmallCNN
from lib.papers.pavae import plain
from lib.papers.pavae.sizes import SIZES
from lib.phantoms import brain, chest, neck
from lib.report import plots, rivals, timing
from lib.report.page import Page
from lib.tasks import classify
from lib.training import loop as tr
from lib.training.weights import freeze, seeded

# %% [markdown]
# ## The batched renderer
#
# A call samples the parameters of $n$ subjects and renders image, healthy counterfactual, mask and
# deviation. It works on chunks of subjects, small enough for the processor's cache. Every
# process has one thread here: torch would otherwise spread each small operation over all cores.

# %%
page = Page("90_speed", profile, seed, dataset)
torch.set_num_threads(1)
n = SIZES["smoke" if page.from_record else page.plan.profile.sizes].timed_images
TARGET, PER_SECOND = 3000, 20  # images and brains a second on two processes: what the project asks
FLOOR = 300  # images a second that even a busy machine reaches
STEPS, FASTER = 10, 6  # DDIM steps of the lesions below; how many times faster boxes should be
REPEATS = 3 if page.meaningful and not page.from_record else 1  # of every timing

# %%
def sampled(n: int, stream: int = 0) -> tuple[chest.Parameters, np.random.Generator]:
    """n fresh subjects in Table 1's mix, and the generator that drew them."""
    rng = np.random.default_rng([seed, stream])
    return chest.sample(chest.BARE, np.tile(data.MIX, n // 4), rng), rng


def batched(n: int, stream: int = 0) -> chest.Batch:
    """n subjects drawn in chunks."""
    return chest.render(sampled(n, stream)[0])


def on_two(call, n: int) -> list[int]:
    """`len(call(n / 2, stream))` on two processes of one thread each."""
    with parallel_config("loky", inner_max_num_threads=1):
        work = delayed(lambda stream: len(call(n // 2, stream)))
        return Parallel(n_jobs=2)(work(stream) for stream in (1, 2))

# %%
speed = {"batched, one process": timing.rates(batched, n, REPEATS)}
if not page.from_record:  # a page that is only looked at need not start processes
    two = timing.rates(lambda k: on_two(batched, k), n, REPEATS)
    speed = {"batched, two processes": two} | speed

# %% [markdown]
# ## The same drawing, one image at a time
#
# `lib/papers/pavae/plain.py` has the phantom as one would first write it: scikit-image draws each
# structure of one subject, a Gaussian filter softens it, loops go over ribs, vessels and dots. It takes
# the same parameters, so the pictures can be compared. Noise and texture differ; so pictures are
# compared after a slight blur, and the lesions by their masks.

# %%
few, pairs = max(16, n // 50), 16


def plainly(n: int) -> list[tuple]:
    """n subjects, each drawn alone."""
    return plain.one_by_one(*sampled(n))


mine, theirs = batched(pairs), plainly(pairs)

smooth = [[gaussian(image, 1).ravel() for image in images]
          for images in (mine.image, [t[0] for t in theirs])]  # fmt: skip
alike = [float(np.corrcoef(a, b)[0, 1]) for a, b in zip(*smooth, strict=True)]
both = [(a & t[2]).sum() / max(1, (a | t[2]).sum()) for a, t in zip(mine.mask, theirs, strict=True)]
overlap = float(np.mean([iou for iou, label in zip(both, mine.label, strict=True) if label]))
print(f"correlation of the pictures: {np.mean(alike):.3f} (least {min(alike):.3f})")
print(f"mean IoU of the lesion masks: {overlap:.2f}")
page.check("both draw the same subjects", min(alike) > 0.9 and overlap > 0.6)

# %%
caption = "The same parameters drawn by the batched renderer and by plain scikit-image, one by one."
lines = {"batched": mine.image[1:7], "one by one": [t[0] for t in theirs[1:7]],
         "batched,\ndeviation": 3 * mine.deviation[1:7],
         "one by one,\ndeviation": [3 * t[3] for t in theirs[1:7]]}  # fmt: skip
with page.figure(caption, 4, 6, "pictures", figsize=(8, 5.4)) as axes:
    plots.gallery(axes, lines)

# %% [markdown]
# **What to see.** The same bodies, lungs, ribs and lesions; grain and texture are drawn by chance.
#
# ## Images per second

# %%
speed["scikit-image, one by one"] = timing.rates(plainly, few, REPEATS)
raw = batched(n).image
speed["preprocessing"] = timing.rates(lambda k: preprocess(raw[:k]), n, REPEATS)
middle = timing.tell(speed, "images/s")
if not page.from_record:
    two, one = middle["batched, two processes"], middle["batched, one process"]
    met = "reached" if two >= TARGET else "not reached here"
    print(f"target of {TARGET} images/s on two processes: {met} ({two:.0f})")
    print(f"two processes over one: x {two / one:.2f} (a busy machine lowers this)")
    if page.meaningful:
        page.check(f"two processes draw more than {FLOOR} images a second", two > FLOOR)

# %% [markdown]
# A busy machine shares out its processors, and the wall clock counts the waiting. The
# processor's own clock does not: per second of *processor time* the two ways of drawing compare
# cleanly, and twice the first number is about what two idle processors would reach.
#
# The second cell says where the time of one process goes: drawing random numbers is part of the
# price, because every subject has a generator of its own and can be made again alone.

# %%
calls = {"batched, one process": (batched, n), "scikit-image, one by one": (plainly, few)}
own = {name: timing.rates(*call, REPEATS, timing.CPU) for name, call in calls.items()}
quick, slow = timing.tell(own, "images/s of processor time").values()
print(f"batched over one by one: x {quick / slow:.1f}")
page.check("batching pays", quick > 2 * slow)

# %%
begin = time.perf_counter()
subjects, _ = sampled(n)
between = time.perf_counter()
chest.render(subjects)
spent = time.perf_counter() - begin
print(f"sampling parameters: {(between - begin) / spent:.0%} of the time, rendering the rest")

# %% [markdown]
# ## A gradient step
#
# The studies use bfloat16 where the processor multiplies it in hardware, and float32 elsewhere.
# Weights stay in float32 either way.

# %%
toy = data.draw(chest.BARE, 256, np.random.default_rng([seed, 3]))
guide = freeze(seeded(SmallCNN, np.random.default_rng(seed)))
steps = max(2, n // 500)


def reader_steps(precision: str) -> None:
    """Steps of the downstream classifier, 64 images each."""
    settings = classify.ClassifySettings(steps=steps, precision=precision)
    classify.fit(toy.image, toy.label, settings, np.random.default_rng(seed))


def vae_steps(precision: str) -> None:
    """Steps of PA-VAE with all its terms, 64 images each."""
    settings = vae.VaeSettings(epochs=1, epoch_images=64 * steps, precision=precision)
    for _ in vae.fit(toy, guide, settings, np.random.default_rng(seed)):
        pass

# %%
cost = {}
for name, call in {"classifier": reader_steps, "PA-VAE": vae_steps}.items():
    for precision in ("float32", "bfloat16"):
        found = timing.rates(lambda k, c=call, p=precision: c(p), steps, 2)
        cost[f"{name}, {precision}"] = [1000 / each for each in found]
timing.tell(cost, "ms a step of 64 images")
print("this machine's studies use", machine.precision())

# %%
caption = (
    "Left: phantoms and preprocessed images a second, one thread a process. Right: a gradient step "
    "of 64 images in both precisions. Bars are medians, dots single timings."
)
with page.figure(caption, 1, 2, figsize=(9.4, 3.0)) as (left, right):
    timing.bars(left, speed, "images a second", "scikit-image")
    left.axvline(TARGET, ls="--", color=plots.ROLES["paper"])
    timing.bars(right, cost, "milliseconds a step", "float32")

# %% [markdown]
# **What to see.** Dashed: the target on two processes. Batching is worth more than a second
# processor, and lower precision pays where the processor supports it; elsewhere it can cost more
# than it saves.
#
# ## Volumes
#
# The brain and neck phantoms of dHVAE: 32 slices of 64 x 64 pixels, each subject drawn twice, with
# and without its lesion. Drawing needs no neighbours, so processes share the work without talking
# to each other.

# %%
portion = max(4, n // 40)


def brains(k: int, stream: int = 4, modalities: tuple[str, ...] = brain.MODALITIES) -> brain.Batch:
    """k fresh brains."""
    fresh = brain.sample(brain.BRAIN, k, np.random.default_rng([seed, stream]))
    return brain.render(fresh, modalities)


def necks(k: int) -> neck.Batch:
    """k fresh necks (PET)."""
    return neck.render(neck.sample(neck.LAWS["neck"], k, np.random.default_rng([seed, 5])))

# %%
volumes = {}
if not page.from_record:
    two = timing.rates(lambda k: on_two(brains, k), portion, REPEATS)
    volumes["brain, 4 modalities, two processes"] = two
one = {"brain, 4 modalities, one process": brains,
       "brain, FLAIR alone, one process": lambda k: brains(k, 4, ("FLAIR",)),
       "neck PET, one process": necks}  # fmt: skip
volumes |= {name: timing.rates(call, portion, REPEATS) for name, call in one.items()}
first = next(iter(timing.tell(volumes, "volumes/s").values()))
if not page.from_record:
    reached = "reached" if first >= PER_SECOND else "not reached here"
    print(f"target of {PER_SECOND} on two processes:", reached)
own_brains = timing.rates(brains, portion, REPEATS, timing.CPU)
own_brains = {"brain, 4 modalities, one process": own_brains}
timing.tell(own_brains, "volumes/s of processor time")

# %% [markdown]
# ## A step of a Hamiltonian VAE
#
# A network that anybody could write, so that implementations can be compared: pairs of 64 x 64
# pixels in two planes, 64 latents, four strided convolutions down and four transposed ones up (4 x
# 4 kernels, 32, 64, 64, 64 channels, ReLU), batches of 64, K = 3 leapfrog steps, one thread.
#
# The *exact* gradient runs back through the dynamics, so it needs derivatives of derivatives. When
# *stopped*, each gradient of U counts as a constant. Both compute K + 1 gradients of U, one for each
# point of the path.
#
# The library [pythae](https://github.com/clementchadebec/benchmark_VAE) is not part of this
# project's environment; where it is installed, its HVAE is given the same networks. It stops the
# gradient of the dynamics and computes 2 K gradients of U. Steps are timed in ten turns, one of each kind
# after the other; what counts is the *median of the ratios* within a turn, both sides in float32.

# %%
page.source(rivals.hvae_step)

# %%
calls = {
    f"{'stopped' if stopped else 'exact'}, {precision}": rivals.hvae_step(precision, stopped)
    for stopped in (False, True) for precision in ("float32", "bfloat16")
} | {"pythae, float32": rivals.pythae_step()}  # fmt: skip
calls = {name: call for name, call in calls.items() if call}
clocks = {"ms_per_step": timing.WALL, "cpu_ms_per_step": timing.CPU}
TURNS = 10 if page.meaningful and not page.from_record else 1
times = timing.in_turns(calls, max(1, n // 250), TURNS, clocks)

# %%
for clock, found in times.items():
    timing.tell(found, clock)
least = {name: min(each) for name, each in times["cpu_ms_per_step"].items()}  # least disturbed
fast = {kind: min(v for k, v in least.items() if k.startswith(kind))
        for kind in ("exact", "stopped")}  # fmt: skip
print(f"exact over stopped: x {fast['exact'] / fast['stopped']:.1f}")
page.check("second derivatives cost something", fast["stopped"] < fast["exact"])

# %%
paired = {}
if "pythae, float32" in least:
    paired = {kind: timing.over(times["cpu_ms_per_step"], "pythae, float32", f"{kind}, float32")
              for kind in ("exact", "stopped")}  # fmt: skip
    for kind, each in paired.items():
        print(f"pythae's step over ours, {kind}: x {np.median(each):.2f}, median of {len(each)} turns")
    reached = "reached" if np.median(paired["exact"]) >= 1 else "not reached here"
    print("target, our exact step at least as fast:", reached)
else:
    print(f"not compared: needs pythae {rivals.PYTHAE}, found {rivals.pythae_version() or 'none'}")

# %%
caption = (
    "Left: brain and neck volumes a second. Right: processor time of a training step of a Hamiltonian "
    "VAE, gradient of the dynamics exact or stopped. Bars are medians, dots single timings."
)
with page.figure(caption, 1, 2, "volumes", figsize=(10, 2.8)) as (left, right):
    timing.bars(left, volumes, "volumes a second", "pythae")
    left.axvline(PER_SECOND, ls="--", color=plots.ROLES["paper"])
    timing.bars(right, times["cpu_ms_per_step"], "processor milliseconds a step", "pythae")

# %% [markdown]
# **What to see.** Dashed: the target for the first bar. Right: what exactness costs, and what half
# precision gives back.
#
# ## Lesions in boxes
#
# PathoSyn's diffusion works inside a mask, so its network need see no more than a box around it. The
# same U-Net with as many DDIM steps, on whole images and in float32, is run by MONAI's
# `DiffusionInferer`. Neither clips its estimates. Timed are the drawing alone, and the whole
# synthesis: substrate, drawing, and putting both together.

# %%
from functools import partial

from lib import jobs
from lib.datasets.lesions import fresh_lesions
from lib.generators import deviation
from lib.jobs import Result
from lib.papers.pathosyn.arms import SOURCES
from lib.papers.pathosyn.study import study
from lib.scores.pairs import LESIONS, lesion_kid
from lib.tasks import segment

pathosyn = study(page.plan)
fitted = pathosyn.fitted(SOURCES["pathosyn_diff"], 0)  # a fit of the chapter, if this machine has it
known = not page.from_record and all(map(jobs.is_done, (fitted, pathosyn.reader, pathosyn.null)))
one, other = ([made[name] for name in ("image", "mask")] for made in (
    fresh_lesions(n // 3, [seed, stream]).arrays for stream in (6, 7)))  # fmt: skip
image, mask = (each[: n // 5] for each in one)  # for timing

# %%
def drawer(precision: str) -> deviation.DeviationDiffusion:
    """PathoSyn's diffusion in a precision, with few steps; untrained where there is no fit."""
    changed = {"precision": precision, "sampler_steps": STEPS, "clip": False}
    if known:
        made = jobs.load(fitted)
        return deviation.load(Result(made.arrays, {"settings": made.scores["settings"] | changed}))
    settings = deviation.DeviationSettings(**changed)
    return freeze(seeded(lambda: deviation.DeviationDiffusion(settings), np.random.default_rng(0)))


in_boxes, whole = drawer(machine.precision()), drawer("float32")
whole.draw = partial(rivals.by_monai, whole)
support = tr.as_planes(mask)
substrate = in_boxes.substrate(tr.as_planes(image), support)

# %%
def pace(model) -> dict[str, list[float]]:
    """Lesions a second of processor time, drawn alone and as whole syntheses."""
    rng, noise = np.random.default_rng(seed), tr.torch_generator(np.random.default_rng(seed))
    calls = {"drawing": lambda _: model.draw(substrate, support, noise),
             "synthesis": lambda _: model.sample(image, mask, rng)}  # fmt: skip
    return {name: timing.rates(call, len(mask), REPEATS, timing.CPU)
            for name, call in calls.items()}  # fmt: skip


with torch.no_grad():
    drawn = {f"{what} in boxes": each for what, each in pace(in_boxes).items()}
    if not page.from_record:  # loading MONAI takes longer than a look
        drawn |= {f"{what} whole, by MONAI": each for what, each in pace(whole).items()}

# %%
pace_of, ratio = timing.tell(drawn, f"lesions/s of processor time, {STEPS} steps"), {}
for what in ("drawing", "synthesis") if not page.from_record else ():
    faster = pace_of[f"{what} in boxes"] / pace_of[f"{what} whole, by MONAI"]
    met = "reached" if faster >= FASTER else "not reached here"
    print(f"{what} in boxes over whole: x {faster:.1f}; target x {FASTER}: {met}")
    ratio[f"{what}, boxes over whole"] = [faster]

# %% [markdown]
# Speed is worth nothing if the lesions differ. Their distance is the kernel distance of crops
# around lesions, in the features of the chapter's independent reader, beside the distance of two
# sets of real lesions of different subjects. So the two sets here are of different subjects as well,
# and of seeds of their own: drawn on the same slices from the same noise they would be alike in all
# but rounding, whatever the sampler.

# %%
apart = {}
if known:
    few = slice(LESIONS)  # as many as the null has
    sets = [(model.sample(*each, np.random.default_rng([seed, stream])).image[few], each[1][few])
            for model, each, stream in ((in_boxes, one, 8), (whole, other, 9))]  # fmt: skip
    found = lesion_kid(*sets, segment.load(jobs.load(pathosyn.reader)))
    null = jobs.load(pathosyn.null).scores
    middle_kid, spread = null["mean"]["lesion_kid"], null["sd"]["lesion_kid"]
    print(f"boxes against whole: {found:.4f}; real against real: {middle_kid:.4f} ± {spread:.4f}")
    end = middle_kid + 2 * spread
    print("the two sets are", "as near as" if found < end else "further apart than", "real ones")
    apart["boxes against whole"] = [found]
else:
    print("No fit here: `./run_all.sh pathosyn/04a` makes one, and this cell then compares.")

# %% [markdown]
# ## Timings that are kept

# %%
kept = timing.rows("images_per_s", speed, seed) + timing.rows("images_per_cpu_s", own, seed)
kept += timing.rows("ms_per_step", cost, seed) + timing.rows("volumes_per_s", volumes, seed)
kept += timing.rows("volumes_per_cpu_s", own_brains, seed)
kept += [row for clock in times for row in timing.rows(clock, times[clock], seed, "HVAE ")]
kept += timing.rows("pythae_over_ours", paired, seed, "HVAE ")
kept += timing.rows("lesions_per_cpu_s", drawn, seed) + timing.rows("times_faster", ratio, seed)
kept += timing.rows("lesion_kid", apart, seed)
alike = {"correlation": float(np.mean(alike)), "mask_iou": overlap}
kept += [row for name, x in alike.items() for row in timing.rows(name, {"one by one": [x]}, seed)]
page.keep(lambda: kept)

# %% [markdown]
# ## In this notebook we have
#
# - measured the renderer after a warm-up, and compared it with its target;
# - drawn the same subjects the plain way, checked that the pictures agree, and timed that too;
# - timed what every study is made of: preprocessing and gradient steps;
# - timed volumes, and seen what the exact gradient of Hamiltonian dynamics costs;
# - drawn lesions in boxes, and asked whether they are still the same lesions.
#
# Timings are the one thing here that `./run_all.sh --check` does not compare.
#
# ## Exercise
#
# How many minutes would the plain rendition take for the images of one training set of Table 1? (To
# within 10 %.)

# %%
answer = None  # minutes
minutes = sum(data.TABLE1["train"]) / middle["scikit-image, one by one"] / 60
page.exercise(answer, lambda: minutes, within=0.1 * minutes)

# %%
page.close()
