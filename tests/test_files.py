"""Files are whole or not there; trouble with the disk is told in one sentence."""

import errno
import os
import socket
import subprocess
import sys
import threading

import pytest

from lib import files


def test_text_is_replaced_and_nothing_half_stays(tmp_path):
    target = tmp_path / "folder" / "a.txt"
    files.replace_text(target, "ü")
    files.replace_text(target, "ß")
    assert target.read_text(encoding="utf-8") == "ß"
    assert list(target.parent.iterdir()) == [target]


def test_two_at_once_have_folders_of_their_own(tmp_path):
    with files.half(tmp_path) as one, files.half(tmp_path) as two:
        assert one != two
        assert files.in_use(one) and files.in_use(two)


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "the disk is full; make room"), (errno.EROFS, "read-only")]
)
def test_full_and_write_protected_disks_are_told_with_a_remedy(tmp_path, number, said):
    with pytest.raises(files.CannotWrite, match=said), files.writing(tmp_path):
        raise OSError(number, "no", str(tmp_path / "a"))


def test_other_errors_and_other_places_stay_as_they_are(tmp_path):
    with pytest.raises(OSError, match="no") as caught, files.writing(tmp_path):
        raise OSError(errno.EIO, "no", str(tmp_path / "a"))
    assert not isinstance(caught.value, files.CannotWrite)
    with pytest.raises(OSError, match="no") as caught, files.writing(tmp_path):
        raise OSError(errno.EACCES, "no", "/elsewhere/a")
    assert not isinstance(caught.value, files.CannotWrite)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(files.CannotWrite, match="KNOWN_TRUTH_HOME"):
        files.replace_text(tmp_path / "file" / "below" / "a.txt", "")


def test_what_lies_below_is_found_though_folders_come_and_go(tmp_path):
    """The report is built while notebooks run, each in a private folder that it then removes."""
    kept = [tmp_path / "a.json", tmp_path / "toy" / "b.json"]
    hidden = [tmp_path / ".ipynb_checkpoints" / "c.json", tmp_path / "toy" / ".d.json"]
    for each in (*kept, *hidden, tmp_path / "toy" / "e.txt"):
        files.replace_text(each, "")
    stop = threading.Event()

    def come_and_go():
        while not stop.is_set():
            with files.half(tmp_path / "toy") as half:
                (half / "deep" / "deeper").mkdir(parents=True)

    others = [threading.Thread(target=come_and_go) for _ in range(2)]
    for each in others:
        each.start()
    try:
        for _ in range(2000):
            assert files.below(tmp_path, ".json") == kept
            files.sweep(tmp_path)
    finally:
        stop.set()
        for each in others:
            each.join()


def test_sweep_removes_only_what_ended_processes_left(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host = socket.gethostname()
    left = tmp_path / "deep" / f".half-{ended.pid}-{host}-abc"
    mine = tmp_path / f".half-{os.getpid()}-{host}-abc"
    elsewhere = tmp_path / f".half-{ended.pid}-other-{host}-abc"
    unknown, old = tmp_path / ".half-abc", tmp_path / ".half-old"
    for each in (left, mine, elsewhere, unknown, old):
        each.mkdir(parents=True)
        (each / "a").write_text("", encoding="utf-8")
    os.utime(old, (1e9, 1e9))
    files.sweep(tmp_path)
    assert set(tmp_path.rglob(".half-*")) == {mine, elsewhere, unknown}
