"""Fitted generators of draw 0, committed as safetensors so that nobody must train them first.

A file holds the arrays of the result of one job, and in its metadata the job's full key, the scores
(settings, plain JSON) and the names of arrays that are kept as float16.
"""

import importlib
import json
from collections.abc import Collection
from pathlib import Path
from shutil import copyfile

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from lib import paths
from lib.jobs import Job, Result
from lib.record import rows as pages
from lib.record.rows import RecordError

MOST = 10_000_000  # bytes a chapter


def save(
    name: str, job: Job, result: Result, half: Collection[str] = (), root: Path | None = None
) -> Path:
    """Keep a job's result as models/<name>.safetensors (`pavae/vae`) under `root`; its path.

    `root` is data/record by default. The arrays named in `half` are rounded to float16 and come
    back as float32.
    """
    arrays = {key: np.array(value, order="C") for key, value in result.arrays.items()}
    arrays |= {key: arrays[key].astype(np.float16) for key in half}
    about = {"key": job.key, "scores": json.dumps(result.scores), "half": json.dumps([*half])}
    target = _file(name, root)
    pages.replace_file(target, lambda file: save_file(arrays, file, metadata=about))
    return target


def keep(paper: str) -> list[str]:
    """Copy the models of a chapter that this home has into the record; the names of those copied.

    One that the record has under the same key stays as it is: the order of safetensors' metadata is
    chance, so that a copy would have other bytes.
    """
    found = sorted(_file(paper, paths.METRICS).with_suffix("").glob("*.safetensors"))
    new = [file for file in found if _key(file) != _key(_file(f"{paper}/{file.stem}"))]
    for file in new:
        pages.replace_file(_file(f"{paper}/{file.stem}"), lambda half, f=file: copyfile(f, half))
    return [file.stem for file in new]


def _key(file: Path) -> str | None:
    """The key of the job behind a kept model; None where there is no model, or a damaged one."""
    try:
        with safe_open(file, framework="numpy") as kept:
            return kept.metadata()["key"]
    except (OSError, SafetensorError, KeyError, TypeError):
        return None


def load(name: str, job: Job) -> tuple[Result, str]:
    """(the kept result, "record", or "record, of other code or seed" where the key is another on
    every processor).

    Raises RecordError when there is none or it is damaged.
    """
    file = _file(name)
    if not file.is_file():
        text = f"the record has no fitted model {name}"
        raise RecordError(f"{text}; train it with: ./run_all.sh --refit {name.partition('/')[0]}.")
    try:
        with safe_open(file, framework="numpy") as kept:
            names = kept.keys()
            about, arrays = kept.metadata(), {name: kept.get_tensor(name) for name in names}
        half, scores = json.loads(about["half"]), json.loads(about["scores"])
        arrays |= {key: arrays[key].astype(np.float32) for key in half}
    except (SafetensorError, KeyError, TypeError, ValueError):
        raise RecordError(pages.damaged(file, name, paths.RECORD)) from None
    where = "record" if about["key"] in job.keys.values() else "record, of other code or seed"
    return Result(arrays, scores), where


def has(name: str) -> bool:
    """Whether the record has a model of this name (`pavae/vae`)."""
    return _file(name).is_file()


def suits(job: Job, kept: Result) -> bool:
    """Whether a kept model is this job's, and the networks of today take its weights.

    Settings that both have must agree: a model of other settings is another model, whatever its
    shapes. The job's module says whether the weights load, by its function `load`.
    """
    asked, has = (x.get("settings") or {} for x in (job.spec["args"], kept.scores))
    has = json.loads(json.dumps(has))  # as the record has them: lists for tuples
    if any(has[name] != asked[name] for name in asked.keys() & has.keys() - {"precision"}):
        return False
    try:
        importlib.import_module(job.module).load(kept)
    except (RuntimeError, KeyError, TypeError):
        return False
    return True


def _file(name: str, root: Path | None = None) -> Path:
    return (root or paths.RECORD) / "models" / f"{name}.safetensors"
