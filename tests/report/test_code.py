"""Comments of a settings class stand with their fields."""

from dataclasses import dataclass

from lib.report.code import comments


@dataclass
class Settings:
    """Not a comment."""

    rate: float = 1e-3  # "per step"
    plain: int = 3
    name: str = "#1"  # one sign inside a text
    several: tuple = (
        1,  # first
        2,  # second
    )

    @property
    def double(self) -> int:
        return 2 * self.plain  # of no field


def test_every_field_has_the_comment_of_its_own_lines():
    expected = {"rate": '"per step"', "plain": "", "name": "one sign inside a text"}
    assert comments(Settings) == expected | {"several": "first second"}
