"""The one healthy brain that every brain phantom is a deformation of.

Lengths are millimetres. x runs to the right of the image (the patient's left), y to the back, z
upwards, from the middle of a field of 192 x 192 x 153.6 mm. Every structure is a signed distance or
a share of the voxel on a fixed grid, drawn from the landmarks below; nothing is random but the
waves of the unnamed folds, whose seed is fixed. So all subjects share their sulci, ventricles and
nuclei, as patients do who are registered to one template.
"""

from functools import cache
from itertools import pairwise

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

FIELD = (153.6, 192.0, 192.0)  # extent along z, y and x
STEP = 2.0  # between voxels of the atlas
MARGIN = 8  # voxels around the field while gaps are closed
WAVES = 28  # that make the unnamed folds
CLOSING = 7.0  # gaps narrower than twice this between parts of the brain are fluid, not background
CHANNELS = (
    "depth",  # distance to the outline of the brain, positive inside
    "surface",  # distance to cisterns and to the fluid around the brain, positive in tissue
    "fold",  # distance to the middle of the nearest sulcus or fissure
    "lateral",  # distance to the lateral ventricles, negative inside
    "middle",  # the same of the third and fourth ventricle
    "nuclei",  # share of grey matter in the depth: basal nuclei, thalami, hippocampi, cerebellum
    "tracts",  # share of dense white matter: callosum, internal capsule, brain stem
    "vessel",  # share of large vessels
    "choroid",  # share of choroid plexus
    "upper",  # 1 above the tentorium, 0 in cerebellum and brain stem
)

# Outline of the cerebrum by height: half-width, front and back
_LEVELS = (-25, -22, -16, -10, -4, 2, 8, 14, 20, 28, 36, 44, 52, 58, 62)
_WIDTH = (9, 24, 38, 58, 68, 70, 69, 68, 67, 64, 58, 49, 37, 23, 8)
_FRONT = (-44, -55, -67, -72, -74, -76, -75, -74, -72, -68, -61, -51, -36, -18, 2)
_BACK = (60, 76, 85, 88, 88, 88, 87, 86, 84, 80, 74, 66, 54, 38, 18)

# Sulci of one hemisphere as lines on its surface (x, y, z), and how deep they cut
_SULCI = (
    (19, ((4, 25, 56), (20, 16, 52), (34, 9, 44), (48, 1, 32), (58, -7, 15))),  # central
    (13, ((26, -6, 51), (42, -11, 38), (55, -20, 18))),  # precentral
    (14, ((12, 36, 53), (30, 28, 49), (45, 20, 38), (59, 10, 22))),  # postcentral
    (16, ((23, -2, 53), (23, -22, 46), (22, -42, 35), (20, -58, 20), (16, -68, 6))),  # superior
    (14, ((44, -12, 34), (42, -32, 24), (36, -50, 12), (28, -62, 0))),  # inferior frontal
    (18, ((40, 28, 44), (32, 42, 46), (28, 58, 38), (26, 74, 22), (24, 82, 8))),  # intraparietal
    (19, ((52, -28, -24), (64, -8, -14), (66, 18, -2), (62, 38, 14), (50, 52, 28))),  # temporal
    (12, ((58, -12, -36), (66, 10, -20), (63, 36, -10), (52, 62, -6))),  # inferior temporal
    (12, ((46, 70, 6), (34, 82, -8))),  # lateral occipital
    (9, ((3, -50, 2), (3, -46, 16), (3, -40, 28))),  # cingulate, in front of the callosum
    (10, ((3, 14, 44), (3, 27, 52))),  # its marginal branch
    (19, ((3, 52, 6), (3, 62, 22), (4, 70, 40))),  # parieto-occipital
    (12, ((4, 48, 8), (6, 66, 0), (8, 88, -10))),  # calcarine
    (11, ((22, -58, -12), (22, -42, -16), (22, -30, -18))),  # orbital
    (13, ((32, -4, -44), (34, 22, -36), (32, 46, -24), (28, 64, -16))),  # collateral
)
_HUB_REACH = 40.0  # sulci run from the surface towards a line this long to front and back

# Lateral ventricle: middle line and radius, from the frontal horn to the two others
_LATERAL = ((17, -35, 0, 3), (13.5, -26, 5, 5), (9.5, -12, 8, 5), (9, 0, 12, 4.5), (13, 16, 13, 5),
            (20, 29, 9, 6), (27, 37, 0, 6), (30, 36, -9, 4), (34, 24, -18, 2), (36, 8, -24, 1.2),
            (33, -4, -27, 0.8))  # fmt: skip
