"""Whether a generator is trained long enough to be judged, and what else was tried: a spare draw.

Every generator is trained twice on draw SPARE, for half of its training and for all of it.
`plateau` is 1 where the second half changes the Fréchet distance of its samples to real images, in
the independent reader's features, by less than SECOND_HALF up or down, else 0: one that gets worse
is not done either. A generator without training is at its plateau. The rule was fixed before any
comparison on today's phantom laws, and looks at no claim.

Recipes were chosen on the same draw. Those that were not taken are trained and judged there again
in profile `full`.
"""

from collections.abc import Iterable
from dataclasses import replace

from lib import jobs
from lib.papers.arms import Arm
from lib.papers.budget import SPARE
from lib.papers.study import Study
from lib.papers.table import Scores, Table, made_by, row

SECOND_HALF = 0.1  # share of the distance by which the second half of a flat training moves it


def half(arm: Arm) -> Arm:
    """The arm that stands in the rows for a generator after half of its training."""
    return replace(arm, name=f"{arm.name}_half", oracle="")


def spare(arm: Arm) -> Arm:
    """The same after all of its training, in a table that has its draws for claims too: none of
    them is the spare one."""
    return replace(arm, name=f"{arm.name}_spare", oracle="")


def gained(before: float, now: float) -> float:
    """By which share the second half of a training has lowered a distance."""
    return 1 - now / before


class Plateaus(Table):
    """Adds generators at half and at all of their training to a table; a chapter says which."""

    generators: tuple[Arm, ...] = ()  # those that claims compare
    recipes: tuple[Arm, ...] = ()  # other settings, which were tried and not taken
    judging: tuple[str, ...] = ("fd",)  # scores of both; the distance is one of them

    def halved(self, study: Study) -> Study:
        """The study whose generators have half of their training."""
        raise NotImplementedError

    def ends(self, study: Study) -> Iterable[tuple[Arm, tuple[Arm, Study], tuple[Arm, Study]]]:
        """Each generator, with its arm and study after half and after all; none without a truth or
        in a run that has no arms beside the core."""
        if study.source.truth and study.draws("beside"):
            for arm in self.generators:
                yield arm, (half(arm), self.halved(study)), (arm, study)

    def scores(self, study: Study) -> Iterable[Scores]:
        yield from super().scores(study)
        for arm, *ends in self.ends(study):
            for shown, at in ends:
                yield Scores(shown, self.judging, {SPARE: at.judged(at.pool(arm, SPARE))})
        for arm in self.recipes if study.source.truth and study.draws("long") else ():
            yield Scores(arm, self.judging, {SPARE: study.judged(study.pool(arm, SPARE))})

    def derived(self, study: Study, values: dict) -> Iterable[dict]:
        """`plateau` of every generator."""
        yield from super().derived(study, values)
        for arm, *ends in self.ends(study):
            before, now = (values[study.regime, shown.name, "fd"][SPARE] for shown, _ in ends)
            flat = {SPARE: float(abs(gained(before, now)) < SECOND_HALF)}
            code = jobs.fingerprint(at.judged(at.pool(arm, SPARE)) for _, at in ends)
            made = made_by(arm, study.regime)
            yield row(study, study.regime, arm.name, "plateau", flat, code, **made)
