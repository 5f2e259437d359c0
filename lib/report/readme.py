"""Writes the generated blocks of README.md from the committed numbers: python -m lib.report.readme

A block stands between `<!-- generated: name -->` and `<!-- end: name -->`. The pictures in it are
first copied from figures/ to figures/gallery/, where they are committed.
"""

import re
import shutil
from pathlib import Path

from lib import paths, record
from lib.claims import judge, verdict
from lib.report import summary

README = paths.ROOT / "README.md"
GALLERY = paths.ROOT / "figures" / "gallery"
PROFILE = "quick"  # of the reference that README quotes
SHOWN = ("00_start_here", "pavae/04_data", "pavae/table4_main", "99_all_claims")  # first figures
NOTHING = "*Not yet run: no reference numbers are committed.*"
REGIMES = {
    "bare": "Classifier trained without augmentation",
    "augmented": "Classifier trained with classical augmentation in every arm",
}
COLUMNS = {"auc": "AUC", "sens95": "sensitivity at 95 %", "ece": "ECE", "fd": "FD, domain"}


def main() -> None:
    """Copy the pictures and rewrite the README."""
    copy_pictures(reference(), paths.FIGURES, GALLERY)
    README.write_text(fill(README.read_text(encoding="utf-8"), blocks()), encoding="utf-8")


def reference() -> Path:
    return paths.REFERENCE / PROFILE


def blocks() -> dict[str, str]:
    """The text of every generated block, from the committed files alone."""
    root = reference()
    return {
        "gallery": gallery(root, GALLERY),
        "chapters": chapters(paths.ROOT / "notebooks"),
        "verdicts": verdicts(root),
        "pavae": main_table(root),
        "stamp": stamp(root),
    }


def fill(text: str, found: dict[str, str]) -> str:
    """`text` with its generated blocks replaced; ValueError when one has no place in it."""
    for name, block in found.items():
        pattern = rf"(<!-- generated: {name} -->\n).*?(<!-- end: {name} -->)"
        text, n = re.subn(pattern, lambda m, b=block: f"{m[1]}{b}\n{m[2]}", text, flags=re.DOTALL)
        if n != 1:
            raise ValueError(f"README.md has {n} blocks `generated: {name}`; it needs one")
    return text


def chosen(root: Path) -> list[dict]:
    """The first figure of each notebook in SHOWN, as far as they are in the reference."""
    each = summary.pictures(root)
    first = [next((e for e in each if e["name"] == name), None) for name in SHOWN]
    return [figure for figure in first if figure]


def kept_as(figure: dict) -> str:
    return figure["file"].replace("/", "_")


def copy_pictures(root: Path, figures: Path, target: Path) -> None:
    """Copy the chosen pictures that are there from `figures` to `target`, under flat names."""
    for figure in chosen(root):
        if (figures / figure["file"]).is_file():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(figures / figure["file"], target / kept_as(figure))


def gallery(root: Path, folder: Path) -> str:
    """The chosen pictures that are committed, each with its caption."""
    there = [figure for figure in chosen(root) if (folder / kept_as(figure)).is_file()]
    each = [
        f"![{_alt(figure['caption'])}](figures/gallery/{kept_as(figure)})\n\n*{figure['caption']}*"
        for figure in there
    ]
    return "\n\n".join(each) or "*No picture yet: no reference is committed.*"


def _alt(caption: str) -> str:
    return re.sub(r"[\[\]\n]", " ", caption)


def chapters(notebooks: Path) -> str:
    """The papers, their questions, and whether their notebooks are there."""
    state = {name: "here" if (notebooks / name).is_dir() else "planned" for name in summary.SHORT}
    return summary.table(
        ["chapter", "paper", "question", "state"],
        [[short, summary.TITLES[name], summary.ABOUT[name], state[name]]
         for name, short in summary.SHORT.items()],
    )  # fmt: skip


def verdicts(root: Path) -> str:
    """Counts by paper and verdict, then every core claim that a run has decided."""
    judged = judge.judge_all(root)
    counts = summary.counts(judged)
    named = [name for name in summary.COLOURS if any(row[name] for row in counts.values())]
    lines = [[name, *(row[name] for row in counts.values())] for name in (*named, "exploratory")]
    lines[-1][0] = "of these, exploratory (fewer than five draws)"
    text = summary.table(["verdict", *(summary.SHORT[paper] for paper in counts)], lines)
    core = [out for out in summary.told(judged, summary.MEASURED) if out["priority"] == 1]
    told = [[out["id"], out["statement"], out["title"].partition(": ")[2]] for out in core]
    heading = "Core claims that a run has decided:"
    measured = f"{heading}\n\n{summary.table(['', 'claim', 'verdict'], told)}" if core else NOTHING
    return f"{text}\n\n{measured}"


def main_table(root: Path) -> str:
    """PA-VAE's main table in both regimes: ours with intervals, the oracle's share, the paper's."""
    if not (root / "pavae" / "table4_main.json").is_file():
        return NOTHING
    page = record.read_metrics("pavae", "table4_main", root)
    each = [f"**{title}**\n\n{_regime(page['rows'], name)}" for name, title in REGIMES.items()]
    return "\n\n".join([f"R = {page['replicates']} training draws; 95 % t-intervals.", *each])


def _regime(rows: list[dict], regime: str) -> str:
    from lib.papers.pavae import NAMES  # here: it loads torch

    found = {(row["arm"], row["metric"]): row for row in rows if row["regime"] == regime}
    arms = [arm for arm in NAMES if (arm, "auc") in found]
    head = ["arm", *COLUMNS.values(), "share of the oracle's AUC gain", "AUC in the paper"]
    lines = [
        [
            NAMES[arm],
            *(_value(found.get((arm, metric))) for metric in COLUMNS),
            summary.share_text(summary.gain_fraction(rows, regime, arm, "auc")) or "–",
            found[arm, "auc"]["paper"] or "–",
        ]
        for arm in arms
    ]
    return summary.table(head, lines)


def _value(row: dict | None) -> str:
    """`0.842 [0.831, 0.853]`, or a dash."""
    if row is None or row["mean"] is None:
        return "–"
    low_high = row["ci95"] and ", ".join(map(verdict.number, row["ci95"]))
    return verdict.number(row["mean"]) + (f" [{low_high}]" if low_high else "")


def stamp(root: Path) -> str:
    """Where the numbers come from."""
    pages = summary.metrics_files(root)
    if not pages:
        return NOTHING
    made = pages[-1]["stamp"]
    commits = sorted({str(page["stamp"]["commit"]) for page in pages})
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    return (
        f"Numbers of profile `{PROFILE}` at commit {', '.join(commits)}: {made['cpu']}; {versions}."
    )


if __name__ == "__main__":
    main()
