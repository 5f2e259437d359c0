"""Chest radiograph phantoms: healthy, opacity in the left lung, opacity in the right lung.

Images follow the radiological convention: the patient's LEFT lung is on the RIGHT side of the
image (high column index), where the heart leans. Left and right are always the patient's.

A subject is one 64-bit seed. The seed gives its parameters (uniform in the law's ranges) and its
noise; the label only decides whether, and in which lung, the subject's opacity is drawn. So the
healthy counterfactual of a subject is the same seed with the label `HEALTHY`.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lib.phantoms import acquisition, population, thorax
from lib.phantoms.devices import LEADS, STROKES, devices
from lib.phantoms.population import Batch, Parameters, Range, concatenate
from lib.phantoms.shapes import disc, grid, power_law_field

CLASSES = ("healthy", "left opacity", "right opacity")
HEALTHY, LEFT, RIGHT = range(3)
SIZE = 64  # pixels a side, the paper's resolution (PA-VAE, section 4)
CHUNK = 48  # images rendered at once: fewer cost more calls, more need more memory
BLUR = 0.3  # deviation of the detector's point spread, pixels
GRAIN = 0.55  # the same of its noise, which is smoother than the edges of bones
CLEAR = 0.2  # tissue of a clear lung: there an opacity adds its grey, over denser parts less
FAINTEST = 0.02  # the rim of an opacity below this share of its peak counts as none
TISSUE_MODES, BEND_MODES, LESION_MODES = 48, 6, 10  # cosine frequencies a side of random fields
FIELDS = 1  # the random stream of a subject's fields and noise


@dataclass(frozen=True)
class Law(population.Law):
    """A frozen population: the range of every parameter.

    Lengths are in half image widths of the body's frame, angles in radians, shadows in optical
    depths (a shadow of d lets exp(-d) of the rays through), greys in units of the image. A shadow
    below zero is none: such a part is missing in some subjects.
    """

    name: str = "bare"
    # pose
    projection: Range = (0.0, 1.0)  # below AP_SHARE: anteroposterior, lying
    shift_x: Range = (-0.09, 0.13)  # of the body in the picture
    shift_y: Range = (-0.12, 0.12)
    scale: Range = (0.90, 1.12)
    tilt: Range = (-0.09, 0.09)  # in the plane of the picture
    turn: Range = (-0.07, 0.07)  # about the long axis: the middle moves to one side
    lordosis: Range = (-0.06, 0.12)  # lifts the clavicles and flattens the back ribs
    # trunk
    build: Range = (-1.0, 1.0)  # from slim to stout: wider and denser
    chest_wall: Range = (0.04, 0.24)  # from the ribs to the skin
    chest_shadow: Range = (1.0, 1.9)
    waist: Range = (-0.15, 0.20)  # how much wider the trunk gets a half width further down
    axilla_y: Range = (-0.35, 0.05)
    neck_width: Range = (0.18, 0.26)
    shoulder_y: Range = (-1.00, -0.80)
    shoulder_slope: Range = (-0.02, 0.16)
    shoulder_round: Range = (0.05, 0.20)  # depth at which the shoulders reach half their thickness
    arm_slope: Range = (0.1, 0.8)  # from hanging down to spread out
    arm_shadow: Range = (0.2, 0.6)  # thickness of the arms, relative to the chest's
    breast_x: Range = (0.34, 0.46)
    breast_y: Range = (0.15, 0.40)
    breast_shadow: Range = (-0.4, 0.5)
    # lungs and diaphragm; two values are the patient's left and right
    lung_width: Range = (0.66, 0.82)  # from the midline to the side, at lung_y
    lung_y: Range = (0.30, 0.45)  # where the sides of the cage start to bend
    lung_height: Range = (1.18, 1.36)  # from there to the apex
    lung_air: Range = (0.76, 0.92)  # share of the chest's shadow that air takes away
    base_shadow: Range = (0.2, 1.4)  # soft tissue over the bases, a half width below w = -0.2
    dome_y: Range = (0.32, 0.56)
    dome_curve: Range = (0.35, 0.9)  # curvature, 1 / half widths
    belly_shadow: Range = (-0.4, 0.4)  # more than the chest's
    gas_shadow: Range = (0.05, 0.3)  # standard deviation of the gas in the bowel
    bubble_x: Range = (0.20, 0.45)  # air in the stomach
    bubble_size: Range = (0.08, 0.26)
    bubble_shadow: Range = (-0.6, 1.0)
    # the middle
    mediastinum_width: Range = (0.09, 0.14)
    mediastinum_shadow: Range = (0.2, 0.6)  # at w = -0.5
    heart_shadow: Range = (0.3, 1.3)  # relative growth of that shadow a half width further down
    heart_x: Range = (0.08, 0.18)  # towards the patient's left
    heart_y: Range = (0.02, 0.15)  # above the domes
    heart_size: Range = (0.36, 0.50)  # half its long axis
    heart_tilt: Range = (0.45, 0.95)
    knob_y: Range = (-0.42, -0.28)  # of the aorta
    knob_size: Range = (0.05, 0.09)
    hilum_x: Range = (0.15, 0.22)
    hilum_y: Range = (-0.12, 0.04)
    hilum_shadow: Range = (0.2, 0.8)
    spine_width: Range = (0.09, 0.14)
    spine_phase: Range = (0.0, 1.0)  # turns
    spine_shadow: Range = (0.0, 0.3)
    trachea_shadow: Range = (0.2, 0.6)  # taken away
    # bones and vessels
    rib_phase: Range = (0.0, 1.0)  # turns
    rib_spacing: Range = (0.125, 0.175)
    rib_slope: Range = (1.0, 2.2)  # fall to the sides, 1 / half widths
    rib_shadow: Range = (0.03, 0.11)
    margin_shadow: Range = (0.0, 0.22)  # the ribs at the side, seen along their length
    front_rib_phase: Range = (0.0, 1.0)  # turns
    front_rib_slope: Range = (0.4, 0.8)
    front_rib_shadow: Range = (0.0, 0.025)
    clavicle_y: Range = (-0.66, -0.52)
    clavicle_slope: Range = (0.10, 0.45)
    clavicle_shadow: Range = (0.3, 0.8)
    scapula_x: Range = (0.58, 0.72)  # outside the lungs; over them in those who lie
    scapula_shadow: Range = (0.2, 0.7)
    vessel_phase: Range = (0.0, 1.0)  # turns
    vessel_shadow: Range = (0.015, 0.075)
    spot_angle: Range = (-1.0, 1.0)  # vessels seen end on: bright dots that are no disease
    spot_reach: Range = (0.0, 1.0)
    spot_radius: Range = (0.03, 0.085)
    spot_shadow: Range = (0.03, 0.45)
    tissue_shadow: Range = (0.02, 0.05)  # standard deviation of the texture, relative
    # what lies on or in the patient
    lead_x: Range = (-0.65, 0.65)  # electrodes on the skin, and their wires
    lead_y: Range = (-0.60, 0.50)
    lead_slope: Range = (-0.8, 0.8)
    lead_bow: Range = (-0.5, 0.5)
    lead_shadow: Range = (-2.0, 0.3)
    pacemaker_x: Range = (0.32, 0.55)
    pacemaker_y: Range = (-0.55, -0.30)
    pacemaker_size: Range = (0.06, 0.11)
    pacemaker_shadow: Range = (-25.0, 2.0)
    tube_end: Range = (-0.45, 0.80)  # in the windpipe, or down in the stomach
    tube_bow: Range = (-0.15, 0.15)
    tube_shadow: Range = (-3.0, 0.5)
    marker_x: Range = (0.72, 0.90)  # the letters of the side; x and y in the picture's frame
    marker_y: Range = (-0.95, -0.80)
    marker_shadow: Range = (-0.6, 1.4)
    # disease
    opacity_x: Range = (-0.65, 0.65)  # place between the borders of the lung, in its half-width
    opacity_y: Range = (-0.70, 0.55)  # place between apex and base, in half its height
    opacity_radius: Range = (0.25, 0.50)
    opacity_aspect: Range = (0.7, 1.4)
    opacity_angle: Range = (0.0, 3.1416)
    opacity_border: Range = (0.15, 0.40)  # irregularity of the border
    opacity_texture: Range = (0.10, 0.40)  # relative inner texture
    opacity_grey: Range = (0.15, 0.75)  # peak amplitude over a clear lung, grey units
    # the scanner
    border_x: Range = (-0.20, 0.08)  # collimated at either side: black, where above zero
    border_y: Range = (-0.25, 0.08)  # above and below
    strip: Range = (-0.80, 0.12)  # blank film at the lower edge, where above zero
    fog_shadow: Range = (0.01, 0.10)  # table and scattered rays, everywhere
    heel: Range = (-0.15, 0.15)  # the beam is weaker on one side: relative, a half width from it
    gain: Range = (0.90, 1.10)
    offset: Range = (-0.03, 0.03)
    bend: Range = (-0.30, 0.35)
    photons: Range = (1800.0, 6500.0)  # rays a pixel


SHIFTED = {"gain": (0.75, 0.95), "bend": (0.10, 0.40), "photons": (500.0, 1700.0)}
BARE = Law()
BARE_SHIFTED = Law(name="bare shifted", **SHIFTED)  # a second scanner, drifted and noisier
LAWS = {law.name: law for law in (BARE, BARE_SHIFTED)}

_COUNT = dict.fromkeys(("lung_width", "dome_y", "dome_curve", "hilum_y"), 2)
_COUNT |= dict.fromkeys(("vessel_phase", "front_rib_phase", "border_x", "border_y"), 2)
_COUNT |= {f"lead_{name}": LEADS for name in ("x", "y", "slope", "bow")}
_COUNT |= dict.fromkeys(("marker_x", "marker_y"), STROKES)
_COUNT |= {f"spot_{name}": thorax.SPOTS for name in ("angle", "reach", "radius", "shadow")}


def sample(law: Law, labels: np.ndarray, rng: np.random.Generator) -> Parameters:
    """Draw one new subject for every label (N,), each in {0, 1, 2}."""
    return from_seeds(law, population.new_seeds(len(labels), rng), labels)


def from_seeds(law: Law, seeds: np.ndarray, labels: np.ndarray) -> Parameters:
    """The subjects with these seeds (N,) and labels (N,); the way to make one item again alone."""
    labels = np.asarray(labels, dtype=np.int64)
    if len(labels) != len(seeds) or not np.isin(labels, range(len(CLASSES))).all():
        raise ValueError("labels must be one of 0, 1, 2 for every seed; pass one label per seed.")
    return population.draw(law, seeds, labels, _COUNT)


def render(parameters: Parameters) -> Batch:
    """Draw every subject with and without its opacity, in the same noise."""
    chunks = range(0, len(parameters), CHUNK)
    return concatenate([_render(parameters[i : i + CHUNK]) for i in chunks])


def _white(seeds: np.ndarray) -> tuple[Tensor, ...]:
    """Standard normal numbers of every subject: noise, tissue, bend, border and texture."""
    shapes = (SIZE, TISSUE_MODES, BEND_MODES, LESION_MODES, LESION_MODES)
    total = sum(k * k for k in shapes)
    streams = (population.stream(seed, FIELDS) for seed in seeds)
    rows = [each.standard_normal(total, dtype=np.float32) for each in streams]
    parts = torch.from_numpy(np.stack(rows)).split([k * k for k in shapes], dim=1)
    return tuple(part.reshape(-1, k, k) for part, k in zip(parts, shapes, strict=True))


def _render(p: Parameters) -> Batch:
    v = {name: torch.from_numpy(a).unsqueeze(-1) for name, a in p.values.items()}  # (N, k, 1)
    noise, tissue_white, bend_white, border_white, texture_white = _white(p.seed)
    pose, x = thorax.posed(v, SIZE), grid(SIZE)[0]
    bend, grain = power_law_field(bend_white, SIZE, 1.0), power_law_field(tissue_white, SIZE, 0.2)
    depth, air = thorax.anatomy(pose, v, bend, grain)
    texture = v["tissue_shadow"] * power_law_field(tissue_white, SIZE, 1.1)
    depth = depth.add_(v["fog_shadow"] * (1 + 0.4 * bend)) * (1 + texture + v["heel"] * x)
    depth += devices(pose, v)
    tissue = acquisition.blurred(1 - depth.clamp_(min=0).neg_().exp_(), BLUR)
    opacity = _opacity(pose, v, p.label, air, border_white, texture_white)
    opacity *= (v["opacity_grey"] / (1 - CLEAR)) * (1 - tissue)
    tissue += acquisition.ray_noise(tissue, acquisition.grain(noise, GRAIN), v["photons"])

    healthy = acquisition.contrast(tissue, v["gain"], v["offset"], v["bend"])
    window, blank = _field(v)
    healthy = torch.addcmul(blank, healthy, window)
    # contrast(tissue + opacity) - contrast(tissue), exactly zero where the opacity is
    curve = 1 + v["bend"] * (1 - 2 * tissue - opacity)
    deviation = (v["gain"] * opacity).mul_(curve).mul_(window)
    image, healthy, deviation = (a.numpy() for a in (healthy + deviation, healthy, deviation))
    mask = deviation > 0  # one part, and all of what the lesion can change
    return Batch(image, healthy, mask.view(np.uint8), mask, deviation, p.label, p.seed, describe(p))


def _field(v: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Share of every pixel that the rays reach (N, H, W); 1 where the film is blank, (N, H, 1)."""
    x, y = grid(SIZE)

    def inside(at: Tensor, border: Tensor) -> Tensor:
        near, far = border[:, :1].clamp(min=0), border[:, 1:].clamp(min=0)
        low, high = (at + 1 - near) * (SIZE / 2) + 0.5, (1 - at - far) * (SIZE / 2) + 0.5
        return low.clamp(0, 1) * high.clamp(0, 1)

    blank = (y > 1 - v["strip"]).float()
    return inside(x, v["border_x"]) * (inside(y, v["border_y"]) * (1 - blank)), blank


