"""Hard negatives that a model itself takes for near."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specter2_plugins.errors import TrainingError
from specter2_plugins.mining.triplets import Neighbours
from specter2_plugins.qdrant.hits import to_hits
from specter2_plugins.qdrant.similar import recommend
from specter2_plugins.sentence_transformers.specter2 import Specter2
from specter2_plugins.store.layout import check_collection

if TYPE_CHECKING:
    from qdrant_client.client_base import QdrantBase


def qdrant_neighbours(
    client: QdrantBase, model: Specter2, collection: str = "papers", *, skip: int = 10, depth: int = 100
) -> Neighbours:
    """Find the papers near to a paper of a collection, for `mine_triplets`.

    Args:
        client: An open client.
        model: The model that filled the collection.
        collection: The collection's name; it holds every paper that is asked for, by its id.
        skip: How many of the nearest to leave out: they are often positives that no citation tells of.
        depth: The last rank that counts.

    Raises:
        StoreError: If there is no such collection, or another model filled it.
        TrainingError: If no rank is left.
    """
    if not 0 <= skip < depth:
        raise TrainingError(f"skip is {skip} and depth is {depth}; expected 0 or more, and more than skip")
    space = check_collection(client, collection, model)

    def near(paper: str) -> list[str]:
        found = recommend(client, model, collection, space, [paper], limit=depth - skip, offset=skip)
        return [hit.paper.id for hit in to_hits(found) if hit.paper.id is not None]

    return near
