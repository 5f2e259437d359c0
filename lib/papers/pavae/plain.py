"""PA-VAE's phantom as one would write it first: scikit-image, subject by subject, part by part.

It takes the parameters of `lib.phantoms.chest` and draws the main structures, without vessels and
shoulder blades; its noise and texture are its own. Only 90_speed needs it, to say what batching is
worth.
"""

import numpy as np
from skimage import draw
from skimage.filters import gaussian

from lib.phantoms import chest, thorax

HALF = chest.SIZE / 2
SIDES = (1, -1)  # the patient's left, then the right


def pixel(p: dict, u, w) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of points of the body."""
    c, s = np.cos(p["tilt"]), np.sin(p["tilt"])
    x = p["shift_x"] + p["scale"] * (np.asarray(u) * c - np.asarray(w) * s)
    y = p["shift_y"] + p["scale"] * (np.asarray(u) * s + np.asarray(w) * c)
    return (y + 1) * HALF - 0.5, (x + 1) * HALF - 0.5


def body(p: dict, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Body coordinates u, w of the pixels of a row, (64,) each."""
    x = ((np.arange(chest.SIZE) + 0.5) / HALF - 1 - p["shift_x"]) / p["scale"]
    y = ((row + 0.5) / HALF - 1 - p["shift_y"]) / p["scale"]
    c, s = np.cos(p["tilt"]), np.sin(p["tilt"])
    return x * c + y * s, y * c - x * s


def empty() -> np.ndarray:
    return np.zeros((chest.SIZE, chest.SIZE))


def step(x, width: float):
    """Smooth step from 0 to 1."""
    return 1 / (1 + np.exp(-4 * np.asarray(x) / width))


def filled(p: dict, u, w) -> np.ndarray:
    """The polygon with corners u, w as a picture of zeros and ones."""
    picture = empty()
    picture[draw.polygon(*pixel(p, u, w), picture.shape)] = 1
    return picture


def lens(p: dict, at: tuple, half: tuple, angle: float = 0.0, flat: float = 1.0) -> np.ndarray:
    """Thickness of an ellipsoid with this centre, these half-axes and this angle."""
    picture, (row, column) = empty(), pixel(p, *at)
    angle, a, b = angle + p["tilt"], *(h * p["scale"] * HALF for h in half)
    r, c = draw.disk((row, column), max(a, b), shape=picture.shape)
    dx, dy = c - column, r - row
    along = (dx * np.cos(angle) + dy * np.sin(angle)) / a
    across = (dy * np.cos(angle) - dx * np.sin(angle)) / b
    picture[r, c] = np.sqrt((flat * (1 - along**2 - across**2)).clip(0, 1))
    return picture


def line(p: dict, u, w, value: float, width: float) -> np.ndarray:
    """A soft line through points of the body, `width` its deviation in pixels."""
    picture = empty()
    rows, columns = (np.rint(each).astype(int) for each in pixel(p, u, w))
    for i in range(len(rows) - 1):
        r, c = draw.line(rows[i], columns[i], rows[i + 1], columns[i + 1])
        keep = (r >= 0) & (r < chest.SIZE) & (c >= 0) & (c < chest.SIZE)
        picture[r[keep], c[keep]] = value
    return gaussian(picture, width) * width * np.sqrt(2 * np.pi)


def dot(p: dict, u: float, w: float, radius: float, value: float) -> np.ndarray:
    """A round spot that fades like a Gaussian."""
    picture, (row, column) = empty(), pixel(p, u, w)
    size = radius * HALF
    r, c = draw.disk((row, column), 3.5 * size, shape=picture.shape)
    distance = (r - row) ** 2 + (c - column) ** 2
    picture[r, c] = value * np.exp(-distance / (2 * size**2))
    return picture


