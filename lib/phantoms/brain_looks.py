"""Brain phantoms whose tumour keeps its outline and looks otherwise: the law given one outline."""

import numpy as np
import torch

from lib.phantoms import brain, brain_anatomy, brain_tumour, volume
from lib.phantoms.population import Parameters
from lib.phantoms.volume import SHAPE, Shape

LOOK = ("tumour_flattening", "inner_size", "low_inner_size", "inner_offset", "necrosis_size")
LOOK += ("texture", "low_texture", "flair_contrast", "flair_core", "t2_contrast", "t1_contrast")
LOOK += ("rim_contrast",)
"""Parameters of a tumour that leave its outline as it is."""


def render(
    subject: Parameters, looks: Parameters, modality: str = "FLAIR", shape: Shape = SHAPE
) -> np.ndarray:
    """One subject with the looks of other tumours in its own outline, (K, D, H, W) float32.

    Anatomy, noise, drift and the share of every voxel that tumour fills are the subject's own. Of
    each of the K looks come the parameters of LOOK, the texture, and core and rim as far as they
    fit inside. All have the subject's grade, since the outline tells it: borders of the two grades
    have ranges that do not overlap. ValueError unless there is one subject.
    """
    if len(subject) != 1:
        raise ValueError(f"subject holds {len(subject)} subjects; pass one, parameters[i : i + 1].")
    shape = volume.checked(shape)
    (v,), seed, grade = volume.each(subject), int(subject.seed[0]), int(subject.label[0])
    anatomy, texture = brain_anatomy.of_subject(seed, v, shape)
    radii = brain_tumour.frame(v, shape)
    pushed, _ = brain_tumour.displace(anatomy, radii, v, shape)
    whole = brain_tumour.grow(seed, v, grade, radii, pushed, shape)[0].sum(0)
    rest = brain._spots(v, shape), v["tissue_grey"] * texture, v
    base, around = (brain._signal(modality, tissues, *rest) for tissues in (anatomy, pushed))
    images = []
    for other, values in zip(looks.seed, volume.each(looks), strict=True):
        mixed = v | {name: values[name] for name in LOOK}
        parts, mottle = brain_tumour.grow(int(other), mixed, grade, radii, pushed, shape)
        core = torch.minimum(parts[0], whole)
        rim = torch.minimum(parts[2], whole - core)
        parts = torch.stack([core, whole - core - rim, rim])
        change = around - base + brain._change(modality, around, parts, mottle, mixed)
        sick = (base + v["tumour_strength"] * change).clamp(min=0)
        images += brain._acquire(seed, modality, (sick,), anatomy.depth > 0, v, shape)
    return torch.stack(images).numpy()
