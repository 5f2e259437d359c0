"""The anatomy of a chest radiograph, as shadows that add up along the rays.

A shadow of depth d lets exp(-d) of the rays through. Body coordinates: u runs across, to the
patient's left, w downwards; lengths are in half image widths. `v` holds the parameters of N
subjects, (N, k, 1) each, under the names of the chest's law; planes are (N, H, W).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lib.phantoms.shapes import disc, gaussian_spots, grid, hump, lens, rise, wave

Values = dict[str, Tensor]
AP_SHARE = 0.4  # of the images are taken from the front, of patients who lie in bed
SPOTS = 6  # vessels seen end on, in both lungs together


@dataclass(frozen=True)
class Pose:
    """Body coordinates of every pixel.

    u, w (N, H, W) turn with the body; x (N, 1, W), y (N, H, 1) are the same without the tilt, for
    soft or small parts, which it hardly moves. side (N, 1, W) is 1 on the patient's left, -1 on the
    right, and in between in the middle.
    """

    u: Tensor
    w: Tensor
    x: Tensor
    y: Tensor
    side: Tensor

    def __getitem__(self, items: Tensor) -> "Pose":
        return Pose(*(plane[items] for plane in (self.u, self.w, self.x, self.y, self.side)))

    def by_side(self, values: Tensor) -> Tensor:
        """Spread (N, 2, 1) values for the patient's (left, right) over the columns, (N, 1, W)."""
        left, right = values[:, :1], values[:, 1:]
        return (left + right) / 2 + self.side * ((left - right) / 2)


def posed(v: Values, size: int) -> Pose:
    """Where each pixel lies in a body that is shifted, scaled and tilted in the picture."""
    x, y = grid(size)
    x, y = (x - v["shift_x"]) / v["scale"], (y - v["shift_y"]) / v["scale"]
    c, s = v["tilt"].cos(), v["tilt"].sin()
    return Pose(x * c + y * s, y * c - x * s, x, y, (x / 0.15).clamp(-1, 1))


def supine(v: Values) -> Tensor:
    """1 for anteroposterior images, 0 for posteroanterior ones, (N, 1, 1)."""
    return (v["projection"] < AP_SHARE).float()


def dome_height(v: Values) -> Tensor:
    """Height w of the domes of the diaphragm (left, right), (N, 2, 1): higher in those who lie."""
    return v["dome_y"] + torch.tensor([[0.03], [-0.03]]) - 0.10 * supine(v)


def flare(v: Values, y: Tensor) -> Tensor:
    """Width of the ribcage at height y, relative to its width at `lung_y`: wider below."""
    return 1 + 0.2 * (y - v["lung_y"])


def cage(p: Pose, v: Values) -> Tensor:
    """Level function of the ribcage: an ellipse across, flatter than one above, open below."""
    up = (p.w - v["lung_y"]).clamp_(max=0) / v["lung_height"]
    across = (p.u / p.by_side(v["lung_width"])).div_(flare(v, p.y))
    return across.square_() + up.square_().square_()


def above_dome(p: Pose, v: Values) -> Tensor:
    """1 above the diaphragm, 0 below it."""
    fall = (p.x.abs() - 0.15).clamp_(0, 0.65).square_()
    floor = p.by_side(dome_height(v)) + p.by_side(v["dome_curve"]) * fall
    return rise(floor - p.w, 0.03)


def trunk(p: Pose, v: Values) -> Tensor:
    """Thickness of the body: 1 in its middle, 0 in the air; neck, shoulders and arms too."""
    wall = v["lung_width"].mean(1, keepdim=True) + v["chest_wall"] + 0.15 * v["build"]
    skin = wall * (1 + v["waist"] * (p.y - 0.2)) + 0.5 * rise(v["axilla_y"] - p.y, 0.3)
    path = lens((p.u / skin).square_().square_())
    arm = (p.x.abs() - (0.98 + v["arm_slope"] * (p.y + 0.5))) * 5
    path += v["arm_shadow"] * lens(arm.square_())
    fourth = p.x.square().square_()
    gap = 0.9 / (1 + fourth / v["neck_width"] ** 4)  # the neck goes on upwards
    top = v["shoulder_y"] + v["shoulder_slope"] * p.x.abs() + 0.06 * fourth - gap
    below = (p.w - top).clamp_(min=0)
    return path.mul_(below).div_(below + v["shoulder_round"])


