"""What files are that hold no papers for these readers, and how to get such ones: a table."""

from __future__ import annotations

import re

from specter2_plugins.readers.xml_head import root_of

_EXPORT = "export the references as RIS, BibTeX or CSL-JSON"

# The beginning of a file, what it is, and the way out.
_SIGNS: tuple[tuple[re.Pattern[bytes], str, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), what, way)
    for pattern, what, way in (
        (rb"%PDF-", "a PDF", f"{_EXPORT}, or have GROBID make TEI of it and name that"),
        (
            rb"\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*(?:<!doctype\s+html|<(?:html|head|body|p|div|h1|script|meta|table|center)[\s>])",
            "a web page (HTML), perhaps an error or a login page that was saved",
            f"open it in a browser, and {_EXPORT} there",
        ),
        (
            rb"PK\x03\x04.{26,200}(?:mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet)",
            "an OpenDocument spreadsheet",
            "save it as CSV or XLSX",
        ),
        (rb"PK\x03\x04.{26,4000}word/", "a Word document", _EXPORT),
        (
            rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "an old Office file, such as an Excel spreadsheet (.xls)",
            "save it as CSV or XLSX",
        ),
        (rb"PK\x03\x04", "a zip archive", "Unpack it first, or pipe it in: unzip -p ARCHIVE FILE | specter2 ... -"),
        (rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|.{257}ustar", "an archive", "unpack it first"),
        (rb"\x89PNG|\xff\xd8\xff|GIF8", "an image", _EXPORT),
        (rb"SQLite format 3\x00", "an SQLite data base that is not Zotero's", "export a table of it as CSV"),
        (rb"ARROW1\x00\x00", "an Arrow file", "write it as Parquet"),
        (rb"\x93NUMPY|\x89HDF", "a file of arrays", "papers have titles and abstracts; name the file that has them"),
        (rb"\{\\rtf", "a Rich Text document", _EXPORT),
        (rb"\d{5}[acdnp][a-z]{2}[ a-z0-9]{2}\d{7}", "MARC 21", "convert it to MODS or RIS"),
        (rb"@prefix\s|@base\s|PREFIX\s", "Turtle (RDF)", _EXPORT),
    )
)


def foreign(head: bytes) -> tuple[str, str] | None:
    """Return what a file is that no reader is for, and the way out; None where that cannot be told by its beginning."""
    return next(((what, way) for sign, what, way in _SIGNS if sign.match(head)), None)


def looks_like(head: bytes) -> str:
    """Return what a file looks like that gave nothing, and the way out, in words."""
    if found := foreign(head):
        return f"it is {found[0]}: {found[1]}"
    if root := root_of(head):
        return f"it is XML with the root element <{root}>: {_EXPORT}"
    beginning = head.strip()[:40].decode(errors="replace")
    return f"it begins with {beginning!r}: {_EXPORT}"
