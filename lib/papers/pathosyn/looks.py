"""What the pages of section III show beside rows: small arrays out of one draw's finished jobs.

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
from lib.papers.pathosyn.arms import DECOMPOSED, LITERAL, SOURCES
from lib.papers.pathosyn.study import Study
from lib.scores import deviations
from lib.training import loop as tr

Arrays = dict[str, np.ndarray]
SHARES = (0.15, 0.45, 0.75, 0.95)  # of the lesions that are smaller than the ones that are shown
REACH = range(-6, 7)  # pixels from the rim, inside below 0
NEAR = 40  # pixels a side of what is shown around a lesion


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
