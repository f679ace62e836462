"""SPLADE checkpoints, plain or as PEFT adapters -> Sentence Transformers' `SparseEncoder`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sentence_transformers import SparseEncoder
from sentence_transformers.sparse_encoder.modules import SpladePooling
from transformers import AutoConfig

from specter2_plugins.checkpoints.hub import Hub
from specter2_plugins.checkpoints.naming import naming
from specter2_plugins.checkpoints.weights import check_configs
from specter2_plugins.errors import CheckpointError
from specter2_plugins.extras import require
from specter2_plugins.printable import from_json

_ADAPTER_CONFIG = "adapter_config.json"

# By these transformers would save a merged model as an adapter, or its weights under PEFT's names.
_TRACES = ("peft_config", "_hf_peft_config_loaded", "_weight_conversions")


def load_splade(
    name_or_path: str | Path,
    *,
    adapters: Mapping[str, str | Path] | None = None,
    merge: bool = True,
    max_active_dims: int | None = None,
    device: str | None = None,
    revision: str | None = None,
    cache_folder: str | Path | None = None,
    local_files_only: bool = False,
    token: str | bool | None = None,
) -> SparseEncoder:
    """Load a SPLADE model: token logits of a masked language model, pooled into one weight a token.

    Example:
        >>> model = load_splade("tomaarsen/splade-bert-base-uncased-gooaq-peft")            # doctest: +SKIP
        >>> vectors = model.encode_document(["Neural ranking models"], max_active_dims=64)  # doctest: +SKIP

    Args:
        name_or_path: Hub name or folder of a SPLADE model, of a PEFT adapter of one, which brings its base, or of a
            masked language model.
        adapters: Name -> hub name or folder of PEFT adapters that are to share this one base. The first is switched
            on; `model.set_adapter(name)` switches.
        merge: Add a PEFT checkpoint's adapter to the base's weights, so that it costs nothing in inference. Without,
            it can be trained further. Several `adapters` stay apart in any case.
        max_active_dims: Keep the largest weights of each vector only. By default what the checkpoint says, or all.
        device: "cpu", "cuda", "cuda:1", "mps", ...; by default the best there is.
        revision: A revision of the checkpoint.
        cache_folder: Where downloads are kept.
        local_files_only: Use what is cached and never the network.
        token: A hub token for private repositories.

    Returns:
        A model whose vectors are as long as its vocabulary, compared by dot product.

    Raises:
        CheckpointError: If it cannot be had, or is no SPLADE; the message names it.
        MissingExtraError: If PEFT is needed and not installed.
    """
    name = str(name_or_path)
    hub = Hub({name: revision} if revision else None, cache_folder, local_files_only, token)
    folder = _folder(name, hub)
    # A folder with an adapter holds no configuration, by which transformers 4.57 finds the tokenizer's class.
    base = _base_of_adapter(folder, name, hub)
    for part in (folder, base):
        if part is not None:
            for place in (part, *(one.parent for one in sorted(part.glob("*/*config.json")))):
                check_configs(place)
    with naming(name):
        processor = None if base is None else {"config": AutoConfig.from_pretrained(base, trust_remote_code=False)}
        model = SparseEncoder(
            str(folder),
            device=device,
            max_active_dims=max_active_dims,
            cache_folder=None if cache_folder is None else str(cache_folder),
            local_files_only=local_files_only,
            token=token,
            trust_remote_code=False,
            processor_kwargs=processor,
        )
    if not any(isinstance(module, SpladePooling) for module in model.modules()):
        raise CheckpointError(f"{name!r} is no SPLADE model and no masked language model to make one of")
    if adapters:
        require("peft", "peft", "sparse")
        for adapter, source in adapters.items():
            with naming(str(source)):
                model.load_adapter(str(_folder(str(source), hub)), adapter_name=adapter)
        model.set_adapter(next(iter(adapters)))
    elif merge:
        merge_adapter(model)
    return model.eval()


def merge_adapter(model: SparseEncoder) -> None:
    """Add the active PEFT adapter of a model to the base's weights, in place, and take PEFT's layers out.

    Raises:
        CheckpointError: If its kind of adapter cannot be merged.
    """
    transformer: Any = model.transformers_model
    if not getattr(transformer, "_hf_peft_config_loaded", False):
        return
    # PEFT merges a PeftModel; transformers, and so Sentence Transformers, puts the same layers into the bare model.
    wrapped = [
        (name, layer)
        for name, layer in transformer.named_modules()
        if hasattr(layer, "get_base_layer") or hasattr(layer, "unload_and_optionally_merge_module")
    ]
    for name, layer in wrapped:
        try:
            if hasattr(layer, "unload_and_optionally_merge_module"):
                merged = layer.unload_and_optionally_merge_module(merge=True, safe_merge=True, adapter_names=None)
            else:
                layer.merge(safe_merge=True)
                merged = layer.get_base_layer()
        except (NotImplementedError, ValueError) as error:
            raise CheckpointError(
                f"the adapter's layer {name!r} cannot be merged: {error}; pass merge=False"
            ) from error
        transformer.set_submodule(name, merged)
    for trace in _TRACES:
        transformer.__dict__.pop(trace, None)


def _folder(name: str, hub: Hub) -> Path:
    return Path(name) if Path(name).is_dir() else hub.base_folder(name)


def _base_of_adapter(folder: Path, name: str, hub: Hub) -> Path | None:
    """Return where the base lies that a folder's adapter was trained on; None if there is no adapter in it."""
    config = folder / _ADAPTER_CONFIG
    if not config.is_file():
        return None
    require("peft", "peft", "sparse")
    base = from_json(config.read_text(encoding="utf-8")).get("base_model_name_or_path")
    if not base:
        raise CheckpointError(f"the adapter {name!r} does not name its base; use load_splade(base, adapters=...)")
    try:
        return _folder(base, hub)
    except CheckpointError as error:
        raise CheckpointError(
            f"the base of the adapter {name!r} is missing: {error}. With the base elsewhere, "
            "use load_splade(base, adapters=...)"
        ) from None
