"""Few colours for a picture: greys without a tint, and the nearest colour for all others."""

import numpy as np
from PIL import Image

from lib.report import palette


def test_greys_keep_their_grey_and_white_is_white():
    rng = np.random.default_rng(0)
    grey = np.repeat(rng.integers(0, 256, (64, 64, 1)), 3, 2).astype(np.uint8)
    grey[0] = 255
    coloured = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    both = [Image.fromarray(each) for each in (grey, coloured)]
    colours = palette.palette(both)
    assert len(colours) <= palette.COLOURS
    found = [np.asarray(palette.indexed(each, colours).convert("RGB")) for each in both]
    assert np.ptp(found[0], axis=2).max() == 0
    assert np.abs(found[0].astype(int) - grey).max() <= 1
    assert (found[0][0] == 255).all()
    apart = np.abs(coloured[:, :, None].astype(int) - colours[None, None])
    best = (apart**2).sum(-1).min(-1)
    assert np.array_equal(((found[1].astype(int) - coloured) ** 2).sum(-1), best)
