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
from specter2_plugins.readers.macros import contexts, is_known

# As pandoc: math opens before and closes after a non-space, and does not close before a digit; other
# dollars are money. A macro or a sign alone may stand before a digit.
_MATH = re.compile(
    r"(?<!\\)\$\s*(?:\\(?:[A-Za-z]+|[,;:! ])|[<>=]=?|[~+-])\s*\$"
    r"|(?<!\\)\$(?=\S)[^$]*?(?<=[^\s\\])\$(?!\d)|\\\([^$\\]*(?:\\[^()][^$\\]*)*\\\)"
)
_MACRO = re.compile(r"\\[^\d\s]")
# An accent takes the letter or macro after it; another macro takes the spaces. Groups in braces may follow.
_SPAN = re.compile(
    rf"(?P<math>{_MATH.pattern})|(?P<brace>[{{}}])"
    r"|\\(?:(?:['\"`^~=.]|[cvuHrbdkthGUf](?![A-Za-z]))\s*(?:\\[A-Za-z]+\s*|[^\s{}\\])?|[A-Za-z]+\*?\s*|[^\w\s]|_|\s)"
)
_NAME = re.compile(r"(?<!\\)\\([A-Za-z]+)(?:\*?\s*((?:\[[^\[\]{}]{0,80}\])?(?=\{))|(\*?\s*))")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{[^{}]*\}|\\item\b")
_VERBATIM = re.compile(r"\\verb\*?([^\w\s*{])(.{0,200}?)\1")
_OPTION = re.compile(r"\[[^\[\]{}]{0,80}\]")
_ADDRESSES = ("\\url", "\\path", "\\nolinkurl")
# Not a backslash until the rest is decoded.
_HIDDEN_BACKSLASH = "\ue05c"
_UNHIDDEN = {ord(_HIDDEN_BACKSLASH): "\\"}
_BARE_PERCENT = re.compile(r"(?<!\\)%")
_BARE_AMPERSAND = re.compile(r"(?<!\\)&")
_REMEMBERED = 200
"""Characters of what comes again and again, such as an accented letter."""
_BRACES = str.maketrans("", "", "{}")


def has_latex(field: str) -> bool:
    """Return whether there is a macro or a formula in a text; braces and dollars alone are not enough."""
    return ("\\" in field and _MACRO.search(field) is not None) or ("$" in field and _MATH.search(field) is not None)


def without_latex(field: str) -> str:
    """Decode macros and formulas and drop braces; what cannot be decoded stays as it is.

    A bare % stays: in a bibliography it is a percent sign far more often than a comment. So does a lone $.
    """
    if "\\begin" in field or "\\end" in field:
        field = _ENVIRONMENT.sub(" ", field)
    if "\\verb" in field:
        field = _VERBATIM.sub(r"\2", field)
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
            if option := _OPTION.match(field, end):
                end = option.end()
            while end in closing:
                end = closing[end] + 1
            yield _decode(field[begin:end])
        position = end
    yield field[position:]


def _closing_braces(field: str) -> dict[int, int]:
    """Return where each brace that opens is closed."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for brace in _BRACE.finditer(field):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            closing[opened.pop()] = brace.start()
    return closing


_BRACE = re.compile(r"(?<!\\)[{}]")


def _decode(latex: str) -> str:
    return _remembered(latex) if len(latex) <= _REMEMBERED else _decoded(latex)


def _decoded(latex: str) -> str:
    if latex.startswith(_ADDRESSES):
        latex = latex.replace("~", r"\textasciitilde{}")
    latex = _NAME.sub(_known_alone, latex)
    protected = _BARE_PERCENT.sub(r"\\%", _BARE_AMPERSAND.sub(r"\&", latex))
    try:
        converter, parsed = _converter()
        return (
            converter.latex_to_text(protected, latex_context=parsed).translate(_UNHIDDEN).replace("^\u2218", "\u00b0")
        )
    except (RecursionError, LookupError, ValueError, AttributeError, TypeError):
        # Nested beyond reason, or too few arguments for a macro.
        return latex.translate(_UNHIDDEN)


_remembered = lru_cache(maxsize=4096)(_decoded)


def _known_alone(macro: re.Match[str]) -> str:
    """Return a macro that is known; of another only what follows, or where that is no argument its name."""
    if is_known(macro[1]):
        return macro[0]
    return "" if macro[2] is not None else f"{_HIDDEN_BACKSLASH}{macro[1]}{macro[3]}"


@lru_cache(maxsize=1)
def _converter() -> tuple[Any, Any]:
    latex2text = require("pylatexenc.latex2text", "pylatexenc", "readers")
    # It logs each macro that it cannot read, and reads on; whoever listens to its logger still hears it.
    logging.getLogger("pylatexenc").addHandler(logging.NullHandler())
    texts, parsed = contexts()
    converter = latex2text.LatexNodes2Text(
        latex_context=texts, math_mode="text", keep_comments=True, strict_latex_spaces=True
    )
    return converter, parsed
