"""Base and branch of a ControlNet in one result, small enough for the record.

Snapshots of the branch stay behind, and so do logs: it holds what draws films and nothing else.
"""

from lib.generators import controlnet
from lib.generators.textual import TextToFilm
from lib.jobs import Result


def packed(base: Result, branch: Result) -> Result:
    """Job: base and branch at the end of their trainings, for `parts`."""
    own = {name: x for name, x in branch.arrays.items() if name.startswith(controlnet.LAST)}
    scores = {"base": {k: v for k, v in base.scores.items() if k != "log"}}
    return Result(base.arrays | own, scores | {"branch": {"settings": branch.scores["settings"]}})


def parts(kept: Result) -> tuple[Result, Result]:
    """Base and branch as `controlnet.pool` takes them."""
    own = {name for name in kept.arrays if name.startswith(controlnet.LAST)}
    arrays = [{name: x for name, x in kept.arrays.items() if (name in own) == side}
              for side in (False, True)]  # fmt: skip
    return Result(arrays[0], kept.scores["base"]), Result(arrays[1], kept.scores["branch"])


def load(kept: Result) -> TextToFilm:
    """The model, frozen."""
    return controlnet.load(*parts(kept))
