"""Papers -> what Qdrant keeps of them, with ids and hashes that are the same on every run."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from specter2_plugins.errors import PaperError
from specter2_plugins.papers import Paper
from specter2_plugins.papers.payloads import CONTENT_KEY, METADATA_KEY, storable_payload

HASHES_KEY = "specter2"
"""Where a payload says what it was made of, so that a later run can tell what has changed."""
SOURCES = "sources"
"""Where that says which sources brought the paper, so that only theirs can go missing."""
SINCE = "since"
"""Where that says when the paper came in, in UTC."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_NAMESPACE = uuid.UUID("6f1c9c59-6c5e-5d2c-9a0b-2f6a3a1f2e8d")
_DIGEST_BYTES = 12


def point_id(paper: Paper) -> str:
    """Return a UUID made of the paper's id or else of its title (or abstract) without case and punctuation."""
    return id_of(paper.id) if paper.id is not None else uuid_of(f"text:{text_key(paper)}")


def text_key(paper: Paper) -> str:
    """Return the title (else abstract) in lower case without punctuation, which tells papers without an id apart."""
    text = unicodedata.normalize("NFKC", (paper.title or paper.abstract or "").casefold())
    words = "".join(character if _in_a_word(character) else " " for character in text)
    # A title of nothing but signs is told from others by these.
    return " ".join((words if words.strip() else text).split())


def id_of(paper_id: str) -> str:
    """Return the point id of the paper with this id.

    Raises:
        PaperError: If no paper can have this id.
    """
    if not isinstance(paper_id, str):
        raise PaperError(f"an id of a paper is text, got {paper_id!r:.80} ({type(paper_id).__name__})")
    if not paper_id.isascii() and (lone := _SURROGATE.search(paper_id)) is not None:
        raise PaperError(f"the id {paper_id!r:.80} holds the lone surrogate U+{ord(lone[0]):04X}, which no text has")
    return uuid_of(f"id:{paper_id}")


def uuid_of(name: str) -> str:
    """Return the UUID that is made of a name, the same on every run."""
    return str(uuid.uuid5(_NAMESPACE, name))


@dataclass(frozen=True)
class PaperPoint:
    """A paper on its way into a collection.

    Args:
        point: The id of its point.
        paper: The paper.
        payload: What is stored beside its vectors, with hashes of its text and of its metadata, and its sources.
    """

    point: str
    paper: Paper
    payload: dict[str, Any]

    @classmethod
    def of(cls, paper: Paper, source: str | None = None) -> PaperPoint:
        """Prepare a paper that a source brings; None where nobody can say which.

        Raises:
            PaperError: If Qdrant cannot hold it; the message says which field and why.
        """
        payload = storable_payload(paper)
        metadata = json.dumps(payload[METADATA_KEY], sort_keys=True, ensure_ascii=False)
        payload[HASHES_KEY] = {"text": _digest(payload[CONTENT_KEY]), "metadata": _digest(metadata)}
        return cls(point_id(paper), paper, payload).also_from(() if source is None else (source,))

    def also_from(self, sources: Iterable[str]) -> PaperPoint:
        """Return the same paper, brought by these sources too."""
        made_of = self.payload[HASHES_KEY]
        known = [*dict.fromkeys([*sources, *sources_of(made_of)])]
        return replace(self, payload={**self.payload, HASHES_KEY: {**made_of, SOURCES: known}}) if known else self

    def came_in(self, moment: str | None) -> PaperPoint:
        """Return the same paper, which came in then; None where nobody knows."""
        if moment is None:
            return self
        return replace(self, payload={**self.payload, HASHES_KEY: {**self.payload[HASHES_KEY], SINCE: moment}})


def made_of(payload: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what a point's payload says it was made of; None where it says nothing, as of a point of somebody else."""
    said = (payload or {}).get(HASHES_KEY)
    return said if isinstance(said, dict) else None


def sources_of(made_of: Mapping[str, Any] | None) -> list[str]:
    """Return the sources that brought a point, none for one of an older version."""
    said = (made_of or {}).get(SOURCES)
    return [source for source in said if isinstance(source, str)] if isinstance(said, list) else []


def _in_a_word(character: str) -> bool:
    # Marks are the vowels of many scripts.
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
