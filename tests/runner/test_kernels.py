"""Forked processes in the place of subprocess.Popen, as jupyter_client handles them."""

import os
import signal
import sys

import pytest

from lib.runner import kernels

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")


@pytest.fixture
def forked(monkeypatch):
    """A process that waits in the place of a kernel."""
    monkeypatch.setattr(kernels, "_serve", _waiting)
    monkeypatch.setattr(kernels, "IMPORTED", ())
    process = kernels.Forked(["python", "-m", kernels.LAUNCHER], dict(os.environ))
    yield process
    process.kill()
    process.wait()


def _waiting(arguments, env):
    signal.pause()


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_a_forked_process_ends_when_it_is_told_to_and_twice_does_no_harm(forked, end):
    assert forked.poll() is None
    getattr(forked, end)()
    number = {"terminate": signal.SIGTERM, "kill": signal.SIGKILL}[end]
    assert forked.wait() == -number == forked.poll()
    for method in ("terminate", "kill"):
        getattr(forked, method)()
    forked.send_signal(signal.SIGTERM)
