"""One figure style, and how figures are kept."""

import io
from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter
from PIL import Image as pillow
from PIL import ImageChops

from lib import paths
from lib.metrics.inference import t_interval
from lib.papers.arms import Arm
from lib.report.palette import indexed, palette
from lib.report.rows import Regime

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
UNSEEN = 16  # of 255: a change that nobody sees in single pixels, at the edges of lines
BAND = "#BBBBBB"  # of differences too small to count
FEWEST = 3  # draws whose interval is drawn
ROLES = {  # one colour per role of an arm, safe for colour-blind readers (Okabe and Ito)
    "baseline": "#777777",
    "method": "#0072B2",
    "control": "#E69F00",
    "oracle": "#009E73",
    "paper": "#D55E00",
}


def use_style() -> None:
    """Apply the style to all figures drawn from now on."""
    mpl.rcParams.update(STYLE)


def save(figure: Figure, paper: str, stem: str) -> str:
    """Write figures/<paper>/<stem>.png and .svg; returns "<paper>/<stem>.png" for a caption.

    The layout is found once, for both; it stays as it is then. A figure that shows an image has no
    .svg: it would hold the same pixels once more, and more of them.
    """
    folder = paths.FIGURES / paper
    folder.mkdir(parents=True, exist_ok=True)
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine(None)
    box = figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])
    drawn, vector = io.BytesIO(), folder / f"{stem}.svg"
    figure.savefig(drawn, format="png", bbox_inches=box)
    picture = pillow.open(drawn)
    lean(picture).save(folder / f"{stem}.png", optimize=True, dpi=picture.info["dpi"])
    if any(axes.images for axes in figure.axes):
        vector.unlink(missing_ok=True)  # of an earlier run
    else:
        figure.savefig(vector, bbox_inches=box, metadata={"Date": None})
    return (Path(paper) / f"{stem}.png").as_posix()


def lean(picture: pillow.Image) -> pillow.Image:
    """The picture in a palette if no channel changes by more than UNSEEN, else as RGB.

    Greys change by 1 of 255 at most; a transparent ground is lost.
    """
    whole = picture.convert("RGB")
    exact = whole.getcolors(256)  # None where there are more
    few = indexed(whole, np.array([c for _, c in exact]) if exact else palette([whole]))
    apart = ImageChops.difference(whole, few.convert("RGB")).getextrema()
    return few if max(high for _, high in apart) <= UNSEEN else whole


def kept(file: str, alt: str) -> Image:
    """A figure kept by `save`, to be displayed as large as it was drawn; `alt` describes it."""
    data = (paths.FIGURES / file).read_bytes()
    width = int.from_bytes(data[16:20], "big")  # of a PNG, in pixels
    scale = mpl.rcParams["figure.dpi"] / mpl.rcParams["savefig.dpi"]
    return Image(data, width=round(width * scale), alt=alt, metadata={"file": file})


def show(axes: Axes, image: np.ndarray, title: str = "", **options) -> None:
    """One image (H, W) without ticks; grey, 0 to 1, unless options say otherwise."""
    axes.imshow(
        image, **{"cmap": "gray", "vmin": 0, "vmax": 1, "interpolation": "nearest", **options}
    )
    axes.set_title(title)
    axes.set_axis_off()


def forest(
    axes: Axes, rows: Regime, arms: Iterable[Arm], metric: str, label: str, crosses: bool = True
) -> None:
    """Arms from top to bottom: every draw a dot, the mean with its 95 % t-interval a bar (`marks`).

    Filled dots were computed here, hollow ones stand in the record; a cross is the paper's number,
    where the two scales are alike. Arms without a value are left out.
    """
    shown = [arm for arm in arms if rows.has(arm, metric)]
    for y, arm in enumerate(reversed(shown)):
        row = rows.row(arm, metric)
        marks(axes, rows.draws(arm, metric), y, ROLES[arm.role], row["here"])
        if crosses and row["paper"] is not None:
            axes.plot(row["paper"], y, "x", ms=6, color=ROLES["paper"])
    axes.set_yticks(range(len(shown)), [arm.label for arm in reversed(shown)])
    axes.set_xlabel(label)


def floors(axes: Axes, rows, arms, metric: str) -> None:
    """A tick for each arm of a forest at the mean of `metric`, what it would read at its best."""
    found = [rows.mean(arm, metric) for arm in reversed(arms)]
    axes.plot(found, range(len(found)), "|", ms=9, color="black")


