"""What the phantom laboratory shows: subjects of three laws, one parameter moved at a time.

A sweep draws one subject at nine values of a parameter, all else as its seed has it. Each image
comes with its healthy twin, its mask, numbers that patients' images have too, and what a model
observer says of its lesion. In a live notebook `live` has every parameter of a law as a slider.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields

import ipywidgets as widgets
import numpy as np
from matplotlib import pyplot as plt

from lib.datasets.volumes import SUV
from lib.explore import observer
from lib.explore.host import Explorer
from lib.metrics import appearance, reality
from lib.metrics.sharpness import noise_sd, spectrum
from lib.phantoms import brain, chest, neck, population
from lib.phantoms.population import Parameters, new_seeds

LESION, ANATOMY, SCANNER = "lesion", "anatomy", "scanner"  # what a parameter belongs to
SUBJECTS = 2  # of a law that are shown
OTHERS = {"chest": 150, "brain": 40, "neck": 40}  # subjects that tell the observer what varies
SCANNED = ("chest",)  # laws whose others are drawn anew for every scanner: volumes are slow
SMALLEST = {"chest": 100, "brain": 100, "neck": 25}  # pixels of a lesion that is shown
TRIED = 24  # subjects among which they are looked for
MEASURES = {  # of one image, beside those of patients
    "noise": "noise SD", "neighbour_correlation": "correlation of neighbours' residual",
    "fine_energy": "energy above 16 cycles",
}  # fmt: skip


@dataclass(frozen=True)
class Dial:
    """A parameter of a law and the values at which it is drawn."""

    name: str
    title: str
    part: str  # LESION, ANATOMY or SCANNER: a scanner's is every subject's
    values: tuple[float, ...]


DIALS = {
    "chest": (
        Dial("opacity_grey", "opacity, grey units over a clear lung", LESION,
             (0.0, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5, 0.75)),
        Dial("opacity_radius", "radius of the opacity, half widths", LESION,
             (0.06, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)),
        Dial("lung_air", "air in the lungs, share", ANATOMY,
             (0.5, 0.55, 0.6, 0.65, 0.7, 0.76, 0.82, 0.88, 0.94)),
        Dial("rib_shadow", "shadow of the ribs, optical depths", ANATOMY,
             (0.0, 0.03, 0.06, 0.09, 0.12, 0.16, 0.2, 0.25, 0.3)),
        Dial("photons", "rays a pixel", SCANNER,
             (50.0, 100.0, 200.0, 400.0, 800.0, 1600.0, 3200.0, 6400.0, 12800.0)),
    ),
    "brain": (
        Dial("tumour_strength", "strength of the tumour, times", LESION,
             (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5)),
        Dial("tumour_radius", "radius of the tumour, half widths", LESION,
             (0.1, 0.14, 0.18, 0.22, 0.27, 0.32, 0.38, 0.44, 0.5)),
        Dial("mass_effect", "mass effect, tumour radii", LESION,
             (0.0, 0.06, 0.12, 0.18, 0.25, 0.31, 0.37, 0.43, 0.5)),
        Dial("ventricle_size", "growth of the ventricles, mm", ANATOMY,
             (-2.5, -1.75, -1.0, -0.25, 0.5, 1.25, 2.0, 2.75, 3.5)),
        Dial("noise", "noise of a channel, grey units", SCANNER,
             (0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.1, 0.15)),
    ),
    "neck": (
        Dial("tumour_strength", "strength of the tumour, times", LESION,
             (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5)),
        Dial("tumour_radius", "radius of the tumour, mm", LESION,
             (4.0, 5.5, 7.0, 8.5, 10.0, 12.0, 14.0, 16.0, 18.0)),
        Dial("girth", "girth of the neck, times", ANATOMY,
             (0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2)),
        Dial("blur", "blur of the scanner, mm", SCANNER,
             (3.0, 4.0, 5.0, 6.0, 7.0, 8.5, 10.0, 12.0, 15.0)),
        Dial("noise", "noise at SUV 1", SCANNER,
             (0.02, 0.04, 0.08, 0.12, 0.18, 0.26, 0.4, 0.6, 0.9)),
    ),
}  # fmt: skip
TITLES = {"chest": "Chest radiograph", "brain": "Brain, FLAIR", "neck": "Head and neck, PET"}
LAWS = {"chest": chest.BARE, "brain": brain.BRAIN, "neck": neck.NECK}


# ---- drawing ------------------------------------------------------------------------------------


def parameters(
    kind: str, seeds: np.ndarray, changes: Mapping[str, np.ndarray | float] | None = None
) -> Parameters:
    """The subjects (N,) of a law; changes[name] replaces a parameter, by one number or (N,).

    Chests have their opacity in the left lung. ValueError for an unknown kind or parameter.
    """
    if kind not in LAWS:
        raise ValueError(f"kind {kind!r} is unknown; use one of {', '.join(LAWS)}.")
    if kind == "chest":
        p = chest.from_seeds(chest.BARE, seeds, np.full(len(seeds), chest.LEFT))
    else:
        p = (brain if kind == "brain" else neck).from_seeds(LAWS[kind], seeds)
    values = dict(p.values)
    for name, value in (changes or {}).items():
        if name not in values:
            raise ValueError(f"the law of {kind} has no parameter {name!r}; see its class Law.")
        each = np.broadcast_to(np.reshape(value, (-1, 1)), values[name].shape)
        values[name] = each.astype(np.float32)
    return Parameters(p.law, p.seed, p.label, values)


def rendered(kind: str, p: Parameters) -> dict[str, np.ndarray]:
    """image, healthy in [0, 1] and mask, (N, D, H, W) as volumes; a chest is one slice."""
    if kind == "chest":
        batch = chest.render(p)
        found = batch.image, batch.healthy, batch.mask
        found = tuple(a[:, None] for a in found)
    elif kind == "brain":
        batch = brain.render(p, modalities=("FLAIR",))
        found = batch.image[:, 0], batch.healthy[:, 0], batch.mask
    else:
        batch = neck.render(p)
        found = batch.image[:, 0] / SUV, batch.healthy[:, 0] / SUV, batch.parts == neck.PRIMARY
    image, healthy, mask = found
    return {"image": image.clip(0, 1), "healthy": healthy.clip(0, 1), "mask": mask}


def chosen(kind: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Seeds (n,) of subjects with a lesion of SMALLEST pixels, and the slices that show most of it.

    ValueError if there are fewer among TRIED.
    """
    seeds = new_seeds(TRIED, rng)
    area = rendered(kind, parameters(kind, seeds))["mask"].sum((2, 3))
    at = np.flatnonzero(area.max(1) >= SMALLEST[kind])[:n]
    if len(at) < n:
        raise ValueError(f"{n} subjects are asked, {len(at)} of {TRIED} have a lesion to see.")
    return seeds[at], area[at].argmax(1)


