"""The report and the README: complete, offline, honest about failures, no typed numbers."""

import base64
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup
from matplotlib import pyplot as plt
from nbformat import v4

from lib import machine, paths, profiles
from lib.claims import judge, ledger, verdict
from lib.explore.host import Explorer
from lib.papers.departures import COLUMNS
from lib.papers.pavae.departures import departures
from lib.papers.registry import PAPERS
from lib.profiles import Plan
from lib.record import rows
from lib.report import build, chapter, checklists, findings, readme, summary, tables
from lib.report.effects import effects
from lib.report.formula import mathml
from lib.report.html import convert
from lib.runner import notebooks

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
UNWRITTEN = ()  # items whose verdict cells are still to come; none: the chapter is complete
LOADS = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home with a notebook folder of its own."""
    monkeypatch.setattr(paths, "HOME", tmp_path)
    for name, where in (("METRICS", "data/metrics"), ("FIGURES", "figures"), ("RECORD", "record")):
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


def kept(file):
    """PIXEL as a file under figures/, and the output that shows it."""
    (paths.FIGURES / file).parent.mkdir(parents=True, exist_ok=True)
    (paths.FIGURES / file).write_bytes(base64.b64decode(PIXEL))
    return picture(**{"image/png": {"file": file, "width": 30}})


def test_page_links_the_figure_beside_it_as_long_as_it_is_the_same(home):
    file = leave("toy/a", v4.new_code_cell("plot()", outputs=[kept("toy/a b.png"), picture()]))
    linked, inside = BeautifulSoup(convert(file), "html.parser").find_all("img")
    assert linked["src"] == "../../toy/a%20b.png"
    assert inside["src"] == f"data:image/png;base64,{PIXEL}"
    assert [(img["width"], img["height"]) for img in (linked, inside)] == [("30", "30"), ("1", "1")]
    for spoil in (lambda png: png.write_bytes(b"another"), Path.unlink):
        spoil(paths.FIGURES / "toy" / "a b.png")
        assert BeautifulSoup(convert(file), "html.parser").img["src"] == inside["src"]
    stored = nbformat.read(file, as_version=4).cells[0].outputs[0]
    assert stored.data["image/png"] == PIXEL, "the notebook itself has its picture"


def test_page_links_the_explorer_that_it_shows_as_long_as_it_is_the_same(home, monkeypatch):
    shown = Explorer("toy", 'A "toy" & more', {})
    monkeypatch.setattr(Explorer, "page", lambda self: '<p title="a">1 < 2 &amp; 3</p>')
    html = v4.new_output("display_data", {"text/html": shown.frame()})
    file = leave("explore/a", v4.new_code_cell("shown", outputs=[html]))
    alone = BeautifulSoup(convert(file), "html.parser").iframe
    assert alone["srcdoc"] == shown.page() and not alone.has_attr("src")
    shown.write(paths.FIGURES / "explore" / "toy.html")
    linked = BeautifulSoup(convert(file), "html.parser").iframe
    assert linked["src"] == "../../explore/toy.html" and not linked.has_attr("srcdoc")
    assert linked["title"] == 'A "toy" & more'
    (paths.FIGURES / "explore" / "toy.html").write_text("another")
    assert BeautifulSoup(convert(file), "html.parser").iframe == alone


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


def tagged(*tags):
    return v4.new_code_cell("tell()", metadata={"tags": list(tags)})


def test_page_gives_each_claim_of_a_cell_an_anchor(home):
    file = leave("pavae/a", text("# T"), tagged("PV-01", "slow", "PV-02"), tagged("PV-03"))
    soup = BeautifulSoup(convert(file), "html.parser")
    sections = [soup.find(id=id_).find_parent("section") for id_ in ("PV-01", "PV-02", "PV-03")]
    assert sections[0] is sections[1] is not sections[2]
    assert all("tell()" in section.text for section in sections)
    assert soup.find(id="slow") is None and len(soup.select("a.claim")) == 3


def test_page_is_made_again_only_when_the_notebook_is_newer(home):
    file = leave("a", text("# T"))
    page = build.page(file)
    page.write_text("kept")
    assert build.page(file).read_text() == "kept"
    os.utime(file, ns=(page.stat().st_mtime_ns + 1,) * 2)
    assert build.page(file).read_text() != "kept"


def test_page_of_a_notebook_that_is_executed_again_meanwhile_counts_as_old(home, monkeypatch):
    file, slow = leave("a", text("# Before")), convert

    def meanwhile(ipynb):
        found = slow(ipynb)
        leave("a", text("# After"))
        return found

    monkeypatch.setattr("lib.report.html.convert", meanwhile)
    assert "Before" in build.page(file).read_text()
    monkeypatch.setattr("lib.report.html.convert", slow)
    assert "After" in build.page(file).read_text()


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

    from lib.report.html import markdown

    for cell in read(notebooks.source(name)).cells:
        if cell.cell_type == "markdown":
            markdown(cell.source, [], Path(name).parent)


# ---- the index ----------------------------------------------------------------------------------


def test_index_without_any_run_shows_all_claims_as_they_are(home):
    soup = index("quick")
    assert len(soup.select("table.claims tbody tr")) == len(ledger.load())
    assert "Nothing here shows that a method works or fails on patients." in soup.text
    assert "conceptual replication on different (synthetic) data" in soup.text
    assert "No verdict falls before 4 training draws" in soup.text
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


def test_index_leads_to_an_explorer_alone_once_it_is_there(home):
    leave("explore/a", text("# An explorer"))
    leave("toy/b", text("# A page"))
    for file in ("explore/a.html", "toy/b.html"):
        (paths.FIGURES / file).parent.mkdir(exist_ok=True)
        (paths.FIGURES / file).write_text("x")
    links = [a["href"] for a in index().select(".chapter a")]
    assert "explore/a.html" in links and "toy/b.html" not in links
    for name, page in {"controlnet/01_generator": "prompts", "99_all_claims": "claim_dial",
                       "explore/rate_images": "real_or_phantom"}.items():  # fmt: skip
        leave(name, text("# A page with an explorer"))
        (paths.FIGURES / "explore" / f"{page}.html").write_text("x")
        (link,) = index().select(f'.chapter a[href="explore/{page}.html"]')
        assert link.text == page.replace("_", " ")
    (paths.FIGURES / "explore" / "a.html").unlink()
    assert "explore/a.html" not in [a["href"] for a in index().select(".chapter a")]


def test_index_tells_numbers_of_another_profile_and_lost_pictures(home):
    row = {"arm": "real", "metric": "auc"}
    figures = [{"file": "pavae/gone.png", "caption": "Gone.", "alt": "A gone picture."}]
    rows.write("pavae/a", "quick", [row], figures=figures)
    assert "pavae/gone.png is not there" in index("quick").select_one("#failed").text
    assert "from profile quick, not smoke" in index("smoke").select_one("#failed").text
    (paths.FIGURES / "pavae").mkdir(parents=True)
    (paths.FIGURES / "pavae" / "gone.png").write_bytes(b"")
    soup = index("quick")
    assert soup.select_one("#failed") is None
    (shown,) = soup.select("#pictures img")
    assert shown["src"] == "pavae/gone.png" and shown["alt"] == "A gone picture."
    (paths.METRICS / "pavae" / "b.json").write_text("{")
    assert "pavae/b.json is damaged; delete it" in index("quick").select_one("#failed").text


def test_pictures_of_the_record_alone_are_not_missed_and_spell_names(home):
    commit({}, figures=[{"file": "pavae/gone.png", "caption": "Gone."}])
    assert index("quick").select_one("#failed") is None
    commit({}, figures=[{"file": "pavae/gone.png", "caption": "Gone, pet."}])
    (paths.FIGURES / "pavae").mkdir(parents=True)
    (paths.FIGURES / "pavae" / "gone.png").write_bytes(b"")
    (shown,) = index("quick").select("#pictures figure")
    assert shown.figcaption.text.strip() == "Gone, PET." == shown.img["alt"]


# ---- draws of the record in the index, links to the cells that show verdicts ---------------------

PLAN = {"real": 0.7, "smooth": 0.71, "oversample": 0.7, "template": 0.8, "oracle": 0.9}
ITEM = "pavae/table4_main"


def auc_rows(draws):
    """Rows that decide PV-10 with these draws of a seed that had not been seen."""
    return [
        {"regime": "bare", "arm": arm, "metric": "auc",
         "draws": {f"7/{k}": (x + 0.001 * (k % 3), "c") for k in draws}}
        for arm, x in PLAN.items()
    ]  # fmt: skip


def commit(*made, item=ITEM, **more):
    """A page of the record."""
    mine = paths.METRICS
    paths.METRICS = paths.RECORD
    try:
        rows.write(item, "quick", made if made != ({},) else [], seconds=1.0, **more)
    finally:
        paths.METRICS = mine


@pytest.fixture
def with_record(home):
    """A home with three draws of its own beside seven more in the record."""
    commit(*auc_rows(range(3, 10)))
    rows.write(ITEM, "quick", auc_rows(range(3)), seconds=60.0)
    return home


def claim_row(soup, id_):
    return soup.select_one(f"table.claims tr#{id_}")


def test_index_says_whose_draws_decided(with_record):
    soup = index("quick")
    told = claim_row(soup, "PV-10").get_text(" ", strip=True)
    assert "R=10, 3 computed here" in told
    assert claim_row(soup, "PV-10").select_one(".badge").text == verdict.REPRODUCED
    said = "Of 2 claims that have been run 1 rests on draws computed here and 1 rests on draws of"
    assert f"{said} both." in soup.text
    assert "R=1, computed here" in claim_row(soup, "PV-27").text
    alone = index("quick", own=False)
    assert "R=7, from the record" in claim_row(alone, "PV-10").text
    assert "pavae/table4_main (record)" in alone.text
    assert "All 2 claims that have been run rest on draws of data/record." in alone.text


def test_index_of_smoke_shows_no_draw_of_the_record(with_record):
    rows.write(ITEM, "smoke", auc_rows(range(2)))
    soup = index("smoke")
    assert "R=2, computed here" in claim_row(soup, "PV-10").text
    assert "claims that have been run rest on draws computed here." in soup.text
    rows.write(ITEM, "quick", auc_rows(range(2)))
    assert "R=" not in claim_row(index("smoke"), "PV-10").text


def test_index_links_a_decided_claim_to_its_cell(with_record):
    leave("pavae/table4_main", text("# T"), tagged("PV-01", "PV-10"))
    soup = index("quick")
    links = [a["href"] for a in claim_row(soup, "PV-10").select("small a")]
    assert links == ["report/pavae/table4_main.html#PV-10"]
    page = paths.FIGURES / links[0].partition("#")[0]
    assert BeautifulSoup(page.read_text(), "html.parser").find(id="PV-10")
    assert not claim_row(soup, "PV-01").select("small a"), "not decided"
    assert not claim_row(soup, "PV-27").select("small a"), "its cell has no tag"


def test_links_of_notebooks_lead_to_the_tagged_cell(home):
    leave("pavae/table4_main")
    source = paths.NOTEBOOKS / "pavae" / "table4_main.py"
    source.write_text('# %% tags=["PV-01", "slow"]\nx = "PV-02"\n')
    out = {"id": "PV-01", "verdict": verdict.INCONCLUSIVE}
    assert summary.tags("pavae/table4_main") == ["PV-01"]
    assert summary.link(out) == "[PV-01](pavae/table4_main.py#PV-01)"
    assert summary.link(out, "pavae") == "[PV-01](table4_main.py#PV-01)"
    assert summary.link(out, "dhvae") == "[PV-01](../pavae/table4_main.py#PV-01)"
    assert summary.link({**out, "verdict": verdict.NOT_RUN}) == "PV-01"
    assert summary.link({**out, "id": "PV-02"}) == "PV-02", "no cell is tagged with it"
    assert summary.decided_in("PV-28") == "pavae/00_claims"
    cell = text("# T", summary.link(out, "pavae"))
    soup = BeautifulSoup(convert(leave("pavae/a", cell)), "html.parser")
    assert soup.select_one(".text a")["href"] == "table4_main.html#PV-01"


@pytest.mark.parametrize(
    "paper", [paper for paper in ledger.PAPERS if (paths.NOTEBOOKS / paper).is_dir()]
)
def test_each_claim_has_one_tagged_cell_in_its_notebook(paper):
    names = [name for name in notebooks.find() if name.startswith(f"{paper}/")]
    found = [(tag, name) for name in names for tag in summary.tags(name)]
    wanted = [(claim["id"], summary.decided_in(claim["id"])) for claim in ledger.by_paper(paper)]
    for id_, name in wanted:
        places = [place for tag, place in found if tag == id_]
        assert places == [name] or (not places and name in UNWRITTEN), f"{id_}: {places}"
    assert {tag for tag, _ in found} <= {id_ for id_, _ in wanted}


def test_a_contradiction_is_found_where_it_is_named(home):
    for name in ("pavae/table4_main", "pavae/00_claims", "99_all_claims", "04_more"):
        leave(name)
    (paths.NOTEBOOKS / "pavae" / "table4_main.py").write_text("# (PV-E07)")
    (paths.NOTEBOOKS / "pavae" / "00_claims.py").write_text("# (PV-E07)")
    assert summary.cited("PV-E07") == ["pavae/table4_main"] and summary.cited("PV-E01") == []


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
        for tag in soup.find_all(["a", "img", "iframe"]):
            address = urlsplit(tag.get("href") or tag.get("src") or "")
            if address.scheme in ("http", "https", "mailto", "data"):
                continue
            target = (file.parent / unquote(address.path)).resolve() if address.path else file
            assert target.is_file(), f"{file} links to {target}"
            if address.fragment:
                other = smoke_pages[target]
                assert other.find(id=unquote(address.fragment)), f"{file} -> {address.geturl()}"


def test_what_a_reader_opens_stays_small(smoke_home, smoke_pages):
    """No figure twice: pages of their own half a megabyte at most, with all they link 40."""
    found = {*smoke_pages}
    for file, soup in smoke_pages.items():
        assert file.stat().st_size < 0.5e6, f"{file} carries what could lie beside it"
        addresses = [tag.get("href") or tag.get("src") for tag in soup.select("[href], [src]")]
        found |= {
            (file.parent / unquote(urlsplit(each).path)).resolve()
            for each in addresses if not each.startswith(("http", "data:", "#"))
        }  # fmt: skip
    assert {smoke_home / "figures" / "explore" / "latent_space.html"} < found
    assert sum(file.stat().st_size for file in found) < 40e6


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


# ---- what was found -----------------------------------------------------------------------------


def test_findings_quote_the_main_table_with_the_share(home):
    commit(*half_rows(3))
    (text,) = findings.main_result(PAPERS["pavae"], readme.record())
    start = "AUC is 0.700 with real images alone, 0.750 with PA-VAE (3 draws, 0.50 ["
    assert text.startswith(start)
    assert text.endswith("of the oracle's gain), 0.800 with as many fresh phantoms (the oracle).")
    assert findings.main_result(PAPERS["pavae"], {}) == ["Its main table has not run."]


def main_rows(item, regime, scores):
    """One draw of a main table: {arm: {metric: value}}; None where a score is undefined."""
    made = [{"regime": regime, "arm": arm, "metric": metric, "draws": {"7/0": (x, "")}}
            for arm, found in scores.items() for metric, x in found.items()]  # fmt: skip
    commit(*made, item=item)
    return readme.record()


@pytest.mark.parametrize("paper", PAPERS)
def test_the_controls_of_a_main_table_are_told_in_its_own_words(home, paper):
    main = PAPERS[paper].main
    assert main.classic in main.controls and len(main.controls) == 3
    about = replace(PAPERS[paper], main=replace(main, controls={"x": "an x"}))
    regime, metric = next(iter(main.regimes)), next(iter(main.columns))
    scores = {arm: {metric: 0.5} for arm in ("real", main.method, main.oracle, "x")}
    pages = main_rows(main.item, regime, scores)
    (text,) = findings.main_result(about, pages)
    assert "; for comparison, it is 0.500 with an x." in text


FILMS = {
    "real": {"dice": 0.5, "dice_all": 0.8, "false_positive_rate": 0.1},
    "syn10": {"dice": 0.6, "dice_all": 0.7, "false_positive_rate": 0.2},
    "oracle10": {"dice": 0.9, "dice_all": 0.3, "false_positive_rate": 0.9},
}


def test_findings_quote_the_score_of_all_films_beside_that_of_films_with_a_lesion(home):
    pages = main_rows("controlnet/02_utility", "candid-10", FILMS)
    (text,) = findings.main_result(PAPERS["controlnet"], pages)
    assert "Dice of films with a lesion is 0.500 with real images alone" in text
    all_films = "Dice of all films is 0.800, 0.700 and 0.300 for real films alone, the method and"
    assert all_films in text and "10 %, 20 % and 90 % of these are marked" in text
    assert all_films in tables.main_table(pages, "controlnet")
    (plain,) = findings.in_plain(PAPERS["controlnet"], pages, [])
    assert "rises from 0.500 to 0.600 with its images" in plain
    said = "and Dice of all films falls from 0.800 to 0.700 (with as many fresh phantoms 0.300"
    assert said in plain


def test_findings_say_that_a_set_has_no_film_without_a_lesion(home):
    same = {arm: {"dice": s["dice"], "dice_all": s["dice"], "false_positive_rate": None}
            for arm, s in FILMS.items()}  # fmt: skip
    pages = main_rows("controlnet/02_utility", "siim-10", same)
    said = "This set has no film without a lesion, so Dice of all films is the same."
    (text,) = findings.main_result(PAPERS["controlnet"], pages)
    assert text.endswith(said) and said in tables.main_table(pages, "controlnet")
    assert "all films" not in findings.in_plain(PAPERS["controlnet"], pages, [])[0]


@pytest.mark.parametrize(("classic", "beats"), [(0.89, True), (0.79, False)])
def test_findings_say_where_augmentation_alone_beats_the_oracle(home, classic, beats):
    arms = {"real": 0.7, "pavae": 0.75, "oracle": 0.8, "classic": classic}
    pages = main_rows(ITEM, "bare", {arm: {"auc": x} for arm, x in arms.items()})
    (text,) = findings.main_result(PAPERS["pavae"], pages)
    said = "Augmentation alone does better than the oracle (0.890 against 0.800)."
    assert (said in text) == (said in tables.main_table(pages, "pavae")) == beats
    assert (findings.SHARE in findings.in_plain(PAPERS["pavae"], pages, [])[0]) == beats


@pytest.mark.parametrize(("moved", "verb"), [(0.93, "rises"), (0.87, "falls")])
def test_findings_give_the_fairest_reading_where_its_arms_are_there(home, moved, verb):
    arms = {"real": 0.7, "pavae": 0.75, "oracle": 0.8, "classic": 0.9}
    about = PAPERS["pavae"]
    pages = main_rows(ITEM, "bare", {arm: {"auc": x} for arm, x in arms.items()})
    assert "fairest" not in findings.in_plain(about, pages, [])[0]
    arms = {"pavae_classic": moved, "oracle_classic": 0.95}
    pages = main_rows(ITEM, "bare", {arm: {"auc": x} for arm, x in arms.items()})
    said = f"with it, AUC {verb} from 0.900 to {moved:.3f} with its images (with as many fresh "
    assert said + "phantoms 0.950)." in findings.in_plain(about, pages, [])[0]


@pytest.mark.parametrize("paper", PAPERS)
def test_what_would_change_our_mind_names_a_score_its_margin_and_the_draws(paper, monkeypatch):
    about = PAPERS[paper]
    metric, head = next(iter(about.main.columns.items()))
    said = findings.turned(about)
    assert head in said and "over 4 draws or more" in said
    assert f"at least {verdict.MARGINS[metric]:g} above" in said
    monkeypatch.setitem(verdict.MARGINS, metric, 0.125)
    assert "at least 0.125 above" in findings.turned(about)
    assert findings.turned(replace(about, turn="")) == ""


def test_index_tells_each_paper_in_a_line_first(home):
    commit(*half_rows(3), *gate_rows(pavae=0.5))
    soup = index("quick", own=False)
    first = soup.select_one("main section")
    assert first["id"] == "short"
    lines = dict(zip(PAPERS, first.select("dd"), strict=True))
    for name, about in PAPERS.items():
        assert about.plain in lines[name].text
    assert "AUC rises from 0.700 to 0.750 with its images" in lines["pavae"].text
    assert "Its generator fails our check of what it draws" in lines["pavae"].text
    assert findings.NOTHING in lines["dhvae"].text


def test_what_is_reproduced_on_cost_alone_is_told_apart(home):
    commit(*half_rows(1), item=ITEM)
    pages = readme.record()
    outs = judge.judge_all(pages.get)
    said = findings.so_far(outs, pages)
    assert "No claim about generated images is decided yet: that takes 4 draws." in said
    kind = "PV-27 (Whole pipeline runs on a CPU in hours) is reproduced, but bounds the cost of"
    assert kind in said and kind in findings.sentences(PAPERS["pavae"], outs, pages)[0]
    assert "The main tables of PathoSyn, ControlNet and dHVAE have not run." in said
    commit(*auc_rows(range(10)))
    pages = readme.record()
    said = findings.so_far(judge.judge_all(pages.get), pages)
    assert "Of the claims about generated images 1 is reproduced on phantoms." in said
    assert findings.so_far([], {}) == "So far nothing has been run."


def test_what_is_not_measured_of_a_passed_check_is_said(home):
    commit(*half_rows(3), *gate_rows(pavae=0.95))
    (line,) = (dd for dd in index("quick", own=False).select("#short dd") if "AUC rises" in dd.text)
    part = "(coverage and end of training not measured yet)"
    assert f"Its generator passes our check of what it draws {part}." in line.text


def gate_rows(**adherence):
    """Rows of competence in which nothing but adherence is measured."""
    return [
        {"regime": "bare", "arm": arm, "metric": "adherence_ratio", "draws": {"7/0": (x, "")},
         "generator": {"arm": arm, "regime": "bare"}}
        for arm, x in adherence.items()
    ]  # fmt: skip


EVERY = "every condition of the gate that was measured"


@pytest.mark.parametrize(
    ("adherence", "said"),
    [
        ({"pavae": 0.5, "vae": 0.9, "stylegan": 0.7},
         f"1 of 3 generators meets {EVERY} (standard VAE); PA-VAE does not: adherence 0.5 below "
         "0.85. Nor does StyleGAN-lite."),
        ({"pavae": 0.9, "vae": 0.9, "stylegan": 0.7},
         f"2 of 3 generators meet {EVERY} (PA-VAE and standard VAE); StyleGAN-lite does not."),
        ({"pavae": 0.5, "vae": 0.6}, f"None of 2 generators meets {EVERY}; PA-VAE does not: "
         "adherence 0.5 below 0.85. Nor does standard VAE."),
        ({"pavae": 0.5}, f"PA-VAE does not meet {EVERY}: adherence 0.5 below 0.85."),
        ({"pavae": 0.9}, f"PA-VAE meets {EVERY}."),
        ({}, ""),
    ],
)  # fmt: skip
def test_findings_name_the_generators_that_pass_and_what_the_papers_own_misses(
    home, adherence, said
):
    commit(*gate_rows(**adherence))
    assert findings.competence(PAPERS["pavae"], readme.record().get) == said
    assert findings.missed("pavae", "template", readme.record().get) is None


def test_findings_count_every_claim_that_was_run(home):
    def out(name, n=1):
        return {"paper": "dhvae", "id": "DH-01", "verdict": name, "n": n}

    outs = [out("exploratory: inconclusive"), out("inconclusive"), out(verdict.NOT_RUN, 0)]
    told = findings.sentences(PAPERS["dhvae"], outs, {})
    assert told[0].startswith("Of 3 claims 2 have been run, on at most one draw: 2 are inconcl")
    assert "every verdict is exploratory" in told[0]
    outs.append(out(verdict.REVERSED, 4))
    assert "on at most 4 draws: 1 is reversed and 2 are inconclusive." in (
        findings.sentences(PAPERS["dhvae"], outs, {})[0]
    )
    against = [out(verdict.INCONSISTENT, 0)]
    assert findings.sentences(PAPERS["dhvae"], against, {}) == [
        findings.NOTHING, "DH-01 contradicts the paper's own numbers."
    ]  # fmt: skip


def test_every_measured_verdict_has_words():
    assert set(findings.SAID) == set(summary.MEASURED)


def test_index_sets_every_printed_number_beside_ours(with_record):
    rows.write(ITEM, "quick", [auc_rows(range(3))[0] | {"paper": 0.76}], seconds=60.0)
    (line,) = [tr for tr in index("quick").select("#tables details tr") if tr.select("td i")]
    assert [td.text for td in line.select("td")[:5]] == ["bare", "real", "auc", "0.76", "0.701"]


def test_what_is_folded_is_printed_and_every_claim_stands_below_its_paper(with_record):
    soup = index("quick")
    for name in PAPERS:
        (part,) = soup.select(f'#claims details.part:has(tr[data-paper="{name}"])')
        assert {tr["data-paper"] for tr in part.select("tbody tr")} == {name}
    for table in soup.select("table"):
        assert "part" in table.find_parent("details")["class"]


# ---- reproducibility summaries ------------------------------------------------------------------


def test_summaries_have_every_section_of_every_paper(home):
    index()
    soup = BeautifulSoup((paths.REPORT / "reproducibility.html").read_text(), "html.parser")
    for name, about in PAPERS.items():
        heads = [h3.text for h3 in soup.select(f"#{name} h3")]
        assert heads[:5] == ["Scope", "Methodology", "Results", "What was easy",
                             "What was difficult"]  # fmt: skip
        assert about.difficult and about.says
    assert len(soup.select("#checklists tbody tr")) == 32 + 44


def test_checklists_are_complete_and_name_places_that_exist():
    numbers = {name: [item.number for item in items] for name, (items, _) in checklists.ALL.items()}
    sizes = {1: 3, 2: 5, 3: 7, 4: 3, 5: 6, 6: 3, 7: 3, 8: 2}  # of the modules of REFORMS
    assert numbers["REFORMS"] == [f"{k}{c}" for k, n in sizes.items() for c in "abcdefg"[:n]]
    assert numbers["CLAIM"] == [str(k) for k in range(1, 45)]
    answers = {checklists.YES, checklists.PARTLY, checklists.NO, checklists.NOT_APPLICABLE}
    for items, _ in checklists.ALL.values():
        for item in items:
            assert item.answer in answers
            assert all((paths.ROOT / place).exists() for place in item.where.split()), item
            assert item.where or item.remark, f"{item.number} says neither where nor why"


# ---- README -------------------------------------------------------------------------------------


def test_readme_is_what_the_record_gives():
    now = readme.README.read_text(encoding="utf-8")
    assert readme.fill(now, readme.blocks(readme.record())) == now, "python -m lib.report.readme"


def test_readme_links_resolve():
    for address in re.findall(r"\]\(([^)#]+)", readme.README.read_text()):
        assert (paths.ROOT / address).exists(), address


def test_readme_without_a_place_for_a_block_is_refused():
    with pytest.raises(ValueError, match="has 0 blocks `generated: papers`"):
        readme.fill("# Title", {"papers": "x"})


def half_rows(R, regimes=tuple(PAPERS["pavae"].main.regimes)):
    """Rows in which the method has exactly half of the oracle's gain; a second arm has one draw."""
    gains = {"real": 0.0, "pavae": 0.05, "oracle": 0.1, "vae": 0.02}
    noise = [0.01 * (k % 3 - 1) for k in range(R)]
    return [
        {"regime": regime, "arm": arm, "metric": "auc", "paper": 0.842,
         "draws": {f"7/{k}": (0.7 + gain * (1 + e) + e, "")
                   for k, e in enumerate(noise[: 1 if arm == "vae" else R])}}
        for regime in regimes for arm, gain in gains.items()
    ]  # fmt: skip


