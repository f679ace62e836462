"""LaTeX and HTML or JATS markup in bibliographic fields -> plain text."""

from __future__ import annotations

import html
import logging
import re
from functools import lru_cache
from typing import Any

from specter2_plugins.errors import PaperError
from specter2_plugins.extras import require

_BARE_PERCENT = re.compile(r"(?<!\\)%")
_BARE_AMPERSAND = re.compile(r"(?<!\\)&")
# As pandoc: math opens before and closes after a non-space, and does not close before a digit; other
# dollars are money.
_MATH = re.compile(r"(?<!\\)\$(?=\S)([^$]*?)(?<=[^\s\\])\$(?!\d)")
_MATH_OR_DOLLAR = re.compile(rf"{_MATH.pattern}|(?<!\\)\$")
_BRACES = str.maketrans("", "", "{}")
_MACRO = re.compile(r"\\[^\W\d_]|\\[^\w\s]")
# A tag has a name and attributes with values, or it is a comparison.
_TAG = re.compile(r"</?([A-Za-z][\w.:-]*)(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'|[^\s<>\"']+))*\s*/?>")
_HEADING = re.compile(r"\s*<(?:jats:)?title>\s*Abstract\s*</(?:jats:)?title>", re.IGNORECASE)
# Tags that stand within words; any other separates them.
_INLINE = re.compile(
    r"a|abbr|b|big|bold|em|ext-link|font|i|inf|inline-formula|italic|m\w+|monospace|roman|s|sans-serif|sc|semantics|"
    r"small|span|strike|strong|styled-content|sub|sup|tt|u|underline|xref"
)


def plain_text(field: str) -> str:
    """Decode HTML entities, drop tags, and decode LaTeX where there are macros or math.

    Text without markup comes back as it was: braces, a bare %, a lone $ and comparisons stay.

    Raises:
        PaperError: If markup is nested deeper than anything written by people.
    """
    if "&" in field or "<" in field:
        field = _without_tags(field)
    if ("\\" in field and _MACRO.search(field)) or ("$" in field and _MATH.search(field)):
        field = _without_latex(field)
    return field


def bibtex_text(field: str) -> str:
    """As `plain_text`, for fields that are LaTeX: braces, too, are markup.

    Raises:
        PaperError: If markup is nested deeper than anything written by people.
    """
    if "&" in field or "<" in field:
        field = _without_tags(field)
    if "\\" in field or "{" in field or "}" in field or "$" in field:
        field = _without_latex(field)
    return field


def _without_tags(field: str) -> str:
    # Unescaped first: Crossref's and Semantic Scholar's markup is often escaped once more.
    return _TAG.sub(_between, _HEADING.sub("", html.unescape(field)))


def _between(tag: re.Match[str]) -> str:
    name = tag[1].lower().rpartition(":")[2]
    return "" if _INLINE.fullmatch(name) else " "


def _without_latex(field: str) -> str:
    if "\\" not in field:
        # Most LaTeX is braces and short math, and the converter is slow.
        return _MATH.sub(r"\1", field).translate(_BRACES)
    field = _MATH_OR_DOLLAR.sub(lambda match: match[0] if len(match[0]) > 1 else r"\$", field)
    field = _BARE_PERCENT.sub(r"\\%", _BARE_AMPERSAND.sub(r"\&", field))
    try:
        return _converter().latex_to_text(field)
    except RecursionError:
        raise PaperError("LaTeX is nested too deeply to be text") from None


@lru_cache(maxsize=1)
def _converter() -> Any:
    # It logs each macro that it cannot read, and reads on; whoever listens to its logger still hears it.
    logging.getLogger("pylatexenc").addHandler(logging.NullHandler())
    latex2text = require("pylatexenc.latex2text", "pylatexenc", "readers")
    return latex2text.LatexNodes2Text(math_mode="text", keep_comments=True, strict_latex_spaces=True)
