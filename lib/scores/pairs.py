"""Jobs that score pools of image-mask pairs by an independent reader, and segmenters."""

import numpy as np
import torch

from lib.jobs import Result
from lib.metrics import (
    coverage,
    fidelity,
    masks,
    memorisation,
    reconstruction,
    segmentation,
    sharpness,
    texture,
)
from lib.networks.unet import UNet
from lib.tasks import segment
from lib.training import loop as tr
from lib.training.weights import freeze, seeded

LESIONS = 300  # lesions whose texture is measured
CHUNK = 250  # images judged at once


def embed(net: UNet, images: np.ndarray) -> np.ndarray:
    """Features (n, 64) of images (n, H, W), float32."""
    with torch.no_grad():
        return torch.cat([net.features(x) for x in tr.as_planes(images).split(CHUNK)]).numpy()


def distances(samples: np.ndarray, real: np.ndarray, reader: UNet) -> dict[str, float]:
    """FD and KID in the reader's features, FD in those of a random network (fd2).

    The random features are divided by their standard deviation over the real images; those without
    any are left out.
    """
    random = freeze(seeded(UNet, np.random.default_rng(0)))
    a, b = embed(reader, samples), embed(reader, real)
    a2, b2 = embed(random, samples), embed(random, real)
    scale = b2.std(0)
    alive = scale > 1e-3 * scale.max()
    random_pair = (x[:, alive] / scale[alive] for x in (a2, b2))
    fd, fd2 = (fidelity.frechet(*each, few=True) for each in ((a, b), random_pair))
    return {"fd": fd, "fd2": fd2, "kid": fidelity.kid(a, b)}


def defined(scores: dict) -> dict[str, float | None]:
    """Plain numbers; None where a score is undefined."""
    good = {name for name, x in scores.items() if x is not None and np.isfinite(x)}
    return {name: float(x) if name in good else None for name, x in scores.items()}


def lesion_kid(samples: tuple, real: tuple, reader: UNet) -> float:
    """KID of 24-pixel crops around lesions, in the reader's features; pairs are (images, masks)."""
    crops = [texture.lesion_crops(*each) for each in (samples, real)]
    if min(map(len, crops)) < 2:
        return float("nan")
    return float(fidelity.kid(*(embed(reader, crop) for crop in crops)))


def measures(images: np.ndarray, drawn: np.ndarray, real: Result, n: int, reader: UNet) -> dict:
    """Every score of a set of pairs against the first n real ones."""
    truth, contour = real.arrays["image"][:n], real.arrays["mask"][:n]
    seen, seen_real = segment.predict(reader, images), segment.predict(reader, truth)
    edges = coverage.size_edges(contour)
    real_modes, modes = (coverage.modes(each, edges) for each in (seen_real, seen))
    aligned = masks.alignment(drawn, seen)
    few = slice(LESIONS)
    own, other = (images[few], drawn[few]), (truth[few], contour[few])
    slopes = sharpness.edge_slope(*own)
    scores = distances(images, truth, reader) | {
        "mask_adherence": aligned["dice"] or 0.0,
        "empty": aligned["empty"],
        "coverage": coverage.coverage(real_modes, modes),
        "occupied": coverage.occupied(real_modes, modes),
        "sharpness": sharpness.laplacian_variance(images).mean(),
        "edge_slope": np.nanmedian(slopes) if np.isfinite(slopes).any() else None,
        "checkerboard": sharpness.checkerboard(images),
    }
    some = drawn.any()
    scores["lesion_kid"] = lesion_kid(own, other, reader) if some else None
    scores["w1_glcm"] = texture.w1_glcm(own, other) if some else None
    return defined(scores)


def judge(pool: Result, n: int, real: Result, reader: Result) -> Result:
    """Job: scores of the first n pairs of a pool against the first n real pairs.

    fd, kid: reader's features; fd2: a random network's. mask_adherence: mean Dice of the drawn mask
    and the lesion that the reader sees in the drawn image, empty masks left out; empty: their
    share. coverage, occupied: modes of the lesions that the reader sees. sharpness, edge_slope,
    checkerboard: of the images. lesion_kid, w1_glcm: of the first lesions. None: what no mask or
    border defines.
    """
    net = segment.load(reader)
    parts = pool.arrays["image"][:n], pool.arrays["mask"][:n]
    return Result({}, measures(*parts, real, n, net))


