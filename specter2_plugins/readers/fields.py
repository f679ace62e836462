"""Which key of a record means what, for formats whose names are free: JSON, CSV, Parquet, spreadsheets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from specter2_plugins.errors import PaperError
from specter2_plugins.printable import from_json
from specter2_plugins.readers.ids import doi, identifier, is_local
from specter2_plugins.readers.limits import MAX_RECORD
from specter2_plugins.readers.metadata import year
from specter2_plugins.readers.nesting import reach
from specter2_plugins.readers.placeholders import is_placeholder
from specter2_plugins.readers.providers import PROVIDERS, Provider
from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.synonyms import DATES, GENERIC, LOCAL

FieldNames: TypeAlias = tuple[tuple[str, str], ...]
"""What the user said, as (name of ours, key of theirs); hashable, so that plans can be kept."""

_PUNCTUATION = re.compile(r"[\W_]+")
_NAMESPACE = re.compile(r"(?:dc|dcterms|prism|schema|bibo|citation)[:_](?=\w)", re.IGNORECASE)
_SCALAR = (str, int, float)
_SHOWN_KEYS = 8
_TEXT_KEYS = ("text", "value", "title", "#text")
_REMEMBERED_KEYS, _REMEMBERED_CHARACTERS = 200, 4096
_TOGETHER = " + "
_INVERTED = "abstract_inverted_index"
_VECTORS = frozenset({"corpusid", "vector"})


@dataclass(frozen=True)
class FieldMap:
    """Where records with certain keys have what.

    Args:
        paths: For each name of ours the paths to try, best first.
        dropped: Keys that the metadata does not repeat; beside them those that were used.
        kept: Keys that stay, though they were used.
        local: Paths to an id that counts only where it is no small number.
        provider: Whose records they are, where that is known.
    """

    paths: Mapping[str, tuple[str, ...]]
    dropped: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()
    provider: Provider | None = None

    @property
    def has_text(self) -> bool:
        """Whether such records can be papers."""
        return "title" in self.paths or "abstract" in self.paths

    def entry(self, line: int, record: dict[str, Any]) -> Entry | Problem:
        """Return the record under our names; every other key stays in the metadata as it is."""
        if self.provider is not None:
            record = _unfolded(record, self.provider)
        found, used = self._find(record)
        name = found.pop("id", None)
        if used.get("id") in self.local and is_local(name) and doi(found.get("doi")):
            name = None
        if not self.has_text:
            return Problem(line, identifier(name), no_text(tuple(record)))
        title, abstract = found.pop("title", None), found.pop("abstract", None)
        if used.get("abstract", "").endswith(_INVERTED):
            try:
                abstract = abstract_text(abstract)
            except (TypeError, AttributeError, ValueError):
                return Problem(line, identifier(name), f"{_INVERTED} is not words with their positions")
            except OverflowError as error:
                return Problem(line, identifier(name), f"{_INVERTED}: {error}")
        title, *other_titles = _strings(title) or [title]
        parts = _strings(abstract)
        abstract = " ".join(parts) if parts else abstract
        bulky = self.provider is not None and self.provider.bulky
        gone = (self.dropped | set(used.values())) - self.kept
        metadata = {
            key: value for key, value in record.items() if key not in gone and (not bulky or isinstance(value, _SCALAR))
        }
        metadata.update(found)
        if other_titles:
            metadata["other_titles"] = other_titles
        if self.provider is not None:
            title = titled(title, metadata.pop("subtitle", None))
            metadata |= {
                key: metadata[key].split() for key in self.provider.spaced if isinstance(metadata.get(key), str)
            }
            metadata |= {key: text.format(id=identifier(name)) for key, text in self.provider.constants.items()}
        return Entry(line, name, title, abstract, metadata)

    def _find(self, record: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return for each name of ours the value of the first path that has one, and that path."""
        found: dict[str, Any] = {}
        used: dict[str, str] = {}
        for name, paths in self.paths.items():
            for path in paths:
                value = _together(record, path) if _TOGETHER in path else record.get(path)
                if value is None and "." in path:
                    value = reach(record, path)
                if _says_something(value) and (name != "year" or year(value)):
                    found[name], used[name] = value, path
                    break
        return found, used


def field_map(keys: tuple[str, ...], fields: FieldNames = (), only: str = "") -> FieldMap:
    """Return the plan for records with these keys.

    Args:
        keys: All keys of the record.
        fields: What the user named; a key with dots that the record has not is a path into objects.
        only: The provider that the user named.
    """
    # A file may have other keys in every record; what is remembered of them is bounded.
    short = len(keys) <= _REMEMBERED_KEYS and sum(map(len, keys)) <= _REMEMBERED_CHARACTERS
    return (_remembered_map if short else _field_map)(keys, fields, only)


