"""Files that are not what they are called: each is told in one line, with its name and the way out."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, BertConfig, BertForMaskedLM

from specter2_plugins import AdapterError, CheckpointError, load_specter2
from specter2_plugins.errors import Specter2Error
from tests.conftest import Oracle

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 439756329\n"
NO_FILES: dict[str, tuple[bytes, str]] = {
    "a Git LFS pointer": (
        POINTER,
        "is a Git LFS pointer instead of the file: run `git lfs install` and `git lfs pull`",
    ),
    "a login page": (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "is an HTML page instead of the file"),
    "an error page": (b"\xef\xbb\xbf  <HTML>404</HTML>", "is an HTML page instead of the file"),
    "an XML error": (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "is an XML page instead of the file"),
    "nothing": (b"", "is empty: download it again"),
    "a text": (b"not found", "holds no (safetensors|PyTorch weights)"),
    "zeros": (bytes(4096), r"holds no (safetensors|PyTorch weights)|is cut off"),
}
FILES = ["model.safetensors", "pytorch_model.bin", "adapter.safetensors", "pytorch_adapter.bin"]


@pytest.fixture
def base(oracle: Oracle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(oracle.base, tmp_path / "base"))


def as_pickle(folder: Path, **settings: bool) -> Path:
    """Keep a base's weights as PyTorch's own format alone."""
    safe = folder / "model.safetensors"
    torch.save(load_file(safe), folder / "pytorch_model.bin", **settings)
    safe.unlink()
    return folder / "pytorch_model.bin"


def said(call: Callable[[], object], kind: type[Specter2Error] = CheckpointError) -> str:
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    assert "weights_only" not in text
    assert len(text) < 800
    return text


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_file_of_weights(name: str, what: str, base: Path, oracle: Oracle, tmp_path: Path) -> None:
    content, message = NO_FILES[what]
    if name.startswith(("adapter", "pytorch_adapter")):
        folder = Path(shutil.copytree(oracle.adapters / "seq_bn", tmp_path / "adapter"))
        for path in folder.glob("*adapter.*"):
            path.unlink()
        kind: type[Specter2Error] = AdapterError
    else:
        folder, kind = base, CheckpointError
        (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(content)
    adapters = {"proximity": tmp_path / "adapter"} if kind is AdapterError else {}
    with pytest.raises(kind, match=message) as caught:
        load_specter2(base, adapters=adapters, device="cpu")
    assert str(folder / name) in str(caught.value)
    assert "weights_only" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "vocab.txt"])
@pytest.mark.parametrize("content", [POINTER, b"<html>", b""])
def test_what_is_no_config(name: str, content: bytes, base: Path) -> None:
    (base / name).write_bytes(content)
    assert str(base / name) in said(lambda: load_specter2(base, adapters={}))


@pytest.mark.parametrize("kept", [0.999, 0.5, 0.01])
@pytest.mark.parametrize("form", ["safetensors", "zip", "legacy"])
def test_weights_that_are_cut_off(form: str, kept: float, base: Path) -> None:
    path = base / "model.safetensors"
    if form != "safetensors":
        path = as_pickle(base, _use_new_zipfile_serialization=form == "zip")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    text = said(lambda: load_specter2(base, adapters={}))
    assert str(path) in text
    assert "download it again" in text


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_a_pickle_with_code_is_not_run(form: str, base: Path, tmp_path: Path) -> None:
    path = as_pickle(base)
    torch.save({"a": Malicious(tmp_path / "ran")}, path, _use_new_zipfile_serialization=form == "zip")
    text = said(lambda: load_specter2(base, adapters={}))
    assert str(path) in text
    assert "it holds code (posix.mkdir), which is not run; take the safetensors" in text
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [[1, 2], {"a": "text"}, torch.ones(2), {"a": torch.ones(2)}])
def test_a_pickle_of_something_else(content: object, base: Path) -> None:
    path = as_pickle(base)
    torch.save(content, path)
    assert str(path) in said(lambda: load_specter2(base, adapters={}))


def altered(base: Path, alter: Callable[[dict[str, torch.Tensor]], object]) -> None:
    weights = load_file(base / "model.safetensors")
    alter(weights)
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})


WORDS = "embeddings.word_embeddings.weight"
LAST = "encoder.layer.2.output.dense.bias"


def test_weights_of_another_shape(base: Path) -> None:
    altered(base, lambda weights: weights.update({WORDS: torch.zeros(100, 48)}))
    text = said(lambda: load_specter2(base, adapters={}))
    assert f"{base / 'model.safetensors'}: {WORDS} has the shape [100, 48], and config.json asks for [227, 48]" in text


def test_weights_that_lack_some_are_not_made_up(base: Path) -> None:
    altered(base, lambda weights: weights.pop(LAST))
    assert f"model.safetensors lacks 1 tensors that config.json asks for, the first {LAST}" in said(
        lambda: load_specter2(base, adapters={})
    )


def test_weights_with_more_layers_than_the_config(base: Path) -> None:
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 2}))
    assert "holds 3 layers, and config.json says num_hidden_layers is 2" in said(
        lambda: load_specter2(base, adapters={})
    )


def test_what_no_embedding_meets_may_be_missing_and_old_names_are_known(base: Path) -> None:
    expected = load_specter2(base, adapters={}, device="cpu").encode("a text")

    def alter(weights: dict[str, torch.Tensor]) -> None:
        for key in list(weights):
            value = weights.pop(key)
            if not key.startswith("pooler."):
                weights[f"bert.{key}".replace("LayerNorm.weight", "LayerNorm.gamma")] = value

    altered(base, alter)
    assert (load_specter2(base, adapters={}, device="cpu").encode("a text") == expected).all()


def test_a_masked_language_model_and_several_parts(base: Path, tmp_path: Path) -> None:
    model = BertForMaskedLM(BertConfig.from_pretrained(base))
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        (tmp_path / "lm").mkdir(exist_ok=True)
        shutil.copy(base / name, tmp_path / "lm" / name)
    model.save_pretrained(tmp_path / "lm", max_shard_size="50KB")
    parts = sorted((tmp_path / "lm").glob("model-*.safetensors"))
    assert len(parts) > 1
    assert load_specter2(tmp_path / "lm", adapters={}, device="cpu").dimensions == 48
    parts[1].unlink()
    text = said(lambda: load_specter2(tmp_path / "lm", adapters={}))
    assert f"names {parts[1].name!r}, which is not there: download it again" in text


@pytest.mark.parametrize(("file", "what"), [("tf_model.h5", "TensorFlow"), ("model.onnx", "ONNX"), (None, "expected")])
def test_a_base_without_weights(file: str | None, what: str, base: Path) -> None:
    (base / "model.safetensors").unlink()
    if file is not None:
        (base / file).touch()
    text = said(lambda: load_specter2(base, adapters={}))
    assert f"{base} holds no weights: expected model.safetensors or pytorch_model.bin" in text
    assert what in text


# --- the folders that Sentence Transformers writes ---


@pytest.fixture
def saved(oracle: Oracle, tmp_path: Path) -> Path:
    SentenceTransformer(str(oracle.base), device="cpu").save_pretrained(str(tmp_path / "saved"))
    return tmp_path / "saved"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("1_Pooling/config.json", {"embedding_dimension": 48, "pooling_mode": "mean", "colour": "blue"}),
        ("1_Pooling/config.json", {"embedding_dimension": 48, "pooling_mode": "middle"}),
        ("1_Pooling/config.json", {"pooling_mode": "mean"}),
        ("1_Pooling/config.json", {"embedding_dimension": "many", "pooling_mode": 5}),
        ("1_Pooling/config.json", []),
        ("1_Pooling/config.json", None),
        ("modules.json", [{"type": "sentence_transformers.models.Transformer", "path": 5}]),
        ("modules.json", [{"type": "sentence_transformers.models.Transformer", "path": "../../etc"}]),
        ("modules.json", [{"type": "sentence_transformers.models.Transformer", "path": "/etc"}]),
        ("modules.json", [{"type": "sentence_transformers.models.Transfigurator", "path": ""}]),
        (
            "modules.json",
            [
                {"type": "sentence_transformers.models.Transformer", "path": ""},
                {"type": "sentence_transformers.models.Swimming", "path": "1_Pooling"},
            ],
        ),
        ("sentence_bert_config.json", {"max_seq_length": 128, "colour": "blue"}),
        ("sentence_bert_config.json", []),
        ("config.json", []),
        ("config.json", {"model_type": "bert", "hidden_size": "wide"}),
        ("config.json", {"model_type": "bert", "num_attention_heads": 0}),
        ("tokenizer_config.json", []),
    ],
)
def test_configs_that_are_none(file: str, content: object, saved: Path) -> None:
    text = "{" if content is None else json.dumps(content)
    (saved / file).write_text(text)
    assert str(saved) in said(lambda: load_specter2(saved, adapters={}, device="cpu"))


def test_the_files_of_a_model_of_ours(oracle: Oracle, tmp_path: Path) -> None:
    load_specter2(oracle.models, device="cpu").save_pretrained(str(tmp_path))
    for file, content in [
        ("1_Pooling/config.json", b'{"embedding_dimension": 48, "colour": 1}'),
        ("sentence_bert_config.json", b'{"adapter_tasks": ["../../evil"]}'),
        ("sentence_bert_config.json", b'{"adapter_tasks": 5}'),
        ("sentence_bert_config.json", b'{"adapter_tasks": ["proximity", "gone"]}'),
        ("model.safetensors", POINTER),
        ("adapters/proximity/adapter.safetensors", POINTER),
        ("adapters/proximity/adapter_config.json", b'{"config": {"leave_out": 5}}'),
        ("config_sentence_transformers.json", b"[]"),
    ]:
        kept = (tmp_path / file).read_bytes()
        (tmp_path / file).write_bytes(content)
        text = said(lambda: load_specter2(tmp_path, device="cpu"), Specter2Error)
        assert str(tmp_path) in text, file
        (tmp_path / file).write_bytes(kept)
    assert load_specter2(tmp_path, device="cpu").encode_query("a").shape == (48,)


def test_other_architectures_are_left_to_transformers(tmp_path: Path, base: Path) -> None:
    config = {"model_type": "distilbert", "vocab_size": 227, "dim": 48, "hidden_dim": 8, "n_layers": 1, "n_heads": 4}
    (base / "config.json").write_text(json.dumps(config))
    (base / "model.safetensors").unlink()
    from transformers import AutoConfig

    AutoModel.from_config(AutoConfig.from_pretrained(base)).save_pretrained(base)
    assert load_specter2(base, adapters={}, device="cpu").dimensions == 48
