"""What ControlNet's pages show of one draw beside numbers: small arrays, from finished jobs.

`k` is the draw. A page keeps what a function gives as its panel, so that the record can show it.
"""

from itertools import product

import numpy as np
import torch

from lib import jobs
from lib.datasets import pools, ratings
from lib.datasets.ratings import CRITERIA, EACH
from lib.generators import controlnet, diffusion, preference, proxy, textual
from lib.papers.controlnet.arms import CHEXPERT, MAIN, PERCENT, SOURCES, TASKS, Added
from lib.papers.controlnet.study import Study
from lib.phantoms.findings import FINDINGS, columns
from lib.tasks import film_reader

Arrays = dict[str, np.ndarray]
ORDERS = ("nothing", "text alone", "mask alone", "text and mask")
MOMENTS = 7  # of a sampler's way
KINDS = {"real": "Real", "syn": "Synthetic", "smooth": "Blurred copies", "shuffled": "Shuffled",
         "oracle": "Oracle"}  # fmt: skip
LOGGED = ("step", "loss", "winner", "loser", "accuracy")  # of a tuning on preferences


def four_and_four(mask: np.ndarray) -> np.ndarray:
    """Places (8,) of the first four requests with a mask (N, 64, 64) and the first four without."""
    marked = mask.any((1, 2))
    return np.r_[marked.nonzero()[0][:4], (~marked).nonzero()[0][:4]]


# ---- Table 1 ------------------------------------------------------------------------------------


def sets(study: Study, k: int) -> Arrays:
    """Of each task's training films: n (1,), "<task>/pairs" (9, 9) of findings that they have
    together, the labels that come first, and shares of fifty steps of grey."""
    found = {}
    for name, task in TASKS.items():
        data = jobs.load(study.films(task, k)).arrays
        labels = data["labels"].astype(int)
        grey = np.histogram(data["image"], 50, (0, 1))[0] / data["image"].size
        found |= {f"{name}/pairs": labels.T @ labels, f"{name}/grey": grey,
                  f"{name}/first": data["labels"][: study.real(1)],
                  f"{name}/n": np.array([len(labels)])}  # fmt: skip
    return found


def hardness(study: Study) -> Arrays:
    """The reader's AUC (9,) and threshold (9,) of every finding, on films held out."""
    scores = jobs.load(study.reader).scores
    auc = [np.nan if scores["auc"][f] is None else scores["auc"][f] for f in FINDINGS]
    return {"auc": np.array(auc), "threshold": np.array(scores["thresholds"])}


# ---- 01: branch and generator -------------------------------------------------------------------


def hashes(study: Study, k: int) -> Arrays:
    """hash (2, 32): SHA-256 of the base before and after the branch's training; names (2,): how
    many weights of the branch are copied, and how many are new."""
    found = jobs.load(study.branch(k)).scores
    keys = [bytes.fromhex(found[f"base_{end}"]) for end in ("before", "after")]
    counts = [len(found[name]) for name in ("copied", "fresh")]
    return {"hash": np.array([[*key] for key in keys], np.uint8), "names": np.array(counts)}


def ordered(study: Study, k: int) -> Arrays:
    """What `scores.prompts.stored` gives; {} where it is not computed here."""
    of = study.ordered(k)
    return jobs.load(of).arrays if jobs.is_done(of) else {}


def ways(study: Study, k: int, seed: int) -> Arrays:
    """film (4, MOMENTS, 64, 64): one noise under each of ORDERS, decoded along the sampler; the
    mask (64, 64) and the text (LENGTH,) that it is asked for."""
    of = study.base(k), study.asked("TM2I", study.size.judged, "conditions", k)
    base, asked = map(jobs.load, of)
    model, coder = controlnet.load(base, jobs.load(study.branch(k))), textual.restored_coder(base)
    first = (asked.arrays[name][:1] for name in ("tokens", "mask"))
    text, mask = map(torch.from_numpy, first)
    texts, masks = textual.no_text(4), controlnet.black(4)
    texts[1::2], masks[2:] = text, mask[:, None].float()
    noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(seed))
    way = [noise.repeat(4, 1, 1, 1)]
    with torch.no_grad():
        predict = model.guided(texts, masks, controlnet.strength(masks))
        way += diffusion.ddim(model.schedule, predict, way[0], model.settings.sampler_steps)
        shown = [way[i] for i in np.linspace(0, len(way) - 1, MOMENTS).round().astype(int)]
        found = torch.stack([coder.decode(z)[:, 0].clamp(0, 1) for z in shown], 1)
    return {"film": found.numpy(), "mask": mask[0].numpy(), "text": text[0].numpy()}


