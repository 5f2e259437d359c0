"""Chest radiograph phantoms with the findings of four public sets, alone and together.

The subjects are those of `chest`, without its opacity. A subject is one 64-bit seed: it gives the
body, the noise, the kind of patient that the subject is and so its findings, and every finding's
severity and place. Labels can be set instead; they change nothing else, so the healthy
counterfactual of a subject is the same seed without findings.

A law is a mixture of kinds of patients. Within a kind findings are independent; that they come
together (a large heart, edema and effusion; pneumothorax and tube) is the mixture's doing, and all
prevalences follow in closed form.

Severities were set once, on real-only readers, and then frozen: `difficulty.json` holds what was
aimed at and what was measured. The sets are those of ControlNet, Table 1; scanners and bodies of
mimic and candid are alike, the other three have scanners of their own.
"""

from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lib.phantoms import acquisition, chest, population, signs, thorax
from lib.phantoms.chest import SIZE
from lib.phantoms.devices import devices
from lib.phantoms.population import Parameters, Range
from lib.phantoms.shapes import grid, power_law_field

FINDINGS = (
    "atelectasis", "cardiomegaly", "consolidation", "edema", "pleural effusion", "pneumonia",
    "pneumothorax", "rib fracture", "chest tube",
)  # fmt: skip
PARTS = FINDINGS + ("left lung", "right lung", "heart")  # bits of `planes`
STEMS = (
    "atelectasis", "cardiomegaly", "consolidation", "edema", "effusion", "pneumonia",
    "pneumothorax", "fracture", "drain",
)  # fmt: skip
SIGNS = (
    signs.atelectasis, signs.cardiomegaly, signs.consolidation, signs.edema, signs.effusion,
    signs.pneumonia, signs.pneumothorax, signs.fracture, signs.chest_tube,
)  # fmt: skip
ONE, ANY = ("left", "right"), ("left", "right", "bilateral")
SIDED = {
    "atelectasis": ONE, "consolidation": ONE, "pleural effusion": ANY, "pneumonia": ANY,
    "pneumothorax": ONE, "rib fracture": ONE, "chest tube": ONE,
}  # fmt: skip
ZONED = ("consolidation",)
CHUNK = 48  # images rendered at once
SEEN = 0.02  # change of grey from which a pixel counts to a finding
FAINTEST = 0.004  # change of grey that counts as none: less than the noise
KIND = 2  # the random stream of a subject's kind and findings


@dataclass(frozen=True)
class Body(chest.Law):
    """The ranges of the chest's law, and of what the findings look like; 0 to 1 is mild to severe.

    A side below 0.5 is the left. Places as `chest.centre` has them.
    """

    name: str = "body"
    heart_size: Range = (0.34, 0.43)  # narrower than the chest's: no large heart is normal
    atelectasis_severity: Range = (0.0, 1.0)
    atelectasis_side: Range = (0.0, 1.0)
    atelectasis_x: Range = (-0.3, 0.3)
    atelectasis_y: Range = (0.35, 0.85)
    atelectasis_angle: Range = (-0.35, 0.35)  # of the band; above zero it falls to the side
    cardiomegaly_severity: Range = (0.0, 1.0)
    consolidation_severity: Range = (0.0, 1.0)
    consolidation_side: Range = (0.0, 1.0)
    consolidation_x: Range = (-0.4, 0.3)
    consolidation_y: Range = (-0.45, 0.80)
    edema_severity: Range = (0.0, 1.0)
    effusion_severity: Range = (0.0, 1.0)
    effusion_side: Range = (0.0, 1.0)
    pneumonia_severity: Range = (0.0, 1.0)
    pneumonia_side: Range = (0.0, 1.0)
    pneumonia_x: Range = (-0.5, 0.5)
    pneumonia_y: Range = (-0.35, 0.80)
    pneumonia_radius: Range = (0.20, 0.38)
    pneumothorax_severity: Range = (0.0, 1.0)
    pneumothorax_side: Range = (0.0, 1.0)
    pneumothorax_balance: Range = (0.0, 1.0)
    pneumothorax_reach: Range = (0.0, 0.7)
    pneumothorax_dark: Range = (0.08, 0.22)  # shadow that the collapsed lung no longer throws
    pneumothorax_line: Range = (0.10, 0.30)  # shadow of the pleura, seen along itself
    fracture_severity: Range = (0.0, 1.0)
    fracture_side: Range = (0.0, 1.0)
    fracture_x: Range = (0.55, 0.85)  # of the lung's width
    fracture_y: Range = (-0.35, 0.10)
    fracture_shadow: Range = (0.25, 0.50)
    drain_severity: Range = (0.0, 1.0)  # counts nothing: a tube is there or not
    drain_side: Range = (0.0, 1.0)
    drain_x: Range = (0.20, 0.42)  # where its end lies
    drain_to: Range = (-0.65, 0.00)
    drain_from: Range = (0.00, 0.40)  # height at which it enters
    drain_shadow: Range = (0.50, 1.10)