def test_readme_gives_the_time_of_quick_by_precision_without_pages_that_it_computes_none_of(
    home, monkeypatch
):
    tabled = {"pavae/table1": True, "pavae/budget": False, "pavae/later": True, "pavae/old": True}
    for name in tabled:
        leave(name)
        (paths.NOTEBOOKS / f"{name}.py").write_text("# # T", encoding="utf-8")
    monkeypatch.setattr(readme, "_has_jobs", lambda name: tabled[name])
    monkeypatch.setattr(paths, "METRICS", paths.RECORD)
    monkeypatch.setattr(machine, "precision", lambda: "bfloat16")
    took = {"table1": ("quick", 4), "budget": ("full", 50), "old": ("full", 2)}
    for name, (profile, hours) in took.items():
        rows.write(f"pavae/{name}", profile, [], seconds=3600.0 * hours)
    text = readme.quick_time(["pavae/table1", "pavae/budget", "pavae/old"])
    assert "| PA-VAE | bfloat16 | at most 3.0 h | at most 6.0 h | 1 |" in text
    assert "| dHVAE |  | - | - | 0 |" in text


def test_readme_says_once_what_the_next_looks_of_all_open_claims_cost():
    table4 = {"PV-01": 4, "PV-02": 6}  # both read pavae/table4_main
    outs = [{"id": id_, "verdict": verdict.INCONCLUSIVE, "n": 1, "price": {"look": look}}
            for id_, look in table4.items()]  # fmt: skip
    outs.append({"id": "PV-03", "verdict": verdict.NOT_INTERPRETED, "n": 1, "price": None})
    pages = {"pavae/table4_main": {"seconds": 90.0}}
    said = summary.next_looks(outs, pages)
    assert said.startswith("2 claims are inconclusive. Their next looks cost at most 8 core-min")
    assert summary.next_looks(outs[2:], pages) == ""


