"""What the studies of all papers share: a plan, sizes, and one stream of seeds per purpose."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from lib.jobs import Job
from lib.papers.arms import Arm
from lib.profiles import Plan
from lib.scores import averaged


@dataclass(frozen=True)
class Study:
    """All arms on one population: every method of a chapter's study returns the job of a thing."""

    plan: Plan
    regime: str  # the population, or the way of training, as rows name it
    size: object  # the chapter's Sizes

    def stream(self, purpose: str, draw: int = 0) -> list[int]:
        """Seeds of one purpose in one draw, shared by all arms."""
        return [self.plan.seed, zlib.crc32(purpose.encode()), draw]

    def again(self, purpose: str, draw: int, count: int) -> list[int]:
        """The seeds of `stream`, and further ones for the same purpose and draw."""
        return self.stream(purpose, draw) + ([count] if count else [])

    def over_seeds(self, make: Callable[[int], Job], alone: bool) -> Job:
        """Mean scores of make(0), make(1) ...: the seeds of one draw.

        An arm that is `alone`, without a pool, is the control of all others and costs no generator,
        so it has more of them.
        """
        count = self.size.seeds_alone if alone else self.size.seeds
        runs = [make(i) for i in range(count)]
        return Job(averaged.over_seeds, runs=runs) if len(runs) > 1 else runs[0]

    def draws(self, arm: Arm | str = "core") -> tuple[int, ...]:
        """The draws of an arm, or of a tier, in this run."""
        return self.plan.draws(arm if isinstance(arm, str) else arm.tier)

    def each(self, arm: Arm | str, make: Callable[[int], Job]) -> dict[int, Job]:
        """{draw: make(draw)} over the draws of an arm or a tier."""
        return {k: make(k) for k in self.draws(arm)}