def grain(rng: np.random.Generator, *sigmas: float) -> np.ndarray:
    """A random field of unit variance, from coarse to fine."""
    parts = [gaussian(rng.normal(size=(chest.SIZE, chest.SIZE)), s, mode="wrap") for s in sigmas]
    field = sum(part / part.std() for part in parts)
    return field / field.std()


def trunk_of(p: dict) -> np.ndarray:
    """Thickness of neck, shoulders, trunk and arms, row by row."""
    picture, wall = empty(), p["lung_width"].mean() + p["chest_wall"] + 0.15 * p["build"]
    for row in range(chest.SIZE):
        u, w = body(p, row)
        a = np.abs(u)
        skin = wall * (1 + p["waist"] * (w - 0.2)) + 0.5 * step(p["axilla_y"] - w, 0.3)
        arm = (a - 0.98 - p["arm_slope"] * (w + 0.5)) / 0.2
        path = np.sqrt((1 - (u / skin) ** 4).clip(0))
        path += p["arm_shadow"] * np.sqrt((1 - arm**2).clip(0))
        gap = 0.9 / (1 + (a / p["neck_width"]) ** 4)
        below = w - p["shoulder_y"] - p["shoulder_slope"] * a - 0.06 * a**4 + gap
        picture[row] = path * below.clip(0) / (below.clip(0) + p["shoulder_round"])
    return picture


def domes(p: dict, lying: bool) -> np.ndarray:
    """Heights of the two domes."""
    return p["dome_y"] + (0.03, -0.03) - 0.10 * lying


def belly_of(p: dict, lying: bool) -> np.ndarray:
    """Everything below the diaphragm."""
    a = np.linspace(0, 1.5, 40)
    fall = (a - 0.15).clip(0, 0.65) ** 2
    heights = [top + curve * fall
               for top, curve in zip(domes(p, lying), p["dome_curve"], strict=True)]  # fmt: skip
    u = np.concatenate([-a[::-1], a, [3, -3]])
    return gaussian(filled(p, u, np.concatenate([heights[1][::-1], heights[0], [3, 3]])), 0.5)


def lung_of(p: dict, side: int, below: np.ndarray) -> np.ndarray:
    """Air in one lung: inside the cage, beside the middle, above the diaphragm."""
    picture, inner = empty(), p["mediastinum_width"]
    for row in range(chest.SIZE):
        u, w = body(p, row)
        up = (w - p["lung_y"]).clip(max=0) / p["lung_height"]
        wide = p["lung_width"][side] * (1 + 0.2 * (w - p["lung_y"]))
        q = (u / wide) ** 2 + up**4
        air = np.sqrt((2 * (1 - q)).clip(0, 1)) * step(np.abs(u) - inner, 0.14)
        picture[row] = air * (SIDES[side] * u > 0)
    return picture * (1 - below)


def middle_of(p: dict, lying: bool, below: np.ndarray) -> np.ndarray:
    """Mediastinum with the aortic knob, heart, hila, spine and trachea."""
    width, turn = p["mediastinum_width"] * (1 + 0.25 * lying), p["turn"]
    at = p["heart_x"] + turn, domes(p, lying).mean() - p["heart_y"]
    size = p["heart_size"] * (1 + 0.18 * lying)
    heart = lens(p, at, (size, 0.62 * size), p["heart_tilt"], 1.5)
    radius = p["knob_size"]
    knob = lens(p, (turn + width - 0.02, p["knob_y"]), (radius, 1.2 * radius), 0.0, 1.5)
    bulk, bones = np.maximum(heart, knob), empty()
    for row in range(chest.SIZE):
        u, w = body(p, row)
        column = ((u - turn) / (width * (1.25 + 0.5 * w))) ** 2
        bulk[row] = np.maximum(bulk[row], np.sqrt((1.5 - 1.5 * column).clip(0, 1)))
        bulk[row] *= p["mediastinum_shadow"] * (1 + p["heart_shadow"] * (w + 0.5))
        straight = ((u - turn) / p["spine_width"]) ** 2
        windpipe = p["trachea_shadow"] * step(-0.25 - w, 0.2)
        bones[row] = p["spine_shadow"] * (1 - straight).clip(0) ** 2
        bones[row] -= windpipe * (1 - 3 * straight).clip(0) ** 2
    roots = sum(dot(p, sign * p["hilum_x"], y, 0.12, p["hilum_shadow"])
                for sign, y in zip(SIDES, p["hilum_y"], strict=True))  # fmt: skip
    return bulk * (1 - 0.85 * below) + roots + bones