def marks(
    axes: Axes, draws: dict[str, float], y: float, colour: str, here: Iterable[str],
    ends: tuple[float | None, float | None] | None = None,
) -> None:  # fmt: skip
    """One line of a forest: single draws, their mean, and its 95 % t-interval, or other `ends`.

    Two draws have dots only: t is 12.7 there, and their interval would flatten all others.
    """
    mean, *own = t_interval(list(draws.values()))
    low, high = ends or (own if len(draws) >= FEWEST else (None, None))
    if low is not None:
        axes.plot([low, high], [y, y], color=colour, lw=2, alpha=0.5)
    for key, value in draws.items():
        filled = colour if key in here else "white"
        axes.plot(value, y, "o", ms=3.5, mfc=filled, mec=colour, alpha=0.7)
    axes.plot(mean, y, "D", ms=5, color=colour)


def differences(
    axes: Axes,
    rows: Regime,
    arm: Arm,
    others: Iterable[Arm],
    metric: str,
    margin: float,
) -> None:
    """An arm minus each of the others, by draw; grey: the smallest difference that counts."""
    shown = [other for other in others if rows.has(other, metric)]
    negligible(axes, margin)
    for y, other in enumerate(reversed(shown)):
        gain, here = rows.lead(arm, other, metric), rows.here(metric, arm, other)
        marks(axes, gain, y, ROLES[other.role], here)
        said = [rows.row(each, metric)["paper"] for each in (arm, other)]
        if None not in said:
            axes.plot(said[0] - said[1], y, "x", ms=6, color=ROLES["paper"])
    axes.set_yticks(range(len(shown)), [other.label for other in reversed(shown)])


def negligible(axes: Axes, margin: float) -> None:
    """A line at 0, and grey around it the differences too small to count."""
    axes.axvspan(-margin, margin, color=BAND, alpha=0.4, lw=0)
    axes.axvline(0, color="black", lw=0.8)


def lines(axes: Axes, found: dict[str, dict], label: str) -> None:
    """A forest of what a page works out by draw, {name: {"draws", "role", "here"}}.

    A line may have `ends` of its bar instead of the t-interval, and the number of the `paper`.
    """
    for y, line in enumerate(reversed(found.values())):
        marks(axes, line["draws"], y, ROLES[line["role"]], line["here"], line.get("ends"))
        if line.get("paper") is not None:
            axes.plot(line["paper"], y, "x", ms=6, color=ROLES["paper"])
    axes.set_yticks(range(len(found)), list(reversed(found)))
    axes.set_xlabel(label)


def null(axes: Axes, row: dict) -> None:
    """The null of a row: with its SD a green band of two (real against real), else a dashed line.

    Call it when the scale of the axis is set.
    """
    middle, sd = row["null"], row["null_sd"]
    if middle is None:
        return
    colour = ROLES["baseline" if sd is None else "oracle"]
    axes.axvline(middle, color=colour, lw=1, ls="--" if sd is None else "-")
    if sd is not None:
        low = middle - 2 * sd
        low = max(low, middle / 10) if axes.get_xscale() == "log" else low
        axes.axvspan(low, middle + 2 * sd, color=colour, alpha=0.2, lw=0)


