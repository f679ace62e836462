"""`load_specter2`: from a name or folder to a ready `SentenceTransformer`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.util import import_from_string
from torch import nn

from specter2_plugins import checkpoints
from specter2_plugins.engine.machine import auto_dtype
from specter2_plugins.errors import CheckpointError
from specter2_plugins.hub import Hub
from specter2_plugins.loading import naming
from specter2_plugins.modules import AdapterTransformer
from specter2_plugins.sentence_transformer import ADAPTER_TRANSFORMER, Specter2

# Shown on a saved model's card. Without it the trainer looks for examples in its data, and Sentence Transformers 6.2
# finds no text, hence an IndexError, in one of several data sets whose columns are all dicts.
_EXAMPLE: dict[str, Any] = {
    "source_sentence": "graph neural networks for molecules",
    "sentences": ["Message passing for quantum chemistry", "Pre-training of language models on scientific text"],
}


def load_specter2(
    name_or_path: str | Path = checkpoints.DEFAULT_CHECKPOINT,
    *,
    adapters: Mapping[str, str | Path] | None = None,
    device: str | None = None,
    dtype: torch.dtype | str | None = None,
    engine: str = "auto",
    revision: str | Mapping[str, str] | None = None,
    cache_folder: str | Path | None = None,
    local_files_only: bool = False,
    token: str | bool | None = None,
) -> Specter2:
    """Load SPECTER2, or another base with bottleneck adapters, as a `SentenceTransformer`.

    Example:
        >>> model = load_specter2("mini")
        >>> queries = model.encode_query(["graph neural networks for molecules"])
        >>> papers = model.encode_document([{"title": "A title", "abstract": "An abstract"}])
        >>> model.similarity(queries, papers).shape
        torch.Size([1, 1])

    Args:
        name_or_path: The hub name of a base ("allenai/specter2_base", "allenai/specter2_aug2023refresh_base",
            "malteos/scincl", SciBERT, ...), which brings its family's adapters; "mini"; or a folder: one that
            `save_pretrained` wrote, `base/` with `adapters/<task>/`, or a BERT in transformers' format.
        adapters: Task -> hub name or folder of an adapter, instead of the family's own ({} loads none). On a
            folder that `save_pretrained` wrote they replace or join those it was saved with.
        device: "cpu", "cuda", "cuda:1", "mps", ...; by default the best there is.
        dtype: Precision of the weights, such as "bfloat16" or torch.float16; "auto" is bfloat16 where the device
            computes it in hardware. Default: float32, exact.
        engine: "auto" (this package's packed forward where it is exact, else transformers'), "reference"
            (transformers' forward) or "adapterhub" (the adapters library, for adapter kinds that this package does
            not run; needs transformers 4.57).
        revision: A revision of the base, or one per repository ({"allenai/specter2": "abc123"}).
        cache_folder: Where downloads are kept.
        local_files_only: Use what is cached and never the network.
        token: A hub token for private repositories.

    Returns:
        A model with Euclidean similarity (negative distance), as SPECTER2 was trained and is evaluated.

    Raises:
        CheckpointError: If the name or folder is no model, or cannot be had; the message names it.
        AdapterError: If an adapter does not fit the base.
    """
    checkpoint = checkpoints.resolve(name_or_path)
    hub = Hub(revision, cache_folder, local_files_only, token).pinned(checkpoint.base)
    base = checkpoint.base if Path(checkpoint.base).is_dir() else str(hub.base_folder(checkpoint.base))
    model_kwargs = {"dtype": _dtype(dtype, device), "engine": engine}
    with naming(checkpoint.name):
        saved = checkpoints.saved_modules(base)
        checkpoints.refuse_foreign(saved, checkpoint.name)
        if saved and saved[0].type == ADAPTER_TRANSFORMER:
            model = Specter2(base, device=device, model_kwargs=model_kwargs, local_files_only=True)
            sources = adapters or {}
        else:
            transformer = AdapterTransformer.load(base, model_kwargs=model_kwargs, local_files_only=True)
            transformer.model.config.name_or_path = checkpoint.name
            modules = [transformer, *_pooling(base, saved, transformer.get_embedding_dimension(), checkpoint.base)]
            model = Specter2(modules=modules, device=device, similarity_fn_name="euclidean")
            sources = checkpoint.adapters if adapters is None else adapters
    for task, source in sources.items():
        model.transformer.load_adapter(task, source, hub)
    model.model_card_data.widget = [_EXAMPLE]
    return model.eval()


def _pooling(base: str, saved: list[checkpoints.SavedModule], dimension: int, name: str) -> list[nn.Module]:
    """CLS, as SPECTER2 was trained, unless the base is a Sentence Transformers model with a pooling of its own."""
    if not saved or name in checkpoints.FAMILIES:
        return [Pooling(dimension, "cls")]
    foreign = [module.type for module in saved if not module.type.startswith("sentence_transformers.")]
    if foreign:
        raise CheckpointError(f"{name!r} is made of {foreign[0]}, which is not part of Sentence Transformers")
    return [cast(Any, import_from_string(module.type)).load(base, subfolder=module.path) for module in saved[1:]]


def _dtype(dtype: torch.dtype | str | None, device: str | None) -> torch.dtype:
    if dtype is None:
        return torch.float32
    if dtype == "auto":
        return auto_dtype(device)
    if isinstance(dtype, torch.dtype):
        return dtype
    found = getattr(torch, dtype, None)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise CheckpointError(f"dtype is {dtype!r}, expected 'float32', 'bfloat16', 'float16' or 'auto'")
    return found
