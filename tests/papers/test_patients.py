"""The main tables on a folder of images: what needs a phantom's truth is left out visibly."""

import json

import pytest
from conftest import run_lib
from datasets import folder_of_phantoms

from lib import paths
from lib.runner import plan

MAIN = {
    "pavae/table4": ("images", 800, "pavae/table4_main", "auc", {"oracle"}),
    "dhvae/table4": ("volumes", 14, "dhvae/table4_augmentation", "dice", {"oracle2000"}),
}


FRESH = ["04_data", "04_diagnostics", "04_gaps", "04_robustness", "table5_ablations"]


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (
            [f"pavae/{name}" for name in FRESH],
            "the oracle of fresh phantoms needs a phantom; leave it out, or use dataset 'phantom'.",
        ),
        (
            ["pathosyn/04a_realism", "dhvae/table4_augmentation"],
            "labels.csv has no column 'slice', which volumes need; add it.",
        ),
    ],
)
def test_what_a_folder_of_images_cannot_give_is_one_line(tmp_path, monkeypatch, names, why):
    monkeypatch.setattr(paths, "STORE", tmp_path / "store")
    folder_of_phantoms.write(tmp_path / "data", "images", 12)
    given = {"profile": "smoke", "dataset": "folder", "root": str(tmp_path / "data")}
    with pytest.raises(plan.Unplannable) as caught:
        plan.jobs_of(names, given)
    assert str(caught.value) == f"{', '.join(names)}: {why}"


@pytest.mark.slow
@pytest.mark.parametrize("name", MAIN)
def test_main_table_of_a_folder_in_smoke(name, tmp_path):
    kind, n, item, metric, oracles = MAIN[name]
    folder_of_phantoms.write(tmp_path / "data", kind, n)
    given = ["--set", "dataset=folder", "--set", f"root={tmp_path / 'data'}"]
    done = run_lib("--profile", "smoke", "--draws", "0", *given, name, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    page = json.loads((tmp_path / "home/data/metrics/folder" / f"{item}.json").read_text())
    arms = {row["arm"] for row in page["rows"] if row["metric"] == metric}
    assert {"real", "smooth" if kind == "images" else "smooth2000"} <= arms
    assert not arms & oracles
    assert not {"fd", "kid", "adherence"} & {row["metric"] for row in page["rows"]}
    assert not (tmp_path / "home/data/metrics" / f"{item}.json").exists()
    shown = (tmp_path / "home/figures/report" / f"{item}.html").read_text(encoding="utf-8")
    assert "needs a phantom" in shown
