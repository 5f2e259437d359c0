"""Does a heat map fall on the lesion? Pixel AUROC and the pointing game, per image."""

import numpy as np

from lib.metrics.classification import auc


def pixel_auroc(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """AUROC of each map's values (N, H, W) for the pixels of its mask (N, H, W); chance is 0.5.

    Raises ValueError for an empty or full mask, which has no AUROC.
    """
    _check(maps, masks)
    pairs = zip(maps, masks, strict=True)
    return np.array([auc(mask.ravel().astype(int), map_.ravel())[0] for map_, mask in pairs])


def pointing(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Whether the maximum of each map lies in its mask, (N,) bool (Zhang et al. 2018).

    Chance is the share of the image that the mask covers.
    """
    _check(maps, masks)
    at = maps.reshape(len(maps), -1).argmax(1)
    return masks.reshape(len(masks), -1)[np.arange(len(masks)), at]


def _check(maps: np.ndarray, masks: np.ndarray) -> None:
    if maps.shape != masks.shape or maps.ndim != 3:
        raise ValueError(f"maps {maps.shape} and masks {masks.shape} must both be (N, H, W).")
    covered = masks.reshape(len(masks), -1).mean(1)
    if ((covered == 0) | (covered == 1)).any():
        at = int(np.flatnonzero((covered == 0) | (covered == 1))[0])
        raise ValueError(f"mask {at} is empty or full; leave images without a lesion out.")
