"""The report: figures/index.html, and a page of each executed notebook beside it, all offline."""

import os
import re
import tempfile
from collections import Counter
from pathlib import Path

import jinja2

from lib import files, paths, profiles
from lib.claims import judge, ledger, verdict
from lib.papers import registry
from lib.papers.about import About
from lib.record import draws
from lib.report import checklists, findings, summary, tables
from lib.report.executed import facts, plain
from lib.report.rows import NONE, number

HERE = Path(__file__).parent
SHORT = {name: about.short for name, about in registry.PAPERS.items()}
CHAPTERS = {"": "Start and overview", **SHORT, "explore": "Explore"}
ALONE = {  # explorers with pages of their own, beside the one that has a notebook's name
    "controlnet/01_generator": "explore/prompts",
    "explore/rate_images": "explore/real_or_phantom",
    "99_all_claims": "explore/claim_dial",
}


def build(profile: str, failed: dict[str, str] | None = None, own: bool = True) -> Path:
    """Write figures/index.html from all that is there, and the pages that are missing or old.

    `failed` adds {name: message} of what failed without leaving a notebook behind. Without `own`
    the numbers are those of the record alone.
    """
    failed = dict(failed or {})
    for ipynb in finished():
        try:
            page(ipynb)
        except ValueError as error:
            ipynb.with_suffix(".html").unlink(missing_ok=True)  # an old one would pass for this
            failed.setdefault(facts(ipynb)["name"], f"its page cannot be made: {error}")
    read = Read(own, profile)
    _replace_text(paths.REPORT / "reproducibility.html", render_summaries(read))
    target = paths.FIGURES / "index.html"
    _replace_text(target, render(profile, failed, read))
    return target


def page(ipynb: Path) -> Path:
    """The .html beside an executed notebook, converted again only if that is older; its path.

    Raises ValueError for a formula that cannot be shown.
    """
    ipynb = Path(ipynb)
    target = ipynb.with_suffix(".html")
    kinds = (".py", ".j2", ".css", ".js", ".json")
    own = [file for file in HERE.rglob("*") if file.suffix in kinds]
    newest = max(file.stat().st_mtime_ns for file in [ipynb, *own])
    if not target.is_file() or target.stat().st_mtime_ns < newest:
        from lib.report.html import convert  # here: the runner need not load nbconvert

        _replace_text(target, convert(ipynb))
        os.utime(target, ns=(newest, newest))  # the notebook may have been executed again meanwhile
    return target


def finished() -> list[Path]:
    """Executed notebooks under figures/report, without those that are being written."""
    return files.below(paths.REPORT, ".ipynb")


class Read:
    """What both pages of the report read: merged pages, why others are unused, and verdicts."""

    def __init__(self, own: bool, profile: str):
        self.pages, self.unused = draws.all_merged(own, profile)
        self.verdicts = judge.judge_all(self.pages.get)
        self.papers = _papers(self.verdicts, self.pages)


def render(profile: str, failed: dict[str, str], read: Read) -> str:
    """The text of the index."""
    notebooks, pages, verdicts = _notebooks(), read.pages, read.verdicts
    pictures = _pictures(pages)
    there = [each for each in pictures if each["there"]]
    return _environment().get_template("index.html.j2").render(
        profile=profiles.get(profile),
        fewest=verdict.FEWEST,
        so_far=findings.so_far(verdicts, pages),
        whose=summary.whose(verdicts),
        papers=[paper | {"table": _table(pages, paper["about"])} for paper in read.papers],
        chapters=_chapters(notebooks),
        pictures=there,
        shown=[each for each in there if each["file"].removesuffix(".png") in summary.SHOWN],
        chapter_names=CHAPTERS,
        claims=[_claim(out, notebooks) for out in verdicts],
        printed=tables.printed(pages),
        problems=[*_broken(notebooks, read.unused | failed), *_lost(pictures)],
        pages=(listed := summary.in_order(pages)),
        stamp=listed[-1]["stamp"] if listed else None,
        script=(HERE / "template" / "filter.js").read_text(encoding="utf-8"),
    )


def render_summaries(read: Read) -> str:
    """The text of the reproducibility summaries and checklists."""
    return _environment().get_template("reproducibility.html.j2").render(
        papers=read.papers,
        checklists=checklists.ALL,
        tally=lambda items: Counter(item.answer for item in items),
    )


def _environment() -> jinja2.Environment:
    """The templates, with what all of them use."""
    loader = jinja2.FileSystemLoader(HERE / "template")
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    made.filters |= {"share": summary.share_text, "source": summary.source_text}
    made.filters |= {"time": _time, "hours": _hours, "number": _number, "interval": _interval}
    made.globals["summary"] = summary
    made.globals["style"] = (HERE / "template" / "style.css").read_text(encoding="utf-8")
    return made


def _table(pages: dict[str, dict], about: About) -> str:
    """HTML of a paper's main table, "" for one that has none."""
    if about.main is None:
        return ""
    from lib.report.html import markdown  # here: a run that makes no page need not load nbconvert

    return markdown(tables.main_table(pages, about.name), [], Path())


def _notebooks() -> list[dict]:
    """Facts of every notebook, executed or not, in order; `page` is its address from the index."""
    done = {found["name"]: found for found in map(facts, finished())}
    sources = [file.relative_to(paths.NOTEBOOKS) for file in paths.NOTEBOOKS.rglob("[!._]*.py")]
    names = sorted((file.with_suffix("").as_posix() for file in sources), key=summary.order)
    return [_notebook(name, done.get(name, {})) for name in names]


