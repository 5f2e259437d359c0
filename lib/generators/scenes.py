"""Where a synthetic lesion goes: on which anatomy, and in which mask.

The paper does not say where the masks of its synthetic lesions come from. Three scenes:

    "own"       a lesion slice, a new lesion in its own mask: only the lesion's appearance is new
    "exchanged" a lesion slice whose lesion is replaced by the substrate, the mask of another lesion
    "free"      a slice without lesion, the mask of a lesion

Masks that are not a slice's own come from about the same level of the head and are mirrored by
chance; one that lies beside the brain is moved into it. What lies outside the brain is cut off.
"""

import numpy as np

from lib.generators import control, observation
from lib.generators.frame import observed
from lib.generators.observation import Noise
from lib.jobs import Result

SCENES = ("own", "exchanged", "free")
LEVELS = 1  # slices by which the level of a mask may differ from that of its anatomy
INSIDE = 0.9  # share of a mask that has to lie in the brain, or else it is moved
TRIES = 20  # places that are tried then; the one with most of the mask in the brain is taken
SMALL = 0.25  # share of lesion slices that show less brain than every lesion-free one in use


def pool(
    model, data: Result, n: int, stream: list[int], scene: str = "own", how: str | None = None,
    severity: float = 1.0, healer=None,
) -> Result:  # fmt: skip
    """n syntheses by a model (`PathoSyn.sample`) on slices of a slice_set.

    healer: a model that heals the slices of "exchanged" in the place of `model`; arms with the
    same stream and healer are given the same anatomies and masks.

    Arrays (n, H, W): image, mask (the request, before any margin), substrate, deviation, anatomy
    (what the lesion was put on), and source (n,), the slice that is the anatomy. ValueError:
    unknown scene, no lesion-free slices for "free", and all of `PathoSyn.sample`.
    """
    choose_rng, heal_rng, draw_rng = np.random.default_rng(stream).spawn(3)
    source, mask = chosen(data, n, scene, choose_rng)
    column = "free/image" if scene == "free" else "image"
    anatomy = data.arrays[column][source].astype(np.float32)
    if scene == "exchanged":
        noise = observation.estimate(data.arrays["image"])
        anatomy = healed(healer or model, anatomy, data.arrays["mask"][source], noise, heal_rng)
    if scene != "own":
        mask = control.within(placed_in(anatomy, mask, choose_rng), anatomy)
    made = model.sample(anatomy, mask, draw_rng, how, severity)
    arrays = made._asdict() | {"mask": mask, "anatomy": anatomy, "source": source}
    return Result(arrays, {"n": n})


def chosen(
    data: Result, n: int, scene: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Slices (n,) and masks (n, H, W) for a scene, all slices as often as each other."""
    if scene not in SCENES:
        raise ValueError(f"scene {scene!r} is unknown; use one of {SCENES}.")
    masks = data.arrays["mask"]
    if scene == "own":
        source = order(len(masks), n, rng)
        return source, masks[source]
    candidates = large_enough(data) if scene == "free" else np.arange(len(masks))
    source = candidates[order(len(candidates), n, rng)]
    mask = masks[partners(data, source, scene, rng)].copy()
    mirrored = rng.random(n) < 0.5
    mask[mirrored] = mask[mirrored, :, ::-1]
    return source, mask


def large_enough(data: Result) -> np.ndarray:
    """The lesion-free slices that show as much brain as three of four slices with a lesion.

    The first and last slices of a volume show little or none. ValueError if there is none such.
    """
    brain = (data.arrays["image"] > control.EMPTY).sum((1, 2))
    free = (data.arrays.get("free/image", data.arrays["image"][:0]) > control.EMPTY).sum((1, 2))
    found = np.flatnonzero(free >= np.quantile(brain, SMALL))
    if not len(found):
        raise ValueError(
            "the set has no lesion-free slices that show enough brain; use scene 'own' or "
            "'exchanged'."
        )
    return found


def partners(data: Result, source: np.ndarray, scene: str, rng: np.random.Generator) -> np.ndarray:
    """For each anatomy (n,) another lesion slice, whose mask it gets: one of about the same level.

    So a lesion comes where lesions are. Any slice where the levels ("index") are not known.
    """
    a, own = data.arrays, "free/index" if scene == "free" else "index"
    if "index" not in a or own not in a:
        return order(len(a["mask"]), len(source), rng)
    apart = np.abs(a[own][source].astype(int)[:, None] - a["index"].astype(int))
    if scene != "free" and len(a["index"]) > 1:
        apart[np.arange(len(source)), source] = np.iinfo(int).max
    near = apart <= np.maximum(LEVELS, apart.min(1, keepdims=True))
    return np.array([rng.choice(np.flatnonzero(row)) for row in near], dtype=np.int64)


def order(count: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """n indices below count in shuffled passes."""
    passes = [rng.permutation(count) for _ in range(-(-n // count))]
    return np.concatenate([*passes, np.empty(0, dtype=np.int64)])[:n].astype(np.int64)


def healed(
    model, image: np.ndarray, mask: np.ndarray, noise: Noise, rng: np.random.Generator
) -> np.ndarray:
    """The images (N, H, W) with draws about the model's substrate in the supports of their masks.

    Without the noise the place of the old lesion would be seen: it would be the only smooth one.
    """
    made = model.sample(image, mask, rng, "paste", 0.0)
    return np.where(made.image == image, image, observed(made.image, noise, rng))


def placed_in(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The masks (N, H, W); one of which less than INSIDE lies in its brain is moved to where most
    of it does."""
    found = mask.copy()
    for i, (x, m) in enumerate(zip(image, mask, strict=True)):
        brain = x > control.EMPTY
        at = np.argwhere(brain)
        if not len(at):
            raise ValueError(f"image {i} shows no brain; leave it out.")
        if (m & brain).sum() >= INSIDE * m.sum():
            continue
        places = [control.placed(m[None], *at[k])[0] for k in rng.integers(len(at), size=TRIES)]
        found[i] = max(places, key=lambda p: int((p & brain).sum()))
    return found
