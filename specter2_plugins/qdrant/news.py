"""What has come into a collection lately, nearest to a library first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import PaperError
from specter2_plugins.papers import Paper
from specter2_plugins.papers.payloads import from_payload
from specter2_plugins.papers.points import HASHES_KEY, SINCE, made_of, point_id
from specter2_plugins.qdrant.filters import filter_for
from specter2_plugins.qdrant.hits import Hit
from specter2_plugins.store.layout import check_collection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specter2_plugins.sentence_transformers.specter2 import Specter2

CAME_IN = f"{HASHES_KEY}.{SINCE}"
"""The field of a payload that says when its paper came in."""

_AT_ONCE = 256
_MOST_CLUSTERS = 32


class News(NamedTuple):
    """A paper that has come in.

    Args:
        hit: The paper; its score is a distance, so smaller is nearer.
        since: When it came in, in UTC, such as "2026-11-26T08:00:00+00:00".
    """

    hit: Hit
    since: str


def new_papers(
    client: QdrantBase,
    model: Specter2,
    like: str | Iterable[Paper],
    since: datetime,
    collection: str = "papers",
    limit: int = 10,
    *,
    filter: str | models.Filter | None = None,
    vector: str | None = None,
) -> list[News]:
    """Return what has come into a collection since a moment, nearest to a library first.

    The library is parted into clusters by k-means, since the mean of all that somebody reads is near to nothing of it.
    The score of a paper is half its distance to the nearest paper of the library and half that to the nearest centre
    of a cluster; the papers of the library are left out.

    Example:
        >>> from datetime import datetime, timezone
        >>> from specter2_plugins import PaperCollection
        >>> with PaperCollection.open("papers.qdrant", model="mini") as papers:
        ...     report = papers.ingest("library.bib")
        ...     news = new_papers(
        ...         papers.client, papers.model, "learning to rank", datetime(2020, 1, 1, tzinfo=timezone.utc), limit=1
        ...     )
        ...     len(news)
        1

    Args:
        client: An open client.
        model: The model that filled the collection.
        like: The papers of the library, or a short text instead.
        since: A moment with its time zone.
        collection: The collection's name.
        limit: How many papers to return.
        filter: Papers to look at, as `parse_filter` reads it, or Qdrant's own filter.
        vector: The dense vector to compare. By default proximity, or the first.

    Returns:
        The papers, nearest first. A paper that an older version ingested knows no such moment, and is not among them.

    Raises:
        FilterError: If the filter cannot be read.
        PaperError: If the library holds no papers.
        StoreError: If there is no such collection, or another model filled it.
    """
    space = check_collection(client, collection, model, vector)
    is_cosine = space.distance == models.Distance.COSINE
    if isinstance(like, str):
        known, wanted = frozenset[str](), model.encode([like], task=space.query_task, show_progress_bar=False)
    else:
        library = list(like)
        if not library:
            raise PaperError("the library holds no papers to be near to")
        known = frozenset(map(point_id, library))
        wanted = model.encode(library, task=space.adapter, show_progress_bar=False)
    references = _scaled(np.asarray(wanted, np.float32), is_cosine)
    centres = _centres(references)
    only = filter_for(client, collection, filter)
    lately = models.FieldCondition(key=CAME_IN, range=models.DatetimeRange(gte=since))
    where = models.Filter(must=[lately] if only is None else [lately, only])

    def scored() -> Iterator[News]:
        for records in _pages(client, collection, where, space.vector):
            records = [record for record in records if str(record.id) not in known]
            if not records:
                continue
            vectors = _scaled(np.asarray([_vector(record, space.vector) for record in records], np.float32), is_cosine)
            scores = (_nearest(vectors, references) + _nearest(vectors, centres)) / 2
            for record, score in zip(records, scores, strict=True):
                yield News(Hit(from_payload(record.payload or {}), float(score), str(record.id)), _came_in(record))

    return nsmallest(limit, scored(), key=lambda news: (news.hit.score, news.hit.point_id))


def _pages(client: QdrantBase, collection: str, where: models.Filter, vector: str) -> Iterator[Sequence[models.Record]]:
    offset: Any = None
    while True:
        records, offset = client.scroll(
            collection,
            scroll_filter=where,
            limit=_AT_ONCE,
            offset=offset,
            with_payload=True,
            with_vectors=[vector] if vector else True,
        )
        yield records
        if offset is None:
            return


def _vector(record: models.Record, name: str) -> Any:
    found: Any = record.vector
    return found[name] if isinstance(found, dict) else found


def _came_in(record: models.Record) -> str:
    return str((made_of(record.payload) or {}).get(SINCE))


def _scaled(vectors: NDArray[np.float32], to_one: bool) -> NDArray[np.float32]:
    """Return vectors of the length one, where only their directions are compared."""
    if not to_one:
        return vectors
    scaled: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return scaled


def _centres(references: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the centres of clusters, about the root of half as many as there are papers."""
    from sklearn.cluster import KMeans

    count = min(_MOST_CLUSTERS, max(1, math.isqrt(len(references) // 2)))
    centres: NDArray[np.float32] = KMeans(count, n_init=1, random_state=0).fit(references).cluster_centers_
    return centres


def _nearest(vectors: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the distance of each vector to the nearest reference."""
    from sklearn.metrics import pairwise_distances_argmin_min

    found: NDArray[np.float64] = pairwise_distances_argmin_min(vectors, references)[1]
    return found
