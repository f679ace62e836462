"""Reaching into nested values that need not have the shape they should."""

from __future__ import annotations

from typing import Any


def follow(value: Any, *keys: str) -> Any:
    """What lies under the keys, one object deeper each; None where there is no such thing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def each(value: Any, *keys: str) -> list[Any]:
    """What lies under the keys in each object of a list, where it does."""
    found = [follow(item, *keys) for item in value] if isinstance(value, list) else []
    return [item for item in found if item is not None]
