"""A paper as text and metadata: the shape that LangChain documents and our Qdrant payloads share.

LangChain's Qdrant integration keeps a document under `page_content` and `metadata`; writing papers the same
way makes a collection readable from both sides.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from specter2_plugins.errors import PaperError
from specter2_plugins.papers.paper import Paper
from specter2_plugins.papers.values import to_record

CONTENT_KEY = "page_content"
METADATA_KEY = "metadata"

MOST_LEVELS = 32
"""Objects and lists within one another, the payload itself among them. gRPC's decoders follow 100 nested messages, and
an object takes three; JSON's in Qdrant follow 128 levels of a request."""
LONGEST_NAME = 255
"""Bytes of a name in an object."""
LARGEST_PAYLOAD = 16 * 2**20
"""Bytes of a payload as JSON; a server takes 32 MiB for a request, with the vectors, unless it was set otherwise."""
_INTEGERS = range(-(2**63), 2**63)
_SHOWN = 60
_BLANK_LINE = "\n\n"
# What LangChain's own Qdrant store adds to the metadata of the documents it finds, always both.
_OF_THE_STORE = {"_id", "_collection_name"}


def to_payload(paper: Paper) -> dict[str, Any]:
    """Return `page_content`, title and abstract around a blank line, and `metadata`, the rest with `id` and `title`."""
    title = " ".join((paper.title or "").split())
    return {
        CONTENT_KEY: f"{title}{_BLANK_LINE}{paper.abstract or ''}",
        METADATA_KEY: {**paper.metadata, "id": paper.id, "title": title or None},
    }


def storable_payload(paper: Paper) -> dict[str, Any]:
    """Return `to_payload` in JSON's own types, checked for what any Qdrant can hold, embedded, by REST or by gRPC.

    Refused are: NaN and infinity, integers beyond 64 bits, lone surrogates, names that are no text or longer than
    `LONGEST_NAME`, more than `MOST_LEVELS` within one another, more than `LARGEST_PAYLOAD` in all, and what JSON does
    not know, such as a date.

    Raises:
        PaperError: If it cannot be stored; the message says which field and why.
    """
    if paper.id is not None and not isinstance(paper.id, str):
        raise PaperError(f"id is {_short(paper.id)} ({type(paper.id).__name__}), expected a string or None")
    if not isinstance(paper.metadata, Mapping):
        raise PaperError(f"metadata is {_short(paper.metadata)} ({type(paper.metadata).__name__}), expected a dict")
    payload: dict[str, Any] = _plain(to_payload(paper), "", MOST_LEVELS)
    size = len(json.dumps(payload, ensure_ascii=False).encode())
    if size > LARGEST_PAYLOAD:
        raise PaperError(f"text and metadata take {size:,} bytes, more than the {LARGEST_PAYLOAD:,} of a payload")
    return payload


def from_payload(payload: Mapping[str, Any]) -> Paper:
    """Return the paper that `to_payload` wrote.

    Raises:
        PaperError: If the payload holds no text, or is none that `to_payload` wrote.
    """
    metadata, content = payload.get(METADATA_KEY) or {}, payload.get(CONTENT_KEY) or ""
    if not isinstance(metadata, Mapping) or not isinstance(content, str):
        found = f"{METADATA_KEY} is {_short(metadata)}, {CONTENT_KEY} {_short(content)}"
        raise PaperError(f"a payload of somebody else: {found}; expected an object and text")
    metadata = dict(metadata)
    metadata.pop("title", None)
    title, _, abstract = content.partition(_BLANK_LINE)
    return Paper(title or None, abstract or None, id=metadata.pop("id", None), metadata=metadata)


def is_document(value: Any) -> bool:
    """Return whether something has the text and the metadata of a LangChain document."""
    return isinstance(getattr(value, CONTENT_KEY, None), str) and isinstance(
        getattr(value, METADATA_KEY, None), Mapping
    )


def from_document(document: Any) -> Paper:
    """Return the paper of a LangChain document: title and abstract around a blank line, or a text without one.

    Raises:
        PaperError: If it holds no text.
    """
    metadata = dict(document.metadata)
    if metadata.keys() >= _OF_THE_STORE:
        metadata = {key: value for key, value in metadata.items() if key not in _OF_THE_STORE}
    metadata = {key: value for key, value in to_record(metadata).items() if value is not None}
    if "id" in metadata:
        metadata["id"] = str(metadata["id"])
    return from_payload({CONTENT_KEY: document.page_content, METADATA_KEY: metadata})


def from_page_content(text: str) -> Paper | str:
    """Return title and abstract of a text with a blank line between them; any other text as it is."""
    title, blank_line, abstract = text.partition(_BLANK_LINE)
    if not blank_line:
        return text
    return Paper(title or None, abstract or None)


def _plain(value: Any, where: str, levels: int) -> Any:
    """Return a value in JSON's own types.

    Args:
        value: The value.
        where: Its path, for messages.
        levels: How many more objects and lists may lie within one another.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _encodable(value, where)
    if isinstance(value, int):
        if value not in _INTEGERS:
            raise PaperError(f"{where} is an integer beyond 64 bits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise PaperError(f"{where} is {float(value)}, which JSON cannot hold")
        return float(value)
    if not isinstance(value, Mapping | list | tuple):
        raise PaperError(f"{where} is {_short(value)} ({type(value).__name__}), which JSON cannot hold")
    if not levels:
        raise PaperError(f"{where[:_SHOWN]}... is nested deeper than {MOST_LEVELS} levels")
    if isinstance(value, Mapping):
        return {_name(name, where): _plain(part, _path(where, name), levels - 1) for name, part in value.items()}
    return [_plain(part, f"{where}[{number}]", levels - 1) for number, part in enumerate(value)]


def _name(name: Any, where: str) -> str:
    """Return a name in an object."""
    owner = where or "the payload"
    if not isinstance(name, str):
        raise PaperError(f"{owner} has the name {_short(name)} ({type(name).__name__}), expected a string")
    size = len(_encodable(name, f"a name in {owner}").encode())
    if size > LONGEST_NAME:
        raise PaperError(f"{owner} has the name {_short(name)} of {size:,} bytes, more than {LONGEST_NAME}")
    return name


def _path(where: str, name: Any) -> str:
    shown = str(name) if len(str(name)) <= _SHOWN else f"{str(name)[:_SHOWN]}..."
    return f"{where}.{shown}" if where else shown


def _encodable(text: str, where: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            code = ord(text[error.start])
            raise PaperError(f"{where} holds the lone surrogate U+{code:04X} at character {error.start}") from None
    return text


def _short(value: Any) -> str:
    try:
        shown = ascii(value)
    except Exception:  # a foreign object's own; its type is named beside it
        return "a value"
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
