"""What the page of the deviation field shows: stored lesions of a fitted PathoSyn diffusion.

A subject is a phantom whose lesion slice, healthy twin and true deviation are known. The model is
given the healthy twin and the mask of the true lesion, grown by 0 to 4 pixels, and draws a set of
lesions. The page scales, moves and fuses them by itself; what is drawn anew comes from `redrawn`.
"""

import numpy as np
import torch
from torch import Tensor

from lib.datasets import lesions
from lib.explore.host import Explorer, is_live
from lib.generators import boxes, control, diffusion
from lib.generators.deviation import DeviationDiffusion
from lib.jobs import Result
from lib.metrics.deviations import BAND
from lib.scores.controlled import EXTENTS
from lib.training import loop as tr

SUBJECTS, SEEDS = 4, 16
FILMED, FRAMES = 4, 13  # seeds whose way from noise is kept, and pictures of a way
SIDE = 40  # pixels of the window in which deviations are kept
AREA = (40, 240)  # pixels of a mask that is shown: the smallest has something to see
DRAWN = 160  # lesion slices among which subjects are looked for
STEPS = 127  # of a signed field on either side of 0


def subjects(n: int, stream: list[int], drawn: int = DRAWN) -> dict[str, np.ndarray]:
    """n phantoms, each with its slice of most lesion: healthy, mask, deviation (n, H, W).

    Only masks of AREA pixels that fit into SIDE at every extent. ValueError if there are fewer.
    """
    slices = lesions.fresh_lesions(drawn, stream)
    who = len(set(slices.arrays["subject"].tolist()))
    given = lesions.one_each(slices, who)
    area = given.arrays["mask"].sum((1, 2))
    large = boxes.around(control.grown(given.arrays["mask"], EXTENTS[-1]), (SIDE, 64), 0).side
    at = np.flatnonzero((AREA[0] <= area) & (area <= AREA[1]) & (large == SIDE))[:n]
    if len(at) < n:
        raise ValueError(f"{n} subjects are asked, {len(at)} suit; raise drawn above {drawn}.")
    kept = Result({name: values[at] for name, values in given.arrays.items()}, {})
    truth = lesions.truths(kept).arrays
    return {name: truth[name] for name in ("healthy", "deviation")} | {"mask": kept.arrays["mask"]}


def ways(
    model: DeviationDiffusion, substrate: np.ndarray, mask: np.ndarray, n: int,
    rng: np.random.Generator, frames: int = FRAMES,
) -> np.ndarray:  # fmt: skip
    """n lesions drawn in one mask (H, W) on one substrate: (frames, n, H, W) in grey units.

    The first frame is noise, the last the deviation that `PathoSyn.sample` gives for n copies and
    the same random numbers; those between lie evenly among the sampler's steps. ValueError for
    another sampler than DDIM.
    """
    s = model.settings
    if s.sampler != "ddim":
        raise ValueError(f"sampler {s.sampler!r} leaves no such way; fit or load one with 'ddim'.")
    generator = tr.torch_generator(rng)
    noise = torch.randn((n, 1, *mask.shape), generator=generator)
    whole = [tr.as_planes(np.repeat(part[None], n, 0)) for part in (mask, substrate)]
    places, at = boxes.around(whole[0][:, 0].numpy(), s.sides, s.pad), np.arange(n)
    x, m, sub = (places.cut(part, at) for part in (noise, *whole))
    with torch.no_grad():
        path = diffusion.ddim(
            model.schedule, model.predictor(sub, m), x * m, s.sampler_steps, s.eta, generator
        )
        states = [x * m, *path]
        kept = np.linspace(0, len(states) - 1, frames).round().astype(int)
        return np.stack([_whole(model, places, states[i], whole) for i in kept])


def _whole(
    model: DeviationDiffusion, places: boxes.Boxes, r: Tensor, whole: list[Tensor]
) -> np.ndarray:
    """Deviations (n, H, W) in grey units of patches in units of `scale`."""
    mask, substrate = whole
    plane = torch.zeros_like(mask)
    places.put(plane, np.arange(len(mask)), r)
    return (model.added(plane, substrate) * mask)[:, 0].numpy()


def stored(
    model: DeviationDiffusion, given: dict[str, np.ndarray], stream: list[int], seeds: int = SEEDS,
    filmed: int = FILMED,
) -> dict[str, np.ndarray]:  # fmt: skip
    """All that the page needs of `subjects` (n, H, W), with E extents and windows of SIDE pixels.

    Grey images as uint8 of 255 steps: healthy (n, H, W), substrate (n, E, H, W). mask (n, E, SIDE,
    SIDE) of 0 and 1. Signed fields as uint8, 128 being zero, with the grey value of a step beside
    them: truth (n, H, W), truth_step (n,); deviation (n, E, seeds, SIDE, SIDE), deviation_step (n,
    E); way (n, FRAMES, filmed, SIDE, SIDE), way_step (n, FRAMES), of the mask as it is. corner
    (n, 2), first row and column of a window. Each subject's lesions start from the same noise at
    all extents.
    """
    parts = [_subject(model, {k: a[i] for k, a in given.items()}, [*stream, i], seeds, filmed)
             for i in range(len(given["mask"]))]  # fmt: skip
    found = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    kept = {"healthy": greys(found["healthy"]), "substrate": greys(found["substrate"])}
    for name, depth in (("truth", 1), ("deviation", 2), ("way", 2)):
        kept[name], kept[f"{name}_step"] = signed(found[name], depth)
    return kept | {name: found[name] for name in ("mask", "corner")}


