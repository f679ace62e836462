"""A collection in one file: settings, vectors and payloads, for any store.

The file is gzip over JSON lines: first what it is and the collection's settings, then a line a point (dense vectors are
float32 in base64), last how many there were. A file without its last line was cut off.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import StoreError
from specter2_plugins.printable import from_json
from specter2_plugins.qdrant.copies import make_collection, pages_of, settings_of, write_pages
from specter2_plugins.store.faults import Retries
from specter2_plugins.writers.files import writing

_FORMAT = "specter2-plugins collection"
_VERSION = 1
_COMPRESSION = 1  # vectors hardly shrink; more effort gains nothing
_LONGEST_LINE = 64 * 2**20
_POINTS_AT_ONCE = 128
_FLOAT = np.dtype("<f4")


def backup(client: QdrantBase, name: str, file: str | Path, retries: Retries) -> int:
    """Write a collection into a file, which appears whole or not at all.

    Returns:
        How many points are in it.

    Raises:
        StoreError: If there is no such collection.
        Specter2Error: If the file cannot be written.
    """
    settings = settings_of(client, name)
    count = 0
    with writing(Path(file), "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=_COMPRESSION) as out:

        def line(content: dict[str, Any]) -> None:
            out.write(json.dumps(content, ensure_ascii=False).encode() + b"\n")

        line({"format": _FORMAT, "version": _VERSION, "name": name, "settings": settings})
        for page in pages_of(client, name, retries):
            for record in page:
                line({"id": record.id, "payload": record.payload, "vectors": _to_json(record.vector)})
            count += len(page)
        line({"points": count})
    return count


def restore(client: QdrantBase, file: str | Path, name: str | None, retries: Retries) -> tuple[str, int]:
    """Make a collection again from a file of `backup`, and check that it holds all.

    Args:
        client: An open client.
        file: The file.
        name: What the collection is to be called; by default as it was.
        retries: How a failed request is repeated.

    Returns:
        Its name, and how many points it has.

    Raises:
        StoreError: If the file is no backup or is damaged, or there is such a collection already. What was made of the
            collection is deleted again.
    """
    path = Path(file)
    lines = _lines(path)
    head = next(lines, {})
    if head.get("format") != _FORMAT:
        raise StoreError(f"{path} is no backup of a collection")
    if head.get("version") != _VERSION:
        raise StoreError(f"{path} was written by another version of this package ({head.get('version')!r})")
    named = name or str(head["name"])
    make_collection(client, named, head["settings"])
    try:
        return named, write_pages(client, named, _pages(path, lines), retries)
    except BaseException:
        client.delete_collection(named)
        raise


def _pages(path: Path, lines: Iterator[dict[str, Any]]) -> Iterator[list[models.Record]]:
    page, count = list[models.Record](), 0
    for content in lines:
        if "points" in content:
            if content["points"] != count:
                raise StoreError(f"{path} is damaged: it holds {count} points of {content['points']}")
            yield page
            return
        try:
            page.append(
                models.Record(id=content["id"], payload=content["payload"], vector=_from_json(content["vectors"]))
            )
        except (LookupError, TypeError, ValueError) as error:
            raise StoreError(f"{path} is damaged: point {count + 1} cannot be read ({type(error).__name__})") from None
        count += 1
        if len(page) == _POINTS_AT_ONCE:
            yield page
            page = []
    raise StoreError(f"{path} was cut off: it ends after {count} points")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(path) as stream:
            while line := stream.readline(_LONGEST_LINE):
                content = from_json(line)
                if not isinstance(content, dict):
                    raise ValueError("a line is no object")
                yield content
    except (EOFError, gzip.BadGzipFile, ValueError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{path} is no backup of a collection, or was cut off: {error}") from None


def _to_json(vector: Any) -> dict[str, Any]:
    named = vector if isinstance(vector, dict) else {"": vector} if vector is not None else {}
    return {name: _one_to_json(one) for name, one in named.items()}


def _one_to_json(vector: Any) -> Any:
    if isinstance(vector, models.SparseVector):
        return {"indices": vector.indices, "values": vector.values}
    return base64.b64encode(np.asarray(vector, dtype=_FLOAT).tobytes()).decode()


def _from_json(vectors: dict[str, Any]) -> Any:
    named = {
        name: models.SparseVector(**one)
        if isinstance(one, dict)
        else np.frombuffer(base64.b64decode(one, validate=True), dtype=_FLOAT).tolist()
        for name, one in vectors.items()
    }
    return named[""] if set(named) == {""} else named
