"""Fields that hold long text, as abstracts do, and are not embedded because nobody knows their names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specter2_plugins.papers import Paper
from specter2_plugins.readers.metadata import SHARED

_LONG = 200
# Long, and rightly not embedded.
_OTHER = re.compile(
    r"author|affiliation|address|reference|citation|cited|fund|grant|acknowledg|licen[sc]e|copyright|url|link|html|body|"
    r"full.?text|email|keyword|subject|mesh|categor|editor|identifier|doi|issn|orcid|correspond|chemical|metadata|json|"
    r"embedding|vector|path|file|comment|journal.?ref|note|pages|publication.?types|tags",
    re.IGNORECASE,
)
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# UTF-8 that was read as Windows' Latin 1: a lead byte's letter, then what its continuation became.
_MOJIBAKE = re.compile(
    "[\u00c3\u00c2][\u0080-\u00bf\u20ac\u0192\u0161\u0153\u017e\u0178\u2020\u2021\u2026\u2030\u2122\u02dc]"
    "|\u00e2[\u0080\u20ac][\u0080-\u00bf\u2013-\u2122\u0153\u0161]|\u00ef\u00bf\u00bd"
)


def remarks(paper: Paper) -> Iterator[str]:
    """Yield what is odd about a paper that was read: long fields that are not used, and mojibake."""
    for name, value in paper.metadata.items():
        if type(value) is str and len(value) > _LONG and name not in SHARED and not _OTHER.search(name):
            yield f"not used: {name}"
    if paper.metadata.get("other_titles"):
        yield "more titles than one in a record, of which the first is embedded: it may be two that ran together"
    for text in (paper.title, paper.abstract):
        if text is not None and not text.isascii() and (_REPLACEMENT in text or _MOJIBAKE.search(text)):
            yield "mojibake, which is embedded as it is: the file was written or converted in a wrong encoding"
            break
