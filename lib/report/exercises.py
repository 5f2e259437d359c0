"""What an exercise says to an answer."""

import math
from collections.abc import Callable
from numbers import Real

import numpy as np

RIGHT, UNDEFINED = "right", "no answer: these sizes are too small to give one"


def computed(truth: Callable[[], object]) -> object:
    """The true answer; NaN where it divides by zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        try:
            return truth()
        except ZeroDivisionError:
            return math.nan


def reply(answer, true, within: float = 0.0) -> str:
    """`right`, or what is wrong with an answer; `within` is the tolerance of a number.

    The true answer is a number, a bool, a word, or a tuple of these that must be equal.
    """
    if not _is_number(true):
        return RIGHT if _equal(answer, true) else f"not yet: {_hint(answer, true)}"
    if not math.isfinite(true):
        return UNDEFINED
    if not _is_number(answer):
        return f"not yet: the answer is a number, and {answer!r} is none"
    if math.isclose(answer, true) or abs(answer - true) <= within:
        return RIGHT
    return f"not yet: too {'large' if answer > true else 'small'}"


def solved(true, within: float = 0.0) -> str:
    """What the true answer is told, and a wrong one: `right; not yet: too large`."""
    if _is_number(true):
        wrong = true + 2 * within + 1
    else:
        wrong = tuple(None for _ in true) if isinstance(true, tuple) else None
    return f"{reply(true, true, within)}; {reply(wrong, true, within)}"


def _equal(answer, true) -> bool:
    return list(answer) == list(true) if _are_tuples(answer, true) else bool(answer == true)


def _hint(answer, true) -> str:
    if _are_tuples(answer, true) and len(answer) == len(true):
        return f"{sum(a == b for a, b in zip(answer, true, strict=True))} of {len(true)} are right"
    if isinstance(true, tuple):
        return f"the answer has {len(true)} parts, as (a, b)"
    return f"{answer!r} is not it"


def _are_tuples(*each) -> bool:
    return all(isinstance(one, tuple | list) for one in each)


def _is_number(x) -> bool:
    return isinstance(x, Real) and not isinstance(x, bool)
