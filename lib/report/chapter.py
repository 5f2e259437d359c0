"""What the pages `00_claims` of the chapters share: the lines of their tables, and one legend.

Lines are lists for `summary.table`; `paper` is a chapter's folder, as in the ledger.
"""

import re

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lib import paths
from lib.claims import ledger, verdict
from lib.report import summary

COLUMNS = ["claim", "the paper says", "verdict", "attribution", "share of oracle's gain", "source"]
SEVERITIES = {"A": "changes what can be concluded", "B": "blocks an exact rerun", "C": "clerical"}


def reading(paper: str, stems: tuple[str, ...]) -> list[list[str]]:
    """Link and title of those notebooks of a chapter that are there, in the order given."""
    files = {stem: paths.NOTEBOOKS / paper / f"{stem}.py" for stem in stems}
    texts = {stem: file.read_text() for stem, file in files.items() if file.is_file()}
    first = {stem: re.search(r"^# #+ +(.+)$", text, re.MULTILINE) for stem, text in texts.items()}
    return [[f"[{stem}]({stem}.py)", found[1] if found else stem] for stem, found in first.items()]


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


def handled(paper: str, id_: str) -> str:
    """Links to the chapter's notebooks that name a contradiction or gap."""
    names = [name for name in summary.cited(id_) if name.startswith(f"{paper}/")]
    links = [f"[{n.partition('/')[2]}]({summary.notebook_link(n, paper)})" for n in names]
    return ", ".join(links) or "-"


def contradictions(paper: str, severity: str) -> list[list[str]]:
    """Id, place, finding, what we do, and where it runs, of one severity."""
    return [
        [one["id"], one["where"], one["finding"], one["ours"], handled(paper, one["id"])]
        for one in ledger.inconsistencies()
        if (one["paper"], one["severity"]) == (paper, severity)
    ]


def changes(paper: str) -> list[list[str]]:
    """What was changed after results had been seen: what, why, how, seeds, claims."""
    return [
        [c["what"], c["why"], c["how"], ", ".join(map(str, c["seeds"])), ", ".join(c["claims"])]
        for c in ledger.changes()
        if c["paper"] == paper
    ]


def waiting(verdicts: list[dict]) -> list[list[str]]:
    """What is missing, and the claims that wait for it."""
    found: dict[str, list[str]] = {}
    for out in verdicts:
        if out["verdict"] == verdict.NOT_RUN:
            found.setdefault(out["missing"], []).append(out["id"])
    return [[text, ", ".join(found[text])] for text in sorted(found)]


def count_rows(**tables: dict[str, int]) -> list[dict]:
    """Rows of a metrics file from {verdict: number} tables, one arm per table."""
    return [
        {"arm": arm, "metric": name, "mean": n, "values": [n]}
        for arm, table in tables.items()
        for name, n in table.items()
    ]


def legend(figure: Figure, tests: list[dict]) -> None:
    """Below a figure of effects: the colours of the verdicts in it, and the paper's cross."""
    names = [name for name in summary.COLOURS if any(one["verdict"] == name for one in tests)]
    marks = [Line2D([], [], color=summary.COLOURS[n], marker="o", label=n) for n in names]
    cross = Line2D([], [], color="black", marker="x", ls="", label="the paper's effect")
    figure.legend(handles=[*marks, cross], loc="outside lower center", ncols=2, fontsize=8)
