"""Which key of a record means what, for formats whose names are free: JSON, CSV, Parquet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from specter2_plugins.errors import PaperError
from specter2_plugins.readers.nesting import follow
from specter2_plugins.readers.records import Entry, Problem

FieldNames: TypeAlias = tuple[tuple[str, str], ...]
"""What the user said, as (name of ours, key of theirs); hashable, so that plans can be kept."""

# Names in exports of Semantic Scholar, SciRepEval, BEIR, Crossref, Scopus, Web of Science and Zotero, best first,
# compared without case, spaces, hyphens and underscores.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "id": ("id", "paperid", "corpusid", "docid", "eid", "utuniquewosid", "accessionnumber", "key", "pmid"),
    "title": ("title", "articletitle", "papertitle", "displayname"),
    "abstract": ("abstract", "text", "summary", "abstractnote"),
    "year": ("year", "publicationyear", "pubyear"),
    "venue": ("venue", "journal", "sourcetitle", "publicationtitle", "journaltitle", "booktitle", "containertitle"),
    "authors": ("authors", "author", "authorfullnames", "authornames"),
    "fields": ("fields", "fieldsofstudy", "s2fieldsofstudy", "categories", "subjects", "concepts", "meshterms"),
    "doi": ("doi",),
    "url": ("url", "link"),
    "keywords": ("keywords", "authorkeywords", "tags", "manualtags"),
    "type": ("type", "documenttype", "itemtype", "publicationtype"),
}
# They tell the year where nothing else does, and stay what they are.
_DATES = ("date", "publicationdate", "published", "updatedate")
_PUNCTUATION = re.compile(r"[\s_\-]+")
_SHOWN_KEYS = 8


@dataclass(frozen=True)
class Plan:
    """Where records with certain keys have what.

    Args:
        paths: For each name of ours the keys to try, best first, each a path into objects.
        kept: Paths whose value stays in the metadata under its own name, too.
    """

    paths: Mapping[str, tuple[tuple[str, ...], ...]]
    kept: frozenset[tuple[str, ...]]

    @property
    def has_text(self) -> bool:
        """Whether such records can be papers."""
        return "title" in self.paths or "abstract" in self.paths

    def entry(self, line: int, record: dict[str, Any]) -> Entry | Problem:
        """The record under our names; every other key stays in the metadata as it is."""
        if not self.has_text:
            named = (follow(record, *path) for path in self.paths.get("id", ()))
            identifier = next((str(value) for value in named if value not in (None, "")), None)
            return Problem(line, identifier, no_text(tuple(record)))
        metadata = record.copy()
        found: dict[str, Any] = {}
        for name, paths in self.paths.items():
            for path in paths:
                value = record.get(path[0]) if len(path) == 1 else follow(record, *path)
                if value is not None and value != "":
                    found[name] = value
                    if path not in self.kept:
                        metadata.pop(path[0], None)
                    break
        identifier, title, abstract = found.pop("id", None), found.pop("title", None), found.pop("abstract", None)
        metadata.update(found)
        return Entry(line, identifier, title, abstract, metadata)


@lru_cache(maxsize=4096)
def plan_for(keys: tuple[str, ...], fields: FieldNames = ()) -> Plan:
    """The plan for records with these keys.

    Args:
        keys: All keys of the record.
        fields: What the user named; a key with dots that the record has not is a path into objects.
    """
    spelled: dict[str, str] = {}
    for key in keys:
        spelled.setdefault(_PUNCTUATION.sub("", key).casefold(), key)
    paths: dict[str, tuple[tuple[str, ...], ...]] = {
        name: tuple((spelled[synonym],) for synonym in synonyms if synonym in spelled)
        for name, synonyms in _SYNONYMS.items()
    }
    dates = tuple((spelled[date],) for date in _DATES if date in spelled)
    paths["year"] += dates
    for name, key in fields:
        paths[name] = ((key,) if key in keys else tuple(key.split(".")),)
    found = {name: tried for name, tried in paths.items() if tried}
    kept = {*dates, *(path for tried in found.values() for path in tried if len(path) > 1)}
    return Plan(found, frozenset(kept))


def field_names(fields: Mapping[str, str] | None) -> FieldNames:
    """Check and freeze what the user named.

    Raises:
        PaperError: If a name is none of ours.
    """
    unknown = [name for name in fields or {} if name not in _SYNONYMS]
    if unknown:
        raise PaperError(f"fields names {unknown[0]!r}, expected one of {', '.join(_SYNONYMS)}")
    return tuple((fields or {}).items())


def no_text(keys: tuple[str, ...]) -> str:
    """Why records with these keys are no papers, and what to do."""
    shown = ", ".join(map(repr, keys[:_SHOWN_KEYS])) or "none"
    return (
        f"no title and no abstract among the keys {shown}. Name the right ones: "
        'fields={"title": KEY, "abstract": KEY}, on the command line --field title=KEY'
    )


def check_columns(source: str, columns: tuple[str, ...], fields: FieldNames) -> None:
    """Check a table's header before its rows are read.

    Raises:
        PaperError: If a column that the user named is missing, or none is a title or an abstract.
    """
    for name, column in fields:
        if column.partition(".")[0] not in columns and column not in columns:
            raise PaperError(f"{source} has no column {column!r} for {name}; its columns are {', '.join(columns)}")
    if not plan_for(columns, fields).has_text:
        raise PaperError(f"{source}: {no_text(columns)}")
