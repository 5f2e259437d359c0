"""What was found on a paper, in sentences made from the record: no number is typed.

    sentences(about, verdicts, pages)

`verdicts` are those of lib.claims.judge, `pages` the merged pages {item: page}.
"""

from collections.abc import Callable

from lib.claims import evidence, gate, verdict
from lib.papers.about import About
from lib.report import summary
from lib.report.rows import Regime, Rows, number

SAID = {  # verdicts as the end of "3 claims are ..."
    verdict.REPRODUCED: "reproduced on phantoms",
    verdict.DIRECTION: "reproduced in direction",
    verdict.PARTLY: "partly reproduced",
    verdict.NO_EFFECT: "shown to have no meaningful effect",
    verdict.REVERSED: "reversed",
    verdict.FALLEN: "not reproduced",
    verdict.INCONCLUSIVE: "inconclusive",
    verdict.MEASURED: "measured where the paper has no number",
    verdict.NOT_INTERPRETED: "not interpreted, as a generator is not competent here",
}
CONTROLS = {"classic": "classical augmentation", "smooth": "blurred copies",
            "shuffled": "the method's own samples under shuffled labels"}  # fmt: skip
NOTHING = "Nothing has been run yet; its claims stand in the ledger with their tests and margins."


def sentences(about: About, verdicts: list[dict], pages: dict[str, dict]) -> list[str]:
    """Plain sentences on one paper: verdicts, main result, competence, the paper's own numbers."""
    mine = [out for out in verdicts if out["paper"] == about.name]
    run = summary.told(mine, summary.MEASURED)
    found = [decided(mine, run), *main_result(about, pages), competence(about, pages.get)]
    told = found if run else [NOTHING]
    return [text for text in (*told, arithmetic(mine)) if text]


def in_short(about: About, verdicts: list[dict], pages: dict[str, dict]) -> str:
    """The main result and the competence of the generators, without the counts of verdicts."""
    if not summary.told([out for out in verdicts if out["paper"] == about.name], summary.MEASURED):
        return NOTHING
    found = [*main_result(about, pages), competence(about, pages.get)]
    return " ".join(filter(None, found))


def decided(mine: list[dict], run: list[dict]) -> str:
    """How many claims a run has decided, and how."""
    counts = [(SAID[name], len(summary.told(run, (name,)))) for name in SAID]
    each = [f"{n} {'is' if n == 1 else 'are'} {words}" for words, n in counts if n]
    most = max((out["n"] for out in run), default=0)
    text = f"Of {len(mine)} claims {len(run)} have been run, on at most {_draws(most)}: "
    early = " None has reached its first look: but for plain counts, every verdict is exploratory."
    return text + _listed(each) + "." + early * (most < verdict.FEWEST)


def main_result(about: About, pages: dict[str, dict]) -> list[str]:
    """One sentence per regime of the main table: real only, the method, the oracle, controls."""
    main = about.main
    if main is None or main.item not in pages:
        return ["Its main table has not run."]
    rows = Rows(pages[main.item])
    metric, arms = next(iter(main.columns)), ("real", main.method, main.oracle)
    return [
        _gain(rows[regime], about, title) for regime, title in main.regimes.items()
        if all(rows.get(regime).has(arm, metric) for arm in arms)
    ]  # fmt: skip


def _gain(at: Regime, about: About, title: str) -> str:
    main, method = about.main, next(iter(about.generators.values()), about.short)
    metric, name = next(iter(main.columns.items()))

    def value(arm: str) -> str:
        return number(at.mean(arm, metric))

    place = f"{title.partition(';')[0]}: " if len(main.regimes) > 1 else ""
    there = [arm for arm in main.controls if at.has(arm, metric)]
    controls = [f"{value(arm)} with {_control(arm)}" for arm in there]
    share = at.fraction(main.method, metric, main.oracle)
    part = ""
    if share and share["fraction"] is not None:
        part = f", {at.share(main.method, metric, main.oracle)} of the oracle's gain"
    return (
        f"{place}{name} is {value('real')} with real images alone, {value(main.method)} with "
        f"{method} ({_draws(at.count(main.method, metric))}{part}), {value(main.oracle)} with as "
        f"many fresh phantoms (the oracle)"
        + (f"; for comparison, it is {_listed(controls)}." if controls else ".")
    )


