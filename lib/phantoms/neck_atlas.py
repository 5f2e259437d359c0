"""The one head and neck that every PET subject is a deformation of: its organs on an atlas grid.

Coordinates are millimetres: x to the patient's left, y to the back, z upwards from the level of
the teeth. The atlas reaches beyond the field of view, so that a moved subject is whole.

Organs are painted one after another, each over what lies below it: first the body, the airway last.
An organ's SUV is what a scanner with a point spread of SPREAD mm shows in its middle; a small organ
is therefore painted hotter, by its recovery coefficient (Soret et al., J Nucl Med 48, 2007).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

GRID = (48, 84, 84)  # atlas voxels along z, y and x
REACH = (128.0, 136.0, 136.0)  # mm from the middle to either end
SPREAD = 7.5  # mm full width at half maximum, of the scanner and of the atlas' interpolation
EDGE = 1.5  # mm, softness of every border
FAINT = 0.004  # share below which an organ's box ends
FWHM = (8 * np.log(2)) ** 0.5  # full width at half maximum of a Gaussian in deviations

_OUTLINE = (  # z, half width, front and back (y) of the body
    (-130, 190, -62, 86), (-104, 150, -58, 84), (-97, 112, -54, 80), (-88, 80, -50, 75),
    (-74, 61, -46, 68), (-58, 57, -47, 65), (-47, 58, -60, 64), (-38, 60, -86, 64),
    (-25, 65, -93, 67), (0, 69, -96, 72), (25, 72, -96, 82), (45, 74, -95, 92),
    (60, 75, -92, 96), (80, 75, -93, 97), (105, 74, -90, 97), (130, 66, -78, 88),
)  # fmt: skip
_SPINE = (  # z, y of the middle of the vertebral bodies
    (-130, 44), (-104, 34), (-80, 24), (-50, 17), (-20, 17), (10, 22), (25, 24), (130, 24),
)  # fmt: skip
_AIRWAY = (  # z, y of the middle, half width, half depth
    (-130, -14, 9, 8), (-90, -24, 8.5, 8), (-78, -27, 7, 8.5), (-71, -28, 2.5, 8),
    (-64, -28, 6, 7), (-50, -22, 10, 5), (-35, -14, 11, 5.5), (-15, -9, 11, 6), (5, -7, 11, 6),
    (18, -9, 12, 6), (32, -10, 12, 8), (40, -14, 9, 5), (46, -18, 2, 1), (130, -18, 1, 1),
)  # fmt: skip
_VESSEL = (  # z, |x|, y of the carotid sheath
    (-130, 16, 5), (-100, 24, 6), (-80, 28, 8), (-50, 30, 8), (-20, 30, 8), (10, 30, 12),
    (30, 29, 14), (130, 29, 14),
)  # fmt: skip


@dataclass(frozen=True)
class Organ:
    """A part of the atlas: its SUV's name in the law, and its shares where it is.

    side is 1 (left), -1 (right) or 0 (both or in the middle); box are slices of the atlas, shares
    (z, y, x) in [0, 1] within it; recovery is the part of its contrast that the scanner leaves.
    """

    name: str
    side: int
    box: tuple[slice, slice, slice]
    shares: Tensor
    recovery: float


@cache
def axes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates x (1, 1, X), y (1, Y, 1), z (Z, 1, 1) of the atlas voxels in mm."""
    z, y, x = ((np.arange(n) + 0.5) * (2 * r / n) - r for n, r in zip(GRID, REACH, strict=True))
    return x.reshape(1, 1, -1), y.reshape(1, -1, 1), z.reshape(-1, 1, 1)


def _along(table, z: np.ndarray) -> list[np.ndarray]:
    """The columns of a table at these heights, smoothed over 5 mm."""
    fine = np.arange(-160, 160.0)
    heights, *columns = np.array(table, float).T
    smooth = (ndimage.gaussian_filter1d(np.interp(fine, heights, c), 4) for c in columns)
    return [np.interp(z, fine, c) for c in smooth]


