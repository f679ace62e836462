"""Papers -> an Atom feed, to subscribe to.

Source: RFC 4287.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from specter2_plugins.extras import require
from specter2_plugins.papers import Paper
from specter2_plugins.printable import undirected
from specter2_plugins.readers.tidy import tidy

_ATOM = "http://www.w3.org/2005/Atom"
# Characters that XML does not have.
_NONE = re.compile("[\ud800-\udfff\ufffe\uffff]")
_EPOCH = "1970-01-01T00:00:00+00:00"


def to_atom(title: str, papers: Iterable[tuple[str, str, Paper]]) -> str:
    """Return papers as an Atom feed.

    Example:
        >>> feed = to_atom("New", [("6f1c", "2026-11-26T08:00:00+00:00", Paper("Soil water", id="soil"))])
        >>> "<title>Soil water</title>" in feed, "<id>urn:uuid:6f1c</id>" in feed
        (True, True)

    Args:
        title: The feed's.
        papers: Of each a UUID, the moment when it came in (RFC 3339), and the paper itself.
    """
    etree = require("lxml.etree", "lxml", "readers")
    feed = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})
    entries = list(papers)
    _add(etree, feed, "title", title)
    _add(etree, feed, "id", f"urn:specter2:{title}")
    _add(etree, feed, "updated", max((moment for _, moment, _ in entries), default=_EPOCH))
    _add(etree, _add(etree, feed, "author"), "name", "specter2")
    for uuid, moment, paper in entries:
        entry = _add(etree, feed, "entry")
        _add(etree, entry, "title", paper.title or "(no title)")
        _add(etree, entry, "id", f"urn:uuid:{uuid}")
        _add(etree, entry, "updated", moment)
        if address := _address(paper):
            _add(etree, entry, "link").set("href", _clean(address))
        authors = paper.metadata.get("authors")
        for author in authors if isinstance(authors, list) else ():
            _add(etree, _add(etree, entry, "author"), "name", str(author))
        if paper.abstract:
            _add(etree, entry, "summary", paper.abstract)
    text: str = etree.tostring(feed, encoding="unicode", pretty_print=True)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}'


def _add(etree: Any, parent: Any, name: str, text: str = "") -> Any:
    element = etree.SubElement(parent, f"{{{_ATOM}}}{name}")
    if text:
        element.text = _clean(text)
    return element


def _address(paper: Paper) -> str | None:
    doi, url = paper.metadata.get("doi"), paper.metadata.get("url")
    if isinstance(doi, str) and doi:
        return f"https://doi.org/{doi}"
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else None


def _clean(text: str) -> str:
    return _NONE.sub("\N{REPLACEMENT CHARACTER}", undirected(tidy(text)))
