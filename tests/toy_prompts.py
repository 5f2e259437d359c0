"""A base, a branch and a reader after a few steps, and the films of prompts that they give."""

from functools import cache

import numpy as np
import toy_films
import toy_pools

from lib.generators import controlnet, textual
from lib.jobs import Result
from lib.scores import prompts
from lib.tasks import film_reader

STREAM = [0, 5]
READS = {"findings": {"network": "small", "steps": 20, "batch": 16},
         "pneumothorax": {"steps": 3, "batch": 4}}  # fmt: skip


@cache
def fitted() -> tuple[Result, Result, Result, Result]:
    """Base, branch, reader, and films from which masks are taken."""
    films = toy_films.film_set(24, np.random.default_rng(0), share=0.6)
    short = {"steps": 2, "batch": 4, "precision": "float32"}
    coder = textual.coder_job(films, short, STREAM)
    small = {"widths": [16, 16, 16], "text": 16, "sampler_steps": 2}
    base = textual.base_job(films, coder, short | small, STREAM)
    shaken(base, "base/")
    branch = controlnet.branch_job(films, base, {"steps": 2, "batch": 4}, STREAM)
    shaken(branch, controlnet.LAST)
    return base, branch, film_reader.reader_job([toy_pools.film_set(240, 1)], READS, [0]), films


def shaken(made: Result, prefix: str) -> None:
    """Move all weights: after two steps texts and masks change next to nothing."""
    rng = np.random.default_rng(STREAM)
    for name, weights in made.arrays.items():
        if name.startswith(prefix):
            made.arrays[name] = weights + 0.1 * rng.standard_normal(weights.shape, np.float32)


@cache
def stored() -> Result:
    return prompts.stored(*fitted(), STREAM)
