"""The tables of the report that set our numbers beside the papers': as Markdown, and as rows."""

from lib.papers import registry
from lib.report import findings, summary
from lib.report.rows import NONE, Regime, Rows

NOTHING = "*Not yet run: the record has no draws.*"


def main_table(pages: dict[str, dict], paper: str) -> str:
    """A chapter's main table: ours with intervals, the oracle's share, the paper's."""
    main = registry.PAPERS[paper].main
    if main.item not in pages:
        return NOTHING
    rows, metric = Rows(pages[main.item]), next(iter(main.columns))
    there = {name: title for name, title in main.regimes.items()
             if rows.get(name).has("real", metric)}  # fmt: skip
    each = [
        f"**{title}** ({_draws(rows[name].count('real', metric))})\n\n{_regime(rows[name], paper)}"
        for name, title in there.items()
    ]
    return "\n\n".join(["Brackets: 95 % t-intervals over training draws.", *each])


def _draws(n: int) -> str:
    return f"R = {n} training draw{'s' * (n != 1)}"


def _regime(at: Regime, paper: str) -> str:
    main = registry.PAPERS[paper].main
    metric, title = next(iter(main.columns.items()))
    arms = [arm for arm in registry.table(main.item).main if at.has(arm, metric)]
    most = max(at.count(arm, metric) for arm in arms)
    lines = [
        [
            arm.label + (f" (R = {n})" if (n := at.count(arm, metric)) < most else ""),
            *(at.cell(arm, column) for column in main.columns),
            at.share(arm, metric, main.oracle),
            next((said for m in main.said if (said := at.paper(arm, m)) != NONE), NONE),
        ]
        for arm in arms
    ]
    head = ["arm", *main.columns.values(), f"share of the oracle's {title} gain"]
    table = summary.table([*head, f"{title} in the paper"], lines)
    return "\n\n".join([table, *(f"*{text}*" for text in findings.remarks(at, main))])


def printed(pages: dict[str, dict]) -> dict[str, list[dict]]:
    """{item: rows with draws for which the paper prints a number}, chapter by chapter."""
    each = {page["name"]: page["rows"] for page in summary.in_order(pages)}
    found = {
        item: [row for row in rows if row.get("paper") is not None and row["values"]]
        for item, rows in each.items()
    }
    return {item: rows for item, rows in found.items() if rows}
