"""Brain MRI phantoms: T1, T1 with contrast agent, T2 and FLAIR of one skull-stripped brain.

All subjects are deformations of one atlas (`brain_atlas`), as patients are who are registered to a
template: they share sulci, ventricles and nuclei, and each has some small folds of its own.

Every subject has one tumour, labelled as in BraTS: 1 necrotic (or non-enhancing) core, 2 oedema,
4 enhancing rim. A low-grade tumour (grade 0) is smooth with next to no core; a high-grade tumour
(grade 1) has a core in a bright rim and coarse texture. Not every bright spot of FLAIR is a tumour:
old white matter has bright points, and ventricles have bright caps.

With a mass effect the tumour pushes the anatomy around it away. The healthy counterfactual then
still shows the anatomy in place, so the support covers all that moved, while the labels do not.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from lib.phantoms import brain_anatomy, brain_tumour, population, volume
from lib.phantoms.acquisition import rician
from lib.phantoms.brain_anatomy import MM, Tissues
from lib.phantoms.brain_tumour import NECROSIS, OEDEMA, RIM
from lib.phantoms.fields import gaussian_matrix, power_law_volume
from lib.phantoms.population import Batch, Parameters, Range
from lib.phantoms.volume import HEIGHT, SHAPE, Drawn, Shape

MODALITIES = ("T1", "T1Gd", "T2", "FLAIR")
NOISE_BLUR = 1.6  # mm, standard deviation of the filter that correlates neighbouring noise
_BIAS = (3, 4, 4)  # cosine modes of the drift


@dataclass(frozen=True)
class Law(population.Law):
    """A frozen population: the range of every parameter.

    Lengths of the anatomy are millimetres, those of spots and tumour half image widths (96 mm).
    """

    name: str = "brain"
    scale: Range = (0.945, 1.055)  # along x, y and z, relative to the atlas
    shift: Range = (-4.0, 4.0)  # along x, y and z
    tilt: Range = (-0.06, 0.06)  # the head turned in the slice, radians
    nod: Range = (-0.06, 0.06)  # and in the sagittal plane
    lean: Range = (-0.04, 0.04)  # and in the coronal one
    warp: Range = (1.5, 3.2)  # standard deviation of the coarse displacement of all anatomy
    ripple: Range = (0.7, 1.4)  # and of the fine one
    own_depth: Range = (2.0, 7.0)  # of the folds that no other subject has
    strip: Range = (-1.8, 0.2)  # how far inside the fluid the skull is cut off
    dura: Range = (0.9, 1.8)  # scarcity of bright dura that the cut left, in standard deviations
    border: Range = (3.3, 4.7)  # width over which a voxel averages
    cortex: Range = (2.2, 2.8)  # thickness of the grey ribbon
    sulcus_width: Range = (0.5, 1.1)  # half of it; wide with age
    cistern: Range = (-1.3, 0.7)  # growth of the fluid around the brain
    cistern_spread: Range = (0.8, 1.4)  # its standard deviation along the surface
    ventricle_size: Range = (-2.0, 1.5)  # growth of the lateral ventricles
    middle_size: Range = (-0.5, 1.0)  # of the third and fourth
    halo_width: Range = (2.0, 5.0)  # of the bright caps of the ventricles
    deep_grey: Range = (0.75, 1.0)  # share of grey matter in the nuclei
    t1_fluid: Range = (0.20, 0.26)  # grey values of every tissue: fluid, grey and white matter
    t1_grey: Range = (0.55, 0.60)
    t1_white: Range = (0.67, 0.72)
    t1gd_fluid: Range = (0.20, 0.26)
    t1gd_grey: Range = (0.55, 0.59)
    t1gd_white: Range = (0.62, 0.67)
    t2_fluid: Range = (0.85, 0.98)
    t2_grey: Range = (0.37, 0.42)
    t2_white: Range = (0.30, 0.34)
    flair_fluid: Range = (0.15, 0.23)
    flair_grey: Range = (0.42, 0.45)
    flair_white: Range = (0.39, 0.42)
    tissue_grey: Range = (0.010, 0.020)  # standard deviation of the 1/f texture
    spot_place: Range = (-1.0, 1.0)  # points of bright white matter that are no tumour
    spot_radius: Range = (0.012, 0.035)
    spot_flair: Range = (0.0, 0.32)
    cap_flair: Range = (0.03, 0.20)  # bright caps around the ventricles
    bias: Range = (0.07, 0.15)  # standard deviation of the logarithm of the bias field
    noise: Range = (0.003, 0.010)  # of each of the two Rician channels
    tumour_side: Range = (-1.0, 1.0)  # the sign counts
    tumour_reach: Range = (0.36, 0.70)  # distance from the brain's axis, in its half-axes
    tumour_azimuth: Range = (-1.10, 1.10)  # front to back, radians
    tumour_z: Range = (-0.10, 0.40)
    tumour_radius: Range = (0.20, 0.44)
    tumour_aspect: Range = (0.75, 1.33)
    tumour_stretch: Range = (0.72, 0.95)  # along z
    tumour_angle: Range = (0.0, 3.1416)
    tumour_border: Range = (0.25, 0.45)  # irregularity of the border; high grade
    low_border: Range = (0.12, 0.25)
    tumour_edge: Range = (0.15, 0.50)  # width of the oedema's border, in radii
    tumour_resistance: Range = (0.2, 0.6)  # how much longer a way is through grey matter
    tumour_flattening: Range = (0.45, 0.75)  # share of the anatomy that oedema hides
    inner_size: Range = (0.40, 0.64)  # core and rim, in tumour radii
    low_inner_size: Range = (-0.20, 0.18)  # none at all below 0
    inner_offset: Range = (-0.16, 0.16)  # from the middle, in tumour radii
    necrosis_size: Range = (0.55, 0.78)  # the core, in radii of core and rim
    texture: Range = (0.10, 0.30)  # relative, inside the tumour; high grade
    low_texture: Range = (0.02, 0.08)
    flair_contrast: Range = (0.04, 0.24)  # oedema over white matter; the rim follows it
    flair_core: Range = (-0.4, 0.6)  # contrast of the core, as a share of the oedema's
    t2_contrast: Range = (0.14, 0.36)
    t1_contrast: Range = (-0.24, -0.10)
    rim_contrast: Range = (0.18, 0.36)  # of T1 with contrast agent over white matter
    tumour_strength: Range = (1.0, 1.0)  # scales every change of the image; 0 leaves none
    mass_effect: Range = (0.0, 0.0)  # largest displacement in tumour radii, at most 0.5; 0 is off


BRAIN = Law()
SHIFTED = Law(  # a second scanner of lower field: flatter contrast, stronger drift, more noise
    name="brain shifted",
    t1_white=(0.62, 0.66),
    t2_fluid=(0.68, 0.76),
    flair_fluid=(0.14, 0.22),
    flair_grey=(0.41, 0.45),
    bias=(0.10, 0.18),
    noise=(0.020, 0.035),
)
LAWS = {law.name: law for law in (BRAIN, SHIFTED)}

_SPOTS = 12
_COUNT = {"spot_place": 3 * _SPOTS, "spot_radius": _SPOTS, "spot_flair": _SPOTS}
_COUNT |= {"scale": 3, "shift": 3, "inner_offset": 3}

# Grey values that dense white matter, vessels, choroid plexus and dura add to a modality
_EXTRA = {
    "T1": (0.02, 0.0, 0.16, 0.10),
    "T1Gd": (0.02, 0.40, 0.42, 0.40),
    "T2": (-0.03, -0.22, -0.30, -0.2),
    "FLAIR": (-0.025, 0.15, 0.22, 0.35),
}
# Contrast of (oedema, rim, core) over white matter, as shares of the modality's tumour contrast
_SHARES = {
    "T1": ("t1_contrast", (0.7, 0.9, 1.5)),
    "T1Gd": ("t1_contrast", (0.7, 0.0, 1.5)),
    "T2": ("t2_contrast", (0.8, 0.7, 1.5)),
    "FLAIR": ("flair_contrast", (1.0, 0.8, 0.0)),
}


def sample(law: Law, n: int, rng: np.random.Generator) -> Parameters:
    """Draw n new subjects, each of low or high grade with equal chance."""
    return from_seeds(law, population.new_seeds(n, rng))


def from_seeds(law: Law, seeds: np.ndarray, grades: np.ndarray | None = None) -> Parameters:
    """The subjects with these seeds (N,); grades (N,) in {0, 1} replace the seeds' own grades."""
    return volume.draw(law, seeds, grades, _COUNT)


