"""From merged pages to verdicts: rows in, one dict per claim out.

A verdict dict has id, paper, priority, verdict, exploratory, sentence, title, attribution,
fraction, gate (whose generators), missing, how many of its n draws were computed in this
home (`here`), whether earlier code made some of them (`old`), the look at which it fell, and the
numbers of its test (delta, ci95, p, margin, parts ...).
"""

from collections import Counter
from functools import cache, partial

from lib.claims import evidence, gate, ledger
from lib.claims import verdict as v
from lib.claims.evaluate import evaluate
from lib.metrics.inference import fieller, holm
from lib.record import draws


def reader(own=True, profile=None):
    """source(item) of the merged pages, or of the record alone; each is read once.

    In a `profile` of other sizes (smoke) the pages of this home stand alone.
    """
    return cache(partial(draws.merged, own=own, profile=profile))


def lead(test):
    """The simple test that speaks for a claim: the first with control arms, else the first."""
    simple = ledger.leaves(test)
    return next((leaf for leaf in simple if leaf.get("attribution")), simple[0])


def treatment_of(test):
    return test.get("treatment") or test["arms"][-1]


def against(test, control):
    """The difference test of the claim's treatment against another arm."""
    return {**test, "kind": "difference", "treatment": treatment_of(test), "control": control}


def attribution(test, source):
    """(word, {part: {arm: 95 % CI or None}}) against the arms that carry no pathology, in every
    part of a claim that has such arms; of readings the first counts."""
    if test.get("rule") == "readings":
        return attribution(ledger.children(test)[0], source)
    parts = [leaf for leaf in ledger.leaves(test) if leaf.get("attribution")]
    found = {}
    for i, leaf in enumerate(parts):
        name = leaf.get("label") or leaf["regime"] or str(i)
        found[name] = {arm: _interval(leaf, arm, source) for arm in leaf["attribution"]}
    every = {(name, arm): ci for name, each in found.items() for arm, ci in each.items()}
    return (v.attribution(every) if parts else None), found


def _interval(leaf, arm, source):
    try:
        return evidence.contrast(against(leaf, arm), source)["ci95"]
    except evidence.Missing:
        return None


def fraction(test, source):
    """The treatment's share of the oracle's gain over the baseline, or None where not measured."""
    if "oracle" not in test or "shares" in test:
        return None
    arms = (treatment_of(test), test["oracle"], test.get("baseline", "real"))
    try:
        each = [evidence.values(test, source, arm=arm) for arm in arms]
        method, best, real = evidence.together(each)
    except evidence.Missing:
        return None
    return fieller(evidence.sign(test) * (method - real), evidence.sign(test) * (best - real))


def planned(test):
    return max(leaf.get("replicates", 0) for leaf in ledger.leaves(test))


def judge(claim, source, factor=1.0):
    """The verdict dict of one claim; `factor` is the Holm multiplier of its p."""
    test = claim["test"]
    head = {key: claim[key] for key in ("id", "paper", "priority", "statement")}
    blank = {"attribution": None, "fraction": None, "gate": None, "look": None, "price": None}
    try:
        found = evaluate(test, source, factor)
    except evidence.Missing as missing:
        text = f"Not yet run: {missing.args[0]}."
        out = {**head, **blank, "verdict": v.NOT_RUN, "exploratory": False, "n": 0, "p": None}
        out |= {"here": 0, "old": False, "p_claim": None}
        return {**out, "sentence": text, "missing": missing.args[0], "title": title(out)}
    seeds, made = used(test, source)
    out = {**head, **blank, **found, **made, "missing": None}
    if found["verdict"] in (*v.EMPIRICAL, v.NOT_INTERPRETED):
        out |= _second_axes(test, source, found, factor)
        out |= _seen_before(claim, seeds, out)
    out["exploratory"] = out["verdict"].startswith(v.EXPLORATORY)
    return {**out, "title": title(out)}


def used(test, source):
    """(seeds of the draws that decide a test, {"here": their number, "old": whether any is}).

    A draw is `here` where every arm of it was computed in this home; the least of all parts counts.
    """
    parts = [_used(leaf, source) for leaf in ledger.leaves(test) if ledger.needs(leaf)]
    seeds = {int(key.partition("/")[0]) for keys, _, _ in parts for key in keys}
    here = min((len(found) for _, found, _ in parts), default=0)
    return seeds, {"here": here, "old": any(found for _, _, found in parts)}


def _used(leaf, source):
    """Of a simple test: keys of its draws, of those computed here, of those by earlier code."""
    if "stamp" in leaf:
        return set(), {leaf["stamp"]} if source(leaf["item"])["here"] else set(), set()
    rows = [
        evidence.find_row(source, item, arm, metric, regime or evidence.PLAIN)
        for item, regime, arm, metric in ledger.needs(leaf)
    ]
    keys = set.intersection(*(set(evidence.defined(row)) for row in rows))
    here = keys.intersection(*(row["here"] for row in rows))
    return keys, here, keys & {key for row in rows for key in row["old"]}