def test_readme_table_quotes_the_record(home):
    commit(*half_rows(3))
    pages = readme.record()
    table = tables.main_table(pages, "pavae")
    assert "R = 3 training draws" in table
    (ours,) = [line for line in table.splitlines() if line.startswith("| PA-VAE |")]
    cells = [cell.strip() for cell in ours.strip("|").split("|")]
    assert cells[1].startswith("0.750 [0.7") and cells[2:5] == ["–", "–", "–"]
    assert cells[5].startswith("0.50 [") and cells[6] == "*0.842*"
    assert "| Standard VAE (R = 1) |" in table
    assert readme.stamp(pages).startswith("Draws of the record, made at commit ")
    assert tables.main_table({}, "pavae") == readme.stamp({}) == readme.NOTHING


def test_readme_pairs_an_arm_with_later_draws_by_key(home):
    made = half_rows(6, ["bare"])
    made[1]["draws"] = {key: made[1]["draws"][key] for key in ("7/3", "7/4", "7/5")}
    commit(*made)
    assert "| 0.50 [" in tables.main_table(readme.record(), "pavae")


def test_readme_table_of_dhvae_has_the_oracle_and_the_printed_dice_of_its_own_kind(home):
    gains = {"real": 0.0, "real3d": 0.02, "dhvae2000": 0.05, "oracle2000": 0.1}
    printed = {("real3d", "dice"): 0.607, ("dhvae2000", "dice_selected"): 0.724}
    made = [
        {"regime": "pet", "arm": arm, "metric": metric, "paper": printed.get((arm, metric)),
         "draws": {f"7/{k}": (0.5 + gain + e + 0.1 * gain * e, "")
                   for k, e in enumerate((-0.01, 0, 0.01))}}
        for arm, gain in gains.items() for metric in ("dice", "dice_selected")
    ]  # fmt: skip
    commit(*made, item="dhvae/table4_augmentation")
    text = tables.main_table(readme.record(), "dhvae")
    lines = {line.split(" | ")[0]: line.strip("| ").split(" | ") for line in text.splitlines()}
    assert "Head-and-neck PET" in text and "R = 3" in text and "Brain FLAIR" not in text
    ours = lines["| dHVAE +2,000"]
    assert ours[4].startswith("0.50 [") and ours[5] == "*0.724*"
    assert lines["| 3D, real only"][5] == "*0.607*"
    assert lines["| 2D, real only"][4:] == ["0 (null)", "–"]
    assert lines["| Oracle (fresh phantoms) +2,000"][4] == "1"


