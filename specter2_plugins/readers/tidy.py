"""Text on one line."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SPACE = re.compile(r"\s+")
_PRINTABLE_ASCII = bytes(range(0x20, 0x7F))


def tidy(text: str) -> str:
    """Return text on one line, without the control characters that tokenizers drop and terminals obey."""
    if _is_printable(text) and "  " not in text:
        return text.strip(" ")
    return _SPACE.sub(" ", _CONTROL.sub(" ", text)).strip()


def _is_printable(text: str) -> bool:
    """Return whether a text, as most texts, has no control characters and of all spaces only the plain one."""
    # What isprintable says; for ASCII this is three times as fast, and every title and abstract comes by here.
    return not text.encode().translate(None, _PRINTABLE_ASCII) if text.isascii() else text.isprintable()
