"""Confusion matrices by draw: what they say of two classes, in a table and as a picture."""

import numpy as np
from matplotlib.axes import Axes
from statsmodels.stats.proportion import proportion_confint


def binary(matrix: np.ndarray) -> np.ndarray:
    """(..., K, K) to (..., 2, 2): the first class, healthy, and all others."""
    two = np.stack([matrix[..., 0, :], matrix[..., 1:, :].sum(-2)], axis=-2)
    return np.stack([two[..., 0], two[..., 1:].sum(-1)], axis=-1)


def line(matrix: np.ndarray, target: float) -> list[str]:
    """Specificity of counts (3, 3) with its exact interval, whether that has the target inside,
    sensitivity, and the share of those found that are put on the right side."""
    (right, wrong), (_, found) = binary(matrix)
    low, high = proportion_confint(right, right + wrong, method="beta")
    specificity = f"{right / (right + wrong):.3f} [{low:.3f}, {high:.3f}]"
    side = (matrix[1, 1] + matrix[2, 2]) / max(found, 1)
    covers = "yes" if low <= target <= high else "no"
    return [specificity, covers, f"{found / matrix[1:].sum():.3f}", f"{side:.3f}"]


def draw(axes: Axes, found: np.ndarray, names: tuple[str, ...]) -> None:
    """Counts (R, K, K) summed over draws, share of the row and, of several draws, its range.

    The colour is the share.
    """
    rate, total = found / found.sum(-1, keepdims=True), found.sum(0)
    share = total / total.sum(-1, keepdims=True)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1.7)
    for (i, j), n in np.ndenumerate(total):
        low, high = 100 * rate[:, i, j].min(), 100 * rate[:, i, j].max()
        text = f"{n:,}\n{share[i, j]:.1%}"
        text += f"\n({low:.0f} to {high:.0f} %)" if len(found) > 1 else ""
        axes.text(j, i, text, ha="center", va="center", fontsize=7)
    axes.set_xticks(range(len(names)), names, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.grid(visible=False)
    axes.set_xlabel("named", fontsize=8)
