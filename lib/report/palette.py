"""A picture in few colours: greys stay grey, and every pixel gets the nearest colour there is."""

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy.spatial import cKDTree

COLOURS = 255  # one of the 256 of a GIF says "as before"
GREYS = np.arange(0, 256, 3)


def palette(images: Sequence[Image.Image]) -> np.ndarray:
    """COLOURS (n, 3): GREYS, so that no grey gets a tint one sees, and what else is needed most."""
    others = stacked(images).quantize(COLOURS - len(GREYS), Image.Quantize.MAXCOVERAGE)
    return np.concatenate([np.repeat(GREYS, 3), others.getpalette()]).reshape(-1, 3)


def indexed(image: Image.Image, colours: np.ndarray) -> Image.Image:
    """The image in the nearest of the colours (Pillow rounds to boxes of 8 before it looks)."""
    packed = np.asarray(image).reshape(-1, 3) @ (65536, 256, 1)  # one number for each pixel
    shades, place = np.unique(packed, return_inverse=True)
    each = np.stack([shades >> 16, shades >> 8 & 255, shades & 255], 1)
    nearest = cKDTree(colours).query(each)[1].astype(np.uint8)
    made = Image.fromarray(nearest[place].reshape(image.height, image.width), "P")
    made.putpalette(colours.ravel().tolist())
    return made


def stacked(images: Sequence[Image.Image]) -> Image.Image:
    """Images of one size, each below the one before it."""
    width, height = images[0].size
    whole = Image.new("RGB", (width, height * len(images)))
    for i, image in enumerate(images):
        whole.paste(image, (0, i * height))
    return whole