_OCCIPITAL = ((27, 37, 0, 5), (26, 52, 0, 3), (24, 64, 0, 1))


def positions(shape: tuple[int, int, int]) -> tuple[np.ndarray, ...]:
    """Voxel centres z (D, 1, 1), y (1, H, 1) and x (1, 1, W) of the field."""
    axes = ((np.arange(n) + 0.5) * (e / n) - e / 2 for n, e in zip(shape, FIELD, strict=True))
    z, y, x = (axis.astype(np.float32) for axis in axes)
    return z.reshape(-1, 1, 1), y.reshape(1, -1, 1), x.reshape(1, 1, -1)


@cache
def atlas() -> Tensor:
    """The atlas, (1, channels, D, H, W) float32 in the order of CHANNELS; built once a process."""
    shape = tuple(round(extent / STEP) for extent in FIELD)
    z, y, x = np.broadcast_arrays(*positions(shape))
    parts = _outlines(x, y, z)
    tissue = _distance(np.maximum.reduce(list(parts.values())))
    wide = _distance(np.pad(tissue + CLOSING, MARGIN, constant_values=-CLOSING))
    depth = _distance(wide - CLOSING)[(slice(MARGIN, -MARGIN),) * 3]  # narrow gaps are kept
    depth = np.where((y > -14) | (z > -14), depth, np.minimum(depth, tissue + 1.5))
    near = depth > -8  # all else is background
    x, y, z = x[near], y[near], z[near]
    cerebrum, cerebellum, stem = (parts[name][near] for name in parts)
    fields = _inner(x, y, z, depth[near], tissue[near], cerebrum, cerebellum, stem)
    out = np.zeros((len(CHANNELS), *shape), np.float32)
    for kept, name in zip(out, CHANNELS, strict=True):
        kept[...] = {"depth": -9, "surface": -9, "fold": 9, "lateral": 9, "middle": 9}.get(name, 0)
        kept[near] = fields[name]
    return torch.from_numpy(out).unsqueeze(0)


def _inner(x, y, z, depth, tissue, cerebrum, cerebellum, stem) -> dict[str, np.ndarray]:
    """Every channel at points (n,) in and around the brain."""
    u = np.abs(x)
    upper = np.clip(0.5 + (cerebrum - np.maximum(cerebellum, stem)) / 4, 0, 1)
    surface = np.minimum(np.minimum(tissue, depth - 0.8), _cisterns(u, y, z))
    tentorium = np.abs(cerebrum - cerebellum) / 2
    tentorium = np.where((np.minimum(cerebrum, cerebellum) > -5) & (z < 0), tentorium, 99.0)
    fissure = _fissure(x, u, y, z)
    bank = np.minimum(np.minimum(depth, fissure), np.minimum(tentorium, surface + 1.2))
    fold = np.minimum(_sulci(x, y, z, bank), _sylvian(u, y, z))
    folia = np.where(cerebellum > stem, _folia(x, y, z, cerebellum), 9.0)
    fold = np.where(upper > 0.5, fold, folia)
    deep = upper * np.clip((_bridge(u, y, z) + 2) / 4, 0, 1)  # no sulci in the middle of the brain
    fold = np.where(fold < 9, fold + 9 * deep, fold)
    dents = 0.8 * np.clip(1 - fold / 3, 0, 1)  # the outline follows the gyri
    return {
        "depth": depth - dents,
        "surface": surface,
        "fold": np.minimum(np.minimum(fold, np.minimum(fissure, tentorium)), 9.0),
        "lateral": np.clip(_lateral(u, y, z), -9, 9),
        "middle": np.clip(_middle(u, y, z), -9, 9),
        "nuclei": np.maximum(_nuclei(u, y, z), _cerebellar(x, y, z, cerebellum, upper)),
        "tracts": _tracts(u, y, z, stem),
        "vessel": _vessels(u, y, z, depth),
        "choroid": _choroid(u, y, z),
        "upper": upper,
    }


# Outlines