def conditions(study: Study, k: int, arms: list[Added]) -> Arrays:
    """"<arm>/image", mask, tokens of eight requests, four of them with a mask, under each kind of
    condition and of fresh films; "<arm>/lesion" and "<arm>/sees": what the reader makes of them."""
    reader, found = film_reader.load(jobs.load(study.reader)), {}
    both = SOURCES["text_and_mask"]
    at = four_and_four(jobs.load(study.conditioned(both, k)).arrays["mask"])
    for arm in arms:
        fresh = arm.name == "fresh"
        pool = jobs.load(study.true_pool(k) if fresh else study.conditioned(arm, k)).arrays
        image = pool["image"][at]
        each = {"image": image, "lesion": reader.lesions(image), "mask": pool["mask"][at] > 0,
                "sees": reader.sees(image), "tokens": pool["tokens"][at]}  # fmt: skip
        found |= {f"{arm.name}/{part}": values for part, values in each.items()}
    return found


def single(study: Study, k: int) -> Arrays:
    """Of films "drawn" and "fresh" for every finding alone: four films (9, 4, 64, 64), what the
    reader sees in them (9, 4, 9), and the share (9, 9) of films in which it sees a finding
    (column) when one (row) was asked for."""
    reader, found = film_reader.load(jobs.load(study.reader)), {}
    for name, job in (("drawn", study.answered(k)), ("fresh", study.shown_names(k))):
        image = jobs.load(job).arrays["image"]
        sees = reader.sees(image).reshape(len(FINDINGS), -1, len(FINDINGS))
        films = image.reshape(*sees.shape[:2], *image.shape[1:])[:, :4]
        found |= {f"{name}/film": films, f"{name}/sees": sees[:, :4], f"{name}/share": sees.mean(1)}
    return found


# ---- 02 and 03: tasks ---------------------------------------------------------------------------


def added(study: Study, k: int) -> Arrays:
    """"<task>/<kind>": the first two films (2, 64, 64) with a finding that arms of KINDS add at
    10 %, and "<task>/<kind>/mask"."""
    found = {}
    for (name, task), kind in product(TASKS.items(), KINDS):
        arm = MAIN["real" if kind == "real" else f"{kind}{task.quoted[10]}"]
        made = study.added(arm, task, 10, k) or study.films(task, k)
        arrays = jobs.load(made).arrays
        at = columns(*(task.findings or (task.about,)))
        rows = arrays["labels"][:, at].any(1).nonzero()[0][:2]
        found[f"{name}/{kind}"] = arrays["image"][rows]
        found[f"{name}/{kind}/mask"] = pools.masks(arrays)[rows]
    return found


def labels(study: Study) -> Arrays:
    """"<percent>/gain" (R, 5): gain in F1 at 0.5 of each CheXpert-like label, by draw; prevalence
    (5,)."""
    found, task = {}, TASKS["chexpert"]
    for p in PERCENT:
        arm = MAIN[f"syn{task.quoted[p]}"]
        each = [jobs.load(study.by_prevalence(arm, task, p, k)).arrays for k in study.draws(arm)]
        found[f"{p}/gain"] = np.stack([one["gain"] for one in each])
        found["prevalence"] = each[0]["prevalence"]
    return found


def mix(study: Study, k: int) -> Arrays:
    """Mean labels (5,) of the real CheXpert-like films, and of what arms of two mixes ask for, as
    far as these are there."""
    task, at = TASKS["chexpert"], columns(*CHEXPERT)
    names = "syn2", "syn2_proportional"
    asked = {name: study.requested(SOURCES[name], task, 10, k, 0) for name in names}
    known = {"real": study.films(task, k)}
    known |= {name: job for name, job in asked.items() if jobs.is_done(job)}
    return {name: jobs.load(job).arrays["labels"][:, at].mean(0) for name, job in known.items()}


# ---- 04: proxy ----------------------------------------------------------------------------------


