"""Papers -> Qdrant points, with ids that are the same on every run."""

from __future__ import annotations

import uuid

from specter2_plugins.papers import Paper

_NAMESPACE = uuid.UUID("6f1c9c59-6c5e-5d2c-9a0b-2f6a3a1f2e8d")


def point_id(paper: Paper) -> str:
    """A UUID made of the paper's id or, without one, of its title (else abstract) in lower case without punctuation."""
    if paper.id is not None:
        return id_of(paper.id)
    words = "".join(character if character.isalnum() else " " for character in (paper.title or paper.abstract or ""))
    return str(uuid.uuid5(_NAMESPACE, "text:" + " ".join(words.casefold().split())))


def id_of(paper_id: str) -> str:
    """The point id of the paper with this id."""
    return str(uuid.uuid5(_NAMESPACE, "id:" + paper_id))
