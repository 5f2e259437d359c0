"""Toy pairs of an image and its mask, and small generators of pairs that tests share."""

from dataclasses import asdict, replace

import numpy as np
import torch

from lib.generators import hvae, latent, lsgan
from lib.jobs import Result
from lib.networks import wsconv
from lib.networks.unet import UNet
from lib.training.loop import as_pairs
from lib.training.weights import freeze, seeded

EXACT = {"precision": "float32"}


def pairs(n=24, seed=0):
    """Toy pairs: a grey disc with a bright spot, and the spot's mask."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    cx, cy, r = (rng.uniform(*ends, (n, 1, 1)) for ends in ((-0.4, 0.4), (-0.4, 0.4), (0.15, 0.3)))
    mask = (x - cx) ** 2 + (y - cy) ** 2 < r**2
    image = 0.3 * (x**2 + y**2 < 0.7) + 0.4 * mask + 0.02 * rng.normal(size=mask.shape)
    return image.clip(0, 1).astype(np.float32), mask


def model(preset=hvae.HVAE, **changes):
    made = seeded(lambda: hvae.PairVAE(replace(preset, **EXACT, **changes)),
                     np.random.default_rng(1))  # fmt: skip
    with torch.no_grad():  # away from the start, where the posterior is the prior
        made.encoder.out.weight.normal_(0, 0.05, generator=torch.Generator().manual_seed(2))
    return made


def noise(n, rows=2, seed=3):
    return torch.randn(rows, n, 64, generator=torch.Generator().manual_seed(seed))


def guide():
    return freeze(seeded(UNet, np.random.default_rng(5)))


def run(preset, steps=8, **changes):
    s = replace(preset, steps=steps, batch=4, warm_up=2, **changes)
    image, mask = pairs()
    return list(hvae.fit(image, mask, guide(), s, np.random.default_rng(0)))[-1]


def same(fake):
    """What a critic sees that is shown means."""
    return fake


def batch():
    """A dHVAE past its warm-up, a critic, a batch and its noise."""
    net, critic = model(hvae.DHVAE), seeded(wsconv.PatchCritic, np.random.default_rng(4))
    return net, critic, as_pairs(*pairs(4)), noise(4, rows=3)


def job(preset=hvae.HVAE, seed=7, **changes):
    image, mask = pairs()
    s = replace(preset, steps=4, batch=4, warm_up=2, delay=2, **changes)
    data = Result({"image": image, "mask": mask}, {})
    return data, hvae.fit_job(data, None, asdict(s), [seed])


# ---- the baselines ----

GAN = replace(
    lsgan.LsganSettings(), steps=4, widths=(16, 16, 16, 8), critic=(8, 8, 8), precision="float32"
)
LDM = replace(
    latent.LatentSettings(), coder_steps=4, coder_widths=(8, 16, 24), steps=4, batch=8, width=16,
    depth=1, sampler_steps=4, precision="float32",
)  # fmt: skip
FAMILIES = {"lsgan": (lsgan, GAN), "latent": (latent, LDM)}
def blobs(n, seed=0):
    """Grey discs with a bright disc inside, and that disc's mask."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    cy, cx = rng.uniform(22, 42, (2, n, 1, 1))
    mask = (y - cy) ** 2 + (x - cx) ** 2 < rng.uniform(5, 9, (n, 1, 1)) ** 2
    head = (y - cy) ** 2 + (x - cx) ** 2 < rng.uniform(16, 24, (n, 1, 1)) ** 2
    image = 0.4 * head + 0.4 * mask + 0.02 * rng.random((n, 64, 64))
    return Result({"image": image.astype(np.float32), "mask": mask})
