"""Pools of a fitted auto-encoder in class mixes other than Table 1 (the prior pi(y) of PA-VAE)."""

import numpy as np

from lib.datasets.splits import interleaved_labels
from lib.datasets.variants import mix_pattern
from lib.generators import vae
from lib.jobs import Result


def labels_of(mix: tuple[int, ...], n: int, drawn: bool, rng: np.random.Generator) -> np.ndarray:
    """(n,) class labels: exactly in the mix, or drawn one by one with its frequencies.

    `rng` itself is left as it was: what is drawn with it afterwards does not depend on `drawn`.
    """
    own = rng.spawn(1)[0]
    if drawn:
        return own.choice(len(mix), size=n, p=np.array(mix) / sum(mix))
    return interleaved_labels(n, mix_pattern(mix))


def pool(fitted: Result, mix: list[int], n: int, drawn: bool, stream: list[int]) -> Result:
    """Job: n labelled samples in the class mix mix[0] : mix[1] : mix[2].

    drawn: labels at random with these frequencies, as without a controlled prior; else exactly.
    """
    rng = np.random.default_rng(stream)
    labels = labels_of(tuple(mix), n, drawn, rng)
    return Result({"image": vae.load(fitted).sample(labels, rng), "label": labels}, {"n": n})


def resampled(data: Result, labelled: int, mix: list[int], n: int, stream: list[int]) -> Result:
    """Job: n of the first `labelled` real images, drawn with repetition in the class mix.

    The control of a balanced pool: the balance without a new image. Raises ValueError if a class
    of the mix has no image.
    """
    rng = np.random.default_rng(stream)
    labels = labels_of(tuple(mix), n, False, rng)
    real = data.arrays["label"][:labelled]
    missing = [c for c, count in enumerate(mix) if count and not (real == c).any()]
    if missing:
        raise ValueError(f"class {missing[0]} has no image among the first {labelled}; label more.")
    places = {c: np.flatnonzero(real == c) for c in np.unique(labels)}
    at = np.array([rng.choice(places[c]) for c in labels])
    return Result({"image": data.arrays["image"][at], "label": labels}, {"n": n})