def test_readme_tells_earlier_code(with_record):
    assert "earlier code" not in readme.verdicts(readme.record())
    commit(*[{**one, "draws": {"7/3": (0.5, "")}} for one in auc_rows([3])])
    assert "1 of 2 measured verdicts rest on draws of earlier code." in readme.verdicts(
        readme.record()
    )


def test_readme_shows_the_picture_of_the_idea_once_it_was_copied(home):
    figures = [{"file": f"{name}.png", "caption": "A [part] of it."}
               for name in ("00_start_here", "00_start_here_more")]  # fmt: skip
    commit({}, item="00_start_here", figures=figures)
    where, kept, chosen = home / "figures", home / "gallery", readme.chosen(readme.record())
    readme.copy_pictures(chosen, where, kept)
    assert readme.gallery(chosen, kept) == "*No picture yet.*"
    where.mkdir(exist_ok=True)
    (where / "00_start_here.png").write_bytes(b"png")
    readme.copy_pictures(chosen, where, kept)
    assert (kept / "00_start_here.png").read_bytes() == b"png"
    wanted = "![A  part  of it.](figures/gallery/00_start_here.png)\n\n*A [part] of it.*"
    assert readme.gallery(chosen, kept) == wanted


def test_readme_names_every_paper_and_says_what_was_found(home):
    text = readme.papers({}, paths.NOTEBOOKS)
    assert text.count("Planned. **What we found.** Nothing has been run yet") == len(PAPERS)
    leave("dhvae/00_claims")
    assert "[Its claims](notebooks/dhvae/00_claims.py)" in readme.papers({}, paths.NOTEBOOKS)


