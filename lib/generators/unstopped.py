"""An auto-encoder that keeps its last weights: the same training without early stopping.

Early stopping watches one distance, and any distance favours somebody. This arm has no such rule;
everything else is as in `vae.fit_job`, to the last bit.
"""

from dataclasses import asdict

import numpy as np

from lib.datasets.hdf5 import from_arrays
from lib.generators import vae
from lib.jobs import Result
from lib.tasks import classify
from lib.training import loop as tr


def fit_job(data: Result, n: int, guide: Result, settings: dict, stream: list[int]) -> Result:
    """Job: train on the first n images for all epochs; weights under "best/", as `vae.fit_job`."""
    s = vae.VaeSettings(**settings)
    rng = np.random.default_rng(stream)
    rng.spawn(1)  # the stopping rule's, in vae.fit_job
    for state in vae.fit(from_arrays(data.arrays)[:n], classify.load(guide), s, rng):
        last = state
    weights = tr.weights_to_arrays(last.generator, "best/")
    return Result(weights, {"settings": asdict(s), "best_epoch": last.epoch})
