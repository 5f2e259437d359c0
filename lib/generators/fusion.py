"""Putting a deviation back on its substrate (PathoSyn, equations 11 and 14), and other ways.

    S = Gaussian of m,   w_ring = 4 S (1 - S)   (11)        x = x_sub + S r   (14)

All take arrays (N, H, W). A deviation is 0 outside its mask, so "seam" changes nothing there: S
only lessens the deviation inside, to a half at a straight rim. It makes no step smaller that is
already in the deviation's own picture of the rim.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from lib.generators.membrane import blended

FUSIONS = ("hard", "seam", "paste", "feathered", "poisson")
BLENDS = ("mask", "complement")


def soft_map(mask: np.ndarray, sigma: float, blend: str = "mask") -> np.ndarray:
    """S in [0, 1], float32: masks (N, H, W) of 0 and 1 under a Gaussian of `sigma` pixels.

    "complement" smooths 1 - m, as Algorithm 2 prints it: S is then least where the lesion is.
    """
    if blend not in BLENDS:
        raise ValueError(f"blend {blend!r} is unknown; use one of {BLENDS}.")
    plane = np.asarray(mask, dtype=np.float64)
    plane = plane if blend == "mask" else 1 - plane
    soft = gaussian_filter(plane, sigma, axes=(1, 2), mode="nearest") if sigma else plane
    return soft.clip(0, 1).astype(np.float32)


def ring(soft: np.ndarray) -> np.ndarray:
    """w_ring = 4 S (1 - S), equation 11: 1 where S is a half, 0 where it is 0 or 1."""
    return 4 * soft * (1 - soft)


def fuse(
    kind: str, substrate: np.ndarray, deviation: np.ndarray, mask: np.ndarray,
    image: np.ndarray | None = None, sigma: float = 1.0, blend: str = "mask",
) -> np.ndarray:  # fmt: skip
    """An image (N, H, W) of substrate, deviation and mask, not clipped.

    "hard" x_sub + m r. "seam" x_sub + S r, equation 14. "paste" the input's own pixels outside the
    mask and x_sub + r inside: without the input's pixels nothing outside is preserved better than a
    network reconstructs it. "feathered" the same with S for m: leaks outside the mask, where r = 0,
    a share S of the substrate. "poisson" x_sub + the deviation whose step at the rim is spread
    inside (`membrane.blended`). An empty mask gives the substrate ("paste": the input).

    Outside the mask the result is bit for bit the substrate ("hard", "seam", "poisson") or the
    input ("paste"). ValueError: unknown kind, "paste" or "feathered" without `image`.
    """
    if kind not in FUSIONS:
        raise ValueError(f"fusion {kind!r} is unknown; use one of {FUSIONS}.")
    if kind in ("paste", "feathered") and image is None:
        raise ValueError(f"fusion {kind!r} needs the input image; pass it, or use 'seam'.")
    inside = np.asarray(mask, dtype=bool)
    if kind == "poisson":
        deviation = blended(deviation, inside)
    added = np.where(inside, deviation, 0).astype(np.float32)
    if kind in ("hard", "poisson"):
        return np.where(inside, substrate + added, substrate)
    soft = soft_map(mask, sigma, blend)
    if kind == "seam":
        return np.where(inside, substrate + soft * added, substrate)
    if kind == "paste":
        return np.where(inside, substrate + added, image)
    return image + soft * (substrate + added - image)
