"""AdapterHub's folder format: `adapter_config.json` beside `pytorch_adapter.bin` or `adapter.safetensors`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PretrainedConfig

from specter2_plugins.adapters.bottleneck import Adapter, Location
from specter2_plugins.adapters.config import WAY_OUT, BottleneckConfig
from specter2_plugins.errors import AdapterError
from specter2_plugins.integrity import fault, why_not_plain
from specter2_plugins.printable import from_json

CONFIG_FILE = "adapter_config.json"
SAFETENSORS_FILE = "adapter.safetensors"
PICKLE_FILE = "pytorch_adapter.bin"

_FORMAT_VERSION = "adapters.1.3.0"
_BLOCKS: dict[str, Location] = {"attention.output": "attention", "output": "output"}
_KEY = re.compile(
    r"^(?:.+\.)?encoder\.layer\.(?P<layer>\d+)\.(?P<block>attention\.output|output)\."
    r"(?:adapters|(?:attention|layer)_text_(?:task|lang)_adapters)\.(?P<name>.+?)\."
    r"(?P<parameter>(?:adapter_down|adapter_up|adapter_norm_before|adapter_norm_after|gate|scaling)\b.*)$"
)
# Activations were renamed when adapter-transformers became adapters; files without a version are older.
_OLD_ACTIVATIONS = {"gelu": "gelu_new", "gelu_orig": "gelu"}


def load_adapter(folder: str | Path, base: PretrainedConfig) -> Adapter:
    """Read an adapter in AdapterHub's format.

    Example:
        >>> from transformers import BertConfig
        >>> load_adapter("models/prx", BertConfig.from_pretrained("models/bert")).config.reduction_factor
        16

    Args:
        folder: The folder with `adapter_config.json` and the weights. A prediction head beside them is ignored.
        base: The configuration of the BERT that the adapter goes into.

    Returns:
        The adapter in float32 on the CPU, in evaluation mode.

    Raises:
        AdapterError: If files are missing or damaged, the adapter is of a kind that does not run here,
            or it was made for a base of another shape. The message names the field and both values.
    """
    folder = Path(folder)
    described = _read_config(folder)
    state = _read_weights(folder)
    try:
        adapter = _build(described, state, base)
    except AdapterError as error:
        raise AdapterError(f"adapter {folder}: {error}") from None
    return adapter.eval()


def save_adapter(
    adapter: Adapter, folder: str | Path, base: PretrainedConfig, *, safe_serialization: bool = False
) -> None:
    """Write an adapter in AdapterHub's format, for this package and for the adapters library.

    Example:
        >>> from transformers import BertConfig
        >>> base = BertConfig.from_pretrained("models/bert")
        >>> save_adapter(load_adapter("models/prx", base), "a-copy", base)
        >>> sorted(path.name for path in Path("a-copy").iterdir())
        ['adapter_config.json', 'pytorch_adapter.bin']

    Args:
        adapter: The adapter.
        folder: Where to write; made if it is not there.
        base: The configuration of its base.
        safe_serialization: Write `adapter.safetensors`, which the adapters library reads with
            `use_safetensors=True`, instead of `pytorch_adapter.bin`, which it reads by default.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    described = {
        "config": adapter.config.to_dict(),
        "hidden_size": adapter.hidden_size,
        "model_class": "BertModel",
        "model_name": base.name_or_path or None,
        "model_type": base.model_type,
        "name": adapter.name,
        "version": _FORMAT_VERSION,
    }
    (folder / CONFIG_FILE).write_text(json.dumps(described, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    blocks = {location: block for block, location in _BLOCKS.items()}
    state = {
        f"encoder.layer.{layer}.{blocks[location]}.adapters.{adapter.name}.{name}": tensor.detach().cpu().contiguous()
        for layer, location, bottleneck in adapter.bottlenecks()
        for name, tensor in bottleneck.state_dict().items()
    }
    for stale in (SAFETENSORS_FILE, PICKLE_FILE):
        (folder / stale).unlink(missing_ok=True)
    if safe_serialization:
        save_file(state, folder / SAFETENSORS_FILE, metadata={"format": "pt"})
    else:
        torch.save(state, folder / PICKLE_FILE)


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise AdapterError(f"{folder} holds no {CONFIG_FILE}, so it is no adapter in AdapterHub's format")
    try:
        described = from_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AdapterError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(described, dict) or not isinstance(described.get("config"), (dict, str)):
        raise AdapterError(f"{path} has no 'config' entry that describes an adapter (is it a PEFT adapter?)")
    return described


def _read_weights(folder: Path) -> dict[str, Tensor]:
    safe, pickled = folder / SAFETENSORS_FILE, folder / PICKLE_FILE
    if not safe.is_file() and not pickled.is_file():
        raise AdapterError(f"{folder} holds neither {SAFETENSORS_FILE} nor {PICKLE_FILE}")
    path = safe if safe.is_file() else pickled
    if (what := fault(path)) is not None:
        raise AdapterError(f"{path} {what}")
    try:
        state = load_file(safe) if safe.is_file() else torch.load(pickled, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise anything
        raise AdapterError(f"{path} {why_not_plain(error)}") from None
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise AdapterError(f"the weights in {folder} are no tensors by name")
    return state


def _build(described: dict[str, Any], state: dict[str, Tensor], base: PretrainedConfig) -> Adapter:
    for field, ours in (("model_type", base.model_type), ("hidden_size", base.hidden_size)):
        theirs = described.get(field, ours)
        if theirs != ours:
            raise AdapterError(f"{field} is {theirs!r} in the adapter and {ours!r} in the base; they do not fit")
    settings = described["config"]
    if isinstance(settings, dict) and "version" not in described and settings.get("non_linearity") in _OLD_ACTIVATIONS:
        settings = {**settings, "non_linearity": _OLD_ACTIVATIONS[settings["non_linearity"]]}
    config = BottleneckConfig.from_dict(settings)

    found = _group_by_place(state, described.get("name"))
    name = next(iter(found.values()))[0]
    layers = 1 + max(layer for layer, _, _ in found)
    expected = 1 + max(set(range(base.num_hidden_layers)) - set(config.leave_out), default=-1)
    if layers != expected:
        raise AdapterError(
            f"num_hidden_layers is {layers} in the adapter and {expected} in the base (less what leave_out cuts off)"
        )
    adapter = Adapter(config, base.num_hidden_layers, base.hidden_size, name)
    for layer, location, bottleneck in adapter.bottlenecks():
        for parameter, tensor in bottleneck.state_dict().items():
            where = f"layer {layer}, {location}, {parameter}"
            try:
                _, value = found.pop((layer, location, parameter))
            except KeyError:
                raise AdapterError(f"the weights lack {where}, which the configuration asks for") from None
            if value.shape != tensor.shape:
                raise AdapterError(
                    f"{where}: shape is {list(value.shape)}, the configuration says {list(tensor.shape)}"
                )
            tensor.copy_(value)
    # The library stores an adapter's own input norm twice, here and as the first of adapter_down.
    extra = [place for place in found if not (config.ln_before and place[2].startswith("adapter_norm_before"))]
    if extra:
        layer, location, parameter = extra[0]
        raise AdapterError(
            f"the weights hold {len(extra)} tensors that the configuration does not mention, "
            f"the first at layer {layer}, {location}, {parameter}"
        )
    return adapter


def _group_by_place(
    state: dict[str, Tensor], declared_name: object
) -> dict[tuple[int, Location, str], tuple[str, Tensor]]:
    matches = [(match, tensor) for key, tensor in state.items() if (match := _KEY.match(key))]
    names = {match["name"] for match, _ in matches}
    if not names:
        raise AdapterError(
            f"the weights hold no bottleneck; their first keys are: {', '.join(list(state)[:3]) or 'none'}"
        )
    others = [key for key in state if not _KEY.match(key)]
    if others:
        raise AdapterError(f"the weights hold {len(others)} tensors of no bottleneck, the first {others[0]}. {WAY_OUT}")
    name = declared_name if declared_name in names else next(iter(names))
    if declared_name not in names and len(names) > 1:
        raise AdapterError(
            f"name is {declared_name!r} in the configuration, the weights hold {', '.join(sorted(names))}"
        )
    return {
        (int(match["layer"]), _BLOCKS[match["block"]], match["parameter"]): (match["name"], tensor)
        for match, tensor in matches
        if match["name"] == name
    }
