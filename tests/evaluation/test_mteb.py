"""MTEB runs on our models, with every text through its adapter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mteb")

import mteb
from datasets import Dataset, DatasetDict
from mteb.abstasks import AbsTaskClassification, AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata

from specter2_plugins import Paper, Specter2
from specter2_plugins.evaluation import mteb_encoder

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:mteb"),
]

CORPUS = [
    {"id": "d1", "title": "Neural ranking", "text": "Deep networks score documents."},
    {"id": "d2", "title": "", "text": "Soil moisture between the emitters of an irrigation."},
    {"id": "d3", "title": "Only a title", "text": ""},
]
EMPTY = {"id": "d4", "title": "", "text": ""}
QUERIES = [{"id": "q1", "text": "ranking documents"}, {"id": "q2", "text": "irrigation of soil"}]


def metadata(name: str, kind: str, score: str) -> TaskMetadata:
    return TaskMetadata(
        name=name,
        type=kind,
        description="A few papers.",
        dataset={"path": "none", "revision": "none"},
        eval_langs=["eng-Latn"],
        eval_splits=["test"],
        main_score=score,
    )


class Search(AbsTaskRetrieval):
    metadata = metadata("PapersSearch", "Retrieval", "ndcg_at_10")
    corpus = [*CORPUS, EMPTY]

    def load_data(self, *args: Any, **kwargs: Any) -> None:
        split = {
            "corpus": Dataset.from_list(self.corpus),
            "queries": Dataset.from_list(QUERIES),
            "relevant_docs": {"q1": {"d1": 1}, "q2": {"d2": 1}},
            "top_ranked": None,
        }
        self.dataset = {"default": {"test": split}}
        self.data_loaded = True


class WholeSearch(Search):
    metadata = metadata("WholePapersSearch", "Retrieval", "ndcg_at_10")
    corpus = CORPUS


class Fields(AbsTaskClassification):
    metadata = metadata("PapersFields", "Classification", "accuracy")
    samples_per_label = 2
    n_experiments = 1

    def load_data(self, *args: Any, **kwargs: Any) -> None:
        texts = [f"{subject} number {number}" for number in range(4) for subject in ("ranking", "irrigation")]
        part = Dataset.from_dict({"text": texts, "label": [0, 1] * 4})
        self.dataset = DatasetDict(train=part, test=part)
        self.data_loaded = True


@pytest.fixture
def encoded(new_model: Callable[..., Specter2], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A model, and the texts and task of each of its calls with what came back."""
    model, calls = new_model(), []
    encode = model.encode

    def record(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        vectors = encode(inputs, *args, **kwargs)
        calls.append((inputs, kwargs["task"], vectors))
        return vectors

    monkeypatch.setattr(model, "encode", record)
    return model, calls


def run(model: Any, task: Any) -> float:
    result = mteb.evaluate(model, task, cache=None, show_progress_bar=False, co2_tracker=False)
    return float(result.task_results[0].get_score())


def test_queries_and_documents_go_through_their_adapters(encoded: Any) -> None:
    model, calls = encoded
    score = run(mteb_encoder(model), Search())
    by_task = {task: (texts, vectors) for texts, task, vectors in calls}
    assert set(by_task) == {"query", "document"}
    texts, queries = by_task["query"]
    assert texts == [query["text"] for query in QUERIES]
    np.testing.assert_allclose(queries, model.encode_query(texts), atol=1e-6)
    texts, documents = by_task["document"]
    papers = [Paper(title=row["title"], abstract=row["text"]) for row in CORPUS]
    assert dict.fromkeys(texts) == dict.fromkeys([*(paper.text("[SEP]") for paper in papers), "[SEP]"])
    placed = dict(zip(texts, documents, strict=True))
    expected = model.encode_document(papers)
    for paper, vector in zip(papers, expected, strict=True):
        np.testing.assert_allclose(placed[paper.text("[SEP]")], vector, atol=1e-6)

    distances = np.linalg.norm(queries[:, None] - np.stack([*expected, placed["[SEP]"]])[None], axis=2)
    ranks = [int((distances[query] < distances[query, query]).sum()) for query in range(2)]
    assert score == pytest.approx(np.mean([1 / np.log2(2 + rank) for rank in ranks]), abs=1e-4)


def test_a_model_runs_as_it_is_where_no_document_is_empty(encoded: Any) -> None:
    model, calls = encoded
    assert 0 < run(model, WholeSearch()) <= 1
    assert {task for _, task, _ in calls} == {"query", "document"}
    assert 0 < run(model, Search()) <= 1  # an empty document is one with the vector of an empty paper


def test_texts_to_classify_go_through_the_classification_adapter(encoded: Any, new_model: Any) -> None:
    model, calls = encoded
    assert 0 <= run(mteb_encoder(model), Fields()) <= 1
    assert {task for _, task, _ in calls} == {"classification"}
    assert 0 <= run(mteb_encoder(new_model(adapters={})), Fields()) <= 1


def test_mteb_tells_models_apart(new_model: Callable[..., Specter2]) -> None:
    models = [new_model(), new_model(), new_model(adapters={}), new_model()]
    models[3].truncate_dim = 8
    metas = [mteb_encoder(model).mteb_model_meta for model in models]
    assert metas[0].revision == metas[1].revision
    assert len({meta.revision for meta in metas}) == 3
    assert len({meta.name for meta in metas}) == 1
    assert metas[0].name.endswith("/models/base")
