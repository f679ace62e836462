"""OpenAlex works: snapshot files (JSON lines) and API answers.

Source: https://docs.openalex.org/api-entities/works/work-object
"""

from __future__ import annotations

from typing import Any

from specter2_plugins.readers.flavour import Flavour, scalars, signs
from specter2_plugins.readers.nesting import each, follow
from specter2_plugins.readers.records import Entry, Problem

_PREFIX = "https://openalex.org/"
_MAPPED = frozenset({"id", "title", "display_name", "abstract", "publication_year"})


def _entry(line: int, record: dict[str, Any]) -> Entry | Problem:
    identifier = record.get("id")
    if isinstance(identifier, str):
        identifier = identifier.removeprefix(_PREFIX)
    try:
        abstract = abstract_text(record.get("abstract_inverted_index"))
    except (TypeError, AttributeError):
        return Problem(line, identifier, "abstract_inverted_index is not words with their positions")
    source = follow(record, "primary_location", "source") or record.get("host_venue")
    return Entry(
        line,
        identifier,
        record.get("title") or record.get("display_name"),
        abstract or record.get("abstract"),
        scalars(record, _MAPPED)
        | {
            "year": record.get("publication_year"),
            "venue": follow(source, "display_name"),
            "authors": each(record.get("authorships"), "author", "display_name"),
            "fields": _fields(record),
            "keywords": each(record.get("keywords"), "display_name") or each(record.get("keywords"), "keyword"),
            "url": follow(record, "primary_location", "landing_page_url") or record.get("id"),
        },
    )


def abstract_text(inverted: dict[str, list[int]] | None) -> str | None:
    """The text of {"word": [positions], ...}.

    Raises:
        TypeError, AttributeError: If it is none.
    """
    if not inverted:
        return None
    words = [(position, word) for word, positions in inverted.items() for position in positions]
    words.sort()
    return " ".join(word for _, word in words)


def _fields(record: dict[str, Any]) -> list[str]:
    """Field, subfield and topic of each topic; concepts where a work is from before there were topics."""
    topics = record.get("topics")
    names = [
        name for level in (("field",), ("subfield",), ()) for name in each(topics, *level, "display_name")
    ] or each(record.get("concepts"), "display_name")
    return [name for name in names if isinstance(name, str)]


OPENALEX = Flavour(
    "openalex",
    signs("abstract_inverted_index", "authorships", "primary_location", "host_venue"),
    _entry,
)
