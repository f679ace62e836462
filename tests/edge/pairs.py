"""The same random collection in the embedded engine and in qdrant-client's local mode, and strategies of filters."""

from __future__ import annotations

import datetime
import random
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from pydantic_core import to_jsonable_python
from qdrant_client import QdrantClient, models

COLLECTION = "papers"
WORDS = ["graph", "neural", "ranking", "water", "bees", "soil", "query", "proof"]
CITIES = [(13.4, 52.5), (2.35, 48.85), (-74.0, 40.7), (139.7, 35.7), (0.0, 0.0)]
SIZE = 12
TOKENS = 40

VECTORS = {
    "euclid": models.VectorParams(size=SIZE, distance=models.Distance.EUCLID),
    "cosine": models.VectorParams(size=SIZE, distance=models.Distance.COSINE),
    "dot": models.VectorParams(size=SIZE, distance=models.Distance.DOT),
    "manhattan": models.VectorParams(size=SIZE, distance=models.Distance.MANHATTAN),
    "multi": models.VectorParams(
        size=SIZE,
        distance=models.Distance.COSINE,
        multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
    ),
}
SPARSE_VECTORS = {
    "sparse": models.SparseVectorParams(),
    "idf": models.SparseVectorParams(modifier=models.Modifier.IDF),
}
INDEXES = {
    "year": models.PayloadSchemaType.INTEGER,
    "score": models.PayloadSchemaType.FLOAT,
    "venue": models.PayloadSchemaType.KEYWORD,
    "tags": models.PayloadSchemaType.KEYWORD,
    "open": models.PayloadSchemaType.BOOL,
    "published": models.PayloadSchemaType.DATETIME,
}


def dense(rng: random.Random) -> list[float]:
    return [rng.gauss(0, 1) for _ in range(SIZE)]


def sparse(rng: random.Random) -> models.SparseVector:
    indices = sorted(rng.sample(range(TOKENS), rng.randint(1, 8)))
    return models.SparseVector(indices=indices, values=[round(rng.uniform(0.1, 3), 3) for _ in indices])


def payload(rng: random.Random) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "year": rng.randint(1990, 2020),
        "score": round(rng.uniform(-1, 1), 3),
        "venue": rng.choice(["SIGIR", "ACL", "KDD", "Sigir"]),
        "tags": rng.sample(WORDS, rng.randint(0, 3)),
        "open": rng.random() < 0.5,
        "published": f"{rng.randint(1990, 2020)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T10:00:00Z",
        "place": dict(zip(("lon", "lat"), rng.choice(CITIES), strict=True)),
        "nothing": None,
        "authors": [{"name": rng.choice(WORDS), "h": rng.randint(0, 9)} for _ in range(rng.randint(0, 3))],
        "metadata": {"id": rng.choice(WORDS), "deep": {"n": rng.randint(0, 4)}},
    }
    return {key: value for key, value in fields.items() if rng.random() < 0.85}


def points(rng: random.Random, number: int) -> list[models.PointStruct]:
    made = []
    for row in range(number):
        vectors = {name: dense(rng) for name in VECTORS if name != "multi"}
        vectors["multi"] = [dense(rng) for _ in range(rng.randint(1, 3))]
        vectors |= {name: sparse(rng) for name in SPARSE_VECTORS}
        kept = {name: vector for name, vector in vectors.items() if rng.random() < 0.9}
        given = row if row % 3 else str(uuid.UUID(int=rng.getrandbits(128)))
        made.append(models.PointStruct(id=given, vector=kept, payload=payload(rng)))
    return made


def fill(client: QdrantClient, made: list[models.PointStruct]) -> None:
    client.create_collection(COLLECTION, VECTORS, SPARSE_VECTORS)
    client.upsert(COLLECTION, made)


def index(client: QdrantClient) -> None:
    for name, schema in INDEXES.items():
        client.create_payload_index(COLLECTION, name, schema)


def outcome(call: Callable[[QdrantClient], Any], client: QdrantClient) -> Any:
    """A call's result as plain data, or that it was refused."""
    try:
        return to_jsonable_python(call(client))
    except (ValueError, KeyError):
        return "refused"


def assert_same(left: Any, right: Any) -> None:
    """Equal but for rounding, versions, and which of several hits with the same score comes first."""
    if isinstance(left, list) and isinstance(right, list):
        assert len(left) == len(right)
        if left and isinstance(left[0], dict) and "score" in left[0]:
            assert_same_hits(left, right)
        else:
            for ours, theirs in zip(left, right, strict=True):
                assert_same(ours, theirs)
    elif isinstance(left, dict) and isinstance(right, dict):
        assert left.keys() == right.keys()
        for key in left.keys() - {"version", "operation_id"}:
            assert_same(left[key], right[key])
    elif isinstance(left, float) or isinstance(right, float):
        assert left == pytest.approx(right, rel=1e-4, abs=2e-3)
    else:
        assert left == right