def render(
    parameters: Parameters, modalities: tuple[str, ...] = MODALITIES, shape: Shape = SHAPE
) -> Batch:
    """Draw every subject with and without its tumour, in the same noise; channels as asked for."""
    shape = volume.checked(shape)
    unknown = [m for m in modalities if m not in MODALITIES]
    if isinstance(modalities, str) or unknown or not modalities:
        raise ValueError(f"modalities must be some of {MODALITIES} in a tuple; got {modalities!r}.")
    return volume.render(
        parameters,
        lambda seed, v, grade: _draw(seed, v, grade, modalities, shape),
        len(modalities),
        shape,
        describe(parameters),
    )


def tissues(parameters: Parameters, shape: Shape = SHAPE) -> list[Tissues]:
    """The healthy anatomy of every subject."""
    shape = volume.checked(shape)
    return [
        brain_anatomy.of_subject(seed, v, shape)[0]
        for seed, v in zip(parameters.seed, volume.each(parameters), strict=True)
    ]


def describe(p: Parameters) -> tuple[str, ...]:
    """A radiologist's phrase for every subject: grade, size, side and lobe of its tumour."""
    v = {name: a[:, 0] for name, a in p.values.items()}
    grade = np.array(["low-grade", "high-grade"])[p.label]
    size = np.where(v["tumour_radius"] > 0.32, "large", "small")
    side = np.where(v["tumour_side"] > 0, "left", "right")
    lobe = np.array(["frontal", "parietal", "occipital"])[
        np.digitize(v["tumour_azimuth"], (-0.2, 0.6))
    ]
    lobe = np.where((v["tumour_z"] < 0.04) & (abs(v["tumour_azimuth"]) < 0.6), "temporal", lobe)
    return tuple(
        f"{z} {g} tumour in the {s} {o} lobe"
        for z, g, s, o in zip(size, grade, side, lobe, strict=True)
    )


