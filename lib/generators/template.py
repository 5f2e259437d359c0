"""The traditional baseline of PA-VAE: class-mean anatomy with pasted, warped opacity templates.

The paper names "a traditional template baseline" and says no more. Ours, from the labelled images
and their masks alone: the mean healthy image and its main modes of variation (principal
components) give an anatomy; the excess of each lesion over that mean, cut out by its mask, is a
template; a template of the requested class is rotated, scaled and moved a little, and pasted.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import affine_transform, center_of_mass, gaussian_filter

from lib.datasets.hdf5 import ImageSet, from_arrays
from lib.generators.frame import labelled_pool
from lib.jobs import Result


@dataclass(frozen=True)
class TemplateSettings:
    """All ours."""

    components: int = 40  # modes of healthy anatomy
    turn: float = 0.3  # rotation up to, radians
    scale: float = 0.2  # change of size up to
    move: float = 4.0  # shift up to, pixels
    feather: float = 1.0  # softening of the pasted border, pixels


@dataclass(frozen=True)
class TemplateGenerator:
    """Mean (H, W), modes (k, H, W) scaled to unit weights, and one stack of templates per class."""

    mean: np.ndarray
    modes: np.ndarray
    templates: dict[int, np.ndarray]
    settings: TemplateSettings

    def sample(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One image (H, W) in [0, 1] per label."""
        weights = rng.normal(size=(len(labels), len(self.modes)))
        images = self.mean + np.tensordot(weights, self.modes, axes=1)
        for image, label in zip(images, labels, strict=True):
            if label in self.templates:
                stack = self.templates[label]
                image += warp(stack[rng.integers(len(stack))], self.settings, rng)
        return images.clip(0, 1).astype(np.float32)


def fit(data: ImageSet, settings: TemplateSettings) -> TemplateGenerator:
    """Anatomy and templates of labelled images with masks; ValueError without healthy ones."""
    healthy = data.image[data.label == 0]
    if len(healthy) < 2:
        raise ValueError("the template baseline needs at least two healthy images.")
    mean = healthy.mean(axis=0)
    _, spread, modes = np.linalg.svd(
        (healthy - mean).reshape(len(healthy), -1), full_matrices=False
    )
    k = min(settings.components, len(healthy) - 1)
    modes = (modes[:k] * spread[:k, None] / np.sqrt(len(healthy))).reshape(k, *mean.shape)
    soft = gaussian_filter(data.mask.astype(np.float32), (0, settings.feather, settings.feather))
    excess = (data.image - mean) * soft
    classes = [int(c) for c in np.unique(data.label) if c]
    return TemplateGenerator(mean, modes, {c: excess[data.label == c] for c in classes}, settings)


def warp(template: np.ndarray, s: TemplateSettings, rng: np.random.Generator) -> np.ndarray:
    """Rotate, scale and shift a template about its own centre."""
    angle, size = rng.uniform(-s.turn, s.turn), 1 + rng.uniform(-s.scale, s.scale)
    cos, sin = np.cos(angle) / size, np.sin(angle) / size
    matrix = np.array([[cos, -sin], [sin, cos]])
    centre = np.array(center_of_mass(np.abs(template)))
    offset = centre - matrix @ (centre + rng.uniform(-s.move, s.move, 2))
    return affine_transform(template, matrix, offset, order=1)


def pool(data: Result, labelled: int, n: int, stream: list[int]) -> Result:
    """Job: n labelled samples in Table 1's mix, from the first `labelled` images of a draw."""
    generator = fit(from_arrays(data.arrays)[:labelled], TemplateSettings())
    return labelled_pool(generator, n, stream)