def _control(arm: str) -> str:
    return next(words for name, words in CONTROLS.items() if arm.startswith(name))


def competence(about: About, source: Callable[[str], dict | None]) -> str:
    """Which of the paper's generators meet every condition of the gate, and what others miss."""
    judged = {name: failures for arm, name in about.generators.items()
              if (failures := missed(about.name, arm, source)) is not None}  # fmt: skip
    if not judged:
        return ""
    own, *others = about.generators.values()
    good = [name for name, failures in judged.items() if not failures]
    bad = [name for name in others if judged.get(name)]
    every = "every condition of the gate that was measured"
    if len(judged) == 1:
        ((name, failures),) = judged.items()
        subject = name[0].upper() + name[1:]
        why = "; ".join(failures)
        return f"{subject} does not meet {every}: {why}." if why else f"{subject} meets {every}."
    count = f"{len(good) or 'None'} of {len(judged)} generators"
    text = f"{count} {_verb(good or [own], 'meet')} {every}"
    text += f" ({_listed(good)})" if good else ""
    if judged.get(own):
        text += f"; {own} does not: {'; '.join(judged[own])}."
        return text + (f" Nor {_verb(bad, 'do')} {_listed(bad)}." if bad else "")
    return text + (f"; {_listed(bad)} {_verb(bad, 'do')} not." if bad else ".")


def _verb(subjects: list[str], plain: str) -> str:
    """"meets" for one subject, "meet" for several."""
    return plain if len(subjects) > 1 else {"do": "does"}.get(plain, f"{plain}s")


def missed(paper: str, arm: str, source: Callable[[str], dict | None]) -> list[str] | None:
    """What a generator misses of the gate, regime by regime; None where nothing was measured."""
    found, measured = [], False
    for item, regime in _places(paper, arm, source):
        values = gate.competence(source, item, regime, arm)
        measured |= any(value is not None for value in values.values())
        failures = ", ".join(map(_in_words, gate.failures(values)))
        place = "" if regime == evidence.PLAIN else f"{regime}: "
        found += [place + failures] * bool(failures)
    return found if measured else None


def _in_words(failure: str) -> str:
    """A failure of the gate; a plateau is no number that a reader knows."""
    return "still changing late in its training" if failure.startswith("plateau") else failure


def _places(paper: str, arm: str, source: Callable[[str], dict | None]) -> list[tuple[str, str]]:
    """(item, regime) of the rows that judge a generator, each regime once."""
    pages = [(item, source(item)) for item in gate.ITEMS.get(paper, ())]
    regimes = {
        row["generator"]["regime"]: item
        for item, page in reversed(pages) if page
        for row in page["rows"] if (row.get("generator") or {}).get("arm") == arm
    }  # fmt: skip
    return sorted((item, regime) for regime, item in regimes.items())


def arithmetic(mine: list[dict]) -> str:
    """What the paper's own numbers say, without any image."""
    against = [out["id"] for out in summary.told(mine, (verdict.INCONSISTENT,))]
    if not against:
        return ""
    verb = "contradicts" if len(against) == 1 else "contradict"
    return f"{_listed(against)} {verb} the paper's own numbers."


def effort(paper: str, pages: dict[str, dict]) -> dict:
    """seconds of the newest run of a chapter's pages, their number, and on which processor."""
    runs = [page["runs"][-1] for item, page in pages.items()
            if item.startswith(f"{paper}/") and page["runs"]]  # fmt: skip
    timed = [run for run in runs if run.get("seconds")]
    cpus = dict.fromkeys(run["cpu"] for run in timed)
    return {"seconds": sum(run["seconds"] for run in timed), "timed": len(timed),
            "cpu": _listed([*cpus])}  # fmt: skip


def _draws(n: int) -> str:
    return "one draw" if n == 1 else f"{n} draws"


def _listed(each: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(each[:-1]), *each[-1:]]))

