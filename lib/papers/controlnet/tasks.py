"""ControlNet: the four tasks that every arm is tried on, as jobs."""

from dataclasses import asdict, dataclass

from lib.jobs import Job
from lib.machine import precision
from lib.papers.controlnet.arms import MAIN, Added, Task
from lib.papers.controlnet.pools import Pools
from lib.phantoms.findings import columns
from lib.scores import films as scores
from lib.tasks import aligned, findings, pneumothorax


@dataclass(frozen=True)
class Tasks(Pools):
    """What the films of an arm are worth to the networks of Figure 2."""

    def tried(self, arm: Added, task: Task, percent: int, k: int, alike: bool = False) -> Job:
        """The scores of an arm: the mean over the seeds of the task's network.

        alike: as many seeds as real films alone have.
        """
        make = self.classifier if task.findings else self.segmenter
        many = alike or not (arm.source or arm.augment)
        return self.over_seeds(lambda i: make(arm, task, percent, k, i), many)

    def classifier(self, arm: Added, task: Task, percent: int, k: int, again: int = 0) -> Job:
        """Scores of a classifier of an arm's films."""
        held = {"validation": self.validation(task, k), "test": self.test(task)}
        made = self.predicted(arm, task, percent, k, again)
        return Job(scores.classified, arm=made, **held)

    def predicted(self, arm: Added, task: Task, percent: int, k: int, again: int = 0) -> Job:
        """What a classifier of an arm's films says of validation and test."""
        s = findings.FindingsSettings(
            steps=self.size.findings_steps, epochs=arm.epochs, augment=arm.augment
        )
        start = self.aligned(task, percent, k) if len(task.findings) > 1 else None
        return Job(
            findings.arm, columns=columns(*task.findings), validation=self.validation(task, k),
            test=self.test(task), start=start, **self._common(arm, task, percent, k, s, again),
        )  # fmt: skip

    def aligned(self, task: Task, percent: int, k: int) -> Job:
        """An encoder aligned with the reports of the real films: what MGCA starts from."""
        s = aligned.AlignSettings(steps=self.size.align_steps)
        return Job(
            aligned.align_job, data=self.films(task, k), n=self.real(percent), settings=asdict(s),
            stream=self.stream(f"aligned {task.name}", k),
        )

    def segmenter(self, arm: Added, task: Task, percent: int, k: int, again: int = 0) -> Job:
        """Scores of a segmenter of an arm's films."""
        s = pneumothorax.PneumothoraxSettings(
            steps=self.size.masks_steps, epochs=arm.epochs, augment=arm.augment,
            precision=precision(),
        )  # fmt: skip
        made = Job(
            pneumothorax.arm, test=self.test(task), **self._common(arm, task, percent, k, s, again)
        )
        return Job(scores.segmented, arm=made)

    def _common(self, arm: Added, task: Task, percent: int, k: int, settings, again: int) -> dict:
        return {
            "data": self.films(task, k), "n": self.real(percent), "settings": asdict(settings),
            "stream": self.again(task.regime(percent), k, again),
            "added": self.added(arm, task, percent, k), "added_n": self.amount(arm, percent),
        }  # fmt: skip

    def by_prevalence(self, arm: Added, task: Task, percent: int, k: int) -> Job:
        """How an arm's gain per label over real films alone depends on the label's prevalence."""
        each = [self.classifier(a, task, percent, k) for a in (arm, MAIN["real"])]
        return Job(scores.gained, arm=each[0], control=each[1])
