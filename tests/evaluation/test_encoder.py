"""Embeddings are computed once, and never taken for those of another model or text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from specter2_plugins import Specter2
from specter2_plugins.errors import EvaluationError, PaperError
from specter2_plugins.evaluation.encoder import Encoder

DOCUMENTS = [("Graphs", "Nodes and edges."), ("Trees",), ()]


@pytest.fixture
def counted(new_model: Callable[..., Specter2], monkeypatch: pytest.MonkeyPatch) -> tuple[Specter2, list[int]]:
    """A model of its own, and how many texts each of its calls embedded."""
    model, calls = new_model(), []
    encode = model.encode

    def count(texts: Any, **kwargs: Any) -> Any:
        calls.append(len(texts))
        return encode(texts, **kwargs)

    monkeypatch.setattr(model, "encode", count)
    return model, calls


def test_a_second_run_embeds_nothing(counted: Any, tmp_path: Path) -> None:
    model, calls = counted
    first = Encoder(model, cache=tmp_path / "new" / "cache").embed(DOCUMENTS, "proximity")
    again = Encoder(model, cache=tmp_path / "new" / "cache").embed(DOCUMENTS, "proximity")
    assert calls == [3]
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, model.encode(["Graphs[SEP]Nodes and edges.", "Trees", "[SEP]"]))


def test_texts_are_shared_by_tasks_and_asked_for_in_any_order(counted: Any, tmp_path: Path) -> None:
    model, calls = counted
    encoder = Encoder(model, cache=tmp_path)
    first = encoder.embed(DOCUMENTS[:2], "proximity")
    both = encoder.embed([*DOCUMENTS[::-1], DOCUMENTS[0]], "proximity")
    assert calls == [2, 1]
    np.testing.assert_array_equal(both[[2, 1, 3]], first[[0, 1, 0]])
    np.testing.assert_array_equal(Encoder(model, cache=tmp_path).embed(DOCUMENTS[::-1], "proximity"), both[:3])
    assert calls == [2, 1]


def test_a_run_that_stops_keeps_what_was_done(counted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specter2_plugins.evaluation.cache._BLOCK", 2)
    model, calls = counted
    with pytest.raises(PaperError, match="lone surrogate"):
        Encoder(model, cache=tmp_path).embed([*DOCUMENTS[:2], ("\ud800",)], "proximity")
    Encoder(model, cache=tmp_path).embed(DOCUMENTS, "proximity")
    assert calls == [2, 1, 1]


def _other_weight(model: Specter2) -> None:
    with torch.no_grad():
        next(iter(model.transformer.adapters.state_of("proximity").values())).flatten()[0].add_(1e-3)


def _fewer_dimensions(model: Specter2) -> None:
    model.truncate_dim = 8


def _fewer_tokens(model: Specter2) -> None:
    model.max_seq_length = 4


def _precision(model: Specter2) -> None:
    model.to(torch.bfloat16)


@pytest.mark.parametrize("change", [_other_weight, _fewer_dimensions, _fewer_tokens, _precision])
def test_a_changed_model_embeds_anew(counted: Any, tmp_path: Path, change: Callable[[Specter2], None]) -> None:
    model, calls = counted
    Encoder(model, cache=tmp_path).embed(DOCUMENTS, "proximity")
    change(model)
    found = Encoder(model, cache=tmp_path).embed(DOCUMENTS, "proximity")
    assert calls == [3, 3]
    assert found.shape == (3, model.dimensions)


def test_adapters_do_not_share_embeddings(counted: Any, tmp_path: Path) -> None:
    model, calls = counted
    encoder = Encoder(model, cache=tmp_path)
    proximity, query = encoder.embed(DOCUMENTS, "proximity"), encoder.embed(DOCUMENTS, "adhoc_query")
    assert calls == [3, 3]
    assert not np.allclose(proximity, query)
    np.testing.assert_array_equal(Encoder(model, "proximity", tmp_path).embed(DOCUMENTS, "adhoc_query"), proximity)
    assert calls == [3, 3]


def test_a_changed_text_is_embedded_anew(counted: Any, tmp_path: Path) -> None:
    model, calls = counted
    Encoder(model, cache=tmp_path).embed(DOCUMENTS, "proximity")
    changed = Encoder(model, cache=tmp_path).embed([*DOCUMENTS[:2], ("changed",)], "proximity")
    assert calls == [3, 1]
    np.testing.assert_allclose(changed[2], model.encode("changed"), atol=1e-6)


@pytest.mark.parametrize(
    ("header", "size"),
    [(b"", 0), (b"", 20), (b"", -4), (b"PK\x03\x04", None), (b"\x93NUMPY\x01\x00\x0a\x00{'descr': ((", None)],
)
def test_a_file_that_was_cut_off_or_damaged_is_not_used(
    counted: Any, tmp_path: Path, header: bytes, size: int | None
) -> None:
    model, calls = counted
    whole = Encoder(model, cache=tmp_path).embed(DOCUMENTS, "proximity")
    (file,) = tmp_path.glob("*/*.npy")
    bytes_of_file = file.read_bytes()
    file.unlink()
    file.write_bytes(header + bytes_of_file[len(header) : size])
    np.testing.assert_array_equal(Encoder(model, cache=tmp_path).embed(DOCUMENTS, "proximity"), whole)
    assert calls == [3, 3]
    assert file.read_bytes() == bytes_of_file


def test_a_run_that_stops_while_writing_leaves_nothing_to_be_found(
    counted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, calls = counted

    def stop(file: Any, vectors: Any) -> None:
        file.write(b"\x93NUMPY")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            Encoder(model, cache=tmp_path).embed(DOCUMENTS, "proximity")
    assert list(tmp_path.glob("*/*")) == []
    Encoder(model, cache=tmp_path).embed(DOCUMENTS, "proximity")
    assert calls == [3, 3]


def test_a_cache_that_is_no_folder_says_so(counted: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EvaluationError, match=r"embeddings cannot be kept in .*file"):
        Encoder(counted[0], cache=tmp_path / "file").embed(DOCUMENTS, "proximity")


def test_nothing_to_embed(model: Specter2) -> None:
    assert Encoder(model).embed([], "proximity").shape == (0, model.dimensions)