def bones_of(p: dict, lying: bool) -> np.ndarray:
    """Back ribs and clavicles, line by line."""
    picture = empty()
    wide = p["lung_width"].min() * 0.85
    a = np.linspace(0.12, wide, 7)
    fall = p["rib_slope"] * (1 - 2 * p["lordosis"]) * (a - 0.18) ** 2
    top = p["clavicle_y"] - p["lordosis"] - 0.05 * lying
    b = np.linspace(0.1, 0.8, 7)
    collar = top - p["clavicle_slope"] * (b - 0.1) + 0.25 * (b - 0.3) ** 2
    for sign in SIDES:
        for k in range(-6, 3):
            ribs = p["rib_spacing"] * (k - p["rib_phase"]) + fall
            picture += line(p, sign * a, ribs, p["rib_shadow"], 0.8)
        picture += line(p, sign * b, collar, p["clavicle_shadow"] / 2, 0.8)
    return picture


def devices_of(p: dict) -> np.ndarray:
    """Electrodes and their wires, a pacemaker, a tube: where their shadow is above zero."""
    picture, down = empty(), np.linspace(0, 1.5, 8)
    if p["lead_shadow"] > 0:
        for x, y, slope, bow in zip(*(p[f"lead_{k}"] for k in ("x", "y", "slope", "bow")),
                                    strict=True):  # fmt: skip
            picture += line(p, x + slope * down + bow * down**2, y + down, p["lead_shadow"], 0.5)
            picture += dot(p, x, y, 0.03, 2 * p["lead_shadow"])
    if p["pacemaker_shadow"] > 0:
        x, y, size = (p[f"pacemaker_{k}"] for k in ("x", "y", "size"))
        corners = x + size * np.array([-1, 1, 1, -1]), y + 0.8 * size * np.array([-1, -1, 1, 1])
        picture += p["pacemaker_shadow"] * filled(p, *corners)
    if p["tube_shadow"] > 0:
        w = np.linspace(-1.2, p["tube_end"], 8)
        picture += line(p, 0.02 + 0.3 * p["tube_bow"] * (w + 1) ** 2, w, p["tube_shadow"], 0.5)
    return picture


def opacity_of(p: dict, label: int, lungs: list, rng: np.random.Generator) -> np.ndarray:
    """The opacity in its lung, of unit amplitude; zero for healthy subjects."""
    if label == chest.HEALTHY:
        return empty()
    side = 0 if label == chest.LEFT else 1
    w = p["lung_y"] + p["lung_height"] / 2 * (p["opacity_y"] - 1)
    outer = p["lung_width"][side] * (1 + 0.2 * (w - p["lung_y"]))
    outer *= np.sqrt(1 - ((w - p["lung_y"]) / p["lung_height"]) ** 4)
    inner = p["mediastinum_width"]
    u = SIDES[side] * (outer + inner + p["opacity_x"] * (outer - inner)) / 2
    radius, aspect, angle = (p[f"opacity_{name}"] for name in ("radius", "aspect", "angle"))
    round_one = lens(p, (u, w), (radius * aspect, radius / aspect), angle) ** 2  # 1 - q
    border = 1 + p["opacity_border"] * grain(rng, 8)
    texture = 1 + p["opacity_texture"] * grain(rng, 2)
    uneven = np.where(round_one > 0, 1 - (1 - round_one) * border.clip(0.3), 0).clip(0)
    return uneven * texture.clip(0.2) * (3 * lungs[side] - 0.6).clip(0, 1)