class Kind(NamedTuple):
    """A kind of patient: its share of a law's subjects, and the chance of each finding."""

    share: float
    chances: dict[str, float]


@dataclass(frozen=True)
class Law(population.Law):
    """A frozen population: bodies and scanner, and the kinds of patients in it."""

    body: Body = Body()
    kinds: tuple[Kind, ...] = (Kind(1.0, {}),)
    blur: float = chest.BLUR  # deviation of the detector's point spread, pixels

    def prevalence(self, *names: str) -> float:
        """Share of the subjects that have all these findings."""
        return sum(
            kind.share * float(np.prod([kind.chances.get(name, 0.0) for name in names]))
            for kind in self.kinds
        )


WELL = {"rib fracture": 0.02}
HEART = {"cardiomegaly": 0.55, "edema": 0.65, "pleural effusion": 0.65, "atelectasis": 0.25}
CHEST = {"consolidation": 0.45, "pneumonia": 0.65, "pleural effusion": 0.35, "atelectasis": 0.15}
TRAUMA = {"pneumothorax": 0.75, "rib fracture": 0.40, "chest tube": 0.45, "atelectasis": 0.10}
BED = {"atelectasis": 0.55, "pleural effusion": 0.45, "chest tube": 0.15, "cardiomegaly": 0.15}
SIIM = {
    "gain": (0.78, 0.95), "bend": (0.15, 0.50), "photons": (700.0, 2200.0),
    "pneumothorax_severity": (0.0, 0.8), "pneumothorax_line": (0.04, 0.17),
    "pneumothorax_dark": (0.03, 0.12),
}  # fmt: skip
RSNA = {"gain": (0.95, 1.12), "bend": (-0.55, -0.15), "photons": (900.0, 3000.0)}
CHEXPERT = {"gain": (0.75, 0.95), "bend": (-0.10, 0.65), "photons": (600.0, 2000.0)}
MIMIC_LIKE = Law(
    "mimic",
    body=Body("mimic", pneumothorax_severity=(0.15, 1.0)),
    kinds=(Kind(0.30, WELL), Kind(0.22, HEART), Kind(0.20, CHEST), Kind(0.13, TRAUMA),
           Kind(0.15, BED)),
)  # fmt: skip
CANDID_LIKE = Law(
    "candid",
    body=Body("candid", pneumothorax_severity=(0.3, 1.0)),
    kinds=(Kind(0.50, WELL), Kind(0.30, {"pneumothorax": 0.85, "rib fracture": 0.15,
           "chest tube": 0.30}), Kind(0.20, {"pleural effusion": 0.3, "chest tube": 0.1})),
)  # fmt: skip
SIIM_LIKE = Law(
    "siim",
    body=Body("siim", **SIIM),
    kinds=(Kind(1.0, {"pneumothorax": 1.0, "chest tube": 0.25}),),
    blur=0.5,
)
RSNA_LIKE = Law(
    "rsna",
    body=Body("rsna", **RSNA),
    kinds=(Kind(0.225, {"pneumonia": 1.0, "pleural effusion": 0.15}), Kind(0.475, WELL),
           Kind(0.30, {"cardiomegaly": 0.3, "edema": 0.2, "pleural effusion": 0.2,
                       "atelectasis": 0.3})),
    blur=0.4,
)  # fmt: skip
CHEXPERT_LIKE = Law(
    "chexpert",
    body=Body("chexpert", **CHEXPERT),
    kinds=(Kind(0.35, {}), Kind(0.35, {"cardiomegaly": 0.30, "edema": 0.60,
           "pleural effusion": 0.60, "atelectasis": 0.10}), Kind(0.10, {"consolidation": 0.60,
           "pleural effusion": 0.40, "atelectasis": 0.15}), Kind(0.20, {"atelectasis": 0.50,
           "pleural effusion": 0.60, "edema": 0.15})),
    blur=0.45,
)  # fmt: skip
LAWS = {law.name: law for law in
        (MIMIC_LIKE, CANDID_LIKE, SIIM_LIKE, RSNA_LIKE, CHEXPERT_LIKE)}  # fmt: skip

