"""README's animated picture: its frames follow the script, and the same page gives the same."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageColor

from lib import paths
from lib.explore import deviation_field, phantom
from lib.record import panels
from lib.report import animate


def test_way_is_straight_ends_at_its_end_and_is_slow_there():
    at = np.array([(10, 50), *animate.way((10, 50), (110, 0), 10)])
    assert at.shape == (11, 2)
    assert at[-1].tolist() == [110, 0]
    assert np.allclose(at[:, 1] - 50, -0.5 * (at[:, 0] - 10))
    steps = np.diff(at[:, 0])
    assert steps.min() > 0
    assert steps.argmin() in (0, 9)
    assert steps[4] > 5 * steps[0]


def test_film_keeps_every_frame_and_the_time_of_each(tmp_path):
    each = [("black", 1), ("white", 2), ("firebrick", 3), ("firebrick", 4), ("navy", 5)]
    shots = [(Image.new("RGB", (40, 30), colour), ticks) for colour, ticks in each]
    files = tmp_path / "a.gif", tmp_path / "b.gif"
    for file in files:
        animate.write(shots, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    with Image.open(files[0]) as film:
        assert film.size == (40, 30)
        assert film.info["loop"] == 0, "it goes on for ever"
        found = []
        for i in range(film.n_frames):
            film.seek(i)
            found.append((film.convert("RGB").getpixel((20, 15)), film.info["duration"]))
    wanted = [("black", 1), ("white", 2), ("firebrick", 7), ("navy", 5)]  # equal frames are one
    assert [length for _, length in found] == [animate.TICK * ticks for _, ticks in wanted]
    true = [ImageColor.getrgb(colour) for colour, _ in wanted]
    assert np.allclose([colour for colour, _ in found], true, atol=2)


def test_what_is_missing_is_said_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "FIGURES", tmp_path)
    with pytest.raises(SystemExit, match=r"latent_space\.html is missing: run \./run_all\.sh"):
        animate.main()
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(animate.shutil, "which", lambda name: None)
    with pytest.raises(animate.MissingError, match="Chromium is missing"), animate.browser():
        pass
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(animate.MissingError, match="playwright is missing"), animate.browser():
        pass


def test_the_committed_film_suits_a_readme():
    with Image.open(animate.FILM) as film:
        assert 640 <= film.size[0] <= 800
        length = [film.seek(i) or film.info["duration"] for i in range(film.n_frames)]
    assert 6_000 <= sum(length) <= 12_000
    assert len(length) > 40
    assert animate.FILM.stat().st_size < 1_500_000
    readme = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    assert f"](figures/gallery/{animate.FILM.name})" in readme


# ---- in a browser: the two pages that are quickly made from the record alone ----


NAMES = ("image", "healthy twin")


@pytest.fixture
def scene():
    return {each.page: each for each in animate.SCENES}.get


def changed(one, other):
    """Number of pixels that differ between two frames."""
    return int(np.asarray(ImageChops.difference(one, other)).any(2).sum())


def test_the_same_page_gives_the_same_frames_and_they_move(scene, chromium, tmp_path):
    shown = deviation_field.explorer(panels.load("explore/deviation_field", "field", own=False))
    file = shown.write(tmp_path / "page.html")
    shots, again = (animate.film(chromium, scene("deviation_field"), file) for _ in range(2))
    assert [ticks for _, ticks in shots] == [ticks for _, ticks in again]
    assert [changed(a, b) for (a, _), (b, _) in zip(shots, again, strict=True)] == [0] * len(shots)
    assert {image.size for image, _ in shots} == {animate.SIZE}
    assert changed(shots[0][0], shots[-1][0]) > 2000


def test_a_faded_lesion_leaves_the_healthy_twin(scene, chromium, tmp_path):
    sweeps = {kind: panels.load("explore/phantom", kind, own=False) for kind in phantom.LAWS}
    file = phantom.explorer(sweeps).write(tmp_path / "page.html")
    seen = []

    def ends(page, hand):
        for ticks in scene("phantom").play(page, hand):
            named = [page.get_by_role("img", name=name, exact=True) for name in NAMES]
            seen.append([each.evaluate("canvas => canvas.toDataURL()") for each in named])
            yield ticks

    animate.film(chromium, replace(scene("phantom"), play=ends), file)
    assert seen[0][0] != seen[0][1]
    assert seen[-1][0] == seen[-1][1]
