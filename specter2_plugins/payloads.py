"""A paper as text and metadata: the shape that LangChain documents and our Qdrant payloads share.

LangChain's Qdrant integration keeps a document under `page_content` and `metadata`; writing papers the same
way makes a collection readable from both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specter2_plugins.papers import Paper

CONTENT_KEY = "page_content"
METADATA_KEY = "metadata"
_BLANK_LINE = "\n\n"


def to_payload(paper: Paper) -> dict[str, Any]:
    """`page_content` holds title and abstract around a blank line; `metadata` the rest, with `id` and `title`."""
    title = " ".join((paper.title or "").split())
    return {
        CONTENT_KEY: f"{title}{_BLANK_LINE}{paper.abstract or ''}",
        METADATA_KEY: {**paper.metadata, "id": paper.id, "title": title or None},
    }


def from_payload(payload: Mapping[str, Any]) -> Paper:
    """The paper that `to_payload` wrote.

    Raises:
        PaperError: If the payload holds no text.
    """
    metadata = dict(payload.get(METADATA_KEY) or {})
    metadata.pop("title", None)
    title, _, abstract = (payload.get(CONTENT_KEY) or "").partition(_BLANK_LINE)
    return Paper(title or None, abstract or None, id=metadata.pop("id", None), metadata=metadata)


def from_page_content(text: str) -> Paper | str:
    """Title and abstract of a text with a blank line between them; any other text as it is."""
    title, blank_line, abstract = text.partition(_BLANK_LINE)
    if not blank_line:
        return text
    return Paper(title or None, abstract or None)
