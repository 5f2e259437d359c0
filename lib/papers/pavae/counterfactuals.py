"""What the fitted model changes when the label alone changes, beside the phantom's own truth."""

import numpy as np
import torch

from lib.generators import vae
from lib.metrics import localisation
from lib.papers.pavae.looks import Look, Numbers, twins
from lib.phantoms import chest
from lib.training import loop as tr


def under_all_labels(model: vae.ConditionalVAE, image: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Images (N, H, W) encoded with their label (N,), decoded under every one: (labels, N, H, W).

    z is the mean of q(z|x,y).
    """
    y = torch.from_numpy(label)
    with torch.no_grad():
        z = model.posterior(tr.as_planes(image), y)[0]
        each = [model.decoder(z, torch.full_like(y, c))[:, 0].sigmoid() for c in range(3)]
    return torch.stack(each).numpy()


def changes(look: Look) -> dict[str, np.ndarray]:
    """Changes (n, H, W) of the sick held-out images: three kinds, and the true one.

    label: one z, decoded with y and as healthy; twin: image and true healthy twin, both encoded and
    decoded; null: the mean true change of the labelled subjects of the class, one map for all.
    """
    seen, at = look.held_out, np.flatnonzero(look.sick)
    own, healthy = seen.label[at], np.zeros_like(seen.label)
    decoded = under_all_labels(look.model, seen.image, seen.label)
    twin = under_all_labels(look.model, look.truth[0], healthy)[0]
    ill = look.labelled[look.labelled.label > 0]
    excess = ill.image - twins(look.study.regime, ill.subject, chest.HEALTHY)
    typical = np.stack([excess[ill.label == c].mean(0) for c in (1, 2)])
    return {
        "label": (decoded - decoded[:1])[own, at],
        "twin": look.decoded[0][at] - twin[at],
        "null": typical[own - 1],
        "truth": (look.truth - look.truth[:1])[own, at],
    }


def agreement(found: np.ndarray, real: np.ndarray, masks: np.ndarray) -> dict[str, float]:
    """How far changes (n, H, W) agree with the true ones; means over the images."""
    pairs = zip(found, real, strict=True)
    return {
        "correlation": float(np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs])),
        "pixel_auroc": float(localisation.pixel_auroc(np.abs(found), masks).mean()),
        "share_in_mask": float(found[masks].mean() / real[masks].mean()),
        "change_outside": float(np.abs(found[~masks]).mean()),
    }


def height(found: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Row of the centre of each map's positive part, squared, in the lung of its label: (n,)."""
    n = found.shape[-1]
    right_half = np.arange(n) >= n // 2  # of the picture: the patient's left
    lung = np.where((label == chest.LEFT)[:, None], right_half, ~right_half)[:, None]
    weight = np.clip(found, 0, None) ** 2 * lung + 1e-12
    return (weight * np.arange(n)[:, None]).sum((1, 2)) / weight.sum((1, 2))


def places(look: Look) -> dict[str, np.ndarray]:
    """Rows (n,) of the opacities of sick images: true, in two changes, and in the decoded mask."""
    sick, maps = look.sick, changes(look)
    label = look.held_out.label[sick]
    each = {"truth": look.held_out.mask[sick].astype(float)}
    each |= {"label": maps["label"], "twin": maps["twin"], "mask": look.decoded[1][sick]}
    return {name: height(found, label) for name, found in each.items()} | {"class": label}


def slope(found: np.ndarray, true: np.ndarray, label: np.ndarray) -> float:
    """Rows that a centre moves when the true one moves by one; mean of the two classes."""
    each = [np.polyfit(true[label == c], found[label == c], 1)[0] for c in (1, 2)]
    return float(np.mean(each))


def numbers(look: Look) -> Numbers:
    """Agreement of both changes with the truth, and how their places follow it."""
    maps, masks, rows = changes(look), look.held_out.mask[look.sick], places(look)
    scored = {name: agreement(found, maps["truth"], masks) for name, found in maps.items()}
    found = {}
    for name in ("label", "twin"):
        for metric, value in scored[name].items():
            ends = {"null": scored["null"][metric], "oracle": scored["truth"][metric]}
            found[name, metric] = value, ends
    for name in ("label", "twin", "mask"):
        value = slope(rows[name], rows["truth"], rows["class"])
        found[name, "place_slope"] = value, {"null": 0.0, "oracle": 1.0}
    left = 1 - scored["label"]["share_in_mask"] / scored["twin"]["share_in_mask"]
    return found | {("label", "opacity_left"): (left, {"oracle": 0.0})}