def null(real: Result, n: int, reader: Result, splits: int, stream: list[int]) -> Result:
    """Job: the scores of `judge` and `divergence` between real pairs of different subjects.

    mean and sd over random halves of n pairs each; None where one of them leaves a score undefined.
    """
    net, rng, rows = segment.load(reader), np.random.default_rng(stream), []
    for _ in range(splits):
        a, b = masks.halves(real.arrays["subject"], n, rng)
        one, two = (
            Result({name: real.arrays[name][at] for name in ("image", "mask")}, {}) for at in (a, b)
        )
        both = one.arrays["image"], one.arrays["mask"]
        rows.append(measures(*both, two, n, net) | divergences(both[1], two.arrays["mask"]))
    values = {name: [row[name] for row in rows] for name in rows[0]}
    whole = {name: None if None in v else v for name, v in values.items()}
    mean = {name: v and float(np.mean(v)) for name, v in whole.items()}
    sd = {name: v and float(np.std(v, ddof=1)) for name, v in whole.items()}
    return Result({}, {"mean": mean, "sd": sd})


def divergences(drawn: np.ndarray, real: np.ndarray) -> dict[str, float | None]:
    """Table 3: jsd and kld of pixels, the same of the spatial map, and distances of shapes."""
    found = masks.divergences(real, drawn)
    shapes = masks.shape_distances(real, drawn)
    scores = {
        "jsd": found["jsd_pixel"],
        "kld": found["kld_pixel"],
        "jsd_spatial": found["jsd_spatial"],
        "kld_spatial": found["kld_spatial"],
        **{f"w1_{name}": value for name, value in shapes.items()},
    }
    return defined(scores)


def divergence(pool: Result, n: int, real: Result) -> Result:
    """Job: how far the first n masks of a pool are from the first n real ones."""
    return Result({}, divergences(pool.arrays["mask"][:n], real.arrays["mask"][:n]))


def salt_and_pepper(real: Result, n: int, stream: list[int]) -> Result:
    """Job: a pool of meaningless masks with the right occupancy, made of the last n real ones.

    The images are those of the masks it was made from.
    """
    image, mask = (real.arrays[name][-n:] for name in ("image", "mask"))
    noise = masks.salt_and_pepper(mask, np.random.default_rng(stream))
    return Result({"image": image, "mask": noise}, {"n": n})


def memory(pool: Result, train: Result, holdout: Result, n: int) -> Result:
    """Job: share of n samples nearer to the training slices than to as many of other subjects.

    The null is one half. All training slices count, so that a copy of any of them is seen.
    """
    samples, known = pool.arrays["image"][:n], train.arrays["image"]
    others = holdout.arrays["image"][: len(known)]
    parts = (each.reshape(len(each), -1) for each in (samples, known, others))
    share, low, high = memorisation.nn_share(*parts)
    return Result({}, {"nn_share": float(share), "ci95": [float(low), float(high)]})


def reconstructed(pair: Result, reader: Result) -> Result:
    """Job: psnr (dB), lpips (perceptual distance, reader's maps) and mask_dice of pairs."""
    net, truth, again = segment.load(reader), pair.arrays["image"], pair.arrays["reconstruction"]
    with torch.no_grad():
        maps = [net.maps(tr.as_planes(each)) for each in (again, truth)]
    aligned = masks.alignment(pair.arrays["mask"], pair.arrays["mask_reconstruction"])
    scores = {"psnr": reconstruction.psnr(again, truth).mean()}
    scores |= {"lpips": reconstruction.perceptual(*maps).mean()}
    scores |= {"mask_dice": aligned["dice"]}
    return Result({}, defined(scores))


def nearest(pool: Result, real: Result, n: int) -> Result:
    """Job: psnr of samples to their nearest real image, for a generator without reconstructions."""
    parts = (each.arrays["image"][:n] for each in (pool, real))
    return Result({}, {"psnr": float(reconstruction.nearest_psnr(*parts).mean())})


def utility(arm: Result) -> Result:
    """Job: the numbers of a segmenter (`segment.arm`).

    dice: mean over test subjects of the whole volume's; dice_selected: of the slices that truly
    hold a lesion; dice_slices: mean over those slices, one by one; dice_slices_all: over all, an
    empty one counting 1, or 0 if anything is predicted there; false_positives: share of lesion-free
    slices with any voxel predicted. None: what is not defined (no such slice). Arrays: dice and
    dice_selected of each subject (S,).
    """
    counts = arm.arrays["counts"]
    each = {"dice": segmentation.dice(counts), "dice_selected": segmentation.dice_selected(counts)}
    slices = {
        "dice_slices": segmentation.slice_dice(counts, "skip"),
        "dice_slices_all": segmentation.slice_dice(counts, "score"),
        "false_positives": np.array(segmentation.false_positive_rate(counts)),
    }
    finite = {name: x[np.isfinite(x)] for name, x in (each | slices).items()}
    means = {name: float(x.mean()) if x.size else None for name, x in finite.items()}
    return Result(each, means | arm.scores)
