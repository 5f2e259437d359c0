"""How near is a reconstruction to its image: PSNR and perceptual distance.

Images are (n, H, W) in [0, 1].
"""

import numpy as np
from skimage.metrics import peak_signal_noise_ratio
from sklearn.neighbors import NearestNeighbors

MOST = 100.0  # dB; equal images would read infinity and poison every mean


def psnr(a, b):
    """Peak signal to noise ratio of each pair in dB, (n, H, W) twice -> (n,), at most 100.

    dHVAE eq. 13 with MAX = 1. For reconstructions only: of unpaired samples it is noise. The mean
    over images of dB is not the dB of the mean error.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 3 or a.shape != b.shape:
        raise ValueError(f"images {a.shape} and {b.shape} must be two equal (n, H, W) stacks")
    with np.errstate(divide="ignore"):
        pairs = zip(a, b, strict=True)
        found = [peak_signal_noise_ratio(x, y, data_range=1.0) for x, y in pairs]
    return np.minimum(found, MOST)


def nearest_psnr(samples, reference):
    """PSNR of each sample and its nearest reference image by pixel distance, (n, H, W) -> (n,).

    reference (m, H, W). For generators without a reconstruction, and to be labelled as such: it is
    not the paper's PSNR, it grows with m, a copier wins it and a blurred mean image beats a sharp
    sample.
    """
    samples, reference = np.asarray(samples, np.float64), np.asarray(reference, np.float64)
    if samples.ndim != 3 or samples.shape[1:] != reference.shape[1:] or not len(reference):
        raise ValueError(
            f"samples {samples.shape} and reference {reference.shape} must be (n, H, W) and "
            "(m, H, W) with m at least 1"
        )
    finder = NearestNeighbors(n_neighbors=1, algorithm="brute")
    finder.fit(reference.reshape(len(reference), -1))
    at = finder.kneighbors(samples.reshape(len(samples), -1), return_distance=False)[:, 0]
    return psnr(samples, reference[at])


def perceptual(maps_a, maps_b):
    """Perceptual distance of each pair, from lists of feature maps (n, C, h, w) -> (n,) in [0, 4].

    LPIPS (Zhang 2018, eq. 1) with unit weights: at every position the C features are divided by
    their norm, the squared differences are summed over C, then averaged over positions and over
    layers (Zhang sums layers). dHVAE eq. 15 prints a sum without the mean over positions and a norm
    of the whole map. Not LPIPS by name: the maps are of a network trained on phantoms, and values
    of different networks do not compare. Maps are numpy or CPU torch arrays; both lists alike.
    """
    shapes_a, shapes_b = ([tuple(x.shape) for x in maps] for maps in (maps_a, maps_b))
    if shapes_a != shapes_b or not shapes_a or any(len(shape) != 4 for shape in shapes_a):
        raise ValueError(f"maps {shapes_a} and {shapes_b} must be equal lists of (n, C, h, w)")
    layers = [_layer(*pair) for pair in zip(maps_a, maps_b, strict=True)]
    return np.mean(layers, axis=0)


def _layer(a, b):
    """Mean over positions of the squared difference of channel-normalised maps -> (n,)."""
    a, b = (_unit(getattr(x, "detach", lambda x=x: x)()) for x in (a, b))
    return ((a - b) ** 2).sum(axis=1).mean(axis=(1, 2), dtype=np.float64)


def _unit(x):
    x = np.asarray(x)
    return x / (np.sqrt((x**2).sum(axis=1, keepdims=True)) + 1e-10)
