"""Papers -> what Qdrant keeps of them, with ids and hashes that are the same on every run."""

from __future__ import annotations

import hashlib
import json
import unicodedata
import uuid
from dataclasses import dataclass
from typing import Any

from specter2_plugins.errors import PaperError
from specter2_plugins.papers import Paper
from specter2_plugins.payloads import CONTENT_KEY, METADATA_KEY, to_payload

HASHES_KEY = "specter2"
"""Where a payload says what it was made of, so that a later run can tell what has changed."""

_NAMESPACE = uuid.UUID("6f1c9c59-6c5e-5d2c-9a0b-2f6a3a1f2e8d")
_DIGEST_BYTES = 12


def point_id(paper: Paper) -> str:
    """A UUID made of the paper's id or, without one, of its title (else abstract) in lower case without punctuation."""
    if paper.id is not None:
        return id_of(paper.id)
    text = unicodedata.normalize("NFKC", (paper.title or paper.abstract or "").casefold())
    words = "".join(character if _in_a_word(character) else " " for character in text)
    # A title of nothing but signs is told from others by these.
    return str(uuid.uuid5(_NAMESPACE, "text:" + " ".join((words if words.strip() else text).split())))


def id_of(paper_id: str) -> str:
    """The point id of the paper with this id."""
    return str(uuid.uuid5(_NAMESPACE, "id:" + paper_id))


@dataclass(frozen=True)
class Entry:
    """A paper on its way into a collection.

    Args:
        point: The id of its point.
        paper: The paper.
        payload: What is stored beside its vectors, with hashes of its text and of its metadata.
    """

    point: str
    paper: Paper
    payload: dict[str, Any]

    @classmethod
    def of(cls, paper: Paper) -> Entry:
        """Prepare a paper.

        Raises:
            PaperError: If its metadata cannot be stored as JSON.
        """
        payload = to_payload(paper)
        text = payload[CONTENT_KEY]
        metadata = _as_json(paper, payload[METADATA_KEY])
        payload[HASHES_KEY] = {"text": _digest(text), "metadata": _digest(metadata)}
        return cls(point_id(paper), paper, payload)


def _in_a_word(character: str) -> bool:
    # Marks are the vowels of many scripts.
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _as_json(paper: Paper, metadata: dict[str, Any]) -> str:
    try:
        text = json.dumps(metadata, sort_keys=True, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        name = paper.id or paper.title
        raise PaperError(f"paper {name!r}: its metadata cannot be stored as JSON: {error}") from None
    return text


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
