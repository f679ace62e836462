"""arXiv's metadata snapshot: JSON lines.

Source: https://www.kaggle.com/datasets/Cornell-University/arxiv
"""

from __future__ import annotations

from typing import Any

from specter2_plugins.readers.flavour import Flavour, scalars, signs
from specter2_plugins.readers.markup import plain_text
from specter2_plugins.readers.metadata import year
from specter2_plugins.readers.nesting import each
from specter2_plugins.readers.records import Entry

_MAPPED = frozenset({"id", "title", "abstract", "authors", "categories"})


def _entry(line: int, record: dict[str, Any]) -> Entry:
    identifier, categories = record.get("id"), record.get("categories")
    return Entry(
        line,
        identifier,
        record.get("title"),
        record.get("abstract"),
        scalars(record, _MAPPED)
        | {
            "year": _year(record),
            "venue": "arXiv",
            "authors": _authors(record.get("authors_parsed")),
            "fields": categories.split() if isinstance(categories, str) else categories,
            "url": f"https://arxiv.org/abs/{identifier}",
        },
    )


def _year(record: dict[str, Any]) -> int | None:
    """The year of the first version; `update_date` can be decades later."""
    created = each(record.get("versions"), "created")
    return year(created[0]) if created else year(record.get("update_date"))


def _authors(parsed: Any) -> list[str]:
    """Names of [["Last", "First", "Jr."], ...], in which LaTeX spells the accents."""
    people = [part[:3] for part in parsed if isinstance(part, list)] if isinstance(parsed, list) else []
    return [
        plain_text(" ".join(str(part) for part in (person[1:2] + person[:1] + person[2:]) if part)) for person in people
    ]


ARXIV = Flavour("arxiv", signs("authors_parsed categories"), _entry)
