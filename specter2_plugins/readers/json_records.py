"""JSON: an object a line, arrays of objects, and answers of APIs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from specter2_plugins.extras import require
from specter2_plugins.readers.fields import FieldMap, FieldNames, field_map
from specter2_plugins.readers.format import Format, from_start, nowhere
from specter2_plugins.readers.json_objects import is_document, records
from specter2_plugins.readers.limits import MAX_PARTS, TOO_LONG, TOO_MANY
from specter2_plugins.readers.nesting import reach
from specter2_plugins.readers.providers import PROVIDERS, UNDER, WRAPPERS
from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.stream import Stream

_BEGIN = re.compile(rb'\s*(?:\{\s*["}]|\[\s*[\[{\]n])')
_UNDER = tuple((frozenset(sign.split()), paths) for sign, paths in UNDER)
_NESTED = 4
_IDS = ("id", "_id", "paper_id", "doi")
_NO_PAPER = "null instead of a paper"


def read_json(stream: Stream, fields: FieldNames, provider: str = "") -> Iterator[Entry | Problem]:
    """Read every object; its keys tell its provider, unless the user named fields or the provider."""
    orjson = require("orjson", "orjson", "readers")
    loads, broken = orjson.loads, orjson.JSONDecodeError
    for number, part in enumerate(records(stream) if is_document(stream.head) else stream.lines(), start=1):
        if isinstance(part, Problem):
            yield part
            continue
        line, text = part
        if text is None:
            yield Problem(line, None, TOO_LONG)
            continue
        if text.count(b"{") + text.count(b"[") > MAX_PARTS:
            yield Problem(line, None, TOO_MANY)
            continue
        try:
            record = loads(text)
        except broken as error:
            if text.strip():
                yield Problem(line, None, f"not valid JSON: {error}")
            continue
        yield from _entries(line, number, record, fields, provider, _NESTED)


def _entries(
    line: int, number: int, record: Any, fields: FieldNames, provider: str, depth: int
) -> Iterator[Entry | Problem]:
    """Yield the paper that an object is, or all that lie in it; `number` is its place among those beside it."""
    if record is None:
        yield Problem(line, None, f"{_NO_PAPER}: number {number} of what was asked for is not known there")
        return
    if type(record) is not dict:
        yield Problem(line, None, f"expected a JSON object, got {type(record).__name__}")
        return
    keys = tuple(record)
    plan = field_map(keys, fields, provider)
    papers = _papers(record) if depth and not fields and "title" not in record and not _is_paper(plan, record) else None
    if papers is None:
        yield plan.entry(line, record)
    elif not papers:
        yield Problem(line, None, f"no papers lie under the keys {', '.join(map(repr, keys[:8]))}")
    else:
        for place, paper in enumerate(_with_ids(record, papers), start=1):
            yield from _entries(line, place, paper, fields, provider, depth - 1)


def _is_paper(plan: FieldMap, record: dict[str, Any]) -> bool:
    """Return whether an object is a paper itself: it has text, or keys of a provider."""
    return plan.provider is not None or any(
        isinstance(record.get(path), str) for name in ("title", "abstract") for path in plan.paths.get(name, ())
    )


def _papers(record: dict[str, Any]) -> list[Any] | None:
    """Return what lies where objects with such keys hold papers, or None."""
    for sign, paths in _UNDER:
        if sign <= record.keys():
            found = [value for path in paths if (value := reach(record, path)) is not None]
            if len(sign) == 1 and len(paths) > 1:
                found = found[:1]
            listed = [item for value in found for item in (value if isinstance(value, list) else [value])]
            # The text of a search is no paper.
            listed = [item for item in listed if len(sign) == 1 or not isinstance(item, str)]
            if len(sign) > 1 or any(isinstance(item, dict) for item in listed) or listed == []:
                return listed
    values = list(record.values())
    # OpenReview's {id: {"id", "content"}, ...}.
    if values and all(isinstance(value, dict) and {"title", "content", "abstract"} & value.keys() for value in values):
        return values
    return None


def _with_ids(record: dict[str, Any], papers: list[Any]) -> list[Any]:
    """Return papers, one alone with the id that stands beside it."""
    if len(papers) != 1 or type(papers[0]) is not dict or papers[0] not in [record.get(key) for key in WRAPPERS]:
        return papers
    return [{**{key: record[key] for key in _IDS if isinstance(record.get(key), str | int)}, **papers[0]}]


def _is_json(head: bytes) -> bool:
    return _BEGIN.match(head) is not None


def _is_abstracts(head: bytes) -> bool:
    """Return whether records are of Semantic Scholar's `abstracts` dataset, whose titles are in `papers`."""
    line = head.lstrip().partition(b"\n")[0]
    if b'"corpusid"' not in line or not line.startswith(b"{"):
        return False
    orjson = require("orjson", "orjson", "readers")
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return {"corpusid", "abstract"} <= record.keys() and "title" not in record


JSON = Format("jsonl", from_start(_is_json), (".jsonl", ".ndjson", ".json"), read_json, names_are_free=True)
ABSTRACTS = Format("semanticscholar-abstracts", from_start(_is_abstracts), (), read_json, only_abstracts=True)
OF_PROVIDERS = tuple(
    Format(provider.name, nowhere, (), partial(read_json, provider=provider.name)) for provider in PROVIDERS
)
