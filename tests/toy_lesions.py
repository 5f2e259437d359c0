"""Small brains with lesions, whose healthy image is known, and tiny PathoSyn models."""

import numpy as np

from lib.generators.deviation import DeviationSettings
from lib.generators.patchgan import PatchGanSettings
from lib.jobs import Result

SIDE = 32
SMALL = {"substrate_widths": (8, 8, 8, 8), "substrate_steps": 6, "substrate_batch": 4,
         "steps": 6, "batch": 4, "sides": (16, 32), "precision": "float32",
         "joint": False}  # fmt: skip
DIFF = DeviationSettings(**SMALL, widths=(8, 8), depth=1, sampler_steps=3)
GAN = PatchGanSettings(**SMALL | {"sides": (16,)}, widths=(8, 8, 8), delay=3)


def disc(row: float, column: float, radius: float, side: int = SIDE) -> np.ndarray:
    """(side, side) bool."""
    y, x = np.mgrid[:side, :side]
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


def scans(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    """image, healthy, mask, deviation (n, 32, 32): a disc of brain, waves of tissue, one lesion."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    brain = disc(15.5, 15.5, 14)
    phase = rng.uniform(0, 6, (2, n, 1, 1))
    tissue = 0.4 + 0.1 * np.sin(9 * x + phase[0]) * np.cos(7 * y + phase[1])
    healthy = np.where(brain, tissue + 0.01 * rng.standard_normal((n, SIDE, SIDE)), 0)
    place, radius = rng.uniform(10, 21, (n, 2)), rng.uniform(1.5, 5, n)
    mask = np.array([disc(*p, r) for p, r in zip(place, radius, strict=True)])
    strength = rng.uniform(0.1, 0.3, (n, 1, 1))
    deviation = mask * (strength + 0.03 * rng.standard_normal((n, SIDE, SIDE)))
    parts = {"image": healthy + deviation, "healthy": healthy, "deviation": deviation}
    return {k: v.clip(0, 1).astype(np.float32) for k, v in parts.items()} | {"mask": mask}


def lesion_set(n: int, seed: int = 0) -> Result:
    """As a slice_set: image, mask and, under "free/", half as many lesion-free images."""
    made, free = scans(n, seed), scans(-(-n // 2), seed + 1)
    arrays = {"image": made["image"], "mask": made["mask"], "free/image": free["healthy"]}
    return Result(arrays, {"n": n})
