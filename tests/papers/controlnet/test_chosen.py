"""What the arms of Figures 3 and 4 are made of: how many films, of how many, by which readers."""

import pytest

from lib import profiles
from lib.claims import judge, ledger
from lib.datasets.ratings import EACH
from lib.generators.preference import OURS
from lib.papers.controlnet.arms import FEEDBACK, PROXY, SOURCES, TASKS
from lib.papers.controlnet.pools import SHARE
from lib.papers.controlnet.sizes import SIZES
from lib.papers.controlnet.study import Study
from lib.papers.controlnet.tables import TABLES
from lib.scores.raters import ReaderSettings

STUDY = Study(profiles.plan("quick"), "bare", SIZES["full"])
READERS = TABLES["05_feedback"]


@pytest.mark.parametrize(
    ("arm", "tenth", "times", "best"),
    [("filtered", True, SHARE, True), ("filtered_equal", False, SHARE, True),
     ("large_low", False, SHARE, False), ("small_high", True, SHARE, True),
     ("small_low", True, SHARE, False)],
)  # fmt: skip
def test_volume_and_quality_are_crossed(arm, tenth, times, best):
    arm = SOURCES[arm]
    n, plain = STUDY.amount(arm, 1), STUDY.amount(SOURCES["syn2"], 1)
    assert n == (plain // SHARE if tenth else plain)
    args = STUDY.added(arm, TASKS["chexpert"], 1, 0).spec["args"]
    assert (args["n"], args["best"]) == (n, best)
    assert args["among"] == (plain if arm.name == "filtered" else times * n)


@pytest.mark.parametrize("profile", SIZES)
def test_readers_see_all_films_of_a_sweep_beside_as_many_real_ones_as_there_are(profile):
    at = Study(profiles.plan("full"), "bare", SIZES[profile])
    usual = at.noticed(0).spec["args"]["judged"]["$job"]["args"]
    for sets in (at.size.sets, *at.size.sweep):
        seen = at.noticed(0, sets).spec["args"]["judged"]["$job"]["args"]
        assert seen["n"] == seen["pool"]["$job"]["args"]["n"] >= EACH * sets
        there = seen["real"]["$job"]["args"]["requests"]["$job"]["args"]["n"]
        assert seen["among"] <= there
        for part in ("real", "among", "reader"):
            assert seen[part] == usual[part], "the same films read alike, however many there are"
        asked = at.compared_films(0, sets).spec["args"]["asked"]["$job"]["args"]
        assert asked["n"] >= seen["n"] and asked["copies"] == EACH
        assert at.rated(0, sets).spec["args"]["sets"] == sets


def test_other_readers_are_as_before_but_for_their_noise():
    usual, sure = (STUDY.rated(0, noise=noise).spec["args"] for noise in (None, 0.0))
    assert usual["settings"].pop("noise") == ReaderSettings().noise
    assert sure["settings"].pop("noise") == 0 and usual == sure
    assert STUDY.rated(0).key == STUDY.rated(0, noise=ReaderSettings().noise).key


def test_the_control_of_tuning_differs_in_which_films_are_kept_and_in_nothing_else():
    base, branch = STUDY.fitted(SOURCES["finetuned2"], 0)
    other, same = STUDY.fitted(SOURCES["finetuned_random2"], 0)
    assert branch.key == same.key
    one, two = (dict(job.spec["args"]) for job in (base, other))
    best, chance = (args.pop("films")["$job"] for args in (one, two))
    assert one == two, "steps, batches and noise"
    assert best["args"]["pool"] == chance["args"]["pool"] and "proxy" not in chance["args"]
    assert "percentile" not in best["args"] and "percentile" not in chance["args"]


def test_the_control_of_feedback_differs_in_who_won_and_in_nothing_else():
    ways = (STUDY.fitted(SOURCES[name], 0) for name in ("dpo2", "dpo_random2"))
    (base, tuned), (same, other) = ways
    assert base.key == same.key
    one, two = (dict(job.spec["args"]) for job in (tuned, other))
    pairs, turned = (args.pop("pairs")["$job"] for args in (one, two))
    assert one == two, "films, steps, batches and noise"
    assert turned["args"]["pairs"]["$job"] == pairs
    assert turned["function"] == "lib.datasets.ratings:by_coin"
    assert STUDY.fitted(SOURCES["dpo_random"], 0)[1] == other


def test_every_tuning_takes_as_many_steps_and_pairs():
    """What a sweep varies is from how many sets they come, and by which readers."""
    arms = (*(SOURCES[name] for name in ("dpo2", "dpo_random2")), *SWEPT)
    settings = [STUDY.fitted(arm, 0)[1].spec["args"]["settings"] for arm in arms]
    assert all(each == settings[0] for each in settings)
    taken = settings[0]["steps"] * settings[0]["pairs"]
    assert taken == STUDY.size.dpo_steps * OURS["pairs"]
    assert taken >= 2 * EACH * STUDY.size.sets, "two for each film of the usual sets"


def test_films_for_texts_alone_are_judged_too_as_most_preferences_are_about_them():
    plain, tuned = (STUDY.conditioned(SOURCES[name], 0) for name in ("original_text", "dpo_text"))
    assert plain == STUDY.conditioned(SOURCES["text_only"], 0), "those of 01_generator"
    one, two = (dict(job.spec["args"]) for job in (plain, tuned))
    assert one.pop("branch") != two.pop("branch") and one == two
    rows = {(each.arm.name, metric) for each in READERS.scores(STUDY) for metric in each.paths}
    assert {("original_text", "quality"), ("dpo_text", "quality")} <= rows


@pytest.mark.parametrize(
    ("claim", "tuned", "null"),
    [("CN-22", "finetuned2", "finetuned_random2"), ("CN-25", "dpo2", "dpo_random2"),
     ("CN-26", "dpo", "dpo_random")],
)  # fmt: skip
def test_what_tunes_a_generator_is_told_from_tuning_at_all(claim, tuned, null):
    """A claim that tuning helps is attributed against tuning on what chance has chosen."""
    (entry,) = (each for each in ledger.by_paper("controlnet") if each["id"] == claim)
    leaf = judge.lead(entry["test"])
    assert judge.treatment_of(leaf) == tuned and null in leaf["attribution"]


SWEPT = [*map(READERS.of_sets, SIZES["full"].sweep), *map(READERS.of_noise, (0.0, 1.6))]
TRIED = {  # where the arms of Figures 3 and 4 are tried
    **{arm: ("chexpert", 1) for name, arm in PROXY.items() if arm.times},
    **{arm: ("rsna", 10) for arm in (*FEEDBACK.values(), *SWEPT) if arm.times},
}


@pytest.mark.parametrize("profile", SIZES)
@pytest.mark.parametrize("arm", TRIED, ids=lambda arm: arm.name)
def test_an_arm_draws_the_films_that_its_task_and_its_judge_see_and_few_more(arm, profile):
    (name, percent), at = TRIED[arm], Study(profiles.plan("quick"), "bare", SIZES[profile])
    task, n = TASKS[name], at.amount(arm, percent)
    if "keep" in arm.changes:
        assert not arm.brief and at.part_size(task, percent) >= n
        return
    drawn = at.part(arm, task, percent, 0, 0).spec["args"]
    assert n <= drawn["n"] and len(at.parts(arm, task, percent, 0)) == 1
    plain = at.part(SOURCES["syn2"], task, percent, 0, 0).spec["args"]
    assert drawn["n"] <= plain["n"] // SHARE, "it is brief"
    assert (drawn["asked"], drawn["stream"]) == (plain["asked"], plain["stream"])
    if name == "chexpert":
        assert at.seen(arm, task, 0).spec["args"]["n"] <= drawn["n"]
