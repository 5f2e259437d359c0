"""A folder of PNG files: read back as the phantoms it was made of; every bad input is named."""

import numpy as np
import pytest
from datasets import folder_of_phantoms
from PIL import Image

from lib import paths
from lib.datasets import chest, source, volumes
from lib.datasets.preprocess import preprocess
from lib.datasets.readers import folder
from lib.phantoms.volume import SHAPE


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "STORE", tmp_path / "home" / "data" / "store")


@pytest.fixture
def made(tmp_path):
    """A folder of eight images, and its rows."""
    return tmp_path / "in", folder_of_phantoms.write(tmp_path / "in", "images", 8)


@pytest.mark.parametrize(("bits", "error"), [(8, 0.05), (16, 0.01)])
def test_images_come_back_as_the_phantoms_they_were(tmp_path, bits, error):
    folder_of_phantoms.write(tmp_path / "in", "images", 8, seed=5, bits=bits)
    found = folder.read_images(folder.opened(tmp_path / "in", "images").digest).arrays
    true = chest.image_set("bare", 8, [5]).arrays
    assert np.abs(found["image"] - true["image"]).max() < error
    assert np.array_equal(found["mask"], true["mask"])
    assert np.array_equal(found["label"], true["label"])
    assert {name: column.dtype for name, column in true.items()} == {
        name: found[name].dtype for name in true
    }
    stored = np.asarray(Image.open(tmp_path / "in" / "00003.png")).astype(float)
    assert np.array_equal(found["image"][3], preprocess(stored[None])[0])


@pytest.mark.parametrize("modality", volumes.MODALITIES)
def test_volumes_come_back_up_to_rounding(tmp_path, modality):
    rows = folder_of_phantoms.write(tmp_path / "in", "volumes", 4, seed=5, bits=8)
    folder_of_phantoms.table(tmp_path / "in", rows[::-1])  # the order of rows is no matter
    opened = folder.opened(tmp_path / "in", "volumes")
    assert opened.modalities == volumes.MODALITIES
    read = folder.read_volumes(opened.digest, modality)
    true = volumes.volume_set(modality, 4, [5]).arrays
    assert read.arrays["image"].dtype == np.float32
    assert np.abs(read.arrays["image"] - true["image"]).max() <= 0.5 / 255 + 1e-6
    assert np.array_equal(read.arrays["mask"], true["mask"])
    assert np.array_equal(read.arrays["subject"], np.arange(4))
    drawn = folder.draw_volumes(read, "train", 3, [0, 1, 2])
    volumes.slice_set(drawn, 3)  # what studies ask next
    assert drawn.arrays.keys() == true.keys()


def test_a_draw_gives_the_columns_of_the_phantoms(made):
    read = folder.read_images(folder.opened(made[0], "images").digest)
    drawn = folder.draw_images(read, "train", 4, [0, 1, 2]).arrays
    assert drawn.keys() == chest.image_set("bare", 4, [0]).arrays.keys()
    for image, mask, subject in zip(drawn["image"], drawn["mask"], drawn["subject"], strict=True):
        assert np.array_equal(image, read.arrays["image"][subject])
        assert np.array_equal(mask, read.arrays["mask"][subject])


def test_larger_images_are_resized_with_their_masks(made):
    root, rows = made
    image = np.zeros((192, 96))
    image[:96] = np.linspace(0, 1, 96)
    mask = np.zeros((192, 96))
    mask[30:90, 15:45] = 1  # rows 10 to 30, columns 10 to 30 of 64
    folder_of_phantoms.png(root / rows[1]["file"], image)
    folder_of_phantoms.png(root / rows[1]["mask"], mask)
    found = folder.read_images(folder.opened(root, "images").digest).arrays
    expected = np.zeros((64, 64), dtype=bool)
    expected[10:30, 10:30] = True
    assert found["image"].shape == (8, 64, 64)
    assert np.array_equal(found["mask"][1], expected)
    upper, lower = found["image"][1][:31], found["image"][1][33:]
    assert np.ptp(lower) == 0 and (np.diff(upper[5, 2:]) > 0).all()


