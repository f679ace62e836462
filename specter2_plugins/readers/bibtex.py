"""BibTeX, parsed by bibtexparser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from specter2_plugins.errors import PaperError
from specter2_plugins.extras import require
from specter2_plugins.papers import Paper
from specter2_plugins.readers.markup import plain_text
from specter2_plugins.readers.records import Rejected, paper_or_rejected, tidy

_VENUE_FIELDS = ("journal", "booktitle", "series", "publisher")
_VERBATIM_FIELDS = ("doi", "url")
_KEPT_FIELDS = ("doi", "url", "volume", "number", "pages", "publisher")


def read_bibtex(path: Path) -> Iterator[Paper | Rejected]:
    """Read every entry with a title or an abstract; the BibTeX key is the id.

    Metadata: `type`, `year` (int), `venue`, `authors` and `keywords` (lists), `doi`, `url`, ...

    Raises:
        PaperError: If the file is not UTF-8.
    """
    bibtexparser = require("bibtexparser", "bibtexparser", "readers")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise PaperError(
            f"{path} is not UTF-8 (byte {error.start}). Convert it first: iconv -f latin1 -t utf-8 {path}"
        ) from None
    # Parsing only looks at the structure here: the library's own middlewares drop a whole entry
    # when one author's name is malformed.
    for block in bibtexparser.parse_string(text).blocks:
        line = (block.start_line or 0) + 1
        entry = getattr(block, "ignore_error_block", None) or block
        if isinstance(entry, bibtexparser.model.Entry):
            yield _paper(str(path), line, entry)
        elif isinstance(block, bibtexparser.model.ParsingFailedBlock):
            key = re.match(r"@\w+\s*[{(]\s*([^,\s]+)", block.raw or "")
            yield Rejected(str(path), line, key and key[1], "not valid BibTeX: the entry is malformed or cut off")


def _paper(source: str, line: int, entry: Any) -> Paper | Rejected:
    raw = {field.key.lower(): field.value for field in entry.fields if isinstance(field.value, str)}
    fields = {key: tidy(value if key in _VERBATIM_FIELDS else plain_text(value)) for key, value in raw.items()}
    metadata: dict[str, Any] = {"type": entry.entry_type}
    year = re.search(r"\d{4}", fields.get("year", fields.get("date", "")))
    if year:
        metadata["year"] = int(year.group())
    venue = next((fields[name] for name in _VENUE_FIELDS if fields.get(name)), None)
    if venue:
        metadata["venue"] = venue
    if "author" in raw:
        metadata["authors"] = _authors(raw["author"])
    if fields.get("keywords"):
        metadata["keywords"] = [keyword.strip() for keyword in re.split(r"[,;]", fields["keywords"]) if keyword.strip()]
    metadata |= {name: fields[name] for name in _KEPT_FIELDS if fields.get(name)}
    return paper_or_rejected(source, line, entry.key or None, fields.get("title"), fields.get("abstract"), metadata)


def _authors(field: str) -> list[str]:
    """Turn "Last, First and Last, First" into ["First Last", "First Last"]."""
    names = []
    for author in re.split(r"\s+and\s+", field.strip()):
        last, comma, first = author.partition(",")
        names.append(tidy(plain_text(f"{first.strip()} {last.strip()}" if comma else author)))
    return [name for name in names if name]
