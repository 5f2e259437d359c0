"""What the machine says of itself: the commit is ours or none, and never silently missing."""

import shutil
import subprocess

import pytest

from lib import machine, paths

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="no git on this machine")


@pytest.fixture
def outer(tmp_path, monkeypatch):
    """A repository with one commit, around the folder that stands for ours."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    init(tmp_path)
    monkeypatch.setattr(paths, "ROOT", inner)
    machine.commit.cache_clear()
    yield tmp_path
    machine.commit.cache_clear()


def init(folder):
    """Make a repository there and commit all."""
    user = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for args in (["init", "-q"], ["add", "."], [*user, "commit", "-qm", "a", "--allow-empty"]):
        subprocess.run(["git", *args], cwd=folder, check=True)


def test_commit_of_a_repository_around_ours_does_not_count(outer):
    assert machine.commit() is None


def test_commit_in_a_hook_of_another_repository_does_not_count(outer, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
    assert machine.commit() is None


def test_commit_of_ours_with_and_without_changes(outer):
    init(paths.ROOT)
    found = machine.commit()
    assert len(found) == 12 and int(found, 16) >= 0
    (paths.ROOT / "new").write_text("", encoding="utf-8")
    subprocess.run(["git", "add", "new"], cwd=paths.ROOT, check=True)
    machine.commit.cache_clear()
    assert machine.commit() == f"{found}-dirty"


def test_refusal_of_git_is_not_silent(outer, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its tests
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    with pytest.warns(UserWarning, match="commit of the code is not recorded: .*safe.directory"):
        assert machine.commit() is None
