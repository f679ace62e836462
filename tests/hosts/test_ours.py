"""Hosts for which this package has a class: Chroma, LanceDB, txtai, LlamaIndex, ASReview."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specter2_plugins import Specter2
from tests.hosts.conftest import PAPERS, QUERIES

Same = Callable[..., None]


def test_chroma(same: Same, tmp_path: Path) -> None:
    chromadb = pytest.importorskip("chromadb")
    from specter2_plugins.hosts.chroma import Specter2EmbeddingFunction

    settings = chromadb.Settings(anonymized_telemetry=False)
    client = chromadb.PersistentClient(str(tmp_path), settings)
    made = client.create_collection("papers", embedding_function=Specter2EmbeddingFunction("mini", "cpu"))
    made.add(ids=["0", "1", "2"], documents=PAPERS)
    opened = client.get_collection("papers")  # by the registered name and the settings that it keeps
    function = opened.configuration["embedding_function"]
    assert isinstance(function, Specter2EmbeddingFunction)
    same(opened.get(ids=["0", "1", "2"], include=["embeddings"])["embeddings"], "document", PAPERS)
    same(function.embed_query(QUERIES), "query", QUERIES)
    assert opened.query(query_texts=QUERIES, n_results=1)["ids"] == [["1"], ["0"]]


def test_chroma_keeps_the_model_of_a_collection() -> None:
    pytest.importorskip("chromadb")
    from specter2_plugins.hosts.chroma import Specter2EmbeddingFunction

    function = Specter2EmbeddingFunction("mini", "cpu")
    with pytest.raises(ValueError, match="holds vectors of 'mini', not of 'other'"):
        function.validate_config_update(function.get_config(), {"model": "other"})


def test_lancedb(same: Same, tmp_path: Path) -> None:
    lancedb = pytest.importorskip("lancedb")
    from lancedb.embeddings import get_registry
    from lancedb.pydantic import LanceModel, Vector

    import specter2_plugins.hosts.lancedb  # noqa: F401  # registers

    function = get_registry().get("specter2").create(name="mini", device="cpu")

    class Row(LanceModel):
        text: str = function.SourceField()
        vector: Vector(function.ndims()) = function.VectorField()  # type: ignore[valid-type]

    table = lancedb.connect(str(tmp_path)).create_table("papers", schema=Row)
    table.add([{"text": text} for text in PAPERS])
    opened = lancedb.connect(str(tmp_path)).open_table("papers")
    rows = opened.to_arrow().to_pylist()
    same([row["vector"] for row in rows], "document", [row["text"] for row in rows])
    same(function.compute_query_embeddings(QUERIES[0]), "query", QUERIES[:1])
    assert [opened.search(query).limit(1).to_list()[0]["text"] for query in QUERIES] == [PAPERS[1], PAPERS[0]]


def test_txtai(same: Same, tmp_path: Path) -> None:
    txtai = pytest.importorskip("txtai")
    index = txtai.Embeddings(
        method="specter2_plugins.hosts.txtai.Specter2Vectors", path="mini", gpu=False, backend="numpy", content=False
    )
    index.index(PAPERS)
    same(index.batchtransform(PAPERS, category="data"), "document", PAPERS)
    same(index.batchtransform(QUERIES, category="query"), "query", QUERIES)
    index.save(str(tmp_path / "index"))
    opened = txtai.Embeddings()
    opened.load(str(tmp_path / "index"))
    assert [found[0][0] for found in opened.batchsearch(QUERIES, 1)] == [1, 0]


def test_llama_index(same: Same) -> None:
    core = pytest.importorskip("llama_index.core")
    from specter2_plugins.hosts.llama_index import Specter2Embedding

    embedding = Specter2Embedding("mini", device="cpu")
    same(embedding.get_text_embedding_batch(PAPERS), "document", PAPERS)
    same([embedding.get_query_embedding(query) for query in QUERIES], "query", QUERIES)
    same([asyncio.run(embedding.aget_query_embedding(query)) for query in QUERIES], "query", QUERIES)
    index = core.VectorStoreIndex([core.schema.TextNode(text=text) for text in PAPERS], embed_model=embedding)
    found = [index.as_retriever(similarity_top_k=1).retrieve(query)[0].text for query in QUERIES]
    assert found == [PAPERS[1], PAPERS[0]]


def test_asreview(mini: Specter2, records: Path) -> None:
    extensions = pytest.importorskip("asreview.extensions")
    import numpy as np
    import pandas as pd

    extractor = extensions.load_extension("models.feature_extractors", "specter2")(model="mini", device="cpu")
    table = pd.DataFrame({"title": [*PAPERS, None], "abstract": ["One.", None, "Three.", "Alone."]})
    papers: list[dict[str, Any]] = table.fillna("").to_dict("records")
    assert np.abs(extractor.fit_transform(table) - mini.encode_document(papers)).max() < 1e-5
    assert extractor.get_params() == {"model": "mini", "task": "proximity", "device": "cpu"}


def test_asreview_simulates_with_it(records: Path, tmp_path: Path) -> None:
    pytest.importorskip("asreview")
    settings = tmp_path / "settings.json"  # ASReview 3.0.8 opens TOML as text, which its own parser refuses
    cycle = {"querier": "max", "classifier": "svm", "balancer": "balanced", "feature_extractor": "specter2"}
    settings.write_text(json.dumps(cycle | {"feature_extractor_param": {"model": "mini", "device": "cpu"}}))
    command = [sys.executable, "-m", "asreview", "simulate", str(records), "--config-file", str(settings)]
    done = subprocess.run([*command, "--n-stop", "8"], capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
