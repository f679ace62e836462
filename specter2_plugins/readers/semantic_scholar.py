"""Semantic Scholar: API answers, and the `papers` and `abstracts` datasets.

Source: https://api.semanticscholar.org/api-docs/ (graph and datasets)
"""

from __future__ import annotations

from typing import Any

from specter2_plugins.readers.flavour import Flavour, scalars, signs
from specter2_plugins.readers.nesting import each, follow
from specter2_plugins.readers.records import Entry

_MAPPED = frozenset({"corpusid", "paperid", "title", "abstract"})


def _entry(line: int, spelled: dict[str, Any]) -> Entry:
    # The API writes corpusId, the datasets corpusid.
    record = {key.lower(): value for key, value in spelled.items()}
    fields = each(record.get("s2fieldsofstudy"), "category") or record.get("fieldsofstudy")
    types = record.get("publicationtypes")
    external = record.get("externalids")
    return Entry(
        line,
        record.get("corpusid") or record.get("paperid"),
        record.get("title"),
        record.get("abstract"),
        scalars(record, _MAPPED)
        | {
            "venue": record.get("venue")
            or follow(record, "publicationvenue", "name")
            or follow(record, "journal", "name"),
            "authors": each(record.get("authors"), "name"),
            "fields": fields,
            "doi": follow(external, "DOI"),
            "type": types[0] if isinstance(types, list) and types else None,
            "publicationtypes": types,
            "arxiv": follow(external, "ArXiv"),
            "pmid": follow(external, "PubMed"),
        },
    )


SEMANTIC_SCHOLAR = Flavour(
    "semanticscholar", signs("corpusid", "corpusId", "paperId", "externalIds", "s2FieldsOfStudy"), _entry
)


def is_abstract(record: Any) -> bool:
    """Whether a record is of the `abstracts` dataset, whose titles are in `papers`."""
    return isinstance(record, dict) and {"corpusid", "abstract"} <= record.keys() and "title" not in record
