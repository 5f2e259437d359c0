"""What is said of a paper wherever it is named."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class About:
    """A chapter's facts; they stand in its own folder, `lib/papers/<name>/about.py`."""

    name: str  # folder, and `paper` of claims and rows
    short: str
    title: str
    question: str
    plain: str  # what the paper claims, for somebody who knows neither it nor the field
    says: str  # the same in more words, without numbers
    generators: dict[str, str] = field(default_factory=dict)  # {arm: name}, its own method first
    easy: str = ""  # what was easy in rerunning it
    difficult: str = ""  # and what was not
    turn: str = ""  # what would change our mind, after "over 4 draws or more"; {auc} stands for the
    # margin of that score
    main: "MainTable | None" = None  # what the report shows of it


@dataclass(frozen=True)
class MainTable:
    """A chapter's main table as the report shows it: one part per regime, one column per metric.

    `method` is the paper's own arm, `controls` those that its gain is read against, in words;
    `classic` is real images with classical augmentation. Shares are of the gain in the first
    column. The paper's number is that of the first metric in `said` for which it prints one.

    `fair` are real images with augmentation on the fly, and the method and the oracle beside them
    under the same augmentation.

    `whole` is the column of the same score in which images without a lesion count as well: 1 if
    nothing is marked on one, and else 0. `alarms` is the share of these that are marked; it has no
    value where a set has none of them.
    """

    item: str  # the notebook
    regimes: dict[str, str]  # with their titles
    columns: dict[str, str]  # metric: head
    said: tuple[str, ...]
    method: str
    controls: dict[str, str]  # {arm: words}
    classic: str
    oracle: str = "oracle"
    fair: tuple[str, str, str] | None = None
    whole: str = ""
    alarms: str = ""


def read_against(classic: str, smooth: str, shuffled: str) -> dict[str, str]:
    """The controls of a main table, {arm: words}."""
    return {
        classic: "classical augmentation",
        smooth: "blurred copies",
        shuffled: "the method's own samples under shuffled labels",
    }
