"""Reaching into nested values that need not have the shape they should."""

from __future__ import annotations

from typing import Any


def follow(value: Any, *keys: str) -> Any:
    """Return what lies under the keys, one object deeper each; None where there is no such thing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def reach(value: Any, path: str) -> Any:
    """Return what lies under a path such as "authorships.author.name".

    In "descriptions[type=Abstract]" only objects of that type count. A list on the way gives a list of what each of
    its objects has there; a number names one place of a list. A table's columns may carry the whole path, or the
    beginning of it, as their name.
    """
    if not path or value is None:
        return value
    if isinstance(value, dict):
        if "[" in path:
            return _chosen(value, path)
        if path in value:
            return value[path]
        first, _, rest = path.partition(".")
        while rest:
            if first in value:
                return reach(value[first], rest)
            key, _, rest = rest.partition(".")
            first = f"{first}.{key}"
        return None
    if isinstance(value, list):
        first, _, rest = path.partition(".")
        if first.isdigit():
            return reach(value[int(first)], rest) if int(first) < len(value) else None
        found = [reach(item, path) for item in value]
        return [item for part in found for item in (part if isinstance(part, list) else [part]) if item is not None]
    return None


def _chosen(value: dict[str, Any], path: str) -> Any:
    name, _, rest = path.partition("[")
    condition, _, rest = rest.partition("]")
    key, _, wanted = condition.partition("=")
    listed = reach(value, name)
    return (
        reach([item for item in listed if follow(item, key) == wanted], rest[1:]) if isinstance(listed, list) else None
    )
