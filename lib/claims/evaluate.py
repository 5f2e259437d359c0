"""A test of any kind, at its looks and behind its gate: simple ones, and those made of parts."""

from lib.claims import gate, kinds, ledger, looks, pooled, power
from lib.claims import verdict as v
from lib.claims.evidence import least, record_of


def evaluate(test, source, factor=1.0):
    """The outcome of one test; evidence.Missing when a row it needs is not there.

    `factor` multiplies every p. Beside what its kind measures, an outcome of draws has look (the
    number of draws at which the verdict fell, or was looked at last; None before the first) and
    gate.
    """
    kind = test["kind"]
    if kind in kinds.FIXED:
        return kinds.FIXED[kind](test)
    if kind in WHOLE:
        return WHOLE[kind](test, source, factor)
    return behind_gate(test, source, at_looks(test, source, factor))


def at_looks(test, source, factor):
    """A simple test at each look in turn, until it is decided.

    p is that of the look; delta and its intervals are those of all draws, `need` too.
    """
    simple, planned = kinds.SIMPLE[test["kind"]], test["replicates"]
    last = looks.looks(planned)[-1]
    whole = simple(test, source, factor * looks.weight(last, planned))
    n = whole["n"]
    found, look = looks.decide(n, planned, seen(test, source, factor))
    decided = found["verdict"] != v.INCONCLUSIVE
    beside = pooled.beside(test, source)
    said = [found["sentence"], looks.state(look, n, planned, decided)]
    if look and look < n:
        said.append(f"All draws {_of_all(test, whole)}.")
    need, price = None, None
    if not decided:
        need = needed(test, source, factor, whole)
        price, text = priced(test, source, need, n)
        said.append(text)
    said += [pooled.sentence(beside)] if beside else []
    of_all = ("n", "delta", "ci95", "ci90", "p_sign_flip", "note")
    kept = {key: whole[key] for key in of_all if key in whole}
    kept |= {"look": look, "need": need, "price": price, "pooled": beside}
    return found | kept | {"sentence": " ".join(filter(None, said))}


def _of_all(test, whole):
    """What all draws give, behind a look at fewer of them."""
    if whole.get("note"):
        return f"give {whole['note']}"
    return v.figures(kinds.what(test), whole["delta"], whole["ci95"], None, whole["n"])


def seen(test, source, factor=1.0):
    """at(draws, weight) of a simple test, as lib.claims.looks.decide asks for it."""
    simple = kinds.SIMPLE[test["kind"]]
    return lambda first, weight: simple({**test, "first": first}, source, factor * weight)


def needed(test, source, factor, whole):
    """What an undecided test needs: the first look to come whose level its draws would pass, else
    the draws for the level of the last look; `whole` is its outcome at that level."""
    simple, planned = kinds.SIMPLE[test["kind"]], test["replicates"]
    if whole["need"] is None or whole["need"]["R"] > looks.looks(planned)[-1]:
        return whole["need"]
    for look in looks.looks(planned):
        if look <= whole["n"]:
            continue
        found = simple(test, source, factor * looks.weight(look, planned))["need"]
        if found["R"] <= look:
            return found | {"R": look}
    return whole["need"]


def behind_gate(test, source, found):
    """The outcome of a simple test, not interpreted where a generator in it is not competent."""
    state = gate.judge(source, test, ledger.needs(test))
    if not state["failed"]:
        return found | {"gate": state}
    text = f"{unread(state)} {found['sentence']}"
    none = {"need": None, "price": None}
    return found | {"gate": state, "verdict": v.NOT_INTERPRETED, **none, "sentence": text}


def unread(state):
    """Why a claim is not interpreted, generator by generator."""
    failed = state["failed"].items()
    each = "; ".join(f"{v.spelled(name)}: {', '.join(missed)}" for name, missed in failed)
    return f"Not interpreted ({each}); the numbers stand, the reading does not."


def composite(test, source, factor):
    """A claim that needs all of its parts, or one that is judged under several readings."""
    children = ledger.children(test)
    parts = [evaluate(part, source, factor) for part in children]
    labels = [part.get("label") or kinds.what(part) for part in children]
    if test["rule"] == "readings":
        named = zip(labels, parts, strict=True)
        each = "; ".join(f"{v.spelled(label)}: {v.short(part['verdict'])}" for label, part in named)
        text = f"Judged under {len(parts)} readings; the first one counts. {each}."
        text += f" {_state(children[0], parts[:1], parts[0]['verdict'])}".rstrip()
        if parts[0]["verdict"] == v.INCONCLUSIVE:
            text += " " + priced(children[0], source, parts[0]["need"], parts[0]["n"])[1]
        return {**parts[0], "sentence": text, "parts": parts}
    each = zip(children, parts, strict=True)
    strict = [out if _settled(out) else evaluate(part, source, factor * len(parts))
              for part, out in each]  # fmt: skip
    return needs_all(test, source, parts, strict, labels)


