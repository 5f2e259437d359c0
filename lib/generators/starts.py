"""What zero convolutions are for: a branch that starts as networks usually do, beside one at zero.

Zhang et al. 2023 start the convolutions between branch and base at zero, so that the first step of
the training leaves from what the base can do already.
"""

import copy
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from lib.generators import controlnet, observation, requests
from lib.generators.controlnet import BranchSettings, ControlNet
from lib.generators.textual import TextToFilm, no_text, planes, restored_base, restored_coder
from lib.jobs import Result
from lib.training import loop as tr
from lib.training.weights import seeded

ZERO, USUAL = "zero", "usual"
FILMS = 4  # drawn before any training
Error = Callable[[TextToFilm], float]


def joints(model: ControlNet) -> list[nn.Conv2d]:
    """The convolutions that start at zero: of the hint, and of every map."""
    return [model.branch.hint[-1], *model.branch.zero]


def begun(base: Result, s: BranchSettings, how: str, stream: list[int]) -> ControlNet:
    """A branch before its training; USUAL: with PyTorch's default in the place of zeros."""
    model, _ = controlnet.started(base, s, np.random.default_rng(stream))

    def drawn() -> nn.Module:
        for conv in joints(model):
            conv.reset_parameters()
        return model.branch

    if how == USUAL:
        seeded(drawn, np.random.default_rng([*stream, 1]))
    return model


def error_on(base: Result, films: Result, stream: list[int]) -> Error:
    """What equation 1 reads on films with their masks and the text "N/A", under one noise."""
    latents = restored_coder(base).encode(planes(films.arrays["image"]))
    mask = tr.as_planes(requests.mask_of(films))
    noise = tr.torch_generator(np.random.default_rng(stream))
    eps = torch.randn(latents.shape, generator=noise)

    def error(model: TextToFilm) -> float:
        t = torch.arange(len(eps)) * len(model.schedule) // len(eps)
        with torch.no_grad():
            return float(model.errors(latents, eps, t, no_text(len(t)), mask).mean())

    return error


def curve(
    model: ControlNet, s: BranchSettings, base: Result, films: Result, error: Error,
    stream: list[int],
) -> Iterator[tuple[int, float]]:  # fmt: skip
    """(steps, error) before the training of a branch and along it."""
    yield 0, error(model)
    latents = restored_coder(base).encode(planes(films.arrays["image"]))
    learned = torch.from_numpy(films.arrays["tokens"]), tr.as_planes(requests.mask_of(films))
    shown = copy.deepcopy(model)
    for state in controlnet.fit_branch(model, s, latents, *learned, np.random.default_rng(stream)):
        shown.branch.load_state_dict(state.model.part.state_dict())
        yield state.at["step"], error(shown)


def first_films(model: TextToFilm, base: Result, asked: Result, stream: list[int]) -> np.ndarray:
    """FILMS films of the first requests; the same noise for every model."""
    rngs = [np.random.default_rng([*stream, i]) for i in range(FILMS)]
    grain, coder = observation.restored(base.arrays), restored_coder(base)
    return controlnet.drawn(model, coder, grain, asked.arrays, slice(0, FILMS), rngs)


def compared(base: Result, films: Result, held: Result, steps: int, stream: list[int]) -> Result:
    """Job: both starts on one base, with the same films, batches and noise.

    Arrays: step (k,); error_zero and error_usual (k,), see `error_on`, on the films held; for these
    two and the base alone image_<name> (4, 64, 64), drawn before any training; mask (4, 64, 64),
    what they are asked for. Score: error_base.
    """
    s, error = BranchSettings(steps=steps), error_on(base, held, [*stream, 0])
    asked = requests.mask_requests(held, "original", FILMS, [*stream, 1])
    found, alone = {"mask": asked.arrays["mask"]}, restored_base(base)
    found["image_base"] = first_films(alone, base, asked, [*stream, 2])
    for name in (ZERO, USUAL):
        model = begun(base, s, name, [*stream, 3])
        found[f"image_{name}"] = first_films(model, base, asked, [*stream, 2])
        points = [*curve(model, s, base, films, error, [*stream, 4])]
        found["step"], found[f"error_{name}"] = map(np.array, zip(*points, strict=True))
    return Result(found, {"error_base": error(alone)})
