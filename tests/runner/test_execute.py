"""One notebook that ends badly: what is said, what is left, and that no process stays."""

import ast
import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from conftest import ROOT, run_lib
from toy_notebooks import GOOD, add

from lib import paths
from lib.runner import execute
from lib.runner.notebooks import executed, source

KILLED = "import os; os.kill(os.getpid(), 9)"
ENDINGS = {
    "exit": ("raise SystemExit(0)", "cell 4 (okay = 1): SystemExit: the cells after it did not"),
    "killed": (KILLED, "cell 4 (okay = 1): its kernel was killed (out of memory? -j 1 runs"),
}


@pytest.fixture
def shelf(tmp_path):
    """A folder of notebooks, empty."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    return folder


REPORT = pytest.mark.parametrize("more", [(), ("--report",)], ids=["started", "forked"])


@REPORT
def test_early_ends_fail_with_their_cell_and_leave_a_page_and_nothing_half(shelf, tmp_path, more):
    for name, (code, _) in ENDINGS.items():
        add(shelf, name, f"before = 1\n\n# %%\nokay = 1\n{code}\n\n# %%\nprint('after')\n")
    done = run_lib("--profile", "smoke", *more, home=tmp_path, notebooks=shelf)
    assert done.returncode == 1
    report = tmp_path / "figures" / "report"
    for name, (_, said) in ENDINGS.items():
        assert done.stderr.count(f"FAILED {name}: {said}") == 1
        assert (report / f"{name}.html").is_file()
        texts = json.loads((report / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        assert any(out.get("ename") for cell in texts for out in cell.get("outputs", ()))
    assert list(tmp_path.rglob(".half-*")) == []
    listed = run_lib("--profile", "smoke", *more, "--list", home=tmp_path, notebooks=shelf)
    assert "up to date" not in listed.stdout


def test_reader_s_own_ipython_settings_do_not_count(shelf, tmp_path, monkeypatch):
    add(shelf, "good", GOOD.format(mark="made"))
    for folder in ("/proc/nope", tmp_path / "mine"):
        monkeypatch.setenv("IPYTHONDIR", str(folder))
        done = run_lib("--profile", "smoke", "--again", home=tmp_path, notebooks=shelf)
        assert done.returncode == 0, done.stderr
    assert not (tmp_path / "mine").exists()


def test_the_same_notebook_twice_at_once(shelf, tmp_path):
    add(shelf, "good", f"import time; time.sleep(2)\n{GOOD.format(mark='made')}")
    env = os.environ | {"KNOWN_TRUTH_HOME": str(tmp_path), "KNOWN_TRUTH_NOTEBOOKS": str(shelf)}
    command = [sys.executable, "-m", "lib.runner", "--again", "good"]
    both = [subprocess.Popen(command, cwd=ROOT, env=env) for _ in range(2)]
    assert [each.wait() for each in both] == [0, 0]
    assert list(tmp_path.rglob(".half-*")) == []


@REPORT
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_signals_end_worker_and_kernel(shelf, tmp_path, number, status, more):
    code = "import os, time\nfrom lib import paths\n"
    code += "half = paths.HOME / 'h'\nhalf.write_text(f'{os.getpid()} {os.getppid()}')\n"
    add(shelf, "waits", f"{code}half.rename(paths.HOME / 'pids')\ntime.sleep(100)\n")
    env = os.environ | {"KNOWN_TRUTH_HOME": str(tmp_path), "KNOWN_TRUTH_NOTEBOOKS": str(shelf)}
    command = [sys.executable, "-m", "lib.runner", *more, "waits"]
    said = tmp_path / "said"
    with said.open("w", encoding="utf-8") as stream:
        run = subprocess.Popen(command, cwd=ROOT, env=env, stderr=stream)
    while not (tmp_path / "pids").exists() and run.poll() is None:
        time.sleep(0.1)
    below = psutil.Process(run.pid).children(recursive=True)
    assert set(map(int, (tmp_path / "pids").read_text().split())) <= {each.pid for each in below}
    run.send_signal(number)
    _, alive = psutil.wait_procs(below, timeout=5)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
    assert run.wait(timeout=30) == status
    if number == signal.SIGKILL:
        assert list(tmp_path.rglob(".half-*"))
        add(shelf, "waits", "")
        assert run_lib("waits", home=tmp_path, notebooks=shelf).returncode == 0
    else:
        told = said.read_text(encoding="utf-8").strip()
        assert told == "stopped; the same command goes on"
    assert list(tmp_path.rglob(".half-*")) == []


LOOKS = """
import os, sys
known = sorted(name for name in sys.modules if name.partition(".")[0] == "lib")
import matplotlib
from lib import paths
told = [matplotlib.get_backend(), os.environ["TOY"], os.getcwd() == str(paths.ROOT)]
told += ["mine" in os.environ["IPYTHONDIR"], os.getpgid(0) == os.getpid()]
(paths.HOME / stem).write_text(repr([os.getpid(), known, told]))
"""


def test_forked_kernels_are_as_new_ones(shelf, tmp_path, monkeypatch):
    """Each is a process of its own with the same settings, and knows nothing of `lib` yet."""
    monkeypatch.setenv("TOY", "set")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "mine"))
    for stem in ("one", "other", "started"):
        add(shelf, stem, f"stem = {stem!r}{LOOKS}")
    for more in (["--report", "o"], ["started"]):
        done = run_lib("-j", "1", *more, home=tmp_path, notebooks=shelf)
        assert done.returncode == 0, done.stderr
    texts = [(tmp_path / stem).read_text() for stem in ("one", "other", "started")]
    one, other, started = map(ast.literal_eval, texts)
    assert one[0] != other[0]
    assert one[1] == other[1] == ["lib", "lib.runner", "lib.runner.kernels"]
    assert one[2] == other[2] == started[2]


@pytest.mark.parametrize(("deaths", "said"), [(1, ""), (2, "its kernel does not start")])
def test_kernel_that_dies_at_the_start_is_tried_once_more(
    shelf, tmp_path, monkeypatch, deaths, said
):
    import papermill

    monkeypatch.setattr(paths, "NOTEBOOKS", shelf)
    monkeypatch.setattr(paths, "REPORT", tmp_path / "report")
    add(shelf, "good", "")
    calls = []

    def dying(node, *args, **options):
        calls.append(node)
        if len(calls) <= deaths:
            raise RuntimeError(execute.NOT_STARTED)
        return node

    monkeypatch.setattr(papermill, "execute_notebook", dying)
    node, written = execute._read(str(source("good"))), tmp_path / executed("good").name
    assert execute._run(node, written, str(ROOT), {}).startswith(said)
    assert len(calls) == 2


@pytest.mark.parametrize(("again", "status"), [(False, 0), (True, 1)])
def test_write_protected_home(shelf, tmp_path, again, status):
    """Read-only stops nothing that is up to date, and else is one sentence."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs the rights of root")
    add(shelf, "good", GOOD.format(mark="made"))
    home = tmp_path / "home"
    home.mkdir()
    assert run_lib("good", home=home, notebooks=shelf).returncode == 0
    with mounted(["--bind", "-o", "ro", home, home]):
        done = run_lib("good", *["--again"][:again], home=home, notebooks=shelf)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == status
    assert ("read-only" in done.stderr) is again


def test_full_disk(shelf, tmp_path):
    """One sentence, and nothing half stays."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs the rights of root")
    add(shelf, "good", "print('x' * 600_000)")
    home = tmp_path / "home"
    home.mkdir()
    with mounted(["-t", "tmpfs", "-o", "size=200k", "none", home]):
        done = run_lib("good", home=home, notebooks=shelf)
        assert list(home.rglob(".half-*")) == []
    assert done.returncode == 1
    assert done.stderr.count("the disk is full; make room") == 1
    assert "Traceback" not in done.stderr


class mounted:
    """A file system for a while; skips where it cannot be."""

    def __init__(self, args):
        self.args = [str(each) for each in args]

    def __enter__(self):
        done = subprocess.run(["mount", *self.args], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("this machine does not let tests mount")

    def __exit__(self, *error):
        subprocess.run(["umount", self.args[-1]], check=True)