def _outlines(x, y, z) -> dict[str, np.ndarray]:
    """About the distance to the surface of cerebrum, cerebellum and brain stem, positive inside."""
    u = np.abs(x)
    width, front, back = (
        np.interp(z, _LEVELS, line).astype(np.float32) for line in (_WIDTH, _FRONT, _BACK)
    )
    middle = 14.0
    reach = np.where(y < middle, middle - front, back - middle)
    narrow = width * (1 + 0.0012 * np.minimum(y - middle, 0))
    q = (u / narrow) ** 2.3 + (np.abs(y - middle) / np.maximum(reach, 1)) ** 2.3
    upper = np.minimum((1 - q ** (1 / 2.3)) * width, z + 26)
    upper = np.minimum(upper, (63 - z) * 0.8)
    cerebrum = np.maximum(upper, _temporal(u, y, z))
    far = np.hypot(u, 0.9 * (y - 34))
    roof = -14 - 0.5 * far  # the tentorium
    cerebrum = np.where(y > 5, np.minimum(cerebrum, z - roof - 1), cerebrum)
    below = _ball(u / 57, (y - 43) / 36, (z + 46) / 26) * 26
    notch = np.hypot(u * 0.8, np.minimum(y - 66, 0)) - 1.2 + 0.08 * np.minimum(z + 50, 0)
    cerebellum = np.minimum(np.minimum(below, roof - z), np.where(y > 40, notch, 9.0))
    thick = np.interp(z, (-77, -60, -52, -40, -30, -24, -16, -10), (7, 8, 12, 17, 16, 17, 16, 4))
    centre = np.interp(z, (-77, -60, -50, -40, -30, -22, -10), (24, 20, 13, 10, 9, 8, 8))
    stem = (1 - np.hypot(u / thick, (y - centre) / (0.8 * thick))) * thick * 0.85
    stem = np.minimum(np.minimum(stem, -8 - z), z + 69)
    return {"cerebrum": cerebrum, "cerebellum": cerebellum, "stem": stem}


def _temporal(u, y, z) -> np.ndarray:
    """The lobes below the lateral cleft, from the temporal pole to the occipital one."""
    width = np.interp(z, (-54, -48, -40, -30, -22, -10, 0), (48, 58, 65, 70, 72, 71, 66))
    front = np.interp(z, (-54, -48, -40, -30, -20, -8), (-14, -24, -33, -37, -37, -32))
    back = np.interp(z, (-54, -45, -36, -28, -16, -4), (8, 62, 81, 86, 88, 88))
    middle = np.minimum(back - 6, 16.0)
    reach = np.where(y < middle, middle - front, back - middle)
    q = (u / width) ** 2.2 + (np.abs(y - middle) / reach) ** 2.2
    lobe = (1 - q ** (1 / 2.2)) * width * 0.9
    inner = np.interp(z, (-54, -46, -36, -24), (24, 20, 17, 14))
    pole = np.maximum(u - inner - 0.10 * np.maximum(-10 - y, 0), 0.9 * (y - 4))  # a gap in front
    pole = np.where(z < -20, pole, 99.0)
    tip = _ball((u - 37) / 14, (y + 8) / 16, (z + 41) / 14) * 14
    floor = z + 48 - 0.010 * np.square(y + 8)
    lobe = np.minimum(np.minimum(lobe, pole), np.where(y < 34, floor, 99.0))
    return np.maximum(np.minimum(lobe, 2 - z), tip)


def _distance(level: np.ndarray) -> np.ndarray:
    """Signed distance to the zero of a level function on the grid, slightly smoothed."""
    inside = level > 0
    out = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    return ndimage.gaussian_filter(out * STEP, 0.8).astype(np.float32)


def _ball(x, y, z) -> np.ndarray:
    """1 in the middle of an ellipsoid, 0 on its surface; arguments in half-axes."""
    return 1 - np.sqrt(x * x + y * y + z * z)


def _blob(x, y, z, softness: float = 0.12) -> np.ndarray:
    """Share of an ellipsoid with a soft border."""
    return np.clip(0.5 + _ball(x, y, z) / (2 * softness), 0, 1)


# Folds


def _fissure(x, u, y, z) -> np.ndarray:
    """Distance to the cleft between the hemispheres, around callosum and thalami."""
    bend = 1.2 * np.sin(y / 17) + 0.8 * np.sin(z / 11 + 1)
    aside = np.abs(x - bend)
    gap = np.maximum(_bridge_level(y, z), 0) * 36
    floor = np.where(z < -12, np.clip(np.minimum(y + 26, 58 - y), 0, None), 0.0)
    gap = np.hypot(gap, floor)
    return np.hypot(aside, gap)


