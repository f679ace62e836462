"""JSON: an object a line, arrays of objects, and answers of APIs, in the flavours of several providers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, TypeAlias

from specter2_plugins.extras import require
from specter2_plugins.readers.arxiv import ARXIV
from specter2_plugins.readers.beir import BEIR
from specter2_plugins.readers.flavour import Flavour, signs
from specter2_plugins.readers.format import Format
from specter2_plugins.readers.json_objects import is_document, records
from specter2_plugins.readers.names import FieldNames, plan_for
from specter2_plugins.readers.openalex import OPENALEX
from specter2_plugins.readers.records import TOO_LONG, Entry, Problem
from specter2_plugins.readers.semantic_scholar import SEMANTIC_SCHOLAR, is_abstract
from specter2_plugins.readers.stream import Stream

FLAVOURS = (ARXIV, OPENALEX, SEMANTIC_SCHOLAR, BEIR)

# Objects that hold papers, by their keys, and where: SciRepEval's searches and triplets, answers of the APIs of
# OpenAlex and Semantic Scholar.
_PAPERS_LIE_UNDER = (
    *((sign, ("query", "candidates")) for sign in signs("query candidates")),
    *((sign, ("query", "pos", "neg")) for sign in signs("query pos neg")),
    *((sign, ("results",)) for sign in signs("meta results")),
    *((sign, ("data",)) for sign in signs("data total", "data offset", "data next", "data token")),
)
_BEGIN = re.compile(rb'\s*(?:\{\s*["}]|\[\s*[\[{\]n])')

_Entry: TypeAlias = Callable[[int, dict[str, Any]], Entry | Problem]


def read_json(
    stream: Stream, fields: FieldNames, flavours: tuple[Flavour, ...] = FLAVOURS
) -> Iterator[Entry | Problem]:
    """Read every object; its keys tell its flavour, unless the user named fields."""
    orjson = require("orjson", "orjson", "readers")
    loads, broken = orjson.loads, orjson.JSONDecodeError
    for part in records(stream) if is_document(stream.head) else stream.lines():
        if isinstance(part, Problem):
            yield part
            continue
        line, text = part
        if text is None:
            yield Problem(line, None, TOO_LONG)
            continue
        try:
            record = loads(text)
        except broken as error:
            if text.strip():
                yield Problem(line, None, f"not valid JSON: {error}")
            continue
        if type(record) is not dict:
            yield Problem(line, None, f"expected a JSON object, got {type(record).__name__}")
            continue
        entry, under = _shape(tuple(record), fields, flavours)
        if not under:
            yield entry(line, record)
            continue
        for paper in _papers(record, under):
            if isinstance(paper, dict):
                yield _shape(tuple(paper), fields, flavours)[0](line, paper)
            else:
                yield Problem(line, None, f"expected a JSON object, got {type(paper).__name__}")


@lru_cache(maxsize=4096)
def _shape(keys: tuple[str, ...], fields: FieldNames, flavours: tuple[Flavour, ...]) -> tuple[_Entry, tuple[str, ...]]:
    """What records with these keys are: how to read one, or under which keys papers lie in it."""
    if fields:
        return plan_for(keys, fields).entry, ()
    present = frozenset(keys)
    for sign, under in _PAPERS_LIE_UNDER:
        if sign <= present and "title" not in present:
            return plan_for(keys).entry, under
    for flavour in flavours:
        if flavour.matches(present) or len(flavours) == 1:
            return flavour.entry, ()
    return plan_for(keys).entry, ()


def _papers(record: dict[str, Any], under: tuple[str, ...]) -> Iterator[Any]:
    for key in under:
        value = record[key]
        if isinstance(value, list):
            yield from value
        elif not isinstance(value, str):  # the text of a search is no paper
            yield value


def _is_json(head: bytes) -> bool:
    return _BEGIN.match(head) is not None


def _is_abstracts(head: bytes) -> bool:
    line = head.lstrip().partition(b"\n")[0]
    if b'"corpusid"' not in line or not line.startswith(b"{"):
        return False
    orjson = require("orjson", "orjson", "readers")
    try:
        return is_abstract(orjson.loads(line))
    except orjson.JSONDecodeError:
        return False


JSON = Format("jsonl", _is_json, (".jsonl", ".ndjson", ".json"), read_json, names_are_free=True)
ABSTRACTS = Format("semanticscholar-abstracts", _is_abstracts, (), read_json, only_abstracts=True)
PROVIDERS = tuple(
    Format(flavour.name, lambda head: False, (), partial(read_json, flavours=(flavour,))) for flavour in FLAVOURS
)
