"""The examples of CONTRIBUTING.md work as they stand there, each in at most three files."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

BLOCK = re.compile(r"```(python|json)\n(.*?)```", re.DOTALL)
PLACE = re.compile(r"# (\S+\.py)(?:, below `(.+)`)?\n")
CHECK = """
from lib import jobs
from lib.claims import judge, ledger
from lib.papers import registry
from lib.profiles import SMOKE, Plan
from lib.record import rows

plan = Plan(SMOKE)
main = registry.table("pavae/table4_main")
assert "means" in {scores.arm.name for study in main.studies(plan) for scores in main.scores(study)}
table = registry.table("pavae/table9_means")
jobs.run(table.jobs(plan), workers=1)
rows.write("pavae/table9_means", "smoke", table.rows(plan))
(claim,) = [claim for claim in ledger.load() if claim["id"] == "PV-99"]
print(judge.judge(claim, judge.reader(profile="smoke"))["sentence"])
"""


@pytest.fixture
def repository(tmp_path):
    """A copy of `lib` and the notebooks with the examples put in; {kind: files touched}."""
    for folder in ("lib", "notebooks", "data/record"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for kind, text in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        if kind == "json":
            add_claim(tmp_path / "lib" / "claims" / "ledger.json", json.loads(text))
        else:
            put(tmp_path, text)
    return tmp_path


def put(repository, text):
    """Write a block to the file that its first line names, or below a line in it."""
    place = PLACE.match(text)
    file, anchor, body = repository / place[1], place[2], text[place.end() :]
    if anchor is None:
        assert not file.exists()
        file.write_text(body, encoding="utf-8")
        return
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    (at,) = [i for i, line in enumerate(lines) if anchor in line]
    file.write_text("".join([*lines[: at + 1], body, *lines[at + 1 :]]), encoding="utf-8")


def add_claim(file, claim):
    claims = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps([*claims, claim]), encoding="utf-8")


def run(repository, *command):
    env = os.environ | {"KNOWN_TRUTH_HOME": str(repository), "OMP_NUM_THREADS": "1"}
    env |= {"PYTHONPATH": str(repository)}
    done = subprocess.run(
        [sys.executable, *command], cwd=repository, env=env, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_generator_table_and_claim_of_the_guide_give_a_verdict(repository):
    assert "on phantoms (nn_share" in run(repository, "-c", CHECK)


def test_notebook_of_the_guide_runs(repository):
    said = run(repository, "-m", "lib.runner", "--profile", "smoke", "pavae/table9")
    assert re.search(r"pavae/table9_means +\d", said)


def test_a_generator_touches_three_files_a_table_two():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    generator, table = (part.split("**A ", 1)[0] for part in text.split("**A generator**")[1:] +
                        text.split("**A table**")[1:])  # fmt: skip
    assert [len({file for file, _ in PLACE.findall(part)}) for part in (generator, table)] == [3, 2]
