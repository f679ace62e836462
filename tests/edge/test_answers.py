"""What a server answers or refuses, the embedded client and its asynchronous twin answer or refuse: drawn calls."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import to_jsonable_python
from qdrant_client import models

from specter2_plugins.edge import AsyncEdgeClient, EdgeClient
from specter2_plugins.errors import StoreError
from tests.edge.conftest import Pair
from tests.edge.pairs import COLLECTION, SPARSE_VECTORS, VECTORS, assert_same, dense, outcome, sparse

Call = tuple[str, dict[str, Any]]

DENSE = [name for name in VECTORS if name != "multi"]
OPEN = models.Filter(must=models.FieldCondition(key="open", match=models.MatchValue(value=True)))
RANKS = models.FusionQuery(fusion=models.Fusion.RRF)

numbers = st.randoms(use_true_random=False)


@st.composite
def vectors(draw: Any, using: str, spoilt: float | None = None) -> Any:
    rng = random.Random(draw(st.integers(0, 999)))
    if using in SPARSE_VECTORS:
        return sparse(rng)
    vector = dense(rng)
    if spoilt is not None:
        vector[draw(st.integers(0, len(vector) - 1))] = spoilt
    return [dense(rng), vector] if using == "multi" else vector


@st.composite
def prefetches(draw: Any) -> list[models.Prefetch]:
    return [
        models.Prefetch(
            query=draw(vectors(using)),
            using=using,
            limit=draw(st.integers(1, 30)),
            filter=draw(st.sampled_from([None, OPEN])),
        )
        for using in ("dot", "idf")
    ]


@st.composite
def expressions(draw: Any, depth: int = 2) -> Any:
    """Formulas, among them many whose result is no number."""
    if not depth or draw(st.booleans()):
        return draw(st.sampled_from(["$score", "$score[1]", "year", "missing", 0.0, -1.0, 2.5, 1e30, 3e38, 1e39]))
    inner = expressions(depth - 1)
    one, two = draw(inner), draw(inner)
    return draw(
        st.sampled_from(
            [
                models.SumExpression(sum=[one, two]),
                models.MultExpression(mult=[one, two]),
                models.DivExpression(div=models.DivParams(left=one, right=two)),
                models.PowExpression(pow=models.PowParams(base=one, exponent=two)),
                models.LnExpression(ln=one),
                models.SqrtExpression(sqrt=one),
                models.ExpExpression(exp=one),
                models.NegExpression(neg=one),
            ]
        )
    )


@st.composite
def calls(draw: Any) -> Call:
    """Calls that local mode answers as a server does."""
    using = draw(st.sampled_from([*VECTORS, *SPARSE_VECTORS]))
    page = {"limit": draw(st.integers(1, 40)), "offset": draw(st.sampled_from([None, 0, 3, 500]))}
    shown = {
        "with_payload": draw(st.sampled_from([True, False, ["year"], {"exclude": ["tags"]}])),
        "with_vectors": draw(st.sampled_from([False, True, [], ["dot"], ["sparse", "multi"]])),
    }
    where = draw(st.sampled_from([None, OPEN]))
    mmr = models.Mmr(
        diversity=draw(st.sampled_from([None, 0.0, 0.3, 1.0])), candidates_limit=draw(st.sampled_from([None, 5, 40]))
    )
    group_by = draw(st.sampled_from(["venue", "year", "open", "authors[].name", "tags", "score", "nothing"]))
    key = draw(st.sampled_from(["venue", "tags", "year", "open", "metadata.id", "authors[].h", "score", "nothing"]))
    return draw(
        st.sampled_from(
            [
                (
                    "query_points",
                    {
                        "query": models.NearestQuery(nearest=draw(vectors(using)), mmr=mmr),
                        "using": using,
                        "query_filter": where,
                        **page,
                        **shown,
                    },
                ),
                (
                    "query_points",
                    {"query": draw(vectors(using)), "using": using, "search_params": {"exact": True}, **page, **shown},
                ),
                (
                    "query_points",
                    {
                        "prefetch": draw(prefetches()),
                        "query": models.FormulaQuery(
                            formula=draw(expressions()), defaults=draw(st.sampled_from([{}, {"missing": 2}]))
                        ),
                        "with_payload": False,
                    },
                ),
                (
                    "query_points_groups",
                    {
                        "group_by": group_by,
                        "query": draw(vectors("manhattan")),
                        "using": "manhattan",
                        "limit": draw(st.integers(1, 4)),
                        "group_size": draw(st.integers(1, 4)),
                        "with_lookup": draw(st.sampled_from([None, COLLECTION, {"collection": COLLECTION}])),
                        **shown,
                    },
                ),
                ("facet", {"key": key, "limit": draw(st.integers(1, 30)), "facet_filter": where, "exact": True}),
                ("retrieve", {"ids": draw(st.lists(st.integers(0, 90), unique=True, max_size=5)), **shown}),
                ("scroll", {"limit": draw(st.integers(1, 90)), "scroll_filter": where, **shown}),
            ]
        )
    )


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(called=calls())
def test_a_drawn_call_is_answered_as_local_mode_answers_it(pair: Pair, called: Call) -> None:
    method, arguments = called
    ours = outcome(lambda client: getattr(client, method)(COLLECTION, **arguments), pair.edge)
    theirs = outcome(lambda client: getattr(client, method)(COLLECTION, **_modelled(arguments)), pair.local)
    if ours != "refused" and theirs == "refused" and method == "query_points" and "prefetch" in arguments:
        # A zero that the one reaches as a number too small for 32 bits is an overflow to the other.
        pytest.fail(f"{arguments['query']} was answered")
    assert_same(ours, theirs)


def _modelled(arguments: dict[str, Any]) -> dict[str, Any]:
    """Local mode takes some dicts for something else."""
    changed = dict(arguments)
    if isinstance(arguments.get("with_payload"), dict):
        changed["with_payload"] = models.PayloadSelectorExclude(**arguments["with_payload"])
    if isinstance(arguments.get("with_lookup"), dict):
        changed["with_lookup"] = models.WithLookup(**arguments["with_lookup"])
    return changed


def places(using: str, bad: Any) -> dict[str, dict[str, Any]]:
    """Everywhere that a query takes a vector."""
    good = dense(random.Random(1))
    pair = models.ContextPair(positive=good, negative=bad)
    feedback = models.RelevanceFeedbackInput(
        target=bad,
        feedback=[models.FeedbackItem(example=good, score=1.0)],
        strategy=models.NaiveFeedbackStrategy(naive=models.NaiveFeedbackStrategyParams(a=1, b=1, c=1)),
    )
    queries: dict[str, Any] = {
        "nearest": bad,
        "array": np.array(bad),
        "mmr": models.NearestQuery(nearest=bad, mmr=models.Mmr()),
        "feedback": models.RelevanceFeedbackQuery(relevance_feedback=feedback),
        "context": models.ContextQuery(context=[pair]),
        "target": models.DiscoverQuery(discover=models.DiscoverInput(target=bad, context=[])),
        "pair": models.DiscoverQuery(discover=models.DiscoverInput(target=good, context=[pair])),
    }
    for strategy in models.RecommendStrategy:
        for positive, negative in (([good, bad], []), ([good], [bad])):
            recommend = models.RecommendInput(positive=positive, negative=negative, strategy=strategy)
            queries[f"{strategy} {len(negative)}"] = models.RecommendQuery(recommend=recommend)
    asked: dict[str, dict[str, Any]] = {name: {"query": query, "using": using} for name, query in queries.items()}
    asked["prefetch"] = {"prefetch": [models.Prefetch(query=bad, using=using)], "query": RANKS}
    inner = models.Prefetch(prefetch=[models.Prefetch(query=bad, using=using)], query=good, using=using)
    asked["deep"] = {"prefetch": inner, "query": RANKS}
    return asked


@pytest.mark.parametrize("using", DENSE)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e39, "short", "long", "empty"])
def test_a_vector_that_is_none_is_refused_wherever_it_stands(pair: Pair, using: str, bad: float | str) -> None:
    """JSON has no NaN and no infinity, so that a server never sees one; local mode answers some infinities."""
    good = dense(random.Random(2))
    vector = {"short": good[1:], "long": [*good, 0.0], "empty": []}.get(bad, [bad, *good[1:]])
    for place, arguments in places(using, vector).items():
        with pytest.raises(StoreError) as refused:
            pair.edge.query_points(COLLECTION, **arguments)
        assert "\n" not in str(refused.value), place


@pytest.mark.parametrize(
    "arguments",
    [
        {"score_threshold": math.nan},
        {"score_threshold": math.inf},
        {"limit": 2**70},
        {"offset": 2**70},
        {"with_vectors": "dot"},
        {"search_params": {"exactly": True}},
        {"query_filter": {"must": [{"key": 1}]}},
        {"with_payload": {"only": ["year"]}},
        {"prefetch": [{"limit": "many"}], "query": RANKS},
        {"prefetch": [models.Prefetch(query=dense(random.Random(1)), using="dot", limit=0)], "query": RANKS},
        {"query": models.NearestQuery(nearest=1, mmr=models.Mmr.model_construct(diversity=1.5, candidates_limit=None))},
        {"query": models.NearestQuery(nearest=1, mmr=models.Mmr(candidates_limit=16_385))},
        {"query": models.RrfQuery(rrf=models.Rrf.model_construct(k=0, weights=None)), "prefetch": []},
        {"query": models.RrfQuery(rrf=models.Rrf(k=1, weights=[math.nan])), "prefetch": []},
        {"query": models.FormulaQuery(formula=math.nan), "prefetch": []},
        {"query": models.FormulaQuery(formula="$unknown"), "prefetch": []},
    ],
)
def test_what_a_server_refuses_is_refused_in_our_own_words(pair: Pair, arguments: dict[str, Any]) -> None:
    given = {"query": dense(random.Random(1)), "using": "dot", **arguments}
    with pytest.raises(StoreError) as refused:
        pair.edge.query_points(COLLECTION, **given)
    assert "\n" not in str(refused.value)


def test_dicts_in_place_of_models(pair: Pair) -> None:
    vector = dense(random.Random(5))
    as_dicts = pair.edge.query_points(
        COLLECTION,
        prefetch=[{"query": vector, "using": "dot", "limit": 9, "filter": {"must": [{"has_id": list(range(60))}]}}],
        query=models.FusionQuery(fusion=models.Fusion.RRF),
        query_filter={"must_not": [{"key": "open", "match": {"value": True}}]},
        with_payload={"include": ["year"]},
    )
    as_models = pair.edge.query_points(
        COLLECTION,
        prefetch=models.Prefetch(
            query=vector,
            using="dot",
            limit=9,
            filter=models.Filter(must=[models.HasIdCondition(has_id=list(range(60)))]),
        ),
        query=models.FusionQuery(fusion=models.Fusion.RRF),
        query_filter=models.Filter(must_not=[OPEN]),
        with_payload=["year"],
    )
    assert as_dicts == as_models
    assert as_models.points


def test_a_random_sample_loses_nothing_to_an_offset(pair: Pair) -> None:
    for limit, offset in ((len(pair.points), 10), (5, 3), (10_000, None)):
        random_points = models.SampleQuery(sample=models.Sample.RANDOM)
        found = pair.edge.query_points(COLLECTION, random_points, limit=limit, offset=offset).points
        assert len({point.id for point in found}) == min(limit, len(pair.points))


def test_groups_of_a_fusion_are_filled(edge: EdgeClient) -> None:
    """A server has prefetches bring more, and asks again among the groups that it has found."""
    edge.create_collection("c", {"d": models.VectorParams(size=1, distance=models.Distance.DOT)})
    edge.upsert(
        "c",
        [
            models.PointStruct(id=number, vector={"d": [float(number)]}, payload={"g": number % 5})
            for number in range(50)
        ],
    )
    few = models.Prefetch(query=[1.0], using="d", limit=1)
    groups = edge.query_points_groups("c", "g", prefetch=few, query=RANKS, limit=4, group_size=3).groups
    assert [[hit.id for hit in group.hits] for group in groups] == [
        [49, 44, 39],
        [48, 43, 38],
        [47, 42, 37],
        [46, 41, 36],
    ]


@pytest.mark.parametrize("using", [*VECTORS, "sparse"])
def test_distances_of_a_sample(pair: Pair, using: str) -> None:
    everything: dict[str, Any] = {"sample": len(pair.points), "limit": 4, "using": using, "query_filter": OPEN}
    ours, theirs = (client.search_matrix_pairs(COLLECTION, **everything).pairs for client in (pair.edge, pair.local))
    assert [str(pair.a) for pair in ours] == [str(pair.a) for pair in theirs]
    assert [pair.score for pair in ours] == pytest.approx([pair.score for pair in theirs], rel=1e-4, abs=2e-3)
    offsets = pair.edge.search_matrix_offsets(COLLECTION, **everything)
    spelled = [
        (offsets.ids[row], offsets.ids[column])
        for row, column in zip(offsets.offsets_row, offsets.offsets_col, strict=True)
    ]
    assert spelled == [(p.a, p.b) for p in ours]


def test_the_asynchronous_client_answers_alike(pair: Pair) -> None:
    vector = dense(random.Random(4))
    asked: list[Callable[[Any], Any]] = [
        lambda client: client.query_points(COLLECTION, vector, using="dot", with_vectors=True),
        lambda client: client.query_points_groups(COLLECTION, "venue", vector, using="dot", with_lookup=COLLECTION),
        lambda client: client.facet(COLLECTION, "tags", limit=3),
        lambda client: client.scroll(COLLECTION, limit=5),
        lambda client: client.count(COLLECTION, OPEN),
        lambda client: client.get_collection(COLLECTION),
    ]

    async def answers(client: AsyncEdgeClient) -> list[Any]:
        found = await asyncio.gather(*(call(client) for call in asked))
        with pytest.raises(StoreError, match="NaN"):
            await client.query_points(COLLECTION, [math.nan] * len(vector), using="dot")
        with pytest.raises(NotImplementedError, match="snapshots"):
            await client.create_snapshot(COLLECTION)
        await client.close()  # who shares a client does not close it
        return found

    ours = asyncio.run(answers(AsyncEdgeClient(pair.edge)))
    assert to_jsonable_python(ours) == to_jsonable_python([call(pair.edge) for call in asked])


def test_an_asynchronous_client_of_its_own(tmp_path: Any) -> None:
    async def fill() -> None:
        async with AsyncEdgeClient(tmp_path / "store") as client:
            await client.create_collection("c", models.VectorParams(size=1, distance=models.Distance.DOT))
            client.upload_points("c", [models.PointStruct(id=1, vector=[1.0], payload={"a": 1})])
            await client.upsert("c", [models.PointStruct(id=2, vector=[2.0])])
            assert [hit.id for hit in (await client.query_points("c", [1.0])).points] == [2, 1]
            await client.optimize("c")

    asyncio.run(fill())
    with EdgeClient(tmp_path / "store") as client:
        assert client.count("c").count == 2