# ---- pages of claims ----------------------------------------------------------------------------


class Shown:
    """What stands for a page: it keeps the lines of every table."""

    item = "dhvae/00_claims"

    def __init__(self, *outs):
        blank = {"paper": "dhvae", "exploratory": False, "missing": None, "n": 3, "sentence": ""}
        self.judged = {out["id"]: blank | out for out in outs}
        self.tables = []

    def text(self, markdown):
        pass

    def table(self, head, lines):
        self.tables.append(lines)


def test_waiting_claims_stand_beside_what_they_wait_for():
    gone = {"verdict": verdict.NOT_RUN}
    page = Shown({"id": "a", "missing": "y", **gone}, {"id": "b", "missing": "x", **gone},
                 {"id": "c", "verdict": verdict.NOT_RUN, "missing": "x", "paper": "pavae"},
                 {"id": "d", "missing": "y", **gone})  # fmt: skip
    chapter.Chapter(page).undecided()
    assert page.tables == [[["x", "b"], ["y", "a, d"]], []]


def test_undecided_claims_stand_with_what_they_need_and_what_it_costs():
    open_ = {"verdict": verdict.INCONCLUSIVE, "need": {"R": 1000, "for": True}}
    price = {"R": 1000, "minutes": 41234, "look": 4}
    alone = {"need": None, "price": {"R": 4, "minutes": None, "look": 4}}
    chapter_ = chapter.Chapter(page := Shown())
    chapter_.decided = [
        {"id": "a", "n": 3, "sentence": "A.", **open_, "price": price},
        {"id": "b", "n": 1, "sentence": "B.", **open_, **alone},
        {"id": "c", "n": 1, "sentence": "C.", "verdict": verdict.NOT_INTERPRETED, "price": None},
    ]
    chapter_.undecided()
    assert page.tables[1] == [["a", 3, "1,000", "41,234", "A."],
                              ["b", 1, "4 (first look)", "not known", "B."],
                              ["c", 1, "-", "-", "C."]]  # fmt: skip