def _soft(distance: np.ndarray, edge: float = EDGE) -> np.ndarray:
    """Share of a voxel this many mm inside a border."""
    return 1 / (1 + np.exp(-np.clip(distance / edge, -40, 40)))


def _ball(centre, half, lean: float = 0.0) -> np.ndarray:
    """Ellipsoid with these half-axes (mm), on both sides where its x is not zero.

    lean: mm that its axis moves to the back for every mm upwards.
    """
    x, y, z = axes()
    u = np.abs(x) if centre[0] else x
    dz = z - centre[2]
    q = ((u - centre[0]) / half[0]) ** 2 + ((y - centre[1] - lean * dz) / half[1]) ** 2
    return _soft((1 - np.sqrt(q + (dz / half[2]) ** 2)) * min(half))


def _tube(x0, y0, a, b, between: tuple[float, float]) -> np.ndarray:
    """Elliptic tube around (|x0|, y0) with half-axes a and b, cut at two heights."""
    x, y, z = axes()
    u = np.abs(x) if np.any(x0) else x
    q = np.sqrt(((u - x0) / a) ** 2 + ((y - y0) / b) ** 2)
    ends = _soft(z - between[0], 2) * _soft(between[1] - z, 2)
    return _soft((1 - q) * np.minimum(a, b)) * ends


def _any(*shares: np.ndarray) -> np.ndarray:
    """Union of soft shapes."""
    return 1 - np.prod([1 - s for s in np.broadcast_arrays(*shares)], axis=0)


@cache
def depth() -> np.ndarray:
    """Depth under the skin in mm (negative outside); about so away from it."""
    x, y, z = axes()
    half, front, back = _along(_OUTLINE, z)
    middle, length = (front + back) / 2, (back - front) / 2
    v = (y - middle) / length
    face = _soft(z + 50, 4) * _soft(70 - z, 8)  # the jaw narrows to the front
    u = x / (half * (1 - 0.24 * face * np.clip(-v, 0, 1) ** 2))
    shoulders = _soft(-86 - z, 4)
    power = 2 + 0.8 * shoulders
    q = (np.abs(u) ** power + np.abs(v) ** power) ** (1 / power)
    body = (1 - q) * np.minimum(half, length)
    nose = (1 - np.sqrt((x / 15) ** 2 + ((y + 92) / 17) ** 2 + ((z - 34) / 22) ** 2)) * 15
    return np.maximum(body, nose)


def _airway(wider: float = 0.0) -> np.ndarray:
    """Share of the pharynx, larynx and windpipe, with walls moved outwards by some mm."""
    y0, a, b = _along(_AIRWAY, axes()[2])
    return _tube(0, y0, a + wider, b + wider, (-140, 42 + wider))


def _muscles() -> np.ndarray:
    """Muscles of the neck, of chewing, of the tongue and the shoulders."""
    _, y, z = axes()
    inner = _soft(depth() - 7)
    spine = _along(_SPINE, z)[0]
    behind = _tube(20, spine + 28, 19, 17, (-140, 28))
    trapezius = _soft(y - 30, 4) * _soft(-78 - z, 5) * _soft(depth() - 12, 2)
    down = np.clip((30 - z) / 130, 0, 1)  # the sternomastoid runs to the front
    mastoid = _tube(56 - 34 * down, 26 - 60 * down, 8 + 2 * down, 11 - 3 * down, (-104, 30))
    prevertebral = _tube(10, spine - 15, 8, 5, (-100, 25))
    scalene = _tube(28, spine + 4, 9, 10, (-110, -20))
    chewing = _any(_ball((54, -36, 12), (7, 15, 27), 0.25), _ball((34, -22, 20), (8, 15, 22)))
    temporal = _ball((67, -25, 58), (6, 26, 26))
    face = _any(_ball((0, -88, 2), (26, 6, 14)), _ball((26, -80, 30), (20, 6, 20)))
    strap = _tube(9, -40, 9, 5, (-104, -40))
    floor = _ball((0, -52, -26), (28, 34, 9))
    pharynx = _airway(7)
    return inner * _any(
        behind, trapezius, mastoid, prevertebral, scalene, chewing, temporal, face, strap, floor,
        pharynx,
    )  # fmt: skip