# ---- sweeps -------------------------------------------------------------------------------------


def sweeps(kind: str, stream: list[int], others: int | None = None) -> dict[str, np.ndarray]:
    """All sweeps of a law: S subjects, K dials, V values, and first the subjects as they are.

    As uint8 of 255 steps: plain/image, plain/healthy (S, H, W); image, healthy (K, S, V, H, W).
    Masks of 0 and 1: plain/mask, mask. float32, in the same order: plain/numbers (S, M), numbers (K
    S V, M), MEASURES of the image, NaN where it has none; detectability (K S, V), d' of the model
    observer, NaN where it was not asked; contrast (K S, V), the lesion's mean deviation in its
    mask, 0 without one. others: subjects behind the observer's covariance, OTHERS by default.
    """
    choose_rng, other_rng = np.random.default_rng(stream).spawn(2)
    seeds, levels = chosen(kind, SUBJECTS, choose_rng)
    unknown = new_seeds(others or OTHERS[kind], other_rng)
    around = _healthy(kind, unknown, {}, levels)
    plain = _swept(kind, seeds, levels, {})
    parts = [_sweep(kind, dial, seeds, levels, unknown, around) for dial in DIALS[kind]]
    found = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    flat = {name: _flat(found[name]) for name in ("numbers", "detectability", "contrast")}
    return found | flat | {f"plain/{name}": plain[name][:, 0] for name in PLAIN}


PLAIN = ("image", "healthy", "mask", "numbers")


def _flat(values: np.ndarray) -> np.ndarray:
    """Numbers as a table: the record keeps tables as they are, and rounds what may be a picture."""
    return values.reshape(-1, values.shape[-1])


def correct(sweep: Mapping[str, np.ndarray], dial: int, fade: float = 1.0) -> np.ndarray:
    """How often the observer picks a lesion faded to a share of itself out of two, (S, V), for one
    of a law's DIALS."""
    d = sweep["detectability"].reshape(*sweep["image"].shape[:3])[dial]
    return observer.correct(fade * d)


def _sweep(kind, dial: Dial, seeds, levels, unknown, around) -> dict[str, np.ndarray]:
    """One dial for all subjects, (S, V, ...) each."""
    found = _swept(kind, seeds, levels, {dial.name: np.array(dial.values)})
    deviation, mask = found.pop("deviation"), found["mask"]
    d = np.full(deviation.shape[:2], np.nan, np.float32)
    for v, value in enumerate(dial.values):
        if dial.part == SCANNER:
            if kind not in SCANNED:
                continue
            around = _healthy(kind, unknown, {dial.name: value}, levels)
        for s, healthy in enumerate(around):
            d[s, v] = _detected(deviation[s, v], healthy, mask[s, v])
    contrast = (deviation * mask).sum((2, 3)) / np.maximum(1, mask.sum((2, 3)))
    return found | {"detectability": d, "contrast": contrast.astype(np.float32)}


def _detected(deviation: np.ndarray, healthy: np.ndarray, mask: np.ndarray) -> float:
    return observer.detectability(deviation, healthy, mask) if mask.any() else 0.0


