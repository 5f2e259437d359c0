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
APEX = 0.14  # how far the tops of the clavicles and of the lungs are flattened


@dataclass(frozen=True)
class Pose:
    """Body coordinates of every pixel: u, w, the distance a from the midline, and the side.

    side is 1 on the patient's left and -1 on the right.
    """

    u: Tensor
    w: Tensor
    a: Tensor
    side: Tensor

    def __getitem__(self, items: Tensor) -> "Pose":
        return Pose(self.u[items], self.w[items], self.a[items], self.side[items])

    def by_side(self, values: Tensor) -> Tensor:
        """Spread (N, 2, 1) values for the patient's (left, right) over the picture."""
        left, right = values[:, :1], values[:, 1:]
        return torch.addcmul((left + right) / 2, self.side, (left - right) / 2)


def posed(v: Values, size: int) -> Pose:
    """Where each pixel lies in a body that is shifted, scaled and tilted in the picture."""
    x, y = grid(size)
    x, y = (x - v["shift_x"]) / v["scale"], (y - v["shift_y"]) / v["scale"]
    c, s = v["tilt"].cos(), v["tilt"].sin()
    u, w = x * c + y * s, y * c - x * s
    return Pose(u, w, u.abs(), u.sign())


def supine(v: Values) -> Tensor:
    """1 for anteroposterior images, 0 for posteroanterior ones, (N, 1, 1)."""
    return (v["projection"] < AP_SHARE).float()


def dome_height(v: Values) -> Tensor:
    """Height w of the domes of the diaphragm (left, right), (N, 2, 1): higher in those who lie."""
    return v["dome_y"] - 0.10 * supine(v)


def cage(p: Pose, v: Values) -> Tensor:
    """Level function of the ribcage: an ellipse across, flatter than one above, open below."""
    up = (p.w - v["lung_y"]).clamp_(max=0) / v["lung_height"]
    across = p.a / p.by_side(v["lung_width"])
    return across.square_() + up.square_().square_()


def above_dome(p: Pose, v: Values) -> Tensor:
    """1 above the diaphragm, 0 below it."""
    middle = (p.a.clamp(max=0.65) - 0.22).square_()
    floor = torch.addcmul(p.by_side(dome_height(v)), p.by_side(v["dome_curve"]), middle)
    return rise(floor - p.w, 0.05)


def trunk(p: Pose, v: Values) -> Tensor:
    """Thickness of the body: 1 in its middle, 0 in the air; neck, shoulders and arms too."""
    wall = v["lung_width"].mean(1, keepdim=True) + v["chest_wall"]
    skin = wall * (1 - 0.2 * v["waist"]) + (wall * v["waist"]) * p.w
    skin = skin + 0.5 * rise(v["axilla_y"] - p.w, 0.3)
    fourth = p.a.square().square_()
    path = lens((p.a / skin).square_().square_())
    arm = (p.a - 0.98 - v["arm_slope"] * (p.w + 0.5)) / 0.2
    path = path + v["arm_shadow"] * lens(arm.square_())
    gap = 0.9 / (1 + fourth / v["neck_width"] ** 4)  # the neck goes on upwards
    below = p.w - v["shoulder_y"] - v["shoulder_slope"] * p.a - 0.06 * fourth + gap
    below = below.clamp_(min=0)
    return path * below / (below + v["shoulder_round"])


def middle(p: Pose, v: Values, above: Tensor) -> Tensor:
    """Mediastinum with aortic knob, heart, hila, spine and trachea."""
    lying = supine(v)
    u, w = p.u - v["turn"], p.w
    size, c, s = v["heart_size"] * (1 + 0.18 * lying), v["heart_tilt"].cos(), v["heart_tilt"].sin()
    x0, y0 = v["heart_x"], dome_height(v).mean(1, keepdim=True) - v["heart_y"]
    along = (u * c + w * s - (x0 * c + y0 * s)) / size
    across = (w * c - u * s - (y0 * c - x0 * s)) / (0.62 * size)
    width = v["mediastinum_width"] * (1 + 0.25 * lying)
    column = (u / (width * (1.25 + 0.5 * w))).square_()
    radius = v["knob_size"]
    knob = disc((u - width + 0.02) / radius, (w - v["knob_y"]) / (1.2 * radius))
    edge = torch.minimum(torch.minimum(disc(along, across), column), knob)
    bulk = lens(edge, 1.5) * (1 + v["heart_shadow"] * (w + 0.5)) * (0.15 + 0.85 * above)
    root = disc((p.a - v["hilum_x"]) / 0.11, (w - p.by_side(v["hilum_y"])) / 0.17)
    spine = v["spine_shadow"] + 0.08 * wave(w / 0.17 + v["spine_phase"])
    straight = (u / v["spine_width"]).square_()
    airway = (v["trachea_shadow"] * rise(-0.25 - w, 0.2)) * hump(3 * straight)
    bones = spine * hump(straight)
    return v["mediastinum_shadow"] * bulk + v["hilum_shadow"] / (1 + root.square_()) + bones - airway