def _notebook(name: str, found: dict) -> dict:
    text = (paths.NOTEBOOKS / f"{name}.py").read_text(encoding="utf-8")
    heading = re.search(r"^# #+ +(.+)$", text, re.MULTILINE)
    title = plain(heading[1]) if heading else name
    blank = {"name": name, "title": title, "seconds": None, "error": "", "claims": []}
    chapter = name.rpartition("/")[0]
    page = _page_of(name) if found else None
    return blank | found | {"chapter": chapter, "page": page, "alone": _alone(name)}


def _alone(name: str) -> dict[str, str]:
    """Explorers that a notebook leaves beside the report, as {what the link says: address}."""
    pages = {"alone": name} if name.startswith("explore/") else {}
    if beside := ALONE.get(name):
        pages[beside.rpartition("/")[2].replace("_", " ")] = beside
    there = {label: f"{page}.html" for label, page in pages.items()}
    return {label: page for label, page in there.items() if (paths.FIGURES / page).is_file()}


def _chapters(notebooks: list[dict]) -> list[dict]:
    """Chapters in order with their notebooks; a paper without any is named as planned."""
    names = [*CHAPTERS, *sorted({each["chapter"] for each in notebooks} - CHAPTERS.keys())]
    each = [
        {
            "name": name,
            "title": CHAPTERS.get(name, name),
            "about": registry.PAPERS[name].question if name in registry.PAPERS else "",
            "notebooks": [each for each in notebooks if each["chapter"] == name],
        }
        for name in names
    ]
    return [chapter for chapter in each if chapter["notebooks"] or chapter["about"]]


def _papers(verdicts: list[dict], pages: dict[str, dict]) -> list[dict]:
    """One entry per paper: names, counts by verdict, claims and core claims, findings, time."""
    counts, totals, gaps = summary.counts(verdicts), ledger.counts(), summary.severities()
    return [
        {"name": name, "short": about.short, "title": about.title, "counts": counts[name],
         "claims": totals[name]["claims"], "core": totals[name]["core"], "about": about,
         "found": findings.sentences(about, verdicts, pages), "gaps": gaps[name],
         "line": findings.line(about, verdicts, pages),
         "page": _page_of(f"{name}/00_claims"), **findings.effort(name, pages)}
        for name, about in registry.PAPERS.items()
    ]  # fmt: skip


def _page_of(name: str) -> str | None:
    """The address of a notebook's page, seen from the index; None where it has none."""
    return f"report/{name}.html" if (paths.REPORT / f"{name}.html").is_file() else None


def _claim(out: dict, notebooks: list[dict]) -> dict:
    """One row of the table of claims; `cell` leads to where the verdict is shown, if it is."""
    named = {claim["id"]: claim for claim in ledger.load()}[out["id"]]
    (place,) = [n for n in notebooks if n["name"] == summary.decided_in(out["id"])] or [{}]
    shown = out["verdict"] != verdict.NOT_RUN and out["id"] in place.get("claims", ())
    return out | {
        "base": verdict.base(out["verdict"]),
        "colour": summary.COLOURS[verdict.base(out["verdict"])],
        "where": named["where"],
        "short": SHORT[out["paper"]],
        "cell": f"{place['page']}#{out['id']}" if shown and place["page"] else None,
        "place": summary.decided_in(out["id"]),
    }


def _pictures(pages: dict[str, dict]) -> list[dict]:
    """The figures that merged pages name, with what the index shows of them."""
    each = summary.pictures(pages)
    for figure in each:
        svg = Path(figure["file"]).with_suffix(".svg").as_posix()
        figure["there"] = (paths.FIGURES / figure["file"]).is_file()
        figure["large"] = svg if (paths.FIGURES / svg).is_file() else figure["file"]
        figure["chapter"] = figure["name"].rpartition("/")[0]
        figure["page"] = _page_of(figure["name"])
    return each


def _broken(notebooks: list[dict], failed: dict[str, str]) -> list[dict]:
    """What failed: notebooks that stopped with an error, and what the runner says of the others."""
    pages = {each["name"]: each["page"] for each in notebooks}
    told = {each["name"]: f"stopped with {each['error']}" for each in notebooks if each["error"]}
    told |= failed
    return [{"name": name, "page": pages.get(name), "text": text} for name, text in told.items()]


def _lost(pictures: list[dict]) -> list[dict]:
    """Pictures that a page of this home names and that are not there."""
    return [
        {"name": each["name"], "page": each["page"], "text": f"{each['file']} is not there"}
        for each in pictures
        if each["here"] and not each["there"]
    ]


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _hours(seconds: float) -> str:
    return _time(seconds) if seconds < 6000 else f"{seconds / 3600:.1f} hours"


def _number(x: float | None) -> str:
    return NONE if x is None else number(x)


def _interval(ci95: list[float] | None) -> str:
    return NONE if ci95 is None else f"{number(ci95[0])} to {number(ci95[1])}"


def _replace_text(file: Path, text: str) -> None:
    """Write a file in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".half-") as half:
        (Path(half) / file.name).write_text(text, encoding="utf-8")
        os.replace(Path(half) / file.name, file)
