"""Collections of the embedded engine: what they are made with is what they report, and what cannot be is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import BaseModel
from qdrant_client import QdrantClient, models
from qdrant_client.client_base import QdrantBase

from specter2_plugins import StoreError
from specter2_plugins.edge import EdgeClient, UnsupportedError
from specter2_plugins.edge.backend import EdgeBackend
from specter2_plugins.edge.conversions import _RULES, to_edge
from tests.edge.waiting import indexed

VECTORS = {
    "plain": models.VectorParams(size=4, distance=models.Distance.EUCLID),
    "tuned": models.VectorParams(
        size=4,
        distance=models.Distance.COSINE,
        on_disk=True,
        datatype=models.Datatype.FLOAT16,
        hnsw_config=models.HnswConfigDiff(m=8),
        quantization_config=models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        ),
    ),
    "many": models.VectorParams(
        size=4,
        distance=models.Distance.DOT,
        multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
    ),
}
SPARSE = {"words": models.SparseVectorParams(modifier=models.Modifier.IDF)}
QUANTIZATIONS = [
    models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99)),
    models.ProductQuantization(product=models.ProductQuantizationConfig(compression=models.CompressionRatio.X4)),
    models.BinaryQuantization(
        binary=models.BinaryQuantizationConfig(
            encoding=models.BinaryQuantizationEncoding.TWO_BITS,
            query_encoding=models.BinaryQuantizationQueryEncoding.SCALAR8BITS,
        )
    ),
    models.TurboQuantization(turbo=models.TurboQuantQuantizationConfig(bits=models.TurboQuantBitSize.BITS1_5)),
]


def plain(client: QdrantClient, **options: Any) -> None:
    client.create_collection("c", models.VectorParams(size=4, distance=models.Distance.EUCLID), **options)


def fill(client: QdrantClient, number: int = 64, name: str = "c") -> np.ndarray:
    vectors = np.random.default_rng(0).random((number, 4), dtype=np.float32)
    client.upload_collection(name, vectors, ids=range(number), payload=[{"n": n} for n in range(number)])
    return vectors


def test_what_was_configured_is_reported_and_survives(tmp_path: Path) -> None:
    options = {
        "hnsw_config": models.HnswConfigDiff(m=12, ef_construct=64),
        "optimizers_config": models.OptimizersConfigDiff(indexing_threshold=1234, flush_interval_sec=1),
        "quantization_config": QUANTIZATIONS[0],
        "on_disk_payload": True,
        "metadata": {"model": {"weights": "abc", "layers": [1, 2], "revision": None}},
        "shard_number": 1,
        "timeout": 30,
    }
    with EdgeClient(tmp_path) as client:
        client.create_collection("c", VECTORS, sparse_vectors_config=SPARSE, **options)
        client.create_collection("unnamed", VECTORS["plain"])
        before = client.get_collection("c")
    with EdgeClient(tmp_path) as client:
        after = client.get_collection("c")
        assert isinstance(client.get_collection("unnamed").config.params.vectors, models.VectorParams)
    assert after == before
    config = after.config
    assert config.params.vectors == VECTORS
    assert config.params.sparse_vectors == SPARSE
    assert config.metadata == options["metadata"]
    assert (config.hnsw_config.m, config.hnsw_config.ef_construct, config.hnsw_config.full_scan_threshold) == (
        12,
        64,
        10_000,
    )
    assert config.optimizer_config.indexing_threshold == 1234
    assert config.quantization_config == QUANTIZATIONS[0]
    assert after.status == models.CollectionStatus.GREEN


@pytest.mark.parametrize("quantization", QUANTIZATIONS, ids=lambda model: type(model).__name__)
def test_quantized_collections_find_their_points(edge: EdgeClient, quantization: Any) -> None:
    vectors = np.random.default_rng(0).standard_normal((400, 64), dtype=np.float32)
    edge.create_collection(
        "c",
        models.VectorParams(size=64, distance=models.Distance.EUCLID),
        quantization_config=quantization,
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=0),
    )
    edge.upload_collection("c", vectors, ids=range(400))
    edge.update_collection("c", optimizers_config=models.OptimizersConfigDiff(indexing_threshold=1))
    assert edge.get_collection("c").indexed_vectors_count == 400
    search = models.SearchParams(quantization=models.QuantizationSearchParams(rescore=True, oversampling=8.0))
    found = [edge.query_points("c", row, search_params=search, limit=1).points[0].id for row in vectors[:20]]
    assert found == list(range(20))


def test_bulk_loading_as_a_server_has_it(edge: EdgeClient) -> None:
    plain(edge, optimizers_config=models.OptimizersConfigDiff(indexing_threshold=0))
    vectors = fill(edge, 2000)
    assert edge.get_collection("c").indexed_vectors_count == 0
    edge.update_collection("c", optimizers_config=models.OptimizersConfigDiff(indexing_threshold=10))
    info = edge.get_collection("c")
    assert (info.status, info.indexed_vectors_count) == (models.CollectionStatus.GREEN, 2000)
    assert edge.query_points("c", vectors[7], limit=1).points[0].id == 7


def test_enough_writing_builds_the_index_by_itself(edge: EdgeClient) -> None:
    plain(edge, optimizers_config=models.OptimizersConfigDiff(indexing_threshold=10))
    fill(edge, 2000)
    assert indexed(edge) >= 1000


def test_closing_builds_the_index(tmp_path: Path) -> None:
    with EdgeClient(tmp_path) as client:
        plain(client, optimizers_config=models.OptimizersConfigDiff(indexing_threshold=10))
        vectors = np.random.default_rng(0).random((2000, 4), dtype=np.float32)
        client.upload_collection("c", vectors[:1000], ids=range(1000), batch_size=1000)
        client.upload_collection("c", vectors[1000:1100], ids=range(1000, 1100))
    with EdgeClient(tmp_path) as client:
        assert client.get_collection("c").indexed_vectors_count >= 1000
        assert client.count("c").count == 1100


def test_updates_of_a_collection(edge: EdgeClient) -> None:
    edge.create_collection("c", VECTORS, sparse_vectors_config=SPARSE, metadata={"a": 1, "b": 2})
    edge.update_collection("c", metadata={"b": None, "c": {"d": 3}})
    assert edge.get_collection("c").config.metadata == {"a": 1, "c": {"d": 3}}
    edge.update_collection(
        "c",
        hnsw_config=models.HnswConfigDiff(ef_construct=77),
        vectors_config={"plain": models.VectorParamsDiff(hnsw_config=models.HnswConfigDiff(m=24), on_disk=True)},
        sparse_vectors_config={"words": models.SparseVectorParams(index=models.SparseIndexParams(on_disk=True))},
        collection_params=models.CollectionParamsDiff(on_disk_payload=True),
    )
    config = edge.get_collection("c").config
    assert (config.hnsw_config.m, config.hnsw_config.ef_construct) == (16, 77)
    assert config.params.vectors["plain"].hnsw_config.m == 24
    assert config.params.vectors["tuned"] == VECTORS["tuned"]
    assert config.params.sparse_vectors["words"].modifier == models.Modifier.IDF
    assert config.params.on_disk_payload is True
    with pytest.raises(StoreError, match="there is no vector 'nope'"):
        edge.update_collection("c", vectors_config={"nope": models.VectorParamsDiff(on_disk=True)})
    with pytest.raises(UnsupportedError, match="way to switch quantization off"):
        edge.update_collection("c", quantization_config=models.Disabled.DISABLED)
    with pytest.raises(UnsupportedError, match="replication_factor"):
        edge.update_collection("c", collection_params=models.CollectionParamsDiff(replication_factor=2))


def test_another_datatype_for_vectors_that_are_there_is_refused(edge: EdgeClient) -> None:
    half = models.SparseVectorParams(index=models.SparseIndexParams(datatype=models.Datatype.FLOAT16))
    plain = models.VectorParams(size=4, distance=models.Distance.DOT)
    edge.create_collection("c", {"d": plain}, sparse_vectors_config={"s": models.SparseVectorParams(), "half": half})
    before = edge.get_collection("c").config
    for asked, said in (
        ({"vectors_config": {"d": {"datatype": "float16"}}}, "datatype"),
        ({"sparse_vectors_config": {"s": half}}, "way to store the vectors 's', which are there, as float16"),
        ({"sparse_vectors_config": {"s": {"index": {"datatype": "uint8"}}}}, "as uint8"),
    ):
        with pytest.raises(StoreError, match=said):
            edge.update_collection("c", **asked)
        assert edge.get_collection("c").config == before
    edge.update_collection("c", sparse_vectors_config={"half": {"index": {"on_disk": True}}})
    index = edge.get_collection("c").config.params.sparse_vectors["half"].index
    assert (index.on_disk, index.datatype) == (True, models.Datatype.FLOAT16)


INDEXES = [
    models.PayloadSchemaType.UUID,
    models.KeywordIndexParams(type="keyword", is_tenant=True, on_disk=False),
    models.IntegerIndexParams(type="integer", lookup=True, range=False),
    models.FloatIndexParams(type="float", on_disk=True),
    models.BoolIndexParams(type="bool"),
    models.GeoIndexParams(type="geo"),
    models.DatetimeIndexParams(type="datetime", is_principal=True),
    models.TextIndexParams(
        type="text",
        tokenizer=models.TokenizerType.WORD,
        lowercase=True,
        phrase_matching=True,
        min_token_len=2,
        stopwords=models.StopwordsSet(languages=[models.Language.ENGLISH], custom=["paper"]),
        stemmer=models.SnowballParams(type="snowball", language=models.SnowballLanguage.ENGLISH),
    ),
    models.TextIndexParams(type="text", stopwords=models.Language.GERMAN, tokenizer=models.TokenizerType.PREFIX),
]


@pytest.mark.parametrize("schema", INDEXES, ids=lambda schema: str(getattr(schema, "type", schema)))
def test_payload_indexes_are_reported_as_made(edge: EdgeClient, schema: Any) -> None:
    plain(edge)
    edge.upsert("c", [models.PointStruct(id=1, vector=[1.0] * 4, payload={"f": "some paper"})])
    edge.create_payload_index("c", "f", schema)
    info = edge.get_collection("c").payload_schema["f"]
    assert info.data_type.value == getattr(schema, "type", schema).value
    if isinstance(schema, BaseModel):
        given = schema.model_dump(exclude_none=True)
        assert given.items() <= info.params.model_dump().items()
    edge.delete_payload_index("c", "f")
    assert edge.get_collection("c").payload_schema == {}


def test_text_index(edge: EdgeClient) -> None:
    plain(edge)
    texts = ["Graph neural networks", "Neural ranking of papers", "Water in soil"]
    edge.upsert(
        "c", [models.PointStruct(id=n, vector=[1.0] * 4, payload={"title": text}) for n, text in enumerate(texts)]
    )
    edge.create_payload_index(
        "c", "title", models.TextIndexParams(type="text", phrase_matching=True, lowercase=True, scoring=True)
    )
    matches = [
        (models.MatchText(text="neural networks"), [0]),
        (models.MatchTextAny(text_any="ranking soil"), [1, 2]),
        (models.MatchPhrase(phrase="neural ranking"), [1]),
    ]
    for match, expected in matches:
        found, _ = edge.scroll("c", models.Filter(must=models.FieldCondition(key="title", match=match)))
        assert [point.id for point in found] == expected
    for query in (
        "neural",
        models.TextQueryInput(query="neural", scoring=models.Bm25Scoring(bm25=models.Bm25Params(k=1.0))),
    ):
        assert {point.id for point in edge.query_points("c", models.TextQuery(text=query), using="title").points} == {
            0,
            1,
        }


@pytest.mark.parametrize(
    "options",
    [
        {"shard_number": 2},
        {"replication_factor": 2},
        {"write_consistency_factor": 2},
        {"sharding_method": models.ShardingMethod.CUSTOM},
        {"strict_mode_config": models.StrictModeConfig(enabled=True)},
        {"wal_config": models.WalConfigDiff(wal_capacity_mb=1)},
        {"optimizers_config": models.OptimizersConfigDiff(max_optimization_threads=4)},
        {"optimizers_config": models.OptimizersConfigDiff(memmap_threshold=4)},
        {"whatever": 1},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options_without_a_counterpart_are_refused_by_name(edge: EdgeClient, options: dict[str, Any]) -> None:
    (name,) = options
    if isinstance(options[name], BaseModel) and name != "strict_mode_config":
        ((name, _),) = ((field, value) for field, value in options[name] if value is not None)
    with pytest.raises((UnsupportedError, AssertionError), match=name):
        plain(edge, **options)
    assert edge.get_collections().collections == []


def test_calls_of_servers_are_refused_by_name(edge: EdgeClient) -> None:
    plain(edge)
    with pytest.raises(NotImplementedError, match=r"no snapshots \(create_snapshot\); a Qdrant server does"):
        edge.create_snapshot("c")
    with pytest.raises(StoreError, match="no clusters"):
        edge.cluster_status()
    with pytest.raises(UnsupportedError, match="'shard_key_selector' in upsert_points"):
        edge.upsert("c", [models.PointStruct(id=1, vector=[1.0] * 4)], shard_key_selector="a")
    with pytest.raises(UnsupportedError, match="'shard_key_selector' in query_points"):
        edge.query_points("c", [1.0] * 4, shard_key_selector="a")


def test_no_call_is_left_to_the_base_class() -> None:
    """QdrantBase raises NotImplementedError without a word."""
    calls = {name for name, value in vars(QdrantBase).items() if callable(value) and not name.startswith("_")}
    bare = {name for name in calls if getattr(EdgeBackend, name) is getattr(QdrantBase, name)}
    assert bare == {"migrate"}  # QdrantClient has it


def test_every_model_of_a_filter_has_a_counterpart() -> None:
    for union in (models.Condition, models.Match, models.PayloadSchemaParams, models.QuantizationConfig):
        assert set(get_args(union)) <= _RULES.keys()


@pytest.mark.parametrize(
    "member", [*models.Language, *models.SnowballLanguage, *models.TokenizerType, *models.Distance]
)
def test_enums(member: Any) -> None:
    assert str(to_edge(member)).rpartition(".")[2].lower() == member.value.lower()


def test_names(edge: EdgeClient) -> None:
    plain(edge)
    with pytest.raises(ValueError, match="Collection c already exists"):
        plain(edge)
    for name in ("", ".", "..", "a/b", "a\\b", "x" * 256, 'a"b'):
        with pytest.raises(StoreError, match="cannot name a collection"):
            edge.create_collection(name, VECTORS)
    assert edge.collection_exists("c")
    assert edge.recreate_collection("c", VECTORS["plain"])
    assert edge.delete_collection("c")
    assert not edge.delete_collection("c")
    assert not edge.collection_exists("c")


def test_aliases(edge: EdgeClient) -> None:
    plain(edge)
    edge.create_collection("d", VECTORS["plain"])
    fill(edge)
    create = models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name="c", alias_name="now"))
    rename = models.RenameAliasOperation(rename_alias=models.RenameAlias(old_alias_name="now", new_alias_name="new"))
    edge.update_collection_aliases([create, rename])
    assert edge.count("new").count == 64
    assert edge.collection_exists("new")
    assert [alias.alias_name for alias in edge.get_collection_aliases("c").aliases] == ["new"]
    assert edge.get_collection_aliases("d").aliases == []
    wrong = models.CreateAlias(collection_name="nope", alias_name="x")
    with pytest.raises(StoreError, match="Collection nope not found"):
        edge.update_collection_aliases(
            [
                models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name="new")),
                models.CreateAliasOperation(create_alias=wrong),
            ]
        )
    assert edge.count("new").count == 64
    edge.delete_collection("c")
    assert edge.get_aliases().aliases == []


def test_vectors_are_added_and_taken_away(tmp_path: Path) -> None:
    dense = models.DenseVectorNameConfig(dense=models.DenseVectorConfig(size=2, distance=models.Distance.COSINE))
    words = models.SparseVectorNameConfig(sparse=models.SparseVectorConfig(modifier=models.Modifier.IDF))
    with EdgeClient(tmp_path) as client:
        client.create_collection("c", {"a": models.VectorParams(size=1, distance=models.Distance.DOT)})
        client.upsert("c", [models.PointStruct(id=number, vector={"a": [1.0]}) for number in range(3)])
        for _ in range(2):  # a second time is no fault
            client.create_vector_name("c", "b", dense)
            client.create_vector_name("c", "words", words.model_dump())
        with pytest.raises(StoreError, match="there is another vector 'b' already"):
            client.create_vector_name("c", "b", words)
        with pytest.raises(StoreError, match="a dict that is no"):
            client.create_vector_name("c", "x", {"dense": {"size": "many"}})
        assert client.query_points("c", [1.0, 0.0], using="b").points == []
        given = {"b": [0.6, 0.8], "words": models.SparseVector(indices=[1], values=[2.0])}
        client.update_vectors("c", [models.PointVectors(id=1, vector=given)])
        client.optimize("c")
    with EdgeClient(tmp_path) as client:
        assert [hit.id for hit in client.query_points("c", [1.0, 0.0], using="b").points] == [1]
        assert [hit.id for hit in client.query_points("c", given["words"], using="words").points] == [1]
        params = client.get_collection("c").config.params
        assert params.vectors["b"].size == 2
        assert params.sparse_vectors["words"].modifier == models.Modifier.IDF
        client.delete_vector_name("c", "b")
        client.delete_vector_name("c", "words")
        with pytest.raises(StoreError, match="there is no vector 'b'"):
            client.delete_vector_name("c", "b")
    with EdgeClient(tmp_path) as client:
        assert client.get_collection("c").config.params.vectors.keys() == {"a"}
        assert client.retrieve("c", [1], with_vectors=True)[0].vector == {"a": [1.0]}


def test_a_vector_that_was_being_added_when_the_process_ended(tmp_path: Path) -> None:
    """The engine has it, and the collection's description does not yet: nothing is lost, adding it again ends it."""
    added = models.DenseVectorNameConfig(dense=models.DenseVectorConfig(size=2, distance=models.Distance.COSINE))
    with EdgeClient(tmp_path) as client:
        client.create_collection("c", {"a": models.VectorParams(size=1, distance=models.Distance.DOT)})
        client.upsert("c", [models.PointStruct(id=1, vector={"a": [1.0]})])
        before = (tmp_path / "collections/c/collection.json").read_bytes()
        client.create_vector_name("c", "b", added)
    (tmp_path / "collections/c/collection.json").write_bytes(before)
    for _ in range(2):
        with EdgeClient(tmp_path) as client:
            client.create_vector_name("c", "b", added)
            client.update_vectors("c", [models.PointVectors(id=1, vector={"b": [0.0, 1.0]})])
            assert client.retrieve("c", [1], with_vectors=True)[0].vector == {"a": [1.0], "b": [0.0, 1.0]}
