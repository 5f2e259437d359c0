"""Rows, pages and claims made up for tests of the judge."""

import numpy as np

from lib.claims import ledger

MAIN = "pavae/table4_main"
MADE = {name: name for name in ("template", "vae", "stylegan", "pavae")}  # arms by generator


def spread(mean, R, sd=0.002, seed=0):
    """R values with exactly this mean and SD, so that the tests do not hang on luck."""
    x = np.random.default_rng(seed).normal(size=R)
    x = x - x.mean()
    return list(mean + sd * x / x.std(ddof=1)) if R > 1 else [mean]


def row(arm, metric, regime, values, seed=7, **more):
    """A row as lib.record.draws merges it, with draws of a seed not yet seen."""
    draws = {f"{seed}/{k}": float(value) for k, value in enumerate(values)}
    blank = {"null": None, "null_sd": None, "here": [], "old": []}
    mean = sum(draws.values()) / len(draws)
    return {"regime": regime, "arm": arm, "metric": metric, "draws": draws, "mean": mean,
            **blank, **more}  # fmt: skip


def rows(means, metric="auc", regime="bare", R=10, sd=0.002, made=None, **more):
    """Rows of arms by their means; `made`: {arm: its generator}, by default those of MADE."""
    made = MADE if made is None else made
    return [
        row(arm, metric, regime, spread(m, R, sd, seed), **made_by(made.get(arm), regime), **more)
        for seed, (arm, m) in enumerate(means.items())
    ]


def made_by(generator, regime):
    """The column that names a generator; one in a regime of its own is (arm, regime)."""
    if generator is None:
        return {}
    arm, place = generator if isinstance(generator, tuple) else (generator, regime)
    return {"generator": {"arm": arm, "regime": place}}


def page_of(*tables, here=False, cost=None, **stamp):
    """A page as lib.record.draws merges it; `cost`: seconds of a draw."""
    found = [row for table in tables for row in table]
    return {"rows": found, "stamp": stamp, "here": here, "seconds": cost}


def source_of(*tables, **more):
    return {MAIN: page_of(*tables, **more)}.get


def claim(kind, priority=2, **test):
    place = {"item": MAIN, "regime": "bare", "metric": "auc", "better": "higher", "margin": 0.01}
    test = {"kind": kind, **place, "replicates": 10, **test}
    head = {"id": "PV-01", "paper": "pavae", "priority": priority, "statement": "s"}
    return {**head, "testability": "T", "test": test}


def real_claim(id_):
    return next(c for c in ledger.load() if c["id"] == id_)

UTILITY = {"treatment": "pavae", "control": "real", "paper_effect": 0.1, "oracle": "oracle"}
CONTROLS = {"attribution": ["oversample", "smooth", "shuffled"]}
