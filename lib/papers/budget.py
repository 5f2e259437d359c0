"""How long networks are trained, on a spare draw: a budget for tasks, a plateau for generators.

Downstream networks are scored by steps, no generator near. A budget is where the curve of the
*oracle* arm is flat: where real images alone are flat, an arm with more images is still on its way,
and its gain is read too small.

Every generator is trained twice on the same spare draw, for half of its training and for all of it.
`plateau` is 1 where the second half lowers the Fréchet distance of its samples to real images, in
the independent reader's features, by less than SECOND_HALF, else 0; one without training is at its
plateau. The rule was fixed before any comparison on today's phantom laws, and looks at no claim.
"""

from collections.abc import Iterable
from dataclasses import replace

from lib import jobs
from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.study import Study
from lib.papers.table import Scores, Table, made_by, row

SPARE = 999  # a draw that no study uses: choices made before the comparison
SECOND_HALF = 0.1  # share of the distance that the second half of a flat training improves at most


def after(arm: Arm, steps: int) -> Arm:
    """The arm that stands in the rows for `arm` after so many steps."""
    return replace(arm, name=f"{arm.name}_s{steps}", oracle="")


def half(arm: Arm) -> Arm:
    """The generator that stands in the rows for `arm` after half of its training."""
    return replace(arm, name=f"{arm.name}_half", oracle="")


def improved(before: float, now: float) -> float:
    """By which share the second half of a training has lowered a distance."""
    return 1 - now / before


class Budget(Table):
    """Scores by steps of arms that need no generator, and generators at half and all of their
    training; a chapter says of which, and how."""

    metrics: tuple[str, ...] = ()
    generators: tuple[Arm, ...] = ()  # those that claims compare

    def arms(self, study: Study) -> list[Arm]:
        """What is trained: real images alone, augmented ones, and fresh phantoms beside them."""
        raise NotImplementedError

    def trained(self, study: Study, arm: Arm, steps: int) -> Job:
        """Scores of an arm after so many steps, on subjects that no study uses."""
        raise NotImplementedError

    def halved(self, study: Study) -> Study:
        """The study whose generators have half of their training."""
        raise NotImplementedError

    def scores(self, study: Study) -> Iterable[Scores]:
        """Draw SPARE alone; it needs a phantom."""
        if not self.runs(study):
            return
        for arm in self.arms(study):
            for steps in study.size.budget:
                job = self.trained(study, arm, steps)
                yield Scores(after(arm, steps), self.metrics, {SPARE: job})
        for arm in self.generators:
            for shown, at in ((half(arm), self.halved(study)), (arm, study)):
                yield Scores(shown, ("fd",), {SPARE: at.judged(at.pool(arm, SPARE))})

    def runs(self, study: Study) -> bool:
        """Whether this run has draw SPARE."""
        return study.source.truth and bool(study.draws("beside"))

    def derived(self, study: Study, values: dict) -> Iterable[dict]:
        """`plateau` of every generator."""
        for arm in self.generators if self.runs(study) else ():
            before, now = (values[study.regime, a.name, "fd"][SPARE] for a in (half(arm), arm))
            flat = {SPARE: float(improved(before, now) < SECOND_HALF)}
            ends = [at.pool(arm, SPARE) for at in (self.halved(study), study)]
            code = jobs.fingerprint([study.judged(pool) for pool in ends])
            made = made_by(arm, study.regime)
            yield row(study, study.regime, arm.name, "plateau", flat, code, **made)

    def null(self, arm: Arm, metric: str) -> None:
        """None: what matters is the shape of a curve."""
