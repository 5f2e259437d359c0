"""Where a chapter departs from its paper: the form of the rows, and how numbers stand in them.

Every row has `paper` (what the paper says), `ours`, `why` and `open` (the question that remains).
"""

from torch import nn

Row = dict[str, str]
COLUMNS = ("paper", "ours", "why", "open")


def as_rows(themes: dict[str, list[tuple]]) -> dict[str, list[Row]]:
    """The tuples of every theme under COLUMNS."""
    return {name: [dict(zip(COLUMNS, row, strict=True)) for row in rows]
            for name, rows in themes.items()}  # fmt: skip


def weights(module: nn.Module) -> str:
    """How many weights a network has, as "57,123"."""
    return f"{sum(p.numel() for p in module.parameters()):,}"


def span(ends: tuple[float, float]) -> str:
    return f"{ends[0]:g} to {ends[1]:g}"


def listed(names) -> str:
    return ", ".join(f"`{name}`" for name in names)
