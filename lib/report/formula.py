"""TeX formulas as MathML, which browsers draw themselves: no script, no network."""

import html
import re

from latex2mathml import converter, exceptions

ALIGNED = re.compile(r"\\(begin|end)\{(aligned|align\*?|split)\}")
NAMED = re.compile(r"\\(begin|end)\{(equation\*?|displaymath|math)\}")
SIM = re.compile(r"\\sim(?![A-Za-z])")  # the library makes an ASCII tilde of it
LEFT_OVER = re.compile(r"\\[A-Za-z]*|<mi>&</mi>|<mfrac>(<mrow>((?!</?mrow>).)*</mrow>)?</mfrac>")
REPAIRS = [  # of what the library gets wrong
    (re.compile("<m[io]>\u223c</m[io]>"), "<mo>\u223c</mo>"),
    (re.compile("<mo>(&#x0(?:2016|007C);)</mo>"), r'<mo stretchy="false">\1</mo>'),
    (re.compile("(?<!<msub>)(?<!<msup>)(?<!<munder>)(?<!<mfrac>)(<m[io]>(?:log|exp|ln|min|max|sin|cos)</m[io]>)(?=<m[isn])"),
     r'\1<mspace width="0.167em" />'),
]  # fmt: skip
ERRORS = tuple(each for each in vars(exceptions).values() if isinstance(each, type))


def mathml(tex: str, display: bool = False) -> str:
    """A formula (without its dollar signs) as a <math> element with the TeX as `alttext`.

    Raises ValueError that quotes the formula when a command in it is unknown or it is incomplete.
    """
    source = SIM.sub("\u223c", ALIGNED.sub(_array, NAMED.sub("", tex.strip())))
    try:
        found = converter.convert(source, display="block" if display else "inline")
    except (*ERRORS, IndexError) as error:
        raise ValueError(f"the formula ${tex}$ cannot be read: {type(error).__name__}") from error
    wrong = LEFT_OVER.search(found)
    if wrong:
        raise ValueError(f"the formula ${tex}$ cannot be shown at {wrong[0]!r}; write it otherwise")
    for pattern, better in REPAIRS:
        found = pattern.sub(better, found)
    label = html.escape(" ".join(tex.split()), quote=True)
    return found.replace("<math ", f'<math alttext="{label}" ', 1)


def _array(match: re.Match) -> str:
    return r"\begin{array}{rl}" if match[1] == "begin" else r"\end{array}"
