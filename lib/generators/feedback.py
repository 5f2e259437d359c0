"""ControlNet after readers' feedback: the job that tunes it by `preference`.

The paper trains "the model" on; here that is the branch, which learns while the base stays frozen,
or the base itself.
"""

from dataclasses import replace

import numpy as np
import torch

from lib.generators import controlnet, frame, preference
from lib.generators.controlnet import LAST
from lib.generators.preference import DpoSettings
from lib.generators.textual import TextToFilm, planes, restored_coder
from lib.jobs import Result
from lib.training.weights import weights_to_arrays

PARTS = ("branch", "base")


def dpo_job(
    base: Result, branch: Result | None, pairs: Result, pool: Result, settings: dict,
    stream: list[int], part: str | None = None,
) -> Result:  # fmt: skip
    """Job: a generator tuned on the preferences among the films of a pool (`ratings.pairs`).

    base, branch: as `controlnet.pool` takes them; settings: of DpoSettings. part: what is tuned,
    "branch" (a twin as a whole) or "base"; None for the branch where there is one. The Result takes
    its place in `controlnet.pool`: arrays and scores are those of that part's own fit, with new
    weights (no snapshots); added scores are `preference.scores_of`. ValueError: an unknown part, a
    branch that is not there, the base of a twin, pairs of another pool.
    """
    part = part or ("base" if branch is None else "branch")
    check(part, branch)
    s = frame.from_json(DpoSettings, settings)
    model = controlnet.load(base, branch)
    kept, model.settings = model.settings, replace(model.settings, precision=s.precision)
    latents = restored_coder(base).encode(planes(pool.arrays["image"]))
    data = preference.as_data(pairs, latents, pool)
    module = learning(model, branch, part)
    states = preference.fit(model, data, s, np.random.default_rng(stream), module.parameters())
    log = [state.row for state in states]
    model.settings = kept
    scores = preference.scores_of(log, s) | {"pairs": pairs.scores, "part": part}
    if part == "branch":
        return Result(weights_to_arrays(module, LAST), branch.scores | scores)
    own = {k: v for k, v in base.arrays.items() if not k.startswith("base/")}
    tuned = {k: v for k, v in weights_to_arrays(model, "base/").items() if k in base.arrays}
    return Result(own | tuned, base.scores | scores)


def check(part: str, branch: Result | None) -> None:
    """Raise ValueError for a part that cannot be tuned."""
    if part not in PARTS:
        raise ValueError(f"part {part!r} is unknown; use one of {PARTS}.")
    if part == "branch" and branch is None:
        raise ValueError("part is 'branch', but there is none; pass one, or tune the base.")
    if part == "base" and branch is not None and branch.scores["settings"]["twin"]:
        raise ValueError("the base of a twin is the twin itself; use part 'branch'.")


def learning(model: TextToFilm, branch: Result | None, part: str) -> torch.nn.Module:
    """The part of a loaded model that learns."""
    if part == "branch":
        return model if branch.scores["settings"]["twin"] else model.branch
    return torch.nn.ModuleList([model.text, model.unet])
