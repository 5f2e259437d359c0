"""PA-VAE's phantom as one would write it first: scikit-image, subject by subject, part by part.

It takes the parameters of `lib.phantoms.chest`; its noise and texture are its own. Only 90_speed
needs it, to say what batching is worth.
"""

import numpy as np
from skimage import draw
from skimage.filters import gaussian

from lib.phantoms import chest


def pixel(v):
    """Column or row of a coordinate in (-1, 1)."""
    return (np.asarray(v) + 1) * (chest.SIZE / 2) - 0.5


def filled(x, y) -> np.ndarray:
    """The polygon with corners x, y as a picture of zeros and ones."""
    picture = np.zeros((chest.SIZE, chest.SIZE))
    picture[draw.polygon(pixel(y), pixel(x), picture.shape)] = 1
    return picture


def polyline(picture: np.ndarray, x, y, values) -> None:
    """Line pieces from point to point, each with its grey value, cut at the border."""
    rows, columns = np.rint(pixel(y)).astype(int), np.rint(pixel(x)).astype(int)
    for i, value in enumerate(values):
        r, c = draw.line(rows[i], columns[i], rows[i + 1], columns[i + 1])
        keep = (r >= 0) & (r < chest.SIZE) & (c >= 0) & (c < chest.SIZE)
        picture[r[keep], c[keep]] = value


def smear(picture: np.ndarray, sigma) -> np.ndarray:
    """Blur lines so that their peak keeps its height."""
    width = np.max(sigma)
    return gaussian(picture, sigma) * width * np.sqrt(2 * np.pi)


def body_of(p: dict) -> np.ndarray:
    """The trunk: a rounded box."""
    t = np.linspace(0, 2 * np.pi, 40)
    x = p["body_width"] * np.sign(np.cos(t)) * np.abs(np.cos(t)) ** 0.5
    y = p["body_height"] * np.sign(np.sin(t)) * np.abs(np.sin(t)) ** 0.5
    return gaussian(filled(x + p["midline"], y), 1.5)


def lung_of(p: dict, side: int) -> np.ndarray:
    """One lung, 0 the patient's left: a rounded box, narrow at the apex, cut by the diaphragm."""
    h = np.linspace(-1, 1, 24) * p["lung_height"]
    w = p["lung_width"][side] * (1 + 0.3 * h) * (1 - (h / p["lung_height"]) ** 4) ** 0.25
    u = np.concatenate([p["lung_x"] + w, (p["lung_x"] - w)[::-1]])
    sign = 1 if side == 0 else -1
    lung = filled(sign * u + p["midline"], p["lung_y"] + np.concatenate([h, h[::-1]]))
    u = np.linspace(-0.6, 0.6, 20)
    dome = p["dome_y"][side] + p["dome_curve"][side] * u**2
    x = sign * (u + p["lung_x"]) + p["midline"]
    lung *= 1 - filled(np.append(x, [x[-1], x[0]]), np.append(dome, [3, 3]))
    return gaussian(lung, 0.9)


def ribs_of(p: dict) -> np.ndarray:
    """Back ribs and fainter front ribs, line by line."""
    back, front = np.zeros((2, chest.SIZE, chest.SIZE))
    u = np.linspace(0.11, 1.05, 7)
    for side, sign in enumerate((1, -1)):
        for k in range(-10, 6):
            y = p["rib_spacing"] * (k + p["rib_phase"][side]) + p["rib_slope"] * u + 0.35 * u**2
            polyline(back, sign * u + p["midline"], y, [p["rib_grey"]] * 6)
        for k in range(-6, 10):
            y = p["rib_spacing"] * (k + p["front_rib_phase"][side]) - p["front_rib_slope"] * u
            polyline(front, sign * u + p["midline"], y, [p["front_rib_grey"]] * 6)
    return smear(back, 0.5) + smear(front, 0.55)


def vessels_of(p: dict) -> np.ndarray:
    """Branches that fan out from each hilum and fade."""
    picture = np.zeros((chest.SIZE, chest.SIZE))
    r = np.linspace(0.03, 0.9, 10)
    for side, sign in enumerate((1, -1)):
        for k in range(7):
            turn = k - p["vessel_phase"][side] - 4 * p["vessel_bend"][side] * r
            angle = 2 * np.pi / 7 * turn
            x = sign * (0.14 + r * np.cos(angle)) + p["midline"]
            y = p["hilum_y"] + r * np.sin(angle)
            polyline(picture, x, y, p["vessel_grey"] * np.exp(-r[:-1] / 0.3))
    return smear(picture, 0.5)


