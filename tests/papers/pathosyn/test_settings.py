"""What the arms change are settings of the generator that they name, with values it accepts."""

from dataclasses import asdict, replace

import pytest

from lib.generators.deviation import DeviationDiffusion, DeviationSettings
from lib.papers.pathosyn.arms import SOURCES

DIFFUSED = [arm for arm in SOURCES.values() if arm.source == "pathosyn_diff"]


@pytest.mark.parametrize("arm", DIFFUSED, ids=lambda arm: arm.name)
def test_an_arm_of_the_diffusion_changes_settings_that_it_has(arm):
    plain = DeviationSettings()
    changes = arm.changes | getattr(arm, "sampling", {})
    changed = replace(plain, **changes)
    DeviationDiffusion(changed)
    differs = {name for name, value in asdict(changed).items() if value != asdict(plain)[name]}
    assert differs == set(changes), "an arm that changes nothing is another arm's copy"
