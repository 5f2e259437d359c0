"""The round of real or phantom: its images, its file, and what the answers say."""

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from lib.explore import real_or_phantom as game

HEAD = ",".join(game.COLUMNS)


def pictures(n, side=80):
    """n different grey images in 16 bits, wider than high."""
    rng = np.random.default_rng(3)
    smooth = rng.normal(size=(n, side, side + 30)).cumsum(1).cumsum(2)
    low, high = smooth.min(), smooth.max()
    return np.rint(60000 * (smooth - low) / (high - low)).astype(np.uint16)


@pytest.fixture
def folder(tmp_path):
    """Six images: grey PNG in 16 and 8 bits, and colour JPEG; and a file that is no image."""
    place = tmp_path / "mine"
    place.mkdir()
    for i, image in enumerate(pictures(6)):
        if i < 2:
            Image.fromarray(image).save(place / f"{i}.png")
        elif i < 4:
            Image.fromarray((image // 256).astype(np.uint8)).save(place / f"{i}.PNG")
        else:
            colour = np.repeat((image // 256).astype(np.uint8)[..., None], 3, 2)
            Image.fromarray(colour).save(place / f"{i}.jpeg", quality=95)
    (place / "notes.txt").write_text("not an image")
    return place


@pytest.fixture
def shown(folder):
    return game.own(folder, "bare", np.random.default_rng(0))


@pytest.fixture
def stand_in():
    return game.stand_in(5, np.random.default_rng(1))


def answered(shown, said, sure, reader="ana"):
    """The text of a file with these answers to all images."""
    each = zip(shown.keys, said, sure, strict=True)
    rows = [f"{reader},{key},{shown.names[a]},{c}" for key, a, c in each]
    return "\n".join([HEAD, *rows]) + "\n"


# ---- images -------------------------------------------------------------------------------------


def test_a_folder_gives_as_many_phantoms_as_images_and_a_seed_one_order(folder, shown):
    assert shown.image.shape == (12, 64, 64) and shown.second.sum() == 6
    real = sorted(np.array(shown.source)[~shown.second])
    assert real == ["0.png", "1.png", "2.PNG", "3.PNG", "4.jpeg", "5.jpeg"]
    assert shown.title == "Real or phantom?"
    assert shown.note.endswith("Left out, for they are neither PNG nor JPEG: notes.txt.")
    again = game.own(folder, "bare", np.random.default_rng(0))
    assert np.array_equal(again.image, shown.image) and again.source == shown.source
    orders = {tuple(game.own(folder, "bare", np.random.default_rng(k)).second) for k in range(4)}
    assert len(orders) > 1 and all(np.diff(np.flatnonzero(order)).max() > 1 for order in orders)


def test_both_kinds_have_one_size_one_grey_range_and_eight_bits(shown):
    for image in shown.image:
        assert image.dtype == np.uint8
        assert (np.mean(image == 0) >= 0.005) and (np.mean(image == 255) >= 0.005)


def test_a_phantom_and_the_same_picture_from_a_folder_become_the_same_image(tmp_path):
    phantom = game.phantoms("bare", 1, np.random.default_rng(0))[0]
    stored = np.rint(20000 + 30000 * phantom).astype(np.uint16)  # other greys, 16 bits
    Image.fromarray(stored).save(tmp_path / "a.png")
    (read,) = game.read(tmp_path).values()
    apart = game.prepared(read).astype(int) - game.prepared(phantom)
    assert abs(apart).max() <= 1  # a rounding


def test_the_middle_square_is_kept():
    image = np.zeros((64, 100))
    image[:, 18:82] = np.random.default_rng(0).random((64, 64))
    assert np.array_equal(game.prepared(image), game.prepared(image[:, 18:82]))


@pytest.mark.parametrize("law", ["bare shifted", "candid", "flair", "pet"])
def test_every_kind_of_law_gives_pictures(law):
    drawn = game.phantoms(law, 2, np.random.default_rng(0))
    assert drawn.shape == (2, 64, 64) and (drawn[0] != drawn[1]).any()


def test_the_stand_in_says_what_it_is_and_blurs_the_second_kind(stand_in):
    assert "no real image" in stand_in.note and not stand_in.private
    assert "a folder of your own images in JupyterLab" in stand_in.note
    assert stand_in.title == "Real or phantom? For now: sharp or blurred?"
    steps = np.abs(np.diff(stand_in.image.astype(float))).mean((1, 2))
    assert steps[stand_in.second].mean() < steps[~stand_in.second].mean()
    assert "phantom" not in stand_in.names


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(lambda place: [file.unlink() for file in place.iterdir()], "has no PNG or JPEG image"),
     (lambda place: (place / "2.PNG").write_bytes(b"no"), "2.PNG is no readable PNG or JPEG"),
     (lambda place: (place / "1.png").write_bytes((place / "1.png").read_bytes()[:900]),
      "1.png is no readable PNG or JPEG"),
     (lambda place: Image.new("L", (40, 90)).save(place / "b.png"), "b.png has 90 x 40 pixels"),
     (lambda place: Image.new("L", (90, 90)).save(place / "b.png"), "b.png: the image has one"),
     (lambda place: (place / "c.png").write_bytes((place / "0.png").read_bytes()),
      "0.png and c.png are the same image; remove one"),
     (lambda place: [file.unlink() for file in place.iterdir()] and place.rmdir(), "is no folder")],
)  # fmt: skip
def test_a_folder_that_cannot_be_used_says_why(folder, spoil, said):
    spoil(folder)
    with pytest.raises(ValueError, match=said):
        game.own(folder, "bare", np.random.default_rng(0))


def test_an_unknown_law_is_refused(folder):
    with pytest.raises(ValueError, match="law 'lung' is unknown; choose one of bare"):
        game.own(folder, "lung", np.random.default_rng(0))


# ---- what the answers say -----------------------------------------------------------------------


@pytest.mark.parametrize(("right", "n"), [(0, 10), (7, 12), (15, 20), (20, 20)])
def test_the_interval_is_that_of_statsmodels(right, n):
    true = proportion_confint(right, n, 0.05, method="beta")
    assert game.interval(right, n) == pytest.approx(true, abs=1e-9)


def test_scores_are_those_of_sklearn(shown):
    rng = np.random.default_rng(5)
    said, sure = rng.integers(0, 2, 12), rng.integers(1, 6, 12)
    _, answers = game.parsed(answered(shown, said, sure), shown)
    found = game.scored(shown, answers)
    assert found["accuracy"] == accuracy_score(shown.second, said)
    signed = np.where(said == 1, sure, -sure)
    assert found["auc"] == pytest.approx(roc_auc_score(shown.second, signed))
    assert found["auc_interval"][0] < found["auc"] < found["auc_interval"][1]
    wrong = [name for name, a, b in zip(shown.source, said, shown.second, strict=True) if a != b]
    assert list(found["mistaken"].values()) == wrong


def test_one_kind_alone_has_no_auc_and_no_answer_no_score(shown):
    first = dict.fromkeys(np.array(shown.keys)[~shown.second].tolist(), (0, 3))
    found = game.scored(shown, first)
    assert found["auc"] is None and found["accuracy"] == 1
    with pytest.raises(ValueError, match="answer one image at least"):
        game.scored(shown, {})


# ---- the file -----------------------------------------------------------------------------------


def test_a_file_gives_back_its_answers(shown):
    reader, answers = game.parsed(answered(shown, [0, 1] * 6, [1, 5] * 6), shown)
    assert reader == "ana"
    assert [answers[key] for key in shown.keys] == [(0, 1), (1, 5)] * 6


@pytest.mark.parametrize(
    ("rows", "said"),
    [("ana,0123456789,real,3", "line 2: image '0123456789' is not in this round"),
     ("ana,{0},real,3\nana,{1},real,3\nana,{0},real,4", "line 4: image {0} is in line 2 too"),
     ("ana,{0},real,0", "line 2: confidence '0' is none; write a whole number from 1 to 5"),
     ("ana,{0},real,6", "confidence '6'"), ("ana,{0},real,", "confidence ''"),
     ("ana,{0},fake,3", "answer 'fake' is unknown; write real or phantom"),
     ("ana,{0},real", "line 2 has more or fewer cells"),
     ("ana,{0},real,3\nbo,{1},real,3", "has 2 readers; give a file of one")],
)  # fmt: skip
def test_a_file_that_does_not_fit_says_why(shown, rows, said):
    text = f"{HEAD}\n{rows.format(*shown.keys)}\n"
    with pytest.raises(ValueError, match=r"answers\.csv") as error:
        game.parsed(text, shown)
    assert said.format(*shown.keys) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_with_another_header_is_refused(shown):
    with pytest.raises(ValueError, match="line 1 must be reader,image,answer,confidence"):
        game.parsed("reader,image\n", shown)


# ---- the form -----------------------------------------------------------------------------------


def test_a_live_form_keeps_each_answer_and_the_next_one_goes_on(shown, tmp_path, monkeypatch):
    monkeypatch.setattr(game, "is_live", lambda: True)
    form = game.explorer(shown, "mine", tmp_path)
    assert form.head["json"]["before"] == {}
    first = f"ana,{shown.keys[0]},phantom,4"
    for rows in (first, f"{first}\nana,{shown.keys[3]},real,1"):
        form.live.value = {"reader": "ana", "csv": f"{HEAD}\n{rows}\n"}
    again = game.explorer(shown, "mine", tmp_path)
    assert again.head["json"]["before"] == {"ana": {shown.keys[0]: [1, 4], shown.keys[3]: [0, 1]}}
    (tmp_path / "mine" / "bo.csv").write_text(f"{HEAD}\nbo,{'0' * 10},real,3\n")
    with pytest.raises(ValueError, match=r"bo\.csv has answers on images .*: 0000000000; put"):
        game.explorer(shown, "mine", tmp_path)


def test_images_that_have_left_the_folder_are_named(folder, shown, tmp_path, monkeypatch):
    monkeypatch.setattr(game, "is_live", lambda: True)
    form = game.explorer(shown, "mine", tmp_path)
    text = answered(shown, [0] * 12, [1] * 12)
    form.live.value = {"reader": "ana", "csv": text}
    for name in ("1.png", "4.jpeg"):
        (folder / name).unlink()
    fewer = game.own(folder, "bare", np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"ana\.csv has .* round: 1\.png, 4\.jpeg") as error:
        game.explorer(fewer, "mine", tmp_path)
    assert "\n" not in str(error.value) and "0.png" not in str(error.value)
    (tmp_path / "mine" / "images.json").write_text('{"0')
    with pytest.raises(ValueError, match=r"images\.json is damaged; remove it"):
        game.explorer(fewer, "mine", tmp_path)


def test_own_images_reach_no_page_unless_they_are_exported(shown, stand_in, tmp_path, monkeypatch):
    form = game.explorer(shown, "mine")
    for live in (False, True):
        monkeypatch.setattr("lib.explore.host.is_live", lambda live=live: live)
        page = form._repr_mimebundle_()["text/html"]
        assert len(page) < 200 and "your own" in page.lower()
    with pytest.raises(ValueError, match="name a file to export"):
        form.write()
    assert form.write(tmp_path / "mine.html").stat().st_size > 10_000
    assert "<iframe" in game.explorer(stand_in, "a")._repr_mimebundle_()["text/html"]


def test_what_a_runner_makes_is_the_stand_in(folder, monkeypatch):
    for live, private in ((False, False), (True, True)):
        monkeypatch.setattr(game, "is_live", lambda live=live: live)
        found = game.offered(str(folder), "bare", 2, np.random.default_rng(0))
        assert found.private == private
    assert not game.offered("", "bare", 2, np.random.default_rng(0)).private


