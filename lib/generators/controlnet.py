"""ControlNet on a frozen text-to-image base: films of requested texts and masks.

A trainable copy of the base's encoder half sees the mask and adds to the base's maps through
convolutions that start at zero (Zhang et al. 2023; the paper, "Model Architecture and Training").
The paper trains it on masks with the text "N/A" and asks it for any combination of both: T2I
(text), M2I (mask), TM2I (both). A black mask and "N/A" are zero vectors.

Its twin, ours, has no branch: the mask joins the base's input as further channels, whose weights
start at zero, and all weights learn.

A pool is the arrays of its requests (tokens, mask, labels; see `requests`) and image. Sample i of a
pool is the same bytes whatever the pool's size: it has its own noise, and films are drawn in chunks
of one size, for a convolution may round otherwise for other sizes.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from lib.generators import diffusion, frame, observation, requests
from lib.generators.frame import EVERY, State
from lib.generators.observation import Noise
from lib.generators.textual import (
    SIDE,
    BaseSettings,
    CoderSettings,
    FilmCoder,
    TextToFilm,
    descended,
    no_text,
    planes,
    restored_base,
    restored_coder,
)
from lib.jobs import Result
from lib.networks.textual import LATENT, LATENT_FOLD, ControlBranch, MaskPlanes
from lib.training import loop as tr
from lib.training.cost import flops
from lib.training.weights import freeze, load_arrays, seeded, weights_to_arrays

TOGETHER = 50  # films drawn at once, always so many
GUIDANCE = 2.0  # ours, of requests with a mask
TEXT_GUIDANCE = 3.0  # ours, of texts alone, which tell less
LAST = "last/"  # where the weights at the end of a training stand


@dataclass(frozen=True)
class BranchSettings:
    """The branch, or its twin."""

    steps: int = 600  # ours
    batch: int = 64  # ours: one batch; the paper adds up the gradients of 16
    rate: float = 5e-4  # ours, for few steps; 1e-4 or 1e-5 the paper, garbled; it stays
    decay: float = 1e-4  # ours
    average: float = 0.98  # ours: decay of the moving average of the weights
    text_share: float = 0.0  # texts that stay the report; the paper: none, all are "N/A"
    silent: bool = False  # True, ours: a black mask silences the whole branch
    twin: bool = False  # True, ours: the mask as further channels of the base's input
    snapshots: tuple[int, ...] = ()  # ours: steps whose weights are kept beside the last


class ControlNet(TextToFilm):
    """The base, frozen, and its branch."""

    def __init__(self, base: BaseSettings, settings: BranchSettings):
        super().__init__(base)
        self.branch = ControlBranch(base.widths, base.text, settings.silent)

    def say(self, x: Tensor, t: Tensor, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """What the network says of x_t, float32; no mask is a black one."""
        mask = black(len(x)) if mask is None else mask
        with tr.autocast(self.settings.precision):
            text = self.vectors(tokens)
            return self.unet(x, t, text, self.branch(x, t, text, mask)).float()


class Twin(TextToFilm):
    """The base whose input has the mask's pixels as further channels; all of it learns."""

    def __init__(self, base: BaseSettings):
        super().__init__(base)
        self.planes = MaskPlanes(base.widths[0])

    def say(self, x: Tensor, t: Tensor, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """What the network says of x_t, float32; no mask is a black one."""
        mask = black(len(x)) if mask is None else mask
        with tr.autocast(self.settings.precision):
            return self.unet(x, t, self.vectors(tokens), hint=self.planes(mask)).float()


def black(n: int) -> Tensor:
    """n black masks (n, 1, 64, 64)."""
    return torch.zeros(n, 1, LATENT_FOLD * SIDE, LATENT_FOLD * SIDE)


# ---- training -----------------------------------------------------------------------------------


class Training(torch.nn.Module):
    """What a training needs to know of a model: its settings, and the part that learns."""

    def __init__(self, settings: BranchSettings, part: torch.nn.Module):
        super().__init__()
        self.settings, self.part = settings, part


def blank(base: BaseSettings, s: BranchSettings) -> TextToFilm:
    """The base with its branch, or its twin, before any weight is taken over."""
    return Twin(base) if s.twin else ControlNet(base, s)


def started(base: Result, s: BranchSettings, rng: np.random.Generator) -> tuple[TextToFilm, dict]:
    """The model as its training starts, equal to the base, and which weights are copied.

    RuntimeError if the base has other weights than the branch needs.
    """
    frozen = restored_base(base)
    model = seeded(lambda: blank(frozen.settings, s), rng)
    model.text.load_state_dict(frozen.text.state_dict(), strict=True)
    model.unet.load_state_dict(frozen.unet.state_dict(), strict=True)
    if s.twin:
        return model, {}
    freeze(model.text)
    freeze(model.unet)
    copied, fresh = model.branch.copy_encoder(model.unet)
    return model, {"copied": copied, "fresh": fresh}


def fit_branch(
    model: TextToFilm, s: BranchSettings, latents: Tensor, report: Tensor, mask: Tensor,
    rng: np.random.Generator,
) -> Iterator[State]:  # fmt: skip
    """Train the branch, or the whole twin, on latents (N, 4, 16, 16), tokens and masks."""
    batch_rng, noise_rng = rng.spawn(2)
    noise = tr.torch_generator(noise_rng)
    part = model if s.twin else model.branch

    def loss(at: Tensor) -> Tensor:
        x0 = latents[at].contiguous(memory_format=torch.channels_last)
        eps = torch.randn(x0.shape, generator=noise)
        t = torch.randint(len(model.schedule), (len(at),), generator=noise)
        kept = torch.rand(len(at), 1, generator=noise) < s.text_share
        text = torch.where(kept, report[at], no_text(len(at)))
        return model.errors(x0, eps, t, text, mask[at]).mean()

    counts = len(latents), "branch", batch_rng
    yield from descended(Training(s, part), [*part.parameters()], loss, *counts, falling=False)


def branch_job(films: Result, base: Result, settings: dict, stream: list[int]) -> Result:
    """Job: a branch of a base, or its twin, trained on a film set with its pneumothorax masks.

    Arrays: what has learnt, at the end ("last/") and at each snapshot ("step 200/"). Scores: the
    settings, the log, the names of the branch's weights that were copied and of those that were
    not, and the hash of the base before and after. ValueError for a snapshot that no State shows.
    """
    s = checked(frame.from_json(BranchSettings, settings))
    init_rng, rng = np.random.default_rng(stream).spawn(2)
    model, names = started(base, s, init_rng)
    before, arrays, log = base_hash(model), {}, []
    for state in fit_branch(model, s, *_data(films, base), rng):
        step = state.at["step"]
        log.append(state.row)
        if step in s.snapshots:
            arrays |= weights_to_arrays(state.model.part, f"step {step}/")
        if step == s.steps:
            arrays |= weights_to_arrays(state.model.part, LAST)
    hashes = {"base_before": before, "base_after": base_hash(model)}
    return Result(arrays, {"settings": asdict(s), "log": log, **names, **hashes})


def checked(s: BranchSettings) -> BranchSettings:
    """The settings; ValueError for a snapshot that no State of the training shows."""
    for step in s.snapshots:
        if not 0 < step <= s.steps or (step % EVERY and step != s.steps):
            raise ValueError(f"snapshot {step}; use multiples of {EVERY} up to {s.steps} steps.")
    return s


def _data(films: Result, base: Result) -> tuple[Tensor, Tensor, Tensor]:
    """Latents (N, 4, 16, 16), texts (N, LENGTH), masks (N, 1, 64, 64) of a film set or pool."""
    latents = restored_coder(base).encode(planes(films.arrays["image"]))
    tokens = torch.from_numpy(films.arrays["tokens"])
    return latents, tokens, tr.as_planes(requests.mask_of(films))


def base_hash(model: TextToFilm) -> str:
    """SHA-256 of the weights of text encoder and U-Net; a training of the branch leaves it."""
    parts = weights_to_arrays(model.text) | weights_to_arrays(model.unet, "unet/")
    return hashlib.sha256(b"".join(parts[name].tobytes() for name in sorted(parts))).hexdigest()


# ---- sampling -----------------------------------------------------------------------------------


def load(base: Result, branch: Result | None = None, step: int | None = None) -> TextToFilm:
    """The base, with a branch or as its twin, frozen; step: a snapshot, not the last weights."""
    if branch is None:
        return restored_base(base)
    s = frame.from_json(BranchSettings, branch.scores["settings"])
    model, _ = started(base, s, np.random.default_rng(0))
    part = model if s.twin else model.branch
    prefix = LAST if step is None else f"step {step}/"
    if not any(name.startswith(prefix) for name in branch.arrays):
        raise ValueError(f"step {step} was not kept; use one of {s.snapshots}, or None.")
    load_arrays(part, branch.arrays, prefix)
    return freeze(model)


def pool(
    base: Result, branch: Result | None, asked: Result, n: int, stream: list[int],
    guidance: float | None = None, step: int | None = None,
) -> Result:  # fmt: skip
    """Job: films of the first n of the requests.

    Arrays: those of the requests, and image (n, 64, 64) float32 in [0, 1]. Without a branch the
    base draws, which sees no mask. guidance: one for all, or `strength`'s; without a branch that of
    texts. step: a snapshot of the branch. ValueError for bad requests (`requests.checked`), and for
    more than there are.
    """
    if branch is None and guidance is None:
        guidance = TEXT_GUIDANCE
    arrays = requests.checked(asked.arrays)
    there = len(arrays["tokens"])
    if not 1 <= n <= there:
        raise ValueError(f"n is {n}, but there are {there} requests; draw fewer, or ask for more.")
    arrays = {name: rows[:n] for name, rows in arrays.items()}
    model, coder = load(base, branch, step), restored_coder(base)
    noise = observation.restored(base.arrays)
    rngs = np.random.default_rng(stream).spawn(n)
    parts = [
        drawn(model, coder, noise, arrays, slice(i, min(i + TOGETHER, n)), rngs, guidance)
        for i in range(0, n, TOGETHER)
    ]
    return Result(arrays | {"image": np.concatenate(parts)}, {"n": n})


def strength(mask: Tensor) -> Tensor:
    """The guidance (B, 1, 1, 1) of requests with masks (B, 1, H, W), black where there is none."""
    return torch.where(mask.amax((1, 2, 3), keepdim=True) > 0, GUIDANCE, TEXT_GUIDANCE)


def drawn(
    model: TextToFilm, coder: FilmCoder, noise: Noise, arrays: dict[str, np.ndarray], at: slice,
    rngs: list[np.random.Generator], guidance: float | None = None,
) -> np.ndarray:  # fmt: skip
    """Films (at most TOGETHER, 64, 64) of requests `at`, each drawn with its own rng.

    guidance: one for all, or `strength`'s.
    """
    own = rngs[at]
    tokens, mask, x = no_text(TOGETHER), black(TOGETHER), torch.zeros(TOGETHER, LATENT, SIDE, SIDE)
    tokens[: len(own)] = torch.from_numpy(arrays["tokens"][at])
    mask[: len(own), 0] = torch.from_numpy(arrays["mask"][at].astype(np.float32))
    for row, rng in zip(x, own, strict=False):
        row.copy_(torch.from_numpy(rng.standard_normal(row.shape, np.float32)))
    x = x.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        predict = model.guided(tokens, mask, strength(mask) if guidance is None else guidance)
        steps = model.settings.sampler_steps
        z = diffusion.last(diffusion.ddim(model.schedule, predict, x, steps))
        film = coder.decode(z)[: len(own), 0].clamp(0, 1)
    each = zip(film.split(1), own, strict=True)
    return torch.cat([noise.on(row, tr.torch_generator(rng)) for row, rng in each]).numpy()


def zero_init(base: Result, films: Result, stream: list[int]) -> Result:
    """Job: zero_init_error, the most by which a branch that has learned nothing changes what the
    base says of noised films with their masks and texts; 0.0 if it starts at zero."""
    rng = np.random.default_rng(stream)
    latents, tokens, mask = _data(films, base)
    model, _ = started(base, BranchSettings(), rng)
    plain, noise = restored_base(base), tr.torch_generator(rng)
    t = torch.randint(plain.settings.length, (len(latents),), generator=noise)
    x = diffusion.add_noise(
        plain.schedule, latents, torch.randn(latents.shape, generator=noise), t
    )
    with torch.no_grad():
        change = freeze(model).say(x, t, tokens, mask) - plain.say(x, t, tokens)
    return Result({}, {"zero_init_error": float(change.abs().max())})


def operations(base: dict, branch: dict | None = None, guided: bool = True) -> int:
    """Floating point operations for one film, with these settings: all steps and the decoder."""
    b = frame.from_json(BaseSettings, base | {"precision": "float32"})
    s = frame.from_json(BranchSettings, branch or {})
    model = TextToFilm(b) if branch is None else blank(b, s)
    x, t, tokens = torch.zeros(1, LATENT, SIDE, SIDE), torch.zeros(1).long(), no_text(1)
    step = flops(lambda: freeze(model).say(x, t, tokens))
    decoder = flops(lambda: freeze(FilmCoder(CoderSettings(precision="float32"))).decode(x))
    return (1 + guided) * b.sampler_steps * step + decoder