@pytest.mark.parametrize("depth", [1, 31, 32, 33, 40])
def test_volumes_are_cut_or_padded_around_their_middle(depth):
    planes = np.arange(1, depth + 1)[:, None, None] * np.ones((1, 2, 2))
    found = folder.middle(planes, SHAPE[0])[:, 0, 0]
    assert len(found) == 32
    kept = found[found > 0]
    assert len(kept) == min(depth, 32) and (np.diff(kept) == 1).all()
    left, right = kept[0] - 1, depth - kept[-1]  # slices cut away
    before, after = np.argmax(found > 0), np.argmax(found[::-1] > 0)  # slices added
    assert abs(left - right) <= 1 and abs(before - after) <= 1


def test_a_table_without_modalities_has_one(tmp_path):
    rows = folder_of_phantoms.write(tmp_path / "in", "volumes", 2, modalities=("pet",))
    folder_of_phantoms.table(tmp_path / "in", [row | {"modality": "pet"} for row in rows])
    rows = [{k: v for k, v in row.items() if k != "modality"} for row in rows]
    folder_of_phantoms.table(tmp_path / "in", rows)
    assert source.modalities("folder", tmp_path / "in") == ("image",)
    with pytest.raises(ValueError, match=r"'pet' is not in labels.csv; choose one of image"):
        source.volumes("folder", "pet", tmp_path / "in")


def test_pixels_are_checked_again_only_when_a_file_has_changed(made, monkeypatch):
    checked = []
    plain = folder.check_image
    monkeypatch.setattr(folder, "check_image", lambda *a: checked.append(a) or plain(*a))
    folder.opened(made[0], "images")
    folder.opened(made[0], "images")
    assert len(checked) == 8
    folder_of_phantoms.png(made[0] / made[1][0]["file"], np.zeros((64, 64)))
    with pytest.raises(ValueError, match="row 2 "):
        folder.opened(made[0], "images")


def test_a_job_refuses_a_folder_that_changed_or_was_lost(made):
    digest = folder.opened(made[0], "images").digest
    folder_of_phantoms.table(made[0], made[1][:4])
    with pytest.raises(ValueError, match="has changed since the run began; run the same command"):
        folder.read_images(digest)
    folder.register(digest).unlink()
    with pytest.raises(ValueError, match="lost where the folder is; run the same command again"):
        folder.read_images(digest)


# ---- bad input ----------------------------------------------------------------------------------


