"""Parts of ControlNet's pages: scores of a task against the number of films, real or added."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes

from lib.claims.verdict import margin_of
from lib.metrics.inference import page as page_test
from lib.metrics.inference import t_interval
from lib.papers.arms import Arm
from lib.papers.controlnet import printed
from lib.papers.controlnet.arms import CHEXPERT, MAIN, PERCENT, SOURCES, TIMES, Task
from lib.report import plots
from lib.report.plots import FEWEST
from lib.report.rows import NONE, Regime, Rows, number
from lib.report.summary import listed

NAMES = {  # of metrics; those of several findings are means over them
    "f1": "F1 at 0.5", "f1_tuned": "F1 at validation's threshold", "auc": "AUC",
    "auprc": "AUPRC", "f1_all_positive": "F1, all called positive",
    "dice": "Dice, films with a lesion", "dice_all": "Dice, all films",
    "false_positive_rate": "false alarms",
}  # fmt: skip


def named(metric: str) -> str:
    """A metric in words, `macro` left out."""
    return NAMES[metric.replace("_macro", "")]


def placed(at: Regime, arm: Arm | str, metric: str) -> np.ndarray:
    """An arm's values where all arms of a regime can be compared: the mean of `real` in all draws
    plus the arm's gain in each draw that both have. Empty where there is none."""
    if not (at.has("real", metric) and at.has(arm, metric)):
        return np.array([])
    return at.mean("real", metric) + at.gain(arm, "real", metric)


def line(axes: Axes, found: Mapping[float, np.ndarray], fmt: str, **look) -> None:
    """Means of values by place {x: one per draw} with their 95 % t-intervals (from three draws on);
    a place without values is left out, and so is the line without a place."""
    there = {x: v for x, v in found.items() if len(v)}
    if not there:
        return
    half = [t_interval(v)[2] - v.mean() if len(v) >= FEWEST else np.nan for v in there.values()]
    means = [v.mean() for v in there.values()]
    axes.errorbar([*there], means, half, fmt=fmt, **{"ms": 4, "capsize": 2, "lw": 1.5, **look})


# ---- figure 2: a task by the number of real films -----------------------------------------------

AT_QUOTED = {  # how arms at the amounts that the paper quotes look
    "syn": ("#0072B2", "D-", "Synthetic, as quoted"),
    "oversample": ("#555555", "s:", "Real films again, as many"),
    "oracle": (plots.ROLES["oracle"], "^-", "Oracle, as many"),
}
ALONE = {"real": ("#777777", "o-"), "classic": ("#999933", "v--")}
BLUES = dict(zip(TIMES, ("#C6DBEF", "#9ECAE1", "#6BAED6", "#3182BD"), strict=True))
BESIDE = ("syn", "oversample", "memoriser", "smooth", "shuffled", "oracle")
SHORT = {"real": "Real films", "classic": "Augmented", "oversample": "Real films again",
         "memoriser": "Noisy copies", "smooth": "Blurred copies", "shuffled": "Shuffled",
         "oracle": "Oracle"}  # fmt: skip


def draw_ours(axes: Axes, rows: Rows, task: Task, counts: Mapping[int, int]) -> None:
    """Our panel of Figure 2; counts: how many real films a fraction is."""
    at = {p: rows.get(task.regime(p)) for p in PERCENT}

    def across(arm) -> dict[int, np.ndarray]:
        return {counts[p]: placed(at[p], arm(p), task.score) for p in PERCENT}

    for m, colour in BLUES.items():
        found = across(lambda p, m=m: f"syn{m}")
        line(axes, found, ".-", color=colour, label=f"Synthetic, {m}x", lw=1)
    for arm, (colour, style) in ALONE.items():
        line(axes, across(lambda p, a=arm: a), style, color=colour, label=MAIN[arm].label)
    for kind, (colour, style, label) in AT_QUOTED.items():
        found = across(lambda p, kind=kind: f"{kind}{task.quoted[p]}")
        line(axes, found, style, color=colour, label=label)
    all_positive, fewest = task.score + "_all_positive", at[PERCENT[0]]
    if fewest.has("real", all_positive):
        level = fewest.mean("real", all_positive)
        axes.axhline(level, color="black", ls=":", label="All positive")
    axes.set(xscale="log", title=task.label, ylabel=named(task.score))
    axes.set_xticks([*counts.values()], [f"{n:,}\n{p} %" for p, n in counts.items()])
    axes.minorticks_off()


