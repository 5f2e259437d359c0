"""The main tables on a folder of images: what needs a phantom's truth is left out visibly."""

import json

import pytest
from conftest import run_lib
from datasets import folder_of_phantoms

pytestmark = pytest.mark.slow

MAIN = {
    "pavae/table4": ("images", 800, "pavae/table4_main", "auc", {"oracle"}),
    "dhvae/table4": ("volumes", 14, "dhvae/table4_augmentation", "dice", {"oracle2000"}),
}


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
