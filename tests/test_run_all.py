"""run_all.sh: the environment that it makes finds this repository from any folder."""

import os
import shutil
import subprocess
import sys
import venv

import pytest
from conftest import ROOT

IMPORT = "import lib; print(lib.__file__)"


@pytest.fixture
def repo(tmp_path):
    """A repository with nothing in `lib`, an environment of its own, and no package to install."""
    repo = tmp_path / "a repository"
    (repo / "lib").mkdir(parents=True)
    (repo / "lib" / "__init__.py").write_text("")
    (repo / "notebooks" / "toy").mkdir(parents=True)
    (repo / "environment.yml").write_text("dependencies:\n  - pip:\n")
    shutil.copy(ROOT / "run_all.sh", repo)
    venv.create(repo / ".venv", with_pip=False)
    return repo


def in_notebooks(repo, python):
    """What `import lib` finds with this python in the folder of a notebook."""
    env = {name: x for name, x in os.environ.items() if name != "PYTHONPATH"}
    command = [python, "-c", IMPORT]
    folder = repo / "notebooks" / "toy"
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False
    ).stdout.strip()


def set_up(repo):
    done = subprocess.run(["./run_all.sh", "--python"], cwd=repo, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_lib_is_found_from_the_folder_of_a_notebook_also_after_a_move(repo, tmp_path):
    python = repo / ".venv" / "bin" / "python"
    assert in_notebooks(repo, python) == ""
    set_up(repo)
    assert in_notebooks(repo, python) == str(repo / "lib" / "__init__.py")
    moved = repo.rename(tmp_path / "moved")
    set_up(moved)
    assert in_notebooks(moved, moved / ".venv" / "bin" / "python").startswith(str(moved))


def test_no_other_environment_is_written_to(repo):
    shutil.rmtree(repo / ".venv")
    before = in_notebooks(repo, sys.executable)
    set_up(repo)
    assert in_notebooks(repo, sys.executable) == before != str(repo / "lib" / "__init__.py")
    assert not (repo / ".venv").exists()
