"""Fitted generators of draw 0 as safetensors, each with the key of the job that made it.

So pages that play with a model work at once. Weights are kept with 16 bits and come back with 32.
"""

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from lib import paths
from lib.jobs import Job, Result
from lib.record.rows import RecordError, replace_file, short


def file_of(paper: str, name: str) -> Path:
    return paths.RECORD / "models" / paper / f"{name}.safetensors"


def save(paper: str, name: str, job: Job, result: Result) -> Path:
    """Keep what a fit has left: its arrays, its settings, and the key of its job."""
    file = file_of(paper, name)
    arrays = {key: _small(values) for key, values in result.arrays.items()}
    scores = {"settings": result.scores["settings"]}
    told = {"key": job.key, "function": job.name, "scores": json.dumps(scores)}
    replace_file(file, lambda half: save_file(arrays, half, told))
    return file


def load(paper: str, name: str, job: Job) -> tuple[Result, str]:
    """The model of the record, and "record", or "record, made by other code"; RecordError if there
    is none or it is damaged."""
    file = file_of(paper, name)
    if not file.is_file():
        raise RecordError(f"the record has no model {paper}/{name}; run its notebook to fit it.")
    try:
        with safe_open(file, "numpy") as found:
            told = found.metadata()
            arrays = {key: _whole(found.get_tensor(key)) for key in found.keys()}  # noqa: SIM118
    except SafetensorError:
        raise RecordError(f"{short(file)} is damaged; get it again from the repository.") from None
    where = "record" if told["key"] == job.key else "record, made by other code"
    return Result(arrays, json.loads(told["scores"])), where


def _small(values: np.ndarray) -> np.ndarray:
    values = np.ascontiguousarray(values)
    return values.astype(np.float16) if values.dtype == np.float32 else values


def _whole(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32) if values.dtype == np.float16 else values