def _vertebrae() -> np.ndarray:
    """Vertebral bodies with discs between them, arches and spinous processes."""
    z = axes()[2]
    spine = _along(_SPINE, z)[0]
    size = 1 + 0.25 * _soft(-z - 60, 15)
    discs = 1 - 0.75 * np.exp(2.2 * (np.cos(2 * np.pi * (z + 6) / 17.5) - 1))
    bodies = _tube(0, spine, 12.5 * size, 10 * size, (-140, 22)) * discs
    arches = _tube(19, spine + 9, 6, 7, (-140, 22)) * (0.35 + 0.65 * discs)
    spines = _tube(0, spine + 34, 4, 9, (-140, 5)) * discs
    clivus = _ball((0, 14, 40), (11, 8, 14), 0.4)
    return _any(bodies, 0.9 * arches, 0.8 * spines, 0.8 * clivus)


def _jaws() -> np.ndarray:
    """Lower jaw with its rami, upper jaw, and cheekbones."""
    x, y, z = axes()
    arc = np.sqrt((x / 45) ** 2 + ((y + 30) / 52) ** 2)
    lower = _soft((1 - np.abs(arc - 1) * 48 / 6) * 6) * _soft(-y - 28, 3)
    lower = lower * _soft(z + 36, 2) * _soft(-10 - z, 2)
    rami = _ball((46, -20, 4), (4.5, 13, 34), 0.2)
    upper = _soft((1 - np.abs(np.sqrt((x / 30) ** 2 + ((y + 45) / 40) ** 2) - 1) * 32 / 6) * 6)
    upper = upper * _soft(-y - 45, 3) * _soft(z - 5, 2) * _soft(22 - z, 2)
    return _any(lower, rami, upper, 0.7 * _ball((52, -62, 42), (9, 8, 7)))


def _cerebrum() -> np.ndarray:
    """Depth in the cerebrum in mm: frontal, temporal and occipital lobes above the skull's base."""
    x, y, z = axes()
    u = np.abs(x)
    whole = (1 - np.sqrt((u / 66) ** 2 + ((y - 3) / 84) ** 2 + ((z - 104) / 64) ** 2)) * 62
    frontal = 80 - 6 * np.clip((u - 8) / 25, 0, 1)
    temporal = np.where(u < 16, 78, 78 - 32 * np.clip((u - 16) / 10, 0, 1))
    tentorium = 64 + 14 * np.clip(1 - u / 45, 0, 1)
    base = np.where(y < -28, frontal, temporal)
    base = base + (tentorium - base) * _soft(y - 22, 4)
    return np.minimum(whole, z - ndimage.gaussian_filter(base * np.ones(GRID[1:]), (0, 1.2, 1.2)))


def _brain() -> dict[str, np.ndarray]:
    """White and grey matter, deep nuclei, cerebellum, brainstem and ventricles."""
    x, y, z = axes()
    inside = _cerebrum()
    white = np.random.default_rng(11).standard_normal((*GRID,))
    step = [2 * r / n for r, n in zip(REACH, GRID, strict=True)]
    coarse, rough = (
        ndimage.gaussian_filter(white, [mm / s for s in step], mode="wrap") for mm in (6.0, 9.0)
    )
    folds = coarse / coarse.std() - rough / rough.std()
    folds = np.abs(folds / folds.std())
    ribbon = _soft(7.0 - inside, 2.0)
    sulci = _soft((0.5 - folds) * 5, 1.0) * _soft(17 - inside, 2.5)
    midline = _soft(6 - np.abs(x), 1.5) * _soft(_any(y < -34, y > 40) - 0.5, 0.1)
    insula = _ball((38, -6, 92), (4, 22, 16))
    nuclei = _any(_ball((23, -12, 94), (8, 18, 14)), _ball((10, 14, 96), (8.5, 13, 11)))
    share = _soft(inside)
    cerebellum = _ball((0, 46, 49), (48, 28, 23)) * _soft(y - 16, 2)
    stem = _tube(0, 19 - 0.08 * (z - 50), 11, 10, (24, 84))
    horns = _any(_ball((9, -24, 108), (5, 16, 14)), _ball((0, 0, 88), (3, 10, 9)))
    occipital = _ball((24, 44, 94), (5, 20, 6))
    return {
        "white": share,
        "grey": share * _any(ribbon, sulci, midline, insula),
        "nuclei": share * nuclei,
        "cerebellum": cerebellum,
        "brainstem": stem,
        "ventricle": share * _any(horns, occipital) + _ball((0, 31, 48), (6, 5, 10)) * 0.8,
    }


