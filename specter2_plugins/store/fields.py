"""The fields that the papers of a collection have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.papers.payloads import METADATA_KEY

_SAMPLE = 500
_MOST = 40
_DEEPEST = 3
_PLAIN = re.compile(r"[\w:-]+")


def has_field(client: QdrantBase, collection: str, key: str) -> bool:
    """Return whether a point of a collection has a value at a path of its payload."""
    empty = models.IsEmptyCondition(is_empty=models.PayloadField(key=key))
    found, _ = client.scroll(collection, models.Filter(must_not=[empty]), limit=1, with_payload=False)
    return bool(found)


def field_names(client: QdrantBase, collection: str) -> list[str]:
    """Return the fields of a collection's papers as filters name them, the most frequent first, at most 40.

    They are those of its first 500 points.
    """
    points, _ = client.scroll(collection, limit=_SAMPLE, with_payload=[METADATA_KEY])
    found = Counter(name for point in points for name in set(_names((point.payload or {}).get(METADATA_KEY), "")))
    return [name for name, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_MOST]]


def _names(value: Any, above: str, depth: int = _DEEPEST) -> Iterator[str]:
    if isinstance(value, dict) and depth:
        for name, part in value.items():
            step = name if _PLAIN.fullmatch(name) else f"'{name}'"
            yield from _names(part, f"{above}.{step}" if above else step, depth - 1)
    elif isinstance(value, list) and any(isinstance(part, dict) for part in value):
        for part in value:
            yield from _names(part, f"{above}[]", depth)
    elif above and value not in (None, [], {}):
        yield above