def test_contradictions_are_those_of_one_paper_with_links_to_its_own_notebooks(home):
    for name in ("dhvae/table1_beta", "pavae/table4_main"):
        leave(name)
        (paths.NOTEBOOKS / f"{name}.py").write_text("# # T\n# (DH-E24)")
    page = Shown()
    chapter.Chapter(page).contradictions()
    each = {line[0]: line for lines in page.tables for line in lines}
    assert each["DH-E24"][-1] == "[table1_beta](table1_beta.py)"
    assert list(each) == [e["id"] for s in "ABC" for e in ledger.inconsistencies()
                          if (e["paper"], e["severity"]) == ("dhvae", s)]  # fmt: skip


def test_reading_lists_the_notebooks_that_are_there_in_the_given_order(home):
    leave("dhvae/b"), leave("dhvae/a")
    page = Shown()
    chapter.Chapter(page).reading("b", "c", "a")
    assert [line[0] for line in page.tables[0]] == ["[b](b.py)", "[a](a.py)"]


def test_a_claim_has_a_band_of_three_lines_or_more_and_every_test_a_line_in_it():
    out = {"statement": "S", "verdict": verdict.NOT_RUN}
    one = {"verdict": verdict.REPRODUCED, "value": 1.0, "ci95": None, "paper": None}
    tests = [one | {"id": id_, "value": i} for i, id_ in enumerate("abbbbb")]
    tests[2] |= {"ci95": [-30.0, 1.0], "paper": 20.0}
    assert chapter.bands(tests) == [0, 3, 8] and chapter.bands([]) == [0]
    assert chapter.reach(tests) == (-39.0, 39.0) and chapter.reach([]) == (-13.0, 13.0)
    _, axes = plt.subplots()
    chapter.Chapter(Shown({"id": "a", **out}, {"id": "b", **out})).banded(axes, tests, (1, 10))
    dots = {x.get_xdata()[0]: x.get_ydata()[0] for x in axes.lines if x.get_marker() == "o"}
    assert dots == {0: 1.5, 1: 3.5, 2: 4.5, 3: 5.5, 4: 6.5, 5: 7.5}
    assert [text.get_text() for text in axes.get_yticklabels()] == ["S  a", "S  b"]
    assert [*axes.get_yticks()] == [1.5, 5.5] and axes.get_ylim() == (8, 0)
    plt.close()


