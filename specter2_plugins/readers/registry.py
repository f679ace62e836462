"""All formats, and which one a source is."""

from __future__ import annotations

import logging
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import PurePath

from specter2_plugins.errors import PaperError, one_line
from specter2_plugins.readers.bibtex import BIBTEX
from specter2_plugins.readers.delimited import CSV
from specter2_plugins.readers.format import Format
from specter2_plugins.readers.json_records import ABSTRACTS, JSON, OF_PROVIDERS
from specter2_plugins.readers.not_papers import foreign, looks_like
from specter2_plugins.readers.parquet import PARQUET
from specter2_plugins.readers.pubmed import PUBMED
from specter2_plugins.readers.spreadsheet import XLSX
from specter2_plugins.readers.stream import Stream
from specter2_plugins.readers.tagged_formats import TAGGED
from specter2_plugins.readers.xml_formats import XML
from specter2_plugins.readers.xml_head import root_of
from specter2_plugins.readers.zotero import ZOTERO

GROUP = "specter2_plugins.readers"
"""Entry points of packages that add formats: each is a `Format`, or an iterable of some."""

FORMATS: dict[str, Format] = {}
"""All formats by name, in the order of how sure their signs are, where two show at the same place."""

_log = logging.getLogger(__name__)


def register(*formats: Format, first: bool = False) -> None:
    """Add formats.

    Args:
        *formats: The formats.
        first: Whether they are surer than those that are there.

    Raises:
        PaperError: If there is one of that name.
    """
    for format in formats:
        if format.name in FORMATS:
            raise PaperError(f"there are two formats named {format.name!r}")
    there = dict(FORMATS) if first else {}
    if first:
        FORMATS.clear()
    FORMATS.update({format.name: format for format in formats} | there)


register(PARQUET, XLSX, ZOTERO, ABSTRACTS, JSON, PUBMED, *XML, *TAGGED, BIBTEX, CSV, *OF_PROVIDERS)


@lru_cache(maxsize=1)
def load_plugins() -> None:
    """Add what other installed packages offer; one that cannot be loaded is named in a warning, and left out."""
    for point in entry_points(group=GROUP):
        try:
            offered = point.load()
            register(*((offered,) if isinstance(offered, Format) else offered), first=True)
        except Exception as error:  # whatever somebody else's package raises
            _log.warning("the reader %s (%s) cannot be loaded: %s", point.name, point.value, one_line(error))


_ZIP = b"PK\x03\x04"
_COMPRESSED = (".gz", ".bz2", ".zst")


def format_named(name: str) -> Format:
    """Return the format that the user named.

    Raises:
        PaperError: If there is none of that name.
    """
    load_plugins()
    if name not in FORMATS:
        raise PaperError(f"format is {name!r}, expected one of {', '.join(FORMATS)}")
    return FORMATS[name]


def format_of(stream: Stream) -> Format:
    """Return the format of a source, by its content or, failing that, its extension.

    Raises:
        PaperError: If neither tells.
    """
    load_plugins()
    head = stream.head.lstrip()
    if head.startswith(_ZIP) and _extension(stream.name) in XLSX.extensions:
        return XLSX
    # The one that shows first, since a file may quote, or go on with, another; of two, what is unmistakable.
    shown = {name: place for name, format in FORMATS.items() if (place := format.found(head)) is not None}
    first = min(shown, key=lambda name: shown[name], default=None)
    # A web page has lines of all kinds further down.
    if (first is None or shown[first]) and (found := foreign(head)):
        raise PaperError(f"{stream.name} is {found[0]}. {found[1][0].upper()}{found[1][1:]}")
    if first is not None:
        return FORMATS[first]
    if root_of(head):
        raise PaperError(f"cannot read {stream.name}: {looks_like(stream.head)}")
    for format in FORMATS.values():
        if _extension(stream.name) in format.extensions:
            return format
    raise PaperError(
        f"cannot tell the format of {stream.name} by its content or extension; known formats: {', '.join(FORMATS)}. "
        "Name it, for instance: --format jsonl"
    )


def _extension(source: str) -> str:
    name = PurePath(source)
    return (name.with_suffix("") if name.suffix.lower() in _COMPRESSED else name).suffix.lower()
