"""PathoSyn's two parts against the phantom's truth: what f_sub says lies behind a lesion, and r.

All inside numbers are means over lesions of each lesion's own, in grey units, so that a small one
counts as much as a large one; inside is the label's mask, whatever margin a fit has. The truth has
the noise of the image itself, which no estimate can know: `noise_floor` is what the truth without
noise would read.
"""

import numpy as np
import torch
from torch import Tensor

from lib.datasets.splits import first
from lib.generators import boxes, control, deviation, diffusion, fusion, pathosyn
from lib.generators.membrane import inpainted
from lib.jobs import Result
from lib.metrics import deviations as metric
from lib.metrics import sharpness
from lib.training import loop as tr

HEALERS = ("substrate", "inpaint", "fill", "mean_anatomy", "none")
SIGNALS = (0.9, 0.7, 0.5, 0.3, 0.1)  # alpha bar at which the estimate is taken, of any schedule


def mean(values: np.ndarray) -> float | None:
    """Mean of (n,) without NaN; None where nothing is left."""
    known = np.asarray(values)[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


# ---- decomposition ------------------------------------------------------------------------------


def healed_error(
    how: str, data: Result, truths: Result, clean: Result, n: int, stream: list[int],
    fitted: Result | None = None, train: Result | None = None,
) -> Result:  # fmt: skip
    """Job: answers to "what lies behind the lesion" of the first n slices against the true slice.

    how: "substrate", f_sub of a fit of any family; "inpaint", Inp (equation 3) alone; "fill",
    normal numbers of mean and SD of the image's brain around the lesion; "mean_anatomy", the mean
    of the training slices of this level where they show no lesion; "none", the image itself, the
    null. truths and clean: `lesions.truths` and `counterfactuals.clean` of data. Arrays (n, H, W):
    answer. Scores: inside_rmse; outside_rmse over the brain outside the mask; inside_rmse_clean
    against the truth without noise; noise_floor. ValueError: unknown how, or no fit or training
    slices where they are needed.
    """
    image, mask = pathosyn.checked(*(data.arrays[name][:n] for name in ("image", "mask")))
    answer = healed(how, data, n, np.random.default_rng(stream), fitted, train)
    true, quiet = truths.arrays["healthy"][:n], clean.arrays["healthy"][:n]
    outside = ~mask & (image > control.EMPTY)
    scores = {
        "inside_rmse": metric.rmse(answer, true, mask),
        "outside_rmse": metric.rmse(answer, true, outside),
        "inside_rmse_clean": metric.rmse(answer, quiet, mask),
        "noise_floor": metric.rmse(quiet, true, mask),
    }
    return Result({"answer": answer}, {name: mean(each) for name, each in scores.items()})


def healed(
    how: str, data: Result, n: int, rng: np.random.Generator, fitted: Result | None,
    train: Result | None,
) -> np.ndarray:  # fmt: skip
    """The answers (n, H, W) float32 of `healed_error`; but f_sub's, the image outside the mask."""
    image, mask = pathosyn.checked(*(data.arrays[name][:n] for name in ("image", "mask")))
    if how == "substrate":
        return pathosyn.decomposition(_given(fitted, "a fit"), data, n).arrays["substrate"]
    if how == "inpaint":
        return inpainted(image, mask)
    if how == "fill":
        brain = [x[(x > control.EMPTY) & ~m] for x, m in zip(image, mask, strict=True)]
        level, spread = (np.array([f(b) for b in brain])[:, None, None] for f in (np.mean, np.std))
        drawn = level + spread * rng.standard_normal(image.shape)
        return np.where(mask, drawn.clip(0, 1), image).astype(np.float32)
    if how == "mean_anatomy":
        known = mean_anatomy(_given(train, "training slices"), data.arrays["index"][:n])
        return np.where(mask, known, image).astype(np.float32)
    if how == "none":
        return image
    raise ValueError(f"how {how!r} is unknown; use one of {HEALERS}.")


def _given(value: Result | None, what: str) -> Result:
    if value is None:
        raise ValueError(f"this answer needs {what}; pass it.")
    return value


def mean_anatomy(train: Result, levels: np.ndarray) -> np.ndarray:
    """Mean training slice of each level (n,) over pixels outside lesions, (n, H, W).

    A pixel that no training slice of a level shows has its mean over all levels, or 0.
    """
    a, ends = train.arrays, [e for e in ("", "free/") if f"{e}index" in train.arrays]
    image = np.concatenate([a[f"{end}image"] for end in ends])
    index = np.concatenate([a[f"{end}index"] for end in ends])
    shown = np.concatenate([~a["mask"], np.ones((len(index) - len(a["mask"]), *image.shape[1:]),
                                                bool)])  # fmt: skip

    def average(rows: np.ndarray, empty: np.ndarray) -> np.ndarray:
        count, total = shown[rows].sum(0), (image * shown)[rows].sum(0)
        return np.where(count, total / np.maximum(count, 1), empty)

    whole = average(index >= 0, np.zeros(image.shape[1:]))
    each = {level: average(index == level, whole) for level in np.unique(levels)}
    return np.array([each[level] for level in levels])


# ---- one deviation, teacher-forced --------------------------------------------------------------


def teacher_forced(
    fitted: Result, data: Result, truths: Result, n: int, stream: list[int]
) -> Result:
    """Job: the estimate r^ (equation 12) of the first n lesions from r_0 with noise, at SIGNALS.

    r_0 = (x - x_sub) m as in training, and r^ is of one step: the network sees how the true lesion
    looks under noise. Scores, means over SIGNALS: deviation_correlation, of r^ and the phantom's
    true deviation over all pixels of the masks; texture_correlation, the mean of the lesions' own;
    inside_rmse against the same truth; ring_error, |r^ - r_0| with the weights w_ring (equation
    11); outside_energy, the share of the energy of r^ that lies outside the support, in its box and
    before any mask. decomposition_correlation and decomposition_rmse are those of r_0 itself: what
    noise is added to. Arrays (len(SIGNALS),): each of the former, and steps.
    """
    model = deviation.load(fitted)
    image, mask = pathosyn.checked(*(data.arrays[name][:n] for name in ("image", "mask")))
    support = pathosyn.supported(image, mask, model.settings.margin)
    true = truths.arrays["deviation"][:n]
    x, m = tr.as_planes(image), tr.as_planes(support)
    generator = tr.torch_generator(np.random.default_rng(stream))
    with torch.no_grad():
        substrate = model.substrate(x, m)
        r_0 = model.deviation(x, substrate, m)
        steps = [int((model.schedule.alpha_bar - a).abs().argmin()) for a in SIGNALS]
        found = [estimated(model, r_0, substrate, m, t, generator) for t in steps]
        grey = [model.grey(r)[:, 0].numpy() for r in (r_0, *found)]
    ring = fusion.ring(fusion.soft_map(support, model.settings.sigma))
    columns = [_against(r, grey[0], true, mask, support, ring, model) for r in grey[1:]]
    arrays = {name: np.array([c[name] for c in columns], np.float64) for name in columns[0]}
    scores = {name: mean(values) for name, values in arrays.items()}
    scores["decomposition_correlation"], _ = metric.correlation(grey[0], true, mask)
    scores["decomposition_rmse"] = mean(metric.rmse(grey[0], true, mask))
    return Result(arrays | {"steps": np.array(steps)}, scores)


def _against(r, r_0, true, mask, support, ring, model) -> dict[str, float | None]:
    """The numbers of one step, fields (n, H, W) in grey units."""
    shown = np.where(support, r, 0) if model.settings.masked_estimate else r
    whole, own = metric.correlation(r, true, mask)
    return {
        "deviation_correlation": whole,
        "texture_correlation": own,
        "inside_rmse": mean(metric.rmse(r, true, mask)),
        "ring_error": mean(metric.mean_error(shown, r_0, ring)),
        "outside_energy": mean(metric.share(r, ~support)),
    }


def estimated(
    model: deviation.DeviationDiffusion, r_0: Tensor, substrate: Tensor, mask: Tensor, t: int,
    generator: torch.Generator,
) -> Tensor:  # fmt: skip
    """r^ of planes (N, 1, H, W) at step t, not masked, in units of `scale`; 0 outside the boxes."""
    s, found = model.settings, torch.zeros_like(r_0)
    places = boxes.around(mask[:, 0].numpy(), s.sides, s.pad)
    eps = torch.randn(r_0.shape, generator=generator)
    for _, at in places.groups():
        r, sub, m, noise = (places.cut(part, at) for part in (r_0, substrate, mask, eps))
        step = torch.full((len(at),), t)
        r_t = diffusion.add_noise(model.noising, r, noise, step) * m
        said = model.say(r_t, sub, m, step)
        places.put(found, at, diffusion.parts(model.estimating, s.kind, said, r_t, step)[0])
    return found


# ---- drawn deviations ---------------------------------------------------------------------------


def spectrum_ratio(pool: Result, slices: Result, clean: Result, n: int) -> Result:
    """Job: the radial power spectrum of n drawn deviations over that of the true ones with noise.

    pool: scene "own", so that drawn and true fill the same masks; clean: `counterfactuals.clean`
    of its slices. The true one is (x - clean healthy) m, the image's noise included: r_0 behind a
    perfect substrate, which is what a generator of r_0 learns to draw. Spectra are of
    `deviations.lesion_spectrum`. Scores: spectrum_ratio, over deviations.BAND; noise_share, of the
    noise in the true power there. Arrays (SIDE / 2 + 1,): drawn, true, noise. ValueError for
    masks that are not the slices' own.
    """
    drawn, (image, mask) = first(pool, n), own(pool, slices, n)
    quiet, healthy = (clean.arrays[name][drawn["source"]] for name in ("image", "healthy"))
    fields = {"drawn": drawn["deviation"], "true": image - healthy, "noise": image - quiet}
    power = {name: metric.lesion_spectrum(x * mask, mask) for name, x in fields.items()}
    ratio, noise = (metric.band_ratio(power[name], power["true"]) for name in ("drawn", "noise"))
    return Result(power, {"spectrum_ratio": ratio, "noise_share": noise})


def boundary_step(pool: Result | None, slices: Result, n: int) -> Result:
    """Job: the step across the rim of n samples beside that of the true lesions in the same masks.

    pool: scene "own"; None: the first n true lesions themselves. Scores, grey units: boundary_step,
    the mean over lesions of `sharpness.rim_step` of the images; true_step, of the true images;
    boundary_step_error, the absolute difference of these two. Arrays (n,): step, true. A lesion is
    drawn anew, so single steps differ and only means are compared. ValueError as `spectrum_ratio`.
    """
    if pool is None:
        image, mask = slices.arrays["image"][:n], slices.arrays["mask"][:n]
        drawn = image
    else:
        drawn, (image, mask) = first(pool, n)["image"], own(pool, slices, n)
    steps = {"step": sharpness.rim_step(drawn, mask), "true": sharpness.rim_step(image, mask)}
    found, true = mean(steps["step"]), mean(steps["true"])
    error = None if None in (found, true) else abs(found - true)
    return Result(steps, {"boundary_step": found, "true_step": true, "boundary_step_error": error})


def own(pool: Result, slices: Result, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and masks (n, H, W) of the slices that n samples of scene "own" were drawn on."""
    drawn = first(pool, n)
    image, mask = (slices.arrays[name][drawn["source"]] for name in ("image", "mask"))
    if not np.array_equal(mask, drawn["mask"]):
        raise ValueError("the pool's masks are not its slices' own; draw it with scene 'own'.")
    return image, mask
