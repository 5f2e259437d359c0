"""A small explorer whose script lies beside the real kit."""

import shutil

import numpy as np
import pytest

from lib.explore import host

SCRIPT = """
function explore(root, data, tell) {
  const view = picture("a ramp", 4);
  const text = status();
  const draw = (shift) => {
    view.grey(data.ramp.values.map((x) => x + shift));
    text.text = `shift ${shift}, half ${data.half.values.join(" ")}, ${data.names[1]}`;
    tell({ shift });
  };
  const control = slider("Shift", { min: -1, max: 1, step: 0.25 }, draw);
  root.append(make("h2", { text: "Toy" }), view.element, control.element, text.element);
  draw(0);
}
"""


@pytest.fixture
def scripts(tmp_path):
    """The folder of scripts with one more."""
    folder = shutil.copytree(host.SCRIPTS, tmp_path / "js")
    (folder / "toy.js").write_text(SCRIPT)
    return folder


@pytest.fixture
def toy(scripts, monkeypatch):
    """An explorer with a picture, a slider and a line of text."""
    monkeypatch.setattr(host, "SCRIPTS", scripts)
    ramp = np.linspace(0, 1, 16, dtype=np.float32)
    half = np.array([0.5, -2.0, 6.1035156e-05, 5.9604645e-08], np.float16)  # the last subnormal
    return host.Explorer("toy", "A toy", {"ramp": ramp, "half": half, "names": ["a", "</script>"]})


@pytest.fixture
def troubles(page):
    """What the browser complains of, and every request beyond the file itself."""
    found = []
    page.on("console", lambda message: found.append(message.text))
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("request", lambda request: _own(request.url) or found.append(request.url[:100]))
    yield found
    assert found == []


def _own(url):
    return url.startswith(("data:", "blob:")) or (url.startswith("file:") and url.endswith(".html"))
