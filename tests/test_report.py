"""The report and the README: complete, offline, honest about failures, no typed numbers."""

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat import v4

from lib import notebooks, paths, record
from lib.claims import ledger
from lib.report import build, readme, summary
from lib.report.formula import mathml
from lib.report.page import convert

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LOADS = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home with a notebook folder of its own."""
    monkeypatch.setattr(paths, "HOME", tmp_path)
    for name, where in (("METRICS", "data/metrics"), ("FIGURES", "figures")):
        monkeypatch.setattr(paths, name, tmp_path / where)
    monkeypatch.setattr(paths, "REPORT", tmp_path / "figures" / "report")
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    return tmp_path


def picture(**metadata):
    return v4.new_output("display_data", {"image/png": PIXEL}, metadata=metadata)


def leave(name, *cells, profile="smoke"):
    """An executed notebook as the runner leaves it, with its source; its path."""
    node = v4.new_notebook(cells=list(cells))
    node.metadata["papermill"] = {"duration": 2.0, "parameters": {"profile": profile}}
    for folder, ending in ((paths.NOTEBOOKS, ".py"), (paths.REPORT, ".ipynb")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}{ending}").write_text(f"# %% [markdown]\n# # Source of {name}\n")
    nbformat.write(node, paths.REPORT / f"{name}.ipynb")
    return paths.REPORT / f"{name}.ipynb"


def text(*lines):
    return v4.new_markdown_cell("\n".join(lines))


def failing(message="1/0 is no number"):
    error = v4.new_output("error", ename="ValueError", evalue=message, traceback=["..."])
    return v4.new_code_cell("fit()", outputs=[error])


def index(profile="smoke", **options):
    return BeautifulSoup(build.build(profile, **options).read_text(), "html.parser")


# ---- one page -----------------------------------------------------------------------------------


def test_pictures_are_described_by_their_heading_and_the_sentence_behind_them(home):
    code = v4.new_code_cell("plot()", outputs=[picture()])
    file = leave(
        "a", text("# Title", "## The *seam*"), code, text("**What to see.** A step. More.")
    )
    soup = BeautifulSoup(convert(file), "html.parser")
    assert [img["alt"] for img in soup.find_all("img")] == ["Figure: The seam. What to see."]
    own = v4.new_code_cell("plot()", outputs=[picture(**{"image/png": {"alt": "of its own"}})])
    soup = BeautifulSoup(convert(leave("b", own)), "html.parser")
    assert soup.img["alt"] == "of its own"


def test_page_of_a_failed_notebook_says_so(home):
    soup = BeautifulSoup(convert(leave("pavae/a", text("# T"), failing("a < b"))), "html.parser")
    assert "ValueError: a < b" in soup.select_one("[role=alert]").text
    assert soup.select_one(".bar a")["href"] == "../../index.html"
    soup = BeautifulSoup(convert(leave("b", text("# T"))), "html.parser")
    assert soup.select_one("[role=alert]") is None
    assert soup.select_one(".bar a")["href"] == "../index.html"


def test_headings_have_ids_of_their_own_and_contents_lead_to_them(home):
    cells = text("# T", "## Toy & real"), text("## What to see"), text("## What to see")
    soup = BeautifulSoup(convert(leave("a", *cells)), "html.parser")
    targets = [link["href"][1:] for link in soup.select("#contents a")]
    assert len(set(targets)) == 3
    assert [soup.find(id=target).name for target in targets] == ["h2"] * 3


def test_links_lead_to_pages_and_other_files_of_the_repository_are_text(home):
    leave("pavae/b", text("# B"))
    cell = text(
        "# T", "[b](b.py) [part](b.py#part) [up](../c.py) [code](../../lib/jobs.py) [x](#t)"
    )
    soup = BeautifulSoup(convert(leave("pavae/a", cell)), "html.parser")
    assert [a["href"] for a in soup.select(".text a")] == ["b.html", "b.html#part", "#t"]
    assert "code" in soup.select_one(".text p").text


def test_page_is_made_again_only_when_the_notebook_is_newer(home):
    file = leave("a", text("# T"))
    page = build.page(file)
    page.write_text("kept")
    assert build.page(file).read_text() == "kept"
    os.utime(file, ns=(page.stat().st_mtime_ns + 1,) * 2)
    assert build.page(file).read_text() != "kept"


# ---- formulas -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tex", "wanted"),
    [
        (r"\frac{1}{n}", "<mfrac><mrow><mn>1</mn></mrow><mrow><mi>n</mi></mrow></mfrac>"),
        (r"x \sim p", "<mo>\u223c</mo>"),
        (r"\lVert x \rVert", '<mo stretchy="false">&#x02016;</mo>'),
        (r"\log p", '<mi>log</mi><mspace width="0.167em" /><mi>p</mi>'),
        (r"\log_2 p", "<msub><mi>log</mi><mn>2</mn></msub>"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "<mtable"),
        (r"a < b", 'alttext="a &lt; b"'),
    ],
)
def test_formula_becomes_mathml(tex, wanted):
    assert wanted in mathml(tex)


@pytest.mark.parametrize("tex", [r"\foo{x}", r"\frac{1}", "x_", r"a &= b"])
def test_formula_that_cannot_be_shown_is_quoted(tex):
    with pytest.raises(ValueError, match=re.escape(f"the formula ${tex}$ cannot be")):
        mathml(tex)


@pytest.mark.parametrize("name", notebooks.find())
def test_formulas_of_every_notebook_can_be_shown(name):
    from jupytext import read

    from lib.report.page import markdown

    for cell in read(notebooks.source(name)).cells:
        if cell.cell_type == "markdown":
            markdown(cell.source, [], Path(name).parent)


# ---- the index ----------------------------------------------------------------------------------


def test_index_without_any_run_shows_all_claims_as_they_are(home):
    soup = index("quick")
    assert len(soup.select("table.claims tbody tr")) == len(ledger.load())
    assert "Nothing here shows that a method works or fails on patients." in soup.text
    assert "conceptual replication on different (synthetic) data" in soup.text
    assert "every measured verdict is exploratory" in soup.text
    assert soup.select_one("#failed") is None
    assert "its numbers say nothing about the papers" in index("smoke").text


def test_index_names_what_failed(home):
    leave("pavae/good", text("# Good"))
    leave("pavae/bad", text("# Bad"), failing())
    leave("pavae/odd", text("# Odd $\\foo$"))
    (paths.NOTEBOOKS / "pavae" / "later.py").write_text("# # Later\n")
    soup = index(failed={"lib.x:job": "no memory"})
    told = {li.find(["a", "b"]).text: li.text for li in soup.select("#failed li")}
    assert set(told) == {"pavae/bad", "pavae/odd", "lib.x:job"}
    assert "stopped with ValueError: 1/0 is no number" in told["pavae/bad"]
    assert "cannot be shown" in told["pavae/odd"]
    states = {li.get_text(" ", strip=True): li["class"][0] for li in soup.select(".chapter li")}
    wanted = {"Bad failed": "failed", "Good 2 s": "done", "Later not run": "open"}
    assert states == wanted | {"Odd $\\foo$ not run": "open"}


def test_index_tells_numbers_of_another_profile_and_lost_pictures(home):
    row = {"arm": "real", "metric": "auc", "mean": 0.5}
    figures = [{"file": "pavae/gone.png", "caption": "Gone."}]
    record.write_metrics("pavae", "a", "quick", 3, [row], figures=figures)
    assert "pavae/gone.png is not there" in index("quick").select_one("#failed").text
    assert "from profile quick, not full" in index("full").select_one("#failed").text
    (paths.FIGURES / "pavae").mkdir(parents=True)
    (paths.FIGURES / "pavae" / "gone.png").write_bytes(b"")
    soup = index("quick")
    assert soup.select_one("#failed") is None
    assert soup.select_one("#pictures img")["src"] == "pavae/gone.png"


def test_a_notebook_that_is_being_written_is_left_alone(home):
    half = leave("a", text("# T")).rename(paths.REPORT / ".half-a.ipynb")
    half.write_text("{")
    assert "not run" in index().select_one(".chapter li").text


# ---- the report of the smoke run ----------------------------------------------------------------


@pytest.fixture(scope="module")
def smoke_pages(smoke_home):
    """{file: parsed page} of the whole report."""
    figures = smoke_home / "figures"
    files = [figures / "index.html", *sorted((figures / "report").rglob("*.html"))]
    return {file: BeautifulSoup(file.read_text(), "html.parser") for file in files}


def test_report_links_a_page_of_every_notebook(smoke_home, smoke_pages):
    linked = {a["href"] for a in smoke_pages[smoke_home / "figures" / "index.html"].find_all("a")}
    for name in notebooks.find():
        assert f"report/{name}.html" in linked
        assert smoke_home / "figures" / "report" / f"{name}.html" in smoke_pages


def test_report_of_a_good_run_shows_no_failure(smoke_pages):
    for file, soup in smoke_pages.items():
        assert not soup.select("[role=alert]"), f"{file} shows a failure"


def test_every_link_resolves(smoke_pages):
    for file, soup in smoke_pages.items():
        for tag in soup.find_all(["a", "img"]):
            address = urlsplit(tag.get("href") or tag.get("src") or "")
            if address.scheme in ("http", "https", "mailto", "data"):
                continue
            target = (file.parent / unquote(address.path)).resolve() if address.path else file
            assert target.is_file(), f"{file} links to {target}"
            if address.fragment:
                other = smoke_pages[target]
                assert other.find(id=unquote(address.fragment)), f"{file} -> {address.geturl()}"


def test_nothing_is_loaded_from_elsewhere(smoke_pages):
    for file, soup in smoke_pages.items():
        for name, attribute in LOADS.items():
            for tag in soup.find_all(name):
                assert not re.match(r"(https?:)?//", tag.get(attribute, "")), f"{file}: {tag}"
        for style in soup.find_all("style"):
            assert not re.search(r"@import|url\((?!['\"]?data:)", style.text), file


def test_every_picture_has_an_alternative_text(smoke_pages):
    for file, soup in smoke_pages.items():
        for img in soup.find_all("img"):
            said = img.get("alt", "").strip()
            assert len(said) > 8 and "No description" not in said, f"{file}: {said!r}"


# ---- README -------------------------------------------------------------------------------------


def test_readme_is_what_the_committed_numbers_give():
    now = readme.README.read_text()
    assert readme.fill(now, readme.blocks()) == now, "run python -m lib.report.readme"


def test_readme_links_resolve():
    for address in re.findall(r"\]\(([^)#]+)", readme.README.read_text()):
        assert (paths.ROOT / address).exists(), address


def test_readme_without_a_place_for_a_block_is_refused():
    with pytest.raises(ValueError, match="has 0 blocks `generated: pavae`"):
        readme.fill("# Title", {"pavae": "x"})


@pytest.fixture
def reference(tmp_path):
    """A reference in which the method has exactly half of the oracle's gain."""
    folder = tmp_path / "reference" / "pavae"
    folder.mkdir(parents=True)
    gains = {"real": 0.0, "pavae": 0.05, "oracle": 0.1}
    rows = [
        {"regime": regime, "arm": arm, "metric": "auc", "mean": 0.7 + gain, "ci95": [0.6, 0.9],
         "values": [0.69 + gain, 0.70 + 1.02 * gain, 0.71 + 0.98 * gain], "paper": 0.842}
        for regime in readme.REGIMES for arm, gain in gains.items()
    ]  # fmt: skip
    stamp = {"code": "c", "commit": "abc", "versions": {"python": "3"}, "cpu": "Z80", "seconds": 1}
    figures = [{"file": "pavae/table4_main.png", "caption": "Bars [of] arms."}]
    page = {"paper": "pavae", "item": "table4_main", "profile": "quick", "replicates": 3,
            "rows": rows, "figures": figures, "stamp": stamp}  # fmt: skip
    (folder / "table4_main.json").write_text(json.dumps(page))
    return folder.parent


