"""Papers that a search found."""

from __future__ import annotations

from dataclasses import dataclass

from qdrant_client import models

from specter2_plugins.errors import PaperError
from specter2_plugins.papers import Paper
from specter2_plugins.papers.payloads import from_payload


@dataclass(frozen=True)
class Hit:
    """A paper that was found.

    Example:
        >>> Hit(Paper("Soil water", id="soil"), 0.25, "42").paper.id
        'soil'

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
    """Return the papers of Qdrant's answer, in its order.

    Raises:
        PaperError: If a point is no paper; the message names it.
    """
    return [Hit(_paper(point), point.score, str(point.id)) for point in response.points]


def _paper(point: models.ScoredPoint) -> Paper:
    try:
        return from_payload(point.payload or {})
    except PaperError as error:
        raise PaperError(f"the point {point.id} is no paper: {error}") from None
