"""A JupyterLab set up as the README says, for tests in a browser."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import ROOT

HEAD = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

"""
READY = "window.jupyterapp?.shell.currentWidget?.context?.sessionContext"


@contextmanager
def jupyterlab(folder: Path, cells: str) -> Iterator[str]:
    """Address (with token) of a JupyterLab that shows one notebook; all of it is in `folder`."""
    shown = folder / "shown" / "chapter"
    shown.mkdir(parents=True)
    (shown / "table.py").write_text(HEAD + cells)
    env = os.environ | {
        "JUPYTER_CONFIG_PATH": str(ROOT / ".jupyter"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),  # nothing of this machine's own user
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    env.pop("PYTHONPATH", None)
    options = ["--no-browser", "--allow-root", "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"]
    options += ["--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={shown.parent}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        cwd=folder, env=env, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.communicate(timeout=120)  # a busy machine shuts kernels down slowly


def _address(process: subprocess.Popen) -> str:
    log = []
    for line in process.stderr:
        log.append(line)
        if found := re.search(r"(http://127\.0\.0\.1:(\d+))/lab\?token=(\w+)", line):
            _until_it_listens(int(found[2]))
            return f"{found[1]}/lab/tree/chapter/table.py?token={found[3]}"
    pytest.fail("JupyterLab did not start:\n" + "".join(log))


def _until_it_listens(port: int) -> None:
    """The server names its address a moment before it takes connections."""
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
    pytest.fail(f"JupyterLab does not listen on port {port}")


def run_all(page, address: str) -> None:
    """Open the notebook and run its cells."""
    page.goto(address)
    page.wait_for_function(f"{READY}?.isReady", timeout=60_000)
    page.evaluate(f"async () => {{ await {READY}.ready; }}")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