# ---- counts -------------------------------------------------------------------------------------


def test_counts_hold_every_claim_once():
    counts = summary.counts(judge.judge_all({}.get))
    for paper, row in counts.items():
        assert sum(n for name, n in row.items() if name != "exploratory") == len(
            ledger.by_paper(paper)
        )


def test_every_verdict_has_a_colour_of_its_own():
    assert set(summary.COLOURS) == set(verdict.VERDICTS)
    assert len(set(summary.COLOURS.values())) == len(summary.COLOURS)


def test_table_keeps_strokes_and_breaks_inside_a_cell():
    assert summary.table(["p(x|z)"], [["a\nb"]]).splitlines()[::2] == ["| p(x\\|z) |", "| a b |"]


# ---- effects on one scale -----------------------------------------------------------------------


def outcome(delta, margin, half=0.01, **more):
    ci95 = None if half is None else [delta - half, delta + half]
    base = {"delta": delta, "ci95": ci95, "margin": margin, "paper_effect": None, "n": 3}
    return {"verdict": verdict.INCONCLUSIVE, **base, **more}


def test_effects_are_in_margins_and_bounds_between_their_ends():
    (one,) = effects({"id": "PV-01", **outcome(0.05, 0.01, paper_effect=0.107)})
    assert (one["value"], one["paper"]) == (pytest.approx(5), pytest.approx(10.7))
    assert one["ci95"] == pytest.approx([4, 6]) and one["label"] == "auc"
    (place,) = effects({"id": "PV-19", **outcome(0.955, None, 0.01)})
    assert place["value"] == pytest.approx(0.75) and place["ci95"] == pytest.approx([0.25, 1.25])
    (epoch,) = effects({"id": "PV-18", **outcome(20, None, None)})
    assert epoch["value"] == pytest.approx(2) and epoch["ci95"] is None


