"""Batching by tokens gives what Sentence Transformers' own batching gives."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer

from specter2_plugins import Paper, Specter2, TaskError, load_specter2
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


@pytest.mark.parametrize("plainly", [False, True])
def test_a_control_code_as_a_prompt_chooses_the_adapter(model: Specter2, tmp_path: Path, plainly: bool) -> None:
    """Programs that set an instruction, and know of no tasks, load a folder by themselves."""
    texts, encoder = ["graphs of papers", "soil"], model
    if plainly:
        model.save_pretrained(str(tmp_path))
        encoder = SentenceTransformer(str(tmp_path), device="cpu", trust_remote_code=True)
    for code, task in (("[QRY]", "query"), ("[PRX]", "document"), ("[CLF]", "classification")):
        expected = model.encode(texts, task=task)
        assert_near(encoder.encode(texts, prompt=code), expected)
        assert_near(encoder.encode(texts, prompt=code, output_value="token_embeddings")[1][0], expected[1])
        encoder.prompts["instruction"] = code
        assert_near(encoder.encode(texts, prompt_name="instruction"), expected)
        assert_near(encoder.encode(texts, prompt=code, task="regression"), model.encode(texts, task="regression"))
    assert_near(encoder.encode(texts, prompt="[QRY] "), model.encode([f"[QRY] {text}" for text in texts]))
    del encoder.prompts["instruction"]


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


MIXED = ["query", "document", "classification", "base", None]


def test_a_task_for_each_input(model: Specter2, reference: Specter2) -> None:
    texts = some_texts(40, seed=3)
    tasks = [MIXED[position % len(MIXED)] for position in range(40)]
    expected = np.stack([reference.encode(text, task=task) for text, task in zip(texts, tasks, strict=True)])
    for encoder in (model, reference):
        assert_near(encoder.encode(texts, task=tasks), expected)
        assert_near(encoder.encode(texts, task=tasks, batch_size=7), expected)
        tokens = encoder.encode(texts[:9], task=tasks[:9], output_value="token_embeddings")
        assert_near(np.stack([rows[0] for rows in tokens]), expected[:9])
    assert_near(model.encode(texts, task=tasks, prompt="a ", convert_to_tensor=True).shape, expected.shape)


def test_tasks_must_be_known_and_as_many_as_inputs(model: Specter2) -> None:
    with pytest.raises(TaskError, match="2 tasks for 3 inputs"):
        model.encode(["a", "b", "c"], task=["query", "document"])
    with pytest.raises(TaskError, match="1 tasks for one input"):
        model.encode("a", task=["query"])
    with pytest.raises(TaskError, match="unknown task 'quary'"):
        model.encode(["a", "b"], task=["query", "quary"])


def test_batches_are_reported_with_their_tokens(model: Specter2) -> None:
    texts = some_texts(9)
    seen: list[tuple[int, int]] = []
    model.encode(texts, on_pass=lambda done, tokens: seen.append((done, tokens)))
    lengths = [len(ids) for ids in model.tokenizer(texts, truncation=True, max_length=512)["input_ids"]]
    assert np.sum(seen, axis=0).tolist() == [9, sum(lengths)]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads the workers' environment from /proc")
def test_workers_share_the_threads(model: Specter2, reference: Specter2) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(6)
    try:
        pool = model.start_multi_process_pool(["cpu", "cpu"])
    finally:
        torch.set_num_threads(before)
    try:
        texts = some_texts(8)
        tasks = ["query", "document"] * 4
        assert_near(model.encode(texts, task=tasks, pool=pool, chunk_size=1), reference.encode(texts, task=tasks))
        for process in pool["processes"]:
            environment = Path(f"/proc/{process.pid}/environ")
            while not environment.read_bytes().strip(b"\0"):  # a worker that no chunk has needed is still starting
                assert process.is_alive()
            assert b"OMP_NUM_THREADS=3" in environment.read_bytes().split(b"\0")
    finally:
        model.stop_multi_process_pool(pool)
    assert os.environ["OMP_NUM_THREADS"] == "1"


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


@pytest.mark.parametrize("edit", ["in place", "through data", "replaced", "an adapter's"])
def test_a_fingerprint_is_taken_again_once_weights_have_changed(oracle: Oracle, edit: str) -> None:
    model = load_specter2(oracle.models, device="cpu")
    before = model.fingerprint("proximity"), model.fingerprint("classification")
    weight = model.transformer.model.get_input_embeddings().weight
    with torch.no_grad():
        if edit == "in place":
            weight.add_(1)
        elif edit == "through data":
            weight.data.add_(1)
        elif edit == "replaced":
            weight.data = weight + 1
        else:
            next(model.transformer.adapters.parameters_of("proximity")).add_(1)
    after = model.fingerprint("proximity"), model.fingerprint("classification")
    assert after[0] != before[0]
    assert (after[1] == before[1]) == (edit == "an adapter's")


def test_a_fingerprint_of_the_same_weights_hashes_them_once(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_specter2(oracle.models, device="cpu")
    first = model.fingerprint()
    monkeypatch.setattr("specter2_plugins.fingerprint.digest", lambda weights: pytest.fail("hashed again"))
    assert model.fingerprint() == first
