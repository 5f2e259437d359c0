"""What tests share: one smoke run of all notebooks, and a real browser."""

import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

from lib import paths
from lib.report import animate

hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")  # a test may wait for cores that others use

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(tryfirst=True)  # before the workers read the groups
def pytest_collection_modifyitems(items):
    """Mark tests by the expensive things they ask for, so that `-m "not smoke"` leaves them out.

    With several workers a file stays with one, and so do all tests of the one smoke run, the
    longest of all, which goes first.
    """
    items.sort(key=lambda item: "smoke_home" not in item.fixturenames)
    for item in items:
        group = item.path.name
        if "smoke_home" in item.fixturenames:
            item.add_marker("smoke")
            group = "smoke"
        item.add_marker(pytest.mark.xdist_group(group))
        if "chromium" in item.fixturenames:
            item.add_marker("browser")


def run_lib(
    *args: str, home: Path, notebooks: Path | None = None, **variables: str
) -> subprocess.CompletedProcess:
    """`python -m lib.runner` from the root of the repository, everything generated under `home`."""
    env = os.environ | {"KNOWN_TRUTH_HOME": str(home), "OMP_NUM_THREADS": "1"} | variables
    if notebooks:
        env["KNOWN_TRUTH_NOTEBOOKS"] = str(notebooks)
    command = [sys.executable, "-m", "lib.runner", *args]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def smoke_home(tmp_path_factory) -> Path:
    """The folder with all that `./run_all.sh --profile smoke` leaves; made once for all tests."""
    kept = os.environ.get("KNOWN_TRUTH_SMOKE_HOME")
    home = Path(kept) if kept else tmp_path_factory.mktemp("smoke")
    done = run_lib("--profile", "smoke", home=home, **{paths.SOLVE: "1"})  # exercises too
    assert done.returncode == 0, f"the smoke run failed:\n{done.stdout}\n{done.stderr}"
    return home


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium; browser tests are skipped without one, except under CI=true."""
    if not (found := animate.chromium()):
        message = "no Chromium on this machine (apt install chromium, or set CHROMIUM to its path)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*animate.FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A fresh page in a fresh profile, with no network beyond this machine."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()
