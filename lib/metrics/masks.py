"""How near are two sets of masks: their occupancy (dHVAE Table 3) and the shapes it cannot see.

Masks are (n, H, W), true inside the lesion; an empty mask is allowed everywhere. Functions of a
set return plain floats, and None where there is no number; per-mask arrays hold NaN there.
"""

import numpy as np
from scipy import ndimage
from scipy.special import rel_entr
from scipy.stats import wasserstein_distance
from skimage.measure import regionprops_table

EPS = 1e-6  # least probability of a pixel; KLD depends on it, JSD hardly
SHAPES = ("area", "eccentricity", "solidity", "count", "row", "column")


def stack(masks, name="masks"):
    """The masks as a bool (n, H, W) array; ValueError naming `name` when they are none."""
    masks = np.asarray(masks)
    if masks.ndim != 3 or not masks.size:
        raise ValueError(f"{name} {masks.shape} must be a non-empty (n, H, W) stack of masks")
    if masks.dtype != bool and ((masks != 0) & (masks != 1)).any():
        raise ValueError(f"{name} must hold 0 and 1 only: threshold probabilities, choose a label")
    return masks.astype(bool)


def occupancy(masks):
    """Share of the masks that cover each pixel, (n, H, W) -> (H, W) in [0, 1]."""
    return stack(masks).mean(axis=0)


def divergences(real, generated, eps=EPS):
    """Divergence of the occupancy of two mask sets (n, H, W), in nats: dict of four floats.

    dHVAE section 4.6.3 compares "the class probabilities for each pixel" and says no more, so both
    readings are given. `jsd_pixel`, `kld_pixel`: every pixel is a Bernoulli variable, mean of its
    divergence over the H W pixels; probabilities are clipped to [eps, 1 - eps].
    `jsd_spatial`, `kld_spatial`: the occupancy map plus eps, divided by its sum, is one
    distribution over the pixels (a set of empty masks is then uniform).

    KLD is KL(real || generated); JSD is the divergence, scipy's `jensenshannon` is its root.
    Traps: two samples of one law read about 1/n (KLD) and 1/4n (JSD) in each pixel that both
    fill, so n must be equal, and KLD grows with ln(1/eps) in pixels that only real masks reach.
    Only occupancy is seen: `salt_and_pepper` fools all four numbers.
    """
    real, generated = stack(real, "real"), stack(generated, "generated")
    if real.shape != generated.shape:
        raise ValueError(
            f"real {real.shape} and generated {generated.shape} must have one shape: draw equal "
            "numbers of masks, the divergence falls with n"
        )
    p, q = (np.clip(x.mean(axis=0), eps, 1 - eps) for x in (real, generated))
    found = {
        "jsd_pixel": (_bernoulli(p, (p + q) / 2) + _bernoulli(q, (p + q) / 2)).mean() / 2,
        "kld_pixel": _bernoulli(p, q).mean(),
    }
    p, q = (x.mean(axis=0) + eps for x in (real, generated))
    p, q = p / p.sum(), q / q.sum()
    found["jsd_spatial"] = (rel_entr(p, (p + q) / 2) + rel_entr(q, (p + q) / 2)).sum() / 2
    found["kld_spatial"] = rel_entr(p, q).sum()
    return {name: float(value) for name, value in found.items()}


def _bernoulli(p, q):
    """KL divergence of Bernoulli variables, elementwise."""
    return rel_entr(p, q) + rel_entr(1 - p, 1 - q)


def halves(subjects, n, rng):
    """Row numbers of two random samples of n rows each that share no subject.

    subjects (N,) names the subject of each row. Subjects are shuffled and cut where half of the
    rows are reached; n rows of each part are drawn without replacement. ValueError when a part is
    smaller than n: at most N/2 rows, less one subject's.
    """
    names, subject, rows = np.unique(subjects, return_inverse=True, return_counts=True)
    order = rng.permutation(len(names))
    before = np.cumsum(rows[order]) - rows[order] / 2  # a subject's middle row decides its side
    first = np.zeros(len(names), bool)
    first[order] = before <= len(subject) / 2
    parts = [np.flatnonzero(first[subject]), np.flatnonzero(~first[subject])]
    if n < 1 or min(map(len, parts)) < n:
        raise ValueError(
            f"n={n} rows were asked of halves that hold {len(parts[0])} and {len(parts[1])}: "
            "take a smaller n of at least 1, or give more subjects"
        )
    return [rng.choice(part, n, replace=False) for part in parts]


