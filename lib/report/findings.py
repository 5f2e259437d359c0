"""What was found on a paper, in sentences made from the record: no number is typed.

    line(about, verdicts, pages)  # what a reader sees first
    sentences(about, verdicts, pages)

`verdicts` are those of lib.claims.judge, `pages` the merged pages {item: page}.
"""

from collections.abc import Callable

from lib.claims import evidence, gate, verdict
from lib.papers import registry
from lib.papers.about import About, MainTable
from lib.report import summary
from lib.report.rows import Regime, Rows, number
from lib.report.summary import listed

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
NOTHING = "Nothing has been run yet; its claims stand in the ledger with their tests and margins."
WITHOUT_LESION = "a film without a lesion counts 1 if nothing is marked on it and else 0"
SHARE = "A share of the oracle's gain says little there: read the method beside augmentation."


def sentences(about: About, verdicts: list[dict], pages: dict[str, dict]) -> list[str]:
    """Plain sentences on one paper: verdicts, main result, competence, the paper's own numbers."""
    mine = [out for out in verdicts if out["paper"] == about.name]
    run = summary.told(mine, summary.MEASURED)
    found = [decided(mine, run), *main_result(about, pages), competence(about, pages.get)]
    told = found if run else [NOTHING]
    return [text for text in (*told, arithmetic(mine)) if text]


def line(about: About, verdicts: list[dict], pages: dict[str, dict]) -> str:
    """What was found on a paper, for somebody who knows neither it nor the field."""
    mine = [out for out in verdicts if out["paper"] == about.name]
    run = summary.told(mine, summary.MEASURED)
    if not run:
        return NOTHING
    found = [*in_plain(about, pages, run), checked(about, mine, pages.get), on_images(mine)]
    return " ".join(filter(None, [*found, arithmetic(mine), turned(about)]))


def turned(about: About) -> str:
    """What would change our mind, with the margins that verdicts have."""
    if not about.turn:
        return ""
    text = about.turn.format_map({name: f"{margin:g}" for name, margin in verdict.MARGINS.items()
                                  if isinstance(margin, float)})  # fmt: skip
    return f"What would change our mind: over {verdict.FEWEST} draws or more, {text}."


def so_far(verdicts: list[dict], pages: dict[str, dict]) -> str:
    """How much of the whole has been run, and what kind of claim is decided."""
    run = summary.told(verdicts, summary.MEASURED)
    if not run:
        return "So far nothing has been run."
    most = max(out["n"] for out in run)
    text = f"So far {len(run)} of {len(verdicts)} claims have been run, on at most {_draws(most)}."
    mains = [about for about in registry.PAPERS.values() if about.main]
    missing = [about.short for about in mains if about.main.item not in pages]
    if missing:
        tables = "tables" if len(missing) > 1 else "table"
        text += f" The main {tables} of {listed(missing)} {_verb(missing, 'have')} not run."
    none = f"No claim about generated images is decided yet: that takes {verdict.FEWEST} draws."
    return " ".join(filter(None, [text, on_images(run) or none, on_cost(run)]))


def on_images(outs: list[dict]) -> str:
    """How the claims on generated images are decided, those on a cost of computing left out."""
    found = _counted([out for out in summary.settled(outs) if not summary.of_cost(out)])
    return f"Of the claims about generated images {listed(found)}." if found else ""


def on_cost(outs: list[dict]) -> str:
    """Which claims are decided that say nothing of images."""
    costs = [out for out in summary.settled(outs) if summary.of_cost(out)]
    if not costs:
        return ""
    each = [f"{out['id']} ({out['statement']})" for out in costs]
    held = summary.told(costs, verdict.POSITIVE)
    word = "reproduced" if len(held) == len(costs) else "decided"
    bound = f"{_verb(each, 'bound')} the cost of computing alone"
    return f"{listed(each)} {_verb(each, 'are')} {word}, but {bound}."


def in_plain(about: About, pages: dict[str, dict], run: list[dict]) -> list[str]:
    """What the paper's images do in its main table, regime by regime."""
    main = about.main
    if main is None or main.item not in pages:
        most = _draws(max(out["n"] for out in run))
        return [f"Its main table has not run; {len(run)} of its claims have, on at most {most}."]
    return [_moved(at, main, title) for at, title in _regimes(main, pages)]


