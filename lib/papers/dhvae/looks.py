"""What the pages of sections 2 and 3 show beside rows: small arrays, from finished jobs.

`k` is the draw. A page keeps what a function gives as its panel, so that the record can show it.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from lib import jobs
from lib.generators import hamiltonian as hmc
from lib.generators import hvae
from lib.papers.arms import Arm
from lib.papers.dhvae.study import Study
from lib.tasks import segment
from lib.training.loop import as_planes

Arrays = dict[str, np.ndarray]

# ---- 02 -----------------------------------------------------------------------------------------


def climb(studies: Mapping[str, Study], arms: Iterable[Arm], samples: int, k: int = 0) -> Arrays:
    """"<modality>/<arm>" (8, 2): number of samples, mean estimate of the evidence; "../elbo" (1,).

    Both in nats per pair, of the arms that have draw k.
    """
    counts, found = np.unique(np.geomspace(1, samples, 8).astype(int)), {}
    for modality, study in studies.items():
        for arm in (arm for arm in arms if k in study.draws(arm)):
            w = torch.from_numpy(jobs.load(study.likelihood(arm, k)).arrays["weights"])
            means = [hmc.importance_estimate(w[:n]).mean().item() for n in counts]
            found[f"{modality}/{arm.name}"] = np.transpose([counts, means])
            found[f"{modality}/{arm.name}/elbo"] = w.mean().numpy()[None]
    return found


def first_pairs(studies: Mapping[str, Study], n: int) -> Arrays:
    """"<modality>/image" and "<modality>/mask" (n, H, W) of the first held-out pairs."""
    each = {m: jobs.load(study.reference).arrays for m, study in studies.items()}
    return {f"{m}/{name}": x[name][:n] for m, x in each.items() for name in ("image", "mask")}


# ---- 03 -----------------------------------------------------------------------------------------


def largest(study: Study, n: int = 12) -> Arrays:
    """The largest lesion slice of n held-out subjects: seed, number of the slice, image."""
    found = jobs.load(study.reference).arrays
    area, subject = found["mask"].sum((1, 2)), found["subject"]
    each = [np.flatnonzero(subject == s) for s in np.unique(subject)[:n]]
    at = np.array([own[area[own].argmax()] for own in each])
    return {name: found[name][at] for name in ("subject", "index", "image")}


def by_guide(study: Study, real: Tensor, changed: Iterable[np.ndarray], k: int = 0) -> Arrays:
    """terms (changes, 4) of equation 9 for changes (n, H, W) of real slices (n, 1, H, W).

    loss (1,) of the first change, as it is trained; "map 1" to "map 4" of the first slice.
    """
    guide, changed = segment.load(jobs.load(study.guide(k))), [as_planes(x) for x in changed]
    with torch.no_grad():
        maps = guide.maps(real)
        pairs = [zip(guide.maps(x), maps, strict=True) for x in changed]
        terms = [[((a - b).square().mean() / b.square().mean()).item() for a, b in both]
                 for both in pairs]  # fmt: skip
        loss = hvae.feature_loss(guide, changed[0], real, "float32").item()
    found = {"terms": np.array(terms), "loss": np.array([loss])}
    return found | {f"map {j + 1}": m[0].mean(0).numpy() for j, m in enumerate(maps)}


def warm_up(study: Study, k: int = 0) -> Arrays:
    """elbo (points, 2): batch and ELBO of the steps that all auto-encoders share."""
    log = jobs.load(study.warm(k)).scores["log"]
    return {"elbo": np.array([(entry["step"], entry["elbo"]) for entry in log], float)}


def aligned(study: Study, arms: Iterable[Arm], n: int = 8, k: int = 0) -> Arrays:
    """"<arm>/image", "<arm>/mask" (n, H, W) and the tumour that the reader sees, "<arm>/seen".

    {} where a pool is not drawn.
    """
    pools, found = {arm.name: study.pool(arm, k) for arm in arms}, {}
    if not all(map(jobs.is_done, (study.reader, *pools.values()))):
        return {}
    reader = segment.load(jobs.load(study.reader))
    for name, job in pools.items():
        image, mask = (jobs.load(job).arrays[part][:n] for part in ("image", "mask"))
        seen = segment.predict(reader, image)
        found |= {f"{name}/image": image, f"{name}/mask": mask, f"{name}/seen": seen}
    return found
