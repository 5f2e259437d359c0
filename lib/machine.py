"""What this run runs on: processor, versions, precision, cores, and the commit of the code."""

import functools
import os
import platform
import subprocess
import warnings
from importlib import metadata
from pathlib import Path

from lib import paths

PACKAGES = ("numpy", "scipy", "torch", "scikit-image", "scikit-learn", "statsmodels")
PRECISIONS = ("float32", "bfloat16")
FLOAT32 = 2.0
"""How many times as long as in bfloat16 training takes at most. With AVX512_BF16, as on the
record's machine, VDPBF16PS multiplies two pairs a lane where VFMADD231PS multiplies one (Intel's
Software Developer's Manual, volume 2); notebooks/90_speed.py measures it. No page of the record is
timed in both."""


@functools.cache
def commit() -> str | None:
    """Commit of this repository, `-dirty` with uncommitted changes; None outside of git.

    A repository around this folder does not count. Warns with git's own words where git refuses,
    as for a folder of another user.
    """
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != paths.ROOT:
        return None
    return _git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def _git(*args: str) -> str | None:
    """What git prints; None without git, outside of a repository and, with a warning, on errors."""
    elsewhere = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}  # set inside a hook
    env = {name: value for name, value in os.environ.items() if name not in elsewhere}
    env["LC_ALL"] = "C"
    command = ["git", "-C", str(paths.ROOT), *args]
    try:
        done = subprocess.run(command, env=env, capture_output=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return None
    if done.returncode == 0:
        return os.fsdecode(done.stdout).strip()
    said = " ".join(os.fsdecode(done.stderr).split())
    if "not a git repository" not in said:
        warnings.warn(f"the commit of the code is not recorded: {said}", stacklevel=3)
    return None


@functools.cache
def versions() -> dict[str, str]:
    """Versions of python and of the packages that numbers depend on, without local parts."""
    found = {name: metadata.version(name).partition("+")[0] for name in PACKAGES}
    return {"python": platform.python_version(), **found}


@functools.cache
def cpu() -> str:
    """Model of the processor: numbers agree to the last digits only on the same one."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


class Chosen(str):
    """A setting that the processor chose: on another one the same recipe may have another value."""

    __slots__ = ()


WITHOUT_BFLOAT16 = {  # values that keep torch (exact) and oneDNN (any case) from the instructions
    "ATEN_CPU_CAPABILITY": ("default", "avx2"),
    "ONEDNN_MAX_CPU_ISA": ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE",
                           "AVX512_CORE_VNNI"),
}  # fmt: skip


@functools.cache
def precision() -> Chosen:
    """One of PRECISIONS: 'bfloat16' where the processor multiplies it in hardware and no variable
    keeps torch from that.

    With ATEN_CPU_CAPABILITY below avx512 torch's own kernels convert bfloat16 in software
    (aten/src/ATen/native/DispatchStub.cpp); oneDNN needs AVX512_CORE_BF16 (its page "CPU Dispatcher
    Control"), and reads DNNL_MAX_CPU_ISA where ONEDNN_MAX_CPU_ISA is not set.
    """
    info = Path("/proc/cpuinfo")
    flags = info.read_text(encoding="utf-8").split() if info.is_file() else []
    aten, onednn = WITHOUT_BFLOAT16
    isa = os.environ.get(onednn) or os.environ.get("DNNL_MAX_CPU_ISA", "")
    off = os.environ.get(aten) in WITHOUT_BFLOAT16[aten] or isa.upper() in WITHOUT_BFLOAT16[onednn]
    return Chosen(PRECISIONS[bool({"avx512_bf16", "amx_bf16"} & set(flags)) and not off])