def _moved(at: Regime, main: MainTable, title: str) -> str:
    """How far a score moves with the method's images, beside augmentation and fresh phantoms."""
    metric, whole = next(iter(main.columns)), main.whole
    place = title.partition(";")[0] if len(main.regimes) > 1 else "On phantoms"
    beside = {"ordinary augmentation alone": _augmented(at, main),
              "as many fresh phantoms": main.oracle}  # fmt: skip
    given = "; ".join(f"with {words} {number(at.mean(arm, metric))}"
                      for words, arm in beside.items() if arm)  # fmt: skip
    text = f"{place} ({_draws(at.count(main.method, metric))}): {_move(at, main, metric)} with its"
    text += f" images ({given})"
    if whole and at.has(main.method, whole) and not _same(at, main):
        text += f", and {_move(at, main, whole)}"
        if at.has(main.oracle, whole):
            fresh = number(at.mean(main.oracle, whole))
            text += f" (with as many fresh phantoms {fresh}: the films that both add have a lesion)"
    return " ".join(filter(None, [f"{text}.", _fair(at, main), SHARE * bool(_beyond(at, main))]))


def _fair(at: Regime, main: MainTable) -> str:
    """The fairest reading: what the images add to augmentation on the fly; "" without its rows."""
    metric = next(iter(main.columns))
    if not main.fair or not all(at.has(arm, metric) for arm in main.fair):
        return ""
    alone, method, oracle = (number(at.mean(arm, metric)) for arm in main.fair)
    change = at.mean(main.fair[1], metric) - at.mean(main.fair[0], metric)
    return (
        f"The fairest reading, as augmentation costs nothing: with it, {main.columns[metric]} "
        f"{'rises' if change > 0 else 'falls'} from {alone} to {method} with its images "
        f"(with as many fresh phantoms {oracle})."
    )


def _move(at: Regime, main: MainTable, metric: str) -> str:
    before, after = (at.mean(arm, metric) for arm in ("real", main.method))
    verb = "rises" if after > before else "falls"
    return f"{main.columns[metric]} {verb} from {number(before)} to {number(after)}"


def _augmented(at: Regime, main: MainTable) -> str | None:
    """The arm of classical augmentation, where it is there."""
    return main.classic if at.has(main.classic, next(iter(main.columns))) else None


def checked(about: About, mine: list[dict], source: Callable[[str], dict | None]) -> str:
    """Whether the paper's own generator draws what it should, and what cannot be read."""
    own = about.name, next(iter(about.generators)), source
    misses = missed(*own)
    unread = len(summary.told(mine, (verdict.NOT_INTERPRETED,)))
    if misses is None:
        return ""
    text = f"Its generator {'fails' if misses else 'passes'} our check of what it draws"
    if not misses and (absent := unmeasured(*own)):
        text += f" ({listed(absent)} not measured yet)"
    if not unread:
        return f"{text}."
    which = "this or another failing generator" if misses else "a rival that fails it"
    rest = "and are read neither for nor against the paper"
    return f"{text}. {unread} claims compare {which}, {rest}."


def decided(mine: list[dict], run: list[dict]) -> str:
    """How many claims a run has decided, and how."""
    most = max((out["n"] for out in run), default=0)
    text = f"Of {len(mine)} claims {len(run)} have been run, on at most {_draws(most)}: "
    early = " None has reached its first look: but for costs of computing, every verdict is "
    early += "exploratory."
    cost = f" {told}" if (told := on_cost(run)) else ""
    return f"{text}{listed(_counted(run))}.{cost}" + early * (most < verdict.FEWEST)


def _counted(outs: list[dict]) -> list[str]:
    """"3 are inconclusive", for every verdict that there is."""
    counts = [(SAID[name], len(summary.told(outs, (name,)))) for name in SAID]
    return [f"{n} {'is' if n == 1 else 'are'} {words}" for words, n in counts if n]


def main_result(about: About, pages: dict[str, dict]) -> list[str]:
    """One sentence per regime of the main table: real only, the method, the oracle, controls."""
    main = about.main
    if main is None or main.item not in pages:
        return ["Its main table has not run."]
    each = [[_gain(at, about, title), *remarks(at, main)] for at, title in _regimes(main, pages)]
    return [" ".join(found) for found in each]


def _regimes(main: MainTable, pages: dict[str, dict]) -> list[tuple[Regime, str]]:
    """The regimes of a main table in which real images, the method and the oracle have draws."""
    rows, metric = Rows(pages[main.item]), next(iter(main.columns))
    arms = ("real", main.method, main.oracle)
    each = [(rows.get(regime), title) for regime, title in main.regimes.items()]
    return [(at, title) for at, title in each if all(at.has(arm, metric) for arm in arms)]


def remarks(at: Regime, main: MainTable) -> list[str]:
    """What must be known to read a regime of a main table."""
    return [text for text in (_whole(at, main), _beyond(at, main)) if text]


