"""Pairs with one defect of an auto-encoder's samples, or one mended: what each is worth.

Fresh phantoms have a true image and a true mask; an auto-encoder that remakes them spoils the one,
the other or both. Samples have neither; a reader, or a brush, changes what they have.
"""

import numpy as np
import torch
from scipy.ndimage import binary_dilation

from lib.generators import frame, hvae, membrane, observation
from lib.jobs import Result
from lib.tasks import segment
from lib.training import loop as tr

PARTS = ("image", "mask")
AROUND = 2  # pixels about a mask that are filled in too: a lesion's rim is bright
CHUNK = 250


def remade(fresh: Result, fitted: Result, parts: list[str], stream: list[int]) -> Result:
    """Job: fresh pairs whose `parts` ("image", "mask" or both) are what a dHVAE makes of them.

    Each is decoded from the posterior's mean; an image is a draw about what is decoded. Subjects
    stay. ValueError for parts that a pair does not have.
    """
    if not parts or not set(parts) <= set(PARTS):
        raise ValueError(f"parts are {parts}; name some of {', '.join(PARTS)}.")
    model, rng = hvae.load(fitted), np.random.default_rng(stream)
    pairs = tr.as_pairs(fresh.arrays["image"], fresh.arrays["mask"]).split(CHUNK)
    with torch.no_grad():
        codes = [model.code_of(model.posterior(pair)[0]) for pair in pairs]
        logits = torch.cat([model.decode(z) for z in codes])
    image, mask = tr.from_logits(logits)
    found = {"image": frame.observed(image, observation.restored(fitted.arrays), rng), "mask": mask}
    kept = {name: found[name] if name in parts else fresh.arrays[name] for name in PARTS}
    return Result(kept | {"subject": fresh.arrays["subject"]}, {"n": len(image)})


def healed(pool: Result, fitted: Result, stream: list[int]) -> Result:
    """Job: the pairs of a pool with every lesion filled in from around, and empty masks.

    What is filled in is smooth, so it gets the noise of the fit's training images.
    """
    image, mask = pool.arrays["image"], pool.arrays["mask"]
    wide = binary_dilation(mask, np.ones((1, 3, 3), bool), AROUND)
    noise = observation.restored(fitted.arrays)
    drawn = frame.observed(membrane.inpainted(image, wide), noise, np.random.default_rng(stream))
    return Result({"image": np.where(wide, drawn, image), "mask": np.zeros_like(mask)}, pool.scores)


def reread(pool: Result, reader: Result) -> Result:
    """Job: the pool's images with the masks that a reader sees in them."""
    net, image = segment.load(reader), pool.arrays["image"]
    return Result({"image": image, "mask": segment.predict(net, image)}, pool.scores)