def ribs(p: Pose, v: Values, q: Tensor, bend: Tensor) -> Tensor:
    """Back ribs that fall to the side and fainter front ribs that fall to the middle."""
    spacing = v["rib_spacing"]
    height = (p.w + 0.02 * bend) / spacing
    fall = v["rib_slope"] * (1 - 2 * v["lordosis"]) / spacing
    back = wave(height - fall * (p.a - 0.18).square_() + v["rib_phase"])
    front = height + (v["front_rib_slope"] / spacing) * p.a + p.by_side(v["front_rib_phase"])
    bars = v["rib_shadow"] * back + v["front_rib_shadow"] * wave(front)
    return bars * (1.3 - q).clamp_(0, 0.6) * (0.9 - 0.6 * p.w + 0.6 * bend).clamp_(min=0)


def girdle(p: Pose, v: Values) -> Tensor:
    """Clavicles, shoulder blades and the heads of the upper arms."""
    lying, a, w = supine(v), p.a, p.w
    start = v["clavicle_y"] - v["lordosis"] - 0.05 * lying
    line = start - v["clavicle_slope"] * (a - 0.1) + 0.25 * (a - 0.3).square_()
    ends = ((a - 0.07) / 0.05).clamp_(0, 1) * ((0.85 - a) / 0.1).clamp_(0, 1)
    clavicle = hump(((w - line) / 0.053).square_()) * ends
    edge = a - 0.22 * w - (v["scapula_x"] + 0.055 - 0.16 * lying)
    blade = (edge / 0.04 + 0.5).clamp_(0, 1) * hump((edge / 0.5).clamp_(min=0))
    blade = blade * (1 - ((w + 0.32) / 0.42).square_()).clamp_(min=0)
    head = disc((a - 0.92) / 0.13, (w - v["shoulder_y"] - 0.42) / 0.13)
    return v["clavicle_shadow"] * clavicle + v["scapula_shadow"] * (blade + 1 / (1 + head.square_()))


def vessels(p: Pose, v: Values, bend: Tensor, grain: Tensor) -> Tensor:
    """Branches that leave each hilum and fade, drawn as broken rays."""
    across, down = p.a - 0.12, p.w - p.by_side(v["hilum_y"])
    reach = disc(across, down).sqrt_() + 0.02
    turn = 3.5 * down / reach + 0.4 * bend + 0.5 * reach + p.by_side(v["vessel_phase"])
    return v["vessel_shadow"] * (wave(turn) + grain) * hump(reach / 1.4)


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


def belly(p: Pose, v: Values) -> Tensor:
    """The abdomen, with a bubble of air in the stomach of some."""
    x0, y0 = v["bubble_x"], dome_height(v)[:, :1] + 0.13
    q = disc((p.u - x0) / v["bubble_size"], (p.w - y0) / 0.10)
    return v["belly_shadow"] - v["bubble_shadow"].clamp(min=0) * lens(q)


def breasts(p: Pose, v: Values) -> Tensor:
    """Soft tissue over the lower lungs of some."""
    q = disc((p.a - v["breast_x"]) / 0.36, (p.w - v["breast_y"]) / 0.34)
    return v["breast_shadow"].clamp(min=0) * lens(q)


def anatomy(p: Pose, v: Values, bend: Tensor, grain: Tensor) -> tuple[Tensor, Tensor]:
    """Shadow of a healthy body, and the air in its lungs (1 in their middle, 0 outside).

    bend and grain are random fields of unit variance: one smooth, that bends ribs and vessels,
    one fine, that breaks the vessels up.
    """
    q, above, body = cage(p, v), above_dome(p, v), trunk(p, v)
    air = lens(q, 2.0) * above * rise(p.a - v["mediastinum_width"], 0.14)
    wall = (v["chest_shadow"] + belly(p, v) * (1 - above)) * (1 - v["lung_air"] * air)
    front = v["base_shadow"] * (p.w + 0.2).clamp_(min=0)
    soft = body * (wall + front) + middle(p, v, above) * body.clamp(max=1) + breasts(p, v)
    bones = girdle(p, v) * body.clamp(max=0.5) + ribs(p, v, q, bend) * above
    inner = vessels(p, v, bend, grain) + spots(v, p.u.shape[-1])
    return soft + bones + inner * air, air
