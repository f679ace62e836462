"""Ids of documents <-> ids of points: LangChain takes any text, Qdrant UUIDs and integers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from specter2_plugins.papers.points import id_of

_GIVEN = "_id"


def to_point_id(identifier: str | int) -> str | int:
    """Return the id of a document's point: its own where Qdrant takes that, else the one that `ingest` would give."""
    if isinstance(identifier, int):
        return identifier
    try:
        return str(UUID(identifier))
    except ValueError:
        return id_of(identifier)


def with_id(metadata: Mapping[str, Any], identifier: str | int) -> dict[str, Any]:
    """Return metadata that remembers an id where its point does not."""
    return {**metadata} if to_point_id(identifier) == identifier else {**metadata, _GIVEN: identifier}


def split_id(metadata: Mapping[str, Any], point: str | int) -> tuple[dict[str, Any], str]:
    """Return the metadata and the id that `with_id` put together."""
    given = metadata.get(_GIVEN)
    if not isinstance(given, str) or to_point_id(given) != str(point):
        return {**metadata}, str(point)
    return {key: value for key, value in metadata.items() if key != _GIVEN}, given
