"""What every generator family offers.

    for state in fit(images, settings, rng): ...   # yields progress; state.generator is usable
    generator.sample(labels, rng) -> images        # (N,) labels -> (N, H, W) float32 in [0, 1]

A family's jobs are `fit_job` (weights as arrays, the log as scores) and `pool` (labelled samples).
"""

from typing import Protocol

import numpy as np


class Generator(Protocol):
    """Anything that draws images of requested classes."""

    def sample(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one image (H, W) in [0, 1] for each label of (N,)."""
        ...
