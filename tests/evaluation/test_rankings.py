"""On the same embeddings, rankings give what trec_eval gives when called directly."""

from __future__ import annotations

from collections import Counter
from math import log
from typing import Any

import numpy as np
import pytest
import pytrec_eval

from specter2_plugins.evaluation.mdcr import read_mdcr
from specter2_plugins.evaluation.ranking import Ranking
from specter2_plugins.evaluation.reviewers import ReviewerMatching
from tests.evaluation.conftest import Given

WORDS = ["amber", "birch", "cobalt", "dune", "ember", "fjord", "granite", "harbor", "indigo", "juniper"]


@pytest.fixture(scope="module")
def collection() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]], Given]:
    """Queries, documents and their embeddings; documents are of different lengths and repeat words."""
    random = np.random.default_rng(3)

    def text(length: int) -> str:
        return " ".join(random.choice(WORDS, size=length))

    queries = {f"q{number}": (f"{text(2)} query{number}",) for number in range(8)}
    documents = {f"d{number}": (f"title{number}", text(int(random.integers(1, 9)))) for number in range(40)}
    everything = [*queries.values(), *documents.values()]
    return queries, documents, Given({one: random.normal(size=6) for one in everything})


def trec(judgements: Any, run: Any, metrics: Any) -> dict[str, float]:
    results = pytrec_eval.RelevanceEvaluator(judgements, set(metrics)).evaluate(run)
    return {metric: round(100 * float(np.mean([row[metric] for row in results.values()])), 2) for metric in metrics}


def distances(given: Given, query: tuple[str, ...], documents: Any) -> dict[str, float]:
    there = given.vectors[query].astype(np.float32)
    return {
        name: -float(np.linalg.norm(there - given.vectors[document].astype(np.float32)))
        for name, document in documents.items()
    }


def bm25(query: tuple[str, ...], documents: dict[str, tuple[str, ...]]) -> dict[str, float]:
    """Okapi BM25 with k = 1.2 and b = 0.75, from its definition."""
    counts = {name: Counter(" ".join(parts).split()) for name, parts in documents.items()}
    average = sum(count.total() for count in counts.values()) / len(counts)
    scores = dict.fromkeys(documents, 0.0)
    for word in set(" ".join(query).split()):
        with_word = sum(word in count for count in counts.values())
        idf = log(1 + (len(counts) - with_word + 0.5) / (with_word + 0.5))
        for name, count in counts.items():
            length = 1.2 * (0.25 + 0.75 * count.total() / average)
            scores[name] += idf * count[word] * 2.2 / (count[word] + length)
    return {name: score for name, score in scores.items() if score > 0}


def fused(*rankings: dict[str, float]) -> dict[str, float]:
    points: dict[str, float] = {}
    for ranking in rankings:
        for place, name in enumerate(sorted(ranking, key=lambda name: (ranking[name], name), reverse=True)):
            points[name] = points.get(name, 0) + 1 / (61 + place)
    return points


def by_system(scores: Any) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for score in scores:
        found.setdefault(score.system, {})[score.metric] = score.value
    return found


@pytest.mark.parametrize("query_task", ["adhoc_query", "proximity"])
def test_pooled_ranking(collection: Any, query_task: str) -> None:
    queries, documents, given = collection
    random = np.random.default_rng(5)
    judgements = {
        query: {name: int(random.integers(0, 4)) for name in random.choice(list(documents), 15, replace=False)}
        for query in queries
    }
    judgements["q0"]["not there"] = 3
    judgements["no such query"] = {"d1": 1}
    metrics = ("ndcg", "map", "ndcg_cut_5", "P_5", "recip_rank")
    given.tasks.clear()
    task = Ranking("task", queries, documents, judgements, metrics, query_task, pooled=True)
    found = by_system(task.evaluate(given))

    def pool(scores: dict[str, float], query: str) -> dict[str, float]:
        return {name: score for name, score in scores.items() if name in judgements[query]}

    dense = {query: pool(distances(given, text, documents), query) for query, text in queries.items()}
    lexical = {query: pool(bm25(text, documents), query) for query, text in queries.items()}
    hybrid = {query: fused(lexical[query], dense[query]) for query in queries}
    assert found["model"] == trec(judgements, dense, metrics)
    assert found["bm25"] == trec(judgements, lexical, metrics)
    assert found["hybrid"] == trec(judgements, hybrid, metrics)
    assert [(name, len(texts)) for name, texts in given.tasks] == [(query_task, 8), ("proximity", 40)]