def test_a_missing_folder_or_table_is_named(tmp_path):
    with pytest.raises(ValueError, match="nowhere is no folder; give the one that holds labels"):
        source.images("folder", "bare", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty has no labels.csv; write one with columns file"):
        source.images("folder", "bare", tmp_path / "empty")


def changed(row: int, **cells):
    """A change of one row's cells (counted from 0)."""
    return lambda rows: [each | cells if i == row else each for i, each in enumerate(rows)]


BAD_TABLES = {
    "missing column": (
        lambda rows: [{k: v for k, v in row.items() if k != "label"} for row in rows],
        "no column 'label', which images need; add it",
    ),
    "misspelt column": (
        lambda rows: [row | {"Mask": ""} for row in rows],
        "column 'Mask' that is unknown or there twice; rename or remove it",
    ),
    "word as label": (changed(2, label="left"), r"row 4 \(00002.png\): label 'left' is no class"),
    "label too high": (changed(2, label=3), r"label '3' is no class; write one of 0 \(healthy\)"),
    "broken label": (changed(2, label="1.5"), "label '1.5' is no class"),
    "no subject": (changed(2, subject=" "), r"row 4 \(00002.png\): column subject is empty"),
    "no such image": (changed(2, file="x.png"), r"row 4 \(x.png\): x.png is not there; add"),
    "no such mask": (changed(1, mask="x.png"), r"row 3 \(00001.png\): x.png is not there"),
    "listed twice": (changed(2, file="00000.png"), "row 4 .* stands in row 2 too; list every"),
    "unknown split": (changed(0, split="dev"), "split 'dev' is unknown; write one of train"),
    "half a split": (changed(0, split="train"), "row 3 .* split is empty; fill it for all rows"),
    "subject in two splits": (
        lambda rows: [
            row | {"subject": "p", "split": "test" if i == 2 else "train"}
            for i, row in enumerate(rows)
        ],
        "row 4 .* subject p is in split test here and in train above; split by subject",
    ),
    "lesion of a healthy one": (
        changed(0, mask="mask_00001.png"),
        "row 2 .* its label is healthy but its mask has a lesion; correct one",
    ),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_is_refused_with_its_row(made, name):
    root, rows = made
    change, match = BAD_TABLES[name]
    rows = [{"split": ""} | row for row in rows] if "split" in name else rows
    folder_of_phantoms.table(root, change(rows))
    with pytest.raises(ValueError, match=match) as caught:
        source.images("folder", "bare", root)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_a_table_that_is_no_table_is_refused(made):
    for content, match in (
        (b"file,subject,label\n\xff\xfe,p,0\n", "no CSV in UTF-8"),
        (b"file,subject,label\n", "has no row below its header"),
        (b"", "has no column 'file'"),
        (b"file,subject,label\n00000.png,p\n", "row 2 .*more or fewer cells than the header"),
        (b"file,subject,label\n00000.png,p,0,7\n", "row 2 .*more or fewer cells than the header"),
    ):
        (made[0] / "labels.csv").write_bytes(content)
        with pytest.raises(ValueError, match=match):
            source.images("folder", "bare", made[0])


def save(mode: str, size: tuple[int, int] = (64, 64)):
    return lambda file: Image.new(mode, size).save(file, format="PNG")


BAD_FILES = {
    "text": (lambda file: file.write_text("no image", encoding="utf-8"), "no readable PNG"),
    "cut off": (lambda file: file.write_bytes(file.read_bytes()[:900]), "no readable PNG"),
    "broken chunk": (
        lambda file: file.write_bytes(file.read_bytes().replace(b"IDAT", b"ID\0T")),
        "no readable PNG",
    ),
    "colour": (save("RGB"), "has mode RGB; save it as grey PNG of 8 or 16 bits"),
    "other size": (save("L", (64, 32)), r"size \(32, 64\) and mask \(64, 64\).*draw the mask"),
    "constant": (save("L"), "one grey value nearly everywhere; remove it"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_its_row(made, name):
    change, match = BAD_FILES[name]
    change(made[0] / "00001.png")
    with pytest.raises(ValueError, match=match) as caught:
        source.images("folder", "bare", made[0])
    assert str(caught.value).startswith("labels.csv, row 3 (00001.png): ")


def test_bad_volumes_are_refused_with_their_row(tmp_path):
    root = tmp_path / "in"
    rows = folder_of_phantoms.write(root, "volumes", 2, modalities=("pet",))
    for change, match in (
        (changed(2, slice="low"), r"row 4 \(.*\): slice 'low' is no whole number; number"),
        (changed(2, slice=1), "row 4 .* slice 1 of subject p000 stands in row 3 too; give every"),
        (changed(2, modality=""), "row 4 .* column modality is empty; fill it or remove"),
        (lambda rows: [row | {"mask": ""} for row in rows], "no mask .* has a lesion; give the"),
        (
            lambda rows: [{k: v for k, v in row.items() if k != "slice"} for row in rows],
            "has no column 'slice', which volumes need; add it",
        ),
    ):
        folder_of_phantoms.table(root, change(rows))
        with pytest.raises(ValueError, match=match):
            source.volumes("folder", "pet", root)