def needs_all(test, source, parts, strict, labels):
    """The outcome of a claim from its parts; strict: the same at the level over their number."""
    names = [part["verdict"] for part in parts]
    fallen = [out["verdict"] in v.AGAINST for out in strict]
    name = v.verdict_parts(names, fallen)
    need, price = None, None
    if name == v.INCONCLUSIVE:
        need = power.of_all([p["need"] for p in parts], [s["need"] for s in strict])
    for_all = [part["p"] for part in parts]
    against = [out["p_claim"] for out in strict if not _settled(out)]
    n = min(part["n"] for part in parts)
    s = {"n": n, "mean": None, "ci95": None, "ci90": None}
    s["p"] = None if None in for_all else max(for_all)
    gated = _gates(parts)
    lead = f"{unread(gated)} " if name == v.NOT_INTERPRETED else ""
    text = f"{lead}{_told(names, fallen, labels, parts)} {_state(test, parts, name)}".rstrip()
    if name == v.INCONCLUSIVE:
        price, needs = priced(test, source, need, n)
        text += f" {needs}"
    out = kinds.outcome(test, name, s, text, need, parts=parts, look=_look(parts))
    return out | {"p_claim": least(s["p"], *against), "gate": gated, "price": price}


def _settled(part):
    """Whether a part cannot fall: it holds, or is not interpreted."""
    return part["verdict"] in (*v.POSITIVE, v.NOT_INTERPRETED)


def _told(names, fallen, labels, parts):
    """ "2 of 4 parts hold, 1 is turned or nothing: ..."; of more than five only what fails."""
    holding = sum(name in v.POSITIVE for name in names)
    each = [_part_text(label, part) for label, part in zip(labels, parts, strict=True)]
    if len(parts) > 5:
        each = [text for text, name in zip(each, names, strict=True) if name not in v.POSITIVE]
    lead = "; the other parts: " if len(parts) > 5 else ": "
    against = f", {sum(fallen)} reversed or without effect" if any(fallen) else ""
    text = f"{holding} of {len(parts)} parts hold{against}"
    return text + (lead + "; ".join(each) if each else "") + "."


def _part_text(label, part):
    """ "label verdict (0.012, 0.004 to 0.020)", or why there is no number."""
    delta, ci95, note = part["delta"], v.interval(part["ci95"], part["n"]), part.get("note")
    numbers = f" ({note})" * bool(note) if delta is None else f" ({v.number(delta)}, {ci95})"
    return f"{v.spelled(label)} {v.short(part['verdict'])}{numbers}"


def _look(parts):
    """The last look of a claim's parts; None while one has had none."""
    each = [part["look"] for part in parts]
    return None if None in each else max(each)


def _state(test, parts, name):
    """At which look a claim of parts fell, or what holds it up: no look yet."""
    look, n = _look(parts), min(part["n"] for part in parts)
    if look == 1 or not n:
        return ""
    if look is None:
        return f"No look yet: R={n}, the first is at R={max(plan[0] for plan in _plans(test))}."
    decided = name not in (v.INCONCLUSIVE, v.NOT_INTERPRETED)
    return f"It fell at the look R={look}." if decided else f"Looked at last at R={look}."


def _gates(parts):
    """The gates of all parts as one."""
    joined = {"failed": {}, "unknown": {}}
    for part in parts:
        for key, found in part["gate"].items():
            for name, each in found.items():
                joined[key][name] = sorted({*joined[key].get(name, []), *each})
    return joined


def priced(test, source, need, n):
    """What an undecided test of n draws needs and costs, as lib.claims.power says: (price, words).

    A draw costs what it took on every page that the test reads; the part that plans most counts.
    """
    seconds = [record_of(source, item)["seconds"] for item in ledger.items(test)]
    minutes = None if None in seconds else sum(seconds) / 60
    plan = max(_plans(test), key=lambda each: each[-1])
    price = power.price(need, n, plan, minutes)
    return price, power.sentence(need, n, plan, price)


def _plans(test):
    """The looks of every simple test inside a test."""
    return [looks.looks(leaf["replicates"]) for leaf in ledger.leaves(test)]


def truth(test, source, factor):
    """A quantity that no paper printed: measured, whatever its test finds."""
    (inner,) = (evaluate(child, source, factor) for child in ledger.children(test))
    text = "The paper gives no number; phantom truth gives: " + v.as_measured(inner["sentence"])
    gated = inner["verdict"] == v.NOT_INTERPRETED
    name = v.NOT_INTERPRETED if gated else v.MEASURED
    return {**inner, "verdict": name, "finding": inner["verdict"], "sentence": text}


WHOLE = {"composite": composite, "truth": truth}
KINDS = {**kinds.SIMPLE, **WHOLE, **kinds.FIXED}
