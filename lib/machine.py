"""What this run runs on: processor, versions, precision, cores, and the commit of the code."""

import functools
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from lib import paths

PACKAGES = ("numpy", "scipy", "torch", "scikit-image", "scikit-learn", "statsmodels")


@functools.cache
def commit() -> str | None:
    """Commit of the repository, `-dirty` with uncommitted changes; None outside of git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return None
    return done.stdout.strip() or None


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


@functools.cache
def precision() -> str:
    """'bfloat16' where the processor multiplies it in hardware, else 'float32'."""
    info = Path("/proc/cpuinfo")
    flags = info.read_text(encoding="utf-8").split() if info.is_file() else []
    return "bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "float32"
