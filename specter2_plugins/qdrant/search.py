"""Searching a collection by text queries: by meaning, by words, or by both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args, overload

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import StoreError
from specter2_plugins.qdrant.collection import check_collection, check_sparse
from specter2_plugins.qdrant.filters import to_filter
from specter2_plugins.qdrant.hits import Hit, to_hits
from specter2_plugins.sparse import SparseEncoder, load_sparse

if TYPE_CHECKING:
    from specter2_plugins.sentence_transformer import Specter2

Mode = Literal["dense", "sparse", "hybrid"]
Fusion = Literal["rrf", "dbsf"]

_REQUESTS_AT_ONCE = 64
_FUSED_AT_LEAST = 100
_FUSED_PER_HIT = 4


@overload
def search_papers(
    client: QdrantBase,
    model: Specter2 | None,
    query: str,
    collection: str = ...,
    limit: int = ...,
    *,
    filter: str | models.Filter | None = ...,
    mode: Mode = ...,
    fusion: Fusion = ...,
    vector: str | None = ...,
    sparse: str | SparseEncoder = ...,
    offset: int = ...,
) -> list[Hit]: ...


@overload
def search_papers(
    client: QdrantBase,
    model: Specter2 | None,
    query: list[str],
    collection: str = ...,
    limit: int = ...,
    *,
    filter: str | models.Filter | None = ...,
    mode: Mode = ...,
    fusion: Fusion = ...,
    vector: str | None = ...,
    sparse: str | SparseEncoder = ...,
    offset: int = ...,
) -> list[list[Hit]]: ...


def search_papers(
    client: QdrantBase,
    model: Specter2 | None,
    query: str | list[str],
    collection: str = "papers",
    limit: int = 10,
    *,
    filter: str | models.Filter | None = None,
    mode: Mode = "dense",
    fusion: Fusion = "rrf",
    vector: str | None = None,
    sparse: str | SparseEncoder = "bm25",
    offset: int = 0,
) -> list[Hit] | list[list[Hit]]:
    """Find papers by short texts, which go through the adapter that belongs to the collection's vectors.

    Args:
        client: An open client.
        model: The model that filled the collection. None will do in sparse mode.
        query: What to look for, or a list of queries, which are embedded and sent together.
        collection: The collection's name.
        limit: How many papers to return for each query.
        filter: Papers to search in, as `parse_filter` reads it, or Qdrant's own filter.
        mode: "dense" (by meaning), "sparse" (by words) or "hybrid" (both).
        fusion: How a hybrid search joins both: "rrf", by their ranks, or "dbsf", by their scores.
        vector: The dense vector to search. By default proximity, or the first.
        sparse: The encoder of the sparse vector to search, or its name.
        offset: How many papers to leave out at the top.

    Returns:
        The papers, best first; a list for each query where a list came in.

    Raises:
        FilterError: If the filter cannot be read.
        PaperError: If a query holds no text.
        StoreError: If there is no such collection or vector, another model or encoder filled it, or mode or fusion is
            none of these.
    """
    _check("mode", mode, get_args(Mode))
    _check("fusion", fusion, get_args(Fusion))
    where = to_filter(filter)
    queries = [query] if isinstance(query, str) else query
    ways: list[list[Way]] = []
    if mode != "sparse":
        if model is None:
            raise StoreError(f"a {mode} search needs the model that filled the collection")
        ways.append(_dense(client, model, queries, collection, vector))
    if mode != "dense":
        ways.append(_sparse(client, load_sparse(sparse) if isinstance(sparse, str) else sparse, queries, collection))
    requests = [_request(list(of_query), where, limit, offset, fusion) for of_query in zip(*ways, strict=True)]
    hits = [
        to_hits(response)
        for start in range(0, len(requests), _REQUESTS_AT_ONCE)
        for response in client.query_batch_points(collection, requests[start : start + _REQUESTS_AT_ONCE])
    ]
    return hits[0] if isinstance(query, str) else hits


@dataclass(frozen=True)
class Way:
    """One of the vectors that a query is searched by.

    Args:
        vector: Its name in Qdrant, None for the one without a name.
        query: The query's vector.
        smaller_is_nearer: Whether its scores are distances.
    """

    vector: str | None
    query: list[float] | models.SparseVector
    smaller_is_nearer: bool = False

    def best(
        self, count: int, where: models.Filter | None, as_scores: bool, params: models.SearchParams | None
    ) -> models.Prefetch:
        """The best papers of this way alone; as scores, larger is better, as Qdrant's DBSF takes for granted."""
        nearest = models.Prefetch(query=self.query, using=self.vector, filter=where, limit=count, params=params)
        if not (as_scores and self.smaller_is_nearer):
            return nearest
        negated = models.FormulaQuery(formula=models.NegExpression(neg="$score"))
        return models.Prefetch(prefetch=nearest, query=negated, limit=count)


def fused(
    ways: Sequence[Way],
    where: models.Filter | None,
    hits: int,
    fusion: Fusion,
    params: models.SearchParams | None = None,
) -> list[models.Prefetch]:
    """What a fusion is to be given of each way, so that its first hits come out right.

    Args:
        ways: The vectors to search by.
        where: Papers to search in.
        hits: How many papers are wanted of the fusion.
        fusion: How the ways are joined.
        params: How each is searched.
    """
    # A paper that is missing from both lists of n has at most 2 / (n + 2) by rank, and the k-th best of one list alone
    # has 1 / (k + 1): from n > 2k on nothing is overlooked. Twice that, because papers that only one list holds are
    # held to be absent from the other.
    count = max(_FUSED_AT_LEAST, _FUSED_PER_HIT * hits)
    return [way.best(count, where, fusion == "dbsf", params) for way in ways]


def _dense(
    client: QdrantBase, model: Specter2, queries: Sequence[str], collection: str, vector: str | None
) -> list[Way]:
    space = check_collection(client, collection, model, vector)
    vectors = model.encode(list(queries), task=space.query_task, show_progress_bar=False)
    return [Way(space.vector or None, embedding.tolist(), space.smaller_is_nearer) for embedding in vectors]


def _sparse(client: QdrantBase, encoder: SparseEncoder, queries: Sequence[str], collection: str) -> list[Way]:
    check_sparse(client, collection, encoder)
    return [
        Way(encoder.name, models.SparseVector(indices=vector.indices, values=vector.values))
        for vector in encoder.encode_query(queries)
    ]


def _request(
    ways: list[Way], where: models.Filter | None, limit: int, offset: int, fusion: Fusion
) -> models.QueryRequest:
    if len(ways) == 1:
        (way,) = ways
        return models.QueryRequest(
            query=way.query, using=way.vector, filter=where, limit=limit, offset=offset, with_payload=True
        )
    return models.QueryRequest(
        prefetch=fused(ways, where, offset + limit, fusion),
        query=models.FusionQuery(fusion=models.Fusion(fusion)),
        limit=limit,
        offset=offset,
        with_payload=True,
    )


def _check(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise StoreError(f"{what} is {value!r}, expected one of {', '.join(known)}")
