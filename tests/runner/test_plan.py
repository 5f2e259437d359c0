"""What notebooks need, kept for --list; and --clean, which removes what none reaches."""

import importlib
import os
import subprocess
import sys

import pytest
from conftest import run_lib

from lib import files, jobs, paths, profiles
from lib.jobs import Job, store
from lib.jobs import pool as run_pool
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
    names = notebooks.find()
    first = plan.needs(names, given, "one")
    assert first["00_start_here"] == [[Job(study.one, x=["smoke", 0]).key, "clean_study:one"]]
    monkeypatch.setattr(notebooks, "jobs", None)
    assert plan.needs(names, given, "one") == first
    with pytest.raises(TypeError):
        plan.needs(names, given, "two")


def test_only_the_named_notebooks_are_planned_and_the_others_join_them(study, monkeypatch):
    given, asked, needed = {"profile": "smoke", "seed": 0}, [], notebooks.jobs
    monkeypatch.setattr(notebooks, "jobs", lambda n, given: asked.append(n) or needed(n, given))
    plan.needs(["toy/table4_main"], given, "one")
    both = plan.needs(["00_start_here", "toy/table4_main"], given, "one")
    assert asked == list(both)[::-1] == ["toy/table4_main", "00_start_here"]
    assert plan.needs(["00_start_here"], given, "one") == {"00_start_here": both["00_start_here"]}
    assert len(asked) == 2


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


def gone(study, monkeypatch):
    """Parameters that were noted for a folder, which is no more."""
    needed = notebooks.jobs

    def refuse(name, given):
        if given.get("dataset") == "folder":
            raise ValueError("/gone is no folder.")
        return needed(name, given)

    monkeypatch.setattr(notebooks, "jobs", refuse)
    plan.note({"profile": "smoke", "seed": 0, "dataset": "folder", "root": "/gone"})


def test_clean_tells_what_can_be_planned_no_more_and_keeps_all_of_phantoms(
    study, monkeypatch, capsys
):
    kept, other = Job(study.one, x=["smoke", 3]), Job(study.one, x="of patients")
    jobs.run([kept, other], 1, lambda state: None)
    plan.note({"profile": "smoke", "seed": 3})
    plan.note({"profile": "smoke", "seed": 0, "steps": 5})  # as earlier versions did
    gone(study, monkeypatch)
    assert command.main(["--clean"]) == 0
    said = capsys.readouterr().out
    wanted = "profile=smoke seed=0 dataset=folder root=/gone (3 notebooks: /gone is no folder.)"
    assert said.count(f"not kept, because it cannot be planned: {wanted}\n") == 1
    assert said.count("planned: profile=smoke seed=0 steps=5 (") == 1
    assert said.count("\n") == 3 and "\n2 files removed (" in said
    assert jobs.is_done(kept) and not jobs.is_done(other)


def test_clean_removes_nothing_where_phantoms_cannot_be_planned(study, monkeypatch, capsys):
    other = Job(study.one, x="anything")
    jobs.run([other], 1, lambda state: None)

    def refuse(name, given):
        raise ValueError("no good.")

    monkeypatch.setattr(notebooks, "jobs", refuse)
    assert command.main(["--clean"]) == 2
    assert capsys.readouterr().err.endswith("99_all_claims: no good.\n")
    assert jobs.is_done(other)


def test_parameters_are_noted_when_they_were_planned(study, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run_pool, "run", lambda *args, **more: {})
    monkeypatch.setattr(command, "_report", lambda *args: "")
    monkeypatch.setattr(paths, "REPORT", tmp_path / "report")
    assert command.main(["--seed", "7", "toy"]) == 0  # needs no jobs
    assert not list(paths.STORE.glob("plans/*"))
    assert command.main(["--seed", "7"]) == 0
    assert len(list(paths.STORE.glob("plans/*"))) == 1


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
