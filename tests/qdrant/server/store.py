"""The local engine, and what a server keeps of a collection that the engine does not."""

from __future__ import annotations

from typing import Any

from qdrant_client import models
from qdrant_client.local.qdrant_local import QdrantLocal

Config = dict[str, Any]


class Refused(Exception):
    """A request that Qdrant refuses where its local engine does not."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


class Store:
    """Collections with their settings and payload indexes."""

    def __init__(self) -> None:
        self.engine = QdrantLocal(":memory:")
        self._configs: dict[str, Config] = {}
        self._indexes: dict[str, dict[str, models.PayloadFieldSchema]] = {}

    def exists(self, name: str) -> models.CollectionExistence:
        return models.CollectionExistence(exists=self.engine.collection_exists(name))

    def create(self, name: str, asked: models.CreateCollection) -> bool:
        if self.engine.collection_exists(name):
            raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
        # A server takes the vector called "" for the one without a name.
        vectors = asked.vectors.get("", asked.vectors) if isinstance(asked.vectors, dict) else asked.vectors
        self.engine.create_collection(name, vectors, asked.sparse_vectors, asked.metadata)
        defaults = self.engine.get_collection(name).config.model_dump(mode="json")
        self._configs[name] = _merge(defaults, _as_config(asked))
        self._indexes[name] = {}
        return True

    def update(self, name: str, asked: models.UpdateCollection) -> bool:
        self.engine.update_collection(name, asked.sparse_vectors, asked.metadata, asked.vectors)
        _merge(self._configs[self._resolve(name)], _as_config(asked))
        return True

    def delete(self, name: str) -> bool:
        self._configs.pop(name, None)
        self._indexes.pop(name, None)
        return self.engine.delete_collection(name)

    def info(self, name: str) -> models.CollectionInfo:
        info = self.engine.get_collection(name)
        config = {**self._configs[self._resolve(name)], "metadata": info.config.metadata}
        info.config = models.CollectionConfig.model_validate(config)
        info.indexed_vectors_count = _indexed(info)
        info.payload_schema = {
            field: models.PayloadIndexInfo(
                data_type=models.PayloadSchemaType(str(getattr(schema, "type", schema))),
                params=None if isinstance(schema, models.PayloadSchemaType) else schema,
                points=self._having(name, field),
            )
            for field, schema in self._indexes[self._resolve(name)].items()
        }
        return info

    def add_index(self, name: str, asked: models.CreateFieldIndex) -> models.UpdateResult:
        if asked.field_schema is None:
            raise Refused(400, "Wrong input: this test server guesses no schema; give a field_schema")
        self._indexes[self._resolve(name)][asked.field_name] = asked.field_schema
        if isinstance(asked.field_schema, models.TextIndexParams):
            return self.engine.create_payload_index(name, asked.field_name, asked.field_schema)
        return _completed()

    def delete_index(self, name: str, field: str) -> models.UpdateResult:
        schema = self._indexes[self._resolve(name)].pop(field, None)
        if isinstance(schema, models.TextIndexParams):
            return self.engine.delete_payload_index(name, field)
        return _completed()

    def require_index(self, name: str, field: str) -> None:
        """Refuse what a server answers from payload indexes only."""
        if field not in self._indexes[self._resolve(name)]:
            raise Refused(400, f'Bad request: Index required but not found for "{field}"')

    def _resolve(self, name: str) -> str:
        return self.engine.aliases.get(name, name)

    def _having(self, name: str, field: str) -> int:
        empty = models.IsEmptyCondition(is_empty=models.PayloadField(key=field))
        return self.engine.count(name, models.Filter(must_not=[empty])).count


def _completed() -> models.UpdateResult:
    return models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)


def _as_config(asked: models.CreateCollection | models.UpdateCollection) -> Config:
    """Where a collection's description shows the settings that a request names."""
    sent = asked.model_dump(mode="json", exclude_none=True)
    params = sent.pop("params", {})
    if "" in sent.get("vectors", {}):
        sent["vectors"] = sent["vectors"][""]
    if "optimizers_config" in sent:
        sent["optimizer_config"] = sent.pop("optimizers_config")
    for name in sent.keys() & models.CollectionParams.model_fields.keys():
        params[name] = sent.pop(name)
    return {**sent, "params": params}


def _merge(config: Config, changes: Config) -> Config:
    for key, value in changes.items():
        if key == "quantization_config":
            config[key] = None if value == models.Disabled.DISABLED.value else value
        elif isinstance(value, dict) and isinstance(config.get(key), dict):
            _merge(config[key], value)
        else:
            config[key] = value
    return config


def _indexed(info: models.CollectionInfo) -> int:
    """Vectors in HNSW graphs: those of every dense vector that takes more kilobytes than the optimizer's threshold."""
    threshold = info.config.optimizer_config.indexing_threshold
    if not threshold or not info.config.hnsw_config.m:
        return 0
    vectors = info.config.params.vectors or {}
    sizes = [params.size for params in (vectors.values() if isinstance(vectors, dict) else [vectors])]
    points = info.points_count or 0
    return sum(points for size in sizes if points * size * 4 >= threshold * 1024)
