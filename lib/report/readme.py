"""Writes the generated blocks of README.md from the record alone: python -m lib.report.readme

A block stands between `<!-- generated: name -->` and `<!-- end: name -->`. The pictures in it are
first copied from figures/ to figures/gallery/, where they are committed.
"""

import re
import shutil
from pathlib import Path

from lib import paths
from lib.claims import judge
from lib.papers import registry
from lib.record import draws, rows
from lib.report import summary
from lib.report.rows import NONE, Regime, Rows

README = paths.ROOT / "README.md"
GALLERY = paths.ROOT / "figures" / "gallery"
SHOWN = (  # notebooks whose main figure is in the gallery
    "00_start_here", "pavae/04_data", "pavae/table4_main", "pavae/04_gaps",
    "pathosyn/table2_segmentation", "dhvae/table4_augmentation",
)  # fmt: skip
LAST = "99_all_claims"  # whose picture comes last: it shows verdicts and has no draws of its own
NOTHING = "*Not yet run: the record has no draws.*"


def main() -> None:
    """Copy the pictures and rewrite the README."""
    copy_pictures(chosen(record()), paths.FIGURES, GALLERY)
    README.write_text(fill(README.read_text(encoding="utf-8"), blocks(record())), encoding="utf-8")


def record() -> dict[str, dict]:
    """All pages of the record; RecordError for one that cannot be used."""
    return {item: draws.merged(item, own=False) for item in rows.items(paths.RECORD)}


def blocks(pages: dict[str, dict]) -> dict[str, str]:
    """The text of every generated block, from the pages of the record."""
    return {
        "gallery": gallery(chosen(pages), GALLERY),
        "chapters": chapters(paths.ROOT / "notebooks"),
        "verdicts": verdicts(pages),
        **{name: main_table(pages, name) for name, p in registry.PAPERS.items() if p.main},
        "stamp": stamp(pages),
    }


def fill(text: str, found: dict[str, str]) -> str:
    """`text` with its generated blocks replaced; ValueError when one has no place in it."""
    for name, block in found.items():
        pattern = rf"(<!-- generated: {name} -->\n).*?(<!-- end: {name} -->)"
        text, n = re.subn(pattern, lambda m, b=block: f"{m[1]}{b}\n{m[2]}", text, flags=re.DOTALL)
        if n != 1:
            raise ValueError(f"README.md has {n} blocks `generated: {name}`; it needs one")
    return text


def chosen(pages: dict[str, dict]) -> list[dict]:
    """The figure with the name of each notebook in SHOWN, and the one of all verdicts."""
    named = {figure["file"]: figure for figure in summary.pictures(pages)}
    first = [named.get(f"{name}.png") for name in SHOWN]
    caption = summary.overview(judge.judge_all(pages.get))
    last = {"name": LAST, "file": f"{LAST}.png", "caption": caption, "alt": caption}
    return [*filter(None, first), last]


def kept_as(figure: dict) -> str:
    return figure["file"].replace("/", "_")


def copy_pictures(chosen: list[dict], figures: Path, target: Path) -> None:
    """Copy those of the chosen pictures that are there to `target`, under flat names."""
    for figure in chosen:
        if (figures / figure["file"]).is_file():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(figures / figure["file"], target / kept_as(figure))


def gallery(chosen: list[dict], folder: Path) -> str:
    """The chosen pictures that are committed, each with its caption."""
    there = [figure for figure in chosen if (folder / kept_as(figure)).is_file()]
    each = [
        f"![{_alt(figure['alt'])}](figures/gallery/{kept_as(figure)})\n\n*{figure['caption']}*"
        for figure in there
    ]
    return "\n\n".join(each) or "*No picture yet.*"


def _alt(text: str) -> str:
    return re.sub(r"[\[\]\n]", " ", text)


def chapters(notebooks: Path) -> str:
    """The papers, their questions, and whether their notebooks are there."""
    state = {name: "here" if (notebooks / name).is_dir() else "planned" for name in registry.PAPERS}
    return summary.table(
        ["chapter", "paper", "question", "state"],
        [[about.short, about.title, about.question, state[name]]
         for name, about in registry.PAPERS.items()],
    )  # fmt: skip


def verdicts(pages: dict[str, dict]) -> str:
    """Counts by paper and verdict, then every core claim that draws have decided."""
    judged = judge.judge_all(pages.get)
    counts = summary.counts(judged)
    named = [name for name in summary.COLOURS if any(row[name] for row in counts.values())]
    lines = [[name, *(row[name] for row in counts.values())] for name in (*named, "exploratory")]
    lines[-1][0] = "of these, exploratory (before the first look, or changed after one)"
    text = summary.table(["verdict", *(registry.PAPERS[paper].short for paper in counts)], lines)
    measured = summary.told(judged, summary.MEASURED)
    core = [_claim(out) for out in measured if out["priority"] == 1]
    table = summary.table(["", "claim", "verdict"], core)
    told = f"Core claims that draws have decided:\n\n{table}" if core else NOTHING
    if n := summary.by_earlier_code(judged):
        told = f"{n} of {len(measured)} measured verdicts rest on draws of earlier code.\n\n{told}"
    return f"{text}\n\n{told}"


def _claim(out: dict) -> list[str]:
    return [out["id"], out["statement"], out["title"].partition(": ")[2]]


def main_table(pages: dict[str, dict], paper: str) -> str:
    """A chapter's main table: ours with intervals, the oracle's share, the paper's."""
    main = registry.PAPERS[paper].main
    if main.item not in pages:
        return NOTHING
    rows, metric = Rows(pages[main.item]), next(iter(main.columns))
    each = [
        f"**{title}** (R = {rows[regime].count('real', metric)} training draws)\n\n"
        + _regime(rows[regime], paper)
        for regime, title in main.regimes.items()
        if regime in rows
    ]
    return "\n\n".join(["Brackets: 95 % t-intervals over training draws.", *each])


def _regime(at: Regime, paper: str) -> str:
    main = registry.PAPERS[paper].main
    metric, title = next(iter(main.columns.items()))
    arms = [arm for arm in registry.table(main.item).main if at.has(arm, metric)]
    most = max(at.count(arm, metric) for arm in arms)
    lines = [
        [
            arm.label + (f" (R = {n})" if (n := at.count(arm, metric)) < most else ""),
            *(at.cell(arm, column) for column in main.columns),
            at.share(arm, metric, main.oracle),
            next((said for m in main.said if (said := at.paper(arm, m)) != NONE), NONE),
        ]
        for arm in arms
    ]
    head = ["arm", *main.columns.values(), f"share of the oracle's {title} gain"]
    return summary.table([*head, f"{title} in the paper"], lines)


def stamp(pages: dict[str, dict]) -> str:
    """Where the draws come from."""
    runs = [run for page in summary.in_order(pages) for run in page["runs"]]
    commits = ", ".join(sorted({str(run["commit"]) for run in runs}))
    made = " / ".join(dict.fromkeys(map(_machine, runs)))
    return f"Draws of the record, made at commit {commits}: {made}." if runs else NOTHING


def _machine(made: dict) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    return f"{made['cpu']}; {versions}"


if __name__ == "__main__":
    main()
