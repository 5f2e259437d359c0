"""In JupyterLab an explorer is a widget: it keeps its arrow keys and tells the kernel its value."""

from lab import jupyterlab, run_all

CELLS = """# %%
from pathlib import Path

import numpy as np

from lib.explore import host

host.SCRIPTS = Path({scripts!r})
toy = host.Explorer("toy", "A toy", {{
    "ramp": np.linspace(0, 1, 16, dtype=np.float32), "half": np.zeros(2, np.float16),
    "names": ["a", "b"],
}})
toy

# %%
toy.value
"""


def test_widget_keeps_arrow_keys_and_tells_the_kernel(toy, scripts, tmp_path, page):
    with jupyterlab(tmp_path / "lab", CELLS.format(scripts=str(scripts))) as address:
        run_all(page, address)
        control = page.get_by_role("slider", name="Shift")
        control.wait_for(timeout=60_000)
        control.press("ArrowRight")
        control.press("ArrowRight")
        assert control.input_value() == "0.5"
        assert page.locator(".jp-CodeCell").first.get_attribute("class").count("jp-mod-active") == 1
        last = page.locator(".jp-CodeCell").last
        last.locator(".jp-InputArea-editor").click()
        page.keyboard.press("Control+Enter")
        last.locator(".jp-OutputArea-output", has_text="{'shift': 0.5}").wait_for(timeout=30_000)
