"""One executed notebook as a page: style and formulas inside, figures beside it, no network.

What figures/ has already is not carried a second time: the page links the files of `plots.save` and
the pages of explorers, as long as they are the same that the notebook showed. Other pictures are
inside the page.
"""

import base64
import html
import os
import re
from pathlib import Path
from urllib.parse import quote

import nbformat
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

from lib import paths
from lib.report.executed import HEADING, TAG, claims, facts, plain
from lib.report.formula import mathml

TEMPLATES = Path(__file__).parent / "template"
SHOWN = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain"]
PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
FRAMED = re.compile(r'data-page="(?P<file>[^"]+)" srcdoc="(?P<page>[^"]*)"')  # by explore.host


def convert(ipynb: Path) -> str:
    """The HTML of an executed notebook; ValueError names a formula that cannot be shown."""
    node = nbformat.read(ipynb, as_version=4)
    describe(node.cells)
    link(node.cells, ipynb.parent)
    exporter = HTMLExporter(template_name="notebook", extra_template_basedirs=[str(TEMPLATES)])
    exporter.config.NbConvertBase.display_data_priority = SHOWN
    headings: list[tuple[int, str, str]] = []
    folder = Path(os.path.relpath(ipynb, paths.REPORT)).parent
    exporter.register_filter("markdown2html", lambda text: markdown(text, headings, folder))
    exporter.register_filter("claims", claims)
    found, _ = exporter.from_notebook_node(node, resources={"frame": _frame(ipynb)})
    return found.replace('<ol id="contents"></ol>', _contents(headings))


def _frame(ipynb: Path) -> dict:
    """What the template needs beside the cells."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    style += HtmlFormatter(style="xcode").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    style += f"\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"
    script = (TEMPLATES / "notebook.js").read_text(encoding="utf-8")
    home = _address(paths.FIGURES / "index.html", ipynb.parent)
    return {"style": style, "script": script, "home": home, **facts(ipynb)}


def _contents(headings: list[tuple[int, str, str]]) -> str:
    entries = [f'<li><a href="#{slug}">{text}</a></li>' for n, slug, text in headings if n == 2]
    return f'<ol id="contents">{"".join(entries)}</ol>'


def describe(cells: list) -> None:
    """Give every picture an alternative text: its heading and the sentence that follows it."""
    heading = ""
    for i, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            found = HEADING.findall(cell.source)
            heading = plain(found[-1]) if found else heading
        text = f"Figure: {heading}. {_sentence(cells[i + 1 :])}".strip()
        for output in cell.get("outputs", ()):
            for kind in set(PICTURES) & set(output.get("data", ())):
                output.metadata.setdefault(kind, {}).setdefault("alt", text)


def _sentence(cells: list) -> str:
    """First sentence of the text that follows, if the next cell is text and no heading."""
    if not cells or cells[0].cell_type != "markdown" or cells[0].source.startswith("#"):
        return ""
    return re.split(r"(?<=[.!?:]) ", plain(cells[0].source))[0]


def link(cells: list, folder: Path) -> None:
    """Let outputs point to the files under figures/ that hold the same; `folder` is the page's."""
    for data, metadata in [
        (output.data, output.metadata) for cell in cells for output in cell.get("outputs", ())
        if "data" in output
    ]:  # fmt: skip
        if "image/png" in data:
            about = metadata.setdefault("image/png", {})
            drawn = base64.b64decode(data["image/png"])
            about["size"] = [int.from_bytes(drawn[at : at + 4], "big") for at in (16, 20)]
            file = paths.FIGURES / about.get("file", "")
            if file.is_file() and file.read_bytes() == drawn:
                about["src"] = _address(file, folder)
        if "text/html" in data:
            data["text/html"] = FRAMED.sub(lambda found: _framed(found, folder), data["text/html"])


def _framed(found: re.Match, folder: Path) -> str:
    """Where an explorer's frame finds its page: in the file that holds the same, or as it was."""
    file = paths.FIGURES / found["file"]
    if file.is_file() and file.read_text(encoding="utf-8") == html.unescape(found["page"]):
        return f'data-page="{found["file"]}" src="{_address(file, folder)}"'
    return found[0]


def _address(file: Path, folder: Path) -> str:
    return quote(Path(os.path.relpath(file, folder)).as_posix())


class Renderer(IPythonRenderer):
    """nbconvert's markdown, with formulas as MathML and ids for headings that stand once.

    What may be wider than a screen scrolls in a frame that the keyboard reaches.

    Links to other notebooks lead to their pages; links to other files of the repository are text,
    because a page may be read without it.
    """

    def __init__(self, headings: list[tuple[int, str, str]], folder: Path):
        super().__init__(escape=False)
        self.headings = headings  # (level, id, HTML) of all so far
        self.folder = folder  # of the notebook, from notebooks/

    def link(self, text: str, url: str, title: str | None = None) -> str:
        path, _, anchor = url.partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return super().link(text, url, title)
        if path.endswith(".py") and (paths.NOTEBOOKS / self.folder / path).is_file():
            page = path.removesuffix(".py") + ".html"
            return super().link(text, f"{page}#{anchor}" if anchor else page, title)
        return text

    def heading(self, text: str, level: int, **attrs) -> str:
        slug = re.sub(r"\W+", "-", html.unescape(TAG.sub("", text)).lower()).strip("-")
        if slug in {other for _, other, _ in self.headings}:
            slug += f"-{len(self.headings)}"
        self.headings.append((level, slug, text))
        return f'<h{level} id="{slug}">{text}</h{level}>\n'

    def table(self, text: str) -> str:
        return f'<div class="scroll" tabindex="0"><table>\n{text}</table></div>\n'

    def block_code(self, code: str, info: str | None = None) -> str:
        return f'<div class="scroll" tabindex="0">{super().block_code(code, info)}</div>\n'

    def block_math(self, body: str) -> str:
        return f'<span class="formula" tabindex="0">{mathml(body, display=True)}</span>'

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")


def markdown(text: str, headings: list[tuple[int, str, str]], folder: Path) -> str:
    """HTML of a text cell; its headings are added to `headings`."""
    return MarkdownWithMath(renderer=Renderer(headings, folder)).render(text)