def _subject(
    model: DeviationDiffusion, one: dict[str, np.ndarray], stream: list[int], seeds: int,
    filmed: int,
) -> dict[str, np.ndarray]:  # fmt: skip
    healthy = one["healthy"]
    masks = [control.within(control.grown(one["mask"][None], by), healthy[None])[0]
             for by in EXTENTS]  # fmt: skip
    widest = boxes.around(masks[-1][None], (SIDE,), 0)
    corner = np.array([widest.top[0], widest.left[0]])
    window = tuple(slice(first, first + SIDE) for first in corner)
    rng, alike = np.random.default_rng(stream), np.stack([healthy] * len(masks))
    substrates = model.sample(alike, np.stack(masks), rng, severity=0.0).substrate
    films = [ways(model, sub, mask, seeds, np.random.default_rng(stream))[..., *window]
             for sub, mask in zip(substrates, masks, strict=True)]  # fmt: skip
    return {
        "healthy": healthy, "truth": one["deviation"], "substrate": substrates,
        "mask": np.stack(masks)[:, *window].astype(np.uint8), "corner": corner,
        "deviation": np.stack([film[-1] for film in films]), "way": films[0][:, :filmed],
    }  # fmt: skip


def fields(found: dict[str, np.ndarray], subject: int, extent: int = 0) -> dict[str, np.ndarray]:
    """What is `stored` of a subject at one of EXTENTS (its place in them), as images in grey units.

    healthy, substrate, truth (the true deviation) and mask (bool), (H, W); deviation (seeds, H, W);
    way (FRAMES, filmed, H, W), of the mask as it is.
    """
    healthy = found["healthy"][subject] / 255
    top, left = found["corner"][subject]
    pad = ((top, healthy.shape[0] - top - SIDE), (left, healthy.shape[1] - left - SIDE))

    def whole(part: np.ndarray) -> np.ndarray:
        return np.pad(part, ((0, 0),) * (part.ndim - 2) + pad)

    step = found["way_step"][subject][:, None, None, None]
    drawn = found["deviation_step"][subject, extent]
    return {
        "healthy": healthy,
        "substrate": found["substrate"][subject, extent] / 255,
        "mask": whole(found["mask"][subject, extent]) > 0,
        "truth": _centred(found["truth"][subject]) * found["truth_step"][subject],
        "deviation": whole(_centred(found["deviation"][subject, extent]) * drawn),
        "way": whole(_centred(found["way"][subject]) * step),
    }


def _centred(small: np.ndarray) -> np.ndarray:
    return small.astype(np.float32) - STEPS - 1


# ---- the page and its kernel ---------------------------------------------------------------------


def explorer(found: dict[str, np.ndarray], model: DeviationDiffusion | None = None) -> Explorer:
    """The page of what is `stored`; in a live notebook with a model it can draw new lesions."""
    plain = {"corner": found["corner"].tolist(), "extents": list(EXTENTS), "band": list(BAND)}
    shown = Explorer("deviation_field", "Deviation field", {**found, **plain}, ["fusion"])
    if model is not None and is_live():
        shown.live.observe(lambda change: _answer(shown, model, found, change["new"]), "value")
    return shown


def _answer(shown: Explorer, model: DeviationDiffusion, found: dict, asked: dict) -> None:
    shown.live.answer = redrawn(model, found, **asked)


def redrawn(
    model: DeviationDiffusion, found: dict[str, np.ndarray], ask: int, subject: int, extent: int,
    rows: int, columns: int, seed: int,
) -> dict:  # fmt: skip
    """A new lesion where the page asks for it, as plain JSON: ask, substrate and deviation (H W).

    extent, rows, columns: pixels by which the subject's mask is grown and moved. ValueError where
    nothing of it is left in the brain.
    """
    healthy = (found["healthy"][subject] / 255).astype(np.float32)[None]
    corner, mask = found["corner"][subject], np.zeros(healthy.shape, bool)
    window = tuple(slice(first, first + SIDE) for first in corner)
    mask[0][window] = found["mask"][subject, EXTENTS.index(extent)]
    mask = control.within(control.moved(mask, rows, columns), healthy)
    made = model.sample(healthy, mask, np.random.default_rng(seed), "hard")
    return {"ask": ask, "substrate": _plain(made.substrate), "deviation": _plain(made.deviation)}


def _plain(field: np.ndarray) -> list[float]:
    return np.round(field.ravel().astype(np.float64), 4).tolist()


# ---- small numbers ------------------------------------------------------------------------------


def greys(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as uint8."""
    return np.round(images * 255).astype(np.uint8)


def signed(fields: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Signed fields as uint8, 128 being zero, and the value of a step for each of the first axes.

    `depth` is the number of axes that have a step of their own; a field of zeros has step 0.
    """
    axes = tuple(range(depth, fields.ndim))
    step = (abs(fields).max(axis=axes, keepdims=True) / STEPS).astype(np.float32)
    whole = np.divide(fields, step, out=np.zeros_like(fields), where=step > 0)
    return (np.round(whole) + 128).astype(np.uint8), step.reshape(fields.shape[:depth])