_COUNT = chest._COUNT | dict.fromkeys(
    ("pneumonia_x", "pneumonia_y", "pneumonia_radius", "fracture_x"), 3
)


class Statement(NamedTuple):
    """What is true of one finding of one subject."""

    finding: str
    grade: float  # 0, mild, to 1, severe
    side: str = ""  # left, right, bilateral; empty where a finding has none
    zone: str = ""  # upper, middle, lower; empty where none is told

    @property
    def severity(self) -> str:
        """mild, moderate or severe."""
        return ("mild", "moderate", "severe")[min(int(3 * self.grade), 2)]


@dataclass(frozen=True)
class Films:
    """N rendered radiographs with their known truth, the patient's left on the right.

    image:     (N, 64, 64) float32 in [0, 1], the subject as acquired
    healthy:   (N, 64, 64) float32 in [0, 1], the same subject in the same noise without findings
    deviation: (N, 64, 64) float32, image - healthy; exactly zero outside the support
    support:   (N, 64, 64) bool, every pixel that the findings change
    planes:    (N, 64, 64) uint16, bit j set where part j of PARTS lies
    labels:    (N, 9) uint8, 1 for every finding of FINDINGS that the subject has
    subject:   (N,) uint64, the seed that makes this subject again
    """

    image: np.ndarray
    healthy: np.ndarray
    deviation: np.ndarray
    support: np.ndarray
    planes: np.ndarray
    labels: np.ndarray
    subject: np.ndarray

    def __len__(self) -> int:
        return len(self.image)


# ---- subjects -----------------------------------------------------------------------------------


def columns(*names: str) -> list[int]:
    """Places of findings in FINDINGS; ValueError for an unknown name."""
    for name in names:
        if name not in FINDINGS:
            raise ValueError(f"finding {name!r} is unknown; choose of {', '.join(FINDINGS)}.")
    return [FINDINGS.index(name) for name in names]


def plane(planes: np.ndarray, part: str) -> np.ndarray:
    """Where one part of PARTS lies: bool, shaped as planes; ValueError for an unknown name."""
    if part not in PARTS:
        raise ValueError(f"part {part!r} is unknown; choose of {', '.join(PARTS)}.")
    return (planes >> PARTS.index(part) & 1).astype(bool)


def law_named(name: str) -> Law:
    """The law of LAWS; ValueError for an unknown name."""
    if name not in LAWS:
        raise ValueError(f"law {name!r} is unknown; choose one of {', '.join(LAWS)}.")
    return LAWS[name]


def draw_labels(law: Law, seeds: np.ndarray) -> np.ndarray:
    """The findings (N, 9) uint8 of these subjects: each one's kind, then a coin a finding."""
    chances = np.array([[kind.chances.get(name, 0.0) for name in FINDINGS] for kind in law.kinds])
    upper = np.cumsum([kind.share for kind in law.kinds])[:-1]
    uniform = [population.stream(seed, KIND).random(1 + len(FINDINGS)) for seed in seeds]
    uniform = np.array(uniform).reshape(-1, 1 + len(FINDINGS))
    kind = np.searchsorted(upper, uniform[:, 0], side="right")
    return (uniform[:, 1:] < chances[kind]).astype(np.uint8)


