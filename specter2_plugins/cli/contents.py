"""What a collection has, for the eye."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from specter2_plugins.readers.tidy import tidy

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_MOST_SOURCES = 20


def tables(found: dict[str, Any]) -> Iterator[Table | str]:
    """Yield the lines and tables that show what `describe` says of a collection.

    Example:
        >>> found = {"name": "papers", "papers": 8, "status": "green", "indexed_vectors": 0, "bytes_on_disk": 2048}
        >>> found |= {"quantization": None, "shards": 1, "replicas": 1, "fields": ["year"], "unfinished": []}
        >>> list(tables(found | {"vectors": {}, "sources": [], "indexes": {}}))
        ['papers: 8 papers, green, 0 vectors indexed, 2.0 KiB on disk', 'fields: year']
    """
    facts = [f"{found['papers']:,} papers", found["status"], f"{found['indexed_vectors'] or 0:,} vectors indexed"]
    if found["bytes_on_disk"] is not None:
        facts.append(f"{_size(found['bytes_on_disk'])} on disk")
    if (found["shards"] or 1) > 1 or (found["replicas"] or 1) > 1:
        facts.append(f"{found['shards']} shards, {found['replicas']} times")
    yield tidy(f"{found['name']}: {', '.join(facts)}")
    if found["unfinished"]:
        yield tidy(f"not all papers have yet: {', '.join(found['unfinished'])}; ingesting again goes on")
    if found["vectors"]:
        table = Table("vector", "papers", "made with", "dimensions", "distance", "datatype", "quantization", box=None)
        for name, vector in found["vectors"].items():
            cells = [vector["model"] or "unknown", *map(vector.get, ("dimensions", "distance", "datatype"))]
            cells += [vector.get("quantization")]
            table.add_row(tidy(name or "(unnamed)"), f"{vector['papers']:,}", *map(_cell, cells))
        yield table
    if sources := found["sources"]:
        table = Table("source", "papers", "last ingested", box=None)
        for source in sources[:_MOST_SOURCES]:
            name = "(unknown)" if source["name"] is None else source["name"]
            table.add_row(tidy(name), f"{source['papers']:,}", _cell(source["last_ingested"]))
        yield table
        if len(sources) > _MOST_SOURCES:
            yield f"and {len(sources) - _MOST_SOURCES} more sources: --json has them"
    if found["indexes"]:
        table = Table("index", "kind", "papers", box=None)
        for key, index in found["indexes"].items():
            table.add_row(tidy(key), index["kind"], f"{index['points']:,}")
        yield table
    if found["fields"]:
        yield tidy(f"fields: {', '.join(found['fields'])}")


def _cell(value: object) -> str:
    return "" if value is None else tidy(str(value))


def _size(size: float) -> str:
    for unit in _UNITS[:-1]:
        if size < 1024:
            return f"{size:.1f} {unit}" if unit != "B" else f"{size} B"
        size /= 1024
    return f"{size:.1f} {_UNITS[-1]}"
