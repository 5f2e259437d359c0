"""A training to look at: what the same latent noise becomes after every epoch."""

from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from lib.datasets.hdf5 import ImageSet, from_arrays
from lib.generators import vae
from lib.jobs import Result
from lib.tasks import classify
from lib.training import loop as tr
from lib.training.weights import weights_to_arrays

NOISES = 6  # latent vectors followed through the training, each under every label


def noise_of(latent: int, rng: np.random.Generator, n: int = NOISES) -> Tensor:
    """Standard normal noise (n, latent) to be drawn once and kept."""
    return torch.randn(n, latent, generator=tr.torch_generator(rng))


def frame(model: vae.ConditionalVAE, noise: Tensor) -> np.ndarray:
    """Images (n, classes, 64, 64) in [0, 1]: every noise (n, latent) drawn from every p(z|y)."""
    classes = len(model.prior)
    y = torch.arange(classes).repeat(len(noise))
    with torch.no_grad():
        z = vae.draw(*model.prior_of(y), noise.repeat_interleave(classes, 0))
        images = model.decoder(z, y)[:, 0].sigmoid()
    return images.unflatten(0, (len(noise), classes)).numpy()


def kl_per_latent(model: vae.ConditionalVAE, data: ImageSet) -> np.ndarray:
    """KL of q(z|x,y) to p(z|y) in nats, the mean over the images of a set: (latent,)."""
    x, y = tr.as_planes(data.image), torch.from_numpy(data.label)
    with torch.no_grad():
        return vae.kl(*model.posterior(x, y), *model.prior_of(y)).mean(0).numpy()


def film(
    data: Result, n: int, guide: Result, held_out: Result, m: int, settings: dict,
    stream: list[int],
) -> Result:  # fmt: skip
    """Job: train on the first n images, and look at the model after every epoch.

    Arrays: frames (epochs, NOISES, classes, 64, 64); kl (epochs, latent) on the first m held-out
    images; the last weights under "best/", as `vae.load` reads them. Scores: the log.
    """
    s, seen = vae.VaeSettings(**settings), from_arrays(held_out.arrays)[:m]
    noise = noise_of(s.latent, np.random.default_rng([*stream, 1]))  # beside the training's stream
    rng, log, frames, kls = np.random.default_rng(stream), [], [], []
    for state in vae.fit(from_arrays(data.arrays)[:n], classify.load(guide), s, rng):
        log.append(state.row)
        frames.append(frame(state.model, noise))
        kls.append(kl_per_latent(state.model, seen))
    arrays = {"frames": np.stack(frames), "kl": np.stack(kls)}
    weights = weights_to_arrays(state.model, "best/")
    return Result(arrays | weights, {"log": log, "settings": asdict(s)})
