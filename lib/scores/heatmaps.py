"""Template-difference heat maps (PA-VAE, Figure 6), scored against the known lesion mask.

A map is |x - template|. The paper names neither the template nor the class it belongs to: ours is
the class mean of the labelled images, of the image's own class, and beside it of the healthy class.
"""

import numpy as np

from lib.jobs import Result
from lib.metrics.localisation import pixel_auroc, pointing


def templates(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean image of every class, (classes, H, W), of images (N, H, W) and labels (N,)."""
    return np.stack([images[labels == c].mean(0) for c in range(labels.max() + 1)])


def maps_of(
    x: np.ndarray, y: np.ndarray, means: np.ndarray, where: np.ndarray, healthy: np.ndarray
) -> dict[str, np.ndarray]:
    """Every kind of map for images x (N, H, W) of classes y (N,).

    where: mean lesion mask of every class; healthy: the images' healthy counterfactuals.
    heatmap: difference to the mean of the image's class; heatmap_healthy: to the healthy mean;
    place: the class's mean mask, which never looks at the image; counterfactual: the truth.
    """
    return {
        "heatmap": np.abs(x - means[y]),
        "heatmap_healthy": np.abs(x - means[0]),
        "place": where[y],
        "counterfactual": np.abs(x - healthy),
    }


def score(
    train: Result, n: int, test: Result, counterfactual: Result, m: int, shown: int
) -> Result:
    """Job: pixel AUROC and pointing-game rate of every kind of map on the sick ones of m images.

    Templates come from the first n training images. Scores: {arm: {pixel_auroc, pointing}}, where
    arm `mirrored` is the map `heatmap` against the lesion's mask mirrored into the other lung, and
    `chance` is 0.5 and the mean share of the image that a lesion covers. Arrays: image, mask and
    map/<kind> of the first `shown` sick images.
    """
    x, y, mask = (test.arrays[name][:m] for name in ("image", "label", "mask"))
    sick = (y > 0) & mask.any((1, 2))
    x, y, mask = x[sick], y[sick], mask[sick]
    images, labels = train.arrays["image"][:n], train.arrays["label"][:n]
    where = templates(train.arrays["mask"][:n].astype(np.float32), labels)
    healthy = counterfactual.arrays["image"][:m][sick]
    found = maps_of(x, y, templates(images, labels), where, healthy)
    pairs = {name: (maps, mask) for name, maps in found.items()}
    pairs["mirrored"] = (found["heatmap"], mask[:, :, ::-1])
    scores = {
        name: {"pixel_auroc": float(pixel_auroc(*p).mean()), "pointing": float(pointing(*p).mean())}
        for name, p in pairs.items()
    }
    scores["chance"] = {"pixel_auroc": 0.5, "pointing": float(mask.mean())}
    arrays = {"image": x[:shown], "mask": mask[:shown], "label": y[:shown]}
    arrays |= {f"map/{name}": maps[:shown].astype(np.float32) for name, maps in found.items()}
    return Result(arrays, scores)