def told(study: Study, k: int) -> Arrays:
    """Of the films that the proxy chooses from (n,): similarity, its place among those of the same
    text, whether the reader sees what was asked, and the finding that was; for each finding the
    image (4, 64, 64) of the two that are liked best and the two that are liked least, and their
    places (4,) under "ends"."""
    pool = study.unfiltered(k)
    shown = jobs.load(study.judged(pool)).arrays["adherence"]
    alike = jobs.load(study.liked(pool)).arrays["similarity"][: len(shown)]
    first = {name: x[: len(shown)] for name, x in jobs.load(pool).arrays.items()}
    asked = first["labels"].argmax(1)
    place = proxy.standing(alike, asked)
    each = [np.flatnonzero(asked == finding) for finding in np.unique(asked)]
    each = [at[place[at].argsort()] for at in each if len(at) > 3]
    ends = np.stack([np.r_[at[:-3:-1], at[:2]] for at in each])
    return {"similarity": alike, "place": place, "right": shown == 1, "asked": asked,
            "ends": ends, "image": first["image"][ends]}  # fmt: skip


# ---- 05: readers --------------------------------------------------------------------------------


def rated_sets(study: Study, k: int) -> Arrays:
    """One set of each condition: image (c, 4, 64, 64), mask (c, 64, 64), tokens, kind, and scores
    (c, 4, readers, 2) of text and mask."""
    pool, rated = (jobs.load(job).arrays for job in (study.compared_films(k), study.rated(k)))
    kinds = np.unique(rated["condition"])
    first = [int(np.flatnonzero(rated["condition"] == kind)[0]) for kind in kinds]
    films = np.stack([rated["image"][i] + np.arange(EACH) for i in first])
    scores = np.stack([rated["scores"][rated["image"] == i] for i in films.ravel()])
    return {"image": pool["image"][films], "mask": pool["mask"][films[:, 0]] > 0,
            "tokens": pool["tokens"][films[:, 0]], "kind": rated["condition"][first],
            "scores": scores.reshape(*films.shape, -1, 2)}  # fmt: skip


def agreement(study: Study, k: int) -> Arrays:
    """lines (criteria, 7): images, kappa, both ends of what chance gives, pairs, ties, and the
    share of pairs in the order of what all readers see."""
    rated, true = jobs.load(study.rated(k)), jobs.load(study.noticed(k)).arrays
    said, made, lines = jobs.load(study.agreement(k)).scores, ratings.pairs(rated), []
    for i, name in enumerate(CRITERIA):
        own = made.arrays["criterion"] == i
        won, lost = (made.arrays[side][own] for side in ("winner", "loser"))
        found = said[name] or {"images": 0, "kappa": None, "chance": None}
        right = (true[name][won] > true[name][lost]).mean() if len(won) else None
        counts = made.scores["pairs"][name], made.scores["ties"][name]
        ends = found["chance"] or (None, None)
        lines.append([found["images"], found["kappa"], *ends, *counts, right])
    return {"lines": np.array(lines, float)}


def tunings(study: Study, k: int) -> Arrays:
    """The log (rows, 5), columns LOGGED, of each way of tuning that has run; "coin": vanilla on
    pairs of which a coin says who won."""
    each = {how: study.tuned_by_readers(k, how) for how in preference.ARMS}
    each["coin"] = study.tuned_by_readers(k, "vanilla", coin=True)
    done = {how: jobs.load(job).scores for how, job in each.items() if jobs.is_done(job)}
    return {how: np.array([[row[key] for key in LOGGED] for row in found["dpo_log"]])
            for how, found in done.items()}  # fmt: skip


def before_and_after(study: Study, k: int, arms: list[Added]) -> Arrays:
    """Eight films (8, 64, 64) of one noise and request from each arm's generator, and their
    quality "<arm>/quality" (8,); mask (8, 64, 64), the first four with one."""
    found = {}
    for arm in arms:
        pool = study.conditioned(arm, k)
        films, judged = jobs.load(pool).arrays, jobs.load(study.judged(pool)).arrays
        at = four_and_four(films["mask"])
        found |= {arm.name: films["image"][at], f"{arm.name}/quality": judged["quality"][at]}
        found["mask"] = films["mask"][at] > 0
    return found
