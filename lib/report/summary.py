"""What stands in the metrics files, in words and counts: for index, README and tables of claims."""

import json
import math
import os
import re
from pathlib import Path

from lib import paths
from lib.claims import judge, ledger, verdict
from lib.papers import registry
from lib.report.executed import CLAIM

NOTICE = "Nothing here shows that a method works or fails on patients."
KIND = (
    "This is a conceptual replication on different (synthetic) data: our own code, procedural "
    "phantoms, and none of the papers' images or programs."
)
COLOURS = {  # of verdicts, in the order in which they are shown; safe for colour-blind readers
    verdict.REPRODUCED: "#009E73",
    verdict.DIRECTION: "#56B4E9",
    verdict.PARTLY: "#0072B2",
    verdict.MEASURED: "#CC79A7",
    verdict.INCONCLUSIVE: "#F0C808",
    verdict.NO_EFFECT: "#E69F00",
    verdict.REVERSED: "#D55E00",
    verdict.FALLEN: "#882255",
    verdict.NOT_INTERPRETED: "#7A4B2A",
    verdict.INCONSISTENT: "#5B2A86",
    verdict.CONSISTENT: "#A78BC9",
    verdict.UNTESTABLE: "#8C8C8C",
    verdict.NOT_RUN: "#DDDDDD",
}

TABLES = ("00_claims", "99_all_claims")  # notebooks that gather what the others leave
SHOWN = (  # notebooks whose main figure stands for all
    "00_start_here", "pavae/04_data", "pavae/table4_main", "pavae/04_gaps",
    "pathosyn/table2_segmentation", "dhvae/table4_augmentation", "99_all_claims",
)  # fmt: skip
MEASURED = (*verdict.EMPIRICAL, verdict.NOT_INTERPRETED)  # verdicts that a run decides


def counts(verdicts: list[dict]) -> dict[str, dict[str, int]]:
    """{paper: {verdict: number}} with every verdict of COLOURS and "exploratory", zeros too."""
    found = judge.summary(verdicts)
    names = (*COLOURS, "exploratory")
    return {
        paper: {name: found.get(paper, {}).get(name, 0) for name in names}
        for paper in ledger.PAPERS
    }


def told(verdicts: list[dict], names: tuple[str, ...]) -> list[dict]:
    """The verdict dicts whose verdict, without its exploratory mark, is one of `names`."""
    return [out for out in verdicts if verdict.base(out["verdict"]) in names]


def of_cost(out: dict) -> bool:
    """Whether a claim bounds a cost of computing: such a count no draw changes, so one decides."""
    (claim,) = (claim for claim in ledger.load() if claim["id"] == out["id"])
    return judge.planned(claim["test"]) == 1


def settled(verdicts: list[dict]) -> list[dict]:
    """The claims that draws have decided, for or against: those that are not exploratory."""
    return [out for out in verdicts if out["verdict"] in (*verdict.POSITIVE, *verdict.AGAINST)]


def whose(verdicts: list[dict]) -> str:
    """Where the draws come from on which the claims rest that have been run; "" without any."""
    run = told(verdicts, MEASURED)
    own = sum(out["here"] == out["n"] for out in run)
    none = sum(not out["here"] for out in run)
    each = {"draws computed here": own, "draws of data/record": none,
            "draws of both": len(run) - own - none}  # fmt: skip
    there = {words: n for words, n in each.items() if n}
    said = listed([f"{n} {'rest' if n > 1 else 'rests'} on {words}" for words, n in there.items()])
    text = f"Of {len(run)} claims that have been run {said}."
    if len(there) == 1:
        text = f"All {len(run)} claims that have been run rest on {next(iter(there))}."
    old = by_earlier_code(run)
    return (text + (f" Earlier code made draws of {old} of them." if old else "")) * bool(run)


def next_looks(verdicts: list[dict], pages: dict[str, dict]) -> str:
    """What the draws up to the next look of all inconclusive claims cost; "" without any.

    A page is paid once for all claims that read it.
    """
    waiting = [out for out in told(verdicts, (verdict.INCONCLUSIVE,)) if out["price"]["look"]]
    tests = {claim["id"]: claim["test"] for claim in ledger.load()}
    more: dict[str, int] = {}
    for out in waiting:
        for item in ledger.items(tests[out["id"]]):
            more[item] = max(more.get(item, 0), out["price"]["look"] - out["n"])
    each = [(n, pages[item]["seconds"]) for item, n in more.items()]
    if not each or None in [took for _, took in each]:
        return ""
    cost = math.ceil(sum(n * took for n, took in each) / 60)
    return (
        f"{len(waiting)} claims are inconclusive. Their next looks cost at most {cost:,} "
        f"core-minutes together, and the report says of each how many draws it would need and what "
        "they cost."
    )


def listed(each: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(each[:-1]), *each[-1:]]))


def from_record(verdicts: list[dict]) -> int:
    """How many measured verdicts rest on a draw that was not computed in this home."""
    return sum(out["here"] < out["n"] for out in told(verdicts, MEASURED))


