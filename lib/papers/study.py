"""What the studies of all papers share: a plan, sizes, and one stream of seeds per purpose."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from lib.jobs import Job
from lib.papers.arms import Arm
from lib.profiles import Plan


@dataclass(frozen=True)
class Study:
    """All arms on one population: every method of a chapter's study returns the job of a thing."""

    plan: Plan
    regime: str  # the population, or the way of training, as rows name it
    size: object  # the chapter's Sizes

    def stream(self, purpose: str, draw: int = 0) -> list[int]:
        """Seeds of one purpose in one draw, shared by all arms."""
        return [self.plan.seed, zlib.crc32(purpose.encode()), draw]

    def draws(self, arm: Arm | str = "core") -> tuple[int, ...]:
        """The draws of an arm, or of a tier, in this run."""
        return self.plan.draws(arm if isinstance(arm, str) else arm.tier)

    def each(self, arm: Arm | str, make: Callable[[int], Job]) -> dict[int, Job]:
        """{draw: make(draw)} over the draws of an arm or a tier."""
        return {k: make(k) for k in self.draws(arm)}
