"""An explorer: data and one script, shown live in JupyterLab, in the report, or as its own page.

    explorer = Explorer("latent_space", "Latent space", {"images": images, "classes": [...]})
    explorer                     # as the last line of a cell
    explorer.write()             # figures/explore/latent_space.html

The script `lib/explore/js/<name>.js` defines `explore(root, data, tell)`: `root` is the element to
fill, `data` what is given here (arrays as {values, shape}); `tell(value)` hands plain JSON to a
kernel that is live, where it is `explorer.value`. It is inlined after `kit.js`, whose
functions it uses, and the scripts named in `uses`. Nothing is ever fetched: a page works
from a disk without a network.
"""

import base64
import html
import importlib.util
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from lib import paths
from lib.jobs.pool import WORKERS
from lib.record.rows import replace_file

SCRIPTS = Path(__file__).parent / "js"
DTYPES = ("uint8", "int16", "int32", "float16", "float32")  # that kit.js reads; bool is uint8

PRIVATE = "Your own images are shown by a live notebook alone: open it in JupyterLab."

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Known Truth</title>
<link rel="icon" href="data:,">
<style>html, body {{ margin: 0; }}</style>
</head>
<body>
<main id="place" aria-label="{title}"></main>
<noscript>This page draws with a script; allow scripts to use it.</noscript>
<script type="application/json" id="head">{head}</script>
<script type="text/plain" id="bytes">{bytes}</script>
<script type="module">
{script}
</script>
</body>
</html>
"""


class Explorer:
    """One interactive picture.

    name: its script, and its page under figures/explore. title: names it for readers.
    data: {name: numpy array (bool, uint8, int16, int32, float16, float32) or plain JSON}.
    uses: further scripts of lib/explore/js, inlined in this order. height: px before it is drawn.
    private: the data are a reader's own: a live kernel shows them, and no page holds them unless
    the reader writes one to a file that they name.
    Raises ValueError for data of another kind.
    """

    def __init__(
        self, name: str, title: str, data: Mapping[str, np.ndarray | object],
        uses: Sequence[str] = (), height: int = 600, private: bool = False,
    ):  # fmt: skip
        self.name, self.title, self.height, self.private = name, title, height, private
        self.uses = tuple(uses)
        self.head, self.packed = packed(data)

    @property
    def script(self) -> str:
        """Style and scripts, in the order in which they need each other."""
        style = (SCRIPTS / "kit.css").read_text(encoding="utf-8")
        files = ("kit", *self.uses, self.name)
        texts = [(SCRIPTS / f"{file}.js").read_text(encoding="utf-8") for file in files]
        return "\n".join([f"const STYLE = {json.dumps(style)};", *texts])

    def page(self) -> str:
        """The whole page, with nothing outside it."""
        return PAGE.format(
            title=html.escape(self.title),
            head=json.dumps(self.head).replace("<", "\\u003c"),  # no tag may end the script
            bytes=base64.b64encode(self.packed).decode(),
            script=f"{self.script}\nawait startPage();",
        )

    def frame(self) -> str:
        """The page inside another one, in a frame that takes the page's own height.

        Its address is named too, for a report that links the page, and for paper.
        """
        inner, title = html.escape(self.page()), html.escape(self.title)
        style = f"width: 100%; height: {self.height}px; border: 0; display: block;"
        place = f"explore/{self.name}.html"
        frame = f'<iframe title="{title}" style="{style}" data-page="{place}" srcdoc="{inner}">'
        told = f"{title} is interactive: open figures/{place} in a browser."
        return f"<div>{frame}</iframe><p hidden>{told}</p></div>"

    def write(self, file: Path | None = None) -> Path:
        """Write the page to a file, by default figures/explore/<name>.html; its path.

        ValueError where the data are private and no file is named.
        """
        if self.private and file is None:
            raise ValueError(f"{self.title}: its images are your own; name a file to export them.")
        file = file or paths.FIGURES / "explore" / f"{self.name}.html"
        replace_file(file, lambda half: half.write_text(self.page(), encoding="utf-8"))
        return file

    @cached_property
    def live(self):
        """The widget of a live JupyterLab."""
        from lib.explore.widget import Live  # here: anywidget takes time, and few kernels need it

        script = f"{self.script}\nexport default {{ render: startWidget }};"
        return Live(script, self.head, self.packed)

    @property
    def value(self) -> dict:
        """What the script last told the kernel; {} where there is no live widget."""
        return self.live.value if is_live() else {}

    def _repr_mimebundle_(self, include=None, exclude=None):
        shown = {"text/plain": f"explorer: {self.title}"}
        shown["text/html"] = f"<p>{html.escape(PRIVATE)}</p>" if self.private else self.frame()
        if not is_live():
            return shown
        return self.live._repr_mimebundle_()[0] | shown


def is_live() -> bool:
    """Whether a person sits before this kernel and widgets can be shown: not in a runner's one."""
    unattended = WORKERS in os.environ or os.environ.get(paths.RECORD_ONLY)
    return not unattended and importlib.util.find_spec("anywidget") is not None


def packed(data: Mapping[str, np.ndarray | object]) -> tuple[dict, bytes]:
    """(head, bytes): plain JSON with the place of every array, and all arrays compressed as one."""
    arrays, plain, parts, at = {}, {}, [], 0
    for name, value in data.items():
        if not isinstance(value, np.ndarray):
            plain[name] = _checked(name, value)
            continue
        part = _little(name, value)
        arrays[name] = {"dtype": part.dtype.name, "shape": [*part.shape], "at": at}
        arrays[name]["length"] = part.nbytes
        parts.append(part.tobytes())
        at += part.nbytes
    return {"json": plain, "arrays": arrays}, zlib.compress(b"".join(parts), 9)


def _checked(name: str, value):
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError(f"data {name!r} is neither an array nor plain JSON; convert it.") from None
    return value


def _little(name: str, array: np.ndarray) -> np.ndarray:
    """The array in a type that kit.js reads, little-endian."""
    array = array.astype(np.uint8) if array.dtype == bool else array
    if array.dtype.name not in DTYPES:
        raise ValueError(f"data {name!r} is {array.dtype}; use bool or one of {', '.join(DTYPES)}.")
    return array.astype(array.dtype.newbyteorder("<"))
