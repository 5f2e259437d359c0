"""Means of losses between two States of a training."""

from torch import Tensor


class Means:
    """Means of losses since they were last taken; a loss that joins late counts 0 before.

    With `of`, the number of batches between two States, each value is divided as it comes, so that
    `take` may be called only after so many.
    """

    def __init__(self, of: int | None = None):
        self.of, self.sums, self.seen = of, {}, 0

    def add(self, losses: dict[str, Tensor]) -> None:
        """The losses of one batch."""
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.item() / (self.of or 1)
        self.seen += 1

    def take(self) -> dict[str, float]:
        """The means since the last call, by name."""
        sums, count = self.sums, 1 if self.of else self.seen
        self.sums, self.seen = {}, 0
        return {name: value / count for name, value in sums.items()}
