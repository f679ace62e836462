"""Collections, their payload indexes and their aliases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qdrant_client import models

from specter2_plugins.edge import configuration, files
from specter2_plugins.edge.conversions import index_schema, to_creation
from specter2_plugins.edge.dicts import as_model
from specter2_plugins.edge.limits import check_alias_name, path_depth
from specter2_plugins.edge.operations import DONE, Operations
from specter2_plugins.edge.points import to_payload
from specter2_plugins.edge.refusals import refuse_options
from specter2_plugins.edge.results import payload_schema
from specter2_plugins.errors import StoreError


class Administration(Operations):
    """The calls of `QdrantClient` about collections as a whole."""

    def create_collection(
        self,
        collection_name: str,
        vectors_config: models.VectorParams | Mapping[str, models.VectorParams] | None = None,
        sparse_vectors_config: Mapping[str, models.SparseVectorParams] | None = None,
        **options: Any,
    ) -> bool:
        """Make a collection."""
        config = _created("create_collection", vectors_config, sparse_vectors_config, options)
        self._store.create(collection_name, config)
        return True

    def recreate_collection(
        self,
        collection_name: str,
        vectors_config: models.VectorParams | Mapping[str, models.VectorParams] | None = None,
        sparse_vectors_config: Mapping[str, models.SparseVectorParams] | None = None,
        **options: Any,
    ) -> bool:
        """Make a collection and delete the one of its name, if there is one, once that has worked."""
        config = _created("recreate_collection", vectors_config, sparse_vectors_config, options)
        self._store.create(collection_name, config, replace=True)
        return True

    def delete_collection(self, collection_name: str, **options: Any) -> bool:
        """Delete a collection."""
        refuse_options("delete_collection", options)
        return self._store.delete(collection_name)

    def update_collection(self, collection_name: str, **options: Any) -> bool:
        """Change a collection's configuration; its indexes follow before this returns."""
        collection = self._store[collection_name]
        changes = {name: value for name, value in options.items() if value is not None and name != "timeout"}
        if "metadata" in changes:
            changes["metadata"] = {
                **dict.fromkeys(key for key, value in changes["metadata"].items() if value is None),
                **to_payload(changes["metadata"], "the collection's metadata").items,
            }
        config = configuration.updated(collection.config, changes)
        if changes.keys() <= {"metadata"}:
            collection.save_config(config)
        else:
            collection.reconfigure(config)
        return bool(changes)

    def get_collection(self, collection_name: str, **options: Any) -> models.CollectionInfo:
        """Return a collection's size and configuration; yellow while an index is built or soon will be, green else."""
        refuse_options("get_collection", options)
        collection = self._store[collection_name]
        with collection.shard() as shard:
            info = shard.info()
        return models.CollectionInfo(
            status=models.CollectionStatus.YELLOW if collection.is_indexing else models.CollectionStatus.GREEN,
            optimizer_status=models.OptimizersStatusOneOf.OK,
            points_count=info.points_count,
            indexed_vectors_count=info.indexed_vectors_count,
            segments_count=info.segments_count,
            payload_schema=payload_schema(info.payload_schema),
            config=configuration.reported(collection.config),
        )

    def get_collections(self, **options: Any) -> models.CollectionsResponse:
        """Return the names of the collections."""
        refuse_options("get_collections", options)
        return models.CollectionsResponse(
            collections=[models.CollectionDescription(name=name) for name in self._store.names]
        )

    def collection_exists(self, collection_name: str, **options: Any) -> bool:
        """Return whether there is a collection with this name or alias."""
        refuse_options("collection_exists", options)
        return collection_name in self._store

    def bytes_on_disk(self, collection_name: str) -> int:
        """Return how many bytes a collection takes on the disk; files that are sparse take what is in them."""
        return files.bytes_on_disk(self._store[collection_name].folder)

    def optimize(self, collection_name: str) -> None:
        """Index what was written and clear what was deleted, as the collection's thresholds say."""
        self._store[collection_name].optimize()

    def create_payload_index(
        self,
        collection_name: str,
        field_name: str,
        field_schema: Any = None,
        field_type: Any = None,
        **options: Any,
    ) -> models.UpdateResult:
        """Index a payload field."""
        schema = index_schema(field_type if field_schema is None else field_schema)
        path_depth(field_name, "the payload index")
        return self._update(collection_name, "create_field_index", (field_name, schema), options)

    def delete_payload_index(self, collection_name: str, field_name: str, **options: Any) -> models.UpdateResult:
        """Delete the index of a payload field."""
        return self._update(collection_name, "delete_field_index", (field_name,), options)

    def create_vector_name(
        self, collection_name: str, vector_name: str, vector_name_config: Any, **options: Any
    ) -> models.UpdateResult:
        """Add a named vector to a collection; its points have none until they are given one."""
        collection = self._store[collection_name]
        added = as_model(vector_name_config, models.VectorNameConfig)
        config = configuration.with_vector(collection.config, vector_name, added)
        self._update(collection_name, *to_creation(vector_name, added), options)
        collection.save_config(config)
        return DONE

    def delete_vector_name(self, collection_name: str, vector_name: str, **options: Any) -> models.UpdateResult:
        """Take a named vector from a collection and all of its points."""
        collection = self._store[collection_name]
        config = configuration.without_vector(collection.config, vector_name)
        self._update(collection_name, "delete_vector_name", (vector_name,), options)
        collection.save_config(config)
        return DONE

    # aliases

    def update_collection_aliases(
        self, change_aliases_operations: Sequence[models.AliasOperations], **options: Any
    ) -> bool:
        """Create, delete and rename aliases, all or none."""
        refuse_options("update_collection_aliases", options)
        aliases, names = dict(self._store.aliases), self._store.names
        for operation in change_aliases_operations:
            if isinstance(operation, models.DeleteAliasOperation):
                aliases.pop(operation.delete_alias.alias_name, None)
                continue
            if isinstance(operation, models.CreateAliasOperation):
                alias, target = operation.create_alias.alias_name, operation.create_alias.collection_name
            else:
                alias, old = operation.rename_alias.new_alias_name, operation.rename_alias.old_alias_name
                if old not in aliases:
                    raise StoreError(f"Alias {old} does not exist")
                target = aliases.pop(old)
            check_alias_name(alias)
            if target not in names:
                raise StoreError(f"Collection {target} not found")
            if alias in names:
                raise StoreError(f"Collection {alias} already exists")
            aliases[alias] = target
        self._store.save_aliases(aliases)
        return True

    def get_aliases(self, **options: Any) -> models.CollectionsAliasesResponse:
        """Return all aliases."""
        refuse_options("get_aliases", options)
        self._store.check_open()
        return models.CollectionsAliasesResponse(
            aliases=[
                models.AliasDescription(alias_name=alias, collection_name=name)
                for alias, name in self._store.aliases.items()
            ]
        )

    def get_collection_aliases(self, collection_name: str, **options: Any) -> models.CollectionsAliasesResponse:
        """Return a collection's aliases."""
        aliases = self.get_aliases(**options).aliases
        return models.CollectionsAliasesResponse(
            aliases=[alias for alias in aliases if alias.collection_name == collection_name]
        )


def _created(call: str, vectors: Any, sparse_vectors: Any, options: dict[str, Any]) -> models.CreateCollection:
    """Return the configuration of a collection that is to be made."""
    known = {name: options.pop(name, None) for name in models.CreateCollection.model_fields if name in options}
    refuse_options(call, options)
    if known.get("metadata"):
        known["metadata"] = to_payload(known["metadata"], "the collection's metadata").items
    config = models.CreateCollection(
        vectors=dict(vectors) if isinstance(vectors, Mapping) else vectors,
        sparse_vectors=None if sparse_vectors is None else dict(sparse_vectors),
        **known,
    )
    configuration.check(config)
    return config
