"""What is said of a paper wherever it is named."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class About:
    """A chapter's facts; they stand in its own folder, `lib/papers/<name>/about.py`."""

    name: str  # folder, and `paper` of claims and rows
    short: str
    title: str
    question: str
    says: str  # what the paper claims, in a sentence without numbers
    generators: dict[str, str] = field(default_factory=dict)  # {arm: name}, its own method first
    easy: str = ""  # what was easy in rerunning it
    difficult: str = ""  # and what was not
    main: "MainTable | None" = None  # what the report shows of it


@dataclass(frozen=True)
class MainTable:
    """A chapter's main table as the report shows it: one part per regime, one column per metric.

    `method` is the paper's own arm, `controls` those that its gain is read against. Shares are of
    the gain in the first column. The paper's number is that of the first metric in `said` for which
    it prints one.
    """

    item: str  # the notebook
    regimes: dict[str, str]  # with their titles
    columns: dict[str, str]  # metric: head
    said: tuple[str, ...]
    method: str
    controls: tuple[str, ...]
    oracle: str = "oracle"