def middle_of(p: dict) -> np.ndarray:
    """Mediastinum, spine with its vertebrae, and heart."""
    column, spine, bones, heart = np.zeros((4, chest.SIZE, chest.SIZE))
    x = int(np.rint(pixel(p["midline"])))
    column[:, x], spine[:, x] = 0.13, 0.05
    for k in range(-8, 8):
        y = p["spine_spacing"] * (k - p["spine_phase"])
        place = (pixel(y), x, 0.3 * p["spine_spacing"] * 32, p["spine_width"] * 32)
        bones[draw.ellipse(*place, shape=bones.shape)] = 0.04
    place = [pixel(p["heart_y"]), pixel(p["heart_x"] + p["midline"])]
    place += [p["heart_height"] * 32, p["heart_width"] * 32]
    heart[draw.ellipse(*place, shape=heart.shape)] = p["heart_grey"]
    widths = (0, p["mediastinum_width"] * 22.6), (0, p["spine_width"] * 22.6)
    soft = smear(column, widths[0]) + smear(spine, widths[1])
    return soft + gaussian(bones, 0.7) + gaussian(heart, 1.7)


def spots_of(p: dict) -> np.ndarray:
    """Vessels seen end on, dot by dot."""
    picture = np.zeros((chest.SIZE, chest.SIZE))
    for k in range(8):
        x = (1 - 2 * (k % 2)) * (p["lung_x"] + 0.17 * p["spot_angle"][k]) + p["midline"]
        y = p["lung_y"] - 0.40 + 0.85 * p["spot_reach"][k]
        radius, at = p["spot_radius"][k] * 32, (pixel(y), pixel(x))
        r, c = draw.disk(at, 3.5 * radius, shape=picture.shape)
        distance = (r - at[0]) ** 2 + (c - at[1]) ** 2
        picture[r, c] += p["spot_grey"][k] * np.exp(-distance / (2 * radius**2))
    return picture


def grain(rng: np.random.Generator, *sigmas: float) -> np.ndarray:
    """A random field of unit variance, from coarse to fine."""
    parts = [gaussian(rng.normal(size=(chest.SIZE, chest.SIZE)), s, mode="wrap") for s in sigmas]
    field = sum(part / part.std() for part in parts)
    return field / field.std()


def opacity_of(p: dict, label: int, lungs: list, rng: np.random.Generator) -> np.ndarray:
    """The opacity in its lung; zero for healthy subjects."""
    picture = np.zeros((chest.SIZE, chest.SIZE))
    if label == chest.HEALTHY:
        return picture
    side, sign = (0, 1) if label == chest.LEFT else (1, -1)
    x = sign * (p["lung_x"] + p["opacity_x"] * p["lung_width"].mean()) + p["midline"]
    at = (pixel(p["lung_y"] + p["opacity_y"] * p["lung_height"]), pixel(x))
    radius, aspect, angle = (p[f"opacity_{name}"] for name in ("radius", "aspect", "angle"))
    r, c = draw.disk(at, 50 * radius * max(aspect, 1 / aspect), shape=picture.shape)
    dx, dy = (c - at[1]) / 32, (r - at[0]) / 32
    along = (dx * np.cos(angle) + dy * np.sin(angle)) / (radius * aspect)
    across = (dy * np.cos(angle) - dx * np.sin(angle)) / (radius / aspect)
    border = 1 + p["opacity_border"] * grain(rng, 8)[r, c]
    texture = 1 + p["opacity_texture"] * grain(rng, 2)[r, c]
    q = (along**2 + across**2) * border.clip(0.3)
    picture[r, c] = (1 - q).clip(0) * texture.clip(0.2) * (2 * lungs[side][r, c] - 1).clip(0)
    return p["opacity_grey"] * picture


def plain(p: dict, label: int, rng: np.random.Generator) -> tuple:
    """One subject: image, healthy, mask, deviation, each (64, 64)."""
    body, lungs = body_of(p), [lung_of(p, 0), lung_of(p, 1)]
    tissue = 0.04 + 0.46 * body + middle_of(p) + ribs_of(p) * body
    tissue -= p["lung_depth"][0] * lungs[0] + p["lung_depth"][1] * lungs[1]
    tissue += (vessels_of(p) + spots_of(p)) * (lungs[0] + lungs[1])
    tissue += p["tissue_grey"] * grain(rng, 1, 3, 8)
    opacity = opacity_of(p, label, lungs, rng)
    clean = p["gain"] * (tissue + p["bend"] * tissue * (1 - tissue)) + p["offset"]
    deviation = p["gain"] * opacity * (1 + p["bend"] * (1 - 2 * tissue - opacity))
    light = p["photons"] * clean.clip(0.02)
    healthy = clean + (rng.poisson(light) - light) / p["photons"]
    return healthy + deviation, healthy, opacity > 0, deviation


def one_by_one(found: chest.Parameters, rng: np.random.Generator) -> list[tuple]:
    """Image, healthy, mask and deviation of every subject, each drawn alone."""
    return [plain(single(found, i), found.label[i], rng) for i in range(len(found))]


def single(p: chest.Parameters, i: int) -> dict:
    """Parameters of subject i: plain numbers, arrays where there are several."""
    return {name: v[i] if v.shape[1] > 1 else float(v[i, 0]) for name, v in p.values.items()}