def draw_printed(axes: Axes, task: Task) -> None:
    """What the paper's text quotes of its panel."""
    cells = {p: printed.FIGURE2[task.regime(p)] for p in PERCENT}
    counts = [printed.real_images(task.name, p) for p in PERCENT]
    axes.plot(counts, [c.real for c in cells.values()], "o-", color="#777777", ms=4)
    axes.plot(counts, [c.synthetic for c in cells.values()], "D-", color="#0072B2", ms=4)
    for n, cell in zip(counts, cells.values(), strict=True):
        place = {"xytext": (0, 5), "textcoords": "offset points", "ha": "center", "fontsize": 7}
        axes.annotate(f"{cell.times}x", (n, cell.synthetic), **place)
    name = {"dice": "Dice"}.get(task.score, "F1")
    axes.set(xscale="log", ylabel=f"{name} as printed", xlabel="real images", ylim=(0, 0.45))
    axes.set_xticks(counts, [f"{n:,}\n{p} %" for p, n in zip(PERCENT, counts, strict=True)])
    axes.minorticks_off()


def quoted_arms(task: Task, percent: int) -> list[Arm]:
    """Real films alone, augmented ones, and what stands at the quoted amount."""
    return [MAIN[a] for a in ALONE] + [MAIN[f"{kind}{task.quoted[percent]}"] for kind in BESIDE]


def rivals(task: Task, percent: int) -> list[Arm]:
    """The arms beside the synthetic films of the quoted amount, under names without it."""
    arms = [arm for arm in quoted_arms(task, percent) if arm.role != "method"]
    return [replace(arm, label=SHORT[arm.source or arm.name]) for arm in arms]


def shared(task: Task) -> list[str]:
    """The metrics whose share of the oracle's gain is shown."""
    return [task.score, *(metric for metric in task.metrics if metric.startswith("auc"))]


def numbers(rows: Rows, task: Task, percent: int, count: int, metrics: list[str]) -> list[list]:
    """The lines of one fraction of `count` real films; arms without a draw are left out.

    Calling all positive reads the same in every draw, so its interval is left out.
    """
    at, best, lines = rows.get(task.regime(percent)), f"oracle{task.quoted[percent]}", []
    for arm in (arm for arm in quoted_arms(task, percent) if at.has(arm, task.score)):
        cells = {metric: at.cell(arm, metric) for metric in metrics}
        fixed = {m: text.split()[0] for m, text in cells.items() if m.endswith("all_positive")}
        shares = [at.share(arm, metric, best) for metric in shared(task)]
        said = at.count(arm, task.score), *(cells | fixed).values(), *shares
        lines.append([f"{count:,}", arm.label, *said, at.paper(arm, task.score)])
    return lines


def gained(at: Regime, arm: Arm | str, score: str) -> np.ndarray:
    """An arm's gain over real films alone by draw; empty where one has none."""
    both = at.has("real", score) and at.has(arm, score)
    return at.gain(arm, "real", score) if both else np.array([])


def draw_labels(axes: Axes, share: np.ndarray, gain: np.ndarray) -> None:
    """Gains (R, 5) of CheXpert's labels over prevalence (5,), labels without an F1 left out."""
    known = np.isfinite(gain).all(0)
    share, gain, names = share[known], gain[:, known], np.array(CHEXPERT)[known]
    middle = gain.mean(0)
    axes.plot(share, gain.T, "o", ms=3, color="#0072B2", alpha=0.4)
    axes.plot(share, middle, "D", ms=6, color="#0072B2")
    axes.axhline(0, color="black", lw=0.8)
    if len(share) > 1:
        axes.plot(share, np.polyval(np.polyfit(share, middle, 1), share), color="#777777", lw=1)
    text = [f"{name}, {x:.0%}" for name, x in zip(names, share, strict=True)]
    axes.set_xticks(share, text, rotation=35, ha="right", rotation_mode="anchor", fontsize=8)


# ---- what can be read of a fraction -------------------------------------------------------------


def told(rows: Rows, task: Task, counts: Mapping[int, int]) -> list[str]:
    """`unread` of each fraction of a task at the amount that the paper quotes, as items of a list;
    counts: how many real films a fraction is."""
    found = {p: unread(rows.get(task.regime(p)), task, task.quoted[p]) for p in PERCENT}
    titles = {p: f"{task.label}, {counts[p]:,} real films" for p in PERCENT}
    return [f"- *{titles[p]}.* {text}" for p, text in found.items() if text]


def unread(at: Regime, task: Task, times: int) -> str:
    """What must be known before a gain is read: fresh phantoms do not help either, or less than
    synthetic films, or F1 at 0.5 is what calling every film positive gives; "" where none of these
    holds, or no draw."""
    parts = (part(at, task, times) for part in (_unhelped, _beaten, _all_positive))
    return " ".join(filter(None, parts))


def _judging(task: Task) -> tuple[str, float]:
    """The metric by which fresh phantoms help, AUC or else the paper's own, and its margin."""
    metric = next((m for m in task.metrics if m.startswith("auc")), task.score)
    return metric, margin_of(metric.replace("_macro", ""))


def _unhelped(at: Regime, task: Task, times: int) -> str:
    """That the oracle does not beat real films, by AUC, or by Dice where there is none."""
    oracle, (metric, least) = f"oracle{times}", _judging(task)
    gain = gained(at, oracle, metric)
    if not len(gain) or gain.mean() >= least:
        return ""
    real, best = (number(x) for x in at.together(["real", oracle], metric).mean(1))
    return (
        f"At this size fresh phantoms do not help either ({named(metric)}: {real} with real films "
        f"alone, {best} with as many fresh phantoms as synthetic films, R={len(gain)}; a gain "
        f"counts from {least:g} on)."
    )


