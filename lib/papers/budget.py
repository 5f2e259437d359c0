"""How long downstream networks are trained: scores by steps on a spare draw, no generator near.

A budget is where the curve of the *oracle* arm is flat: where real images alone are flat, an arm
with more images is still on its way, and its gain is read too small.
"""

from collections.abc import Iterable
from dataclasses import replace

from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.study import Study
from lib.papers.table import Scores, Table

SPARE = 999  # a draw that no study uses: choices made before the comparison


def after(arm: Arm, steps: int) -> Arm:
    """The arm that stands in the rows for `arm` after so many steps."""
    return replace(arm, name=f"{arm.name}_s{steps}", oracle="")


class Budget(Table):
    """Scores by steps of arms that need no generator; a chapter says of which, and how."""

    metrics: tuple[str, ...] = ()

    def arms(self, study: Study) -> list[Arm]:
        """What is trained: real images alone, augmented ones, and fresh phantoms beside them."""
        raise NotImplementedError

    def trained(self, study: Study, arm: Arm, steps: int) -> Job:
        """Scores of an arm after so many steps, on subjects that no study uses."""
        raise NotImplementedError

    def scores(self, study: Study) -> Iterable[Scores]:
        """Draw SPARE alone; it needs a phantom."""
        for arm in self.arms(study) if study.source.truth and study.draws("beside") else ():
            for steps in study.size.budget:
                job = self.trained(study, arm, steps)
                yield Scores(after(arm, steps), self.metrics, {SPARE: job})

    def null(self, arm: Arm, metric: str) -> None:
        """None: what matters is the shape of a curve."""
