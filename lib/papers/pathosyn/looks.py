"""What the chapter's pages show beside rows: small arrays out of one draw's finished jobs.

Every function gives {} where this run lacks a job that it needs, as `quick` lacks arms beside the
paper's own: a page then shows what the record has.
"""

from collections.abc import Iterable

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from lib import jobs
from lib.generators import control, deviation, fusion, pathosyn
from lib.generators.membrane import inpainted
from lib.jobs import Job, Result
from lib.metrics import deviations as metric
from lib.metrics import sharpness
from lib.metrics.texture import lesion_crops
from lib.papers.arms import Arm
from lib.papers.pathosyn.arms import DECOMPOSED, LITERAL, SEGMENTERS, SOURCES, chosen
from lib.papers.pathosyn.study import Study
from lib.scores import controlled, deviations, texture
from lib.scores.controlled import EXTENTS, SEVERITIES, SHIFTS
from lib.training import loop as tr

Arrays = dict[str, np.ndarray]
SHARES = (0.15, 0.45, 0.75, 0.95)  # of the lesions that are smaller than the ones that are shown
REACH = range(-6, 7)  # pixels from the rim, inside below 0
NEAR = 40  # pixels a side of what is shown around a lesion
DIFF, NNUNET = SOURCES["pathosyn_diff"], SEGMENTERS["nnunet"]


def made(*wanted: Job) -> list[Result] | None:
    """The results of jobs, None unless all are there."""
    return [jobs.load(job) for job in wanted] if all(map(jobs.is_done, wanted)) else None


def by_size(mask: np.ndarray, shares: Iterable[float] = SHARES) -> np.ndarray:
    """Which of the masks (n, H, W) have these shares of smaller ones below them."""
    order = np.argsort(mask.sum((1, 2)), kind="stable")
    return order[[round(share * (len(order) - 1)) for share in shares]]


