"""Heads on embeddings of any size."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import torch

from specter2_plugins import load_specter2
from specter2_plugins.training import load_heads, read_tasks_config, train_adapters
from specter2_plugins.training.heads import Head, save_heads
from tests.conftest import Oracle
from tests.training.conftest import CITATIONS, QUICK, TRIPLETS, WriteConfig


def test_normalised_embeddings_are_scaled_up(oracle: Oracle, write_config: WriteConfig) -> None:
    (task,) = read_tasks_config(write_config(CITATIONS))
    assert Head.of(task, load_specter2(oracle.models, device="cpu")).scale == 1
    normalised = load_specter2("mini", device="cpu")
    head = Head.of(task, normalised)
    assert head.scale == math.sqrt(384)
    embeddings = normalised.encode(["soil", "graphs"], convert_to_tensor=True)
    torch.testing.assert_close((head.scale * embeddings).std(1), torch.ones(2), rtol=0.01, atol=0)


def test_a_saved_head_predicts_the_same(tmp_path: Path) -> None:
    head = Head(8, "classification", ("a", "b"), multi_label=True, scale=3.0).eval()
    save_heads({"topic": head}, tmp_path)
    embeddings = torch.randn(16, 8)
    loaded = load_heads(tmp_path)["topic"]
    assert torch.equal(loaded(embeddings), head(embeddings))
    assert loaded.predict(embeddings) == head.predict(embeddings)


def test_a_head_saved_without_a_scale_has_none(tmp_path: Path) -> None:
    save_heads({"year": Head(8, "regression")}, tmp_path)
    described = json.loads((tmp_path / "heads.json").read_text())
    del described["year"]["scale"]
    (tmp_path / "heads.json").write_text(json.dumps(described))
    assert load_heads(tmp_path)["year"].scale == 1


def test_heads_learn_at_their_own_rate(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    config = write_config({**CITATIONS, "sample_size": {"dev": 0}}, {**TRIPLETS, "sample_size": {"dev": 0}})
    heads, adapters = {}, {}
    for name, rates in {"none": (1e-12, None), "adapters": (1e-2, 1e-12), "both": (1e-2, 1e-2)}.items():
        options = replace(QUICK, epochs=1, learning_rate=rates[0], head_learning_rate=rates[1])
        folder = train_adapters(config, tmp_path / name, oracle.models, options=options).folder
        heads[name] = load_heads(folder)["cite_count"].linear.weight
        adapters[name] = load_specter2(folder, device="cpu").encode("soil", task="regression")
    torch.testing.assert_close(heads["adapters"], heads["none"], rtol=0, atol=1e-6)
    assert (heads["both"] - heads["none"]).abs().max() > 1e-3
    assert abs(adapters["adapters"] - adapters["none"]).max() > 1e-3


def test_a_rate_for_heads_where_there_are_none(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    options = replace(QUICK, epochs=1, head_learning_rate=1e-3)
    report = train_adapters(write_config(TRIPLETS), tmp_path / "out", oracle.models, options=options)
    assert report.steps == 1
