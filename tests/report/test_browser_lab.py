"""JupyterLab opens a .py notebook as a notebook, and running it can import lib."""

from lab import jupyterlab, run_all

CELLS = """# %% [markdown]
# # A heading

# %% tags=["parameters"]
profile = "quick"

# %%
from lib import paths
(paths.ROOT / "lib").is_dir() and f"ran with {profile}"
"""


def test_py_file_opens_as_a_notebook_and_runs(tmp_path, page):
    with jupyterlab(tmp_path, CELLS) as address:
        run_all(page, address)
        assert page.locator(".jp-MarkdownOutput h1").inner_text().startswith("A heading")
        output = page.locator(".jp-OutputArea-output", has_text="ran with quick")
        output.wait_for(timeout=60_000)
        assert page.locator(".jp-OutputArea-output", has_text="Error").count() == 0
