"""Files of weights, looked at before anything reads them: whole, plain, and those that their config asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specter2_plugins.checkpoints.code import refuse_code
from specter2_plugins.checkpoints.naming import naming
from specter2_plugins.checkpoints.sizes import refuse_excess, refuse_length, refuse_matrix
from specter2_plugins.errors import CheckpointError
from specter2_plugins.integrity import AGAIN, fault, why_not_plain
from specter2_plugins.printable import from_json

if TYPE_CHECKING:
    from transformers import PretrainedConfig

Shapes = Mapping[str, tuple[int, ...]]

_SAFE, _PICKLED = "model.safetensors", "pytorch_model.bin"
_CONFIGS = ("config.json", "tokenizer_config.json", "sentence_*_config.json", "config_sentence_transformers.json")
_FOREIGN = {
    "tf_model.h5": "TensorFlow",
    "model.ckpt.index": "TensorFlow",
    "flax_model.msgpack": "Flax",
    "model.onnx": "ONNX",
}
_INITIALISED = ("pooler.",)
"""Of a BERT: weights that no embedding meets, so that they may be missing."""


def check_configs(folder: Path) -> None:
    """Raise unless every configuration in a folder is a JSON object that asks for no foreign code and nothing absurd.

    Raises:
        CheckpointError: Naming the file.
    """
    for path in sorted(path for pattern in _CONFIGS for path in folder.glob(pattern)):
        _refuse_faulty(path)
        with naming(str(path)):
            config = from_json(path.read_text(encoding="utf-8"))
            if not isinstance(config, dict):
                raise CheckpointError(f"{path} is no JSON object")
            refuse_code(config, str(path))
            refuse_excess(config, str(path))
            refuse_length(config, str(path))
            refuse_matrix(folder, config)


def check_base(folder: Path) -> None:
    """Raise unless a folder holds a base in transformers' format whose files are whole.

    Raises:
        CheckpointError: Naming the file, and the way out.
    """
    for name in ("tokenizer.json", "vocab.txt"):
        if (folder / name).is_file():
            _refuse_faulty(folder / name)
    files = weight_files(folder)
    if not files:
        found = sorted({what for name, what in _FOREIGN.items() if (folder / name).is_file()})
        others = f" (those of {' and '.join(found)} are not read)" if found else ""
        raise CheckpointError(f"{folder} holds no weights: expected {_SAFE} or {_PICKLED}{others}")
    for path in files:
        _refuse_faulty(path)


def check_plain(folder: Path) -> None:
    """Raise unless the weights of a module, if its folder holds any, are tensors and nothing else.

    Raises:
        CheckpointError: Naming the file.
    """
    with naming(str(folder)):
        for path in weight_files(folder):
            _shapes(path)


def check_shapes(folder: Path, config: PretrainedConfig) -> None:
    """Raise unless the weights of a BERT are those its config asks for.

    transformers draws what is missing by chance and says so in its log alone.

    Raises:
        CheckpointError: Naming the file, the tensor and both shapes.
    """
    if config.model_type != "bert":
        return
    files = weight_files(folder)
    found = {_plain_key(key): shape for path in files for key, shape in _shapes(path).items()}
    where = files[0] if len(files) == 1 else folder
    if config.num_hidden_layers > len(found):  # none is made before the file is known to hold them
        raise CheckpointError(
            f"{where} holds {len(found)} tensors, and config.json says num_hidden_layers is "
            f"{config.num_hidden_layers}: the two files belong to different models"
        )
    missing = []
    for key, shape in _asked_for(config).items():
        if key not in found:
            if not key.startswith(_INITIALISED):
                missing.append(key)
        elif found[key] != shape:
            raise CheckpointError(
                f"{where}: {key} has the shape {list(found[key])}, and config.json asks for {list(shape)}: "
                "the two files belong to different models"
            )
    if missing:
        raise CheckpointError(
            f"{where} lacks {len(missing)} tensors that config.json asks for, the first {missing[0]}: "
            "the file is not a whole BERT"
        )
    layers = {int(key.split(".")[2]) for key in found if key.startswith("encoder.layer.")}
    if layers and max(layers) >= config.num_hidden_layers:
        raise CheckpointError(
            f"{where} holds {max(layers) + 1} layers, and config.json says num_hidden_layers is "
            f"{config.num_hidden_layers}: the two files belong to different models"
        )


def weight_files(folder: Path) -> list[Path]:
    """Return the files that transformers would read the weights of a folder from.

    Raises:
        CheckpointError: If one of several parts is missing.
    """
    for name in (_SAFE, _PICKLED):
        if (folder / name).is_file():
            return [folder / name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            return list(_parts(index))
    return []


def _parts(index: Path) -> Iterator[Path]:
    _refuse_faulty(index)
    try:
        parts = sorted(set(from_json(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{index} is no index of weights: {type(error).__name__}") from None
    for part in parts:
        path = index.parent / str(part)
        if Path(str(part)).name != part or not path.is_file():
            raise CheckpointError(f"{index} names {part!r}, which is not there: {AGAIN}")
        yield path


def _refuse_faulty(path: Path) -> None:
    if (what := fault(path)) is not None:
        raise CheckpointError(f"{path} {what}")


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors of a file, without running anything in it."""
    import torch
    from safetensors import safe_open

    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    with path.open("rb") as opened:
        mapped = opened.read(2) == b"PK"
    try:
        state: Any = torch.load(path, map_location="meta" if mapped else "cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # a damaged pickle can raise anything
        raise CheckpointError(f"{path} {why_not_plain(error)}") from None
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise CheckpointError(f"{path} holds no tensors by name, so it is no model's weights")
    return {str(key): tuple(tensor.shape) for key, tensor in state.items()}


def _asked_for(config: PretrainedConfig) -> dict[str, tuple[int, ...]]:
    import torch
    from transformers import AutoModel

    with torch.device("meta"):
        model = AutoModel.from_config(config)
    return {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}


def _plain_key(key: str) -> str:
    key = key.removeprefix("bert.")
    # As TensorFlow called them.
    return key.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
