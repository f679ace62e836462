"""Models as qdrant-client takes them: as such, or as a dict of their fields."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from specter2_plugins.errors import StoreError, one_line


def as_model(value: Any, kind: Any) -> Any:
    """Return the model that a dict describes; anything else as it is.

    Args:
        value: A model, a dict, or whatever else a call may be given.
        kind: The model's class, or a union of several.

    Raises:
        StoreError: If a dict describes no such model.
    """
    if not isinstance(value, dict):
        return value
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        name = getattr(kind, "__name__", "") or " or ".join(part.__name__ for part in kind.__args__)
        raise StoreError(f"a dict that is no {name}: {reason(error)}") from None


def reason(error: Exception) -> str:
    """Return one line that says why something is no such model: of pydantic's many, the first."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
    return one_line(error)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
