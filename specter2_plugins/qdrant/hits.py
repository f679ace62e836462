"""Papers that a search found."""

from __future__ import annotations

from dataclasses import dataclass

from qdrant_client import models

from specter2_plugins.papers import Paper
from specter2_plugins.payloads import from_payload


@dataclass(frozen=True)
class Hit:
    """A paper that was found.

    Args:
        paper: The paper.
        score: Qdrant's score. By vectors in a Euclidean collection it is a distance, so smaller is nearer; with
            anything else, sparse vectors, fusions and the strategies "best_score" and "sum_scores", larger is better.
        point_id: The id of its point.
    """

    paper: Paper
    score: float
    point_id: str


def to_hits(response: models.QueryResponse) -> list[Hit]:
    """The papers of Qdrant's answer, in its order."""
    return [Hit(from_payload(point.payload or {}), point.score, str(point.id)) for point in response.points]
