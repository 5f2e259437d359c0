"""What notebooks need, kept for --list; and --clean, which removes what none reaches."""

import importlib
import os
import subprocess
import sys

import pytest
from conftest import run_lib

from lib import files, jobs, paths, profiles
from lib.jobs import Job, store
from lib.runner import command, notebooks, plan

STUDY = """
from lib.jobs import Result

def one(x):
    return Result({}, {"x": x})
"""


@pytest.fixture
def study(shelf, tmp_path, monkeypatch):
    """A study of one job for each profile and seed, needed by the first notebook."""
    (tmp_path / "clean_study.py").write_text(STUDY, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("clean_study", None)
    module = importlib.import_module("clean_study")
    monkeypatch.setattr(paths, "STORE", tmp_path / "store")

    def needed(name, given):
        if name != "00_start_here":
            return []
        return [Job(module.one, x=[given["profile"], given["seed"]])]

    monkeypatch.setattr(notebooks, "jobs", needed)
    return module


def test_plan_is_kept_until_something_changes(study, monkeypatch):
    given = {"profile": "smoke", "seed": 0}
    first = plan.needs(given, "one")
    assert first["00_start_here"] == [[Job(study.one, x=["smoke", 0]).key, "clean_study:one"]]
    monkeypatch.setattr(notebooks, "jobs", None)
    assert plan.needs(given, "one") == first
    with pytest.raises(TypeError):
        plan.needs(given, "two")


def test_clean_keeps_all_profiles_and_what_was_asked_for_and_removes_the_rest(study, capsys):
    reached = [Job(study.one, x=[profile, 0]) for profile in profiles.PROFILES]
    asked, other = Job(study.one, x=["smoke", 3]), Job(study.one, x="left by an older notebook")
    jobs.run([*reached, asked, other], 1, lambda state: None)
    plan.note({"profile": "smoke", "seed": 3})
    record, _ = store.find(paths.STORE, other.key)
    there = list((paths.STORE / other.key[:2]).glob(f"{other.key}.*"))
    assert record and len(there) == 2
    size = sum(file.stat().st_size for file in there) / 2**20
    assert command.main(["--clean"]) == 0
    said = f"2 files removed ({size:.1f} MiB) that no notebook reaches"
    assert said in capsys.readouterr().out
    assert all(jobs.is_done(job) for job in [*reached, asked])
    assert not jobs.is_done(other)


def test_clean_removes_nothing_while_another_run_goes_on(study, capsys):
    other = Job(study.one, x="in work")
    jobs.run([other], 1, lambda state: None)
    with files.half(paths.STORE):
        assert command.main(["--clean"]) == 1
    assert "another run is using the store" in capsys.readouterr().err
    assert jobs.is_done(other)


def test_list_of_all_notebooks_imports_no_torch_once_it_is_known(tmp_path):
    assert run_lib("--list", home=tmp_path).returncode == 0
    code = "import sys; from lib.runner.command import main; main(['--list']); "
    code += "print('torch' in sys.modules)"
    env = os.environ | {"KNOWN_TRUTH_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=paths.ROOT, env=env, capture_output=True, check=True)
    assert done.stdout.strip().endswith(b"False")
