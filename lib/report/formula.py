"""TeX formulas as MathML, which browsers draw themselves: no script, no network."""

import html
import re

from latex2mathml import converter

ALIGNED = re.compile(r"\\(begin|end)\{(aligned|align\*?|split)\}")
NAMED = re.compile(r"\\(begin|end)\{(equation\*?|displaymath|math)\}")
SYMBOLS = {r"\sim": "\u223c", r"\lVert": r"\Vert", r"\rVert": r"\Vert"}  # as the library knows them


def mathml(tex: str, display: bool = False) -> str:
    """A formula (without its dollar signs) as a <math> element with the TeX as `alttext`.

    Raises ValueError that quotes the formula when a command in it is unknown or it is incomplete.
    """
    source = ALIGNED.sub(_as_array, NAMED.sub("", tex.strip()))
    for name, known in SYMBOLS.items():
        source = re.sub(re.escape(name) + r"(?![A-Za-z])", lambda _, known=known: known, source)
    try:
        found = converter.convert(source, display="block" if display else "inline")
    except Exception as error:  # the library has twenty unrelated classes of its own
        raise ValueError(f"the formula ${tex}$ cannot be read: {type(error).__name__}") from error
    wrong = re.search(r"\\[A-Za-z]*|<mi>&</mi>|<mfrac>(<mrow>.*?</mrow>)?</mfrac>", found)
    if wrong:
        raise ValueError(f"the formula ${tex}$ cannot be shown at {wrong[0]!r}; write it otherwise")
    label = html.escape(" ".join(tex.split()), quote=True)
    return found.replace("<math ", f'<math alttext="{label}" ', 1)


def _as_array(match: re.Match) -> str:
    return r"\begin{array}{rl}" if match[1] == "begin" else r"\end{array}"
