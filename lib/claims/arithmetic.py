"""Checks of a paper against its own numbers: each returns (consistent, sentence, numbers)."""

from math import comb


def stated_maximum(stated, cells, digits=3):
    """Whether a stated maximum is the largest of the printed gains, to so many digits."""
    largest = max(cells)
    good = round(stated, digits) == round(largest, digits)
    verb = "agree" if good else "disagree"
    sentence = (
        f"Abstract and results {verb}: the stated maximum is {stated:g}, "
        f"the largest printed gain is {largest:.4g}."
    )
    return good, sentence, {"stated": stated, "largest": round(largest, 6)}


def two_trials(n, alpha, cells):
    """Whether n trials per arm can reach alpha in an exact test; what chance does over cells."""
    least = 1 / comb(2 * n, n)
    by_chance = 1 - (1 - alpha) ** cells
    sentence = (
        f"With n={n} per arm the least exact one-sided p is {least:.3g}, against a threshold of "
        f"{alpha:g}; over {cells} cells without any effect, "
        f"P(some p < {alpha:g}) is {by_chance:.2f}."
    )
    numbers = {"least_p": round(least, 6), "family_error": round(by_chance, 6)}
    return least < alpha, sentence, numbers


def lone_number(stated, unit):
    """A number that nothing else in its paper contradicts or supports."""
    sentence = (
        f"The paper prints {stated:g} {unit} once, with nothing to hold it against; "
        "our networks are smaller, so their count decides nothing."
    )
    return True, sentence, {"stated": stated}


CHECKS = {"stated_maximum": stated_maximum, "two_trials": two_trials, "lone_number": lone_number}
