"""Searching a collection by a text query or by a paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qdrant_client import QdrantClient, models

from specter2_plugins.errors import StoreError
from specter2_plugins.papers import Paper
from specter2_plugins.payloads import from_payload
from specter2_plugins.qdrant.collection import check_collection
from specter2_plugins.qdrant.points import id_of, point_id
from specter2_plugins.sentence_transformer import Specter2


@dataclass(frozen=True)
class Hit:
    """A paper that was found.

    Args:
        paper: The paper.
        score: Qdrant's score: a distance (smaller is nearer) in a Euclidean collection, else a similarity.
        point_id: The id of its point.
    """

    paper: Paper
    score: float
    point_id: str


def search_papers(
    client: QdrantClient, model: Specter2, query: str, collection: str = "papers", limit: int = 10
) -> list[Hit]:
    """Find papers by a short text, through the adhoc_query adapter.

    Args:
        client: An open Qdrant client.
        model: The model that filled the collection.
        query: What to look for.
        collection: The collection's name.
        limit: How many papers to return.

    Returns:
        The nearest papers, nearest first.

    Raises:
        StoreError: If there is no such collection, or another model filled it.
    """
    space = check_collection(client, collection, model)
    vector = model.encode(query, task=space.query_task, show_progress_bar=False).tolist()
    return _query(client, collection, space.vector, vector, limit)


def similar_papers(
    client: QdrantClient,
    model: Specter2,
    paper: str | Paper | Mapping[str, Any],
    collection: str = "papers",
    limit: int = 10,
) -> list[Hit]:
    """Find the neighbours of a paper, which is not among them.

    Args:
        client: An open Qdrant client.
        model: The model that filled the collection.
        paper: The id of a stored paper, or a `Paper` or dict that need not be stored.
        collection: The collection's name.
        limit: How many papers to return.

    Returns:
        The nearest papers, nearest first.

    Raises:
        StoreError: If there is no such collection or stored paper, or another model filled the collection.
    """
    space = check_collection(client, collection, model)
    if isinstance(paper, str):
        point = id_of(paper)
        if not client.retrieve(collection, [point], with_payload=False):
            raise StoreError(f"the collection {collection!r} holds no paper with the id {paper!r}")
        return _query(client, collection, space.vector, point, limit)
    paper = paper if isinstance(paper, Paper) else Paper.from_mapping(paper)
    vector = model.encode(paper, task=space.adapter, show_progress_bar=False).tolist()
    itself = models.Filter(must_not=[models.HasIdCondition(has_id=[point_id(paper)])])
    return _query(client, collection, space.vector, vector, limit, itself)


def _query(
    client: QdrantClient,
    collection: str,
    vector: str,
    query: str | list[float],
    limit: int,
    query_filter: models.Filter | None = None,
) -> list[Hit]:
    found = client.query_points(collection, query=query, using=vector, limit=limit, query_filter=query_filter)
    return [Hit(from_payload(point.payload or {}), point.score, str(point.id)) for point in found.points]
