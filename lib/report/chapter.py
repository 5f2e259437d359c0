"""What the pages `00_claims` of the chapters share: the tables of verdicts, departures and gaps.

    chapter = Chapter(page)
    chapter.departures(departures(page.plan))
    chapter.verdicts()
"""

import re
import textwrap
from collections import Counter
from itertools import accumulate, pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lib import paths
from lib.claims import ledger, verdict
from lib.report import plots, summary
from lib.report.effects import effects
from lib.report.page import Page

COLUMNS = ["claim", "the paper says", "verdict", "attribution", "share of oracle's gain", "source"]
SEVERITIES = {"A": "changes what can be concluded", "B": "blocks an exact rerun", "C": "clerical"}
COLUMNS_OF_GAPS = ("id", "where", "finding", "ours")
UNDECIDED = ["undecided", "R", "needs R", "core-minutes more, at most", "in words"]
DEPARTURES = ["the paper", "ours", "why", "open question"]


class Chapter:
    """The claims of the paper whose folder a page stands in."""

    def __init__(self, page: Page):
        self.page, self.paper = page, page.item.partition("/")[0]
        self.claims = {id_: out for id_, out in page.judged.items() if out["paper"] == self.paper}
        self.decided = summary.told(list(self.claims.values()), summary.MEASURED)
        self.counts = Counter(verdict.base(out["verdict"]) for out in self.claims.values())
        self.effects = [{"id": out["id"], **one} for out in self.decided for one in effects(out)]

    def reading(self, *stems: str) -> None:
        """Those of these notebooks that are there, in the order given, each with its title."""
        folder = paths.NOTEBOOKS / self.paper
        there = [stem for stem in stems if (folder / f"{stem}.py").is_file()]
        lines = [[f"[{stem}]({stem}.py)", title(f"{self.paper}/{stem}")] for stem in there]
        self.page.table(["notebook", "what it asks"], lines)

    def departures(self, block: dict[str, list[dict]]) -> None:
        """Where we differ from the paper, theme by theme."""
        for theme, rows in block.items():
            self.page.text(f"### {theme}")
            self.page.table(DEPARTURES, [list(row.values()) for row in rows])
        print(f"{sum(map(len, block.values()))} places")

    def verdicts(self) -> None:
        """How many claims have which verdict, then every claim on a line."""
        exploratory = sum(out["exploratory"] for out in self.claims.values())
        lines = [[name, n] for name in summary.COLOURS if (n := self.counts[name])]
        self.page.table(["verdict", "claims"], [*lines, ["*of these, exploratory*", exploratory]])
        self.page.table(COLUMNS, [line(out) for out in self.claims.values()])

    def in_words(self) -> None:
        """What draws have decided, as sentences."""
        self.page.table(["", "in words"], [[out["id"], out["sentence"]] for out in self.decided])

    def contradictions(self) -> None:
        """What the paper contradicts or leaves open, by severity, with where it is dealt with."""
        for letter, meaning in SEVERITIES.items():
            found = [
                [*(gap[key] for key in COLUMNS_OF_GAPS), self._handled(gap["id"])]
                for gap in ledger.inconsistencies()
                if (gap["paper"], gap["severity"]) == (self.paper, letter)
            ]
            self.page.text(f"### Severity {letter}: {meaning} ({len(found)})")
            head = ["", "where", "what the paper says", "what we do", "run in"]
            self.page.table(head, found)

    def _handled(self, id_: str) -> str:
        """Links to the chapter's notebooks that name a contradiction or gap."""
        names = [name for name in summary.cited(id_) if name.startswith(f"{self.paper}/")]
        links = [f"[{name.partition('/')[2]}]({name.partition('/')[2]}.py)" for name in names]
        return ", ".join(links) or "-"

    def changes(self) -> None:
        """What was changed after results had been seen."""
        lines = [
            [c["what"], c["why"], c["how"], ", ".join(map(str, c["seeds"])), ", ".join(c["claims"])]
            for c in ledger.changes()
            if c["paper"] == self.paper
        ]
        self.page.table(["what", "why", "how", "seeds", "claims"], lines)

    def undecided(self) -> None:
        """Claims that wait for rows, and measured ones whose intervals leave several verdicts."""
        missing: dict[str, list[str]] = {}
        for out in self.claims.values():
            if out["verdict"] == verdict.NOT_RUN:
                missing.setdefault(out["missing"], []).append(out["id"])
        lines = [[text, ", ".join(ids)] for text, ids in sorted(missing.items())]
        self.page.table(["what is missing", "claims"], lines)
        open_ = summary.told(self.decided, (verdict.INCONCLUSIVE, verdict.NOT_INTERPRETED))
        lines = [[out["id"], out["n"], *price(out), out["sentence"]] for out in open_]
        self.page.table(UNDECIDED, lines)

    def banded(self, axes: Axes, tests: list[dict], ticks: tuple[float, ...]) -> None:
        """Tests in margins: a band for each claim, named at its left, and in it a line for each."""
        edges, places, names = bands(tests), [], []
        for id_, (top, bottom) in zip(_claims(tests), pairwise(edges), strict=True):
            own = [one for one in tests if one["id"] == id_]
            for i, one in enumerate(own):
                mark(axes, one, top + (bottom - top) * (i + 0.5) / len(own), size=3.4)
            axes.axhline(top, color="#CCCCCC", lw=0.6)
            short = textwrap.shorten(self.claims[id_]["statement"], 42, placeholder=" …")
            places, names = [*places, (top + bottom) / 2], [*names, f"{short}  {id_}"]
        in_margins(axes, ticks)
        axes.set_yticks(places, names, fontsize=6.5)
        axes.set_ylim(max(edges[-1], 1), 0)

    def check(self, claims: int, severities: list[int]) -> None:
        """The chapter's own counts, in the band at the end of its page."""
        page, ids = self.page, [claim["id"] for claim in ledger.by_paper(self.paper)]
        page.check(f"all {claims} claims are here", list(self.claims) == ids and len(ids) == claims)
        page.check("every claim has one verdict", sum(self.counts.values()) == claims)
        found = list(summary.severities()[self.paper].values())
        page.check(f"{severities} gaps of severity A, B and C", found == severities)


