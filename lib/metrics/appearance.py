"""What images look like in numbers that real and drawn ones can be held against.

Images are (n, H, H) in [0, 1], each brought to one grey scale by `scaled` first; H is 64 where the
numbers of `lib/phantoms/reality.json` are meant. Statistics inside the body are taken over
`body`, which cuts the edges off. Nothing here says whether a lesion looks real.
"""

import numpy as np
from scipy import ndimage

from lib.metrics.sharpness import noise_sd, rings, spectrum

ENDS = (0.5, 99.5)  # percentiles of an image that become 0 and 1
LOCAL = (5, 25, 50, 75)  # percentiles over the body of the SD in 3 x 3 pixels
GREYS = (5, 25, 50, 75, 95)  # percentiles over the body of the grey value
COMPONENTS = (1, 4, 16, 64)
SMALLEST = 200  # pixels of a body that is measured
SMOOTH = 2.0  # pixels: what a Gaussian of this SD leaves is the residual
FINE = 16  # cycles per image from which energy counts as fine
LOW, MIDDLE = (2, 8), (8, 28)  # cycles per image of the two slopes, the last one left out
SPLITS = 20  # of the subjects, for explained variance


def scaled(images, stripped=False):
    """Images of any grey scale with 0 and 1 at their own 0.5 and 99.5 percentiles, clipped.

    stripped: all around the body is exactly 0, has no part in the percentiles and stays 0.
    ValueError for an image of one value.
    """
    images = np.asarray(images, np.float64)
    shown = np.where(images > 0, images, np.nan) if stripped else images
    low, high = np.nanpercentile(shown, ENDS, axis=(1, 2), keepdims=True)
    if not (high > low).all():
        raise ValueError("an image of one grey value has no scale: leave it out")
    found = ((images - low) / (high - low)).clip(0, 1)
    return np.where(images > 0, found, 0) if stripped else found


def body(image):
    """Pixels (H, W) well inside the body: brighter than 0.12 after a blur of 2 pixels, eroded."""
    return ndimage.binary_erosion(ndimage.gaussian_filter(image, 2) > 0.12, iterations=2)


def local_sd(image, inside):
    """Percentiles LOCAL of the SD in 3 x 3 pixels over the body."""
    mean = ndimage.uniform_filter(image, 3)
    variance = ndimage.uniform_filter(image * image, 3) - mean * mean
    return np.percentile(np.sqrt(variance.clip(min=0))[inside], LOCAL)


def neighbour_correlation(image, inside):
    """Correlation of a pixel's residual with that of its right neighbour, both in the body.

    The residual is what a Gaussian of SD `SMOOTH` leaves; white noise reads a little below zero.
    """
    residual = image - ndimage.gaussian_filter(image, SMOOTH)
    both = inside[:, :-1] & inside[:, 1:]
    return float(np.corrcoef(residual[:, :-1][both], residual[:, 1:][both])[0, 1])


def slope(power, ends):
    """Exponent of a power law fitted to a spectrum between two frequencies (cycles per image)."""
    cycles = np.arange(*ends)
    return float(np.polyfit(np.log(cycles), np.log(power[cycles]), 1)[0])


def fine_energy(power):
    """Share of the energy at `FINE` cycles and more, of all but the mean, from a spectrum."""
    energy = power * np.bincount(rings(2 * len(power) - 2))[: len(power)]
    return float(energy[FINE:].sum() / energy[1:].sum())


def likeness(images):
    """Mean correlation of an image with the mean image of its set."""
    mean = images.mean(0).ravel()
    return float(np.mean([np.corrcoef(image.ravel(), mean)[0, 1] for image in images]))


def explained(known, others, components=COMPONENTS):
    """{k: share of the others' variance about the known mean that k components of known span}.

    None where `known` has no k components.
    """
    known, others = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (known, others))
    mean = known.mean(0)
    modes = np.linalg.svd(known - mean, full_matrices=False)[2][: len(known) - 1]
    rest = others - mean
    held = ((rest @ modes.T) ** 2).sum(0).cumsum() / (rest**2).sum()
    return {k: float(held[k - 1]) if k <= len(held) else None for k in components}


def explained_across(images, subjects, known, tested, rng, components=COMPONENTS):
    """`explained` where whole subjects are known and others tested: mean of `SPLITS` splits.

    subjects (n,) names the subject of each image; `known` and `tested` are numbers of subjects.
    ValueError where there are fewer.
    """
    names = np.unique(subjects)
    if len(names) < known + tested:
        raise ValueError(f"{known} and {tested} subjects are needed, and there are {len(names)}")
    found = []
    for _ in range(SPLITS):
        order = rng.permutation(names)
        parts = (order[:known], order[known : known + tested])
        found.append(explained(*(images[np.isin(subjects, p)] for p in parts), components))
    return {k: None if found[0][k] is None else float(np.mean([f[k] for f in found]))
            for k in components}  # fmt: skip


def statistics(images, subjects, known, tested, rng, stripped=False):
    """All of the above for a set of images of any grey scale: {name: number}.

    Numbers taken image by image are means, the noise a median with its 10 and 90 % quantiles.
    Images whose body has fewer than `SMALLEST` pixels are left out; `known` and `tested` are the
    numbers of subjects for `explained_across`; `stripped` as in `scaled`.
    """
    images, subjects = scaled(images, stripped), np.asarray(subjects)
    bodies = [body(image) for image in images]
    at = [i for i, inside in enumerate(bodies) if inside.sum() >= SMALLEST]
    images, subjects, bodies = images[at], subjects[at], [bodies[i] for i in at]
    pairs = list(zip(images, bodies, strict=True))
    noise, power = [noise_sd(*pair) for pair in pairs], spectrum(images)
    found = {"noise": np.median(noise), "noise_10": np.quantile(noise, 0.1),
             "noise_90": np.quantile(noise, 0.9),
             "neighbour_correlation": np.mean([neighbour_correlation(*pair) for pair in pairs]),
             "tissue_sd": np.mean([image[inside].std() for image, inside in pairs])}  # fmt: skip
    for name, q, values in (
        ("local_sd", LOCAL, [local_sd(*pair) for pair in pairs]),
        ("grey", GREYS, [np.percentile(image[inside], GREYS) for image, inside in pairs]),
    ):
        found |= {f"{name}_{at}": v for at, v in zip(q, np.mean(values, 0), strict=True)}
    found |= {"likeness": likeness(images), "slope_low": slope(power, LOW),
              "slope_middle": slope(power, MIDDLE), "fine_energy": fine_energy(power)}  # fmt: skip
    spans = explained_across(images, subjects, known, tested, rng)
    found |= {f"explained_{k}": v for k, v in spans.items()}
    return {name: None if v is None else float(v) for name, v in found.items()}
