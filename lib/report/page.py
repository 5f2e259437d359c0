"""One executed notebook as a page of its own: pictures, style and formulas inside, no network."""

import html
import json
import os
import re
import tempfile
from pathlib import Path

TEMPLATES = Path(__file__).parent / "template"
SHOWN = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain"]
TAG = re.compile(r"<[^>]+>")


def page(ipynb: Path) -> Path:
    """Convert an executed notebook to the .html beside it, unless that is newer; returns its path.

    Raises ValueError, naming the notebook, when a formula in it cannot be shown.
    """
    ipynb = Path(ipynb)
    target = ipynb.with_suffix(".html")
    own = [file for file in Path(__file__).parent.rglob("*") if file.is_file()]
    newest = max(file.stat().st_mtime for file in [ipynb, *own])
    if not (target.is_file() and target.stat().st_mtime > newest):
        replace_text(target, _convert(ipynb))
    return target


def replace_text(file: Path, text: str) -> None:
    """Write a file in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".half-") as half:
        (Path(half) / file.name).write_text(text, encoding="utf-8")
        os.replace(Path(half) / file.name, file)


def facts(ipynb: Path) -> dict:
    """What the index tells of an executed notebook: title, profile, seconds, error ("" if none)."""
    node = json.loads(ipynb.read_text(encoding="utf-8"))
    run = node["metadata"].get("papermill", {})
    return {
        "title": title(node["cells"]) or ipynb.stem,
        "profile": run.get("parameters", {}).get("profile", ""),
        "seconds": run.get("duration"),
        "error": _error(node["cells"]),
    }


def title(cells: list[dict]) -> str:
    """The first heading of a notebook, without marks."""
    for cell in cells:
        heading = re.search(r"^#+ +(.+)$", _source(cell), re.MULTILINE)
        if cell["cell_type"] == "markdown" and heading:
            return plain(heading[1])
    return ""


def plain(markdown: str) -> str:
    """One line of markdown without its marks; formulas stay as TeX."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", TAG.sub("", markdown))
    return " ".join(re.sub(r"[*`>|]|^#+ |(?<!\w)_|_(?!\w)", "", text).split())


def _source(cell: dict) -> str:
    return "".join(cell["source"])


def _error(cells: list[dict]) -> str:
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    errors = [each for each in outputs if each["output_type"] == "error"]
    return f"{errors[-1]['ename']}: {errors[-1]['evalue']}" if errors else ""


def _convert(ipynb: Path) -> str:
    import nbformat
    from nbconvert import HTMLExporter

    node = nbformat.read(ipynb, as_version=4)
    describe(node.cells)
    exporter = HTMLExporter(
        template_name="notebook",
        extra_template_basedirs=[str(TEMPLATES)],
        config={"NbConvertBase": {"display_data_priority": SHOWN}},
    )
    headings: list[tuple[int, str, str]] = []
    exporter.register_filter("markdown2html", lambda text: _markdown(text, headings))
    resources = {"known_truth": _frame(ipynb, node)}
    try:
        found, _ = exporter.from_notebook_node(node, resources=resources)
    except ValueError as error:
        raise ValueError(f"{ipynb.stem}: {error}") from error
    entries = "".join(
        f'<li><a href="#{name}">{TAG.sub("", text)}</a></li>'
        for level, name, text in headings
        if level == 2
    )
    return found.replace('<ol id="contents"></ol>', f'<ol id="contents">{entries}</ol>')


def _frame(ipynb: Path, node) -> dict:
    """What the template needs beside the cells."""
    from pygments.formatters import HtmlFormatter

    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    run = node.metadata.get("papermill", {})
    return {
        "title": title(node.cells) or ipynb.stem,
        "style": style + HtmlFormatter(style="friendly").get_style_defs(".highlight"),
        "home": "../" * (len(ipynb.parent.parts) - _depth(ipynb)) + "index.html",
        "profile": run.get("parameters", {}).get("profile", ""),
        "source": _name(ipynb),
        "error": _error(node.cells),
    }


def _depth(ipynb: Path) -> int:
    """Number of parts of the path of figures/, which holds the index."""
    parts = ipynb.parent.parts
    return max(i for i, part in enumerate(parts) if part == "report") if "report" in parts else 0


def _name(ipynb: Path) -> str:
    """`pavae/table4_main` of figures/report/pavae/table4_main.ipynb."""
    return "/".join([*ipynb.parent.parts[_depth(ipynb) + 1 :], ipynb.stem])


def describe(cells: list) -> None:
    """Give every picture an alternative text: its heading and the sentence that follows it."""
    heading = ""
    for i, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            found = re.findall(r"^#+ +(.+)$", cell.source, re.MULTILINE)
            heading = plain(found[-1]) if found else heading
        for output in cell.get("outputs", ()):
            for kind in ("image/png", "image/svg+xml", "image/jpeg"):
                if kind in output.get("data", {}):
                    text = f"Figure: {heading}. {_sentence(cells[i + 1 :])}".strip()
                    output.metadata.setdefault(kind, {}).setdefault("alt", text)


def _sentence(cells: list) -> str:
    """First sentence of the text that follows, if the next cell is text and no heading."""
    if not cells or cells[0].cell_type != "markdown" or cells[0].source.startswith("#"):
        return ""
    return re.split(r"(?<=[.!?:]) ", plain(cells[0].source))[0]


def _markdown(text: str, headings: list[tuple[int, str, str]]) -> str:
    """HTML of a text cell: formulas as MathML, headings with an id of their own."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    from lib.report.formula import mathml

    class Renderer(IPythonRenderer):
        def heading(self, text: str, level: int, **attrs) -> str:
            slug = re.sub(r"\W+", "-", html.unescape(TAG.sub("", text)).lower()).strip("-")
            slug += "-" + str(len(headings)) if slug in {name for _, name, _ in headings} else ""
            headings.append((level, slug, text))
            return f'<h{level} id="{slug}">{text}</h{level}>\n'

        def block_math(self, body: str) -> str:
            return f'<span class="formula">{mathml(body, display=True)}</span>'

        def inline_math(self, body: str) -> str:
            return mathml(body)

        def latex_environment(self, name: str, body: str) -> str:
            return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    return MarkdownWithMath(renderer=Renderer(escape=False)).render(text)
