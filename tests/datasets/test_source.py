"""Sources: phantoms ask for today's jobs; patients are split by subject, the same every time."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from datasets import folder_of_phantoms

from lib import paths
from lib.datasets import chest, source, volumes
from lib.datasets.readers import draws, folder
from lib.jobs import Job

STREAM = [0, 7, 1]


def test_phantoms_ask_for_the_jobs_that_there_were_before_there_were_sources():
    found, job = (
        source.images("phantom", "bare"),
        Job(chest.image_set, law="bare", n=8, stream=STREAM),
    )
    each = (found.train, found.validation, found.test, found.fresh)
    assert {ask(8, STREAM).key for ask in each} == {job.key}
    for modality in source.modalities("phantom"):
        found = source.volumes("phantom", modality)
        job = Job(volumes.volume_set, modality=modality, n=3, stream=STREAM)
        assert {found.train(3, STREAM).key, found.test(3, STREAM).key} == {job.key}
        job = Job(volumes.fresh_slices, modality=modality, n=3, stream=STREAM)
        assert found.fresh_slices(3, STREAM).key == job.key


def test_unknown_data_sets_and_missing_roots_are_refused():
    for ask in (source.images, source.volumes):
        with pytest.raises(
            ValueError, match="'chexpert' is unknown; choose one of phantom, folder"
        ):
            ask("chexpert", "bare")
    with pytest.raises(ValueError, match="needs its root; pass the folder"):
        source.modalities("folder")


@pytest.fixture
def patients(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "STORE", tmp_path / "home" / "data" / "store")
    folder_of_phantoms.write(tmp_path / "in", "images", 40)
    return tmp_path / "in"


def test_what_patients_lack_is_none_or_says_that_it_needs_a_phantom(patients):
    found = source.images("folder", "bare", patients)
    assert found.fresh(4, STREAM) is None
    assert not found.truth
    with pytest.raises(source.NeedsPhantom, match="The oracle needs a phantom") as caught:
        found.known("The oracle")
    assert caught.value.what == "The oracle"
    phantoms = source.images("phantom", "bare")
    phantoms.known("The oracle")
    assert phantoms.truth


def test_jobs_of_patients_follow_the_seed_and_only_training_the_draw(patients):
    found = source.images("folder", "bare", patients)
    assert found.test(8, [0, 7, 1]) == found.test(8, [0, 9, 2]) != found.test(8, [1, 7, 1])
    assert found.validation(4, [0, 7, 1]) == found.validation(4, [0, 9, 2])
    assert found.train(8, [0, 7, 1]) != found.train(8, [0, 7, 2])


def test_a_moved_folder_has_the_same_keys_and_edited_data_have_others(patients):
    key = source.images("folder", "bare", patients).test(8, STREAM).key
    moved = patients.rename(patients.with_name("elsewhere"))
    job = source.images("folder", "bare", moved).test(8, STREAM)
    assert job.key == key
    assert str(moved) not in str(job.spec)
    folder.read_images(folder.opened(moved, "images").digest)  # and is found where it is now
    folder_of_phantoms.png(moved / "00003.png", np.linspace(0, 1, 64 * 64).reshape(64, 64))
    assert source.images("folder", "bare", moved).test(8, STREAM).key != key


def test_too_few_subjects_are_refused_before_any_job_runs(patients):
    found = source.images("folder", "bare", patients)
    with pytest.raises(ValueError, match=r"test: 16 images need 8 of class 0 .* have 5; add subj"):
        found.test(16, STREAM)
    with pytest.raises(ValueError, match="multiple of 4"):
        found.train(6, STREAM)


def test_a_worker_process_finds_the_folder(patients):
    body = f"""
from lib.datasets import source
from lib.jobs import load, run
job = source.images("folder", "bare", {str(patients)!r}).test(8, [0, 7, 1])
run([job], workers=1)
print(load(job).arrays["image"].shape)
"""
    env = os.environ | {"KNOWN_TRUTH_HOME": str(paths.STORE.parent.parent), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", body]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("(8, 64, 64)\n"), done.stderr


# ---- splits and draws ---------------------------------------------------------------------------


def columns(images: int = 200, split: str = "") -> draws.Columns:
    """Two images of every subject; labels 0, 1, 0, 2 in turn."""
    at = np.arange(images)
    return {
        "subject": (at // 2).astype(np.uint64),
        "label": np.array([0, 1, 0, 2])[at // 2 % 4],
        "split": np.full(images, split),
    }


def test_parts_share_no_subject_and_hold_every_one():
    data = columns()
    parts = draws.split(data, 3, draws.IMAGE_SHARES)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(100))
    lengths = [len(parts[part]) for part in draws.PARTS]
    assert np.abs(np.array(lengths) - [60, 15, 25]).max() <= 1, "of 100, rounded in every class"
    test = data["label"][2 * parts["test"].astype(int)]
    assert np.bincount(test).tolist() == [12, 6, 6], "every class gives its share"
    again = draws.split(data, 3, draws.IMAGE_SHARES)
    assert all(np.array_equal(parts[part], again[part]) for part in parts)
    other = draws.split(data, 4, draws.IMAGE_SHARES)
    assert set(other["test"]) != set(parts["test"])


def test_no_draw_of_training_meets_validation_or_test():
    data = columns()
    held = {
        int(s)
        for part in ("validation", "test")
        for s in data["subject"][draws.choose_images(data, part, 12, [3])]
    }
    for draw in range(5):
        at = draws.choose_images(data, "train", 48, [3, 7, draw])
        assert len(set(at)) == 48
        assert not held & set(data["subject"][at].tolist())
        assert data["label"][at].tolist() == [0, 1, 0, 2] * 12
        assert np.array_equal(draws.choose_images(data, "train", 8, [3, 7, draw]), at[:8])


def test_a_split_of_the_table_is_kept():
    data = columns()
    data["split"] = np.array(draws.PARTS)[data["subject"].astype(int) // 4 % 3]
    for part in draws.PARTS:
        at = draws.choose_images(data, part, 12, [3, 7, 0])
        assert set(data["split"][at]) == {part}


def test_volumes_are_split_without_validation():
    data = columns(40) | {"label": np.zeros(40, dtype=np.int64)}
    data = {name: column[::2] for name, column in data.items()}
    train, test = (
        draws.choose_volumes(data, *ask) for ask in (("train", 15, STREAM), ("test", 5, [0]))
    )
    assert sorted([*train, *test]) == list(range(20))
    with pytest.raises(ValueError, match="test: 6 volumes are asked, its subjects have 5; add"):
        draws.choose_volumes(data, "test", 6, [0])
