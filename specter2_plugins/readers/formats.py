"""All formats, and which one a source is."""

from __future__ import annotations

from pathlib import PurePath

from specter2_plugins.errors import PaperError
from specter2_plugins.readers.bibtex import BIBTEX
from specter2_plugins.readers.delimited import CSV
from specter2_plugins.readers.format import Format
from specter2_plugins.readers.json_records import ABSTRACTS, JSON, OF_PROVIDERS
from specter2_plugins.readers.looks import foreign, looks_like
from specter2_plugins.readers.parquet import PARQUET
from specter2_plugins.readers.pubmed import PUBMED
from specter2_plugins.readers.references import TAGGED
from specter2_plugins.readers.spreadsheet import XLSX
from specter2_plugins.readers.stream import Stream
from specter2_plugins.readers.xml_formats import XML
from specter2_plugins.readers.xml_head import root_of
from specter2_plugins.readers.zotero import ZOTERO

_BINARY = (PARQUET, XLSX, ZOTERO)
# Content is tried in this order: what is unmistakable first.
FORMATS = {
    format.name: format for format in (*_BINARY, ABSTRACTS, JSON, PUBMED, *XML, *TAGGED, BIBTEX, CSV, *OF_PROVIDERS)
}

_ZIP = b"PK\x03\x04"
_COMPRESSED = (".gz", ".bz2", ".zst")


def format_named(name: str) -> Format:
    """The format that the user named.

    Raises:
        PaperError: If there is none of that name.
    """
    if name not in FORMATS:
        raise PaperError(f"format is {name!r}, expected one of {', '.join(FORMATS)}")
    return FORMATS[name]


def format_of(stream: Stream) -> Format:
    """The format of a source, by its content or, failing that, its extension.

    Raises:
        PaperError: If neither tells.
    """
    for format in _BINARY:
        if format.matches(stream.head):
            return format
    if stream.head.startswith(_ZIP) and _extension(stream.name) in XLSX.extensions:
        return XLSX
    # Before the formats that are found by lines anywhere in the beginning: a web page has lines of all kinds.
    if found := foreign(stream.head):
        raise PaperError(f"{stream.name} is {found[0]}. {found[1][0].upper()}{found[1][1:]}")
    for format in FORMATS.values():
        if format.matches(stream.head):
            return format
    if root_of(stream.head):
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