def _whole(at: Regime, main: MainTable) -> str:
    """What the score says once images without a lesion count too, and why they stand apart."""
    arms = ("real", main.method, main.oracle)
    if not main.whole or not all(at.has(arm, main.whole) for arm in arms):
        return ""
    title = main.columns[main.whole]
    if _same(at, main):
        return f"This set has no film without a lesion, so {title} is the same."
    each = [number(at.mean(arm, main.whole)) for arm in arms]
    marked = [f"{100 * at.mean(arm, main.alarms):.0f} %" for arm in arms]
    return (
        f"{title} is {listed(each)} for real films alone, the method and the oracle: "
        f"{WITHOUT_LESION}, and {listed(marked)} of these are marked. What method and oracle add "
        "are films with a lesion. So the two scores stand apart; the paper does not say which it "
        "means."
    )


def _same(at: Regime, main: MainTable) -> bool:
    """Whether a set has no image without a lesion."""
    return bool(main.whole) and not at.has("real", main.alarms)


def _beyond(at: Regime, main: MainTable) -> str:
    """That augmentation beats the oracle, whose gain then is no measure of what can be gained."""
    classic, metric = _augmented(at, main), next(iter(main.columns))
    if classic is None or not at.has(main.oracle, metric):
        return ""
    if at.mean(classic, metric) <= at.mean(main.oracle, metric):
        return ""
    values = [number(at.mean(arm, metric)) for arm in (classic, main.oracle)]
    return f"Augmentation alone does better than the oracle ({' against '.join(values)}). {SHARE}"


def _gain(at: Regime, about: About, title: str) -> str:
    main, method = about.main, next(iter(about.generators.values()), about.short)
    metric, name = next(iter(main.columns.items()))

    def value(arm: str) -> str:
        return number(at.mean(arm, metric))

    place = f"{title.partition(';')[0]}: " if len(main.regimes) > 1 else ""
    there = [arm for arm in main.controls if at.has(arm, metric)]
    controls = [f"{value(arm)} with {main.controls[arm]}" for arm in there]
    share = at.fraction(main.method, metric, main.oracle)
    part = ""
    if share and share["fraction"] is not None:
        part = f", {at.share(main.method, metric, main.oracle)} of the oracle's gain"
    return (
        f"{place}{name} is {value('real')} with real images alone, {value(main.method)} with "
        f"{method} ({_draws(at.count(main.method, metric))}{part}), {value(main.oracle)} with as "
        f"many fresh phantoms (the oracle)"
        + (f"; for comparison, it is {listed(controls)}." if controls else ".")
    )


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
    text += f" ({listed(good)})" if good else ""
    if judged.get(own):
        text += f"; {own} does not: {'; '.join(judged[own])}."
        return text + (f" Nor {_verb(bad, 'do')} {listed(bad)}." if bad else "")
    return text + (f"; {listed(bad)} {_verb(bad, 'do')} not." if bad else ".")


def _verb(subjects: list[str], plain: str) -> str:
    """"meets" for one subject, "meet" for several."""
    odd = {"do": "does", "have": "has", "are": "is"}
    return plain if len(subjects) > 1 else odd.get(plain, f"{plain}s")


def missed(paper: str, arm: str, source: Callable[[str], dict | None]) -> list[str] | None:
    """What a generator misses of the gate, regime by regime; None where nothing was measured."""
    found, measured = [], False
    for item, regime in _places(paper, arm, source):
        values = gate.competence(source, item, regime, arm)
        measured |= any(value is not None for value in values.values())
        failures = ", ".join(gate.failures(values))
        place = "" if regime == evidence.PLAIN else f"{verdict.spelled(regime)}: "
        found += [place + failures] * bool(failures)
    return found if measured else None


def unmeasured(paper: str, arm: str, source: Callable[[str], dict | None]) -> list[str]:
    """The conditions of the gate for which a generator has no row, in words."""
    places = _places(paper, arm, source)
    each = [gate.competence(source, item, regime, arm) for item, regime in places]
    absent = (name for found in each for name in found if found[name] is None)
    return gate.in_words(dict.fromkeys(absent))


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
    return f"{listed(against)} {verb} the paper's own numbers."


def effort(paper: str, pages: dict[str, dict]) -> dict:
    """seconds of the newest run of a chapter's pages, their number, and on which processor."""
    runs = [page["runs"][-1] for item, page in pages.items()
            if item.startswith(f"{paper}/") and page["runs"]]  # fmt: skip
    timed = [run for run in runs if run.get("seconds")]
    cpus = dict.fromkeys(run["cpu"] for run in timed)
    return {"seconds": sum(run["seconds"] for run in timed), "timed": len(timed),
            "cpu": listed([*cpus])}  # fmt: skip


def _draws(n: int) -> str:
    return "one draw" if n == 1 else f"{n} draws"
