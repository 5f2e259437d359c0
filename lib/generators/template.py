"""The traditional baseline of PA-VAE: opacities of some images, warped and pasted on healthy ones.

The paper names "a traditional template baseline" and says no more. Ours, from the labelled images
and their masks alone: what a lesion adds to the anatomy that its surroundings suggest, cut out by
its mask, is a template; a template of the requested class is rotated, scaled and moved a little,
and pasted on a healthy image. Healthy samples are healthy images as they are.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import affine_transform, binary_dilation, center_of_mass, gaussian_filter

from lib.datasets.hdf5 import ImageSet, from_arrays
from lib.generators.frame import labelled_pool
from lib.jobs import Result

EDGE = 0.05  # of a soft mask: pixels below it lie outside the lesion


@dataclass(frozen=True)
class TemplateSettings:
    """All ours."""

    components: int = 6  # modes of healthy anatomy
    rest: float = 0.05  # standard deviation of what the modes leave, grey units
    grow: int = 4  # pixels by which a mask is widened: an opacity fades out beyond it
    feather: float = 1.0  # softening of the pasted border, pixels
    smooth: float = 2.0  # of the template itself, pixels: the healthy image has its own noise
    turn: float = 0.2  # rotation up to, radians
    scale: float = 0.2  # change of size up to
    move: float = 2.0  # shift up to, pixels


@dataclass(frozen=True)
class TemplateGenerator:
    """Healthy images (n, H, W), and one stack of templates (m, H, W) per class."""

    healthy: np.ndarray
    templates: dict[int, np.ndarray]
    settings: TemplateSettings

    def sample(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One image (H, W) in [0, 1] per label."""
        images = self.healthy[rng.integers(len(self.healthy), size=len(labels))]
        for image, label in zip(images, labels, strict=True):
            if label in self.templates:
                stack = self.templates[label]
                image += warp(stack[rng.integers(len(stack))], self.settings, rng)
        return images.clip(0, 1).astype(np.float32)


def fit(data: ImageSet, settings: TemplateSettings) -> TemplateGenerator:
    """Templates of labelled images with masks; ValueError with fewer than two healthy ones."""
    healthy = data.image[data.label == 0]
    if len(healthy) < 2:
        raise ValueError("the template baseline needs at least two healthy images.")
    sick, (mean, modes) = data.label > 0, modes_of(healthy, settings.components)
    masks, widened = data.mask[sick].astype(bool), np.ones((1, 3, 3))
    masks = binary_dilation(masks, widened, iterations=settings.grow).astype(np.float32)
    soft = gaussian_filter(masks, (0, settings.feather, settings.feather))
    each = zip(data.image[sick], soft, strict=True)
    excess = [(x - anatomy(x, s < EDGE, mean, modes, settings.rest)) * s for x, s in each]
    labels = data.label[sick]
    excess = gaussian_filter(np.stack(excess), (0, settings.smooth, settings.smooth))
    templates = {int(c): excess[labels == c] for c in np.unique(labels)}
    return TemplateGenerator(healthy, templates, settings)


def modes_of(images: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (H, W) of images (n, H, W), and up to `count` main modes (k, H, W) of their variation,
    scaled so that an image's weight of each has unit variance."""
    mean = images.mean(axis=0)
    _, spread, modes = np.linalg.svd((images - mean).reshape(len(images), -1), full_matrices=False)
    k = min(count, len(images) - 1)
    scaled = modes[:k] * spread[:k, None] / np.sqrt(len(images))
    return mean, scaled.reshape(k, *mean.shape)


def anatomy(
    image: np.ndarray, seen: np.ndarray, mean: np.ndarray, modes: np.ndarray, rest: float
) -> np.ndarray:
    """The healthy image (H, W) that the pixels `seen` (H, W) of an image suggest.

    Weights of the modes (k, H, W) are normal with unit variance, and so is what they leave with
    standard deviation `rest`; this is their most probable value.
    """
    known = modes[:, seen] / rest  # (k, pixels)
    inner = known @ known.T + np.eye(len(modes))
    weights = np.linalg.solve(inner, known @ ((image - mean)[seen] / rest))
    return mean + np.tensordot(weights, modes, axes=1)


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