def logarithmic(axes: Axes) -> None:
    """A logarithmic x axis of a small panel: numbers at 1 and 3 of each decade, none between."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def beyond(axes: Axes, row: dict, signed: bool = False) -> None:
    """An axis that is linear up to the power of ten beyond a row's null, then logarithmic.

    It starts at zero, for `signed` scores as far below as it is linear above, and ends half as far
    again as the largest value, so that its mark is whole.
    """
    ends = abs(row["null"]) + 2 * (row["null_sd"] or 0)
    edge = 10 ** np.ceil(np.log10(max(ends, 1e-6)))
    axes.set_xscale("symlog", linthresh=edge)
    axes.set_xlim(-edge if signed else 0, 1.5 * max(edge, axes.dataLim.x1))


def curve(
    axes: Axes, found: dict[float, np.ndarray], colour: str, label: str, bars: bool = True,
    dodge: float = 1.0,
) -> None:  # fmt: skip
    """Values by place {x: one per draw}: a dot each, a line through the means, and as bars their
    95 % t-intervals (from three draws on); `dodge` moves all to the side on a logarithmic axis."""
    places = np.array([*found]) * dodge
    for place, values in zip(places, found.values(), strict=True):
        axes.plot([place] * len(values), values, ".", ms=4, alpha=0.6, color=colour)
        if bars and len(values) >= FEWEST:
            axes.plot([place] * 2, t_interval(values)[1:], lw=2, alpha=0.35, color=colour)
    axes.plot(places, [values.mean() for values in found.values()], color=colour, label=label)


def legend(figure: Figure, *more: Line2D) -> None:
    """Below a figure: what the colours of roles, dots and crosses mean."""
    roles = ("baseline", "method", "control", "oracle")
    arms = [Line2D([], [], color=ROLES[r], marker="D", lw=2, label=r) for r in roles]
    grey = {"color": "#555555", "marker": "o", "ls": ""}
    dots = [Line2D([], [], **grey, label="computed here"),
            Line2D([], [], **grey, mfc="white", label="record")]  # fmt: skip
    cross = Line2D([], [], color=ROLES["paper"], marker="x", ls="", label="paper's own images")
    figure.legend(handles=[*arms, *dots, cross, *more], loc="outside lower center", ncols=4)


def cloud(axes: Axes, points: np.ndarray, real: np.ndarray, colour: str) -> None:
    """Points (n, 2), seen within the range of real ones (m, 2) and a fifth more on every side."""
    axes.plot(*points.T, ".", ms=2, alpha=0.5, color=colour)
    low, high = real.min(0), real.max(0)
    more = 0.2 * (high - low)
    axes.set(xlim=(low[0] - more[0], high[0] + more[0]), ylim=(low[1] - more[1], high[1] + more[1]))


def by_class(
    axes: Axes, points: np.ndarray, labels: np.ndarray, hues: Iterable[str], alpha: float = 1.0
) -> None:
    """Points (n, 2) in the colour of their class."""
    for c, hue in enumerate(hues):
        axes.plot(*points[labels == c].T, ".", ms=2, color=hue, alpha=alpha)


def rings(axes: Axes, means: np.ndarray, sds: np.ndarray, hues: Iterable[str]) -> None:
    """One standard deviation (k, 2) round each of k means (k, 2)."""
    turn = np.linspace(0, 2 * np.pi, 60)
    for mean, sd, hue in zip(means, sds, hues, strict=True):
        axes.plot(mean[0] + sd[0] * np.cos(turn), mean[1] + sd[1] * np.sin(turn), color=hue, lw=2)


def shares(axes: Axes, matrix: np.ndarray, names: Iterable[str]) -> None:
    """A matrix of shares (k, k) with its numbers; lines and columns have the same names."""
    axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
    for (i, j), share in np.ndenumerate(matrix):
        colour = "white" if share > 0.6 else "black"
        axes.text(j, i, f"{share:.2f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(matrix)), names)
    axes.set_yticks(range(len(matrix)), names)
    axes.grid(visible=False)


def panel(images: np.ndarray, columns: int = 4) -> np.ndarray:
    """Images (n, H, W) side by side as one picture, `columns` in a line."""
    return np.block([[*images[i : i + columns]] for i in range(0, len(images), columns)])


def outline(axes: Axes, mask: np.ndarray, colour: str) -> None:
    """The border of a mask (H, W), where it has one."""
    if mask.any() and not mask.all():
        axes.contour(mask, [0.5], colors=[colour], linewidths=0.9)


def magnified(
    wide: Axes, near: Axes, image: np.ndarray, mask: np.ndarray, centre: tuple, side: int = 24
) -> None:
    """An image (H, W) with its mask's border, and the square of `side` round `centre` beside it."""
    corner = [
        int(np.clip(round(c) - side // 2, 0, n - side))
        for c, n in zip(centre, image.shape, strict=True)
    ]
    show(wide, image)
    outline(wide, mask, ROLES["control"])
    show(near, image[tuple(slice(c, c + side) for c in corner)])
    place = corner[1] - 0.5, corner[0] - 0.5
    wide.add_patch(Rectangle(place, side, side, fill=False, color="white", lw=0.6))


def label(axes: Axes, text: str) -> None:
    """A name to the left of a line of images."""
    axes.text(-0.05, 0.5, text, transform=axes.transAxes, ha="right", va="center", fontsize="small")


def over(axes: Axes, names: Iterable[str], side: int = 64) -> None:
    """A name above every column of a picture made of images of this width."""
    for i, name in enumerate(names):
        axes.text(side * (i + 0.5), -0.06 * side, name, ha="center", va="bottom", fontsize="small")


def beside(axes: Axes, names: Iterable[str], side: int = 64) -> None:
    """A name to the left of every line of a picture made of images of this height."""
    for i, name in enumerate(names):
        axes.text(-0.06 * side, side * (i + 0.5), name, ha="right", va="center", fontsize="small")


def gallery(
    axes: np.ndarray, lines: dict[str, Iterable[np.ndarray]], titles: Iterable[str] = (), **options
) -> None:
    """Images (H, W) on a grid of axes: a named line for every entry, titles above the first."""
    for row, (name, images) in zip(axes, lines.items(), strict=True):
        for ax, image in zip(row, images, strict=True):
            show(ax, image, **options)
        label(row[0], name)
    for ax, title in zip(axes[0], titles, strict=False):
        ax.set_title(title)