def _bridge_level(y, z) -> np.ndarray:
    """Positive in the sagittal plane of the callosum and what lies below it."""
    below = np.minimum(z + 4, 0) * 0.45
    return _ball(0 * y, (y - 2) / 37, (z + 4 - below) / 29)


def _bridge(u, y, z) -> np.ndarray:
    """About the distance into the block of ventricles, nuclei and callosum."""
    return _ball(u / 36, (y - 2) / 44, (z - 2) / 25) * 25


def _sylvian(u, y, z) -> np.ndarray:
    """Distance to the lateral cleft and to the cistern over the insula."""
    rise = 0.8 * (z - (-12 + 0.6 * (y + 24) + 3 * np.sin(u / 4)))
    cleft = np.hypot(rise, np.maximum(0, 40 - u))
    cleft = np.hypot(cleft, np.maximum(0, np.abs(y + 1) - 32))
    aside = u - (40 - 0.006 * np.square(y + 4))
    insula = np.hypot(aside, np.maximum(0, np.abs(y + 6) - 19))
    insula = np.hypot(insula, np.maximum(0, np.abs(z - 3) - 13))
    return np.minimum(np.maximum(cleft - 0.8, 0), np.maximum(insula - 1.0, 0))


def _sulci(x, y, z, bank) -> np.ndarray:
    """Distance to all other sulci: sheets from lines on the surface towards the hub.

    bank is the distance to the nearest free surface, by which sulci end at their depth.
    """
    u = np.abs(x)
    side = np.sign(x)
    lean = 3.0 * side * np.sin(y / 14 + 0.7) + 2.0 * np.sin(z / 9 + 1.3 * side)  # two sides differ
    wave = 2.2 * np.sin(bank / 3.2 + y / 8) + 1.6 * np.sin(x / 7 + z / 6)  # and no sheet is flat
    place = np.stack([u + 0.4 * wave, y + lean + 0.5 * wave, z + 0.4 * lean - 0.5 * wave])
    lifted, radius = _to_surface(place)
    best = np.full(len(u), 99.0, np.float32)
    for floor, line in _SULCI:
        points = _to_surface(np.array(line, np.float32).T)[0].T
        aside = _line_distance(lifted, points) * np.minimum(radius, 1)
        best = np.minimum(best, np.hypot(aside, np.maximum(0, bank - floor)))
    second = _unnamed(lifted, side) * np.clip(radius, 0.5, 1)
    floor = 11.0 + 3.0 * np.sin(lifted[1] / 9 + lifted[2] / 17)
    floor = np.where(u < 14, 0.5 * floor, floor)  # shallow on the medial wall
    second = np.hypot(second, np.maximum(0, bank - floor))
    crowded = np.maximum(0, 5 - best)  # a gyrus has a width
    return np.minimum(best, second + 0.8 * crowded)


def _folia(x, y, z, cerebellum) -> np.ndarray:
    """Distance to the narrow clefts of the cerebellum, arcs around the brain stem."""
    arcs = np.hypot(np.hypot(x * 0.75, y - 22), (z + 42) * 1.3)
    arcs = arcs + 2.5 * np.sin(x / 6 + y / 11) + 2.0 * np.sin(z / 5 + y / 9)
    aside = np.abs(np.mod(arcs, 7.0) - 3.5)
    return np.hypot(aside, np.maximum(0, cerebellum - 10)) + 1.4


