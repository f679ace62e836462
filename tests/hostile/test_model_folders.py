"""Model folders that somebody made to be opened: one line, and no foreign code."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specter2_plugins import Specter2, load_specter2
from specter2_plugins.adapters.config import BottleneckConfig
from specter2_plugins.checkpoints.code import refuse_code
from specter2_plugins.checkpoints.saved import refuse_foreign, saved_modules
from specter2_plugins.errors import AdapterError, CheckpointError, Specter2Error
from specter2_plugins.sparse import load_splade
from tests.conftest import Oracle


@pytest.mark.parametrize("named", ["evil.Evil", "os.system", "sentence_transformersx.A", 5, None])
def test_foreign_modules_are_refused_before_anything_is_imported(tmp_path: Path, named: object) -> None:
    (tmp_path / "evil.py").write_text("raise SystemExit('run')")
    entries = [{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": named, "path": "1"}]
    (tmp_path / "modules.json").write_text(json.dumps(entries))
    with pytest.raises(CheckpointError, match="it is not run"):
        refuse_foreign(saved_modules(tmp_path), str(tmp_path))


@pytest.mark.parametrize("text", ["{", "5", "[5]", '[{"type": "a"}]', "[" * 100_000])
def test_damaged_modules(tmp_path: Path, text: str) -> None:
    (tmp_path / "modules.json").write_text(text)
    with pytest.raises(CheckpointError, match="is no list of modules"):
        saved_modules(tmp_path)


class Evil:
    def __reduce__(self) -> Any:
        return exec, ("from pathlib import Path; Path('ran').touch()",)


def edited(file: str, **settings: object) -> Callable[[Path], object]:
    """Return what changes settings of a file of JSON."""

    def edit(folder: Path) -> None:
        path = folder / file
        path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))

    return edit


def with_module(file: str = "", **settings: object) -> Callable[[Path], object]:
    """Return what changes the second module, or adds a dense one of some settings."""

    def edit(folder: Path) -> None:
        path = folder / "modules.json"
        modules = json.loads(path.read_text())
        if file:
            named = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
            modules.append(named)
            (folder / "2_Dense").mkdir()
            (folder / "2_Dense" / "config.json").write_text(json.dumps(settings))
            (folder / "2_Dense" / file).write_bytes(pickle.dumps(Evil()))
        else:
            modules[1].update(settings)
        path.write_text(json.dumps(modules))

    return edit


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))


def pickled_by_torch(folder: Path) -> None:
    import torch

    (folder / "model.safetensors").unlink()
    torch.save({"a": Evil()}, folder / "pytorch_model.bin")


ADAPTER = "adapters/proximity/adapter_config.json"
DENSE = {"in_features": 48, "out_features": 48, "bias": True, "activation_function": "torch.nn.modules.activation.Tanh"}
FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pickle": (pickled, "pytorch_model.bin"),
    "a pickle of torch's": (pickled_by_torch, "pytorch_model.bin cannot be read as plain tensors"),
    "layers without end": (edited("config.json", num_hidden_layers=10**9), "num_hidden_layers is 1000000000, and no"),
    "layers by far": (edited("config.json", num_hidden_layers=900), "config.json says num_hidden_layers is 900"),
    "layers of a part": (edited("config.json", text_config=[{"n_layer": 1e9}]), "n_layer is 1000000000.0, and no"),
    "labels without end": (edited("config.json", num_labels=10**9), "num_labels is 1000000000, and no"),
    "a size that is text": (edited("config.json", hidden_size="x"), "cannot load"),
    "another kind": (edited("config.json", model_type="evil"), "evil"),
    "a length that is text": (edited("sentence_bert_config.json", max_seq_length="x"), "max_seq_length is 'x'"),
    "a length below zero": (edited("sentence_bert_config.json", max_seq_length=-5), "max_seq_length is -5"),
    "an unknown type": (with_module(type="sentence_transformers.models.Nope"), "Nope"),
    "a function as a type": (with_module(type="sentence_transformers.util.http_get"), "has no attribute 'load'"),
    "a way out": (with_module(path="../../../etc"), "is no list of modules"),
    "two of a name": (with_module(name="0"), "is no list of modules"),
    "arguments that are none": (with_module(kwargs=5), "is no list of modules"),
    "an unknown key": (edited("1_Pooling/config.json", evil=7), "evil"),
    "a huge matrix": (
        with_module("a.bin", **{**DENSE, "in_features": 10**6, "out_features": 10**6}),
        "asks for 1000000",
    ),
    "a foreign activation": (with_module("a.bin", **{**DENSE, "activation_function": "evil.Evil"}), "it is not run"),
    "a module's pickle": (
        with_module("pytorch_model.bin", **{**DENSE, "in_features": 1}),
        "2_Dense/pytorch_model.bin cannot be read as plain tensors",
    ),
    "no list of layers": (edited(ADAPTER, config={"leave_out": 5}), "adapter_config.json"),
    "dropout that is text": (edited(ADAPTER, config={"dropout": "x"}), "adapter_config.json"),
}
"""Each with a part of the single line that it comes to."""


@pytest.fixture(scope="module")
def saved(model: Specter2, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    model.save_pretrained(str(folder))
    return folder


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_one_line(saved: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(saved, tmp_path / "model"))
    change, said = FOLDERS[name]
    change(folder)
    with pytest.raises(Specter2Error) as refused:
        load_specter2(folder, device="cpu")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("wrong", [{"leave_out": 5}, {"leave_out": ["a"]}, {"dropout": "x"}, {"dropout": None}])
def test_adapters_with_wrong_settings(wrong: dict[str, object]) -> None:
    right = {"mh_adapter": False, "output_adapter": True, "reduction_factor": 16, "non_linearity": "relu"}
    with pytest.raises(AdapterError, match=next(iter(wrong))):
        BottleneckConfig.from_dict({**right, **wrong})


KERNELS = {
    "config.json": [
        {"_attn_implementation_internal": "evil/kernel"},
        {"attn_implementation": "evil/kernel@main:run"},
        {"_attn_implementation": {"": "sdpa", "text_config": "evil/kernel"}},
        {"text_config": {"attn_implementation": "evil/kernel"}},
        {"experts_implementation": "evil/kernel"},
        {"use_kernels": True},
        {"trust_remote_code": True},
    ],
    "sentence_bert_config.json": [
        {"model_args": {"attn_implementation": "evil/kernel"}},
        {"model_args": {"trust_remote_code": True}},
        {"config_args": {"attn_implementation": "evil/kernel"}},
    ],
    "tokenizer_config.json": [{"trust_remote_code": True}],
}


@pytest.mark.parametrize(
    ("file", "settings"), [(file, one) for file, several in KERNELS.items() for one in several], ids=ascii
)
def test_code_on_the_hub_is_refused_before_transformers_reads_its_name(
    tmp_path: Path, oracle: Oracle, file: str, settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Path(shutil.copytree(oracle.base, tmp_path / "base"))
    path = base / file
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.is_file() else {}), **settings}))
    for part in ("transformers.AutoConfig", "transformers.AutoModel", "transformers.AutoTokenizer"):
        monkeypatch.setattr(f"{part}.from_pretrained", None)
    with pytest.raises(CheckpointError, match="not run") as refused:
        load_specter2(base, adapters={})
    assert str(path) in str(refused.value)
    with pytest.raises(CheckpointError, match="not run"):
        load_splade(base)


@pytest.mark.parametrize("settings", [{"attn_implementation": "sdpa"}, {"_attn_implementation": None, "url": "a/b"}])
def test_attentions_of_the_library_are_not(settings: dict[str, object]) -> None:
    refuse_code(settings, "config.json")
