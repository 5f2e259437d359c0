"""What lies on or in a patient and is no disease: electrodes, pacemaker, tube, the side's letters.

Shadows as in `thorax`. Each is there where its shadow is above zero, in every class alike.
"""

import torch
from torch import Tensor

from lib.phantoms.shapes import disc, gaussian_spots, grid, hump, rise
from lib.phantoms.thorax import Pose, Values

LEADS = 3  # electrodes of one electrocardiogram
STROKES = 4  # of the letters of the side
WIRE = 0.038  # half the width of a wire's shadow, in half image widths


def devices(p: Pose, v: Values) -> Tensor:
    """Shadow of all devices, (N, H, W)."""
    out = marker(v, p.u.shape[-1])
    for name, part in (("lead", leads), ("pacemaker", pacemaker), ("tube", tube)):
        some = torch.nonzero(v[f"{name}_shadow"].flatten() > 0).flatten()
        if len(some):
            own = {key: a[some] for key, a in v.items() if key.startswith(name)}
            out.index_add_(0, some, own[f"{name}_shadow"] * part(p[some], own))
    return out


def wire(away: Tensor, slope: Tensor) -> Tensor:
    """A thin wire, at a distance `away` along one axis from a curve of this slope."""
    return hump((away / WIRE).square_() / (1 + slope.square()))


def leads(p: Pose, v: Values) -> Tensor:
    """Electrodes on the skin, each with a wire that leaves it downwards."""
    out = torch.zeros_like(p.u)
    for i in range(LEADS):
        x, y, slope, bow = (v[f"lead_{name}"][:, i : i + 1] for name in ("x", "y", "slope", "bow"))
        across, down = p.u - x, p.w - y
        run = wire(across - slope * down - bow * down.square(), slope + 2 * bow * down)
        out += run * rise(down, 0.04) + 2 * hump(disc(across, down) / 0.0045)
    return out


def pacemaker(p: Pose, v: Values) -> Tensor:
    """A box below the left clavicle, whose wire runs to the great vein and down into the heart."""
    x, y, size = v["pacemaker_x"], v["pacemaker_y"], v["pacemaker_size"]
    q = disc(((p.u - x) / size).square_(), ((p.w - y) / (0.8 * size)).square_())
    along = (p.w + 0.5) / 0.8
    vein = wire(p.u + 0.04 - 0.2 * along.square(), 0.5 * along) * _between(along)
    across = p.u / x
    bridge = wire(p.w + 0.5 - (y + 0.6) * across + 0.1 * across.square(), 0.2 - across)
    return rise(1 - q, 0.5) + 0.3 * (vein + bridge * _between(across))


def tube(p: Pose, v: Values) -> Tensor:
    """A tube in the windpipe, or through the gullet to the stomach."""
    bow = 0.3 * v["tube_bow"] * (p.w + 1).square()
    return wire(p.u - 0.02 - bow, torch.zeros(())) * rise(v["tube_end"] - p.w, 0.05)


def marker(v: Values, size: int) -> Tensor:
    """The letters beside the patient's left shoulder, too small to be read."""
    x, y = grid(size)
    x0, y0 = v["marker_x"].squeeze(-1), v["marker_y"].squeeze(-1)
    shadow = v["marker_shadow"].squeeze(-1).clamp(min=0).expand_as(x0)
    radius, n = torch.full_like(x0, 0.016), len(x0)
    return gaussian_spots(x.expand(n, 1, -1), y.expand(n, -1, 1), x0, y0, radius, shadow)


def _between(t: Tensor) -> Tensor:
    """1 for t in (0, 1), 0 outside, with soft ends."""
    return rise(t, 0.1) * rise(1 - t, 0.1)