def split_half_null(masks, n, subjects, rng, splits=20):
    """What `divergences` reads for two sets of n real masks of different subjects.

    masks (N, H, W), subjects (N,) -> {name: (mean, SD)} over `splits` random halves. A generated
    set of n masks is as good as real ones when it reads no more. Slices of one subject resemble
    each other, so the null is larger than for n independent masks.
    """
    masks = stack(masks)
    if len(subjects) != len(masks):
        raise ValueError(f"subjects has {len(subjects)} rows and masks {len(masks)}: give one each")
    drawn = [halves(subjects, n, rng) for _ in range(splits)]
    found = [divergences(masks[a], masks[b]) for a, b in drawn]
    columns = {name: [one[name] for one in found] for name in found[0]}
    return {name: (float(np.mean(x)), float(np.std(x))) for name, x in columns.items()}


def salt_and_pepper(masks, rng):
    """Masks of independent pixels with the occupancy of `masks`: (n, H, W) -> bool (n, H, W).

    A control arm: no mask looks like a lesion, and occupancy divergences call it perfect.
    """
    return rng.random(np.shape(masks)) < occupancy(masks)


def shape_statistics(masks):
    """Shape of each mask, (n, H, W) -> {statistic: (n,) float}.

    area (pixels), eccentricity of the ellipse of equal moments, solidity (area over convex area),
    count (components, 8-connected), row and column of the centroid (pixels, pixel centres). The
    first three and the centroid are of the whole mask, as one region of skimage's `regionprops`.
    An empty mask has area 0 and count 0, the rest is NaN.
    """
    masks = stack(masks)
    n, height, width = masks.shape
    found = {name: np.full(n, np.nan) for name in SHAPES}
    found["area"], found["count"] = masks.sum(axis=(1, 2)).astype(float), component_count(masks)
    if not masks.any():
        return found
    # All masks in one tall image, each its own region: one call instead of n.
    regions = (masks * np.arange(1, n + 1, dtype=np.int32)[:, None, None]).reshape(-1, width)
    table = regionprops_table(regions, properties=("label", "centroid", "eccentricity", "solidity"))
    at = table["label"] - 1
    found["eccentricity"][at], found["solidity"][at] = table["eccentricity"], table["solidity"]
    found["row"][at] = table["centroid-0"] - at * height
    found["column"][at] = table["centroid-1"]
    return found


def component_count(masks):
    """Number of 8-connected components of each mask, (n, H, W) -> (n,) float."""
    masks = stack(masks)
    within = np.zeros((3, 3, 3), bool)
    within[1] = True  # neighbours lie in the same mask
    labels, _ = ndimage.label(masks, within)
    owner = [box[0].start for box in ndimage.find_objects(labels)]
    return np.bincount(owner, minlength=len(masks)).astype(float)


def scaled_w1(real, generated):
    """Wasserstein-1 distance of two samples of one number, in standard deviations of the real one.

    NaN entries are left out; None when nothing is left of a sample. A real sample without spread
    leaves the distance in its own unit.
    """
    real, generated = (np.asarray(x, float) for x in (real, generated))
    real, generated = real[~np.isnan(real)], generated[~np.isnan(generated)]
    if not len(real) or not len(generated):
        return None
    return float(wasserstein_distance(real, generated) / (real.std() or 1.0))


def shape_distances(real, generated):
    """`scaled_w1` of every shape statistic of two mask sets, and `empty`: {name: float or None}.

    `empty` is the difference of the shares of empty masks, in [0, 1]. Empty masks count in area
    and count, and are left out of the rest (None for a set of empty masks only). The sets may
    differ in n; two samples of one law, n each, read 1.5 to 1.9 / sqrt(n).
    """
    real, generated = shape_statistics(real), shape_statistics(generated)
    found = {name: scaled_w1(real[name], generated[name]) for name in SHAPES}
    found["empty"] = float(abs((real["area"] == 0).mean() - (generated["area"] == 0).mean()))
    return found


def alignment(generated, seen):
    """Does the mask fit its image: Dice of generated masks and the lesions a reader sees there.

    generated, seen (n, H, W) -> {"dice": mean, "empty": share}. A sample whose generated mask is
    empty is left out of the Dice and counted in `empty`: it makes no statement, and would score 1
    in a lesion-free image. A lesion that the reader does not see scores 0. `dice` is None when all
    masks are empty. Trap: the ceiling is the reader's own Dice on real pairs; print it beside.
    """
    generated, seen = stack(generated, "generated"), stack(seen, "seen")
    if generated.shape != seen.shape:
        raise ValueError(f"generated {generated.shape} and seen {seen.shape} must have one shape")
    both, size, of_seen = (x.sum(axis=(1, 2)) for x in (generated & seen, generated, seen))
    drawn = size > 0
    dice = 2 * both[drawn] / (size + of_seen)[drawn]
    return {"dice": float(dice.mean()) if drawn.any() else None, "empty": float((~drawn).mean())}