def sample(law: Law, n: int, rng: np.random.Generator) -> Parameters:
    """Draw n new subjects."""
    return from_seeds(law, population.new_seeds(n, rng))


def from_seeds(law: Law, seeds: np.ndarray, labels: np.ndarray | None = None) -> Parameters:
    """The subjects with these seeds (N,); the way to make one again alone.

    labels (N, 9), 0 or 1, in place of the findings that the law draws. Fracture and tube lie on the
    side of a pneumothorax. ValueError for labels of another shape or other values.
    """
    seeds = np.asarray(seeds, dtype=np.uint64)
    labels = draw_labels(law, seeds) if labels is None else np.asarray(labels)
    if labels.shape != (len(seeds), len(FINDINGS)) or not np.isin(labels, (0, 1)).all():
        raise ValueError(
            f"labels must be 0 or 1, of shape ({len(seeds)}, {len(FINDINGS)}); got {labels.shape}."
        )
    p = population.draw(law.body, seeds, labels, _COUNT)
    air = labels[:, columns("pneumothorax")] == 1
    same = {f"{stem}_side": np.where(air, p.values["pneumothorax_side"], p.values[f"{stem}_side"])
            for stem in ("fracture", "drain")}  # fmt: skip
    return replace(p, law=law, values=p.values | same)


def statements(p: Parameters) -> list[list[Statement]]:
    """What is true of every subject's findings, in the order of FINDINGS."""
    v = {name: torch.from_numpy(a).unsqueeze(-1) for name, a in p.values.items()}
    sides = {name: signs.present(v, stem)[..., 0].numpy() for name, stem in
             zip(FINDINGS, STEMS, strict=True) if name in SIDED}  # fmt: skip
    return [[_statement(p, i, j, sides) for j in row.nonzero()[0]] for i, row in enumerate(p.label)]


def _statement(p: Parameters, i: int, j: int, sides: dict[str, np.ndarray]) -> Statement:
    name, stem = FINDINGS[j], STEMS[j]
    left, right = sides[name][i] if name in sides else (0, 0)
    side = "bilateral" if left and right else "left" if left else "right" if right else ""
    zone = ""
    if name in ZONED:
        zone = ("upper", "middle", "lower")[np.digitize(p.values[f"{stem}_y"][i, 0], (0.0, 0.4))]
    return Statement(name, float(p.values[f"{stem}_severity"][i, 0]), side, zone)


# ---- films --------------------------------------------------------------------------------------


def render(p: Parameters) -> Films:
    """Draw every subject with and without its findings, in the same noise."""
    chunks = [_render(p[i : i + CHUNK]) for i in range(0, len(p), CHUNK)]
    return Films(*(np.concatenate([getattr(c, f.name) for c in chunks]) for f in fields(Films)))


def _fields(seeds: np.ndarray) -> tuple[Tensor, ...]:
    """Random fields of every subject: white noise, and tissue twice, bend, border and texture."""
    sides = (SIZE, chest.TISSUE_MODES, chest.BEND_MODES, chest.LESION_MODES, chest.LESION_MODES)
    total = sum(k * k for k in sides)
    streams = (population.stream(seed, chest.FIELDS) for seed in seeds)
    rows = np.stack([each.standard_normal(total, dtype=np.float32) for each in streams])
    parts = torch.from_numpy(rows).split([k * k for k in sides], dim=1)
    noise, tissue, bend, border, texture = (
        part.reshape(-1, k, k) for part, k in zip(parts, sides, strict=True)
    )
    slopes = ((tissue, 0.2), (tissue, 1.1), (bend, 1.0), (border, 1.0), (texture, 0.5))
    return noise, *(power_law_field(white, SIZE, slope) for white, slope in slopes)


