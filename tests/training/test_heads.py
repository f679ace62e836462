"""Heads on embeddings of any size."""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch

from specter2_plugins import load_specter2
from specter2_plugins.training import load_heads, read_tasks_config
from specter2_plugins.training.heads import Head, save_heads
from tests.conftest import Oracle
from tests.training.conftest import CITATIONS, WriteConfig


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