def _cavities() -> np.ndarray:
    """Air: nose, sinuses, pharynx down to the windpipe, and the ears' mastoid cells."""
    nose = _ball((5, -62, 34), (3.5, 30, 17)) * 0.9
    sinuses = _any(
        _ball((29, -58, 42), (13, 15, 16)), _ball((0, -20, 62), (12, 11, 9)),
        _ball((10, -50, 62), (5, 17, 10)), _ball((12, -82, 84), (12, 5, 10)),
    )  # fmt: skip
    ears = _any(_ball((58, 20, 42), (10, 12, 14)) * 0.8, _tube(62, 8, 14, 3, (44, 50)))
    return _any(nose, sinuses, _airway(), ears, _ball((0, -84, -4), (14, 3, 3)) * 0.4)


def _shapes() -> list[tuple[str, np.ndarray]]:
    """Name and share of every organ in the order of painting."""
    z = axes()[2]
    body = _soft(depth())
    around = _cerebrum()
    skull = _soft(around + 9) * (1 - _soft(around + 1)) * _soft(z - 45, 5)
    bony_base = _any(_ball((42, 22, 42), (28, 20, 12)), _ball((0, -2, 52), (30, 26, 10)))
    sheath_x, sheath_y = _along(_VESSEL, z)
    nasal = _any(_ball((0, -60, 34), (16, 36, 19)), _ball((0, -30, 21), (18, 30, 4)))
    larynx_wall = _tube(0, -27, 15, 15, (-86, -52))
    brain = _brain()
    clavicle = _tube(60, -30, 58, 7, (-118, -103))
    thyroid = _any(_ball((18, -22, -93), (8, 9, 17), -0.1), _ball((0, -35, -97), (10, 4, 6)))
    humerus = _ball((150, 15, -112), (26, 26, 26))
    return [
        ("fat", body),
        ("muscle", _muscles()),
        ("skull", body * _any(skull, bony_base)),
        ("marrow", _any(_vertebrae(), 0.6 * clavicle, 0.6 * humerus) * body),
        ("jaw", _jaws()),
        ("cord", _tube(0, _along(_SPINE, z)[0] + 18, 6.5, 5, (-140, 26))),
        ("vessel", _tube(sheath_x, sheath_y, 7.5, 6.5, (-140, 32))),
        ("larynx", larynx_wall * body),
        ("mucosa", _any(0.85 * nasal, 0.8 * _airway(3.5))),
        ("tongue", _any(_ball((0, -48, -2), (23, 32, 15)), _ball((0, -46, -16), (16, 26, 14)))),
        ("lips", _ball((0, -90, 0), (20, 5, 9))),
        ("gums", _any(_ball((31, -56, -2), (5, 20, 8)), _ball((0, -80, -2), (22, 5, 8)))),
        ("palate", _ball((0, -22, 17), (15, 12, 5), -0.5)),
        ("adenoid", _ball((0, 0, 36), (13, 6, 10))),
        ("lingual", _ball((0, -20, -14), (14, 6, 9))),
        ("tonsil", _ball((18, -9, 3), (6.5, 8, 12), 0.15)),
        ("parotid", _any(_ball((57, -6, 12), (9, 15, 21), 0.15), _ball((49, 0, 8), (9, 10, 16)))),
        ("submandibular", _ball((31, -34, -33), (9.5, 14, 11))),
        ("sublingual", _ball((13, -58, -18), (5.5, 15, 6))),
        ("cords", _ball((5.5, -29, -71), (4.5, 10, 6))),
        ("thyroid", thyroid),
        ("longus", _tube(8, _along(_SPINE, z)[0] - 15, 6, 4, (-70, 18))),
        ("eye", _ball((32, -72, 61), (12, 12, 12))),
        ("eye_muscle", _ball((28, -50, 61), (9, 12, 9))),
        ("brown_fat", _any(_ball((66, 14, -96), (20, 12, 10)), _ball((44, 24, -78), (8, 12, 14)))),
        *brain.items(),
        ("lung", _ball((48, 24, -134), (34, 40, 26))),
        ("air", _cavities()),
    ]  # fmt: skip


