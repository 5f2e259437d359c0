"""The store under trouble: locks, and removal of what is not wanted."""

import fcntl

import numpy as np
import pytest

from lib import files
from lib.jobs import Result, store


@pytest.fixture
def kept(tmp_path):
    """A store with the results `aa` and `bb`."""
    for key in ("aa", "bb"):
        record = {"key": key, "spec": {"function": "f"}, "seconds": 1.0}
        store.write(tmp_path, record, Result({"a": np.arange(3)}, {"x": 1}))
    return tmp_path


def test_a_lock_held_by_another_process_does_not_matter(kept):
    record, _ = store.find(kept, "aa")
    with (kept / "aa" / record["h5"]["file"]).open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert store.read(kept, record).arrays["a"].tolist() == [0, 1, 2]


def test_keep_only_removes_the_others_and_what_no_record_names(kept):
    stray = kept / "aa" / "aa.00000000.h5"
    stray.write_bytes(b"12345")
    size = 5 + sum(file.stat().st_size for file in (kept / "bb").iterdir())
    assert store.keep_only(kept, {"aa"}) == (3, size)
    assert store.find(kept, "aa")[0] and not store.find(kept, "bb")[0]
    assert not stray.exists() and list((kept / "bb").iterdir()) == []


def test_keep_only_leaves_what_is_being_written(kept):
    with files.half(kept / "bb") as half:
        store.keep_only(kept, set())
        assert half.is_dir()


def test_users_are_processes_that_live(kept):
    with files.half(kept) as half:
        assert store.users(kept) == [half]
    (kept / ".half-999999999-nowhere").mkdir()
    assert len(store.users(kept)) == 1  # of another machine: it may live
