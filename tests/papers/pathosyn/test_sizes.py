"""Sizes: the paper's where they are its own, in its proportion where they are fewer."""

from dataclasses import astuple, fields

from lib.claims import ledger
from lib.papers.pathosyn import arms, printed
from lib.papers.pathosyn.sizes import SIZES, Sizes
from lib.profiles import PROFILES


def flat(size: Sizes) -> dict[str, tuple]:
    """Every size as a tuple of numbers."""
    each = zip(fields(size), astuple(size), strict=True)
    return {f.name: x if isinstance(x, tuple) else (x,) for f, x in each}


def test_every_profile_has_its_sizes():
    assert {profile.sizes for profile in PROFILES.values()} <= set(SIZES)


def test_the_papers_split_is_the_papers_and_ours_has_its_proportion():
    assert SIZES["paper"].subjects == printed.SPLIT
    whole = sum(printed.SPLIT)
    for name in ("full", "smoke"):
        train, validation, test = SIZES[name].subjects
        expected = train * printed.SPLIT[1] / printed.SPLIT[0]
        assert abs(validation - expected) < 0.5, name
        assert test >= validation and train < printed.SPLIT[0] < whole


def test_smoke_is_smaller_than_full_and_full_than_paper_in_everything():
    small, full, paper = (flat(SIZES[name]) for name in ("smoke", "full", "paper"))
    for name, values in full.items():
        if None not in values:
            assert max(small[name]) <= max(values), name
            assert name == "subjects" or max(values) <= max(paper[name]), name


def test_epochs_of_the_paper_are_its_steps():
    """300 and 200 epochs of `added` slices (as many as real ones) in batches of 16."""
    size = SIZES["paper"]
    each = size.added / 16
    assert size.diff_steps == printed.STATED["generator_epochs"].value * each
    assert size.classify_steps == printed.STATED["task_epochs"].value * each
    assert size.diff_steps == size.vaegan_steps == size.maskdiff_steps, "one budget for all"


def test_seeds_and_sweeps_serve_the_claims():
    full = SIZES["full"]
    assert full.seeds_alone >= 3 * full.seeds
    said = {leaf["regime"] for c in ledger.by_paper("pathosyn") for leaf in ledger.leaves(c["test"])
            if "regime" in leaf}  # fmt: skip
    said |= {term["regime"] for c in ledger.by_paper("pathosyn")
             for leaf in ledger.leaves(c["test"]) for term in leaf.get("shares", ())
             if "regime" in term}  # fmt: skip
    named = {int(end) for end in (r.rpartition("n")[2] for r in said) if end.isdecimal()}
    assert named == {25, 50, 400} and named <= set(full.sweep)
    assert {r.partition("-")[0] for r in said} & set(arms.SEGMENTERS) == set(arms.SEGMENTERS)
