"""What is said of a paper wherever it is named."""

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """A chapter's facts; they stand in its own folder, `lib/papers/<name>/about.py`."""

    name: str  # folder, and `paper` of claims and rows
    short: str
    title: str
    question: str
    reading: tuple[str, ...] = ()  # stems of its notebooks in the order of reading