def _second_axes(test, source, found, factor):
    """Everything that hangs on a measured verdict: demotion, attribution, fraction."""
    leaf, name = lead(test), found["verdict"]
    out = {"verdict": v.demote(name, found["n"], planned(test)), "gate": found["gate"]}
    out["fraction"] = fraction(leaf, source)
    if name in v.POSITIVE:
        out["attribution"], out["against"] = attribution(test, source)
    remarks = _remarks(out, found["n"], planned(test))
    return {**out, "sentence": " ".join([found["sentence"], *remarks])}


def _seen_before(claim, seeds, out):
    """Marks a verdict exploratory if an arm was changed after its seeds had been looked at."""
    changed = [each for each in ledger.changes() if claim["id"] in each["claims"]]
    if not any(seeds & set(each["seeds"]) for each in changed) or out["verdict"] not in v.EMPIRICAL:
        return {}  # exploratory for another reason, not interpreted, or nothing to mark
    return {
        "verdict": v.EXPLORATORY + out["verdict"],
        "sentence": f"{out['sentence']} Exploratory: an arm was changed after draws of this seed "
        "had been seen.",
    }


def _remarks(out, n, plan):
    """The sentences behind the main one."""
    if out.get("attribution"):
        yield f"Attribution {out['attribution']} {_losers(out)}".strip() + "."
    share = out["fraction"]
    if share:
        yield _share_text(share).capitalize() + "."
    if 0 < n < plan:
        yield f"R={n} of {plan} planned."
    unknown = (out["gate"] or {}).get("unknown")
    if unknown:
        named = {v.spelled(name): ", ".join(gate.in_words(rows)) for name, rows in unknown.items()}
        each = (f"{name} ({rows})" for name, rows in named.items())
        yield f"Competence not measured: {', '.join(each)}."


def _losers(out):
    """Which control arms an attribution stands against, or which keep it from holding."""
    parts = out["against"].items()
    every = [(arm, name, ci) for name, each in parts for arm, ci in each.items()]
    if out["attribution"] == v.HOLDS:
        return "against " + " and ".join(dict.fromkeys(arm for arm, _, _ in every))
    lost = [(arm, v.spelled(name)) for arm, name, ci in every if not v.above(ci)]
    lost = [f"{arm} ({name})" if len(parts) > 1 else arm for arm, name in lost]
    if out["attribution"] == v.VANISHES:
        return "against " + " and ".join(lost)
    return f"({', '.join(lost)} missing)"


def _share_text(share):
    if share["fraction"] is None:
        return share["note"]
    lo, hi = v.number(share["lo"]), v.number(share["hi"])
    return f"{v.number(share['fraction'])} [{lo}, {hi}] of oracle gain"


def title(out):
    """One line: id, verdict, attribution, fraction of the oracle's gain, replicates."""
    parts = [f"{out['id']}: {out['verdict']}"]
    if out["attribution"]:
        parts.append(f"attribution {out['attribution']}")
    if out["fraction"] and out["verdict"] != v.NOT_INTERPRETED:
        parts.append(_share_text(out["fraction"]))
    return "; ".join(parts) + (f" (R={out['n']})" if out["n"] else "")


def multipliers(verdicts):
    """{id: Holm multiplier of p} over the core claims of each paper that have a p and are read.

    p of a claim is the smallest that could decide it, for or against, at the look where it stands.
    """
    factors = {}
    for paper in ledger.PAPERS:
        core = [out for out in verdicts if out["paper"] == paper and out["priority"] == 1
                and out["verdict"] != v.NOT_INTERPRETED]  # fmt: skip
        first = {out["id"]: out["p_claim"] for out in core if out["p_claim"] is not None}
        pairs = zip(first.items(), holm(list(first.values())), strict=True)
        factors |= {id_: adjusted / p if p > 0 else 1.0 for (id_, p), adjusted in pairs}
    return factors


def judge_all(source=None, claims=None):
    """All verdict dicts, in ledger order, from the record and the draws of this home together.

    `source` is another `reader`. p of core claims is adjusted by Holm over those of their paper.
    """
    claims, source = ledger.load() if claims is None else claims, source or reader()
    raw = [judge(claim, source) for claim in claims]
    factors = multipliers(raw)
    return [
        out if (factor := factors.get(claim["id"], 1.0)) == 1 else judge(claim, source, factor)
        for claim, out in zip(claims, raw, strict=True)
    ]


def summary(verdicts):
    """{paper: {verdict without its exploratory mark: number}}, plus "exploratory" counts."""
    table = {}
    for out in verdicts:
        row = table.setdefault(out["paper"], Counter())
        row[v.base(out["verdict"])] += 1
        row["exploratory"] += bool(out["exploratory"])
    return {paper: dict(row) for paper, row in table.items()}