def _render(p: Parameters) -> Films:
    v = {name: torch.from_numpy(a).unsqueeze(-1) for name, a in p.values.items()}  # (N, k, 1)
    noise, fine, tissue, bend, border, texture = _fields(p.seed)
    pose, x = thorax.posed(v, SIZE), grid(SIZE)[0]
    depth, air = thorax.anatomy(pose, v, bend, fine)
    depth = depth.add_(v["fog_shadow"] * (1 + 0.4 * bend))
    depth = (depth * (1 + v["tissue_shadow"] * tissue + v["heel"] * x)).add_(devices(pose, v))
    depth.clamp_(min=0)
    lungs = signs.Lungs(air, bend, fine, border, texture)
    shadow, planes = _drawn(p.label, pose, v, lungs, depth)

    still = _rays(depth, p.law.blur)
    noise = acquisition.ray_noise(still, acquisition.grain(noise, chest.GRAIN), v["photons"])
    healthy = _film(still + noise, v)
    image, sick = healthy.clone(), torch.from_numpy(p.label.any(1).nonzero()[0])
    found = _rays((depth[sick] + shadow[sick]).clamp_(min=0), p.law.blur) + noise[sick]
    image[sick] = _film(found, _of(v, sick))
    support = (image - healthy).abs() > FAINTEST
    image = torch.where(support, image, healthy)
    planes *= (chest._field(v)[0] > 0.5).numpy()
    arrays = (a.numpy() for a in (image, healthy, image - healthy, support))
    return Films(*arrays, planes, p.label.astype(np.uint8), p.seed)


def _of(v: thorax.Values, items: Tensor) -> thorax.Values:
    return {name: a[items] for name, a in v.items()}


def _rays(depth: Tensor, blur: float) -> Tensor:
    """Share of the rays that a body stops, as the detector sees it."""
    return acquisition.blurred(1 - depth.neg().exp_(), blur)


def _film(tissue: Tensor, v: thorax.Values) -> Tensor:
    """Grey values (N, 64, 64) in [0, 1] through the scanner's contrast, inside of its field."""
    window, blank = chest._field(v)
    grey = acquisition.contrast(tissue, v["gain"], v["offset"], v["bend"])
    return torch.addcmul(blank, grey, window).clamp_(0, 1)


def _drawn(labels, pose, v, lungs, depth) -> tuple[Tensor, np.ndarray]:
    """The shadow of all findings together, and the planes of every part."""
    shadow, clear = torch.zeros_like(depth), depth.neg().exp()
    planes = _anatomy(labels, pose, v)
    for j, (name, sign) in enumerate(zip(FINDINGS, SIGNS, strict=True)):
        rows = labels[:, j].nonzero()[0]
        if len(rows):
            some = torch.from_numpy(rows)
            at, own = pose[some], _of(v, some)
            added = sign(at, own, lungs[some])
            shadow.index_add_(0, some, added)
            if name == "pneumothorax":  # all of the air, not where a vessel is missing
                seen = signs.pleural_air(at, own) > 0.5
            else:
                seen = (clear[some] * (1 - added.neg().exp_())).abs() > SEEN
            planes[rows] |= seen.numpy().astype(np.uint16) << j
    return shadow, planes


def _anatomy(labels: np.ndarray, pose: thorax.Pose, v: thorax.Values) -> np.ndarray:
    """The planes (N, 64, 64) of lungs and heart, with what findings do to their shape."""
    has = {name: torch.from_numpy(labels[:, j] == 1).view(-1, 1, 1) for j, name in
           enumerate(FINDINGS)}  # fmt: skip
    for name, changed in (("atelectasis", signs.shrunken), ("cardiomegaly", signs.enlarged)):
        v = {key: torch.where(has[name], a, v[key]) for key, a in changed(v).items()}
    above = thorax.above_dome(pose, v) > 0.5
    heart = (signs.heart(pose, v) < 1) & above
    lung = (thorax.cage(pose, v) < 1) & above & ~heart & (pose.x.abs() > v["mediastinum_width"])
    left = pose.u > 0
    parts = (lung & left, lung & ~left, heart)
    return sum(a.numpy().astype(np.uint16) << len(FINDINGS) + i for i, a in enumerate(parts))