def _draw(seed: int, v: dict[str, Tensor], grade: int, modalities, shape: Shape) -> Drawn:
    anatomy, texture = brain_anatomy.of_subject(seed, v, shape)
    texture = v["tissue_grey"] * texture
    spots = _spots(v, shape)
    radii = brain_tumour.frame(v, shape)
    pushed, moved = brain_tumour.displace(anatomy, radii, v, shape)
    parts, mottle = brain_tumour.grow(seed, v, grade, radii, pushed, shape)
    inside = anatomy.depth > 0
    pairs = []
    for modality in modalities:
        base = _signal(modality, anatomy, spots, texture, v)
        around = base if pushed is anatomy else _signal(modality, pushed, spots, texture, v)
        change = around - base + _change(modality, around, parts, mottle, v)
        sick = (base + v["tumour_strength"] * change).clamp(min=0)
        pairs.append(_acquire(seed, modality, (sick, base), inside, v, shape))
    image, healthy = (torch.stack(images) for images in zip(*pairs, strict=True))
    support = ((parts.sum(0) > 0) | moved) & inside
    return Drawn(image, healthy, brain_tumour.labels(parts), support)


def _spots(v: dict[str, Tensor], shape: Shape) -> Tensor:
    """Round bright points, in grey values of FLAIR."""
    places = v["spot_place"].view(3, -1) * torch.tensor([[0.46], [0.60], [0.34]])
    return volume.spots(places, v["spot_radius"], v["spot_flair"], shape)


def _signal(modality: str, anatomy: Tissues, spots: Tensor, texture: Tensor, v) -> Tensor:
    """What the scanner would see without drift and noise."""
    name = modality.lower()
    fluid, grey, white = (v[f"{name}_{tissue}"] for tissue in ("fluid", "grey", "white"))
    tract, vessel, choroid, dura = _EXTRA[modality]
    signal = fluid * anatomy.fluid + grey * anatomy.grey + white * anatomy.white
    signal = signal + vessel * anatomy.vessel + choroid * anatomy.choroid * anatomy.fluid
    signal = signal + tract * anatomy.tracts * anatomy.white + dura * anatomy.residue
    share = {"FLAIR": 1.0, "T2": 0.5}.get(modality, 0.0)
    if share:
        bright = (spots + v["cap_flair"] * anatomy.halo) * anatomy.white
        signal = signal + share * bright
    return (signal + texture * (1 - anatomy.fluid)).clamp(min=0)


def _change(modality: str, around: Tensor, parts: Tensor, mottle: Tensor, v) -> Tensor:
    """What the tumour adds to the signal: tissue gives way to white matter of other contrast."""
    core, oedema, rim = parts
    name, (of_oedema, of_rim, of_core) = _SHARES[modality]
    contrast = v[name] * (of_oedema * oedema + of_rim * rim + of_core * core)
    if modality == "T1Gd":
        contrast = contrast + v["rim_contrast"] * rim
    if modality == "FLAIR":
        contrast = contrast + v[name] * v["flair_core"] * core
    plain = v[f"{modality.lower()}_white"]
    hidden = v["tumour_flattening"] * oedema + rim + core
    return hidden * (plain - around) + contrast * (1 + mottle)


@cache
def _noise_filter(size: int) -> Tensor:
    """Matrix (size, size) that correlates white noise along an axis and keeps its variance."""
    blur = gaussian_matrix(size, NOISE_BLUR * MM * size / 2)
    return blur / blur.square().sum(1, keepdim=True).sqrt()


def _acquire(seed: int, modality: str, signals, inside: Tensor, v, shape: Shape) -> list[Tensor]:
    """Images of the signals in one drift and one noise, zero outside the brain.

    The noise of both channels is filtered in the slice, as it is where a scanner fills up its
    k-space and images are resampled to a template: neighbours are correlated.
    """
    part = volume.NOISE + MODALITIES.index(modality)
    drift, *channels = volume.white(seed, part, _BIAS, shape, shape)
    gain = (v["bias"] * power_law_volume(drift, shape, 1.0, HEIGHT)).exp()
    down, across = (_noise_filter(n) for n in shape[1:])
    real, imaginary = (down @ white @ across.T for white in channels)
    return [rician(gain * signal, real, imaginary, v["noise"]) * inside for signal in signals]


__all__ = ["BRAIN", "LAWS", "MODALITIES", "NECROSIS", "OEDEMA", "RIM", "SHIFTED", "Law", "describe",
           "from_seeds", "render", "sample", "tissues"]  # fmt: skip
