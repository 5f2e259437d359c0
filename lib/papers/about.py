"""What is said of a paper wherever it is named."""

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """A chapter's facts; they stand in its own folder, `lib/papers/<name>/about.py`."""

    name: str  # folder, and `paper` of claims and rows
    short: str
    title: str
    question: str
    main: "MainTable | None" = None  # what README shows of it


@dataclass(frozen=True)
class MainTable:
    """A chapter's main table as README shows it: one part per regime, one column per metric.

    Shares are of the gain in the first column. The paper's number is that of the first metric in
    `said` for which it prints one.
    """

    item: str  # the notebook
    regimes: dict[str, str]  # with their titles
    columns: dict[str, str]  # metric: head
    said: tuple[str, ...]
    oracle: str = "oracle"