def test_two_draws_have_no_interval_on_the_scale():
    for n, drawn in ((2, False), (3, True)):
        (one,) = effects({"id": "PV-01", **outcome(0.05, 0.01, n=n)})
        assert one["value"] == pytest.approx(5) and (one["ci95"] is not None) == drawn


def test_a_bound_without_a_range_has_no_place_on_the_scale():
    (cost,) = effects({"id": "DH-46", **outcome(40.0, None)})  # at least 10: 1 is no upper end
    assert cost["value"] is None and cost["ci95"] is None and cost["regime"] == "flair"
    residual = effects({"id": "DH-29", **outcome(0, None, parts=[outcome(-0.1, None)] * 2)})
    assert [(one["regime"], one["value"]) for one in residual] == [("flair", None), ("pet", None)]


def test_effects_name_the_parts_and_keep_the_verdict_of_what_is_only_measured():
    parts = [outcome(0.3, 0.03, verdict=verdict.REPRODUCED), outcome(0.2, 0.03)]
    whole = outcome(0, None, parts=parts, verdict="exploratory: " + verdict.MEASURED)
    found = effects({"id": "PV-23", **whole})
    assert [one["label"] for one in found] == ["above the VAE", "above StyleGAN"]
    assert {one["verdict"] for one in found} == {verdict.MEASURED}
    inner = outcome(0, None, parts=[outcome(0.01 * k, 0.01) for k in range(5)])
    nested = effects({"id": "PV-12", **outcome(0, None, parts=[inner, inner])})
    assert [round(one["value"]) for one in nested] == [0, 1, 2, 3, 4] * 2
    assert nested[5]["label"] == "sampling prior pi(y) removed: AUC"


# ---- the block of departures --------------------------------------------------------------------


def test_departures_are_complete_and_cite_what_exists():
    known = {entry["id"] for entry in ledger.inconsistencies()}
    claims = {claim["id"] for claim in ledger.load()}
    for profile in profiles.PROFILES.values():
        rows = [row for rows in departures(Plan(profile)).values() for row in rows]
        assert all(row[column].strip() for row in rows for column in COLUMNS)
        words = " ".join(text for row in rows for text in row.values())
        assert set(re.findall(r"PV-E\d\d", words)) <= known
        assert set(re.findall(r"PV-\d\d", words)) <= claims
    open_in_paper = {entry["id"] for entry in ledger.inconsistencies()
                     if entry["paper"] == "pavae" and entry["severity"] == "B"}  # fmt: skip
    assert open_in_paper <= set(re.findall(r"PV-E\d\d", words)), "B blocks an exact rerun"


def test_departures_follow_the_code(monkeypatch):
    from dataclasses import replace

    from lib.generators import vae
    from lib.papers.pavae.arms import ABLATED, MAIN
    from lib.papers.pavae.sizes import SIZES

    def said():
        return json.dumps(departures(Plan(profiles.QUICK)))

    assert "7,777 test images" not in said() and "11 latents" not in said()
    monkeypatch.setattr(vae, "PA_VAE", replace(vae.PA_VAE, latent=11))
    assert "11 latents" in said()
    monkeypatch.setitem(SIZES, "full", replace(SIZES["full"], test=7777))
    assert "7,777 test images" in said()
    arms = set(re.findall(r"`(\w+)`", said())) - {"full"}
    assert arms <= set(MAIN | ABLATED), "arms that the text names are arms of a study"
