"""The live host of an explorer: the same script as an anywidget."""

import anywidget
import traitlets


class Live(anywidget.AnyWidget):
    """Shows a script with its data; `value` is what it last told, `answer` what it hears."""

    head = traitlets.Dict().tag(sync=True)
    packed = traitlets.Bytes().tag(sync=True)
    value = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)

    def __init__(self, script: str, head: dict, packed: bytes):
        super().__init__(_esm=script, head=head, packed=packed)
