"""Papers -> BibTeX that `specter2_plugins.readers` reads back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, count
from typing import Any
from urllib.parse import quote

from specter2_plugins.extras import require
from specter2_plugins.papers import Paper
from specter2_plugins.printable import undirected
from specter2_plugins.readers.metadata import canonical
from specter2_plugins.readers.tidy import tidy

_VENUE_FIELDS = {
    **dict.fromkeys(("article", "booklet", "manual", "mastersthesis", "misc"), "journal"),
    **dict.fromkeys(("phdthesis", "techreport", "unpublished"), "journal"),
    **dict.fromkeys(("conference", "inbook", "incollection", "inproceedings"), "booktitle"),
    **dict.fromkeys(("book", "proceedings"), "series"),
}
"""Types of entries, and the field that each keeps its venue in."""

_NOT_IN_KEYS = re.compile(r"[^\w.:/+*;<>\[\]-]+")
_NOT_VERBATIM = re.compile(r"[{}\\\s]")
_SHORT_WORD = 3

_ESCAPES = str.maketrans(
    {
        **{mark: rf"\{mark}" for mark in "%$#_"},
        "&": r"\&{}",
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        # Braces count in BibTeX even behind a backslash.
        "{": r"$\lbrace${}",
        "}": r"$\rbrace${}",
        "<": "$<${}",
        ">": "$>${}",
    }
)
# Pairs that TeX joins to one sign, such as a dash or a closing quote.
_LIGATURE = re.compile(r"(?<=[-'`?!,])(?=[-'`,])")


def to_bibtex(papers: Iterable[Paper]) -> str:
    """Return papers as the text of a BibTeX file, in their order.

    A key is the paper's id, with an underscore for what a key cannot have; without an id it is made of the first
    author, the year and the title. No two papers share a key.

    Example:
        >>> print(to_bibtex([Paper("Soil water", id="soil", metadata={"year": 2012})]))
        @misc{soil,
          title = {Soil water},
          year = {2012}
        }
    """
    bibtexparser = require("bibtexparser", "bibtexparser", "readers")
    model = bibtexparser.model
    library = bibtexparser.Library()
    taken: set[str] = set()
    for paper in papers:
        metadata = canonical(dict(paper.metadata))
        key = _free(_key(paper, metadata), taken)
        taken.add(key)
        fields = [model.Field(name, value) for name, value in _fields(paper, metadata).items() if value]
        library.add(model.Entry(_entry_type(metadata), key, fields))
    return str(bibtexparser.write_string(library))


def _key(paper: Paper, metadata: dict[str, Any]) -> str:
    if paper.id is not None:
        return _NOT_IN_KEYS.sub("_", paper.id)
    first_author = metadata["authors"][0].split()[-1] if "authors" in metadata else ""
    word = next((word for word in (paper.title or "").split() if len(word) > _SHORT_WORD), "")
    return _NOT_IN_KEYS.sub("", f"{first_author}{metadata.get('year', '')}{word}".lower()) or "paper"


def _free(key: str, taken: set[str]) -> str:
    """Return the key or, where it is taken, the key with the first number behind it that is not."""
    names = chain([key], (f"{key}-{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def _entry_type(metadata: dict[str, Any]) -> str:
    named = metadata.get("type", "").lower()
    if named in _VENUE_FIELDS:
        return str(named)
    return "article" if "venue" in metadata else "misc"


def _fields(paper: Paper, metadata: dict[str, Any]) -> dict[str, str]:
    """Return field -> value, "" for what the paper does not have."""
    venue = metadata.get("venue", "")
    return {
        "title": _escaped(paper.title),
        "author": " and ".join(map(_author, metadata.get("authors", ()))),
        _VENUE_FIELDS[_entry_type(metadata)]: "" if venue == metadata.get("publisher") else _escaped(venue),
        **{name: _escaped(metadata.get(name)) for name in ("year", "volume", "number", "pages", "publisher")},
        "keywords": _escaped(", ".join(metadata.get("keywords", ()))),
        "doi": _verbatim(metadata.get("doi", "")),
        "url": _verbatim(metadata.get("url", "")),
        "abstract": _escaped(paper.abstract),
    }


def _escaped(value: Any) -> str:
    return "" if value is None else _LIGATURE.sub("{}", undirected(tidy(str(value))).translate(_ESCAPES))


def _author(name: str) -> str:
    escaped = _escaped(name)
    return f"{{{escaped}}}" if re.search(r"\sand\s", escaped) else escaped


def _verbatim(value: str) -> str:
    hidden = "".join(mark if mark.isprintable() else quote(mark, errors="replace") for mark in value)
    return _NOT_VERBATIM.sub(lambda mark: quote(mark[0]), hidden)