def test_readme_table_quotes_the_reference(reference):
    lines = readme.main_table(reference).splitlines()
    (ours, _) = [line for line in lines if line.startswith("| PA-VAE |")]
    cells = [cell.strip() for cell in ours.strip("|").split("|")]
    assert cells[:5] == ["PA-VAE", "0.75 [0.6, 0.9]", "–", "–", "–"]
    assert cells[5].startswith("0.5 [") and cells[6] == "0.842"
    assert "abc: Z80; python 3" in readme.stamp(reference)


def test_readme_shows_the_pictures_that_were_copied(reference, tmp_path):
    figures, kept = tmp_path / "figures", tmp_path / "gallery"
    readme.copy_pictures(reference, figures, kept)
    assert readme.gallery(reference, kept).startswith("*No picture yet")
    (figures / "pavae").mkdir(parents=True)
    (figures / "pavae" / "table4_main.png").write_bytes(b"png")
    readme.copy_pictures(reference, figures, kept)
    assert (kept / "pavae_table4_main.png").read_bytes() == b"png"
    assert "](figures/gallery/pavae_table4_main.png)" in readme.gallery(reference, kept)


# ---- counts -------------------------------------------------------------------------------------


def test_counts_hold_every_claim_once(tmp_path):
    from lib.claims import judge

    counts = summary.counts(judge.judge_all(tmp_path))
    for paper, row in counts.items():
        assert sum(n for name, n in row.items() if name != "exploratory") == len(
            ledger.by_paper(paper)
        )


def test_every_verdict_has_a_colour_of_its_own():
    from lib.claims import verdict

    assert set(summary.COLOURS) == set(verdict.VERDICTS)
    assert len(set(summary.COLOURS.values())) == len(summary.COLOURS)


def test_table_keeps_strokes_and_breaks_inside_a_cell():
    assert summary.table(["p(x|z)"], [["a\nb"]]).splitlines()[::2] == ["| p(x\\|z) |", "| a b |"]
