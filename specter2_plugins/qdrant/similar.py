"""Papers like other papers, stored or new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import PaperError, StoreError
from specter2_plugins.papers import Paper
from specter2_plugins.papers.points import id_of, point_id
from specter2_plugins.qdrant.filters import filter_for
from specter2_plugins.qdrant.hits import Hit, to_hits
from specter2_plugins.store.layout import VectorSpace, check_collection, stored_space

if TYPE_CHECKING:
    from specter2_plugins.sentence_transformers.specter2 import Specter2

Example: TypeAlias = str | Paper | Mapping[str, Any]
"""The id of a stored paper, or a paper (or dict with `title` and `abstract`) that need not be stored."""

Strategy = Literal["average_vector", "best_score", "sum_scores"]


def similar_papers(
    client: QdrantBase,
    model: Specter2 | None,
    papers: Example | Sequence[Example],
    collection: str = "papers",
    limit: int = 10,
    *,
    negative: Example | Sequence[Example] = (),
    strategy: Strategy = "average_vector",
    filter: str | models.Filter | None = None,
    vector: str | None = None,
    offset: int = 0,
) -> list[Hit]:
    """Find papers near some papers and away from others. The papers asked about are not among them.

    Example:
        >>> from specter2_plugins import PaperCollection
        >>> with PaperCollection.open("papers.qdrant", model="mini") as papers:
        ...     report = papers.ingest("library.bib")
        ...     [hit.paper.id for hit in similar_papers(papers.client, None, "ltr", limit=1)]
        ['rank']

    Args:
        client: An open client.
        model: The model that filled the collection. None will do where all papers are stored ones.
        papers: What the hits are to be near to: one paper, or several.
        collection: The collection's name.
        limit: How many papers to return.
        negative: What they are to be away from.
        strategy: How Qdrant weighs them. "average_vector": near the mean of `papers`, moved away from the mean of
            `negative` by as much as they differ. "best_score": near any of `papers`; those nearer to one of
            `negative` come last. "sum_scores": near all of `papers`, less what is near `negative`.
        filter: Papers to search in, as `parse_filter` reads it, or Qdrant's own filter.
        vector: The dense vector to search. By default proximity, or the first.
        offset: How many papers to leave out at the top.

    Returns:
        The papers, best first.

    Raises:
        FilterError: If the filter cannot be read.
        PaperError: If a new paper holds no text.
        StoreError: If there is no such collection, vector or stored paper, another model filled the collection, or
            the strategy makes no sense here.
    """
    if strategy not in get_args(Strategy):
        raise StoreError(f"strategy is {strategy!r}, expected one of {', '.join(get_args(Strategy))}")
    where = filter_for(client, collection, filter)
    near, far = to_examples(papers), to_examples(negative)
    if not near:
        raise StoreError("name at least one paper that the others are to be similar to")
    space = (
        stored_space(client, collection, vector)
        if model is None
        else check_collection(client, collection, model, vector)
    )
    return to_hits(recommend(client, model, collection, space, near, far, strategy, where, limit, offset))


def recommend(
    client: QdrantBase,
    model: Specter2 | None,
    collection: str,
    space: VectorSpace,
    near: Sequence[str | Paper],
    far: Sequence[str | Paper] = (),
    strategy: Strategy = "average_vector",
    where: models.Filter | None = None,
    limit: int = 10,
    offset: int = 0,
) -> models.QueryResponse:
    """Return Qdrant's answer to `similar_papers` in a space that is checked already, for whoever asks often.

    Raises:
        StoreError: If there is no such stored paper, or the strategy makes no sense here.
    """
    if strategy == "sum_scores" and space.smaller_is_nearer and len(far) >= len(near):
        raise StoreError(
            "sum_scores in a collection that compares by distance needs more papers to be near to than away from, "
            "or the farthest papers win; use best_score or average_vector"
        )
    inputs = to_inputs(client, model, collection, space, [*near, *far])
    return client.query_points(
        collection,
        query=models.RecommendQuery(
            recommend=models.RecommendInput(
                positive=inputs.vectors[: len(near)],
                negative=inputs.vectors[len(near) :],
                strategy=models.RecommendStrategy(strategy),
            )
        ),
        using=space.vector or None,
        query_filter=models.Filter(
            must=None if where is None else [where], must_not=[models.HasIdCondition(has_id=list(inputs.points))]
        ),
        limit=limit,
        offset=offset,
    )


class Inputs(NamedTuple):
    """Papers as a query names them.

    Args:
        vectors: The id of a stored paper's point, the vector of a new one.
        points: The ids of their points, stored or not.
    """

    vectors: list[Any]
    points: list[str]


def to_inputs(
    client: QdrantBase, model: Specter2 | None, collection: str, space: VectorSpace, examples: Sequence[str | Paper]
) -> Inputs:
    """Return papers as a query names them.

    Raises:
        PaperError: If a new paper holds no text.
        StoreError: If a stored paper is not there, or there is no model for a new one.
    """
    points = [id_of(example) if isinstance(example, str) else point_id(example) for example in examples]
    _require_stored(client, collection, [example for example in examples if isinstance(example, str)])
    new = [example for example in examples if isinstance(example, Paper)]
    if new and model is None:
        raise StoreError("a paper that is not stored needs the model that filled the collection")
    embedded = iter(model.encode(new, task=space.adapter, show_progress_bar=False) if new and model is not None else ())
    vectors = [
        point if isinstance(example, str) else next(embedded).tolist()
        for example, point in zip(examples, points, strict=True)
    ]
    return Inputs(vectors, points)


def to_examples(papers: Example | Sequence[Example]) -> list[str | Paper]:
    """Return one paper or several as a list, dicts as papers."""
    several = [papers] if isinstance(papers, str | Paper | Mapping) or not isinstance(papers, Iterable) else papers
    for paper in several:
        if not isinstance(paper, str | Paper | Mapping):
            raise PaperError(f"{paper!r:.80} ({type(paper).__name__}) is no id of a paper, no Paper and no dict")
    return [Paper.from_mapping(paper) if isinstance(paper, Mapping) else paper for paper in several]


def _require_stored(client: QdrantBase, collection: str, ids: Sequence[str]) -> None:
    wanted = {id_of(paper_id): paper_id for paper_id in ids}
    stored = {str(record.id) for record in client.retrieve(collection, list(wanted), with_payload=False)} if ids else ()
    missing = [repr(paper_id) for point, paper_id in wanted.items() if point not in stored]
    if missing:
        raise StoreError(f"the collection {collection!r} holds no paper with the id {', '.join(missing)}")
