"""What stands in the metrics files, in words and counts: for the index, the README, notebook 99."""

import json
from pathlib import Path

from lib.claims import judge, ledger, verdict
from lib.metrics.inference import fieller

NOTICE = "Nothing here shows that a method works or fails on patients."
KIND = (
    "This is a conceptual replication on different (synthetic) data: our own code, procedural "
    "phantoms, and none of the papers' images or programs."
)
SHORT = {"pavae": "PA-VAE", "pathosyn": "PathoSyn", "controlnet": "ControlNet", "dhvae": "dHVAE"}
TITLES = {
    "pavae": "Synthetic Medical Imaging with Pathology-Aware Variational Autoencoders",
    "pathosyn": "PathoSyn: Imaging-Pathology MRI Synthesis via Disentangled Deviation Diffusion",
    "controlnet": "Chest radiographs from a latent diffusion model under text and mask control",
    "dhvae": "Discriminative Hamiltonian Variational Autoencoder for Accurate Tumor Segmentation "
    "in Data-Scarce Regimes",
}
ABOUT = {
    "pavae": "Chest radiographs, 10 % labelled: do samples of a pathology-aware variational "
    "auto-encoder improve a classifier?",
    "pathosyn": "Brain MRI: are lesions, drawn as deviations from a healthy image, realistic and "
    "useful?",
    "controlnet": "Chest radiographs: how many synthetic images, of which quality, help?",
    "dhvae": "Brain MRI and head-and-neck PET: do images drawn together with their masks help "
    "segmentation?",
}
COLOURS = {  # of verdicts, in the order in which they are shown; safe for colour-blind readers
    verdict.REPRODUCED: "#009E73",
    verdict.DIRECTION: "#56B4E9",
    verdict.PARTLY: "#0072B2",
    verdict.MEASURED: "#CC79A7",
    verdict.INCONCLUSIVE: "#F0C808",
    verdict.NO_EFFECT: "#E69F00",
    verdict.REVERSED: "#D55E00",
    verdict.NOT_INTERPRETED: "#7A4B2A",
    verdict.INCONSISTENT: "#5B2A86",
    verdict.CONSISTENT: "#A78BC9",
    verdict.UNTESTABLE: "#8C8C8C",
    verdict.NOT_RUN: "#DDDDDD",
}

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


def severities() -> dict[str, dict[str, int]]:
    """{paper: {severity: number}} of what the papers contradict or leave open."""
    each = [(entry["paper"], entry["severity"]) for entry in ledger.inconsistencies()]
    return {paper: {s: each.count((paper, s)) for s in "ABC"} for paper in ledger.PAPERS}


def metrics_files(root: Path) -> list[dict]:
    """All metrics files under a folder, chapter by chapter, each with its `name`."""
    pages = []
    for file in sorted(root.rglob("*.json")):
        page = json.loads(file.read_text(encoding="utf-8"))
        pages.append(page | {"name": file.relative_to(root).with_suffix("").as_posix()})
    return sorted(pages, key=lambda page: order(page["name"]))


def order(name: str) -> tuple:
    """Sorts notebooks: 00, the papers, other folders, 90, 99."""
    folder, _, stem = name.rpartition("/")
    if not folder:
        return (9 if stem >= "9" else 0), "", stem
    chapters = list(TITLES)
    return 1 + (chapters.index(folder) if folder in chapters else len(chapters)), folder, stem


def pictures(root: Path) -> list[dict]:
    """Figures that metrics files name: name of the notebook, file under figures/, caption."""
    return [
        {"name": page["name"], **figure}
        for page in metrics_files(root)
        for figure in page["figures"]
    ]


def gain_fraction(rows: list[dict], regime: str, arm: str, metric: str) -> dict | None:
    """Fieller's fraction of the oracle's gain over `real`; None where a row is missing."""
    named = {row["arm"]: row for row in rows if (row["regime"], row["metric"]) == (regime, metric)}
    if arm in ("real", "oracle") or not {"real", "oracle", arm} <= named.keys():
        return None
    real, method, oracle = (named[each]["values"] for each in ("real", arm, "oracle"))
    gains = ([a - b for a, b in zip(values, real, strict=True)] for values in (method, oracle))
    return fieller(*gains)


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
