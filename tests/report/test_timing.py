"""Timings against a clock that is known; warm-ups do not count."""

import pytest
from matplotlib import pyplot as plt

from lib.report import timing


class Clock:
    """A clock that work moves on."""

    def __init__(self):
        self.now, self.calls = 0.0, 0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float, first: float = 0.0) -> None:
        """Takes longer the first time."""
        self.now += seconds + (first if not self.calls else 0.0)
        self.calls += 1


def test_rates_leave_the_warm_up_out():
    clock = Clock()
    found = timing.rates(lambda n: clock.work(n / 50, first=99), 10, 3, clock)
    assert found == pytest.approx([50] * 3) and clock.calls == 4


def test_calls_take_turns_and_each_clock_has_its_own_times():
    wall, own, order = Clock(), Clock(), []

    def call(name, seconds):
        def work():
            order.append(name)
            wall.work(seconds)
            own.work(seconds / 2)

        return work

    calls = {"a": call("a", 0.1), "b": call("b", 0.3)}
    by_wall, by_own = timing.in_turns(calls, 2, 2, {"wall": wall, "own": own}).values()
    assert "".join(order) == "ab" + "aabb" * 2
    assert by_wall == {"a": pytest.approx([100] * 2), "b": pytest.approx([300] * 2)}
    assert by_own == {"a": pytest.approx([50] * 2), "b": pytest.approx([150] * 2)}


def test_medians_are_told_drawn_and_every_repeat_is_kept(capsys):
    found = {"ours": [1.0, 9.0, 2.0], "by others": [4.0]}
    assert timing.tell(found, "ms") == {"ours": 2.0, "by others": 4.0}
    assert "2.0 ms   (1.0 to 9.0)" in capsys.readouterr().out
    figure, axes = plt.subplots()
    timing.bars(axes, found, "ms", "others")
    assert [bar.get_width() for bar in axes.patches] == [2.0, 4.0]
    assert axes.lines[0].get_color() != axes.lines[1].get_color()
    plt.close(figure)
    first, second = timing.rows("ms_per_step", found, 7, "HVAE ")
    assert first == {"regime": "", "arm": "HVAE ours", "metric": "ms_per_step",
                     "draws": {"7/0": (1.0, ""), "7/1": (9.0, ""), "7/2": (2.0, "")}}  # fmt: skip
    assert second["arm"] == "HVAE by others"


def test_ratios_are_taken_within_each_turn():
    """A busy second turn slows both sides; the median of ratios does not see it."""
    found = {"ours": [1.0, 10.0, 2.0], "theirs": [1.5, 15.0, 4.0]}
    assert timing.over(found, "theirs", "ours") == [1.5, 1.5, 2.0]
