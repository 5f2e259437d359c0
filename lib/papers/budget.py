"""How hard a law is and how long downstream networks are trained: a spare draw, no generator near.

A law is hard enough where real images alone leave room and fresh ones fill some of it. A budget is
where the curve of the *oracle* arm is flat: where real images alone are flat, an arm with more
images is still on its way, and its gain is read too small.
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


def on_law(arm: Arm, ranges: dict) -> Arm:
    """The arm that stands in the rows for `arm` on a law with these ranges."""
    ends = (f"{name}_{low:g}_{high:g}" for name, (low, high) in ranges.items())
    return replace(arm, name="_".join((arm.name, *ends)), oracle="")


class Budget(Table):
    """Scores by steps of arms that need no generator; a chapter says of which, and how."""

    metrics: tuple[str, ...] = ()

    def arms(self, study: Study) -> list[Arm]:
        """What is trained: real images alone, augmented ones, and fresh phantoms beside them."""
        raise NotImplementedError

    def tried(self, study: Study) -> tuple[dict, ...]:
        """Ranges of the law that were tried before it was frozen, as {parameter: (low, high)}."""
        return ()

    def compared(self, study: Study) -> tuple[Arm, Arm]:
        """Real images alone, and the oracle whose gain over them a law must allow."""
        raise NotImplementedError

    def steps(self, study: Study) -> int:
        """The budget that was chosen."""
        raise NotImplementedError

    def trained(self, study: Study, arm: Arm, steps: int, ranges: dict) -> Job:
        """Scores of an arm after so many steps, on subjects that no study uses."""
        raise NotImplementedError

    def scores(self, study: Study) -> Iterable[Scores]:
        """Draw SPARE alone; it needs a phantom."""
        if not study.source.truth or not study.draws("beside"):
            return
        for arm in self.arms(study):
            for steps in study.size.budget:
                job = self.trained(study, arm, steps, {})
                yield Scores(after(arm, steps), self.metrics, {SPARE: job})
        for ranges in self.tried(study):
            for arm in self.compared(study):
                job = self.trained(study, arm, self.steps(study), ranges)
                yield Scores(on_law(arm, ranges), self.metrics, {SPARE: job})

    def null(self, arm: Arm, metric: str) -> None:
        """None: what matters is the shape of a curve."""
