"""Batching by tokens gives what Sentence Transformers' own batching gives."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specter2_plugins import Paper, Specter2
from specter2_plugins.engine import texts as engine_texts
from tests.conftest import Oracle

WORDS = ("graph", "neural", "molecules", "retrieval", "of", "the", "papers", "query", "x")


@pytest.fixture(scope="module")
def reference(new_model: Callable[..., Specter2]) -> Specter2:
    return new_model(engine="reference")


def some_texts(count: int, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.choice((1, 3, 40, 200, 700)))) for _ in range(count)]


def assert_near(one: Any, other: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(one, other, atol=tolerance, rtol=0)


@pytest.mark.parametrize("task", ["query", "document", "classification", "regression", "base"])
def test_every_task(model: Specter2, reference: Specter2, task: str) -> None:
    assert model.transformer.engine == "auto"
    assert_near(model.encode(some_texts(40), task=task), reference.encode(some_texts(40), task=task))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(some_texts(30, seed=1)), min_size=1, max_size=12), st.integers(1, 5))
def test_any_order_and_batch_size(model: Specter2, reference: Specter2, texts: list[str], batch_size: int) -> None:
    expected = reference.encode(texts)
    assert_near(model.encode(texts), expected)
    assert_near(model.encode(texts, batch_size=batch_size), expected)


def test_more_texts_than_are_tokenized_at_once(
    model: Specter2, reference: Specter2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_texts, "_TEXTS_AT_ONCE", 7)
    assert_near(model.encode(some_texts(30)), reference.encode(some_texts(30)))


def test_mean_pooling_and_modules_after_it(mini: Specter2) -> None:
    from specter2_plugins import load_specter2

    texts = some_texts(12, seed=2)
    assert_near(mini.encode(texts), load_specter2("mini", device="cpu", engine="reference").encode(texts))


def test_prompts_stand_before_the_text(model: Specter2, reference: Specter2) -> None:
    texts = some_texts(5)
    assert_near(model.encode(texts, prompt="query : "), reference.encode([f"query : {text}" for text in texts]))


def test_outputs_of_encode(model: Specter2, reference: Specter2, oracle: Oracle) -> None:
    texts = some_texts(9)
    tensor = model.encode(texts, convert_to_tensor=True)
    assert isinstance(tensor, torch.Tensor)
    assert_near(tensor, reference.encode(texts))
    listed = model.encode(texts, convert_to_numpy=False)
    assert isinstance(listed, list)
    assert_near(torch.stack(listed), tensor)
    assert_near(np.linalg.norm(model.encode(texts, normalize_embeddings=True), axis=1), np.ones(9))
    assert model.encode(texts, truncate_dim=8).shape == (9, 8)
    assert model.encode(texts, precision="binary").dtype == np.int8
    assert model.encode([]).shape == (0,)
    assert model.encode(texts[0]).shape == (model.dimensions,)
    tokens = model.encode(texts, output_value="token_embeddings")
    for ours, theirs in zip(tokens, reference.encode(texts, output_value="token_embeddings"), strict=True):
        assert_near(ours, theirs)


def test_progress_counts_texts(model: Specter2, capsys: pytest.CaptureFixture[str]) -> None:
    model.encode(some_texts(9), show_progress_bar=True)
    assert "9/9" in capsys.readouterr().err
    model.encode(some_texts(9), show_progress_bar=False)
    assert capsys.readouterr().err == ""


def test_the_engine_runs_unless_something_speaks_against_it(
    model: Specter2, new_model: Callable[..., Specter2], caplog: pytest.LogCaptureFixture
) -> None:
    with torch.inference_mode():
        assert model.transformer.refusal("query") is None
    hooked = new_model()
    calls: list[int] = []
    hooked.transformer.model.encoder.layer[0].register_forward_hook(lambda *_: calls.append(1))
    with caplog.at_level(logging.DEBUG, logger="specter2_plugins"):
        assert_near(hooked.encode(some_texts(4)), model.encode(some_texts(4)))
    assert calls
    assert "the fast engine is not used: a hook is registered" in caplog.text


def test_bfloat16_is_near(model: Specter2, new_model: Callable[..., Specter2]) -> None:
    papers = [Paper("A title", "An abstract of the paper"), *some_texts(8)]
    narrow, exact = new_model(dtype="bfloat16").encode(papers), model.encode(papers)
    cosine = (narrow * exact).sum(1) / np.linalg.norm(narrow, axis=1) / np.linalg.norm(exact, axis=1)
    assert narrow.dtype == np.float32
    assert cosine.min() > 0.99
    assert not np.array_equal(narrow, exact)