def _beaten(at: Regime, task: Task, times: int) -> str:
    """That synthetic films beat the oracle, which is then no ceiling."""
    arms, (metric, least) = [f"syn{times}", f"oracle{times}"], _judging(task)
    if not all(at.has(arm, metric) for arm in arms):
        return ""
    both = at.together(arms, metric)
    if not both.size or np.subtract(*both).mean() < least:
        return ""
    own, best = map(number, both.mean(1))
    return (
        f"Synthetic films beat as many fresh phantoms ({named(metric)}: {own} against {best}, "
        f"R={both.shape[1]}): the oracle is no ceiling there, and a share of its gain says nothing."
    )


def _all_positive(at: Regime, task: Task, times: int) -> str:
    """For which arms F1 at 0.5 is what calling every film positive gives, or below."""
    level = f"{task.score}_all_positive"
    if not at.has("real", level):
        return ""
    arms = {"real": "real films alone", f"syn{times}": "synthetic films",
            f"oracle{times}": "fresh phantoms"}  # fmt: skip
    least, margin = at.mean("real", level), margin_of(task.score)
    means = {arm: at.mean(arm, task.score) for arm in arms if at.has(arm, task.score)}
    low = [arms[arm] for arm, mean in means.items() if mean < least + margin]
    if not low:
        return ""
    return (
        f"{named(task.score)} with {listed(low)} is less than {margin:g} above {number(least)}, "
        "which calling every film positive gives: read AUC there."
    )


# ---- a task by the amount that is added ---------------------------------------------------------

CURVES = {"oracle": ("#009E73", "^-", "Oracle (fresh phantoms)"),
          "syn": ("#0072B2", "o-", "Synthetic")}  # fmt: skip
EPOCHS = {"syn10_epochs": ("#0072B2", "Synthetic, equal epochs"),
          "oversample10_epochs": ("#777777", "Real again, as many steps")}  # fmt: skip


def amounts(kind: str) -> list[str]:
    """Arms from real films alone to the most that are added of a kind."""
    return ["real", *(f"{kind}{m}" for m in TIMES)]


def draw_amounts(axes: Axes, at: Regime, task: Task, percent: int) -> None:
    """Curves of one fraction; the arms at equal epochs stand beside 10x, a ring around what the
    paper quotes."""
    for kind, (colour, fmt, label) in CURVES.items():
        found = {i: placed(at, arm, task.score) for i, arm in enumerate(amounts(kind))}
        line(axes, found, fmt, color=colour, label=label)
    ten, times = amounts("syn").index("syn10"), task.quoted[percent]
    for i, (arm, (colour, label)) in enumerate(EPOCHS.items(), start=1):
        found = {ten + 0.2 * i: placed(at, arm, task.score)}
        line(axes, found, "s", color=colour, mfc="white", label=label)
    quoted = placed(at, f"syn{times}", task.score)
    if len(quoted):
        place = amounts("syn").index(f"syn{times}")
        axes.plot(place, quoted.mean(), "o", ms=10, mfc="none", mec="#D55E00")
    axes.set(xticks=range(1 + len(TIMES)), xticklabels=[f"{m}x" for m in (0, *TIMES)])


def trend(at: Regime, kind: str, score: str) -> list[str | int]:
    """R, tau and P of Page's test over the amounts of one kind, and the best amount."""
    if not all(at.has(arm, score) for arm in amounts(kind)):
        return [0, NONE, NONE, NONE]
    values = at.together(amounts(kind), score).T
    p, tau = page_test(values)
    best = (0, *TIMES)[values.mean(0).argmax()]
    return [len(values), f"{tau:+.2f}", NONE if p is None else f"{p:.3g}", f"{best}x"]


def lead(at: Regime, arm: str, other: str, score: str) -> dict | None:
    """A line of `plots.lines`: arm minus other by draw; None where they share no draw."""
    if not (at.has(arm, score) and at.has(other, score)):
        return None
    draws = at.lead(arm, other, score)
    look = {"role": SOURCES[arm].role, "here": at.here(score, arm, other)}
    return {"draws": draws, **look} if draws else None


def leads(page, caption: str, name: str, found: Mapping[str, dict | None], label: str) -> None:
    """The leads that there are as a figure of a page; a sentence where none has a draw."""
    there = {title: each for title, each in found.items() if each}
    if not there:
        page.text("*These arms have no draw yet: they stand beside; profile `full` draws them.*")
        return
    with page.figure(caption, name=name, figsize=(7.4, 0.9 + 0.34 * len(there))) as axes:
        axes.axvline(0, color="black", lw=0.8)
        plots.lines(axes, there, label)
