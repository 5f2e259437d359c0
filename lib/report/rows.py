"""Rows of a table as a notebook reads them: values by draw, gains, cells of text.

    bare = rows["bare"]
    bare.values("pavae", "auc")       # one number per draw
    bare.gain("pavae", "real", "auc") # paired by draw
    bare.cell("pavae", "auc")         # "0.814 [0.776, 0.853]"
"""

from collections.abc import Iterable, Iterator

import numpy as np

from lib.metrics.inference import fieller, t_interval
from lib.papers.arms import Arm

NONE = "–"  # where there is no number


class Regime:
    """The rows of one regime. Arms are named by `Arm` or by their name."""

    def __init__(self, name: str, rows: Iterable[dict]):
        self.name = name
        self.rows = {(row["arm"], row["metric"]): row for row in rows}

    def has(self, arm: Arm | str, metric: str) -> bool:
        """Whether there is a value in any draw."""
        return bool(self.rows.get((name(arm), metric), {}).get("values"))

    def row(self, arm: Arm | str, metric: str) -> dict:
        """One row of the record; KeyError with what there is."""
        try:
            return self.rows[name(arm), metric]
        except KeyError:
            there = sorted({m for a, m in self.rows if a == name(arm)})
            has = ", ".join(there) or f"no metric; arms are {', '.join(self.arms)}"
            text = f"{self.name}: {name(arm)} has no row {metric!r}; it has {has}"
            raise KeyError(text) from None

    @property
    def arms(self) -> list[str]:
        """Names of the arms that have rows."""
        return list(dict.fromkeys(arm for arm, _ in self.rows))

    def draws(self, arm: Arm | str, metric: str) -> dict[str, float]:
        """{draw: value} where the score is defined."""
        found = self.row(arm, metric)["draws"]
        return {key: value for key, value in found.items() if value is not None}

    def values(self, arm: Arm | str, metric: str) -> np.ndarray:
        """One number per draw."""
        return np.array(list(self.draws(arm, metric).values()), float)

    def mean(self, arm: Arm | str, metric: str) -> float:
        return float(self.values(arm, metric).mean())

    def count(self, arm: Arm | str, metric: str) -> int:
        """R: how many draws there are."""
        return len(self.draws(arm, metric)) if self.has(arm, metric) else 0

    def together(self, arms: Iterable[Arm | str], metric: str) -> np.ndarray:
        """Values (arms, R) of the draws that all these arms have."""
        each = [self.draws(arm, metric) for arm in arms]
        keys = [key for key in each[0] if all(key in draws for draws in each)]
        return np.array([[draws[key] for key in keys] for draws in each])

    def gain(self, arm: Arm | str, over: Arm | str = "real", metric: str = "auc") -> np.ndarray:
        """Difference of two arms in the draws that both have."""
        one, other = self.together([arm, over], metric)
        return one - other

    def are_shares(self, *metrics: str) -> bool:
        """Whether all values of these metrics lie between 0 and 1, whatever arms have them."""
        each = [self.values(arm, m) for arm in self.arms for m in metrics if self.has(arm, m)]
        return all(((x >= 0) & (x <= 1)).all() for x in each)

    def lead(self, arm: Arm | str, over: Arm | str, metric: str) -> dict[str, float]:
        """Difference of two arms by draw, {draw: value}, in the draws that both have."""
        one, other = self.draws(arm, metric), self.draws(over, metric)
        return {key: one[key] - other[key] for key in one if key in other}

    def here(self, metric: str, *arms: Arm | str) -> set[str]:
        """The draws that were computed here for all these arms."""
        return set.intersection(*(set(self.row(arm, metric)["here"]) for arm in arms))

    def fraction(self, arm: Arm | str, metric: str, oracle: Arm | str = "oracle") -> dict | None:
        """Fieller's share of an oracle's gain over `real`; None where a row is missing."""
        trio = ("real", arm, oracle)
        if name(arm) in ("real", name(oracle)) or not all(self.has(a, metric) for a in trio):
            return None
        real, own, best = self.together(trio, metric)
        return fieller(own - real, best - real)

    # ---- text ----

    def cell(self, arm: Arm | str, metric: str) -> str:
        """Mean and 95 % t-interval; a dash where there is no number."""
        if not self.has(arm, metric):
            return NONE
        return interval(self.values(arm, metric))

    def paper(self, arm: Arm | str, metric: str) -> str:
        """What the paper prints, in italics."""
        said = self.rows.get((name(arm), metric), {}).get("paper")
        return NONE if said is None else f"*{said:g}*"

    def null(self, arm: Arm | str, metric: str) -> str:
        """What the metric reads where nothing was achieved, with its SD where that is known."""
        row = self.rows.get((name(arm), metric), {})
        if row.get("null") is None:
            return NONE
        sd = row.get("null_sd")
        return number(row["null"]) + (f" ± {number(sd)}" if sd is not None else "")

    def share(self, arm: Arm | str, metric: str, oracle: Arm | str = "oracle") -> str:
        """The share of the oracle's gain as text; the anchors are 0 and 1."""
        anchors = {"real": "0 (null)", name(oracle): "1"}
        found = self.fraction(arm, metric, oracle)
        if found is None:
            return anchors.get(name(arm), NONE)
        if found["fraction"] is None:
            return found["note"]
        return f"{found['fraction']:.2f} [{found['lo']:.2f}, {found['hi']:.2f}]"


class Rows:
    """All rows of a table by regime."""

    def __init__(self, page: dict):
        self.page = page
        names = dict.fromkeys(row["regime"] for row in page["rows"])
        self.regimes = {
            regime: Regime(regime, (row for row in page["rows"] if row["regime"] == regime))
            for regime in names
        }

    def __getitem__(self, regime: str) -> Regime:
        try:
            return self.regimes[regime]
        except KeyError:
            there = ", ".join(self.regimes) or "none"
            raise KeyError(f"no rows of regime {regime!r}; there are {there}") from None

    def get(self, regime: str) -> Regime:
        """The rows of a regime; none where there are none yet."""
        return self.regimes.get(regime, Regime(regime, ()))

    def __contains__(self, regime: str) -> bool:
        return regime in self.regimes

    def __iter__(self) -> Iterator[Regime]:
        return iter(self.regimes.values())

    def __len__(self) -> int:
        return len(self.page["rows"])


def name(arm: Arm | str) -> str:
    return arm if isinstance(arm, str) else arm.name


def number(x: float) -> str:
    """Three decimals, or three digits where that says more."""
    return f"{x:.3f}" if 0.02 <= abs(x) < 1 else f"{x:.3g}"


def interval(values: np.ndarray, sign: str = "") -> str:
    """`0.814 [0.776, 0.853]` of one number per draw; with sign "+" as differences."""
    mean, *ends = t_interval(values)

    def text(x: float) -> str:
        return f"{x:+.3f}" if sign else number(x)

    return text(mean) + (f" [{', '.join(map(text, ends))}]" if len(values) > 1 else "")
