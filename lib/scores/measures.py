"""What each term of the loss of PA-VAE is meant to change, on held-out images and on samples."""

import numpy as np
import torch

from lib.datasets.hdf5 import from_arrays
from lib.generators import vae
from lib.jobs import Result
from lib.tasks import classify
from lib.training import loop as tr


def measure(fitted: Result, guide: Result, images: Result, n: int, stream: list[int]) -> Result:
    """Job: the terms of equation 1 on the first n held-out images, and three measures of samples.

    Held out: reconstruction (nats per pixel), kl (nats), path (relative feature distance), mask
    (1 - soft IoU), cls (cross-entropy under the guide), error (squared error of reconstructions
    over that of the mean image; 1: nothing reconstructed). Of n samples in Table 1's mix:
    mask_side, the share of sick ones whose mask plane has most of its mass in the lung asked for;
    guide_adherence, how often the guide sees the class asked for; separation, the mean distance of
    the class means of p(z|y) in prior standard deviations.
    """
    model, frozen = vae.load(fitted), classify.load(guide)
    data, rng = from_arrays(images.arrays)[:n], np.random.default_rng(stream)
    x, y = tr.as_planes(data.image), torch.from_numpy(data.label)
    mask = torch.from_numpy(data.mask.astype(np.float32))
    noise = torch.randn(2, len(x), model.prior.shape[-1], generator=tr.torch_generator(rng))
    with torch.no_grad():
        settings = vae.VaeSettings(precision="float32")
        terms = vae.loss_terms(model, frozen, x, y, mask, noise, settings)
        z = vae.draw(*model.prior_of(y), noise[0])
        planes = model.decoder(z, y).sigmoid()
        seen = frozen(planes[:, :1]).argmax(1)
        error = (model.reconstruct(x, y) - x).square().mean() / (x - x.mean(0)).square().mean()
    scores = {name: float(value) for name, value in terms.items()}
    scores["reconstruction"] /= x[0].numel()
    scores["error"] = float(error)
    scores["mask_side"] = mask_side(planes[:, 1].numpy(), data.label)
    scores["guide_adherence"] = float((seen == y).float().mean())
    scores["separation"] = separation(model)
    return Result({}, scores)


def mask_side(masks: np.ndarray, labels: np.ndarray) -> float:
    """Share of sick images whose mask (N, H, W) weighs more on the side of their label.

    The patient's left (label 1) is the right half of the image. Nothing learned: about one half.
    """
    half = masks.shape[2] // 2
    right_heavy = masks[:, :, half:].sum((1, 2)) > masks[:, :, :half].sum((1, 2))
    return float((right_heavy == (labels == 1))[labels > 0].mean())


def separation(model: vae.ConditionalVAE) -> float:
    """Mean distance between the class means of p(z|y), in standard deviations of the prior."""
    mean, log_variance = model.prior_of(torch.arange(len(model.prior)))
    sd = (0.5 * log_variance).exp().mean(0)
    pairs = [(0, 1), (0, 2), (1, 2)]
    return float(np.mean([(((mean[a] - mean[b]) / sd) ** 2).sum().sqrt().item() for a, b in pairs]))
