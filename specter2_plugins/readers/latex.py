"""LaTeX in titles and abstracts -> plain text, decoded by pylatexenc.

The library takes some ten microseconds a character, and most of a field is no LaTeX. So only formulas, and macros with
their arguments, are handed to it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from specter2_plugins.extras import require

# As pandoc: math opens before and closes after a non-space, and does not close before a digit; other
# dollars are money.
_MATH = re.compile(r"(?<!\\)\$(?=\S)[^$]*?(?<=[^\s\\])\$(?!\d)")
_MACRO = re.compile(r"\\[^\d\s]")
# An accent takes the letter or macro after it; another macro takes the spaces. Groups in braces may follow.
_SPAN = re.compile(
    rf"(?P<math>{_MATH.pattern})|(?P<brace>[{{}}])"
    r"|\\(?:(?:['\"`^~=.]|[cvuHrbdkt](?![A-Za-z]))\s*(?:\\[A-Za-z]+\s*|[^\s{}\\])?|[A-Za-z]+\*?\s*|[^\w\s]|_)"
)
_BARE_PERCENT = re.compile(r"(?<!\\)%")
_BARE_AMPERSAND = re.compile(r"(?<!\\)&")
_BRACES = str.maketrans("", "", "{}")


def has_latex(field: str) -> bool:
    """Whether there is a macro or a formula in a text; braces and dollars alone are not enough."""
    return ("\\" in field and _MACRO.search(field) is not None) or ("$" in field and _MATH.search(field) is not None)


def without_latex(field: str) -> str:
    """Decode macros and formulas and drop braces; what cannot be decoded stays as it is.

    A bare % stays: in a bibliography it is a percent sign far more often than a comment. So does a lone $.
    """
    return "".join(_parts(field))


def _parts(field: str) -> Iterator[str]:
    position = 0
    closing = _closing_braces(field) if "{" in field else {}
    while span := _SPAN.search(field, position):
        begin, end = span.span()
        yield field[position:begin]
        if span["math"]:
            yield _decode(span[0]) if "\\" in span[0] else span[0].strip("$").translate(_BRACES)
        elif not span["brace"]:
            while end in closing:
                end = closing[end] + 1
            yield _decode(field[begin:end])
        position = end
    yield field[position:]


def _closing_braces(field: str) -> dict[int, int]:
    """Where each brace that opens is closed."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for brace in _BRACE.finditer(field):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            closing[opened.pop()] = brace.start()
    return closing


_BRACE = re.compile(r"(?<!\\)[{}]")


@lru_cache(maxsize=4096)
def _decode(latex: str) -> str:
    protected = _BARE_PERCENT.sub(r"\\%", _BARE_AMPERSAND.sub(r"\&", latex))
    try:
        return _converter().latex_to_text(protected)
    except (RecursionError, LookupError, ValueError, AttributeError):
        # Nested beyond reason, or too few arguments for a macro.
        return latex


@lru_cache(maxsize=1)
def _converter() -> Any:
    latex2text = require("pylatexenc.latex2text", "pylatexenc", "readers")
    # It logs each macro that it cannot read, and reads on; whoever listens to its logger still hears it.
    logging.getLogger("pylatexenc").addHandler(logging.NullHandler())
    macros = latex2text.get_default_latex_context_db()
    # The library makes a modifier letter of it.
    circumflex = latex2text.MacroTextSpec("textasciicircum", "^")
    macros.add_context_category("corrections", [circumflex], prepend=True)
    return latex2text.LatexNodes2Text(
        latex_context=macros, math_mode="text", keep_comments=True, strict_latex_spaces=True
    )