def test_search_of_a_whole_collection(collection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specter2_plugins.evaluation.ranking._DEPTH", 12)
    queries, documents, given = collection
    # A query that is a document, as in BEIR's ArguAna and SCIDOCS: it is not to find itself.
    queries = {**queries, "d7": documents["d7"]}
    judgements = {
        query: {f"d{(number * 5 + step) % 40}": 1 for step in range(4)} for number, query in enumerate(queries)
    }
    judgements["d7"] = {"d7": 1, "d8": 1}
    metrics = ("ndcg_cut_10", "map", "recall_100", "num_ret")
    found = by_system(Ranking("task", queries, documents, judgements, metrics).evaluate(given))

    def best(scores: dict[str, float], query: str) -> dict[str, float]:
        names = [name for name in sorted(scores, key=lambda name: (scores[name], name), reverse=True) if name != query]
        return {name: scores[name] for name in names[:12]}

    dense = {query: best(distances(given, text, documents), query) for query, text in queries.items()}
    lexical = {query: best(bm25(text, documents), query) for query, text in queries.items()}
    assert found["model"] | {"num_ret": 0} == trec(judgements, dense, metrics) | {"num_ret": 0}
    assert found["model"]["num_ret"] == 100 * 12 * 9
    assert found["bm25"] | {"num_ret": 0} == trec(judgements, lexical, metrics) | {"num_ret": 0}
    assert found["hybrid"]["map"] == trec(judgements, {q: fused(lexical[q], dense[q]) for q in queries}, metrics)["map"]


def test_a_query_without_any_term_counts_as_zero(collection: Any) -> None:
    queries, documents, given = collection
    given = Given({**given.vectors, ("nothing alike",): np.zeros(6)})
    judgements = {"none": {"d1": 1}, "q1": {"d1": 1, "d2": 0}}
    task = Ranking("task", {**queries, "none": ("nothing alike",)}, documents, judgements, ("recall_1000",))
    found = by_system(task.evaluate(given))
    alike = "d1" in bm25(queries["q1"], documents)
    assert found["bm25"] == {"recall_1000": 50.0 * alike}
    assert found["model"] == {"recall_1000": 100.0}


def test_ties_are_not_broken_in_favour_of_what_is_judged_first() -> None:
    documents = {f"d{number}": (f"amber {number}",) for number in range(9)}
    given = Given({one: np.zeros(2) for one in [("amber",), *documents.values()]})
    for order in (1, -1):
        judgements = {"q": {name: int(name == "d0") for name in list(documents)[::order]}}
        task = Ranking("task", {"q": ("amber",)}, documents, judgements, ("recip_rank",), pooled=True)
        assert {score.system: score.value for score in task.evaluate(given)} == dict.fromkeys(
            ("bm25", "model", "hybrid"), 11.11
        )


def test_reviewer_matching(collection: Any) -> None:
    _, documents, given = collection
    random = np.random.default_rng(11)
    reviewers = {f"r{number}": random.choice(list(documents)[:30], number + 1).tolist() for number in range(9)}
    reviewers["r0"].append("a paper that is not there")
    judgements = {f"d{30 + number}": {name: int(random.integers(0, 2)) for name in reviewers} for number in range(10)}
    judgements["d30"]["no such reviewer"] = 1
    found = by_system(
        ReviewerMatching("task", documents, reviewers, judgements, ("P_5", "P_10", "map")).evaluate(given)
    )

    def cosine(one: str, other: str) -> float:
        a, b = given.vectors[documents[one]], given.vectors[documents[other]]
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    run = {}
    for submission in judgements:
        run[submission] = {}
        for reviewer, papers in reviewers.items():
            alike = sorted((cosine(submission, paper) for paper in papers if paper in documents), reverse=True)
            run[submission][reviewer] = float(np.mean(alike[:3]))
    assert found["model"] == trec(judgements, run, ("P_5", "P_10", "map"))
    assert set(found) == {"bm25", "model", "hybrid"}


def test_mdcr_is_the_mean_over_its_fields(collection: Any) -> None:
    _, documents, given = collection
    pools: dict[str, dict[str, dict[str, list[str]]]] = {
        "Art": {"d0": {"bm25": ["d1", "d2", "d3"], "true": ["d4", "d2"], "random": ["d4", "d5"]}},
        "Biology": {
            "d0": {"true": ["d9"], "random": ["d10", "d11", "d12"]},
            "d20": {"true": ["d21", "d22"], "specter": ["d23", "d24", "d25", "d26", "d27", "d28"]},
            "d30": {"true": ["d31"], "graph": ["d32", "d33", "d34", "d35", "d36", "d37"]},
        },
    }
    metrics = ("map", "recall_5")
    scores = list(read_mdcr("MDCR", [pools], documents, metrics).evaluate(given))
    # A field may come in several records.
    biology = pools["Biology"]
    records = [{"Art": pools["Art"]}, *({"Biology": {query: biology[query]}} for query in biology)]
    assert list(read_mdcr("MDCR", records, documents, metrics).evaluate(given)) == scores

    fields = []
    for queries in pools.values():
        judgements = {
            query: {paper: int(paper in found["true"]) for pool in found.values() for paper in pool}
            for query, found in queries.items()
        }
        run = {
            query: {name: distances(given, documents[query], documents)[name] for name in judged}
            for query, judged in judgements.items()
        }
        results = pytrec_eval.RelevanceEvaluator(judgements, {"map", "recall"}).evaluate(run).values()
        fields.append([100 * np.mean([row[metric] for row in results]) for metric in metrics])
    assert {(score.task, score.metric): score.value for score in scores if score.system == "model"} == {
        ("MDCR", "map"): round(np.mean([field[0] for field in fields]), 2),
        ("MDCR", "recall_5"): round(np.mean([field[1] for field in fields]), 2),
        ("MDCR, Art", "map"): round(fields[0][0], 2),
        ("MDCR, Art", "recall_5"): round(fields[0][1], 2),
        ("MDCR, Biology", "map"): round(fields[1][0], 2),
        ("MDCR, Biology", "recall_5"): round(fields[1][1], 2),
    }