_IN_WHITE = ("grey", "nuclei", "ventricle")
SIDED = ("tonsil", "parotid", "submandibular", "cords", "brown_fat", "longus")


def _box(shares: np.ndarray) -> tuple[slice, slice, slice]:
    """The smallest box that holds what is not faint."""
    kept = shares > FAINT
    ranges = (np.flatnonzero(kept.any(tuple({0, 1, 2} - {axis}))) for axis in range(3))
    return tuple(slice(int(r[0]), int(r[-1]) + 1) for r in ranges)


def _recovery(shares: np.ndarray) -> float:
    """What the scanner leaves of the organ's contrast in its middle."""
    sigma = [SPREAD / FWHM * n / (2 * r) for n, r in zip(GRID, REACH, strict=True)]
    blurred = ndimage.gaussian_filter(shares, sigma)
    return float(np.quantile(blurred[shares > 0.5 * shares.max()], 0.9))


@cache
def organs() -> tuple[Organ, ...]:
    """Every organ in the order of painting, those in SIDED once for each side."""
    x = axes()[0]
    made = []
    for name, shares in _shapes():
        shares = np.broadcast_to(shares, GRID)
        for side in (1, -1) if name in SIDED else (0,):
            own = shares * (_soft(side * x, 0.5) if side else 1.0)
            box = _box(own)
            part = torch.from_numpy(np.ascontiguousarray(own[box], dtype=np.float32))
            made.append(Organ(name, side, box, part, _recovery(own)))
    return tuple(made)


@cache
def names() -> tuple[tuple[str, int], ...]:
    """Name and side of every organ."""
    return tuple((organ.name, organ.side) for organ in organs())


def whole(name: str, side: int = 0) -> Tensor:
    """Shares (Z, Y, X) of one organ; ValueError where the atlas has none of this name and side."""
    if (name, side) not in names():
        raise ValueError(f"{name!r} of side {side} is unknown; choose one of {names()}.")
    organ = organs()[names().index((name, side))]
    out = torch.zeros(GRID)
    out[organ.box] = organ.shares
    return out


@cache
def free() -> Tensor:
    """Where a tumour may grow, shares (Z, Y, X): soft tissue, neither bone nor brain nor air."""
    out = torch.from_numpy(_soft(depth() - 3).astype(np.float32))
    for name in ("white", "cerebellum", "brainstem", "air", "marrow", "cord", "skull"):
        out = out * (1 - whole(name))
    return out


def paint(suv: dict[tuple[str, int], float]) -> Tensor:
    """Uptake (Z, Y, X) of a head and neck whose organs show these SUV, {(name, side): SUV}.

    What suv lacks is not painted. An organ hotter than what surrounds it is painted hotter still,
    by its recovery coefficient.
    """
    out = torch.zeros(GRID)
    for organ in organs():
        if (organ.name, organ.side) not in suv:
            continue
        value = suv[organ.name, organ.side]
        around = suv["white" if organ.name in _IN_WHITE else "muscle", 0]
        if value > around:
            value = around + (value - around) / organ.recovery
        out[organ.box].lerp_(torch.tensor(value), organ.shares)
    return out
