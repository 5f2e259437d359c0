"""The rating form's images, and the file that a kernel keeps of it."""

import numpy as np
import pytest

from lib.datasets import ratings
from lib.explore import rate_images
from lib.jobs import Result

HEAD = ",".join(ratings.COLUMNS)


@pytest.fixture(scope="module")
def given():
    return rate_images.practice(6, [0, 5])


def test_every_set_shows_one_subject_in_each_way(given):
    a = given.arrays
    image, made = a["image"].reshape(6, 4, 64, 64), a["made"].reshape(6, 4)
    assert (np.sort(made) == np.arange(4)).all()
    assert len({tuple(row) for row in made}) > 1, "they are shuffled"
    for one, ways, mask in zip(image, made, a["mask"], strict=True):
        asked, blurred, other, healthy = one[np.argsort(ways)]
        assert np.array_equal(asked[~mask], healthy[~mask])
        assert (asked[mask] > healthy[mask]).all()
        assert np.array_equal(other[mask], healthy[mask]), "the other side leaves this one as it is"
        assert (other != healthy).any()
        assert np.abs(np.diff(blurred)).mean() < np.abs(np.diff(asked)).mean()


def test_text_says_the_side_of_the_mask_and_all_conditions_come(given):
    for text, mask in zip(given.scores["text"], given.arrays["mask"], strict=True):
        column = np.nonzero(mask)[1].mean()
        assert ("left" in text) == (column > 32)  # the patient's left is on the right
    assert set(given.arrays["condition"]) == {0, 1, 2}


def test_the_same_stream_gives_the_same_form(given):
    again = rate_images.practice(6, [0, 5]).arrays
    assert all(np.array_equal(again[name], values) for name, values in given.arrays.items())
    one = rate_images.explorer(given, "a")
    assert one.packed == rate_images.explorer(given, "a").packed


def test_a_kept_file_is_what_ratings_read(tmp_path):
    text = f"{HEAD}\nana,0,2,T2I,3,\nana,2,8,TM2I,0,5\n"
    file = rate_images.keep({"reader": "ana", "csv": text}, tmp_path / "new")
    assert file.name == "ana.csv"
    found = ratings.read(file)
    assert found.image.tolist() == [2, 8] and found.scores.tolist() == [[3, -1], [0, 5]]
    rate_images.keep({"reader": "ana", "csv": f"{HEAD}\n"}, tmp_path / "new")  # nothing yet
    assert file.read_text() == f"{HEAD}\n"


@pytest.mark.parametrize("reader", ["", "../x", "a b", "x" * 41])
def test_a_name_that_is_no_files_name_is_refused(reader, tmp_path):
    with pytest.raises(ValueError, match="use up to 40 letters"):
        rate_images.keep({"reader": reader, "csv": f"{HEAD}\n"}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_rows_that_nobody_could_read_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="text_score"):
        rate_images.keep({"reader": "a", "csv": f"{HEAD}\na,0,2,T2I,9,\n"}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_masks_that_do_not_go_with_the_images_are_refused(given):
    wrong = Result(given.arrays | {"mask": given.arrays["mask"][:5]}, given.scores)
    with pytest.raises(ValueError, match="24 images, 5 masks"):
        rate_images.explorer(wrong, "a")


def test_a_live_form_is_kept_after_every_click(given, tmp_path, monkeypatch):
    monkeypatch.setattr(rate_images, "is_live", lambda: True)
    form = rate_images.explorer(given, "practice", tmp_path)
    for score in (1, 4):
        form.live.value = {"reader": "ana", "csv": f"{HEAD}\nana,0,2,T2I,{score},\n"}
        (found,) = ratings.read(tmp_path / "practice" / "ana.csv").scores
        assert found.tolist() == [score, -1]
