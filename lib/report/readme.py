"""Writes the generated blocks of README.md from the committed numbers: python -m lib.report.readme

Pictures are those of profile `quick`; verdicts and tables quote `full` where it is committed and
has more draws, else `quick`, and say which. A block stands between `<!-- generated: name -->` and
`<!-- end: name -->`. The pictures in it are first copied from figures/ to figures/gallery/, where
they are committed.
"""

import re
import shutil
from pathlib import Path

from lib import paths
from lib.claims import judge, verdict
from lib.record import rows as record
from lib.report import summary

README = paths.ROOT / "README.md"
GALLERY = paths.ROOT / "figures" / "gallery"
PROFILE = "quick"  # of the reference that README quotes where there is nothing from `full`
SHOWN = (  # notebooks whose first figure is in the gallery
    "00_start_here", "pavae/04_data", "pavae/table4_main", "pavae/04_diagnostics",
    "dhvae/table4_augmentation", "99_all_claims"
)  # fmt: skip
NOTHING = "*Not yet run: no reference numbers are committed.*"
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
    copy_pictures(reference(), paths.FIGURES, GALLERY)
    README.write_text(fill(README.read_text(encoding="utf-8"), blocks()), encoding="utf-8")


def reference(profile: str = PROFILE) -> Path:
    return paths.REFERENCE / profile


def blocks() -> dict[str, str]:
    """The text of every generated block, from the committed files alone."""
    root, full = reference(), reference(judge.FULL)
    return {
        "gallery": gallery(root, GALLERY),
        "chapters": chapters(paths.ROOT / "notebooks"),
        "verdicts": verdicts(root, full),
        **{paper: main_table(root, full, paper) for paper in MAIN},
        "stamp": stamp(root, full),
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


def verdicts(root: Path, full: Path) -> str:
    """Counts by paper and verdict, then every core claim that a run has decided."""
    judged = judge.judge_all(root, reference=full)
    counts = summary.counts(judged)
    named = [name for name in summary.COLOURS if any(row[name] for row in counts.values())]
    lines = [[name, *(row[name] for row in counts.values())] for name in (*named, "exploratory")]
    lines[-1][0] = "of these, exploratory (fewer than five draws)"
    text = summary.table(["verdict", *(summary.SHORT[paper] for paper in counts)], lines)
    core = [out for out in summary.told(judged, summary.MEASURED) if out["priority"] == 1]
    told = [[*_claim(out), f"`{_profile(out)}`"] for out in core]
    table = summary.table(["", "claim", "verdict", "profile"], told)
    measured = f"Core claims that a run has decided:\n\n{table}" if core else NOTHING
    return f"{text}\n\n{_origins(judged)}{measured}"


def _claim(out: dict) -> list[str]:
    return [out["id"], out["statement"], out["title"].partition(": ")[2]]


def _profile(out: dict) -> str:
    """The profile whose committed numbers decided a claim."""
    return judge.FULL if out["origin"] == judge.FULL else PROFILE


def _origins(judged: list[dict]) -> str:
    """Which profiles the verdicts come from; nothing as long as `full` decides none."""
    n = summary.by_origin(judged)
    if not n[judge.FULL]:
        return ""
    return (
        f"Each claim is judged by the profile with more training draws: {n[judge.FULL]} of "
        f"{sum(n.values())} measured verdicts come from `{judge.FULL}`, {n[judge.RUN]} from "
        f"`{PROFILE}`; Holm's correction is taken over the set so mixed.\n\n"
    )


def main_table(root: Path, full: Path, paper: str = "pavae") -> str:
    """A chapter's main table: ours with intervals, the oracle's share, the paper's.

    Each regime comes from the profile with more draws of it, and says so.
    """
    item, metric = MAIN[paper]["item"], next(iter(MAIN[paper]["columns"]))
    pages = [page for folder in (root, full) if (page := judge.reader(folder)(item))]
    each = []
    for regime, title in MAIN[paper]["regimes"].items():
        page = max(pages, key=lambda page: _draws(page, regime, metric), default=None)
        if page and (n := _draws(page, regime, metric)):
            note = f"profile `{page['profile']}`, R = {n} training draws"
            each.append(f"**{title}** ({note})\n\n{_regime(page['rows'], regime, paper)}")
    return (
        "\n\n".join(["Brackets: 95 % t-intervals over training draws.", *each]) if each else NOTHING
    )


def _draws(page: dict, regime: str, metric: str) -> int:
    """The training draws of a regime, counted in its row of real images alone; 0 without it."""
    key = (regime, "real", metric)
    return next((len(row["values"]) for row in page["rows"] if record.row_key(row) == key), 0)


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
    draws = {arm: len(found[arm, metric]["values"]) for arm in arms}
    gain = f"share of the oracle's {title} gain"
    said = {arm: [found.get((arm, m), {}).get("paper") for m in main["said"]] for arm in arms}
    lines = [
        [
            names[arm] + (f" (R = {n})" if (n := draws[arm]) < max(draws.values()) else ""),
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


def stamp(*roots: Path) -> str:
    """Where the numbers come from, profile by profile."""
    each = [_stamp(root.name, pages) for root in roots if (pages := summary.metrics_files(root))]
    return "\n\n".join(each) or NOTHING


def _stamp(profile: str, pages: list[dict]) -> str:
    commits = sorted({str(page["stamp"]["commit"]) for page in pages})
    only = "" if profile == PROFILE else f" ({', '.join(page['name'] for page in pages)})"
    made = " / ".join(dict.fromkeys(_machine(page["stamp"]) for page in pages))
    return f"Numbers of profile `{profile}`{only} at commit {', '.join(commits)}: {made}."


def _machine(made: dict) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    return f"{made['cpu']}; {versions}"


if __name__ == "__main__":
    main()