def by_distance(field: np.ndarray, mask: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """Root mean square of a field (n, H, W) over the brain by whole pixels from the rim, REACH.

    0 is the first pixel outside, -1 the first inside.
    """
    beyond = np.array([distance_transform_edt(~m) for m in mask])
    within = np.array([distance_transform_edt(m) for m in mask])
    pixels = np.where(mask, -np.ceil(within), np.ceil(beyond) - 1).astype(int)
    each = [np.square(field[(pixels == d) & brain], dtype=np.float64) for d in REACH]
    return np.sqrt([x.mean() if len(x) else np.nan for x in each])


# ---- 03a ----------------------------------------------------------------------------------------


def _taken_apart(study: Study, k: int) -> list[Arrays] | None:
    """Arrays of the test slices, their truth, their truth without noise, and f_sub's answer."""
    answer = study.answered(DECOMPOSED["substrate"], k)
    found = made(study.test, study.truths(study.test), study.clean(study.test), answer)
    if found is None:
        return None
    n = len(found[-1].arrays["answer"])
    return [{name: column[:n] for name, column in each.arrays.items()} for each in found]


def decomposed(study: Study, k: int = 0) -> Arrays:
    """Four test slices, small lesions first: image, mask, Inp, x_sub and the true slice."""
    found = _taken_apart(study, k)
    if found is None:
        return {}
    test, truth, _, answer = found
    at = by_size(test["mask"])
    image, mask = test["image"][at], test["mask"][at]
    shown = {"image": image, "mask": mask, "Inp": inpainted(image, mask)}
    return shown | {"x_sub": answer["answer"][at].clip(0, 1), "truth": truth["healthy"][at]}


def around_rim(study: Study, k: int = 0) -> Arrays:
    """Root mean squares by pixels from the rim (len(REACH),), and what f_sub changes outside."""
    found = _taken_apart(study, k)
    if found is None:
        return {}
    test, truth, quiet, answer = found
    image, mask = test["image"], test["mask"]
    brain = image > control.EMPTY
    fields = {
        "true deviation": truth["deviation"],
        "x_sub": answer["answer"] - truth["healthy"],
        "Inp": inpainted(image, mask) - truth["healthy"],
        "noise": quiet["healthy"] - truth["healthy"],
        "change": answer["answer"] - image,
    }
    shown = {name: by_distance(field, mask, brain) for name, field in fields.items()}
    outside = brain & ~mask
    same = [np.mean((answer["answer"] == image)[outside])]
    energy = [1 - np.mean(metric.share(truth["deviation"], mask))]
    return shown | {"same": np.array(same), "energy outside": np.array(energy)}


# ---- 03b ----------------------------------------------------------------------------------------


def estimates(study: Study, arm: Arm, k: int = 0) -> Arrays:
    """One step's estimates of three lesions by noise level, and the curves of `teacher_forced`.

    image and mask are whole slices, deviations what is NEAR the lesion: true, and estimates with
    r_0 itself first (3, levels + 1, NEAR, NEAR).
    """
    parts = study.teacher_forced(arm, k), study.fitted(arm, k), study.test
    found = made(*parts, study.truths(study.test)) if study.draws(arm) else None
    if found is None:
        return {}
    forced, fitted, test, truth = found
    model, at = deviation.load(fitted), by_size(test.arrays["mask"], SHARES[1:])
    image, mask = (test.arrays[name][at] for name in ("image", "mask"))
    x, m = tr.as_planes(image), tr.as_planes(mask)
    generator = tr.torch_generator(np.random.default_rng(k))
    with torch.no_grad():
        substrate = model.substrate(x, m)
        r_0 = model.deviation(x, substrate, m)
        each = [r_0]
        for t in forced.arrays["steps"]:
            each.append(deviations.estimated(model, r_0, substrate, m, int(t), generator) * m)
    shown = np.stack([model.grey(r)[:, 0].numpy() for r in each], 1)
    true = lesion_crops(truth.arrays["deviation"][at] * mask, mask, NEAR)
    near = np.stack([lesion_crops(column, mask, NEAR) for column in shown.swapaxes(0, 1)], 1)
    return {"image": image, "mask": mask, "true": true, "estimates": near} | forced.arrays


def drawn(study: Study, arm: Arm, k: int = 0) -> Arrays:
    """Six lesions drawn in the masks of true ones, NEAR them: images and both deviations."""
    slices = study.slices(k)
    parts = study.placed(arm, k, "own"), slices, study.clean(slices)
    found = made(*parts) if study.draws(arm) else None
    if found is None:
        return {}
    pool, given, quiet = (each.arrays for each in found)
    at = by_size(pool["mask"], np.linspace(0.2, 1, 6))
    source, mask = pool["source"][at], pool["mask"][at]
    true = (given["image"][source] - quiet["healthy"][source]) * mask
    pictures = {"image": given["image"][source], "made": pool["image"][at], "mask": mask}
    pictures |= {"true": true, "drawn": pool["deviation"][at] * mask}
    return {name: lesion_crops(picture, mask, NEAR) for name, picture in pictures.items()}


def spectra(study: Study, arms: Iterable[Arm], k: int = 0) -> Arrays:
    """Power spectra by arm, those of true deviations and of the noise in them."""
    shown = {}
    for arm in arms:
        found = made(study.spectrum(arm, k)) if study.draws(arm) else None
        if found:
            arrays = found[0].arrays
            shown |= {arm.name: arrays["drawn"], "true": arrays["true"], "noise": arrays["noise"]}
    return shown


# ---- 03c ----------------------------------------------------------------------------------------


WAYS = ("hard", "seam", "feathered", "poisson", "paste")


def refused(study: Study, k: int = 0) -> Arrays:
    """Test slices taken apart by f_sub and fused again with their own deviation, in all WAYS.

    Pictures of one slice; by pixels from the rim the root mean square of result - slice, (WAYS,
    len(REACH)); the step across the rim of each, and of the slices themselves last.
    """
    found = _taken_apart(study, k)
    if found is None:
        return {}
    test, _, _, answer = found
    image, mask, substrate = test["image"], test["mask"], answer["answer"]
    own = np.where(mask, image - substrate, 0)
    sigma = pathosyn.PathoSynSettings().sigma
    each = [fusion.fuse(way, substrate, own, mask, image, sigma) for way in WAYS]
    brain = image > control.EMPTY
    off = [by_distance(result - image, mask, brain) for result in each]
    steps = [np.nanmean(sharpness.rim_step(result, mask)) for result in (*each, image)]
    at = by_size(mask, (0.75,))
    pictures = np.concatenate([image[at], *(result[at] for result in each)])
    shown = {"pictures": pictures.clip(0, 1), "mask": mask[at[0]], "off": np.array(off)}
    return shown | {"steps": np.array(steps)}


def gallery(study: Study, n: int = 5, k: int = 0) -> Arrays:
    """The first n syntheses of every literal reading beside those of ours; the same requests."""
    shown = {}
    for arm in (SOURCES["pathosyn_diff"], *LITERAL.values()):
        found = made(study.pool(arm, k)) if study.draws("beside") else None
        if found:
            pool = found[0].arrays
            shown |= {arm.name: pool["image"][:n], f"{arm.name}/mask": pool["mask"][:n]}
    return shown if len(shown) > 2 else {}


# ---- 04b ----------------------------------------------------------------------------------------


def pictures(study: Study, arms: Iterable[Arm]) -> Arrays:
    """Figure 4: given slices with mask, true healthy slice and true deviation, and what arms make.

    "<arm>", "<arm>/substrate" and "<arm>/deviation" in the order of the given slices; brain_ldm's
    is a reconstruction.
    """
    arms, k = [*arms], study.draws()[0]
    found = made(study.pictured, study.truths(study.pictured), *(study.picture(a, k) for a in arms))
    if found is None:
        return {}
    given, true, *each = (one.arrays for one in found)
    shown = {"given": given["image"], "mask": given["mask"].astype(bool)}
    shown |= {name: true[name] for name in ("healthy", "deviation")}
    for arm, arrays in zip(arms, each, strict=True):
        if "source" in arrays:
            order, name = np.argsort(arrays["source"]), arm.name
            shown |= {f"{name}/{part}": arrays[part][order] for part in ("substrate", "deviation")}
            shown[name] = arrays["image"][order]
        else:
            shown[arm.name] = arrays["reconstruction"]
    return shown


EDITED = ("seam", "paste")


def edited(
    model: pathosyn.PathoSyn, image: np.ndarray, mask: np.ndarray,
    shifts: Iterable[tuple[int, int]], seed: int,
) -> Arrays:  # fmt: skip
    """Lesions drawn one after another on images (n, H, W), in masks moved by each of the shifts.

    {way of EDITED: (shifts, 2)}: mean change against the first images, grey units, and share of
    pixels that are equal bit for bit, outside all masks so far, air included.
    """
    places = [control.within(control.moved(mask, *by), image) for by in shifts]
    shown = {}
    for how in EDITED:
        now, touched, found = image, np.zeros(image.shape, bool), []
        for i, place in enumerate(places):
            now = model.sample(now, place, np.random.default_rng([seed, i]), how).image
            touched = touched | place
            off = np.abs(now - image)[~touched]
            found.append([off.mean(), (off == 0).mean()])
        shown[how] = np.array(found)
    return shown


def percentiles(study: Study, arms: Iterable[Arm], n: int) -> Arrays:
    """Percentiles (101,) of every statistic of lesions, and of the distance of slices, by pool.

    "real" has those of n real lesions, "fresh" the distance of other fresh phantoms.
    """
    k = study.draws()[0]
    pools = {a.name: study.pool(a, k) for a in arms if study.draws(a) or a.name == "memoriser"}
    found = made(study.reference, *(study.textured(pool) for pool in pools.values()))
    if found is None:
        return {}
    reference, *each = found
    by_pool = {name: {**one.arrays} for name, one in zip(pools, each, strict=True)}
    true = texture.lesions(*texture.first_pairs(reference, n))
    by_pool["real"] = {f"lesion/{name}": values for name, values in true.items()}
    by_pool["fresh"] = {"distance": by_pool["oracle"]["distance_fresh"]}
    return {
        f"{name}/{key}": np.nanpercentile(values, np.arange(101))
        for name, arrays in by_pool.items()
        for key, values in arrays.items()
        if key != "distance_fresh" and np.isfinite(values).any()
    }


# ---- Table II -----------------------------------------------------------------------------------


def diagrams(study: Study) -> Arrays:
    """Cases, sums of probabilities and of outcomes by bin (15, 3), over all draws; DynUNet."""
    shown = {}
    for arm in chosen("real", "maskdiff", "pathosyn_diff", *["oracle"] * study.source.truth):
        found = made(*(study.segmented(arm, NNUNET, k) for k in study.draws(arm)))
        if found:
            shown[arm.name] = sum(each.arrays["diagram"] for each in found)
    return shown


def outlined(study: Study, arms: Iterable[Arm]) -> Arrays:
    """Six slices through the first test subject's lesion, "true" mask, and DynUNet's by arm."""
    arms, k = [arm for arm in arms if study.source.truth or arm.name != "oracle"], study.draws()[0]
    found = made(study.test_volumes, *(study.segmenter(arm, NNUNET, k) for arm in arms))
    if found is None:
        return {}
    test, *each = (one.arrays for one in found)
    seen = np.flatnonzero(test["mask"][0].any((1, 2)))
    at = seen[np.linspace(0, len(seen) - 1, 6).astype(int)]
    shown = {"image": test["image"][0, at], "true": test["mask"][0, at]}
    return shown | {a.name: one["example"][0, at] for a, one in zip(arms, each, strict=True)}


# ---- 05 -----------------------------------------------------------------------------------------


PLACES = (SHIFTS[0], SHIFTS[5], SHIFTS[2], SHIFTS[8], SHIFTS[4])  # up, left, as it is, right, down
DISCS = ((23, 26, 5), (32, 42, 4), (43, 28, 6))  # row, column, radius
REQUESTS = ("severity", "size", "position")  # of what is measured


def requested(study: Study, seed: int) -> Arrays:
    """A lesion-free slice (first), and with one lesion at five severities, extents and places.

    "severity", "extent", "place" (6, H, W), all from one noise, and "<kind>/mask".
    """
    found = made(study.fitted(DIFF, study.draws()[0]), study.test)
    if found is None:
        return {}
    model, rng = controlled.load(DIFF.source, found[0]), np.random.default_rng(seed)
    (image, mask), shown = (each[:1] for each in controlled.subjects(found[1], 2, rng)), {}
    masks = {"severity": [mask] * 5, "extent": [control.grown(mask, by) for by in EXTENTS],
             "place": [control.moved(mask, *by) for by in PLACES]}  # fmt: skip
    for kind, own in masks.items():
        own, levels = [control.within(m, image) for m in own], [1.0] * 5
        levels = SEVERITIES if kind == "severity" else levels
        each = [model.sample(image, m, np.random.default_rng(seed), None, level).image
                for m, level in zip(own, levels, strict=True)]  # fmt: skip
        shown |= {kind: np.concatenate([image, *each])}
        shown |= {f"{kind}/mask": np.concatenate([np.zeros_like(mask), *own])}
    return shown


def measured(study: Study) -> Arrays:
    """"<kind>/requested" and "<kind>/measured" of one draw, and "true/..": the reader's size of
    lesions that truly grow."""
    k, ends = study.draws()[0], ("requested", "measured")
    found = made(study.controlled(DIFF, k), study.growth_read(k))
    if found is None:
        return {}
    own, truth = (one.arrays for one in found)
    shown = {f"{kind}/{end}": own[f"{kind}/{end}"] for kind in REQUESTS for end in ends}
    return shown | {f"true/{end}": truth[f"size/{end}"] for end in ends}


def several(study: Study, seed: int) -> Arrays:
    """A slice and four drawings of three lesions in it (5, H, W), masks of DISCS, the substrate."""
    found = made(study.fitted(DIFF, study.draws()[0]), study.test)
    if found is None:
        return {}
    model, rng = controlled.load(DIFF.source, found[0]), np.random.default_rng(seed)
    image = controlled.subjects(found[1], 2, rng)[0][0]
    row, column = np.indices(image.shape)
    masks = np.stack([np.hypot(row - r, column - c) < size for r, c, size in DISCS])
    masks = control.within(masks, np.broadcast_to(image, masks.shape))
    drawn = [model.several(image, masks, np.random.default_rng([seed, i])) for i in range(4)]
    images = np.concatenate([image[None], *(each.image for each in drawn)])
    return {"image": images, "masks": masks, "substrate": drawn[0].substrate}


def twins(study: Study) -> Arrays:
    """Six lesions of one mask by the law and by PathoSyn, and "<arm>/variance" of every mask."""
    k, shown = study.draws()[0], {}
    for arm in chosen("oracle", DIFF.name):
        found = made(study.repeated(arm, k), study.diverse(arm, k))
        if found is None:
            return {}
        again, spread = (one.arrays for one in found)
        shown |= {arm.name: again["image"][0, :6], "mask": again["mask"][0].astype(bool)}
        shown[f"{arm.name}/variance"] = spread["variance"]
    return shown


def growth(study: Study) -> Arrays:
    """"first", "drawn" and "later" images of four subjects, and both masks."""
    k = study.draws()[0]
    found = made(study.later(k), study.progressed(DIFF, k))
    if found is None:
        return {}
    given, answer = (one.arrays for one in found)
    masks = {name: given[name][:4].astype(bool) for name in ("mask", "later/mask")}
    images = {"first": given["image"][:4], "later": given["later/image"][:4]}
    return images | masks | {"drawn": answer["example"]}


def obeyed(study: Study, n: int) -> Arrays:
    """Lesions on the four of n lesion-free slices whose masks hold most forbidden pixels.

    shares: of forbidden pixels in the lesions' own masks, and in others' masks.
    """
    k = study.draws()[0]
    slices = study.slices(k)
    found = made(slices, study.anatomy(slices), study.placed(DIFF, k, "free"))
    if found is None:
        return {}
    own, known, free = (one.arrays for one in found)
    source, mask = free["source"][:n], free["mask"][:n].astype(bool)
    closed = known["free/forbidden"][source]
    shares = (closed & mask).sum((1, 2)) / mask.sum((1, 2))
    top = np.argsort(-shares, kind="stable")[:4]
    both = (known["forbidden"] & own["mask"]).sum() / own["mask"].sum(), shares.mean()
    return {"given": free["anatomy"][top], "drawn": free["image"][top], "mask": mask[top],
            "forbidden": closed[top], "shares": np.array(both)}  # fmt: skip


def without_noise(study: Study, n: int, metrics: Iterable[str]) -> Arrays:
    """scores: of n true lesions in slices without noise, as if a perfect method had drawn them."""
    slices = study.slices(study.draws()[0])
    found = made(slices, study.truths(slices), study.anatomy(slices), study.clean(slices))
    if found is None:
        return {}
    given, true, known, quiet = found
    image, mask = quiet.arrays["image"][:n], given.arrays["mask"][:n]
    pool = Result({"image": image, "mask": mask, "source": np.arange(len(image))}, {})
    scores = controlled.anatomical(pool, given, true, known, n).scores
    return {"scores": np.array([scores[metric] for metric in metrics])}
