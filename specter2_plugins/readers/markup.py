"""LaTeX and HTML markup in bibliographic fields -> plain text."""

from __future__ import annotations

import html
import re

from specter2_plugins.extras import require

_BARE_PERCENT = re.compile(r"(?<!\\)%")
# As pandoc: math opens before and closes after a non-space, and does not close before a digit; other
# dollars are money.
_MATH_OR_DOLLAR = re.compile(r"(?<!\\)\$(?=\S)[^$]*?(?<=[^\s\\])\$(?!\d)|(?<!\\)\$")
_BARE_AMPERSAND = re.compile(r"(?<!\\)&")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9:]*(?:\s[^<>]*)?/?>")


def plain_text(field: str) -> str:
    """Decode LaTeX macros, HTML entities and tags; text without markup comes back as it was.

    A bare % stays: in a bibliography it is a percent sign far more often than a comment. So does a lone $.
    """
    if "&" in field or "<" in field:
        field = _TAG.sub("", html.unescape(field))
    if "\\" in field or "{" in field or "$" in field:
        latex2text = require("pylatexenc.latex2text", "pylatexenc", "readers")
        converter = latex2text.LatexNodes2Text(math_mode="text", keep_comments=True, strict_latex_spaces=True)
        field = _MATH_OR_DOLLAR.sub(lambda match: match[0] if len(match[0]) > 1 else r"\$", field)
        field = converter.latex_to_text(_BARE_PERCENT.sub(r"\\%", _BARE_AMPERSAND.sub(r"\&", field)))
    return field
