"""One figure style, and how figures are kept."""

import re
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib import paths

STYLE = {
    "figure.dpi": 110,
    "savefig.dpi": 160,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.hashsalt": "known-truth",  # the same figure gives the same bytes
}
ROLES = {  # one colour per role of an arm, safe for colour-blind readers (Okabe and Ito)
    "baseline": "#777777",
    "method": "#0072B2",
    "control": "#E69F00",
    "oracle": "#009E73",
    "paper": "#D55E00",
}
BASELINE = ("real", "classic", "oversample")
CONTROL = ("memoriser", "smooth", "shuffled", "salt_and_pepper")


def role(arm: str) -> str:
    """Role of an arm: baseline, control, oracle or method."""
    stem = re.sub(r"[0-9]*(_?3d|_reweighted)?$", "", arm)  # "classic5_3d", "smooth2000"
    if stem in BASELINE or stem in CONTROL:
        return "baseline" if stem in BASELINE else "control"
    return "oracle" if arm.startswith("oracle") else "method"


def use_style() -> None:
    """Apply the style to all figures drawn from now on."""
    mpl.rcParams.update(STYLE)


def save(figure: Figure, paper: str, stem: str) -> str:
    """Write figures/<paper>/<stem>.png and .svg; returns "<paper>/<stem>.png" for a caption."""
    folder = paths.FIGURES / paper
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{stem}.png", bbox_inches="tight", metadata={"Software": None})
    figure.savefig(folder / f"{stem}.svg", bbox_inches="tight", metadata={"Date": None})
    return (Path(paper) / f"{stem}.png").as_posix()


def show(axes: Axes, image: np.ndarray, title: str = "", **options) -> None:
    """One image (H, W) without ticks; grey, 0 to 1, unless options say otherwise."""
    axes.imshow(
        image, **{"cmap": "gray", "vmin": 0, "vmax": 1, "interpolation": "nearest", **options}
    )
    axes.set_title(title)
    axes.set_axis_off()


def image_rows(rows: dict[str, np.ndarray], width: float = 9.0, **options) -> Figure:
    """A labelled row of images (n, H, W) for every entry."""
    n = max(len(images) for images in rows.values())
    size = width / n
    figure, axes = plt.subplots(len(rows), n, figsize=(width, size * len(rows)), squeeze=False)
    for line, (name, images) in zip(axes, rows.items(), strict=True):
        for ax in line:
            ax.set_axis_off()
        for ax, image in zip(line, images, strict=False):
            show(ax, image, **options)
        line[0].text(-0.08, 0.5, name, transform=line[0].transAxes, ha="right", va="center")
    figure.subplots_adjust(wspace=0.04, hspace=0.04)
    return figure


def forest(axes: Axes, rows: list[dict], names: dict[str, str], label: str) -> None:
    """Arms from top to bottom: every replicate a dot, the mean with its 95 % t-interval a bar."""
    for y, row in enumerate(reversed(rows)):
        colour = ROLES[role(row["arm"])]
        low, high = row["ci95"] or (row["mean"], row["mean"])
        axes.plot([low, high], [y, y], color=colour, lw=2, alpha=0.5)
        axes.plot(row["values"], [y] * len(row["values"]), "o", ms=3, color=colour, alpha=0.6)
        axes.plot(row["mean"], y, "D", ms=5, color=colour)
        if row["paper"] is not None:
            axes.plot(row["paper"], y, "x", ms=6, color=ROLES["paper"])
    axes.set_yticks(range(len(rows)), [names[row["arm"]] for row in reversed(rows)])
    axes.set_xlabel(label)


@contextmanager
def figure(*args, **options):
    """plt.subplots that closes its figure afterwards: `with figure(...) as (fig, axes)`."""
    made = plt.subplots(*args, **options)
    try:
        yield made
    finally:
        plt.close(made[0])