def shadow_of(p: dict, lungs: list, below: np.ndarray, lying: bool) -> np.ndarray:
    """Depth of the shadow of a healthy body."""
    trunk, air = trunk_of(p), lungs[0] + lungs[1]
    y = np.array([body(p, row)[1].mean() for row in range(chest.SIZE)])[:, None]
    dense = p["chest_shadow"] * (1 + 0.35 * p["build"]) * (1 + 0.3 * y) + p["belly_shadow"] * below
    if p["bubble_shadow"] > 0:
        at = p["bubble_x"], domes(p, lying)[0] + 0.13
        dense = dense - p["bubble_shadow"] * lens(p, at, (p["bubble_size"], 0.1)) * below
    depth = trunk * (dense * (1 - p["lung_air"] * air) + p["base_shadow"] * (y + 0.2).clip(0) ** 2)
    depth += middle_of(p, lying, below) * trunk.clip(max=1) + bones_of(p, lying) * (1 - below)
    if p["breast_shadow"] > 0:
        for sign in SIDES:
            at = sign * p["breast_x"], p["breast_y"]
            depth += p["breast_shadow"] * lens(p, at, (0.36, 0.34))
    for k in range(thorax.SPOTS):
        u = SIDES[k % 2] * (0.34 + 0.16 * p["spot_angle"][k])
        w = p["lung_y"] - p["lung_height"] * (0.15 + 0.6 * p["spot_reach"][k])
        depth += dot(p, u, w, p["spot_radius"][k], p["spot_shadow"][k]) * air
    return depth + p["fog_shadow"]


def field_of(p: dict) -> tuple[np.ndarray, np.ndarray]:
    """Where rays reach the film, and where it is blank; both of zeros and ones."""
    at = (np.arange(chest.SIZE) + 0.5) / HALF - 1
    (left, right), (top, bottom) = p["border_x"], p["border_y"]
    columns = (at > left - 1) & (at < 1 - right)
    rows = (at > top - 1) & (at < 1 - bottom)
    blank = (at > 1 - p["strip"])[:, None] * np.ones_like(at)
    return np.outer(rows, columns) * (1 - blank), blank


def plain(p: dict, label: int, rng: np.random.Generator) -> tuple:
    """One subject: image, healthy, mask, deviation, each (64, 64)."""
    lying = p["projection"] < thorax.AP_SHARE
    below = belly_of(p, lying)
    lungs = [lung_of(p, side, below) for side in (0, 1)]
    x = (np.arange(chest.SIZE) + 0.5) / HALF - 1
    texture = 1 + p["tissue_shadow"] * grain(rng, 1, 3, 8) + p["heel"] * x
    depth = shadow_of(p, lungs, below, lying) * texture + devices_of(p)
    clean = 1 - np.exp(-depth.clip(0))
    dense = (1 - clean) / (1 - chest.CLEAR)
    opacity = p["opacity_grey"] * dense * opacity_of(p, label, lungs, rng)
    rays = int(p["photons"])
    tissue = rng.binomial(rays, clean) / rays
    window, blank = field_of(p)
    healthy = p["gain"] * (tissue + p["bend"] * tissue * (1 - tissue)) + p["offset"]
    healthy = healthy * window + blank
    deviation = p["gain"] * opacity * (1 + p["bend"] * (1 - 2 * tissue - opacity)) * window
    return healthy + deviation, healthy, deviation > 0, deviation


def one_by_one(found: chest.Parameters, rng: np.random.Generator) -> list[tuple]:
    """Image, healthy, mask and deviation of every subject, each drawn alone."""
    return [plain(single(found, i), found.label[i], rng) for i in range(len(found))]


def single(p: chest.Parameters, i: int) -> dict:
    """Parameters of subject i: plain numbers, arrays where there are several."""
    return {name: v[i] if v.shape[1] > 1 else float(v[i, 0]) for name, v in p.values.items()}
