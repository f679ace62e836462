"""What kind of XML a file is, by its beginning."""

from __future__ import annotations

import re

_BEFORE_ROOT = re.compile(
    rb"\s*(?:<\?(?:[^?]|\?(?!>))*\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>\s*)*", re.DOTALL
)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)(?=[\s/>])")


def root_of(head: bytes) -> str:
    """Return the name of the root element, without its prefix; "" for what is no XML."""
    before = _BEFORE_ROOT.match(head)
    found = _ROOT.match(head, before.end() if before else 0)
    return found[1].decode(errors="replace") if found else ""
