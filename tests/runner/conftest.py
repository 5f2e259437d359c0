"""What the tests of the runner share."""

import pytest
from toy_notebooks import BAD, GOOD, add

from lib import paths


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of notebooks: two that work and, between them, one that fails; no paper has them."""
    folder = tmp_path / "notebooks"
    (folder / "toy").mkdir(parents=True)
    add(folder, "00_start_here", GOOD.format(mark="first"))
    add(folder, "toy/table4_main", BAD)
    add(folder, "99_all_claims", GOOD.format(mark="last"))
    monkeypatch.setattr(paths, "NOTEBOOKS", folder)
    return folder
