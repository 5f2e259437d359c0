"""Recipes of jobs as plain JSON: None, bool, int, finite float, str, lists, dicts, and jobs."""

import hashlib
import json
import math
from collections.abc import Callable

from lib.machine import Chosen

LINK = "$job"  # marks a nested job inside a recipe


class Node:
    """What stands for a job inside a recipe; `jobs.Job` is the only kind."""


def plain(value, where: str, inputs: list):
    """A copy of plain JSON (tuples become lists); Jobs stay and are collected in `inputs`."""
    if isinstance(value, Node):
        inputs.append(value)
        return value
    if value is None or type(value) in (bool, int, str, Chosen):
        return value
    if type(value) is float:
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}; pass None or a finite number")
        return value
    if type(value) in (list, tuple):
        return [plain(v, f"{where}[{i}]", inputs) for i, v in enumerate(value)]
    if type(value) is dict:
        for key in value:
            if type(key) is not str or key.startswith("$"):
                raise TypeError(f"{where} has the key {key!r}; keys are str and start with no '$'")
        return {k: plain(v, f"{where}[{k!r}]", inputs) for k, v in value.items()}
    raise TypeError(f"{where} is a {type(value).__name__}; pass plain JSON values or Jobs")


def replace(value, with_job: Callable, chosen: str | None = None):
    """The same nested value with every Job replaced, and every `Chosen` by `chosen` (None: itself,
    as plain text)."""
    if isinstance(value, Node):
        return with_job(value)
    if isinstance(value, list):
        return [replace(v, with_job, chosen) for v in value]
    if isinstance(value, dict):
        return {k: replace(v, with_job, chosen) for k, v in value.items()}
    return chosen or str(value) if isinstance(value, Chosen) else value


def replace_links(value, with_link: Callable):
    """The same nested value with every {LINK: x} replaced by with_link(x)."""
    if isinstance(value, list):
        return [replace_links(v, with_link) for v in value]
    if isinstance(value, dict):
        if LINK in value:
            return with_link(value[LINK])
        return {k: replace_links(v, with_link) for k, v in value.items()}
    return value


def digest(value) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
