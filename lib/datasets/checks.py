"""What images and masks must be before anything is computed; one sentence where they are not."""

import numpy as np


def check_images(images: np.ndarray, unit_range: bool = False) -> None:
    """Raise ValueError unless images is (N, H, W), finite numbers and, if asked, inside [0, 1]."""
    if images.ndim != 3 or not images.size:
        raise ValueError(f"images must be (N, H, W) with N >= 1; got shape {images.shape}.")
    if images.dtype.kind not in "iuf":
        raise ValueError(f"images are of type {images.dtype}; convert them to grey values first.")
    if not np.isfinite(images).all():
        raise ValueError("images hold NaN or infinite values; repair or drop these images.")
    if unit_range and (images.min() < 0 or images.max() > 1):
        span = f"[{images.min():.3g}, {images.max():.3g}]"
        raise ValueError(f"images must lie in [0, 1] but span {span}; run preprocess first.")


def check_pairs(image: np.ndarray, mask: np.ndarray) -> None:
    """Accept images (n, ..., H, W) in [0, 1] with masks of 0 and 1 of the same shape.

    Raises ValueError with one sentence: shapes that differ, no image at all, values outside [0, 1]
    or not finite, a mask that is not of 0 and 1, no lesion pixel in the whole set.
    """
    image, mask = np.asarray(image), np.asarray(mask)
    if image.shape != mask.shape:
        raise ValueError(
            f"image has shape {image.shape}, mask {mask.shape}; give every image its own mask."
        )
    if image.size == 0:
        raise ValueError(f"image is empty, of shape {image.shape}; pass at least one pair.")
    if not np.isfinite(image).all():
        raise ValueError("image has values that are not finite; replace them before training.")
    low, high = image.min(), image.max()
    if low < 0 or high > 1:
        raise ValueError(f"image spans [{low:g}, {high:g}]; scale it to [0, 1] and clip.")
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise ValueError("mask has values other than 0 and 1; compare labels to the target's.")
    if not mask.any():
        raise ValueError("mask has no lesion pixel in the whole set; pass slices with a lesion.")
