"""What an executed notebook says about itself, without the weight of nbconvert."""

import json
import os
import re
from pathlib import Path

from lib import paths

TAG = re.compile(r"<[^>]+>")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
CLAIM = re.compile(r"[A-Z]{2}-\d\d")  # a tag: this cell shows the verdict of that claim


def facts(ipynb: Path) -> dict:
    """name, title, profile, seconds (or None), error ("" if none) and claims (ids of the claims
    whose verdict a cell shows) of an executed notebook."""
    node = json.loads(ipynb.read_text(encoding="utf-8"))
    run = node["metadata"].get("papermill", {})
    return {
        "name": Path(os.path.relpath(ipynb.with_suffix(""), paths.REPORT)).as_posix(),
        "title": title(node["cells"]) or ipynb.stem,
        "profile": run.get("parameters", {}).get("profile", ""),
        "seconds": run.get("duration"),
        "error": error(node["cells"]),
        "claims": [id_ for cell in node["cells"] for id_ in claims(cell)],
    }


def claims(cell: dict) -> list[str]:
    """Ids of the claims whose verdict a cell shows: its tags that are such ids."""
    return [tag for tag in cell["metadata"].get("tags", ()) if CLAIM.fullmatch(tag)]


def title(cells: list[dict]) -> str:
    """The first heading of a notebook, without marks."""
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    found = [heading[1] for text in texts if (heading := HEADING.search(text))]
    return plain(found[0]) if found else ""


def error(cells: list[dict]) -> str:
    """`ValueError: what it says` of the cell that failed; "" when all went well."""
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    errors = [each for each in outputs if each["output_type"] == "error"]
    return f"{errors[-1]['ename']}: {errors[-1]['evalue']}" if errors else ""


def plain(markdown: str) -> str:
    """One line of markdown without its marks; formulas stay as TeX."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", TAG.sub("", markdown))
    return " ".join(re.sub(r"[*`]|^[#>|-]+ |(?<!\w)_|_(?!\w)", "", text, flags=re.M).split())