def _swept(kind, seeds, levels, changes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Subjects at every value of at most one parameter, (S, V, ...), in the slices shown."""
    count = max((len(values) for values in changes.values()), default=1)
    parts = []
    for seed, level in zip(seeds, levels, strict=True):
        drawn = rendered(kind, parameters(kind, np.full(count, seed), changes))
        one = {name: a[:, level] for name, a in drawn.items()}
        one |= {"deviation": one["image"] - one["healthy"], "numbers": numbers(kind, one["image"])}
        parts.append(one)
    found = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    small = {name: np.round(found[name] * 255).astype(np.uint8) for name in ("image", "healthy")}
    return found | small | {"mask": found["mask"].astype(np.uint8)}


def _healthy(kind, seeds, changes: dict[str, float], levels) -> np.ndarray:
    """Other subjects without a lesion in the slices of those who are shown, (S, N, H, W)."""
    drawn = rendered(kind, parameters(kind, seeds, changes))["healthy"]
    return np.stack([drawn[:, level] for level in levels])


def numbers(kind: str, images: np.ndarray) -> np.ndarray:
    """MEASURES of every image (N, H, W), (N, M) float32, in the scale of `appearance.scaled`."""
    stripped = reality.known()[kind].get("stripped", False)
    found = []
    for image in appearance.scaled(images, stripped):
        inside = appearance.body(image)
        enough = inside.sum() >= appearance.SMALLEST
        found.append([
            noise_sd(image, inside) if enough else np.nan,
            appearance.neighbour_correlation(image, inside) if enough else np.nan,
            appearance.fine_energy(spectrum(image[None])),
        ])  # fmt: skip
    return np.array(found, np.float32)


def explorer(found: Mapping[str, Mapping[str, np.ndarray]]) -> Explorer:
    """The laboratory of the `sweeps` of some laws by kind."""
    arrays = {f"{kind}/{name}": a for kind, each in found.items() for name, a in each.items()}
    real = {kind: reality.known()[kind]["values"] for kind in found}
    plain = {
        "kinds": [{"name": kind, "title": TITLES[kind], "dials": [
            {"title": dial.title, "part": dial.part, "values": list(dial.values)}
            for dial in DIALS[kind]]} for kind in found],
        "measures": [{"title": title, "real": {
            kind: [real[kind].get(f"{name}{end}") for end in ("", "_10", "_90")] for kind in found
        }} for name, title in MEASURES.items()],
    }  # fmt: skip
    return Explorer("phantom", "Phantom laboratory", arrays | plain, height=900)


# ---- every parameter, with a kernel -------------------------------------------------------------


def live(kind: str, seed: int) -> widgets.VBox:
    """A subject with every parameter of its law as a slider, drawn anew when one is moved."""
    p = parameters(kind, np.array([seed]))
    level = int(rendered(kind, p)["mask"].sum((2, 3)).argmax())
    sliders = {name: _slider(p, name) for name in _names(p.law)}
    view = widgets.Image(format="png", layout=widgets.Layout(width="100%", max_width="720px"))

    def draw(_=None) -> None:
        changes = {name: each.value for name, each in sliders.items()}
        one = rendered(kind, parameters(kind, p.seed, changes))
        view.value = png({name: a[0, level] for name, a in one.items()})

    for each in sliders.values():
        each.observe(draw, "value")
    draw()
    tall = widgets.Layout(max_height="320px", overflow="hidden auto", display="block")
    return widgets.VBox([view, widgets.VBox([*sliders.values()], layout=tall)])


def _names(law: population.Law) -> list[str]:
    return [field.name for field in fields(law) if field.name != "name"]


def _slider(p: Parameters, name: str) -> widgets.FloatSlider:
    """A slider over a parameter's range and half as much on either side, at the subject's value."""
    low, high = getattr(p.law, name)
    room = (high - low) / 2 or 0.5
    value = float(p.values[name].mean())  # of parts with several values, all move together
    style, layout = {"description_width": "11em"}, widgets.Layout(width="95%")
    return widgets.FloatSlider(
        value=value, min=low - room, max=high + room, step=(high - low + 2 * room) / 200,
        description=name, continuous_update=False, style=style, layout=layout, readout_format=".3g",
    )  # fmt: skip


def png(one: Mapping[str, np.ndarray]) -> bytes:
    """image, healthy twin and deviation (H, W) side by side as a PNG."""
    figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.6), layout="constrained")
    apart = one["image"] - one["healthy"]
    for ax, field, title in zip(axes, (one["image"], one["healthy"], apart),
                                ("image", "healthy twin", "deviation"), strict=True):  # fmt: skip
        low, colours = (-0.4, "RdBu_r") if title == "deviation" else (0, "gray")
        ax.imshow(field, cmap=colours, vmin=low, vmax=0.4 if low else 1)
        ax.set(title=title, xticks=[], yticks=[])
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    plt.close(figure)
    return file.getvalue()
