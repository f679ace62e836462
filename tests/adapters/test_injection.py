"""Adapters in a plain transformers BERT."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoTokenizer, BertModel, DistilBertConfig, DistilBertModel

from specter2_plugins import AdapterError
from specter2_plugins.adapters import load_adapter, prepare, use_adapter
from tests.conftest import Oracle


@pytest.fixture(scope="module")
def bert(oracle: Oracle) -> BertModel:
    model = BertModel.from_pretrained(oracle.base).eval()
    prepare(model)
    return model


@pytest.fixture(scope="module")
def batch(oracle: Oracle) -> Any:
    return AutoTokenizer.from_pretrained(oracle.base)(oracle.queries, padding=True, return_tensors="pt")


@torch.no_grad()
def embed(bert: BertModel, batch: Any) -> Tensor:
    return bert(**batch).last_hidden_state[:, 0]


def test_prepare_changes_neither_weights_nor_vectors(oracle: Oracle, batch: Any) -> None:
    plain = BertModel.from_pretrained(oracle.base).eval()
    before, vectors = {key: value.clone() for key, value in plain.state_dict().items()}, embed(plain, batch)
    prepare(plain)
    prepare(plain)
    after = plain.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert torch.equal(embed(plain, batch), vectors)


def test_the_adapter_in_use_computes(bert: BertModel, batch: Any, oracle: Oracle) -> None:
    folder = oracle.models / "adapters"
    queries, papers = (load_adapter(folder / task, bert.config) for task in ("adhoc_query", "proximity"))
    rows = slice(-len(oracle.queries), None)
    with use_adapter(queries):
        torch.testing.assert_close(embed(bert, batch), oracle.vectors["adhoc_query"][rows], rtol=0, atol=1e-5)
        with use_adapter(papers):
            torch.testing.assert_close(embed(bert, batch), oracle.vectors["proximity"][rows], rtol=0, atol=1e-5)
        with use_adapter(None):
            torch.testing.assert_close(embed(bert, batch), oracle.vectors["base"][rows], rtol=0, atol=1e-5)
        torch.testing.assert_close(embed(bert, batch), oracle.vectors["adhoc_query"][rows], rtol=0, atol=1e-5)
    torch.testing.assert_close(embed(bert, batch), oracle.vectors["base"][rows], rtol=0, atol=1e-5)


def test_an_error_inside_leaves_no_adapter_behind(bert: BertModel, batch: Any, oracle: Oracle) -> None:
    adapter = load_adapter(oracle.models / "adapters" / "proximity", bert.config)
    with pytest.raises(RuntimeError, match="stop"), use_adapter(adapter):
        raise RuntimeError("stop")
    rows = slice(-len(oracle.queries), None)
    torch.testing.assert_close(embed(bert, batch), oracle.vectors["base"][rows], rtol=0, atol=1e-5)


async def _through(name: str, bert: BertModel, batch: Any, oracle: Oracle) -> Tensor:
    with use_adapter(load_adapter(oracle.models / "adapters" / name, bert.config)):
        await asyncio.sleep(0)
        return embed(bert, batch)


def test_async_tasks_do_not_see_each_others_adapter(bert: BertModel, batch: Any, oracle: Oracle) -> None:
    names = ["proximity", "adhoc_query", "regression"]

    async def together() -> list[Tensor]:
        return await asyncio.gather(*(_through(name, bert, batch, oracle) for name in names))

    for name, vectors in zip(names, asyncio.run(together()), strict=True):
        torch.testing.assert_close(vectors, oracle.vectors[name][-len(vectors) :], rtol=0, atol=1e-5)


def test_other_architectures_are_refused() -> None:
    other = DistilBertModel(DistilBertConfig(vocab_size=9, dim=8, hidden_dim=8, n_layers=1, n_heads=1))
    with pytest.raises(AdapterError, match=r'is a DistilBertModel; .*BertModel.*engine="adapterhub"'):
        prepare(other)
