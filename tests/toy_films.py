"""Toy film sets: grey, a dark disc where there is a pneumothorax, and texts that say so."""

import numpy as np

from lib.jobs import Result
from lib.phantoms import findings, reports
from lib.phantoms.findings import FINDINGS, PARTS


def film_set(n, rng, share=0.5):
    """n films, a share of which has a pneumothorax on one side of the picture."""
    y, x = np.mgrid[:64, :64]
    sick, left = rng.random((2, n)) < [[share], [0.5]]
    row, column = rng.uniform(20, 44, n), np.where(left, 46, 18)
    disc = (y - row[:, None, None]) ** 2 + (x - column[:, None, None]) ** 2 < 36
    mask = disc & sick[:, None, None]
    image = 0.6 - 0.4 * mask + 0.02 * rng.standard_normal(mask.shape)
    labels = np.zeros((n, len(FINDINGS)), np.uint8)
    labels[:, findings.columns("pneumothorax")] = sick[:, None]
    side = np.where(left, "left", "right")
    names = np.where(sick, np.char.add(side, " pneumothorax"), "Normal")
    caption = np.array([reports.tokens(name) for name in names])
    report = np.array([reports.tokens(f"{name} . lungs are clear") for name in names])
    arrays = {
        "image": image.clip(0, 1).astype(np.float32), "labels": labels,
        "planes": mask.astype(np.uint16) << PARTS.index("pneumothorax"),
        "tokens": report, "caption": caption,
        "subject": rng.integers(2**63, size=n, dtype=np.uint64),
    }  # fmt: skip
    return Result(arrays, {"n": n})
