"""Table II: what the numbers of every segmenter leave out, by size of lesion and by pixel."""

import numpy as np

from lib.jobs import Result
from lib.metrics import classification, coverage, segmentation
from lib.scores import pairs

QUARTILES = 4


def segmented(arm: Result, train: Result) -> Result:
    """Job: the numbers of `pairs.utility` for an arm of `tasks.regimes`, and

    dice_q1 to dice_q4: mean Dice of the test slices with a lesion, one by one, by quartile of its
    area, the edges from the training slices; slices_q1 to slices_q4: how many there are; None and 0
    for an empty quartile. dice_sd: SD over test subjects of their Dice. pixel_recall: the share of
    all lesion pixels that is found; pixel_ece: the calibration error of pixels near lesions
    (`regimes.diagrams`). Arrays: those of `pairs.utility`; diagram (bins, 3) over all subjects.
    """
    plain, counts = pairs.utility(arm), arm.arrays["counts"].astype(np.int64)
    edges = coverage.size_edges(train.arrays["mask"], QUARTILES)
    diagram = arm.arrays["diagram"].sum(0)
    area = counts[..., 2].sum()
    found = by_quartile(counts, edges)
    each = plain.arrays["dice"]
    found["dice_sd"] = float(each.std(ddof=1)) if len(each) > 1 else None
    found["pixel_recall"] = float(counts[..., 0].sum() / area) if area else None
    found["pixel_ece"] = classification.ece_of(diagram)
    return Result(plain.arrays | {"diagram": diagram}, plain.scores | found)


def by_quartile(counts: np.ndarray, edges: np.ndarray) -> dict[str, float | int | None]:
    """dice_q and slices_q of counts (S, D, 3); a lesion as large as an edge is above it."""
    dice, area = segmentation.slice_dice(counts, "skip"), counts[..., 2]
    found = {}
    for i in range(QUARTILES):
        some = dice[(area > 0) & (np.searchsorted(edges, area, side="right") == i)]
        found[f"dice_q{i + 1}"] = float(some.mean()) if len(some) else None
        found[f"slices_q{i + 1}"] = len(some)
    return found
