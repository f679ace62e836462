"""How the lists of a hybrid search are joined."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from qdrant_client import models
from qdrant_client.client_base import QdrantBase
from qdrant_client.qdrant_remote import QdrantRemote

from specter2_plugins.store.faults import STORE_ERRORS

Fusion = Literal["rrf", "dbsf"]

RRF_K = 60
"""What is added to each rank. Qdrant's own 2 lets the first ranks of each list decide nearly alone; docs/search.md has
what that costs. 60 is that of the paper: https://dl.acm.org/doi/10.1145/1571941.1572114"""

_TAKES_K = (1, 16)
_FUSED_AT_LEAST = 300
_FUSED_PER_HIT = 4

_log = logging.getLogger(__name__)


def fusion_query(client: QdrantBase, fusion: Fusion) -> models.FusionQuery | models.RrfQuery:
    """Return Qdrant's query for a fusion: by ranks with k = 60 or, on a server before 1.16, which has no k, by scores.

    Args:
        client: Where it is to run.
        fusion: "rrf", by ranks, or "dbsf", by scores.
    """
    if fusion == "rrf" and _takes_k(client):
        return models.RrfQuery(rrf=models.Rrf(k=RRF_K))
    if fusion == "rrf":
        _log.warning("this server's RRF knows no k but 2; the lists are joined by their scores instead (DBSF)")
    return models.FusionQuery(fusion=models.Fusion.DBSF)


def by_scores(query: models.FusionQuery | models.RrfQuery) -> bool:
    """Return whether a fusion looks at scores, so that larger ones have to be better."""
    return isinstance(query, models.FusionQuery) and query.fusion == models.Fusion.DBSF


def best_score(query: models.FusionQuery | models.RrfQuery, lists: int) -> float:
    """Return the score of what is first in all of so many lists; by scores there is none, and 1 is returned."""
    if isinstance(query, models.RrfQuery):
        return lists / (query.rrf.k or 2)
    return 1.0 if by_scores(query) else lists / 2


@dataclass(frozen=True)
class Way:
    """One of the vectors that a query is searched by.

    Args:
        vector: Its name in Qdrant, None for the one without a name.
        query: The query's vector, or the id of a point whose vector it is.
        smaller_is_nearer: Whether its scores are distances.
    """

    vector: str | None
    query: list[float] | models.SparseVector | str
    smaller_is_nearer: bool = False

    def best(
        self, count: int, where: models.Filter | None, as_scores: bool, params: models.SearchParams | None
    ) -> models.Prefetch:
        """Return the best papers of this way alone; as scores, larger is better, as Qdrant's DBSF takes for granted."""
        nearest = models.Prefetch(query=self.query, using=self.vector, filter=where, limit=count, params=params)
        if not (as_scores and self.smaller_is_nearer):
            return nearest
        negated = models.FormulaQuery(formula=models.NegExpression(neg="$score"))
        return models.Prefetch(prefetch=nearest, query=negated, limit=count)


def fused(
    ways: Sequence[Way],
    where: models.Filter | None,
    hits: int,
    as_scores: bool,
    params: models.SearchParams | None = None,
) -> list[models.Prefetch]:
    """Return what a fusion is to be given of each way, so that its first hits come out right.

    Args:
        ways: The vectors to search by.
        where: Papers to search in.
        hits: How many papers are wanted of the fusion.
        as_scores: Whether they are joined by their scores.
        params: How each is searched.
    """
    # A paper that is missing from both lists of n has at most 2 / (n + 60) by rank, and the m-th best of one list alone
    # has 1 / (m + 59): from n > 2m + 58 on nothing is overlooked. More than that, because papers that only one list
    # holds are held to be absent from the other; 300 was better than 100, and 1,000 no better, on docs/search.md's.
    count = max(_FUSED_AT_LEAST, _FUSED_PER_HIT * hits)
    return [way.best(count, where, as_scores, params) for way in ways]


def _takes_k(client: QdrantBase) -> bool:
    if not isinstance(getattr(client, "_client", client), QdrantRemote):
        return True
    try:
        version = re.match(r"v?(\d+)\.(\d+)", client.info().version)
    except STORE_ERRORS:  # as of a proxy that lets nothing but searches through
        return True
    return version is None or (int(version[1]), int(version[2])) >= _TAKES_K
