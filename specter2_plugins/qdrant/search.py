"""Searching a collection by text queries: by meaning, by words, or by both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import PaperError, StoreError
from specter2_plugins.papers import Paper
from specter2_plugins.qdrant.filters import filter_for
from specter2_plugins.qdrant.fusion import Fusion, Way, by_scores, fused, fusion_query
from specter2_plugins.qdrant.hits import Hit, to_hits
from specter2_plugins.qdrant.similar import Example, to_examples, to_inputs
from specter2_plugins.sparse import SparseTextEncoder, load_sparse
from specter2_plugins.store.layout import check_collection, check_sparse, stored_space

if TYPE_CHECKING:
    from specter2_plugins.sentence_transformers.specter2 import Specter2

Mode = Literal["dense", "sparse", "hybrid"]

_REQUESTS_AT_ONCE = 64
_CHOSEN_AT_LEAST = 100
_CHOSEN_PER_HIT = 4


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
    sparse: str | SparseTextEncoder = ...,
    offset: int = ...,
    near: Example | Sequence[Example] = ...,
    diverse: bool = ...,
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
    sparse: str | SparseTextEncoder = ...,
    offset: int = ...,
    near: Example | Sequence[Example] = ...,
    diverse: bool = ...,
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
    sparse: str | SparseTextEncoder = "bm25",
    offset: int = 0,
    near: Example | Sequence[Example] = (),
    diverse: bool = False,
) -> list[Hit] | list[list[Hit]]:
    """Find papers by short texts, which go through the adapter that belongs to the collection's vectors.

    Example:
        >>> from specter2_plugins import PaperCollection
        >>> with PaperCollection.open("papers.qdrant", model="mini") as papers:
        ...     report = papers.ingest("library.bib")
        ...     [hit.paper.id for hit in search_papers(papers.client, papers.model, "irrigation of soil", limit=1)]
        ['soil']

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
        near: A paper that the hits are to be near to as well, or several: ids of stored ones, which are not among the
            hits, or new ones. The query and they are lists of one request, joined by `fusion`.
        diverse: Leave out what is nearly the same as what stands above it (MMR, half nearness and half novelty), of
            the best 100 papers, or 4 times as many as are wanted. The scores are those of the vectors, not of a fusion.

    Returns:
        The papers, best first; a list for each query where a list came in.

    Raises:
        FilterError: If the filter cannot be read, or names a field that no paper has.
        PaperError: If a query is no text, or holds none.
        StoreError: If there is no such collection, vector or stored paper, another model or encoder filled it, or mode
            or fusion is none of these.
    """
    _check("mode", mode, get_args(Mode))
    _check("fusion", fusion, get_args(Fusion))
    where = filter_for(client, collection, filter)
    queries = _texts(query)
    ways: list[list[Way]] = []
    if mode != "sparse":
        if model is None:
            raise StoreError(f"a {mode} search needs the model that filled the collection")
        ways.append(_dense(client, model, queries, collection, vector))
    if mode != "dense":
        ways.append(_sparse(client, load_sparse(sparse) if isinstance(sparse, str) else sparse, queries, collection))
    context, seen = _context(client, model, near, collection, vector)
    if seen:
        unseen = models.HasIdCondition(has_id=list(seen))
        where = models.Filter(must=None if where is None else [where], must_not=[unseen])
    joined = fusion_query(client, fusion) if len(ways) + len(context) > 1 else None
    requests = [
        _request([*of_query, *context], where, limit, offset, joined, diverse) for of_query in zip(*ways, strict=True)
    ]
    hits = [
        to_hits(response)
        for start in range(0, len(requests), _REQUESTS_AT_ONCE)
        for response in client.query_batch_points(collection, requests[start : start + _REQUESTS_AT_ONCE])
    ]
    return hits[0] if isinstance(query, str) else hits


def _texts(query: Any) -> list[str]:
    texts = query if isinstance(query, list | tuple) else [query]
    for text in texts:
        if not isinstance(text, str):
            raise PaperError(f"a query is a text, or a list of texts, got {type(text).__name__}; papers: near, similar")
    return list(texts)


def _dense(
    client: QdrantBase, model: Specter2, queries: Sequence[str], collection: str, vector: str | None
) -> list[Way]:
    space = check_collection(client, collection, model, vector)
    vectors = model.encode(list(queries), task=space.query_task, show_progress_bar=False, on_blank="raise")
    return [Way(space.vector or None, embedding.tolist(), space.smaller_is_nearer) for embedding in vectors]


def _sparse(client: QdrantBase, encoder: SparseTextEncoder, queries: Sequence[str], collection: str) -> list[Way]:
    check_sparse(client, collection, encoder)
    return [
        Way(encoder.name, models.SparseVector(indices=vector.indices, values=vector.values))
        for vector in encoder.encode_query(queries)
    ]


def _context(
    client: QdrantBase,
    model: Specter2 | None,
    near: Example | Sequence[Example],
    collection: str,
    vector: str | None,
) -> tuple[list[Way], list[str]]:
    """Return the ways to papers near some papers, and the points of these."""
    examples = to_examples(near)
    if not examples:
        return [], []
    space = stored_space(client, collection, vector)
    if any(isinstance(example, Paper) for example in examples) and model is not None:
        space = check_collection(client, collection, model, vector)
    inputs = to_inputs(client, model, collection, space, examples)
    ways = [Way(space.vector or None, given, space.smaller_is_nearer) for given in inputs.vectors]
    return ways, inputs.points


def _request(
    ways: list[Way],
    where: models.Filter | None,
    limit: int,
    offset: int,
    fusion: models.FusionQuery | models.RrfQuery | None,
    diverse: bool,
) -> models.QueryRequest:
    page: dict[str, Any] = {"limit": limit, "offset": offset, "with_payload": True}
    first, hits = ways[0], offset + limit
    query: Any = first.query
    if diverse:
        hits = max(_CHOSEN_AT_LEAST, _CHOSEN_PER_HIT * hits)
        query = models.NearestQuery(nearest=first.query, mmr=models.Mmr(candidates_limit=hits))
    if fusion is None:
        return models.QueryRequest(query=query, using=first.vector, filter=where, **page)
    prefetch = fused(ways, where, hits, by_scores(fusion))
    if not diverse:
        return models.QueryRequest(prefetch=prefetch, query=fusion, **page)
    best = models.Prefetch(prefetch=prefetch, query=fusion, limit=hits)
    return models.QueryRequest(prefetch=best, query=query, using=first.vector, **page)


def _check(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise StoreError(f"{what} is {value!r}, expected one of {', '.join(known)}")
