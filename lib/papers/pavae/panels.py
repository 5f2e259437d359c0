"""Small arrays that the pages on samples show beside their numbers, most of them of draw 0."""

from collections.abc import Iterable

import numpy as np

from lib import jobs
from lib.papers.arms import Arm
from lib.papers.pavae import diagnostics
from lib.papers.pavae.study import Study
from lib.tasks import attributes

MAPPED = 5  # heat maps that are shown
PAIRED = ("pavae", "stylegan", "memoriser", "oracle")  # arms shown beside their neighbours


def confusions(study: Study) -> dict[str, np.ndarray]:
    """Figure 5: matrices (R, 3, 3) by arm, rows the truth; specificity of argmax, real only."""
    found = {}
    for arm in (study.arms[name] for name in diagnostics.CONFUSED):
        made = study.each("core", lambda k, a=arm: diagnostics.confused(study, a, k))
        found[arm.name] = np.stack([jobs.load(job).arrays["matrix"] for job in made.values()])
    first = study.predictions(study.arms["real"], study.draws()[0])
    p, truth = jobs.load(first).arrays["probability/test"], jobs.load(study.test).arrays["label"]
    return found | {"argmax": np.array([(p.argmax(1) == 0)[truth == 0].mean()])}


def maps(study: Study) -> dict[str, np.ndarray]:
    """Figure 6: the first sick test images with their masks, labels and maps."""
    found = jobs.load(diagnostics.mapped(study, study.draws()[0])).arrays
    return {name: values[:MAPPED] for name, values in found.items()}


def readings(study: Study, arms: Iterable[Arm], most: int) -> dict[str, np.ndarray]:
    """Attributes (n, 4) read in pools and in real images, n up to `most`; r2 (4,) of the reader."""
    k = study.draws()[0]
    pools = {arm.name: jobs.load(study.lesions(study.pool(arm, k))) for arm in arms}
    r2 = [pools["oracle"].scores["r2"][name] for name in attributes.NAMES]
    each = {name: result.arrays["pool"][:most] for name, result in pools.items()}
    return {"real": pools["oracle"].arrays["real"][:most], **each, "r2": np.array(r2)}


def memory(study: Study, arms: Iterable[Arm]) -> dict[str, np.ndarray]:
    """share/<arm>: share nearer to train with its exact interval, (3,).

    image/<arm>: five sick samples, the training images nearest to them, and the nearest of as many
    unseen ones, (15, H, W).
    """
    k, found = study.draws()[0], {}
    sets = [jobs.load(job).arrays["image"] for job in (study.train(k), study.validation(k))]
    n = min(study.size.labelled, study.size.validation)
    for arm in arms:
        scores = jobs.load(study.memory(arm, k)).scores
        found[f"share/{arm.name}"] = np.array([scores["nn_share"], *scores["ci95"]])
    for arm in (study.arms[name] for name in PAIRED):
        made = jobs.load(study.pool(arm, k)).arrays
        chosen = made["image"][made["label"] > 0][:5]
        near = [nearest(chosen, images[:n]) for images in sets]
        found[f"image/{arm.name}"] = np.concatenate([chosen, *near])
    return found


def nearest(images: np.ndarray, among: np.ndarray) -> np.ndarray:
    """The image of `among` (m, H, W) nearest to each of images (n, H, W) in squared pixels."""
    far = ((images[:, None] - among[None]) ** 2).sum((2, 3))
    return among[far.argmin(1)]


def samples(study: Study, arms: Iterable[str]) -> dict[str, np.ndarray]:
    """Eight images of each class (3, 8, H, W): real ones, and the pools of draw 0."""
    there = [study.arms[name] for name in arms if name in study.arms]
    sources = {"Real (test)": study.test} | {arm.label: study.pool(arm, 0) for arm in there}
    found = {}
    for name, job in sources.items():
        made = jobs.load(job).arrays
        found[name] = np.stack([made["image"][made["label"] == c][:8] for c in range(3)])
    return found


def rocs(study: Study, arms: Iterable[str]) -> dict[str, np.ndarray]:
    """Mean ROC curve over the draws of this run, by arm."""
    found = {}
    for arm in (study.arms[name] for name in arms if name in study.arms):
        each = [jobs.load(study.utility(arm, k)).arrays["roc"] for k in study.draws(arm)]
        found |= {arm.name: np.mean(each, axis=0)} if each else {}
    return found
