"""Arrays that figures need: small, faithful within their steps, own before the record."""

import numpy as np
import pytest

from lib import paths
from lib.record import draws, panels
from lib.record import rows as pages

ITEM = "pavae/04_data"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "METRICS", tmp_path / "metrics")
    monkeypatch.setattr(paths, "RECORD", tmp_path / "record")
    return tmp_path


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "image": rng.random((2, 8, 8)),
        "deviation": rng.normal(size=(2, 8, 8)),
        "distance": 3 * rng.random((2, 8, 8)),
        "curve": rng.random((3, 50)),
        "mask": rng.random((2, 8, 8)) > 0.5,
        "label": np.arange(5),
        "inner/level": np.float64(0.25),
        "none": np.zeros((0, 4, 4)),
        "hole": np.full((1, 1, 2), np.nan),
    }


def test_what_is_kept_comes_back_within_its_steps():
    made = arrays()
    panels.save(ITEM, "samples", made)
    found = panels.load(ITEM, "samples")
    assert found.keys() == made.keys()
    assert all(found[key].shape == np.shape(value) for key, value in made.items())
    assert np.abs(found["image"] - made["image"]).max() <= 0.5 / 255 + 1e-6
    for name in ("deviation", "distance"):
        assert np.allclose(found[name], made[name], rtol=1e-3, atol=1e-3)
    assert np.array_equal(found["curve"], made["curve"].astype(np.float32))
    assert found["mask"].dtype == bool and np.array_equal(found["mask"], made["mask"])
    assert np.array_equal(found["label"], made["label"]) and np.isnan(found["hole"]).all()
    assert all(found[key].dtype == np.float32 for key in ("image", "deviation", "curve"))


def test_pictures_take_a_byte_a_pixel():
    image = np.random.default_rng(0).random((20, 64, 64))
    panels.save(ITEM, "samples", {"image": image})
    assert (paths.METRICS / f"{ITEM}.h5").stat().st_size < 1.2 * image.size


def test_sets_are_replaced_by_name_and_the_same_arrays_give_the_same_bytes():
    file = paths.METRICS / f"{ITEM}.h5"
    panels.save(ITEM, "samples", arrays())
    panels.save(ITEM, "curves", {"x": np.arange(3.0)})
    before = file.read_bytes()
    panels.save(ITEM, "samples", {"image": np.ones((1, 2, 2))})
    assert list(panels.load(ITEM, "samples")) == ["image"] and panels.load(ITEM, "curves")
    panels.save(ITEM, "samples", arrays())
    assert file.read_bytes() == before


def test_a_set_says_which_job_made_it_also_from_the_record():
    panels.save(ITEM, "samples", {"x": np.array([1.0])}, "abc")
    panels.save(ITEM, "curves", {"x": np.array([1.0])})
    panels.keep(ITEM)
    panels.save(ITEM, "samples", {"x": np.array([2.0])}, "def")
    assert panels.made_by(ITEM, "samples") == "def"
    assert panels.made_by(ITEM, "samples", own=False) == "abc"
    assert panels.made_by(ITEM, "curves") == panels.made_by(ITEM, "none") == ""


def test_own_arrays_come_first_and_the_record_alone_can_be_asked_for():
    panels.save(ITEM, "samples", {"x": np.array([1.0])})
    pages.write(ITEM, "quick", [{"arm": "a", "metric": "m", "draws": {"0/0": (1.0, "c")}}])
    draws.to_record([ITEM])
    panels.save(ITEM, "samples", {"x": np.array([2.0])})
    panels.save(ITEM, "more", {"x": np.array([3.0])})
    assert panels.load(ITEM, "samples")["x"] == 2 and panels.load(ITEM, "more")["x"] == 3
    assert panels.load(ITEM, "samples", own=False)["x"] == 1
    with pytest.raises(panels.RecordError, match=r"no arrays 'more'; make them with: ./run_all.sh"):
        panels.load(ITEM, "more", own=False)


def test_what_is_no_number_or_damaged_is_refused():
    with pytest.raises(TypeError, match="samples x has dtype <U1; give numbers"):
        panels.save(ITEM, "samples", {"x": np.array(["a"])})
    panels.save(ITEM, "samples", arrays())
    file = paths.METRICS / f"{ITEM}.h5"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    for use in (panels.load, lambda *names: panels.save(*names, {})):
        with pytest.raises(panels.RecordError, match=r"04_data.h5 is damaged; delete it"):
            use(ITEM, "samples")


@pytest.mark.parametrize("kind", ["*.h5", "*.safetensors"])
def test_a_chapter_of_the_record_is_small(kind, monkeypatch):
    record = paths.ROOT / "data" / "record"
    sizes = {}
    for file in record.rglob(kind):
        sizes[file.parent.name] = sizes.get(file.parent.name, 0) + file.stat().st_size
    most = {"*.h5": 3_000_000, "*.safetensors": 10_000_000}[kind]
    assert not {chapter: size for chapter, size in sizes.items() if size > most}


def test_a_name_may_begin_with_another_and_the_order_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "METRICS", tmp_path)
    arrays = {"b": np.ones(3), "b/dice": np.zeros(1), "a": np.arange(2)}
    panels.save("pavae/x", "one", arrays)
    assert list(panels.load("pavae/x", "one")) == ["b", "b/dice", "a"]
    assert panels.has("pavae/x", "one") and not panels.has("pavae/x", "two")
