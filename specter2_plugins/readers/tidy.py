"""Text on one line."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SPACE = re.compile(r"\s+")


def tidy(text: str) -> str:
    """Text on one line, without the control characters that tokenizers drop and terminals obey."""
    # Most texts are tidy, and this is the cheapest way to see it: no control character is printable, and of
    # all spaces only the plain one is.
    if text.isprintable() and "  " not in text:
        return text.strip(" ")
    return _SPACE.sub(" ", _CONTROL.sub(" ", text)).strip()