def _to_surface(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the way from the hub through a place (3, n) meets the surface, and how far it is.

    The hub of a hemisphere is a line along y, so that sulci of the medial wall run across.
    """
    x, y, z = place
    hub = 10 + np.clip(0.6 * (y - 10), -_HUB_REACH, _HUB_REACH)
    wide = np.where(x < 20, 22, 50)  # the medial wall is nearer than the outer one
    off = np.stack([(x - 20) / wide, (y - hub) / (84 - _HUB_REACH), (z - 8) / 52])
    radius = np.sqrt(np.square(off).sum(0)).clip(0.15)
    out = off / radius
    lifted = np.stack([20 + wide * out[0], hub + (84 - _HUB_REACH) * out[1], 8 + 52 * out[2]])
    return lifted.astype(np.float32), radius


def _line_distance(place: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distance (n,) of places (3, n) to a line through points (k, 3)."""
    best = np.full(place.shape[1], 99.0, np.float32)
    for start, end in pairwise(points[:, :, None]):
        along, off = end - start, place - start
        t = ((off * along).sum(0) / np.square(along).sum()).clip(0, 1)
        best = np.minimum(best, np.sqrt(np.square(off - t * along).sum(0)))
    return best


def _unnamed(lifted: np.ndarray, side: np.ndarray) -> np.ndarray:
    """About the distance in mm to the smaller sulci: zeros of fixed waves on the surface."""
    rng = np.random.default_rng(20)
    field, slope = np.zeros_like(lifted[0]), np.zeros_like(lifted)
    lag = np.where(side > 0, 0.0, 0.5).astype(np.float32)
    for _ in range(WAVES):
        wave, length, phase = rng.standard_normal(3), rng.uniform(26, 34), rng.uniform(0, 6.3)
        wave = (wave * (2 * np.pi / length / np.linalg.norm(wave))).astype(np.float32)
        angle = wave[0] * lifted[0] + wave[1] * lifted[1] + wave[2] * lifted[2] + lag
        angle += np.float32(phase)
        field += np.cos(angle)
        slope += wave.reshape(3, 1) * np.sin(angle)
    steep = np.sqrt(np.square(slope).sum(0))
    return np.abs(field) / np.hypot(steep, 0.07 * WAVES**0.5)  # no wide sulcus where it is level


# Fluid


def _chain(u, y, z, line, tall: float) -> np.ndarray:
    """Distance to a tube (x, y, z, radius), negative inside, `tall` times as high as wide."""
    best = np.full(len(u), 99.0, np.float32)
    for start, end in pairwise(line):
        a, b = np.array(start), np.array(end)
        ax, ay, az = (b - a)[:3] / (1, 1, tall)
        px, py, pz = u - a[0], y - a[1], (z - a[2]) / tall
        t = ((px * ax + py * ay + pz * az) / (ax * ax + ay * ay + az * az)).clip(0, 1)
        off = np.sqrt((px - t * ax) ** 2 + (py - t * ay) ** 2 + (pz - t * az) ** 2)
        best = np.minimum(best, off - (a[3] + t * (b[3] - a[3])))
    return best


def _lateral(u, y, z) -> np.ndarray:
    """Distance to the lateral ventricles."""
    septum = u - 1.2
    return np.maximum(np.minimum(_chain(u, y, z, _LATERAL, 1.5), _chain(u, y, z, _OCCIPITAL, 1.5)),
                      -septum)  # fmt: skip


def _middle(u, y, z) -> np.ndarray:
    """Distance to the third ventricle, the aqueduct and the fourth ventricle."""
    third = -_ball(u / 2.4, (y - 1) / 18, (z + 6) / 13) * 2.4
    aqueduct = np.hypot(u, y - 20 + 0.25 * (z + 25)) - 1.0
    aqueduct = np.maximum(aqueduct, np.abs(z + 25) - 8)
    fourth = -_ball(u / 9, (y - 25) / 5, (z + 42) / 13) * 5
    return np.minimum(np.minimum(third, fourth), aqueduct)


def _cisterns(u, y, z) -> np.ndarray:
    """Distance to the pools of fluid around the brain stem, positive outside them."""
    chiasm = -_ball(u / 11, (y + 14) / 9, (z + 23) / 6) * 6
    stem = _chain(u, y, z, ((2, -13, -24, 4), (16, -16, -22, 3), (32, -24, -19, 2.5),
                            (40, -22, -14, 2)), 1.0)  # fmt: skip
    ambient = _chain(u, y, z, ((19, 4, -20, 1.8), (18, 17, -18, 2.2), (11, 26, -15, 3),
                               (0, 31, -12, 4.5)), 2.0)  # fmt: skip
    galen = _chain(u, y, z, ((0, 33, -12, 4), (0, 41, -6, 2.5)), 1.2)
    pons = _chain(u, y, z, ((0, -6, -34, 2.5), (14, -1, -38, 2.5), (24, 8, -42, 2.5)), 2.5)
    magna = -_ball(u / 6, (y - 66) / 10, (z + 64) / 9) * 6
    return np.minimum.reduce([chiasm, stem, ambient, galen, pons, magna])


# Tissue


def _nuclei(u, y, z) -> np.ndarray:
    """Share of grey matter in the basal nuclei, thalami, hippocampi and amygdalae."""
    caudate = _blob((u - 15 - 0.25 * (y + 20)) / 4.5, (y + 20) / 12, (z - 4) / 13)
    tail = np.clip(0.5 - _chain(u, y, z, ((17, -8, 17, 3), (20, 16, 19, 2)), 1.0) / 2, 0, 1)
    putamen = _blob((u - 27 - 0.22 * (y + 6) + 0.004 * np.square(y + 6)) / 5.5, (y + 7) / 19,
                    (z - 3) / 13)  # fmt: skip
    pallidum = _blob((u - 20 - 0.3 * (y + 4)) / 5, (y + 4) / 11, (z - 1) / 8)
    thalamus = _blob((u - 11 - 0.35 * (y - 8)) / 8.5, (y - 8) / 15, (z - 4) / 11)
    line = ((24, -14, -26, 7), (27, -4, -24, 5), (29, 12, -19, 4.5), (25, 25, -11, 3))
    hippocampus = np.clip(0.5 - _chain(u, y, z, line, 1.0) / 3, 0, 1)
    shares = [0.95 * caudate, 0.95 * tail, 0.85 * putamen, 0.35 * pallidum, 0.65 * thalamus]
    return np.maximum.reduce([*shares, 0.9 * hippocampus])


def _cerebellar(x, y, z, cerebellum, upper) -> np.ndarray:
    """Share of grey matter in the cerebellum: a white stem that branches into leaves."""
    white = np.maximum(_ball((np.abs(x) - 18) / 25, (y - 34) / 16, (z + 44) / 11),
                       _ball(x / 26, (y - 26) / 12, (z + 42) / 9))  # fmt: skip
    arcs = np.hypot(np.hypot(x * 0.75, y - 22), (z + 42) * 1.3)
    leaf = 0.5 + 0.5 * np.sin(2 * np.pi * arcs / 8.5)
    grey = np.clip(0.5 - 3 * white, 0, 1) * (0.70 + 0.15 * leaf)
    return grey * (1 - upper) * np.clip(0.5 + cerebellum / 2, 0, 1)


def _tracts(u, y, z, stem) -> np.ndarray:
    """Share of dense white matter."""
    callosum = np.clip((_bridge_level(y, z) * 30 + 1) / 3, 0, 1) * np.clip(
        (7 - _bridge_level(y, z) * 30) / 3, 0, 1
    )
    callosum = callosum * np.clip((26 - u) / 12, 0, 1) * (z > -12)
    limb = _blob((u - 21 - 0.5 * (y - 6)) / 3.2, (y - 6) / 15, (z - 4) / 14)
    front = _blob((u - 18 + 0.45 * (y + 18)) / 3.0, (y + 18) / 12, (z - 5) / 12)
    trunk = 0.5 * np.clip(stem / 6, 0, 1)
    return np.maximum.reduce([callosum, limb, front, trunk])


def _vessels(u, y, z, depth) -> np.ndarray:
    """Share of the large vessels: dural sinuses, circle of Willis, middle arteries, veins."""
    rim = np.clip((4.5 - depth) / 3, 0, 1)
    sagittal = np.clip((3.5 - u) / 2, 0, 1) * rim * ((z > 30) | (y > 60)) * (z > -30)
    across = np.clip((4 - np.abs(z + 34 - 0.06 * (u - 30))) / 3, 0, 1) * rim * (y > 45) * (u < 62)
    line = ((0, -10, -25, 1.2), (10, -16, -22, 1.2), (26, -24, -18, 1.2), (40, -16, -8, 1.0),
            (41, 4, 4, 0.7))  # fmt: skip
    tubes = [line, ((0, -4, -48, 1.2), (0, -8, -26, 1.2)), ((0, 38, -2, 1.4), (1, 46, 2, 1.2)),
             ((1, -26, -14, 0.9), (1, -36, 2, 0.9), (1, -30, 20, 0.8))]  # fmt: skip
    shares = [np.clip(0.5 - _chain(u, y, z, each, 1.0) / 2, 0, 1) for each in tubes]
    return np.maximum.reduce([sagittal, across, *shares])


def _choroid(u, y, z) -> np.ndarray:
    """Share of choroid plexus in the atria and on the floor of the ventricles."""
    atrium = _blob((u - 26) / 4.5, (y - 35) / 5.5, (z + 1) / 6, 0.25)
    floor = np.clip(0.5 - _chain(u, y, z, ((6, -4, 7, 1), (12, 16, 8, 1.2)), 1.0) / 2, 0, 1)
    return np.maximum(atrium, 0.7 * floor)
