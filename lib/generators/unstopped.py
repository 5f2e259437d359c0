"""An auto-encoder that keeps its last weights: the same training without early stopping.

Early stopping watches the guide's features, which PA-VAE is trained to keep and the standard VAE
is not: a rule that favours one of them. This arm has no such rule.
"""

from dataclasses import asdict

import numpy as np

from lib.datasets.hdf5 import from_arrays
from lib.generators import vae
from lib.jobs import Result
from lib.networks import training as tr
from lib.tasks import classify


def fit_job(data: Result, n: int, guide: Result, settings: dict, stream: list[int]) -> Result:
    """Job: train on the first n images for all epochs; weights under "best/", as `vae.fit_job`."""
    s = vae.VaeSettings(**settings)
    states = vae.fit(
        from_arrays(data.arrays)[:n], classify.load(guide), s, np.random.default_rng(stream)
    )
    for state in states:
        last = state
    weights = tr.weights_to_arrays(last.generator, "best/")
    return Result(weights, {"settings": asdict(s), "best_epoch": last.epoch})
