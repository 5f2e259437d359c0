"""Writes the generated blocks of README.md from the record alone: python -m lib.report.readme

A block stands between `<!-- generated: name -->` and `<!-- end: name -->`. The pictures in it are
first copied from figures/ to figures/gallery/, where they are committed.
"""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from lib import machine, paths, profiles
from lib.claims import judge
from lib.papers import registry
from lib.papers.about import About
from lib.record import draws, rows
from lib.report import findings, summary

README = paths.ROOT / "README.md"
GALLERY = paths.ROOT / "figures" / "gallery"
IDEA = "00_start_here"  # the notebook whose main figure shows the idea
NOTHING = "*Not yet run: the record has no draws.*"


def main() -> None:
    """Copy the picture and rewrite the README."""
    pages = record()
    copy_pictures(chosen(pages), paths.FIGURES, GALLERY)
    README.write_text(fill(README.read_text(encoding="utf-8"), blocks(pages)), encoding="utf-8")


def record() -> dict[str, dict]:
    """All pages of the record; RecordError for one that cannot be used."""
    return {item: draws.merged(item, own=False) for item in rows.items(paths.RECORD)}


def blocks(pages: dict[str, dict]) -> dict[str, str]:
    """The text of every generated block, from the pages of the record."""
    return {
        "picture": gallery(chosen(pages), GALLERY),
        "state": findings.so_far(judge.judge_all(pages.get), pages),
        "papers": papers(pages, paths.ROOT / "notebooks"),
        "verdicts": verdicts(pages),
        "time": quick_time(list(pages)),
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
    """The main figure of the notebook IDEA, where the record has it."""
    return [each for each in summary.pictures(pages) if each["file"] == f"{IDEA}.png"]


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


def papers(pages: dict[str, dict], notebooks: Path) -> str:
    """The papers: title, question, whether the notebooks are there, and what was found."""
    judged = judge.judge_all(pages.get)
    return "\n".join(
        f"- **{about.short}** (*{about.title}*). {about.question}\n"
        f"  {_place(about, notebooks)} **What we found.** {findings.line(about, judged, pages)}"
        for about in registry.PAPERS.values()
    )


def _place(about: About, notebooks: Path) -> str:
    there = (notebooks / about.name / "00_claims.py").is_file()
    return f"[Its claims](notebooks/{about.name}/00_claims.py)." if there else "Planned."


def verdicts(pages: dict[str, dict]) -> str:
    """Counts by paper and verdict."""
    judged = judge.judge_all(pages.get)
    counts = summary.counts(judged)
    named = [name for name in summary.COLOURS if any(row[name] for row in counts.values())]
    lines = [[name, *(row[name] for row in counts.values())] for name in (*named, "exploratory")]
    lines[-1][0] = "of these, exploratory (before the first look, or changed after one)"
    text = summary.table(["verdict", *(registry.PAPERS[paper].short for paper in counts)], lines)
    measured = summary.told(judged, summary.MEASURED)
    if n := summary.by_earlier_code(judged):
        text += f"\n\n{n} of {len(measured)} measured verdicts rest on draws of earlier code."
    return "\n\n".join(filter(None, [text, summary.next_looks(judged, pages)]))


def quick_time(recorded: list[str]) -> str:
    """What `quick` takes on two cores, chapter by chapter and by precision, from the record's runs.

    A page counts if its table has jobs in `quick`: what that profile left has them.
    """
    lines = []
    for paper, about in registry.PAPERS.items():
        names = [f"{paper}/{file.stem}" for file in sorted((paths.NOTEBOOKS / paper).glob("*.py"))]
        found = {name: rows.read(name, paths.RECORD) for name in names if name in recorded}
        timed = {name: page for name, page in found.items() if page["profile"] == "quick"}
        asked = [name for name in names if name not in timed and _has_jobs(name)]
        timed |= {name: found[name] for name in asked if name in found}
        runs = [run for page in timed.values() for run in page["runs"]]
        made = sorted({run.get("precision", "?") for run in runs})
        cells = [_hours(timed.values(), precision) for precision in ("bfloat16", "float32")]
        lines.append([about.short, ", ".join(made), *cells, len(asked) - len(found.keys() & asked)])
    head = ["quick, on two cores", "timed in", "in bfloat16", "in float32", "pages not timed yet"]
    text = (
        "At most, because a job that several pages share counts in each of them. What was timed in "
        f"bfloat16 alone counts {machine.FLOAT32:g} times as long in float32; processors without "
        "`avx512_bf16` or `amx_bf16` compute in float32."
    )
    return f"{summary.table(head, lines)}\n\n{text}"


def _has_jobs(name: str) -> bool:
    table = registry.table(name)
    return table is not None and bool(table.jobs(profiles.plan("quick")))


def _hours(pages: Iterable[dict], precision: str) -> str:
    """Hours of one draw of all these pages on two cores."""
    each = [rows.seconds(page, precision) or 0.0 for page in pages]
    return f"at most {sum(each) / 2 / 3600:.1f} h" if any(each) else "-"


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
