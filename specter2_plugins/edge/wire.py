"""Calls and answers as JSON: Qdrant's models, and what stands in them, between two processes of one machine.

A value that JSON has is itself; any other one is a list whose first entry names its kind. So a list is one too.
"""

from __future__ import annotations

import base64
import datetime
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

import numpy as np
from pydantic import BaseModel
from qdrant_client.http import models

from specter2_plugins.edge.refusals import UnsupportedError
from specter2_plugins.errors import StoreError
from specter2_plugins.printable import from_json

_MODELS: dict[str, Any] = {name: found for name, found in vars(models).items() if isinstance(found, type)}
_ERRORS: dict[str, type[Exception]] = {
    error.__name__: error
    for error in (UnsupportedError, StoreError, ValueError, TypeError, OverflowError, RuntimeError, KeyError, OSError)
}


def dumps(value: Any) -> bytes:
    """Return a value as bytes.

    Raises:
        StoreError: If it holds something that no call of Qdrant's takes.
    """
    return json.dumps(_plain(value), separators=(",", ":")).encode()


def loads(content: bytes) -> Any:
    """Return the value that `dumps` was given; tuples, sets and what else is iterated come back as lists."""
    return _value(from_json(content.decode()))


def describe_error(error: Exception) -> list[str]:
    """Return an error's class, the nearest one that the other side knows, and what it says."""
    known = next((each.__name__ for each in type(error).__mro__ if each.__name__ in _ERRORS), StoreError.__name__)
    return [known, str(error)]


def error_of(described: list[str]) -> Exception:
    """Return the error that `describe_error` described."""
    return _ERRORS[described[0]](described[1])


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return ["enum", type(value).__name__, value.value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, BaseModel):
        if _MODELS.get(type(value).__name__) is not type(value):
            raise StoreError(f"{type(value).__name__} cannot be handed to the process that writes this store")
        return ["model", type(value).__name__, {name: _plain(getattr(value, name)) for name in value.model_fields_set}]
    if isinstance(value, Mapping):
        return ["dict", [[_plain(key), _plain(each)] for key, each in value.items()]]
    for kind, (type_, text, _) in _TEXTS.items():
        if isinstance(value, type_):
            return [kind, text(value)]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, np.ndarray) and value.dtype != object:
        return ["array", value.dtype.str, list(value.shape), base64.b64encode(value.tobytes()).decode()]
    if isinstance(value, tuple):
        return ["tuple", *map(_plain, value)]
    if isinstance(value, Iterable):
        return ["list", *map(_plain, value)]
    raise StoreError(f"{type(value).__name__} cannot be handed to the process that writes this store")


def _value(plain: Any) -> Any:
    if not isinstance(plain, list):
        return plain
    kind, *rest = plain
    return _KINDS[kind](*rest)


# A datetime is a date too, so it comes first.
_TEXTS: dict[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "uuid": (uuid.UUID, str, uuid.UUID),
    "datetime": (datetime.datetime, datetime.datetime.isoformat, datetime.datetime.fromisoformat),
    "date": (datetime.date, datetime.date.isoformat, datetime.date.fromisoformat),
}
_KINDS: dict[str, Callable[..., Any]] = {
    "enum": lambda name, value: _MODELS[name](value),
    "model": lambda name, fields: _MODELS[name].model_construct(
        set(fields), **{field: _value(each) for field, each in fields.items()}
    ),
    "dict": lambda items: {_value(key): _value(each) for key, each in items},
    "array": lambda dtype, shape, content: np.frombuffer(base64.b64decode(content), dtype).reshape(shape),
    "tuple": lambda *values: tuple(map(_value, values)),
    "list": lambda *values: list(map(_value, values)),
    **{kind: read for kind, (_, _, read) in _TEXTS.items()},
}
