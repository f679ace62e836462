"""AdapterHub's folder format: what fits is read and written whole, what does not fit says why."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import BertConfig, PretrainedConfig

from specter2_plugins import AdapterError
from specter2_plugins.adapters import load_adapter, save_adapter
from tests.conftest import ADAPTERS, Oracle

WAY_OUT = r'engine="adapterhub"'


@pytest.fixture(scope="module")
def base(oracle: Oracle) -> PretrainedConfig:
    return BertConfig.from_pretrained(oracle.base)


@pytest.fixture
def broken(oracle: Oracle, tmp_path: Path) -> Callable[..., Path]:
    """Copy an adapter of the oracle with entries of its config or its weights changed; None removes an entry."""

    def change(
        name: str = "residual_after_ln",
        *,
        described: dict[str, Any] | None = None,
        config: dict[str, Any] | None = None,
        weights: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None,
    ) -> Path:
        folder = tmp_path / name
        shutil.copytree(oracle.adapters / name, folder)
        path = folder / "adapter_config.json"
        entries = json.loads(path.read_text(encoding="utf-8"))
        entries["config"] = entries["config"] | (config or {})
        entries = {key: value for key, value in {**entries, **(described or {})}.items() if value is not None}
        path.write_text(json.dumps(entries), encoding="utf-8")
        if weights is not None:
            file = folder / "adapter.safetensors"
            save_file(weights({key: value.clone() for key, value in load_file(file).items()}), file)
        return folder

    return change


@pytest.mark.parametrize("safe_serialization", [True, False])
@pytest.mark.parametrize("name", ADAPTERS)
def test_what_is_read_is_written(
    name: str, safe_serialization: bool, oracle: Oracle, base: PretrainedConfig, tmp_path: Path
) -> None:
    adapter = load_adapter(oracle.adapters / name, base)
    save_adapter(adapter, tmp_path / "new" / "folder", base, safe_serialization=safe_serialization)
    again = load_adapter(tmp_path / "new" / "folder", base)
    assert again.config == adapter.config
    assert again.name == adapter.name
    assert not again.training
    theirs, ours = adapter.state_dict(), again.state_dict()
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_names_are_read_from_the_weights(oracle: Oracle, broken: Callable[..., Path], base: PretrainedConfig) -> None:
    tasks = oracle.models / "adapters"
    assert [load_adapter(tasks / task, base).name for task in ("proximity", "adhoc_query")] == ["[PRX]", "[QRY]"]
    assert load_adapter(broken(described={"name": "another"}), base).name == "residual_after_ln"


@pytest.mark.parametrize("first", [True, False])
def test_saving_again_in_the_other_format_leaves_no_old_weights(
    first: bool, oracle: Oracle, base: PretrainedConfig, tmp_path: Path
) -> None:
    for name, safe_serialization in (("residual_after_ln", first), ("seq_bn", not first)):
        adapter = load_adapter(oracle.adapters / name, base)
        save_adapter(adapter, tmp_path, base, safe_serialization=safe_serialization)
    ours, theirs = load_adapter(tmp_path, base).state_dict(), adapter.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_safetensors_win_over_a_pickle(broken: Callable[..., Path], base: PretrainedConfig) -> None:
    folder = broken()
    (folder / "pytorch_adapter.bin").write_bytes(b"not read")
    load_adapter(folder, base)


def rename(old: str, new: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda state: {key.replace(old, new): value for key, value in state.items()}


def without(part: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda state: {key: value for key, value in state.items() if part not in key}


def cut(part: str, size: int) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda state: {k: v[:size].contiguous() if part in k else v for k, v in state.items()}


def twice(part: str, other: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda state: state | {key.replace(part, other): value.clone() for key, value in state.items()}


MISFITS: dict[str, tuple[dict[str, Any], str]] = {
    "hidden size": ({"described": {"hidden_size": 768}}, "hidden_size is 768 in the adapter and 48 in the base"),
    "model type": ({"described": {"model_type": "roberta"}}, "model_type is 'roberta' in the adapter and 'bert'"),
    "too many layers": (
        {"weights": rename(".layer.2.", ".layer.11.")},
        "num_hidden_layers is 12 in the adapter and 3 in the base",
    ),
    "too few layers": ({"weights": without(".layer.2.")}, "num_hidden_layers is 2 in the adapter and 3 in the base"),
    "layers that should be left out": ({"config": {"leave_out": [2]}}, "is 3 in the adapter and 2 in the base"),
    "every layer left out": ({"config": {"leave_out": [0, 1, 2]}}, "is 3 in the adapter and 0 in the base"),
    "missing layer": ({"weights": without(".layer.1.")}, "the weights lack layer 1, output, adapter_down.0.weight"),
    "missing key": (
        {"weights": without("layer.2.output.adapters.residual_after_ln.adapter_up.bias")},
        "adapter_up.bias",
    ),
    "wrong shape": (
        {"weights": cut("adapter_down.0.weight", 2)},
        r"layer 0, output, adapter_down.0.weight: shape is \[2, 48\], the configuration says \[3, 48\]",
    ),
    "wrong reduction factor": ({"config": {"reduction_factor": 8}}, r"shape is \[3, 48\], .* says \[6, 48\]"),
    "extra block": (
        {"weights": twice(".output.", ".attention.output.")},
        "hold 12 tensors that the configuration does not mention, the first at layer 0, attention",
    ),
    "another method beside": (
        {"weights": lambda state: state | {"bert.encoder.layer.0.attention.self.loras.x.lora_A": torch.ones(2)}},
        f"hold 1 tensors of no bottleneck, the first .*loras.x.lora_A. .*{WAY_OUT}",
    ),
    "two names": (
        {"described": {"name": "third"}, "weights": twice(".residual_after_ln.", ".second.")},
        "name is 'third' in the configuration, the weights hold residual_after_ln, second",
    ),
    "no bottleneck": (
        {"weights": rename(".adapters.", ".loras.")},
        "hold no bottleneck; their first keys are: .*loras",
    ),
    "no weights": ({"weights": lambda state: {}}, "hold no bottleneck; their first keys are: none"),
    "LoRA": ({"config": {"architecture": "lora"}}, f"architecture is 'lora'; .*{WAY_OUT}"),
    "prefix tuning": ({"config": {"architecture": "prefix_tuning"}}, f"architecture is 'prefix_tuning'; .*{WAY_OUT}"),
    "PHM": ({"config": {"phm_layer": True}}, f"phm_layer is True; .*{WAY_OUT}"),
    "invertible": ({"config": {"inv_adapter": "nice"}}, f"inv_adapter is 'nice'; .*{WAY_OUT}"),
    "gating": ({"config": {"use_gating": True}}, f"use_gating is True; .*{WAY_OUT}"),
    "stochastic depth": ({"config": {"stochastic_depth": 0.1}}, f"stochastic_depth is 0.1; .*{WAY_OUT}"),
    "unheard of": ({"config": {"quantum": "yes"}}, f"quantum is 'yes'; .*{WAY_OUT}"),
    "named config": ({"described": {"config": "mam"}}, f"config is 'mam'; known here: seq_bn, .*{WAY_OUT}"),
    "activation": ({"config": {"non_linearity": "rectify"}}, "non_linearity is 'rectify'"),
    "residual": ({"config": {"residual_before_ln": "maybe"}}, "residual_before_ln is 'maybe', expected one of True"),
    "scaling": ({"config": {"scaling": "large"}}, "scaling is 'large', expected one of"),
    "scaling of null": ({"config": {"scaling": None}}, "scaling is None"),
    "reduction factor of 0": ({"config": {"reduction_factor": 0}}, "reduction_factor is 0"),
    "reduction factor of text": ({"config": {"reduction_factor": "16x"}}, "reduction_factor is '16x'"),
    "activation of null": ({"config": {"non_linearity": None}}, "non_linearity is None"),
    "mapping without default": (
        {"config": {"reduction_factor": {"0": 16}}},
        "reduction_factor {'0': 16} covers neither layer 1 nor 'default'",
    ),
    "incomplete": ({"described": {"config": {"mh_adapter": True}}}, "lacks output_adapter, reduction_factor"),
    "PEFT": ({"described": {"config": None, "peft_type": "LORA"}}, r"no 'config' entry .*PEFT"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_what_does_not_fit_is_named(case: str, broken: Callable[..., Path], base: PretrainedConfig) -> None:
    changes, message = MISFITS[case]
    folder = broken(**changes)
    with pytest.raises(AdapterError, match=message) as caught:
        load_adapter(folder, base)
    assert str(folder) in str(caught.value)


def test_a_named_config_is_enough(oracle: Oracle, broken: Callable[..., Path], base: PretrainedConfig) -> None:
    named = load_adapter(broken("seq_bn", described={"config": "pfeiffer"}), base)
    assert named.config == load_adapter(oracle.adapters / "seq_bn", base).config


def test_missing_files(broken: Callable[..., Path], base: PretrainedConfig, tmp_path: Path) -> None:
    folder = broken()
    (folder / "adapter.safetensors").unlink()
    with pytest.raises(AdapterError, match=r"holds neither adapter.safetensors nor pytorch_adapter.bin"):
        load_adapter(folder, base)
    with pytest.raises(AdapterError, match=r"holds no adapter_config.json"):
        load_adapter(tmp_path / "nowhere", base)


@pytest.mark.parametrize("text", ["{", "", "[]", '"text"', "null", '{"config": 3}', "\xff"])
def test_a_config_that_is_none(text: str, broken: Callable[..., Path], base: PretrainedConfig) -> None:
    folder = broken()
    (folder / "adapter_config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(AdapterError, match=r"adapter_config.json (is not valid JSON|has no 'config' entry)"):
        load_adapter(folder, base)


@pytest.mark.parametrize("kept", [0, 4, 100, 3000])
def test_truncated_safetensors(kept: int, broken: Callable[..., Path], base: PretrainedConfig) -> None:
    file = broken() / "adapter.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(AdapterError, match=r"adapter\.(safetensors|bin) (is empty|is cut off|holds no)"):
        load_adapter(file.parent, base)


@pytest.mark.parametrize("kept", [0, 4, 100, 3000])
def test_a_truncated_pickle(kept: int, broken: Callable[..., Path], base: PretrainedConfig) -> None:
    file = broken("seq_bn") / "pytorch_adapter.bin"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(AdapterError, match=r"adapter\.(safetensors|bin) (is empty|is cut off|holds no)"):
        load_adapter(file.parent, base)


@pytest.mark.parametrize("name", ["seq_bn", "residual_after_ln"])
def test_flipped_bytes_are_read_or_refused(name: str, broken: Callable[..., Path], base: PretrainedConfig) -> None:
    file = next(path for path in broken(name).iterdir() if path.suffix != ".json")
    content = file.read_bytes()
    for seed in range(150):
        draw, flipped = random.Random(seed), bytearray(content)
        for _ in range(3):
            flipped[draw.randrange(2000)] = draw.randrange(256)
        file.write_bytes(flipped)
        with suppress(AdapterError):  # any other error is a defect
            load_adapter(file.parent, base)


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


@pytest.mark.parametrize("legacy", [True, False])
def test_a_malicious_pickle_does_not_run(
    legacy: bool, broken: Callable[..., Path], base: PretrainedConfig, tmp_path: Path
) -> None:
    folder, trace = broken("seq_bn"), tmp_path / "it ran"
    payload = {"weight": Malicious(f"touch '{trace}'")}
    torch.save(payload, folder / "pytorch_adapter.bin", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(AdapterError, match="cannot be read as plain tensors"):
        load_adapter(folder, base)
    assert not trace.exists()


@pytest.mark.parametrize("content", [[1, 2], {"a": "text"}, torch.ones(2)])
def test_a_pickle_of_something_else(content: Any, broken: Callable[..., Path], base: PretrainedConfig) -> None:
    folder = broken("seq_bn")
    torch.save(content, folder / "pytorch_adapter.bin")
    with pytest.raises(AdapterError, match=str(folder)):
        load_adapter(folder, base)
