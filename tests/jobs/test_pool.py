"""The pool under trouble: damaged inputs, dead clusters, small machines, killed parents."""

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future

import psutil
import pytest
from conftest import ROOT

from lib import paths
from lib.jobs import pool


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    """Nothing is written elsewhere."""
    monkeypatch.setattr(paths, "STORE", tmp_path / "store")


def touch(file):
    """What a task that succeeds does."""
    file.write_text("", encoding="utf-8")


def read_damaged(file):
    """A task that finds its input damaged, takes it away and fails: the second time it is whole."""
    text = file.read_text(encoding="utf-8")
    if text == "damaged":
        file.unlink()
        raise ValueError("damaged")


def no_room():
    """A task on a full disk."""
    with pool.files.writing(paths.STORE):
        raise OSError(errno.ENOSPC, "full")


def test_task_whose_input_was_damaged_runs_again_after_it_in_the_same_run(tmp_path):
    made = tmp_path / "made"
    made.write_text("damaged", encoding="utf-8")
    first = pool.Task("a", "a", (touch, made), is_done=made.exists)
    middle = pool.Task("b", "b", (touch, made), inputs=("a",), is_done=lambda: True)
    last = pool.Task("c", "c", (read_damaged, made), inputs=("b",))
    assert pool.run([first, middle, last], 1, lambda state: None, targets=["c"]) == {}
    assert made.read_text(encoding="utf-8") == ""


def test_full_disk_in_a_worker_stops_the_run_with_one_sentence(tmp_path):
    tasks = [pool.Task(str(i), f"task {i}", (no_room,)) for i in range(3)]
    with pytest.raises(pool.Hopeless, match=r"cannot be written: the disk is full; make room"):
        pool.run(tasks, 1, lambda state: None)
    assert list(tmp_path.rglob(".half-*")) == []


def test_too_little_shared_memory_is_one_sentence(monkeypatch):
    from joblib.externals import loky

    def refuse(**options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(loky, "get_reusable_executor", refuse)
    with pytest.raises(pool.Hopeless, match=r"/dev/shm larger"):
        pool.run([pool.Task("a", "a", (print,))], 1, lambda state: None)


class Cluster:
    """Stands for a Dask client whose scheduler dies in a task."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def nthreads(self):
        return {"worker": 1}

    def get_executor(self, pure):
        return self

    def submit(self, function, *args):
        if args[0] is no_room:
            raise OSError("scheduler is gone")
        future = Future()
        if args[0] is read_damaged:  # what distributed does to open futures
            future.cancel()
            future.set_running_or_notify_cancel()
        else:
            future.set_result(function(*args))
        return future


@pytest.mark.parametrize("broken", [(no_room,), (read_damaged, None)])
def test_scheduler_that_dies_is_one_sentence_and_results_stay(tmp_path, monkeypatch, broken):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://nowhere:1")
    monkeypatch.setattr(pool, "_dask_client", lambda address: Cluster())
    tasks = [pool.Task("a", "a", (touch, tmp_path / "made")), pool.Task("b", "b", broken)]
    with pytest.raises(pool.Hopeless, match=r"scheduler at tcp://nowhere:1 does not answer; fin"):
        pool.run(tasks, 1, lambda state: None)
    assert (tmp_path / "made").exists()


def test_cores_are_those_that_this_process_may_use():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no affinity on this system")
    code = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); "
    code += "from lib.jobs import pool; print(pool.cores(), pool.cores(3))"
    env = {name: value for name, value in os.environ.items() if name != pool.WORKERS}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True)
    assert done.stdout.split() == [b"1", b"3"]


def test_workers_end_within_seconds_after_the_parent_was_killed(tmp_path):
    body = f"""
import time, pathlib
from lib import paths
from lib.jobs import pool
paths.STORE = pathlib.Path({str(tmp_path)!r})
pool.run([pool.Task(str(i), "a", (time.sleep, 100)) for i in range(2)], 2)
"""
    parent = psutil.Popen([sys.executable, "-c", body], cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(workers := loky_workers(parent)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(workers) == 2
    time.sleep(1)  # until they have begun
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    gone, alive = psutil.wait_procs(workers, timeout=5)
    for each in alive:
        each.kill()
    assert len(gone) == 2


def loky_workers(parent):
    return [each for each in parent.children() if "popen_loky_posix" in " ".join(each.cmdline())]