def title(name: str) -> str:
    """The first heading of a notebook; its name when there is none."""
    file = paths.NOTEBOOKS / f"{name}.py"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    found = re.search(r"^# #+ +(.+)$", text, re.MULTILINE)
    return found[1] if found else name


def line(out: dict) -> list[str]:
    """One verdict under COLUMNS: linked id, statement, verdict, second axes, source."""
    core = " (core)" if out["priority"] == 1 else ""
    return [
        summary.link(out, out["paper"]) + core,
        out["statement"],
        f"**{out['verdict']}**",
        out["attribution"] or "-",
        summary.share_text(out["fraction"]) or "-",
        summary.source_text(out) or "-",
    ]


def price(out: dict) -> list[str]:
    """Of an inconclusive claim: the R that it needs, or the first look's, and what that costs."""
    found = out["price"]
    if found is None:
        return ["-", "-"]
    cost = "not known" if found["minutes"] is None else f"{found['minutes']:,}"
    return [f"{found['R']:,}" + " (first look)" * (out["need"] is None), cost]


def mark(axes, one: dict, y: float, size: float = 5) -> None:
    """One test of a claim on a line: value, interval, and the paper's effect as a cross."""
    colour = summary.COLOURS[one["verdict"]]
    axes.plot(one["ci95"] or [one["value"]] * 2, [y, y], color=colour, lw=size / 2, alpha=0.7)
    axes.plot(one["value"], y, "o", ms=size, color=colour, mec="black", mew=0.1 * size)
    if one["paper"] is not None:
        axes.plot(one["paper"], y, "x", ms=1.2 * size, color="black")


def _claims(tests: list[dict]) -> list[str]:
    return list(dict.fromkeys(one["id"] for one in tests))


def bands(tests: list[dict]) -> list[int]:
    """Where the bands of the claims end, from 0: a line for each test, three at least a claim."""
    each = [one["id"] for one in tests]
    return list(accumulate((max(3, each.count(id_)) for id_ in _claims(tests)), initial=0))


def reach(tests: list[dict]) -> tuple[float, float]:
    """The ends of an axis round 0 on which all intervals and the paper's effects fit."""
    ends = [x for one in tests for x in (*(one["ci95"] or [one["value"]]), one["paper"] or 0)]
    far = 1.3 * max(10, *map(abs, ends), 0)
    return -far, far


def in_margins(axes, ticks: tuple[float, ...]) -> None:
    """An axis of differences in margins, linear up to 2, with the band of what does not count."""
    axes.axvspan(-1, 1, color=plots.BAND, alpha=0.3, lw=0)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_xscale("symlog", linthresh=2, linscale=1)
    both = sorted({sign * x for sign in (-1, 1) for x in (0, *ticks)})
    axes.set_xticks(both, [f"{x:g}" for x in both], fontsize=7)
    axes.minorticks_off()
    axes.grid(axis="y", visible=False)


def legend(figure: Figure, tests: list[dict]) -> None:
    """Below a figure of effects: the colours of the verdicts in it, and the paper's cross."""
    names = [name for name in summary.COLOURS if any(one["verdict"] == name for one in tests)]
    marks = [Line2D([], [], color=summary.COLOURS[n], marker="o", label=n) for n in names]
    cross = Line2D([], [], color="black", marker="x", ls="", label="the paper's effect")
    figure.legend(handles=[*marks, cross], loc="outside lower center", ncols=2, fontsize=8)