def middle(p: Pose, v: Values, above: Tensor) -> Tensor:
    """Mediastinum with aortic knob, heart, hila, spine and trachea."""
    lying, turned = supine(v), p.x - v["turn"]
    size, c, s = v["heart_size"] * (1 + 0.18 * lying), v["heart_tilt"].cos(), v["heart_tilt"].sin()
    x, y = turned - v["heart_x"], p.y - dome_height(v).mean(1, keepdim=True) + v["heart_y"]
    heart = disc((x * c + y * s) / size, (y * c - x * s) / (0.62 * size))
    width, radius = v["mediastinum_width"] * (1 + 0.25 * lying), v["knob_size"]
    u = p.u - v["turn"]
    column = (u / (width * (1.25 + 0.5 * p.y))).square_()
    knob = disc((turned - width + 0.02) / radius, (p.y - v["knob_y"]) / (1.2 * radius))
    bulk = lens(torch.minimum(torch.minimum(heart, column), knob), 1.5)
    thick = v["mediastinum_shadow"] * (1 + v["heart_shadow"] * (p.y + 0.5))
    bulk *= 0.85 * above + 0.15
    across = (p.x.abs() - v["hilum_x"]) / 0.11
    root = disc(across, (p.y - p.by_side(v["hilum_y"])) / 0.17).square_().add_(1)
    spine = v["spine_shadow"] + 0.08 * wave(p.y / 0.17 + v["spine_phase"])
    straight = (u / v["spine_width"]).square_()
    airway = v["trachea_shadow"] * rise(-0.25 - p.y, 0.2)
    bones = spine * hump(straight) - airway * hump(3 * straight)
    return bones.addcmul_(thick, bulk).add_(v["hilum_shadow"] / root)


def ribs(p: Pose, v: Values, q: Tensor, bend: Tensor) -> Tensor:
    """Back ribs that fall to the side and fainter front ribs that fall to the middle."""
    spacing, a = v["rib_spacing"], p.x.abs()
    height = (p.w + 0.02 * bend) / spacing
    fall = v["rib_slope"] * (1 - 2 * v["lordosis"]) / spacing
    back = wave(height - (fall * (a - 0.18).square() - v["rib_phase"]))
    bars = (v["rib_shadow"] * back).mul_(1 + 0.7 * back)  # narrower than the gaps
    front = (v["front_rib_slope"] / spacing) * a + p.by_side(v["front_rib_phase"])
    bars.addcmul_(v["front_rib_shadow"], wave(height + front))
    bars *= (1.3 - q).clamp_(0, 0.6) * (0.6 * bend + (0.9 - 0.6 * p.y)).clamp_(min=0)
    return bars.addcmul_(v["margin_shadow"], hump((4 * q - 4.2).square_()))  # seen from the side


def girdle(p: Pose, v: Values) -> Tensor:
    """Clavicles, shoulder blades and the heads of the upper arms."""
    lying, a = supine(v), p.x.abs()
    start = v["clavicle_y"] - v["lordosis"] - 0.05 * lying
    line = start - v["clavicle_slope"] * (a - 0.1) + 0.25 * (a - 0.3).square()
    ends = ((a - 0.07) / 0.05).clamp_(0, 1) * ((0.85 - a) / 0.1).clamp_(0, 1)
    clavicle = hump(((p.w - line) / 0.053).square_()).mul_(v["clavicle_shadow"] * ends)
    edge = (a - v["scapula_x"] - 0.055 + 0.16 * lying) - 0.22 * p.y
    blade = hump((2 * edge).clamp_(min=0)) * (25 * edge + 0.5).clamp_(0, 1)
    blade *= (1 - ((p.y + 0.32) / 0.42).square_()).clamp_(min=0)
    head = disc((a - 0.92) / 0.13, (p.y - v["shoulder_y"] - 0.42) / 0.13).square_().add_(1)
    return clavicle.addcmul_(v["scapula_shadow"], blade.add_(head.reciprocal_()))


