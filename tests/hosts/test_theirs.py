"""Hosts that take our model, or its folder, as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specter2_plugins import Specter2, load_specter2
from tests.hosts.conftest import PAPERS, QUERIES

Same = Callable[..., None]


def test_a_prompt_name_chooses_the_adapter(mini: Specter2, same: Same) -> None:
    same(mini.encode(QUERIES, prompt_name="query"), "query", QUERIES)
    same(mini.encode(PAPERS, prompt_name="document"), "document", PAPERS)
    same(mini.encode(QUERIES, prompt_name="query", task="document"), "document", QUERIES)


def test_bertopic(mini: Specter2, same: Same) -> None:
    utils = pytest.importorskip("bertopic.backend._utils")
    backend = utils.select_backend(mini)
    assert type(backend).__name__ == "SentenceTransformerBackend"
    assert backend.embedding_model is mini
    same(backend.embed_documents(PAPERS), "document", PAPERS)


def test_keybert(mini: Specter2, same: Same) -> None:
    keybert = pytest.importorskip("keybert")
    found = keybert.KeyBERT(model=mini)
    assert found.model.embedding_model is mini
    same(found.model.embed(PAPERS), "document", PAPERS)
    assert found.extract_keywords(PAPERS[0], top_n=2)


def test_langchain(folder: str, same: Same) -> None:
    huggingface = pytest.importorskip("langchain_huggingface")
    embeddings = huggingface.HuggingFaceEmbeddings(
        model_name=folder,
        model_kwargs={"trust_remote_code": True, "device": "cpu"},
        query_encode_kwargs={"task": "query"},
    )
    same(embeddings.embed_documents(PAPERS), "document", PAPERS)
    same([embeddings.embed_query(query) for query in QUERIES], "query", QUERIES)


def test_llama_index(folder: str, same: Same) -> None:
    """It sends queries with the name of a prompt, whose text it sets itself: a control code is the task."""
    huggingface = pytest.importorskip("llama_index.embeddings.huggingface")
    embedding = huggingface.HuggingFaceEmbedding(
        folder, trust_remote_code=True, device="cpu", query_instruction="[QRY]", text_instruction="[PRX]"
    )
    same(embedding.get_text_embedding_batch(PAPERS), "document", PAPERS)
    same([embedding.get_query_embedding(query) for query in QUERIES], "query", QUERIES)


def test_haystack(folder: str, same: Same) -> None:
    haystack = pytest.importorskip("haystack")
    embedders = pytest.importorskip("haystack_integrations.components.embedders.sentence_transformers")
    arguments: dict[str, Any] = {"model": folder, "trust_remote_code": True, "progress_bar": False, "token": None}
    arguments["device"] = haystack.utils.ComponentDevice.from_str("cpu")
    documents = embedders.SentenceTransformersDocumentEmbedder(**arguments)
    queries = embedders.SentenceTransformersTextEmbedder(**arguments, encode_kwargs={"task": "query"})
    embedded = documents.run([haystack.Document(content=text) for text in PAPERS])["documents"]
    same([document.embedding for document in embedded], "document", PAPERS)
    same([queries.run(query)["embedding"] for query in QUERIES], "query", QUERIES)


def test_txtai_with_a_folder(folder: str, same: Same) -> None:
    txtai = pytest.importorskip("txtai")
    index = txtai.Embeddings(
        method="sentence-transformers", path=folder, gpu=False, vectors={"trust_remote_code": True}
    )
    same(index.batchtransform(PAPERS, category="data"), "document", PAPERS)
    same(index.batchtransform(QUERIES, category="query"), "query", QUERIES)


def test_ragas(folder: str, same: Same) -> None:
    embeddings = pytest.importorskip("ragas.embeddings")
    huggingface = pytest.importorskip("langchain_huggingface")
    inner = huggingface.HuggingFaceEmbeddings(
        model_name=folder,
        model_kwargs={"trust_remote_code": True, "device": "cpu"},
        query_encode_kwargs={"task": "query"},
    )
    wrapped = embeddings.LangchainEmbeddingsWrapper(inner)
    same(wrapped.embed_documents(PAPERS), "document", PAPERS)
    same([wrapped.embed_query(query) for query in QUERIES], "query", QUERIES)


def test_mteb(mini: Specter2, same: Same) -> None:
    models = pytest.importorskip("mteb.models")
    from datasets import Dataset
    from mteb.types import PromptType
    from torch.utils.data import DataLoader

    encoder = models.SentenceTransformerEncoderWrapper(mini)

    class Metadata:
        name, type, modalities = "Papers", "Retrieval", ["text"]

    def encode(texts: list[str], side: Any) -> Any:
        batches = DataLoader(Dataset.from_dict({"text": texts}), batch_size=2)
        return encoder.encode(batches, task_metadata=Metadata(), hf_split="", hf_subset="", prompt_type=side)

    same(encode(PAPERS, PromptType.document), "document", PAPERS)
    same(encode(QUERIES, PromptType.query), "query", QUERIES)


def test_setfit(mini: Specter2, same: Same) -> None:
    setfit = pytest.importorskip("setfit")
    model = setfit.SetFitModel(model_body=mini, model_head=None)
    same(model.encode(PAPERS), "document", PAPERS)


def test_setfit_trains_one_adapter(mini: Specter2, tmp_path: Path) -> None:
    setfit = pytest.importorskip("setfit")
    from datasets import Dataset
    from sklearn.linear_model import LogisticRegression

    model = load_specter2("mini", device="cpu")
    model.train_adapters("proximity")
    classifier = setfit.SetFitModel(model_body=model, model_head=LogisticRegression())
    data = Dataset.from_dict({"text": ["soil water", "irrigation", "graph net", "neural graph"], "label": [0, 0, 1, 1]})
    arguments = setfit.TrainingArguments(str(tmp_path), max_steps=2, batch_size=2, report_to="none")
    setfit.Trainer(model=classifier, args=arguments, train_dataset=data).train()
    assert (model.encode_query(QUERIES) == mini.encode_query(QUERIES)).all()
    assert (model.encode_document(PAPERS) != mini.encode_document(PAPERS)).any()
    assert len(classifier.predict(PAPERS)) == len(PAPERS)