def assert_same_hits(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> None:
    for ours, theirs in zip(left, right, strict=True):
        assert ours["score"] == pytest.approx(theirs["score"], rel=1e-4, abs=2e-3)
    there = {hit["id"]: hit for hit in right}
    for hit in left:
        if hit["id"] in there:
            assert_same({**hit, "score": None}, {**there[hit["id"]], "score": None})
        else:  # cut off among equals
            assert hit["score"] == pytest.approx(right[-1]["score"], rel=1e-4, abs=2e-3)


def _conditions(ids: list[Any]) -> st.SearchStrategy[Any]:
    field = models.FieldCondition
    years = st.integers(1988, 2022)
    floats = st.floats(-1.2, 1.2).map(lambda value: round(value, 2))
    dates = st.datetimes(datetime.datetime(1989, 1, 1), datetime.datetime(2021, 1, 1))
    keys = st.sampled_from(
        [
            "year",
            "score",
            "venue",
            "tags",
            "open",
            "published",
            "place",
            "nothing",
            "authors",
            "authors[].name",
            "metadata.deep.n",
            "missing",
        ]
    )
    bounds = st.sampled_from(["gt", "gte", "lt", "lte"])
    return st.one_of(
        years.map(lambda year: field(key="year", match=models.MatchValue(value=year))),
        st.sampled_from(["SIGIR", "ACL", "x"]).map(
            lambda venue: field(key="venue", match=models.MatchValue(value=venue))
        ),
        st.booleans().map(lambda value: field(key="open", match=models.MatchValue(value=value))),
        st.lists(st.sampled_from(WORDS), max_size=3).map(
            lambda any_: field(key="tags", match=models.MatchAny(any=any_))
        ),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(
            lambda words: field(key="tags", match=models.MatchExcept(**{"except": words}))
        ),
        st.lists(years, min_size=1, max_size=3).map(lambda any_: field(key="year", match=models.MatchAny(any=any_))),
        st.sampled_from(WORDS).map(lambda word: field(key="authors[].name", match=models.MatchValue(value=word))),
        st.sampled_from(WORDS).map(lambda word: field(key="metadata.id", match=models.MatchValue(value=word))),
        st.dictionaries(bounds, years, min_size=1, max_size=2).map(
            lambda b: field(key="year", range=models.Range(**b))
        ),
        st.dictionaries(bounds, floats, min_size=1, max_size=2).map(
            lambda b: field(key="score", range=models.Range(**b))
        ),
        st.dictionaries(bounds, st.integers(0, 9), min_size=1, max_size=2).map(
            lambda b: field(key="authors[].h", range=models.Range(**b))
        ),
        st.dictionaries(bounds, dates, min_size=1, max_size=2).map(
            lambda b: field(key="published", range=models.DatetimeRange(**b))
        ),
        st.tuples(st.sampled_from(CITIES), st.sampled_from([1.0, 1e6, 7e6])).map(
            lambda circle: field(
                key="place",
                geo_radius=models.GeoRadius(
                    center=models.GeoPoint(lon=circle[0][0], lat=circle[0][1]), radius=circle[1]
                ),
            )
        ),
        st.just(
            field(
                key="place",
                geo_bounding_box=models.GeoBoundingBox(
                    top_left=models.GeoPoint(lon=-10, lat=60), bottom_right=models.GeoPoint(lon=20, lat=40)
                ),
            )
        ),
        st.just(
            field(
                key="place",
                geo_polygon=models.GeoPolygon(
                    exterior=models.GeoLineString(
                        points=[
                            models.GeoPoint(lon=lon, lat=lat)
                            for lon, lat in [(-80, 30), (20, 30), (20, 60), (-80, 60), (-80, 30)]
                        ]
                    ),
                    interiors=[
                        models.GeoLineString(
                            points=[
                                models.GeoPoint(lon=lon, lat=lat)
                                for lon, lat in [(10, 50), (15, 50), (15, 55), (10, 55), (10, 50)]
                            ]
                        )
                    ],
                ),
            )
        ),
        st.dictionaries(bounds, st.integers(0, 3), min_size=1, max_size=2).map(
            lambda b: field(key="tags", values_count=models.ValuesCount(**b))
        ),
        keys.map(lambda key: models.IsEmptyCondition(is_empty=models.PayloadField(key=key))),
        keys.map(lambda key: models.IsNullCondition(is_null=models.PayloadField(key=key))),
        st.tuples(keys, st.booleans()).map(lambda pair: field(key=pair[0], is_empty=pair[1])),
        st.tuples(keys, st.booleans()).map(lambda pair: field(key=pair[0], is_null=pair[1])),
        st.lists(st.sampled_from(ids), max_size=5).map(lambda some: models.HasIdCondition(has_id=some)),
        st.sampled_from([*VECTORS, *SPARSE_VECTORS]).map(lambda name: models.HasVectorCondition(has_vector=name)),
        st.tuples(st.sampled_from(WORDS), st.integers(0, 9)).map(
            lambda pair: models.NestedCondition(
                nested=models.Nested(
                    key="authors",
                    filter=models.Filter(
                        must=[
                            field(key="name", match=models.MatchValue(value=pair[0])),
                            field(key="h", range=models.Range(gte=pair[1])),
                        ]
                    ),
                )
            )
        ),
        st.tuples(st.integers(1, 4), st.integers(0, 3))
        .filter(lambda pair: pair[1] < pair[0])
        .map(lambda pair: models.SliceCondition(slice=models.Slice(total=pair[0], index=pair[1]))),
    )


def filters(ids: list[Any]) -> st.SearchStrategy[models.Filter]:
    """Filters of every kind of condition, nested."""

    def combined(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        clause = st.none() | st.lists(children, min_size=1, max_size=3) | children
        minimum = st.none() | st.tuples(st.lists(children, min_size=1, max_size=3), st.integers(1, 3)).map(
            # more than there are conditions is never met; the engine forgets that beside `should`
            lambda pair: models.MinShould(conditions=pair[0], min_count=min(pair[1], len(pair[0])))
        )
        return st.builds(models.Filter, must=clause, should=clause, must_not=clause, min_should=minimum)

    return combined(st.recursive(_conditions(ids), combined, max_leaves=4))
