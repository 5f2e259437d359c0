"""What findings add to the shadow of a chest, or take from it.

Each sign takes the pose `p` and the parameters `v` of N subjects that have it, in the units of
`thorax`, and returns a shadow (N, H, W) to add to their bodies: above zero brighter, below darker.
`<finding>_severity` runs from 0, mild, to 1, severe. Left and right are the patient's.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lib.phantoms import chest, thorax
from lib.phantoms.devices import wire
from lib.phantoms.shapes import disc, hump, rise, wave
from lib.phantoms.thorax import Pose, Values

PATCHES = 3  # opacities of a pneumonia, at most
BROKEN = 3  # neighbouring ribs, at most
BOTH = {"effusion": 0.3, "pneumonia": 0.3}  # share of these findings that both sides have


@dataclass(frozen=True)
class Lungs:
    """What signs lie in: air (N, H, W) of the healthy lungs, 1 in their middle, 0 outside, and
    random fields (N, H, W) of unit variance that bend ribs and vessels, break vessels up, roughen
    the border of an opacity and fill it."""

    air: Tensor
    bend: Tensor
    grain: Tensor
    border: Tensor
    texture: Tensor

    def __getitem__(self, items: Tensor) -> "Lungs":
        planes = (self.air, self.bend, self.grain, self.border, self.texture)
        return Lungs(*(plane[items] for plane in planes))


def present(v: Values, stem: str) -> Tensor:
    """1 on the sides (left, right) that have the finding, else 0: (N, 2, 1); one side or both."""
    at, both = v[f"{stem}_side"], BOTH.get(stem, 0.0) / 2
    return torch.cat([at < 0.5 + both, at >= 0.5 - both], 1).float()


def only(v: Values, stem: str) -> Tensor:
    """1 for a finding on the left, -1 for one on the right, (N, 1, 1)."""
    return 1 - 2 * (v[f"{stem}_side"] >= 0.5).float()


def place(v: Values, stem: str, side: Tensor, item: int = 0) -> tuple[Tensor, Tensor]:
    """Body coordinates (N, 1, 1) of a place that is given between the borders of a lung."""
    at = {f"opacity_{axis}": v[f"{stem}_{axis}"][:, item : item + 1] for axis in "xy"}
    return chest.centre(v | at, side)


def _within(air: Tensor) -> Tensor:
    """1 in a lung, 0 outside, with a border of some pixels."""
    return (3 * air - 0.4).clamp_(0, 1)


def _depth(v: Values, stem: str, mild: float, severe: float) -> Tensor:
    return mild + (severe - mild) * v[f"{stem}_severity"]


# ---- heart and diaphragm ------------------------------------------------------------------------


def enlarged(v: Values) -> Values:
    """The parameters with the larger heart of cardiomegaly: it grows to the left and downwards."""
    size = v["heart_size"]
    more = size * _depth(v, "cardiomegaly", 0.36, 0.75)
    moved = {"heart_x": v["heart_x"] + 0.30 * more, "heart_y": v["heart_y"] + 0.25 * more}
    return v | moved | {"heart_size": size + more}


def heart(p: Pose, v: Values) -> Tensor:
    """Level function of the heart as `thorax.middle` draws it, (N, H, W): below 1 inside."""
    size = v["heart_size"] * (1 + 0.18 * thorax.supine(v))
    c, s = v["heart_tilt"].cos(), v["heart_tilt"].sin()
    x = p.x - v["turn"] - v["heart_x"]
    y = p.y - thorax.dome_height(v).mean(1, keepdim=True) + v["heart_y"]
    return disc((x * c + y * s) / size, (y * c - x * s) / (0.62 * size))


def cardiomegaly(p: Pose, v: Values, lungs: Lungs) -> Tensor:
    """What a larger heart adds; cardiothoracic ratio above about one half."""
    above, body = thorax.above_dome(p, v), thorax.trunk(p, v).clamp_(max=1)
    return (thorax.middle(p, enlarged(v), above) - thorax.middle(p, v, above)) * body


def shrunken(v: Values) -> Values:
    """The parameters with the volume loss of atelectasis: a raised dome.

    The heart stays where it is, though its place is given from the domes.
    """
    lift = _depth(v, "atelectasis", 0.05, 0.20) * present(v, "atelectasis")
    return v | {"dome_y": v["dome_y"] - lift, "heart_y": v["heart_y"] - lift.mean(1, keepdim=True)}


def atelectasis(p: Pose, v: Values, lungs: Lungs) -> Tensor:
    """A band of collapsed lung above a raised dome."""
    before, _ = thorax.anatomy(p, v, lungs.bend, lungs.grain)
    after, air = thorax.anatomy(p, shrunken(v), lungs.bend, lungs.grain)
    side = only(v, "atelectasis")
    x0, y0 = place(v, "atelectasis", side)
    angle = side * v["atelectasis_angle"]
    along = (p.u - x0) * angle.cos() + (p.w - y0) * angle.sin()
    across = (p.w - y0) * angle.cos() - (p.u - x0) * angle.sin() + 0.015 * lungs.border
    thick = _depth(v, "atelectasis", 0.07, 0.13)
    band = hump((across / thick).square()) * hump((along / 0.5).square().square())
    inside = _within(air) * (side * p.u > 0)
    return after - before + _depth(v, "atelectasis", 0.45, 1.0) * band * inside


# ---- opacities ----------------------------------------------------------------------------------


def effusion(p: Pose, v: Values, lungs: Lungs) -> Tensor:
    """Fluid over the diaphragm whose surface, the meniscus, rises to the side of the chest."""
    wide = p.by_side(v["lung_width"])
    t = ((p.x.abs() - 0.15) / (wide - 0.15)).clamp_(0, 1)
    base = p.by_side(thorax.dome_height(v) + 0.25 * v["dome_curve"])  # of the costophrenic angle
    surface = base - _depth(v, "effusion", 0.15, 0.75) * (0.35 + 0.65 * t.square())
    cage = (6 - 6 * thorax.cage(p, v)).clamp_(0, 1)
    fluid = rise(p.w - surface, 0.10) * cage * thorax.above_dome(p, v)
    return _depth(v, "effusion", 0.45, 1.5) * p.by_side(present(v, "effusion")) * fluid


def edema(p: Pose, v: Values, lungs: Lungs) -> Tensor:
    """Haze round both hila, spread like the wings of a bat, and crowded vessels."""
    across, down = (p.x.abs() - 0.30) / 0.45, (p.y - p.by_side(v["hilum_y"]) - 0.05) / 0.70
    wings = hump(disc(across, down)) * lungs.air
    haze = wings * (1 + 0.25 * lungs.texture).clamp_(min=0.3)
    crowded = thorax.vessels(p, v, lungs.bend, lungs.grain) * lungs.air
    return _depth(v, "edema", 0.15, 0.6) * haze + _depth(v, "edema", 0.3, 1.6) * crowded


def consolidation(p: Pose, v: Values, lungs: Lungs) -> Tensor:
    """A dense part of one lobe, with soft edges; bronchi that still hold air stay dark in it."""
    side = only(v, "consolidation")
    x0, y0 = place(v, "consolidation", side)
    down = p.y - p.by_side(v["hilum_y"])
    reach = disc(p.x.abs() - 0.12, down).sqrt_().add_(0.02)
    bronchi = (wave(1.5 * down / reach + 0.7 * lungs.bend) * hump(reach) * 2).clamp_(0, 1)
    radius = _depth(v, "consolidation", 0.26, 0.44)
    rough = (1 + 0.45 * lungs.border).clamp_(min=0.3)
    q = disc((p.u - x0) / radius, (p.w - y0) / (1.1 * radius)) * rough
    dense = (1.5 - 1.5 * q).clamp_(0, 1) * (1 - 0.3 * bronchi) * (1 + 0.15 * lungs.texture)
    inside = _within(lungs.air) * (side * p.u > 0)
    return _depth(v, "consolidation", 0.60, 1.2) * dense * inside


def pneumonia(p: Pose, v: Values, lungs: Lungs) -> Tensor:
    """One to three patchy opacities, in one lung or in both."""
    here, severity = present(v, "pneumonia"), v["pneumonia_severity"]
    out = torch.zeros_like(lungs.air)
    for i in range(PATCHES):
        left = here[:, :1] * (1 if i % 2 == 0 else 1 - here[:, 1:])  # patches take turns
        side = 2 * left - 1
        x0, y0 = place(v, "pneumonia", side, i)
        radius = v["pneumonia_radius"][:, i : i + 1]
        rough = (1 + 0.5 * lungs.border.roll(13 * i, 2)).clamp_(min=0.3)
        patch = hump(disc((p.u - x0) / radius, (p.w - y0) / radius) * rough)
        out += patch * (side * p.u > 0) * (severity >= i / PATCHES)
    filled = (1 + 0.4 * lungs.texture).clamp_(min=0.2) * _within(lungs.air)
    return _depth(v, "pneumonia", 0.4, 0.9) * out.clamp_(max=1) * filled


# ---- pleural air, bones, tubes ------------------------------------------------------------------


def collapsed(p: Pose, v: Values) -> Tensor:
    """Level function of a lung that has drawn back from the apex and the side, (N, H, W).

    The balance runs from 0, from the apex alone, to 1, from the side alone; the gap at the side
    closes at the height `pneumothorax_reach`.
    """
    balance = v["pneumothorax_balance"]
    apex = _depth(v, "pneumothorax", 0.12, 0.52) * (2 - 2 * balance).clamp(max=1)
    gap = _depth(v, "pneumothorax", 0.08, 0.28) * (2 * balance).clamp(max=1)
    gap = gap * ((v["pneumothorax_reach"] - p.y) / 0.6).clamp_(0, 1)
    up = (p.w - v["lung_y"]).clamp_(max=0) / (v["lung_height"] - apex)
    across = p.u / (p.by_side(v["lung_width"]) * thorax.flare(v, p.y) - gap)
    return across.square_() + up.square_().square_()


def pleural_air(p: Pose, v: Values) -> Tensor:
    """1 between the collapsed lung and the ribs, 0 elsewhere, with edges a pixel wide."""
    side = only(v, "pneumothorax")
    out = (14 * (collapsed(p, v) - 1) + 0.5).clamp_(0, 1)
    out *= (14 * (1 - thorax.cage(p, v))).clamp_(0, 1)
    medial = ((side * p.u - v["mediastinum_width"]) * 20).clamp_(0, 1)
    return out * medial * thorax.above_dome(p, v)


def pneumothorax(p: Pose, v: Values, lungs: Lungs) -> Tensor:
    """A dark rim without vessels, outside of the thin line of the pleura."""
    rim, q = pleural_air(p, v), collapsed(p, v)
    inner = thorax.vessels(p, v, lungs.bend, lungs.grain) + thorax.spots(v, rim.shape[-1])
    line = hump(((q.sqrt() - 1) / 0.05).square()) * _within(lungs.air)
    line *= only(v, "pneumothorax") * p.u > v["mediastinum_width"]
    gone = inner * lungs.air + v["pneumothorax_dark"]
    return v["pneumothorax_line"] * line - rim * gone


def fracture(p: Pose, v: Values, lungs: Lungs) -> Tensor:
    """One to three neighbouring ribs, each with a dark gap between ends that have moved apart."""
    side, spacing, out = only(v, "fracture"), v["rib_spacing"], torch.zeros_like(p.u)
    fall = v["rib_slope"] * (1 - 2 * v["lordosis"])
    wide = torch.where(side > 0, v["lung_width"][:, :1], v["lung_width"][:, 1:])
    for i in range(BROKEN):
        a = v["fracture_x"][:, i : i + 1] * wide
        top = fall * (a - 0.18).square() - v["rib_phase"] * spacing  # of the ribs at this place
        w0 = top + (((v["fracture_y"] - top) / spacing).round() + i) * spacing
        slope, along = 2 * fall * (a - 0.18), side * p.u - a
        across = (p.w - w0 - slope * along) / (1 + slope.square()).sqrt()
        inner = disc((along + 0.07) / 0.10, (across + 0.035) / 0.055)
        outer = disc((along - 0.07) / 0.10, (across - 0.035) / 0.055)
        step = hump(inner) + hump(outer) - hump(disc(along / 0.05, across / 0.065))
        out += step * (v["fracture_severity"] >= i / BROKEN)
    return v["fracture_shadow"] * out


def chest_tube(p: Pose, v: Values, lungs: Lungs) -> Tensor:
    """A tube that enters through the side and runs up, or down, between lung and ribs."""
    a, reach = only(v, "drain") * p.u, 0.95 - v["drain_x"]
    t, climb = (a - v["drain_x"]) / reach, v["drain_from"] - v["drain_to"]
    run = v["drain_to"] + climb * t * (2 - t)
    ends = (8 * t).clamp_(0, 1) * (8 - 8 * t).clamp_(0, 1) * thorax.trunk(p, v).clamp_(max=1)
    return v["drain_shadow"] * wire(p.w - run, 2 * climb * (1 - t) / reach) * ends