def by_earlier_code(verdicts: list[dict]) -> int:
    """How many measured verdicts rest on a draw that earlier code made."""
    return sum(out["old"] for out in told(verdicts, MEASURED))


def source_text(out: dict) -> str:
    """`R=10, 3 computed here`, `R=3, from the record, earlier code`; nothing without draws."""
    n, here = out["n"], out["here"]
    if not n:
        return ""
    where = "from the record" if not here else f"{here} " * (here < n) + "computed here"
    return f"R={n}, {where}" + (", earlier code" if out["old"] else "")


def overview(verdicts: list[dict]) -> str:
    """Caption of the picture of all verdicts."""
    most = max((out["n"] for out in verdicts), default=0)
    return (
        f"Verdicts of all {len(verdicts)} claims by paper, from at most R={most} training draws a "
        "claim; grey claims have not run."
    )


def in_words(out: dict) -> str:
    """Markdown: the verdict of a claim, its statement, the sentence, and whose draws they are."""
    text = f"**{out['title']}**\n\n> {out['statement']}\n\n{out['sentence']}"
    return f"{text} ({source_text(out)})" if out["n"] else text


def decided_in(id_: str) -> str:
    """The notebook that shows a claim's verdict: that of its item, else the chapter's 00_claims."""
    (claim,) = (claim for claim in ledger.load() if claim["id"] == id_)
    return next(iter(ledger.items(claim["test"])), f"{claim['paper']}/00_claims")


def tags(name: str) -> list[str]:
    """Ids of claims that the cells of a notebook's source carry as tags; [] without a notebook."""
    file = paths.NOTEBOOKS / f"{name}.py"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    lines = re.findall(r"^# %%.*tags=(\[.*\])", text, re.M)
    each = [json.loads(line) for line in lines]
    return [tag for found in each for tag in found if CLAIM.fullmatch(tag)]


def link(out: dict, folder: str = "") -> str:
    """Markdown: a claim's id, linked to the cell that shows its verdict once there is one.

    `folder` is that of the notebook in which the link stands ("" or "pavae").
    """
    name = decided_in(out["id"])
    if out["verdict"] == verdict.NOT_RUN or out["id"] not in tags(name):
        return out["id"]
    return f"[{out['id']}]({notebook_link(name, folder)}#{out['id']})"


def notebook_link(name: str, folder: str = "") -> str:
    """The address of a notebook, seen from a notebook in `folder`."""
    return Path(os.path.relpath(f"/{name}.py", f"/{folder}")).as_posix()


def cited(id_: str) -> list[str]:
    """Notebooks whose source names a contradiction or gap (`PV-E07`), tables of claims left out."""
    files = sorted(paths.NOTEBOOKS.rglob("[!._]*.py"))
    names = [file.relative_to(paths.NOTEBOOKS).with_suffix("").as_posix() for file in files]
    each = [name for name in names if not name.endswith(TABLES)]
    texts = {name: (paths.NOTEBOOKS / f"{name}.py").read_text(encoding="utf-8") for name in each}
    found = [name for name, text in texts.items() if id_ in text]
    return sorted(found, key=order)


def severities() -> dict[str, dict[str, int]]:
    """{paper: {severity: number}} of what the papers contradict or leave open."""
    each = [(entry["paper"], entry["severity"]) for entry in ledger.inconsistencies()]
    return {paper: {s: each.count((paper, s)) for s in "ABC"} for paper in ledger.PAPERS}


def in_order(pages: dict[str, dict]) -> list[dict]:
    """Merged pages {item: page} as a list, chapter by chapter, each with its `name`."""
    return [pages[name] | {"name": name} for name in sorted(pages, key=order)]


def order(name: str) -> tuple:
    """Sorts notebooks: 00, the papers, other folders, 90, 99."""
    folder, _, stem = name.rpartition("/")
    if not folder:
        return (9 if stem >= "9" else 0), "", stem
    chapters = list(registry.PAPERS)
    return 1 + (chapters.index(folder) if folder in chapters else len(chapters)), folder, stem


def pictures(pages: dict[str, dict]) -> list[dict]:
    """Figures of merged pages: name of the notebook, file under figures/, caption, alt, and
    whether the notebook has left a page in this home (`here`)."""
    each = [
        {"name": page["name"], "here": page["here"], "alt": figure["caption"], **figure}
        for page in in_order(pages)
        for figure in page["figures"]
    ]
    return [one | {key: verdict.spelled(one[key]) for key in ("alt", "caption")} for one in each]


def share_text(share: dict | None) -> str:
    """`0.31 [0.12, 0.55]`, the reason why there is no number, or nothing."""
    if share is None:
        return ""
    if share["fraction"] is None:
        return share["note"]
    number = verdict.number
    return f"{number(share['fraction'])} [{number(share['lo'])}, {number(share['hi'])}]"


def table(head: list[str], lines: list[list]) -> str:
    """A Markdown table; strokes and line breaks inside a cell are kept from ending it."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(value) -> str:
    return " ".join(str(value).replace("|", "\\|").split())
