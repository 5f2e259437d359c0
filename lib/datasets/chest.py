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


def draw(law: chest.Law, n: int, rng: np.random.Generator) -> ImageSet:
    """n fresh subjects in Table 1's class mix (n a multiple of 4), preprocessed."""
    batch = chest.render(chest.sample(law, interleaved_labels(n), rng))
    return ImageSet(preprocess(batch.image), batch.label, batch.subject, batch.mask)


def image_set(law: str, n: int, stream: list[int]) -> Result:
    """Job: n fresh subjects of the named law; `stream` seeds the draw and names its purpose.

    Streams that differ give independent subjects. The first k images (k a multiple of 4) of a draw
    are the first k of a longer one, so the labelled 800 are the first of the 8,000.
    """
    if law not in chest.LAWS:
        raise ValueError(f"law {law!r} is unknown; choose one of {sorted(chest.LAWS)}.")
    return Result(draw(chest.LAWS[law], n, np.random.default_rng(stream)).arrays(), {"n": n})