def vessels(p: Pose, v: Values, bend: Tensor, grain: Tensor) -> Tensor:
    """Branches that leave each hilum and fade, drawn as broken rays."""
    down = p.y - p.by_side(v["hilum_y"])
    reach = disc(p.x.abs() - 0.12, down).sqrt_().add_(0.02)
    turn = (3.5 * down / reach).add_(bend, alpha=0.4).add_(p.by_side(v["vessel_phase"]))
    return wave(turn).add_(1).mul_(grain).mul_(hump(reach)).mul_(v["vessel_shadow"])


def spots(v: Values, size: int) -> Tensor:
    """Vessels seen end on: round bright spots over both lungs, in every class."""
    x, y = grid(size)
    side = torch.tensor([1.0, -1.0]).repeat(SPOTS // 2).view(1, -1, 1)
    u = side * (0.34 + 0.16 * v["spot_angle"])
    w = v["lung_y"] - v["lung_height"] * (0.15 + 0.6 * v["spot_reach"])
    c, s, scale = v["tilt"].cos(), v["tilt"].sin(), v["scale"]
    at = v["shift_x"] + scale * (u * c - w * s), v["shift_y"] + scale * (u * s + w * c)
    parts = (a.squeeze(-1) for a in (*at, v["spot_radius"], v["spot_shadow"]))
    n = len(u)
    return gaussian_spots(x.expand(n, 1, -1), y.expand(n, -1, 1), *parts)


def belly(p: Pose, v: Values, bend: Tensor) -> Tensor:
    """The abdomen: gas in the bowel, and in the stomach of some."""
    x0, y0 = v["bubble_x"], dome_height(v)[:, :1] + 0.13
    q = disc((p.x - x0) / v["bubble_size"], (p.y - y0) / 0.10)
    return v["belly_shadow"] + v["gas_shadow"] * bend - v["bubble_shadow"].clamp(min=0) * lens(q)


def breasts(p: Pose, v: Values) -> Tensor:
    """Soft tissue over the lower lungs of some."""
    q = disc((p.x.abs() - v["breast_x"]) / 0.36, (p.y - v["breast_y"]) / 0.34)
    return v["breast_shadow"].clamp(min=0) * lens(q)


def anatomy(p: Pose, v: Values, bend: Tensor, grain: Tensor) -> tuple[Tensor, Tensor]:
    """Shadow of a healthy body, and the air in its lungs (1 in their middle, 0 outside).

    bend and grain are random fields of unit variance: one smooth, that bends ribs and vessels,
    one fine, that breaks the vessels up.
    """
    q, above, body = cage(p, v), above_dome(p, v), trunk(p, v)
    air = lens(q, 2.0).mul_(above).mul_(rise(p.x.abs() - v["mediastinum_width"], 0.14))
    chest = v["chest_shadow"] * (1 + 0.35 * v["build"]) * (1 + 0.3 * p.y)
    soft = belly(p, v, bend).mul_(1 - above).add_(chest).mul_(1 - v["lung_air"] * air)
    soft = (
        soft.add_(v["base_shadow"] * (p.y + 0.2).clamp(min=0).square())
        .mul_(body)
        .add_(breasts(p, v))
    )
    soft.addcmul_(middle(p, v, above), body.clamp(max=1))
    soft.addcmul_(girdle(p, v), body.clamp_(max=0.5)).addcmul_(ribs(p, v, q, bend), above)
    inner = vessels(p, v, bend, grain).add_(spots(v, air.shape[-1]))
    return soft.addcmul_(inner, air), air
