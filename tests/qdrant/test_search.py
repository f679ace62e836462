"""Searches give what plain Python computes of the same vectors, on every kind of store."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from specter2_plugins import FilterError, Paper, PaperError, Specter2, StoreError
from specter2_plugins.demo import SAMPLE_PAPERS
from specter2_plugins.papers.points import id_of
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.qdrant import CollectionSpec, Hit, open_client
from specter2_plugins.qdrant.fusion import fusion_query
from specter2_plugins.qdrant.search import search_papers
from specter2_plugins.qdrant.similar import similar_papers
from specter2_plugins.sparse import load_sparse
from tests.qdrant.server import Server
from tests.stores import KINDS, open_store

QUERY = "emotions in speech"
EVERYTHING = 1000


@pytest.fixture(scope="module")
def corpus() -> list[Paper]:
    """Sample papers, every second of which has a year."""
    with SAMPLE_PAPERS.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in islice(lines, 40)]
    return [
        Paper(record["title"], record["abstract"], str(record["id"]), {"year": 2000 + n} if n % 2 else {})
        for n, record in enumerate(records)
    ]


@pytest.fixture(scope="module", params=KINDS)
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mini: Specter2, corpus: list[Paper]
) -> Iterator[QdrantClient]:
    """A store of each kind with the corpus by distance in "papers" and by cosine in "angles"."""

    with open_store(request.param, tmp_path_factory.mktemp("store")) as client:
        ingest_papers(corpus, client, mini, CollectionSpec(sparse=("bm25",)))
        ingest_papers(corpus, client, mini, CollectionSpec("angles", distance="cosine", sparse=("bm25",)))
        yield client


@pytest.fixture(scope="module")
def vectors(mini: Specter2, corpus: list[Paper]) -> dict[str, np.ndarray]:
    embedded = mini.encode_document(corpus)
    return {str(paper.id): vector for paper, vector in zip(corpus, embedded, strict=True)}


def ids(hits: list[Hit]) -> list[str | None]:
    return [hit.paper.id for hit in hits]


def scores(hits: list[Hit]) -> dict[str | None, float]:
    return {hit.paper.id: hit.score for hit in hits}


def by_distance(vectors: dict[str, np.ndarray], target: np.ndarray) -> list[str]:
    return sorted(vectors, key=lambda name: float(np.linalg.norm(vectors[name] - target)))


def test_pages_are_parts_of_one_ranking(client: QdrantClient, mini: Specter2, vectors: dict[str, np.ndarray]) -> None:
    expected = by_distance(vectors, mini.encode_query(QUERY))
    for mode in ("dense", "hybrid"):
        pages = [search_papers(client, mini, QUERY, limit=4, offset=offset, mode=mode) for offset in (0, 4, 8)]
        whole = search_papers(client, mini, QUERY, limit=12, mode=mode)
        assert ids([hit for page in pages for hit in page]) == ids(whole)
        if mode == "dense":
            assert ids(whole) == expected[:12]


def test_many_queries_are_sent_together(mini: Specter2, corpus: list[Paper]) -> None:
    texts = [str(paper.title) for paper in corpus] * 2
    with Server() as server, open_client(**server.address) as client:
        ingest_papers(corpus, client, mini)
        alone = search_papers(client, mini, texts[3], limit=3)
        before = len(server.calls("POST .*/points/query.*"))
        found = search_papers(client, mini, texts, limit=3)
        assert len(server.calls("POST .*/points/query.*")) - before == 2
    assert len(found) == 80
    assert ids(found[3]) == ids(found[43]) == ids(alone)


def test_no_queries_give_no_answers(client: QdrantClient, mini: Specter2) -> None:
    assert search_papers(client, mini, []) == []
    assert search_papers(client, None, [], mode="sparse") == []


def test_filters_as_text_and_as_qdrants_own(client: QdrantClient, mini: Specter2, corpus: list[Paper]) -> None:
    own = models.Filter(must=[models.FieldCondition(key="metadata.year", range=models.Range(gte=2020))])
    expected = {paper.id for paper in corpus if paper.metadata.get("year", 0) >= 2020}
    for mode in ("dense", "sparse", "hybrid"):
        by_text = search_papers(client, mini, QUERY, limit=EVERYTHING, filter="year >= 2020", mode=mode)
        assert scores(by_text) == scores(search_papers(client, mini, QUERY, limit=EVERYTHING, filter=own, mode=mode))
        assert set(ids(by_text)) <= expected
        if mode != "sparse":
            assert set(ids(by_text)) == expected
    with pytest.raises(FilterError, match="year is a number"):
        search_papers(client, mini, QUERY, filter="year > x")


def on_a_real_server(request: pytest.FixtureRequest) -> bool:
    """Whether a test speaks to the server at QDRANT_URL, rather than to a store that computes as local mode does."""
    return "remote" in request.node.name


def test_sparse_needs_no_model_and_finds_the_words(
    client: QdrantClient, corpus: list[Paper], request: pytest.FixtureRequest
) -> None:
    bm25 = load_sparse("bm25")
    (query,) = bm25.encode_query(["emotional speech"])
    documents = bm25.encode_document([f"{paper.title}\n\n{paper.abstract or ''}" for paper in corpus])
    weights = [dict(zip(document.indices, document.values, strict=True)) for document in documents]
    inverse = {}
    for term in query.indices:
        frequency = sum(term in document for document in weights)
        inverse[term] = math.log(1 + (len(corpus) - frequency + 0.5) / (frequency + 0.5))
    expected = {
        paper.id: sum(inverse[term] * document[term] for term in query.indices if term in document)
        for paper, document in zip(corpus, weights, strict=True)
        if any(term in document for term in query.indices)
    }
    found = search_papers(client, None, "emotional speech", limit=EVERYTHING, mode="sparse")
    if on_a_real_server(request):  # which counts by its segments, and points that were replaced until the next merge
        assert scores(found).keys() == expected.keys()
    else:
        assert scores(found) == pytest.approx(expected, rel=1e-3)
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


def test_hybrid_by_ranks(client: QdrantClient, mini: Specter2) -> None:
    expected: dict[str | None, float] = {}
    for mode in ("dense", "sparse"):
        for rank, paper in enumerate(ids(search_papers(client, mini, QUERY, limit=EVERYTHING, mode=mode))):
            expected[paper] = expected.get(paper, 0) + 1 / (rank + 60)
    found = search_papers(client, mini, QUERY, limit=EVERYTHING, mode="hybrid")
    # Papers of one score stand in any order.
    assert sorted(scores(found).values()) == pytest.approx(sorted(expected.values()))
    best = search_papers(client, mini, QUERY, limit=3, mode="hybrid")
    assert [hit.score for hit in best] == pytest.approx([hit.score for hit in found[:3]])
    assert all(scores(found)[hit.paper.id] == pytest.approx(hit.score) for hit in best)


@pytest.mark.parametrize(("collection", "sign"), [("papers", -1), ("angles", 1)])
def test_hybrid_by_scores_where_smaller_is_nearer_too(
    client: QdrantClient, mini: Specter2, collection: str, sign: int, request: pytest.FixtureRequest
) -> None:
    expected: dict[str | None, float] = {}
    for mode, direction in (("dense", sign), ("sparse", 1)):
        hits = search_papers(client, mini, QUERY, collection, EVERYTHING, mode=mode)
        values = direction * np.array([hit.score for hit in hits])
        low, spread = values.mean() - 3 * values.std(ddof=1), 6 * values.std(ddof=1)
        for hit, value in zip(hits, values, strict=True):
            expected[hit.paper.id] = expected.get(hit.paper.id, 0) + (value - low) / spread
    found = search_papers(client, mini, QUERY, collection, EVERYTHING, mode="hybrid", fusion="dbsf")
    if on_a_real_server(request):  # whose sparse scores, and so their spread, are others
        assert scores(found).keys() == expected.keys()
    else:
        assert scores(found) == pytest.approx(expected, rel=1e-3)
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


def test_a_query_near_a_paper(client: QdrantClient, mini: Specter2, vectors: dict[str, np.ndarray]) -> None:
    """The query and the paper are two lists of one request; the paper itself is none of the hits."""
    paper = by_distance(vectors, mini.encode_query("soil and water"))[0]
    others = {name: vector for name, vector in vectors.items() if name != paper}
    expected: dict[str, float] = {}
    for target in (mini.encode_query(QUERY), vectors[paper]):
        for rank, name in enumerate(by_distance(others, target)):
            expected[name] = expected.get(name, 0) + 1 / (rank + 60)
    new = Paper("Emotions in the voice", "Speech that is sad or glad.")
    for near in (paper, [paper]):
        assert scores(search_papers(client, mini, QUERY, limit=EVERYTHING, near=near)) == pytest.approx(expected)
    by_words = search_papers(client, None, QUERY, limit=EVERYTHING, near=paper, mode="sparse")
    assert set(ids(by_words)) == set(others)
    for mode in ("dense", "hybrid"):
        assert len(search_papers(client, mini, [QUERY] * 2, near=[new, paper], mode=mode, filter="year > 2003")) == 2
    with pytest.raises(StoreError, match="holds no paper with the id 'nowhere'"):
        search_papers(client, mini, QUERY, near="nowhere")
    with pytest.raises(StoreError, match="a paper that is not stored needs the model"):
        search_papers(client, None, QUERY, near=new, mode="sparse")


@pytest.mark.parametrize("mode", ["dense", "sparse", "hybrid"])
def test_a_diverse_search_leaves_out_what_is_the_same(
    tmp_path: Path, mini: Specter2, corpus: list[Paper], mode: Any
) -> None:
    copies = [Paper(paper.title, paper.abstract, f"{paper.id} again") for paper in corpus[:10]]
    with open_client(tmp_path / "store") as client:
        ingest_papers([*corpus[:10], *copies], client, mini, CollectionSpec(distance="cosine", sparse=("bm25",)))
        query = str(corpus[3].title)
        plain = search_papers(client, mini, query, limit=6, mode=mode)
        diverse = search_papers(client, mini, query, limit=6, mode=mode, diverse=True)
        assert len({hit.paper.title for hit in plain}) < len({hit.paper.title for hit in diverse})
        assert plain[0].paper.title == diverse[0].paper.title
        page = search_papers(client, mini, query, limit=4, offset=2, mode=mode, diverse=True)
        assert [hit.paper.title for hit in page] == [hit.paper.title for hit in diverse][2:]


def test_a_server_without_k_joins_by_scores(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as server, open_client(**server.address) as client:
        assert fusion_query(client, "rrf") == models.RrfQuery(rrf=models.Rrf(k=60))
        old = models.VersionInfo(title="qdrant", version="1.15.4")
        monkeypatch.setattr(client, "info", lambda: old)
        assert fusion_query(client, "rrf") == fusion_query(client, "dbsf")
        assert "knows no k but 2" in caplog.text


def test_a_query_without_words_is_still_searched_by_meaning(client: QdrantClient, mini: Specter2) -> None:
    assert search_papers(client, None, "the of and", mode="sparse") == []
    hybrid = search_papers(client, mini, "the of and", mode="hybrid")
    assert ids(hybrid) == ids(search_papers(client, mini, "the of and"))


def test_what_cannot_be_searched(client: QdrantClient, mini: Specter2, corpus: list[Paper]) -> None:
    ingest_papers(corpus[:1], client, mini, CollectionSpec("plain"))
    for settings, problem in [
        ({"mode": "fuzzy"}, "mode is 'fuzzy', expected one of dense, sparse, hybrid"),
        ({"mode": "hybrid", "fusion": "sum"}, "fusion is 'sum', expected one of rrf, dbsf"),
        ({"collection": "plain", "mode": "hybrid"}, "has no sparse vector 'bm25'; it has: none"),
        ({"vector": "regression"}, "has no vector 'regression'"),
    ]:
        with pytest.raises(StoreError, match=problem):
            search_papers(client, mini, QUERY, **settings)
    with pytest.raises(StoreError, match="a dense search needs the model"):
        search_papers(client, None, QUERY)
    with pytest.raises(PaperError, match="is blank"):
        search_papers(client, mini, ["fine", " "])
    wrong: Any
    for wrong, problem in [(None, "got NoneType"), (["fine", 5], "got int"), (Paper("A title"), "got Paper")]:
        with pytest.raises(PaperError, match=f"a query is a text, or a list of texts, {problem}"):
            search_papers(client, mini, wrong)
    client.delete_collection("plain")


def test_average_vector_moves_away_from_the_negatives(
    client: QdrantClient, mini: Specter2, corpus: list[Paper], vectors: dict[str, np.ndarray]
) -> None:
    a, b, c = (str(paper.id) for paper in corpus[:3])
    mean = (vectors[a] + vectors[b]) / 2
    for negative, target in (((), mean), ((c,), 2 * mean - vectors[c])):
        expected = [name for name in by_distance(vectors, target) if name not in (a, b, *negative)]
        by_id = similar_papers(client, mini, [a, b], limit=EVERYTHING, negative=negative)
        mixed = similar_papers(
            client,
            mini,
            [corpus[0], {"id": b, "title": corpus[1].title, "abstract": corpus[1].abstract}],
            limit=EVERYTHING,
            negative=negative,
        )
        assert ids(by_id) == ids(mixed) == expected
        assert by_id[0].score == pytest.approx(np.linalg.norm(vectors[expected[0]] - target), abs=1e-4)


def squared(vectors: dict[str, np.ndarray], name: str, others: list[str]) -> list[float]:
    return [float(((vectors[name] - vectors[other]) ** 2).sum()) for other in others]


def test_best_score_and_sum_scores_rank_near_papers_first(
    client: QdrantClient, mini: Specter2, corpus: list[Paper], vectors: dict[str, np.ndarray]
) -> None:
    near, far = [str(paper.id) for paper in corpus[:3]], [str(corpus[3].id)]
    rest = [name for name in vectors if name not in near + far]

    def best(name: str) -> tuple[bool, float]:
        to_near, to_far = min(squared(vectors, name, near)), min(squared(vectors, name, far))
        return (True, to_near) if to_near < to_far else (False, -to_far)

    def total(name: str) -> float:
        return sum(squared(vectors, name, near)) - sum(squared(vectors, name, far))

    for strategy, expected in (
        ("best_score", sorted(rest, key=lambda name: (not best(name)[0], best(name)[1]))),
        ("sum_scores", sorted(rest, key=total)),
    ):
        found = similar_papers(client, mini, near, limit=EVERYTHING, negative=far, strategy=strategy)
        assert ids(found) == expected, strategy
        assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


def test_sum_scores_is_refused_where_the_farthest_would_win(
    client: QdrantClient, mini: Specter2, corpus: list[Paper]
) -> None:
    a, b, c = (str(paper.id) for paper in corpus[:3])
    for near, far in (([a], [b]), ([a], [b, c])):
        with pytest.raises(StoreError, match="farthest papers win; use best_score or average_vector"):
            similar_papers(client, mini, near, negative=far, strategy="sum_scores")
        assert similar_papers(client, mini, near, "angles", negative=far, strategy="sum_scores")
    wrong: Any = "median"
    with pytest.raises(StoreError, match="strategy is 'median', expected one of average_vector, best_score"):
        similar_papers(client, mini, a, strategy=wrong)


def test_papers_asked_about_are_no_hits(client: QdrantClient, mini: Specter2, corpus: list[Paper]) -> None:
    asked = {str(paper.id) for paper in corpus[:4]}
    for strategy in ("average_vector", "best_score", "sum_scores"):
        found = similar_papers(
            client,
            mini,
            [*corpus[:2], str(corpus[2].id)],
            limit=EVERYTHING,
            negative=str(corpus[3].id),
            strategy=strategy,
        )
        assert set(ids(found)) == {paper.id for paper in corpus} - asked
    everyone = [str(paper.id) for paper in corpus]
    assert similar_papers(client, mini, everyone) == []


def test_similar_papers_pass_the_filter(client: QdrantClient, mini: Specter2, corpus: list[Paper]) -> None:
    found = similar_papers(client, mini, str(corpus[1].id), limit=EVERYTHING, filter="year exists")
    assert set(ids(found)) == {paper.id for paper in corpus if "year" in paper.metadata} - {corpus[1].id}
    pages = [similar_papers(client, mini, str(corpus[1].id), limit=2, offset=offset) for offset in (0, 2)]
    assert [hit for page in pages for hit in page] == similar_papers(client, mini, str(corpus[1].id), limit=4)


def test_unknown_papers_are_all_named(client: QdrantClient, mini: Specter2, corpus: list[Paper]) -> None:
    with pytest.raises(StoreError, match="'papers' holds no paper with the id 'nope', 'no'"):
        similar_papers(client, mini, ["nope", str(corpus[0].id)], negative="no")
    with pytest.raises(StoreError, match="name at least one paper"):
        similar_papers(client, mini, [], negative=str(corpus[0].id))


def test_a_hit_has_the_paper_and_its_point(client: QdrantClient, mini: Specter2, corpus: list[Paper]) -> None:
    (hit,) = search_papers(client, mini, str(corpus[5].title), limit=1)
    assert hit.paper == corpus[5]
    assert hit.point_id == id_of(str(corpus[5].id))
