"""What a paper collection looks like in Qdrant, and whether a model's vectors belong in it."""

from __future__ import annotations

from dataclasses import dataclass

from qdrant_client import QdrantClient, models

from specter2_plugins.errors import StoreError
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.sentence_transformer import Specter2
from specter2_plugins.tasks import BASE, route

_FINGERPRINT_KEY = "specter2"

DISTANCES = {
    "euclid": models.Distance.EUCLID,
    "cosine": models.Distance.COSINE,
    "dot": models.Distance.DOT,
}


@dataclass(frozen=True)
class CollectionSpec:
    """A collection of papers.

    Args:
        name: The collection's name.
        task: The task that papers are embedded for: "document" (proximity, or the base of a model without
            adapters), or the name of an adapter. The adapter's name is also the name of the vector in Qdrant.
        distance: "euclid", as SPECTER2 was trained, "cosine" or "dot".
    """

    name: str = "papers"
    task: str = "document"
    distance: str = "euclid"

    def __post_init__(self) -> None:
        if self.distance not in DISTANCES:
            raise StoreError(f"distance is {self.distance!r}, expected one of {', '.join(DISTANCES)}")


def prepare_collection(client: QdrantClient, spec: CollectionSpec, model: Specter2) -> str:
    """Make the collection if it is not there; else check that the model's vectors belong in it.

    Returns:
        The name of its vector: the adapter that papers go through, or "base".

    Raises:
        StoreError: If it holds vectors of another model, task, size or distance.
        TaskError: If the model does not know the task.
    """
    task = route(spec.task, model.transformer.adapter_tasks) or BASE
    if client.collection_exists(spec.name):
        stored_task = check_collection(client, spec.name, model)
        _, params = _only_vector(client, spec.name)
        if stored_task != task:
            raise StoreError(f"the collection {spec.name!r} holds {stored_task} vectors, not {task}")
        if params.distance != DISTANCES[spec.distance]:
            raise StoreError(
                f"the collection {spec.name!r} compares by {params.distance.value.lower()}, not by {spec.distance}"
            )
        return task
    size = model.dimensions
    client.create_collection(
        spec.name,
        vectors_config={task: models.VectorParams(size=size, distance=DISTANCES[spec.distance])},
        metadata={_FINGERPRINT_KEY: Fingerprint.of(model, task).to_dict()},
    )
    return task


def check_collection(client: QdrantClient, name: str, model: Specter2) -> str:
    """Check that a model's vectors can be compared with a collection's.

    Returns:
        The task that its papers were embedded for, which is the vector's name.

    Raises:
        StoreError: If there is no such collection, or its vectors come from another model.
    """
    if not client.collection_exists(name):
        there = ", ".join(sorted(collection.name for collection in client.get_collections().collections)) or "none"
        raise StoreError(f"there is no collection {name!r}; the store holds: {there}. Fill it with: specter2 ingest")
    task, params = _only_vector(client, name)
    size = model.dimensions
    if params.size != size:
        raise StoreError(f"the vectors of collection {name!r} have {params.size} dimensions, the model's have {size}")
    stored = (client.get_collection(name).config.metadata or {}).get(_FINGERPRINT_KEY)
    if stored is None:
        raise StoreError(f"the collection {name!r} does not say which model filled it; fill one with: specter2 ingest")
    differences = Fingerprint.of(model, task).differences(stored)
    if differences:
        raise StoreError(f"the collection {name!r} was filled by another model. {'; '.join(differences)}")
    return task


def _only_vector(client: QdrantClient, name: str) -> tuple[str, models.VectorParams]:
    vectors = client.get_collection(name).config.params.vectors
    if not isinstance(vectors, dict) or len(vectors) != 1:
        raise StoreError(f"the collection {name!r} has no single named vector, so specter2 did not make it")
    return next(iter(vectors.items()))
