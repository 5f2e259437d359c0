"""JupyterLab opens a .py notebook as a notebook, and running it can import lib."""

import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

NOTEBOOK = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A heading

# %% tags=["parameters"]
profile = "quick"

# %%
from lib import paths
(paths.ROOT / "lib").is_dir() and f"ran with {profile}"
"""


@pytest.fixture
def lab(tmp_path):
    """Address (with token) of a JupyterLab set up as the README says, showing one notebook."""
    shown = tmp_path / "shown" / "chapter"
    shown.mkdir(parents=True)
    (shown / "table.py").write_text(NOTEBOOK)
    env = os.environ | {
        "JUPYTER_CONFIG_PATH": str(ROOT / ".jupyter"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),  # nothing of this machine's own user
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    env.pop("PYTHONPATH", None)
    options = ["--no-browser", "--allow-root", "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"]
    options += ["--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={shown.parent}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    log = []
    for line in process.stderr:
        log.append(line)
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab\?token=(\w+)", line):
            break
    else:
        pytest.fail("JupyterLab did not start:\n" + "".join(log))
    yield f"{found[1]}/lab/tree/chapter/table.py?token={found[2]}"
    process.terminate()
    process.communicate(timeout=20)


def test_py_file_opens_as_a_notebook_and_runs(lab, page):
    page.goto(lab)
    page.wait_for_function(
        "window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.isReady", timeout=60_000
    )
    ready = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.ready"
    page.evaluate(f"async () => {{ await ({ready})(); }}")
    assert page.locator(".jp-MarkdownOutput h1").inner_text().startswith("A heading")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    output = page.locator(".jp-OutputArea-output", has_text="ran with quick")
    output.wait_for(timeout=60_000)
    assert page.locator(".jp-OutputArea-output", has_text="Error").count() == 0