def _field_map(keys: tuple[str, ...], fields: FieldNames, only: str) -> FieldMap:
    spelled: dict[str, str] = {}
    for key in keys:
        spelled.setdefault(folded(key), key)
    paths = {
        name: tuple(spelled[synonym] for synonym in synonyms if synonym in spelled)
        for name, synonyms in GENERIC.items()
    }
    dates = tuple(spelled[date] for date in DATES if date in spelled)
    paths["year"] += dates
    local = frozenset(spelled[name] for name in LOCAL if name in spelled)
    provider = None if fields else _provider(keys, only)
    if provider is None:
        for name, key in fields:
            paths[name] = (key,)
        kept = {*dates, *(key.partition(".")[0] for _, key in fields if key not in keys)}
        return FieldMap(
            {name: tried for name, tried in paths.items() if tried},
            kept=frozenset(kept),
            local=local - {key for _, key in fields},
        )
    if provider.folded:
        paths = {name: tuple(path.lower() for path in tried) for name, tried in paths.items()}
    paths |= provider.paths
    dropped = {part for tried in provider.paths.values() for path in tried for part in path.split(_TOGETHER)} | {
        *paths["title"],
        *paths["abstract"],
    }
    return FieldMap(
        {name: tried for name, tried in paths.items() if tried},
        frozenset(dropped | set(paths["id"])),
        frozenset(dates),
        local if "id" not in provider.paths else frozenset(),
        provider,
    )


_remembered_map = lru_cache(maxsize=1024)(_field_map)


def folded(key: str) -> str:
    """Return a key without case, punctuation, and the name space that it may carry."""
    return _PUNCTUATION.sub("", _NAMESPACE.sub("", key)).casefold()


def titled(title: Any, subtitle: Any) -> Any:
    """Return a title with its subtitle, where it does not hold it already."""
    if not isinstance(title, str) or not isinstance(subtitle, str) or not _says_something(subtitle):
        return title
    if subtitle.casefold() in title.casefold():
        return title
    return f"{title.rstrip()}{' ' if title.rstrip().endswith((':', '?', '!', '.', '-')) else ': '}{subtitle}"


def abstract_text(inverted: Any) -> str | None:
    """Return the text of {"word": [positions], ...}, or of the JSON of it.

    Raises:
        TypeError, AttributeError, ValueError: If it is none.
        OverflowError: If it makes a text that is too long.
    """
    if isinstance(inverted, str):
        inverted = from_json(inverted)
    if not inverted:
        return None
    if (size := sum(len(word) * len(positions) for word, positions in inverted.items())) > MAX_RECORD:
        raise OverflowError(f"its words, put together, have {size:,} characters")
    words = [(position, word) for word, positions in inverted.items() for position in positions]
    words.sort()
    return " ".join(word for _, word in words)


def field_names(fields: Mapping[str, str] | None) -> FieldNames:
    """Check and freeze what the user named.

    Raises:
        PaperError: If a name is none of ours.
    """
    unknown = [name for name in fields or {} if name not in GENERIC]
    if unknown:
        raise PaperError(f"fields names {unknown[0]!r}, expected one of {', '.join(GENERIC)}")
    return tuple((fields or {}).items())


def no_text(keys: tuple[str, ...]) -> str:
    """Return why records with these keys are no papers, and what to do."""
    if {folded(key) for key in keys} >= _VECTORS:
        return "it holds a vector of Semantic Scholar, not a paper; name the files of its `papers` data set"
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
    if not field_map(columns, fields).has_text:
        raise PaperError(f"{source}: {no_text(columns)}")


def _provider(keys: tuple[str, ...], only: str) -> Provider | None:
    if only:
        return next(provider for provider in PROVIDERS if provider.name == only)
    present = frozenset(keys) | {key.partition(".")[0] for key in keys}
    return next((provider for provider in PROVIDERS if provider.matches(present)), None)


def _unfolded(record: dict[str, Any], provider: Provider) -> dict[str, Any]:
    if provider.folded:
        record = {key.lower(): value for key, value in record.items()}
    more = record.get(provider.spread) if provider.spread else None
    return {**more, **record, provider.spread: None} if isinstance(more, dict) else record


def _together(record: dict[str, Any], paths: str) -> Any:
    """Return what lies under several paths, as one list; strings of many parts are joined."""
    found = [value for path in paths.split(_TOGETHER) if (value := reach(record, path))]
    if all(isinstance(value, str) for value in found):
        return "; ".join(found)
    return [item for value in found for item in (value if isinstance(value, list) else [value])]


def _strings(value: Any) -> list[str]:
    """Return the texts of a list of them, or of objects that hold one each; nothing for what is no such list."""
    if not isinstance(value, list) or not value:
        return []
    found = [
        next((item[key] for key in _TEXT_KEYS if key in item), None) if isinstance(item, dict) else item
        for item in value
    ]
    texts = [text for text in found if isinstance(text, str)]
    return texts if len(texts) == len(value) else []


def _says_something(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value) and not is_placeholder(value)
    return value is not None and value != [] and value != {}
