"""Writes the generated blocks of README.md from the record alone: python -m lib.report.readme

A block stands between `<!-- generated: name -->` and `<!-- end: name -->`. The pictures in it are
first copied from figures/ to figures/gallery/, where they are committed.
"""

import re
import shutil
from pathlib import Path

from lib import paths
from lib.claims import judge, verdict
from lib.record import draws, rows
from lib.report import summary

README = paths.ROOT / "README.md"
GALLERY = paths.ROOT / "figures" / "gallery"
SHOWN = (  # notebooks whose first figure is in the gallery
    "00_start_here", "pavae/04_data", "pavae/table4_main", "pavae/04_gaps",
    "dhvae/table4_augmentation",
)  # fmt: skip
LAST = "99_all_claims"  # whose picture comes last: it shows verdicts and has no draws of its own
NOTHING = "*Not yet run: the record has no draws.*"
REGIMES = {
    "bare": "Classifier trained without augmentation",
    "augmented": "Classifier trained with classical augmentation in every arm",
}
COLUMNS = {"auc": "AUC", "sens95": "sensitivity at 95 %", "ece": "ECE", "fd": "FD, domain"}
MAIN = {  # the main table of a chapter: shares are of the gain in its first column, and the paper's
    # number is that of the first metric in `said` for which it prints one
    "pavae": {"item": "pavae/table4_main", "regimes": REGIMES, "columns": COLUMNS,
              "oracle": "oracle", "said": ("auc",)},
    "dhvae": {
        "item": "dhvae/table4_augmentation",
        "regimes": {
            "flair": "Brain FLAIR, whole tumour; 2,000 slices added where an arm draws them",
            "pet": "Head-and-neck PET, primary tumour; 2,000 slices added where an arm draws them",
        },
        "columns": {"dice": "Dice", "dice_selected": "Dice, lesion slices only",
                    "false_positives": "lesion-free slices with a false pixel"},
        "oracle": "oracle2000",
        "said": ("dice_selected", "dice"),
    },
}  # fmt: skip


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
        **{paper: main_table(pages, paper) for paper in MAIN},
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
    """The first figure of each notebook in SHOWN that has a page, and the one of all verdicts."""
    each = summary.pictures(pages)
    first = [next((e for e in each if e["name"] == name), None) for name in SHOWN]
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
    state = {name: "here" if (notebooks / name).is_dir() else "planned" for name in summary.SHORT}
    return summary.table(
        ["chapter", "paper", "question", "state"],
        [[short, summary.TITLES[name], summary.ABOUT[name], state[name]]
         for name, short in summary.SHORT.items()],
    )  # fmt: skip


def verdicts(pages: dict[str, dict]) -> str:
    """Counts by paper and verdict, then every core claim that draws have decided."""
    judged = judge.judge_all(pages.get)
    counts = summary.counts(judged)
    named = [name for name in summary.COLOURS if any(row[name] for row in counts.values())]
    lines = [[name, *(row[name] for row in counts.values())] for name in (*named, "exploratory")]
    lines[-1][0] = "of these, exploratory (fewer than five draws, or changed after a look)"
    text = summary.table(["verdict", *(summary.SHORT[paper] for paper in counts)], lines)
    measured = summary.told(judged, summary.MEASURED)
    core = [_claim(out) for out in measured if out["priority"] == 1]
    table = summary.table(["", "claim", "verdict"], core)
    told = f"Core claims that draws have decided:\n\n{table}" if core else NOTHING
    if n := summary.by_earlier_code(judged):
        told = f"{n} of {len(measured)} measured verdicts rest on draws of earlier code.\n\n{told}"
    return f"{text}\n\n{told}"


def _claim(out: dict) -> list[str]:
    return [out["id"], out["statement"], out["title"].partition(": ")[2]]


def main_table(pages: dict[str, dict], paper: str = "pavae") -> str:
    """A chapter's main table: ours with intervals, the oracle's share, the paper's."""
    item, metric = MAIN[paper]["item"], next(iter(MAIN[paper]["columns"]))
    found = pages[item]["rows"] if item in pages else []
    real = {row["regime"]: row for row in found if (row["arm"], row["metric"]) == ("real", metric)}
    each = [
        f"**{title}** (R = {len(real[regime]['values'])} training draws)\n\n"
        + _regime(found, regime, paper)
        for regime, title in MAIN[paper]["regimes"].items()
        if regime in real
    ]
    return (
        "\n\n".join(["Brackets: 95 % t-intervals over training draws.", *each]) if each else NOTHING
    )


def _names(paper: str) -> dict[str, str]:
    """What the arms of a main table are called, in its order."""
    if paper == "pavae":
        from lib.papers.pavae import NAMES  # here: it loads torch

        return NAMES
    from lib.papers.dhvae import NAMES

    return {key: name for arm, name in NAMES.items() for key in (arm, f"{arm}2000")}


def _regime(rows: list[dict], regime: str, paper: str) -> str:
    main, names = MAIN[paper], _names(paper)
    columns = main["columns"]
    metric, title = next(iter(columns.items()))
    found = {(row["arm"], row["metric"]): row for row in rows if row["regime"] == regime}
    arms = [arm for arm in names if (arm, metric) in found]
    R = {arm: len(found[arm, metric]["values"]) for arm in arms}
    gain = f"share of the oracle's {title} gain"
    said = {arm: [found.get((arm, m), {}).get("paper") for m in main["said"]] for arm in arms}
    lines = [
        [
            names[arm] + (f" (R = {n})" if (n := R[arm]) < max(R.values()) else ""),
            *(_value(found.get((arm, column))) for column in columns),
            summary.share_text(summary.gain_fraction(rows, regime, arm, metric, main["oracle"]))
            or "–",
            next(filter(None, said[arm]), "–"),
        ]
        for arm in arms
    ]
    head = ["arm", *columns.values(), gain, f"{title} in the paper"]
    return summary.table(head, lines)


def _value(row: dict | None) -> str:
    """`0.842 [0.831, 0.853]`, or a dash."""
    if row is None or row["mean"] is None:
        return "–"
    low_high = row["ci95"] and ", ".join(map(verdict.number, row["ci95"]))
    return verdict.number(row["mean"]) + (f" [{low_high}]" if low_high else "")


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