def centre(v: dict[str, Tensor], side: Tensor) -> tuple[Tensor, Tensor]:
    """Where an opacity lies in the body, u and w (N, 1, 1): between the borders of its lung.

    side (N, 1, 1) is 1 for the patient's left lung and -1 for the right.
    """
    half = v["lung_height"] / 2
    w = v["lung_y"] - half + v["opacity_y"] * half
    widest = torch.where(side > 0, v["lung_width"][:, :1], v["lung_width"][:, 1:])
    up = (w - v["lung_y"]) / v["lung_height"]
    outer, inner = widest * thorax.flare(v, w) * (1 - up**4).sqrt(), v["mediastinum_width"]
    return side * ((outer + inner) + v["opacity_x"] * (outer - inner)) / 2, w


def _opacity(pose, v, label, air, border_white, texture_white) -> Tensor:
    """Opacity of unit amplitude, (N, H, W): zero for healthy subjects and outside its lung."""
    out = torch.zeros_like(air)
    sick = torch.from_numpy(np.flatnonzero(label != HEALTHY))
    if not len(sick):
        return out
    names = ("opacity", "lung", "mediastinum")
    w, p = {name: a[sick] for name, a in v.items() if name.startswith(names)}, pose[sick]
    side = torch.from_numpy(np.where(label == LEFT, 1.0, -1.0).astype(np.float32))[sick].view(
        -1, 1, 1
    )
    x0, y0 = centre(w, side)
    dx, dy, angle = p.u - x0, p.w - y0, w["opacity_angle"]
    a, b = w["opacity_radius"] * w["opacity_aspect"], w["opacity_radius"] / w["opacity_aspect"]
    along = (dx * angle.cos() + dy * angle.sin()) / a
    across = (dy * angle.cos() - dx * angle.sin()) / b
    border = w["opacity_border"] * power_law_field(border_white[sick], SIZE, 1.0)
    q = disc(along, across) * (1 + border).clamp_(min=0.3)
    texture = 1 + w["opacity_texture"] * power_law_field(texture_white[sick], SIZE, 0.5)
    inside = (3 * air[sick] - 0.6).clamp_(0, 1) * (side * p.u > 0)
    sharp = (1 - q).clamp_(min=0) * texture.clamp_(min=0.2) * inside
    out[sick] = (acquisition.blurred(sharp, BLUR) - FAINTEST).clamp_(min=0)
    return out


def describe(p: Parameters) -> tuple[str, ...]:
    """A radiologist's phrase for every subject: side, zone and size of its opacity."""
    zone = np.array(["lower", "middle", "upper"])[
        np.digitize(-p.values["opacity_y"][:, 0], (-0.15, 0.25))
    ]
    size = np.where(p.values["opacity_radius"][:, 0] > 0.26, "large", "small")
    side = np.array(["", "left", "right"])[p.label]
    return tuple(
        f"{s} opacity in the {d} lung, {z} zone" if d else "no opacity"
        for s, d, z in zip(size, side, zone, strict=True)
    )
