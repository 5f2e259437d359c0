"""Explorers as text: nothing outside the page, data as they were, three hosts of one script."""

import html
import json
import re
import shutil
import subprocess
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest

from lib import paths
from lib.explore import host
from lib.jobs.pool import WORKERS


class Scripts(HTMLParser):
    """Text of every script by its id, and all addresses that a page names."""

    def __init__(self, page: str):
        super().__init__()
        self.texts, self.addresses, self.inside = {}, [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.inside = given.get("id", "code") if tag == "script" else None
        self.addresses += [given[name] for name in ("src", "href") if name in given]

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.texts[self.inside] = self.texts.get(self.inside, "") + data


def test_arrays_come_back_from_the_packed_bytes():
    rng = np.random.default_rng(0)
    given = {
        "grey": rng.integers(0, 255, (3, 4, 4)).astype(np.uint8),
        "weights": rng.normal(size=(5,)).astype(np.float16),
        "inside": rng.random((2, 2)) > 0.5,
        "wide": rng.normal(size=(2, 3)).astype(">f4"),
        "names": ["a", "b"],
    }
    head, packed = host.packed(given)
    whole = zlib.decompress(packed)
    assert head["json"] == {"names": ["a", "b"]}
    for name, about in head["arrays"].items():
        part = whole[about["at"] : about["at"] + about["length"]]
        dtype = np.dtype(about["dtype"]).newbyteorder("<")
        found = np.frombuffer(part, dtype).reshape(about["shape"])
        assert np.array_equal(found, given[name])


@pytest.mark.parametrize("value", [np.zeros(2), np.array(["a"]), {1, 2}, float("nan")])
def test_data_that_no_script_reads_are_refused(value):
    with pytest.raises(ValueError, match="data 'x' is"):
        host.packed({"x": value})


def test_page_holds_all_and_asks_for_nothing(toy):
    page = toy.page()
    found = Scripts(page)
    assert json.loads(found.texts["head"]) == toy.head
    assert found.addresses == ["data:,"]
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|@import|url\(", page)
    code = re.sub(r"^\s*//.*$", "", found.texts["code"], flags=re.M)
    assert not re.search(r"https?://", code)
    assert 'lang="en"' in page and "width=device-width" in page


def test_frame_holds_the_very_same_page(toy):
    frame = toy.frame()
    assert frame.startswith("<div>")  # IPython warns of a string that starts with an iframe
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1]) == toy.page()
    assert 'title="A toy"' in frame


def test_page_is_written_once_for_all_and_the_same_again(toy, tmp_path):
    first = toy.write(tmp_path / "a" / "toy.html").read_bytes()
    assert toy.write(tmp_path / "b.html").read_bytes() == first
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["toy.html"]


def test_a_runner_shows_the_frame_and_a_person_the_widget(toy, monkeypatch):
    monkeypatch.setenv(WORKERS, "1")
    assert set(toy._repr_mimebundle_()) == {"text/html", "text/plain"}
    assert toy.value == {}
    monkeypatch.delenv(WORKERS)
    monkeypatch.delenv(paths.RECORD_ONLY, raising=False)
    shown = toy._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert shown["text/html"] == toy.frame()  # what an exported notebook falls back to
    toy.live.value = {"shift": 1}
    assert toy.value == {"shift": 1}


@pytest.mark.skipif(not shutil.which("node"), reason="no Node on this machine")
@pytest.mark.parametrize("file", sorted(host.SCRIPTS.glob("*.js")), ids=lambda file: file.name)
def test_scripts_can_be_read(file, tmp_path):
    module = tmp_path / "script.mjs"
    module.write_text(file.read_text())
    done = subprocess.run(["node", "--check", module], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
