"""Kernels of notebooks: python3 of this very environment, started anew or forked.

The imports of a page cost a kernel two to three seconds. Under `--report`, where a page needs
little else, every worker keeps a process that has the large packages imported, and kernels are
forked from that one (multiprocessing's fork server). Neither that process nor this module imports
anything of `lib`, so that a kernel reads code and settings as a new one does.
"""

import atexit
import gc
import multiprocessing
import os
import sys
import threading

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from traitlets import default

IMPORTED = (  # by most pages
    "torch", "sklearn.metrics", "sklearn.neighbors", "scipy.stats", "skimage.measure",
    "skimage.metrics", "statsmodels.stats.multitest", "h5py", "joblib", "matplotlib.pyplot",
    "matplotlib.backends.backend_svg", "IPython.display", "ipykernel.kernelapp", "jupyter_client",
)  # fmt: skip
LAUNCHER = "ipykernel_launcher"  # the module in a kernel's command, before its arguments


class OwnKernel(AsyncKernelManager):
    """A kernel manager that knows only the python3 of this environment."""

    @default("kernel_spec_manager")
    def _only_native(self):
        return KernelSpecManager(kernel_dirs=[])


class ForkedKernel(OwnKernel):
    """... whose kernels are forked."""

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options) -> None:
        local = self.provisioner
        forked = Forked(kernel_cmd, options["env"])
        local.process, local.pid, local.pgid = forked, forked.pid, forked.pid
        self._reconcile_connection_info(local.connection_info)


class Forked:
    """A forked process with those methods of subprocess.Popen that jupyter_client uses."""

    stdin = stdout = stderr = None

    def __init__(self, command: list[str], env: dict[str, str]):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(IMPORTED))
        arguments = command[command.index(LAUNCHER) + 1 :]
        self._process = context.Process(target=_serve, args=(arguments, env))
        self._process.start()
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def manager(forked: bool) -> type[OwnKernel]:
    """Forked only on Linux: elsewhere system libraries do not survive a fork."""
    return ForkedKernel if forked and sys.platform == "linux" else OwnKernel


def _serve(arguments: list[str], env: dict[str, str]) -> None:
    """The kernel, until it is told to end or the process that asked for it has ended."""
    gc.freeze()  # what is imported stays: no collection need look at it again
    os.setsid()  # signals at the terminal are for the runner
    os.environ.clear()
    os.environ.update(env)
    asked = multiprocessing.parent_process()
    threading.Thread(target=_end_with, args=(asked,), daemon=True).start()

    import matplotlib as mpl
    from ipykernel.kernelapp import launch_new_instance

    if not env.get("MPLBACKEND"):  # ipykernel sets it before matplotlib is imported
        mpl.rcParams["backend"] = "module://matplotlib_inline.backend_inline"
    try:
        launch_new_instance(arguments)
    finally:
        atexit._run_exitfuncs()  # a process of multiprocessing leaves them out


def _end_with(parent) -> None:
    parent.join()
    os._exit(1)
