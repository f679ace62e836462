"""Queries that are learned among all papers of a task."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from specter2_plugins import load_specter2
from specter2_plugins.errors import TrainingError
from specter2_plugins.training import read_tasks_config, train_adapters, train_base
from specter2_plugins.training.corpus import NONE, number_papers
from specter2_plugins.training.examples import load_examples
from specter2_plugins.training.losses import CorpusLoss, make_loss
from tests.conftest import Oracle
from tests.training.conftest import CITATIONS, QUICK, SEARCH, TRIPLETS, WriteConfig

CORPUS = {**SEARCH, "loss": "corpus", "scale": 0.5, "input_fields": ["title", "abstract"]}


def write_searches(path: Path) -> Path:
    papers = [{"title": letter, "abstract": None} for letter in "abcd"]
    blank = {"title": " ", "abstract": None}
    rows = [
        {"query": "first", "candidates": [{**papers[0], "score": 1}, {**papers[1], "score": 0}, {**blank, "score": 0}]},
        {
            "query": "second",
            "candidates": [{**papers[2], "score": 2}, {**papers[0], "score": 1}, {**blank, "score": 1}],
        },
        {"query": "unanswered", "candidates": [{**papers[3], "score": 0}]},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_answers_are_numbered(write_config: WriteConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_searches(tmp_path / "searches.jsonl")
    (task,) = read_tasks_config(write_config({**CORPUS, "data_files": {"train": str(path)}}))
    assert task.adapters == ("adhoc_query",)
    examples = load_examples(task, "train", "[SEP]", 0, tmp_path / "tables")
    assert examples is not None
    papers, numbered = number_papers("search", {"train": examples})
    assert papers == ["a[SEP]", "b[SEP]", "c[SEP]", "d[SEP]"]
    assert "1 of its train searches have no query or no answer; left out" in caplog.text
    assert numbered["train"].to_list() == [
        {"anchor": "first", "label": [0, NONE], "record": 1},
        {"anchor": "second", "label": [0, 2], "record": 2},
    ]


def test_searches_without_an_answer(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    path = tmp_path / "searches.jsonl"
    path.write_text(json.dumps({"query": "a", "candidates": [{"title": "b", "abstract": None, "score": 0}]}) + "\n")
    config = write_config({**CORPUS, "data_files": {"train": str(path)}})
    with pytest.raises(TrainingError, match=r"^task 'search': no search of its train data has an answer$"):
        train_adapters(config, tmp_path / "out", oracle.models, options=QUICK)


def test_the_loss_is_the_mean_cross_entropy_of_the_answers(oracle: Oracle, write_config: WriteConfig) -> None:
    (task,) = read_tasks_config(write_config(CORPUS))
    torch.manual_seed(0)
    papers, queries = torch.randn(5, 8), torch.randn(2, 8, requires_grad=True)
    loss = make_loss(task, load_specter2(oracle.models, device="cpu"), 1.0, papers)
    assert isinstance(loss, CorpusLoss)
    measured = loss.compute_loss_from_embeddings([queries], torch.tensor([[3, NONE], [0, 4]]))

    chances = (-0.5 * torch.tensor([[(q - p).norm() for p in papers] for q in queries.detach()])).softmax(-1)
    expected = -(chances[0, 3].log() + (chances[1, 0].log() + chances[1, 4].log()) / 2) / 2
    torch.testing.assert_close(measured, expected)
    measured.backward()
    assert queries.grad is not None
    assert queries.grad.isfinite().all()


def test_queries_are_learned_and_papers_stay(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    config = write_config(CORPUS, CITATIONS)
    log: list[dict[str, float]] = []
    report = train_adapters(
        config,
        tmp_path / "out",
        oracle.models,
        options=replace(QUICK, epochs=4),
        log=lambda step, steps, found: log.append(found),
    )
    losses = [found["search_loss"] for found in log if "search_loss" in found]
    assert losses[-1] < losses[0]
    assert 0 < report.metrics["search_mrr"] <= 1
    before, after = (load_specter2(folder, device="cpu") for folder in (oracle.models, report.folder))
    assert (before.encode_document("soil") == after.encode_document("soil")).all()
    assert abs(before.encode_query("soil") - after.encode_query("soil")).max() > 1e-3


def test_a_resumed_run_ends_as_an_unbroken_one(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    config = write_config(CORPUS)
    options = replace(QUICK, batch_size=2, device_batch_size=2, epochs=3, every=2)

    def stop(step: int, steps: int, found: dict[str, float]) -> None:
        if step == 3:
            raise KeyboardInterrupt

    train_adapters(config, tmp_path / "unbroken", oracle.models, options=options)
    with pytest.raises(KeyboardInterrupt):
        train_adapters(config, tmp_path / "broken", oracle.models, options=options, log=stop)
    train_adapters(config, tmp_path / "broken", oracle.models, options=options, resume=True)
    before, unbroken, resumed = (
        load_specter2(folder, device="cpu").encode_query("soil")
        for folder in (oracle.models, tmp_path / "unbroken", tmp_path / "broken")
    )
    assert (unbroken == resumed).all()
    assert (unbroken != before).any()


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        pytest.param([CORPUS, TRIPLETS], "and what embeds them is trained in the same run", id="trained beside it"),
        pytest.param(
            [{**CORPUS, "ctrl_token": {"query": "[QRY]", "candidates": "mine"}}],
            "unknown task 'mine'",
            id="no such adapter",
        ),
    ],
)
def test_papers_need_an_adapter_that_stays(
    tasks: list[dict[str, Any]], message: str, oracle: Oracle, write_config: WriteConfig, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=f"^task 'search' embeds its papers .*{message}"):
        train_adapters(write_config(*tasks), tmp_path / "out", oracle.models, options=QUICK)


def test_a_base_cannot_stay(write_config: WriteConfig, oracle: Oracle, tmp_path: Path) -> None:
    base = load_specter2(oracle.models, adapters={}, device="cpu")
    with pytest.raises(TrainingError, match="and what embeds them is trained in the same run"):
        train_base(write_config(CORPUS), tmp_path / "out", base, options=QUICK)
