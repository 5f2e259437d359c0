"""The chest data sets of PA-VAE, Table 1, drawn fresh from a phantom law."""

import numpy as np

from lib.datasets.hdf5 import ImageSet
from lib.datasets.preprocess import preprocess
from lib.datasets.splits import interleaved_labels
from lib.jobs import Result
from lib.phantoms import chest

TABLE1 = {  # PA-VAE, Table 1: healthy, left opacity, right opacity
    "train": (4000, 2000, 2000),
    "labelled": (400, 200, 200),
    "validation": (1000, 500, 500),
    "test": (1000, 500, 500),
}


MIX = (0, 1, 0, 2)  # labels of Table 1: half healthy, a quarter left, a quarter right


def draw(
    law: chest.Law, n: int, rng: np.random.Generator, pattern: tuple[int, ...] = MIX
) -> ImageSet:
    """n fresh subjects (a multiple of the pattern's length), preprocessed."""
    batch = chest.render(chest.sample(law, interleaved_labels(n, pattern), rng))
    return ImageSet(preprocess(batch.image), batch.label, batch.subject, batch.mask)


def image_set(law: str, n: int, stream: list[int]) -> Result:
    """Job: n fresh subjects of the named law; `stream` seeds the draw and names its purpose.

    Streams that differ give independent subjects. The first k images (k a multiple of 4) of a draw
    are the first k of a longer one, so the labelled 800 are the first of the 8,000.
    """
    if law not in chest.LAWS:
        raise ValueError(f"law {law!r} is unknown; choose one of {sorted(chest.LAWS)}.")
    return Result(draw(chest.LAWS[law], n, np.random.default_rng(stream)).arrays(), {"n": n})
