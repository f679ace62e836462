"""The adapters library as engine: what only it can run, and where it would fail silently."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from specter2_plugins import AdapterError, Specter2, load_specter2
from specter2_plugins.adapters import BottleneckConfig
from tests.conftest import Oracle

library: Any = pytest.importorskip("adapters")
NewModel = Callable[..., Specter2]


@pytest.fixture(params=["lora", "prefix_tuning", "seq_bn_inv", "unipelt"])
def foreign(request: pytest.FixtureRequest, oracle: Oracle, tmp_path: Path) -> tuple[Path, np.ndarray]:
    """An adapter that this package does not run, and the library's own vectors of the oracle's queries."""
    base = library.AutoAdapterModel.from_pretrained(oracle.base)
    torch.manual_seed(0)
    config = library.AdapterConfig.load(request.param)
    base.add_adapter("theirs", config=config, set_active=True)
    with torch.no_grad():
        for name, parameter in base.named_parameters():
            if ".theirs." in name:
                parameter.normal_(std=0.2)
    base.eval()
    base.save_adapter(str(tmp_path / "theirs"), "theirs")
    tokenizer = load_specter2(oracle.base, device="cpu").tokenizer
    batch = tokenizer(oracle.queries, padding=True, return_tensors="pt", return_token_type_ids=False)
    with torch.no_grad():
        return tmp_path / "theirs", base(**batch).last_hidden_state[:, 0].numpy()


def test_what_only_the_library_runs(
    foreign: tuple[Path, np.ndarray], new_model: NewModel, oracle: Oracle, tmp_path: Path
) -> None:
    folder, expected = foreign
    with pytest.raises(AdapterError, match=r'load_specter2\(..., engine="adapterhub"\)'):
        new_model(adapters={"adhoc_query": folder})
    model = new_model(adapters={"adhoc_query": folder}, engine="adapterhub")
    np.testing.assert_allclose(model.encode_query(oracle.queries), expected, rtol=0, atol=1e-5)
    assert np.abs(expected - oracle.vectors["base"][-len(expected) :].numpy()).max() > 1e-2

    model.save_pretrained(str(tmp_path / "saved"))
    np.testing.assert_allclose(model.encode_query(oracle.queries), expected, rtol=0, atol=1e-5)
    assert "adapters" not in json.loads((tmp_path / "saved" / "config.json").read_text(encoding="utf-8"))
    saved = load_specter2(tmp_path / "saved", engine="adapterhub", device="cpu")
    np.testing.assert_allclose(saved.encode_query(oracle.queries), expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        saved.encode(oracle.queries, task="base"), oracle.vectors["base"][-len(expected) :], rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("safe_serialization", [True, False])
@pytest.mark.parametrize("name", ["own_layer_norms", "double_seq_bn"])
def test_saved_by_either_engine_loads_in_the_other(
    name: str, safe_serialization: bool, new_model: NewModel, oracle: Oracle, tmp_path: Path
) -> None:
    """Adapters with `ln_before` hold a weight twice, which the library cannot write as safetensors."""
    for writer, reader in (("adapterhub", "auto"), ("auto", "adapterhub")):
        model = new_model(adapters={"proximity": oracle.adapters / name}, engine=writer)
        model.save_pretrained(str(tmp_path / writer), safe_serialization=safe_serialization)
        loaded = load_specter2(tmp_path / writer, engine=reader, device="cpu")
        np.testing.assert_allclose(loaded.encode(oracle.inputs), oracle.vectors[name], rtol=0, atol=1e-5)


def test_saving_again_in_the_other_format_leaves_no_old_weights(
    new_model: NewModel, oracle: Oracle, tmp_path: Path
) -> None:
    for name, safe_serialization in (("double_seq_bn", True), ("residual_after_ln", False), ("par_bn", True)):
        model = new_model(adapters={"proximity": oracle.adapters / name}, engine="adapterhub")
        model.save_pretrained(str(tmp_path), safe_serialization=safe_serialization)
        saved = load_specter2(tmp_path, device="cpu")
        np.testing.assert_allclose(saved.encode(oracle.queries), oracle.vectors[name][-4:], rtol=0, atol=1e-5)


@pytest.fixture
def adapter(oracle: Oracle, tmp_path: Path) -> Path:
    """A copy of an adapter, to be damaged."""
    return Path(shutil.copytree(oracle.adapters / "seq_bn", tmp_path / "adapter"))


def test_missing_weights_are_no_random_weights(adapter: Path, new_model: NewModel) -> None:
    file = adapter / "pytorch_adapter.bin"
    state = torch.load(file, weights_only=True)
    torch.save({key: value for key, value in state.items() if "layer.1" not in key}, file)
    with pytest.raises(AdapterError, match=r"lack.*layer.1.output.adapters"):
        new_model(adapters={"proximity": adapter}, engine="adapterhub")


@pytest.mark.parametrize(
    ("field", "value"), [("hidden_size", 768), ("config", "telepathy"), ("config", {"architecture": "telepathy"})]
)
def test_what_the_library_cannot_load(field: str, value: Any, adapter: Path, new_model: NewModel) -> None:
    path = adapter / "adapter_config.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**described, field: value}), encoding="utf-8")
    if field == "hidden_size":  # the library does not look at it, the weights' shapes tell
        state = torch.load(adapter / "pytorch_adapter.bin", weights_only=True)
        torch.save(
            {key: value.repeat_interleave(16, -1) for key, value in state.items()}, adapter / "pytorch_adapter.bin"
        )
    with pytest.raises(AdapterError, match=f"the adapters library cannot load {adapter}"):
        new_model(adapters={"proximity": adapter}, engine="adapterhub")


@pytest.mark.parametrize("name", ["adapter_config.json", "pytorch_adapter.bin"])
def test_missing_files(name: str, adapter: Path, new_model: NewModel) -> None:
    (adapter / name).unlink()
    with pytest.raises(AdapterError, match=f"the adapters library cannot load {adapter}"):
        new_model(adapters={"proximity": adapter}, engine="adapterhub")


def test_a_fresh_adapter(new_model: NewModel, oracle: Oracle) -> None:
    model = new_model(adapters={}, engine="adapterhub")
    model[0].add_adapter("proximity", BottleneckConfig(False, True, 16, "relu", True, init_weights="mam_adapter"))
    np.testing.assert_allclose(model.encode(oracle.papers[:2]), model.encode(oracle.papers[:2], task="base"), atol=1e-6)


def test_gradient_checkpointing_is_refused(new_model: NewModel) -> None:
    """The library would run the second pass of each layer without its adapter."""
    model = new_model(engine="adapterhub").train()
    model[0].model.gradient_checkpointing_enable({"use_reentrant": False})
    with pytest.raises(AdapterError, match=r"gradient checkpointing.*engine='auto'"):
        model(model.preprocess(["a text"]))
