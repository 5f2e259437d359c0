"""Parts of pages on lesions: slices with their masks, a judge's curves, requests and answers."""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes

from lib.metrics import deviations
from lib.papers.arms import Arm
from lib.papers.pathosyn.arms import COLOURS
from lib.report import plots
from lib.report.rows import Regime, number
from lib.report.summary import listed

FORBIDDEN = "#56B4E9"  # the outline of where no lesion can be


def colour(arm: Arm) -> str:
    """Of a curve: a generator's own, or else that of the arm's role."""
    return COLOURS.get(arm.name, plots.ROLES[arm.role])


def missing(page, arms: Iterable[Arm], there: Iterable[Arm]) -> None:
    """A sentence about the arms that have no number yet."""
    names = dict.fromkeys(arm.label for arm in arms if arm not in [*there])
    if names:
        page.text(f"*Without a number in the tables yet: {', '.join(names)}.*")


def beside_oracle(at: Regime, arms: Iterable[Arm], metric: str, label: str) -> str:
    """Whether a score that should be low ranks arms: how many of them read less than the oracle,
    whose lesions are true; "" without the oracle's row."""
    others = [arm for arm in arms if arm.role != "oracle" and at.has(arm, metric)]
    if not others or not at.has("oracle", metric):
        return ""
    best = at.mean("oracle", metric)
    lower = [arm.label for arm in others if at.mean(arm, metric) < best]
    text = f"Fresh phantoms, whose lesions are true, read a {label} of {number(best)}"
    text += f" (R={at.count('oracle', metric)}; real against real {at.null('oracle', metric)})"
    if not lower:
        return f"*{text}; no other arm reads less.*"
    less = f"of {len(others)} other arms {len(lower)} read less ({listed(lower)})"
    return f"*{text}; {less}. So this number does not say which arm is better.*"


# ---- pictures -----------------------------------------------------------------------------------


def masked(
    axes: np.ndarray, lines: Mapping[str, np.ndarray], masks: Mapping[str, np.ndarray] | np.ndarray,
    titles: Iterable[str] = (), colour: str = plots.ROLES["control"],
) -> None:  # fmt: skip
    """Named lines of images (n, H, W) with the borders of their masks, one stack for all or each
    line's own."""
    plots.gallery(axes, lines, titles)
    for row, name in zip(axes, lines, strict=True):
        own = masks[name] if isinstance(masks, Mapping) else masks
        for ax, mask in zip(row, own, strict=True):
            plots.outline(ax, mask, colour)


def paired(axes: np.ndarray, lines: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Named lines of images (n, H, W) with the borders of their masks, {name: (images, masks)}."""
    images, masks = ({name: both[i] for name, both in lines.items()} for i in (0, 1))
    masked(axes, images, masks)


# ---- curves -------------------------------------------------------------------------------------


def roc(axes: Axes, grid: np.ndarray, band: np.ndarray, arm: Arm, dashes: str = "-") -> None:
    """A ROC curve (3, k) of true positive rates with the ends of their band."""
    tpr, low, high = band
    axes.fill_between(grid, low, high, color=colour(arm), alpha=0.15, lw=0)
    axes.plot(grid, tpr, color=colour(arm), ls=dashes, lw=1.5, label=arm.label)


def violin(axes: Axes, sample: np.ndarray, y: float, colour: str, width: float = 0.8) -> None:
    """The distribution of a sample (n,), lying at a height."""
    flat = {"orientation": "horizontal", "widths": width, "showextrema": False}
    axes.violinplot(sample, [y], **flat)["bodies"][0].set_facecolor(colour)


def shares(axes: Axes, percentiles: np.ndarray, arm: Arm | None, dashes: str = "-") -> None:
    """Cumulative shares of a quantity from its percentiles (101,); real ones are black."""
    look = {"color": colour(arm), "lw": 1.3} if arm else {"color": "black", "lw": 2}
    axes.plot(percentiles, np.arange(101), ls=dashes, label=arm.label if arm else "Real", **look)


def answers(axes: Axes, requested: np.ndarray, measured: np.ndarray, colour: str) -> None:
    """A thin line for every lesion (n, k), about its own mean, and the slope of all; dashed: as
    requested."""
    whole = np.isfinite(measured).all(1)
    x, y = (a[whole] - a[whole].mean(1, keepdims=True) for a in (requested, measured))
    if not len(x):
        axes.text(0.5, 0.5, "nothing is seen", ha="center", transform=axes.transAxes)
        return
    axes.plot(x.T, y.T, color=colour, lw=0.6, alpha=0.4)
    ends = np.array([x.min(), x.max()])
    axes.plot(ends, ends, "--", color="black", lw=1)
    axes.plot(ends, (deviations.slope(x, y)[0] or 0) * ends, color=colour, lw=2.2)


# ---- forests ------------------------------------------------------------------------------------


def forests(
    axes: Iterable[Axes], at: Regime, arms: list[Arm], labels: Mapping[str, str],
    scales: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """A forest of every metric beside its null, {metric: label}, and one legend below.

    scales: "log", or "symlog" for what can be negative, linear up to two SD above its null; linear
    all the same where the values span less than a decade.
    """
    for ax, (metric, label) in zip(axes, labels.items(), strict=True):
        plots.forest(ax, at, arms, metric, label, crosses=False)
        row, scale = at.row(arms[0], metric), (scales or {}).get(metric, "linear")
        near = abs(row["null"] or 0) + 2 * (row["null_sd"] or 5e-4)
        linear = {"linthresh": 10 ** np.ceil(np.log10(near))} if scale == "symlog" else {}
        if _wide(ax.get_xlim(), **linear):  # else such a scale has one tick or none
            ax.set_xscale(scale, **linear)
        ax.tick_params(which="minor", labelbottom=False)
        plots.null(ax, row)
    plots.legend(ax.figure)


def _wide(limits: tuple[float, float], linthresh: float = 0.0) -> bool:
    """Do these limits span a decade: beyond the threshold of a symlog axis, or of a log one."""
    low, high = limits
    return max(-low, high) > 10 * linthresh if linthresh else low <= 0 or high > 10 * low
