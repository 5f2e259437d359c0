"""Films of a ControlNet drawn by other recipes of its sampler, and what a film costs."""

import time

from lib.generators import controlnet
from lib.jobs import Result


def pool(
    base: Result, branch: Result, asked: Result, n: int, stream: list[int], steps: int,
    guidance: float | None,
) -> Result:  # fmt: skip
    """Job: `controlnet.pool` with so many steps of DDIM in the place of the base's own.

    Scores: those of there, steps, and milliseconds: processor time a film, over all cores, with
    the loading of the model shared out among the films. ValueError for steps below 1, and as there.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; DDIM takes 1 or more.")
    settings = base.scores["settings"] | {"sampler_steps": steps}
    paced = Result(base.arrays, base.scores | {"settings": settings})
    start = time.process_time()
    drawn = controlnet.pool(paced, branch, asked, n, stream, guidance)
    spent = 1000 * (time.process_time() - start) / n
    return Result(drawn.arrays, drawn.scores | {"steps": steps, "milliseconds": spent})
