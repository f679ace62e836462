"""Every kind of query gives what qdrant-client's local mode gives."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_client import QdrantClient, models

from tests.edge.conftest import Pair
from tests.edge.pairs import COLLECTION, assert_same, dense, filters, outcome, sparse

RNG = random.Random(3)
QUERY, OTHER, WORDS = dense(RNG), dense(RNG), sparse(RNG)
MULTI = [dense(RNG), dense(RNG)]
OPEN = models.Filter(must=models.FieldCondition(key="open", match=models.MatchValue(value=True)))
RECENT = models.Filter(must=[models.FieldCondition(key="year", range=models.Range(gt=2004))])
BY_VENUE = {"group_by": "venue", "query": QUERY, "using": "euclid"}
INPUTS = {
    "euclid": QUERY,
    "cosine": QUERY,
    "dot": QUERY,
    "manhattan": QUERY,
    "multi": MULTI,
    "sparse": WORDS,
    "idf": WORDS,
}


def hybrid(**second: Any) -> list[models.Prefetch]:
    return [
        models.Prefetch(query=QUERY, using="euclid", limit=20),
        models.Prefetch(query=WORDS, using="idf", limit=20, **second),
    ]


def check(pair: Pair, call: Callable[[QdrantClient], Any]) -> Any:
    ours = outcome(call, pair.edge)
    assert_same(ours, outcome(call, pair.local))
    return ours


def query(pair: Pair, **arguments: Any) -> list[Any]:
    found = check(pair, lambda client: client.query_points(COLLECTION, **arguments))
    assert found != "refused"
    assert found["points"]
    return found["points"]


@pytest.mark.parametrize("using", INPUTS)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"limit": 5, "offset": 3, "with_payload": ["year", "authors[].name"]},
        {"query_filter": OPEN, "with_payload": models.PayloadSelectorExclude(exclude=["tags", "metadata.deep"])},
        {"with_vectors": True, "with_payload": False},
        {"with_vectors": ["dot", "sparse"], "limit": 200},
        {"search_params": models.SearchParams(exact=True)},
    ],
    ids=["plain", "page", "filter", "vectors", "all", "exact"],
)
def test_nearest(pair: Pair, using: str, more: dict[str, Any]) -> None:
    query(pair, query=INPUTS[using], using=using, **more)


@pytest.mark.parametrize("using", INPUTS)
def test_nearest_to_a_stored_point_leaves_it_out(pair: Pair, using: str) -> None:
    for point in pair.complete[:3]:
        hits = query(pair, query=point, using=using, limit=200)
        assert point not in [hit["id"] for hit in hits]


@pytest.mark.parametrize(("using", "threshold"), [("euclid", 4.5), ("cosine", 0.1), ("dot", 1.0), ("sparse", 2.0)])
def test_score_threshold(pair: Pair, using: str, threshold: float) -> None:
    hits = query(pair, query=INPUTS[using], using=using, limit=200, score_threshold=threshold)
    assert len(hits) < len(pair.points)


def test_numpy_queries(pair: Pair) -> None:
    query(pair, query=np.array(QUERY), using="dot")
    query(pair, query=np.array(QUERY, dtype=np.float32), using="dot")


@pytest.mark.parametrize("strategy", models.RecommendStrategy)
@pytest.mark.parametrize("using", ["euclid", "cosine", "multi", "sparse"])
def test_recommend(pair: Pair, strategy: models.RecommendStrategy, using: str) -> None:
    a, b, c, d = pair.complete[:4]
    for positive, negative in [([a, b], [c, d]), ([a, INPUTS[using]], None), ([INPUTS[using]], [c])]:
        recommend = models.RecommendInput(positive=positive, negative=negative, strategy=strategy)
        query(pair, query=models.RecommendQuery(recommend=recommend), using=using)


@pytest.mark.parametrize("using", ["euclid", "cosine", "multi", "sparse"])
def test_discover_and_context(pair: Pair, using: str) -> None:
    a, b, c, d = pair.complete[:4]
    context = [models.ContextPair(positive=a, negative=b), models.ContextPair(positive=INPUTS[using], negative=c)]
    query(pair, query=models.DiscoverQuery(discover=models.DiscoverInput(target=d, context=context)), using=using)
    query(pair, query=models.ContextQuery(context=context[0]), using=using, limit=200)


def test_relevance_feedback(pair: Pair) -> None:
    feedback = [models.FeedbackItem(example=pair.complete[0], score=1.0), models.FeedbackItem(example=OTHER, score=0.2)]
    naive = models.NaiveFeedbackStrategyParams(a=1, b=0.5, c=0.3)
    given = models.RelevanceFeedbackInput(
        target=QUERY, feedback=feedback, strategy=models.NaiveFeedbackStrategy(naive=naive)
    )
    query(pair, query=models.RelevanceFeedbackQuery(relevance_feedback=given), using="cosine")


@pytest.mark.parametrize("mmr", [models.Mmr(), models.Mmr(diversity=0.3, candidates_limit=30)])
def test_mmr(pair: Pair, mmr: models.Mmr) -> None:
    nearest = models.NearestQuery(nearest=QUERY, mmr=mmr)
    query(pair, query=nearest, using="cosine", limit=6)
    query(pair, query=nearest, using="cosine", limit=6, with_vectors=["dot"])


@pytest.mark.parametrize(
    "fusion",
    [
        models.FusionQuery(fusion=models.Fusion.RRF),
        models.FusionQuery(fusion=models.Fusion.DBSF),
        models.RrfQuery(rrf=models.Rrf(k=7)),
        models.RrfQuery(rrf=models.Rrf(k=7, weights=[3.1, 1.0])),
    ],
    ids=["rrf", "dbsf", "k", "weights"],
)
def test_fusion(pair: Pair, fusion: Any) -> None:
    query(pair, query=fusion, prefetch=hybrid())
    query(pair, query=fusion, prefetch=hybrid(filter=OPEN), query_filter=RECENT, limit=30)


def test_prefetch_nests_and_rescores(pair: Pair) -> None:
    inner = models.Prefetch(prefetch=hybrid(), query=QUERY, using="cosine", limit=15)
    query(pair, prefetch=inner, query=OTHER, using="dot")
    query(pair, prefetch=[inner, *hybrid(score_threshold=1.0)], query=models.FusionQuery(fusion=models.Fusion.RRF))
    query(pair, prefetch=models.Prefetch(query=pair.complete[0], using="dot"), query=pair.complete[1], using="euclid")


@pytest.mark.parametrize(
    "formula",
    [
        models.SumExpression(sum=["$score", models.MultExpression(mult=[0.5, "year"]), OPEN.must]),
        models.DivExpression(div=models.DivParams(left="score", right="year", by_zero_default=1.0)),
        models.SumExpression(
            sum=[
                models.ExpDecayExpression(
                    exp_decay=models.DecayParamsExpression(
                        x=models.GeoDistance(
                            geo_distance=models.GeoDistanceParams(origin=models.GeoPoint(lon=2, lat=40), to="place")
                        ),
                        scale=1e6,
                    )
                ),
                models.GaussDecayExpression(
                    gauss_decay=models.DecayParamsExpression(x="year", target=2005.0, scale=5.0, midpoint=0.4)
                ),
                models.LinDecayExpression(lin_decay=models.DecayParamsExpression(x="year", target=2001.0, scale=9.0)),
            ]
        ),
        models.SqrtExpression(sqrt=models.AbsExpression(abs=models.NegExpression(neg="year"))),
        models.PowExpression(pow=models.PowParams(base="score", exponent=2.0)),
        models.MaxExpression(max=[models.LnExpression(ln="year"), models.Log10Expression(log10="year"), "score"]),
        models.MinExpression(min=[models.ExpExpression(exp="score"), models.AcoshExpression(acosh="year"), 3.0]),
        models.MultExpression(
            mult=[
                1e-9,
                models.SumExpression(
                    sum=[
                        models.DatetimeKeyExpression(datetime_key="published"),
                        models.NegExpression(neg=models.DatetimeExpression(datetime="2000-01-01T00:00:00Z")),
                    ]
                ),
            ]
        ),
    ],
)
def test_formula(pair: Pair, formula: Any) -> None:
    defaults = {"year": 2000, "score": 1.0, "place": {"lon": 0, "lat": 0}, "published": "2001-01-01T00:00:00Z"}
    query(pair, prefetch=hybrid()[0], query=models.FormulaQuery(formula=formula, defaults=defaults), limit=8)


def test_order_and_sample_and_no_query(pair: Pair) -> None:
    query(pair, query=models.OrderByQuery(order_by="score"), limit=7)
    query(pair, limit=7)
    sample = models.SampleQuery(sample=models.Sample.RANDOM)
    found = [pair.edge.query_points(COLLECTION, query=sample, limit=20).points for _ in range(2)]
    assert [len(hits) for hits in found] == [20, 20]
    assert {hit.id for hit in found[0]} != {hit.id for hit in found[1]}


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"limit": 2, "group_size": 4, "with_payload": ["year"], "with_vectors": ["dot"]},
        {"group_by": "tags", "limit": 5, "group_size": 2, "with_payload": False},
        {"group_by": "year", "limit": 40, "group_size": 1},
        {"group_by": "open"},
        {"group_by": "metadata.deep.n", "query_filter": RECENT},
        {"group_by": "year", "with_lookup": COLLECTION, "limit": 3},
    ],
)
def test_groups(pair: Pair, arguments: dict[str, Any]) -> None:
    found = check(pair, lambda client: client.query_points_groups(COLLECTION, **(BY_VENUE | arguments)))
    assert found["groups"] or arguments["group_by"] == "open"


def test_look_up_in_another_collection(pair: Pair) -> None:
    for client in (pair.edge, pair.local):
        client.create_collection("seeds", models.VectorParams(size=len(QUERY), distance=models.Distance.DOT))
        client.upsert("seeds", [models.PointStruct(id=1, vector=QUERY)])
    lookup = models.LookupLocation(collection="seeds", vector="")
    ours = query(pair, query=1, using="dot", lookup_from=lookup, limit=200)
    assert 1 in [hit["id"] for hit in ours]
    recommend = models.RecommendQuery(recommend=models.RecommendInput(positive=[1]))
    query(pair, query=recommend, using="dot", lookup_from=lookup)
    for client in (pair.edge, pair.local):
        client.delete_collection("seeds")


def test_batches(pair: Pair) -> None:
    requests = [
        models.QueryRequest(query=QUERY, using="dot", limit=3, with_payload=True),
        models.QueryRequest(query=pair.complete[0], using="euclid", filter=OPEN),
        models.QueryRequest(prefetch=hybrid(), query=models.FusionQuery(fusion=models.Fusion.RRF), with_vector=["dot"]),
    ]
    check(pair, lambda client: client.query_batch_points(COLLECTION, requests))


@pytest.mark.parametrize(
    "arguments",
    [
        {"limit": 200, "with_vectors": True},
        {"limit": 7, "with_payload": False},
        {"limit": 9, "scroll_filter": OPEN, "with_vectors": ["sparse", "multi"]},
    ],
)
def test_scroll_page_by_page(pair: Pair, arguments: dict[str, Any]) -> None:
    offset, pages = None, 0
    while offset is not None or not pages:
        _, offset = check(pair, lambda client, offset=offset: client.scroll(COLLECTION, offset=offset, **arguments))
        pages += 1
    assert pages > 1 or arguments["limit"] == 200


@pytest.mark.parametrize("direction", models.Direction)
@pytest.mark.parametrize(
    ("key", "start"), [("year", 2003), ("score", 0.25), ("published", datetime.datetime(2004, 2, 1)), ("year", None)]
)
def test_scroll_in_order(pair: Pair, key: str, start: Any, direction: models.Direction) -> None:
    order = models.OrderBy(key=key, direction=direction, start_from=start)
    check(pair, lambda client: [hit.order_value for hit in client.scroll(COLLECTION, order_by=order, limit=30)[0]])


def test_retrieve_count_and_facet(pair: Pair) -> None:
    check(pair, lambda client: client.retrieve(COLLECTION, [*pair.ids[:4], 9999], with_vectors=True))
    check(pair, lambda client: client.count(COLLECTION))
    check(pair, lambda client: client.count(COLLECTION, RECENT))
    for key in ("venue", "tags", "year", "open"):
        check(pair, lambda client, key=key: client.facet(COLLECTION, key, limit=50, exact=True))
    check(pair, lambda client: client.facet(COLLECTION, "venue", facet_filter=RECENT, exact=True))


@pytest.mark.parametrize("key", ["year", "score", "published"])
@pytest.mark.parametrize(("narrow", "wide"), [("gt", "gte"), ("gte", "gt"), ("lt", "lte"), ("lte", "lt")])
def test_two_bounds_on_one_side(pair: Pair, key: str, narrow: str, wide: str) -> None:
    """An index of the engine looks at one of them."""
    low, high = {
        "year": (1991, 2003),
        "score": (-0.25, 0.5),
        "published": (datetime.datetime(1998, 1, 1, tzinfo=datetime.timezone.utc), datetime.datetime(2005, 6, 1)),
    }[key]
    bounds = {narrow: high, wide: low} if narrow.startswith("g") else {narrow: low, wide: high}
    model = models.DatetimeRange if key == "published" else models.Range
    for chosen in (bounds, dict.fromkeys(bounds, low)):
        condition = models.FieldCondition(key=key, range=model(**chosen))
        check(pair, lambda client, condition=condition: client.count(COLLECTION, models.Filter(must=[condition])))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_filters(pair: Pair, data: st.DataObject) -> None:
    given_filter = data.draw(filters(pair.ids))
    for call in (
        lambda client: client.scroll(COLLECTION, given_filter, limit=200, with_payload=False),
        lambda client: client.query_points(
            COLLECTION, QUERY, using="euclid", query_filter=given_filter, with_payload=False, limit=5
        ),
        lambda client: client.count(COLLECTION, given_filter),
    ):
        check(pair, call)


@pytest.mark.parametrize(
    "arguments",
    [
        {"query": [1.0], "using": "dot"},
        {"query": QUERY, "using": "nope"},
        {"query": 77777, "using": "dot"},
        {"query": "not a uuid", "using": "dot"},
        {"query": QUERY, "using": "dot", "limit": 0},
        {"query": QUERY, "using": "dot", "offset": -1},
        {"prefetch": hybrid()},
        {"query": models.FusionQuery(fusion=models.Fusion.RRF)},
        {"query": models.RecommendQuery(recommend=models.RecommendInput(negative=[1])), "using": "dot"},
        {"query": QUERY, "using": "sparse"},
        {"query": WORDS, "using": "dot"},
        {"query": models.SparseVector(indices=[1, 1], values=[1.0, 2.0]), "using": "sparse"},
        {"query": QUERY, "using": "dot", "with_payload": "year"},
        {"query_filter": models.Filter(min_should=models.MinShould(conditions=[], min_count=0))},
        {"query_filter": models.Filter(must=models.SliceCondition(slice=models.Slice(total=0, index=0)))},
    ],
)
def test_wrong_queries_are_refused_by_both(pair: Pair, arguments: dict[str, Any]) -> None:
    assert check(pair, lambda client: client.query_points(COLLECTION, **arguments)) == "refused"
