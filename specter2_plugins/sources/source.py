"""What `--from` can name: a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from specter2_plugins.errors import SourceError
from specter2_plugins.papers import Paper
from specter2_plugins.readers import Rejected
from specter2_plugins.sources import arxiv, identifiers, zotero
from specter2_plugins.sources.client import Client

Position: TypeAlias = dict[str, str]
"""Where a source stopped, so that the next run goes on there; empty before the first."""

Read: TypeAlias = Callable[[str, Client, Position], Iterator[Paper | Rejected]]

SOURCES: dict[str, tuple[Read, str]] = {
    "arxiv": (arxiv.read, "arxiv:QUERY, such as arxiv:cat:cs.IR"),
    "doi": (identifiers.read_dois, "doi:FILE, a DOI a line, from Crossref and else DataCite"),
    "crossref": (identifiers.read_crossref, "crossref:FILE, a DOI a line"),
    "openalex": (identifiers.read_openalex, "openalex:FILE, a DOI, PMID or W... a line"),
    "s2": (identifiers.read_s2, "s2:FILE, a DOI, arXiv id, PMID, corpus id or paper id a line"),
    "zotero": (zotero.read, "zotero, or zotero:api, or zotero:FILE"),
}
"""Each source, and how it is named."""


@dataclass
class Source:
    """A source that somebody named.

    Args:
        name: As it was named, such as "arxiv:cat:cs.IR".
        position: Where it stopped; reading moves it.
    """

    name: str
    position: Position = field(default_factory=dict)

    def read(self, client: Client) -> Iterator[Paper | Rejected]:
        """Yield the papers that have come in since its position, and what is none.

        Raises:
            SourceError: If a service cannot be reached or refuses.
            PaperError: If a file that it names cannot be read.
        """
        kind, _, rest = self.name.partition(":")
        yield from SOURCES[kind][0](rest, client, self.position)


def is_source(name: str) -> bool:
    """Return whether a name is that of a source rather than of a file.

    Example:
        >>> is_source("arxiv:cat:cs.IR"), is_source("library.bib")
        (True, False)
    """
    kind, colon, _ = name.partition(":")
    return kind in SOURCES and (bool(colon) or kind == "zotero")


def open_source(name: str, position: Position | None = None) -> Source:
    """Return the source that somebody named.

    Args:
        name: Such as "arxiv:cat:cs.IR", "doi:dois.txt" or "zotero".
        position: Where it stopped.

    Raises:
        SourceError: If there is no such source.
    """
    kind, _, rest = name.partition(":")
    if not is_source(name) or (kind != "zotero" and not rest.strip()):
        ways = "; ".join(way for _, way in SOURCES.values())
        raise SourceError(f"there is no source {name!r}; there are: {ways}")
    return Source(name, dict(position or {}))
