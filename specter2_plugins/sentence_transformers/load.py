"""`load_specter2`: from a name or folder to a ready `SentenceTransformer`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from sentence_transformers import __version__
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.util import import_from_string
from torch import nn
from transformers import AutoConfig

from specter2_plugins.checkpoints.families import DEFAULT_CHECKPOINT
from specter2_plugins.checkpoints.hub import Hub
from specter2_plugins.checkpoints.identity import owner_of_adapter
from specter2_plugins.checkpoints.layouts import adapters_in
from specter2_plugins.checkpoints.naming import naming
from specter2_plugins.checkpoints.plan import Adapters, Plan, plan
from specter2_plugins.checkpoints.saved import SavedModule, is_complete, refuse_foreign, saved_with
from specter2_plugins.checkpoints.weights import check_base, check_configs, check_plain, check_shapes
from specter2_plugins.engine.machine import auto_dtype
from specter2_plugins.errors import CheckpointError
from specter2_plugins.sentence_transformers import AdapterTransformer
from specter2_plugins.sentence_transformers.specter2 import Specter2

logger = logging.getLogger(__name__)

# Shown on a saved model's card. Without it the trainer looks for examples in its data, and Sentence Transformers 6.2
# finds no text, hence an IndexError, in one of several data sets whose columns are all dicts.
_EXAMPLE: dict[str, Any] = {
    "source_sentence": "graph neural networks for molecules",
    "sentences": ["Message passing for quantum chemistry", "Pre-training of language models on scientific text"],
}


def load_specter2(
    name_or_path: str | Path = DEFAULT_CHECKPOINT,
    *,
    adapters: Adapters = None,
    device: str | None = None,
    dtype: torch.dtype | str | None = None,
    engine: str = "auto",
    pooling: str | None = None,
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
            `save_pretrained` wrote, `base/` with `adapters/<task>/`, a BERT in transformers' format, or one of the
            hub's cache. A folder that is known to be a family's base brings that family's adapters.
        adapters: Task -> hub name or folder of an adapter, instead of the family's own ({} loads none); or the name
            of a family, for that family's. On a folder that `save_pretrained` wrote they replace or join those it was
            saved with. Tasks are understood in every spelling: "proximity", "[PRX]", "query", "clf", ...
        device: "cpu", "cuda", "cuda:1", "mps", ...; by default the best there is.
        dtype: Precision of the weights, such as "bfloat16" or torch.float16; "auto" is bfloat16 where the device
            computes it in hardware. Default: float32, exact.
        engine: "auto" (this package's packed forward where it is exact, else transformers'), "reference"
            (transformers' forward) or "adapterhub" (the adapters library, for adapter kinds that this package does
            not run; needs transformers 4.57).
        pooling: "cls", "mean", ..., for a base that Sentence Transformers saved with a pooling of its own. Default:
            "cls", as SPECTER2 was trained, or that of a base that brings one.
        revision: A revision of the base, or one per repository ({"allenai/specter2": "abc123"}).
        cache_folder: Where downloads are kept.
        local_files_only: Use what is cached and never the network.
        token: A hub token for private repositories.

    Returns:
        A model with Euclidean similarity (negative distance), as SPECTER2 was trained and is evaluated. Where some of
        a family's adapters cannot be had, a warning names them, and only what needs them fails.

    Raises:
        CheckpointError: If the name or folder is no model, or cannot be had; the message names it.
        AdapterError: If an adapter does not fit the base.
    """
    planned = plan(name_or_path, adapters, Hub(revision, cache_folder, local_files_only, token))
    return build(planned, device=device, dtype=dtype, engine=engine, pooling=pooling)


def build(
    planned: Plan,
    *,
    device: str | None = None,
    dtype: torch.dtype | str | None = None,
    engine: str = "auto",
    pooling: str | None = None,
) -> Specter2:
    """Load what was planned; the arguments are those of `load_specter2`.

    Raises:
        CheckpointError: If files are damaged, or of another kind.
        AdapterError: If an adapter does not fit the base.
    """
    checkpoint, base = planned.checkpoint, planned.base
    model_kwargs = {"dtype": _dtype(dtype, device), "engine": engine}
    saved = planned.saved
    refuse_foreign(saved, checkpoint.name)
    within = saved[0].path if saved else ""
    for place in dict.fromkeys([within, *(module.path for module in saved)]):
        check_configs(base / place)
        if place != within:
            check_plain(base / place)
    check_base(base / within)
    with naming(checkpoint.name, _newer(planned)):
        # Never code that came with a model: transformers would ask on the terminal whether to run it.
        check_shapes(base / within, AutoConfig.from_pretrained(base / within, trust_remote_code=False))
        if is_complete(saved):
            model = _complete(planned, pooling, device, model_kwargs)
        else:
            _refuse_other_first(saved, checkpoint.name)
            transformer = AdapterTransformer.load(
                str(base), subfolder=within, model_kwargs=model_kwargs, local_files_only=True
            )
            transformer.model.config.name_or_path = checkpoint.name
            modules = [transformer, *_pooling(planned, transformer.get_embedding_dimension(), pooling)]
            model = Specter2(modules=modules, device=device, similarity_fn_name="euclidean")
    for task, folder in planned.adapters.items():
        model.transformer.load_adapter(task, folder)
    model.model_card_data.widget = [_EXAMPLE]
    return model.eval()


def _complete(planned: Plan, pooling: str | None, device: str | None, model_kwargs: dict[str, Any]) -> Specter2:
    """Load a folder of this package's own, and say where its pooling is not what its adapters were trained with."""
    if pooling is not None:
        raise CheckpointError(
            f"{planned.checkpoint.name!r} was saved with its pooling; pooling={pooling!r} is for bases"
        )
    model = Specter2(str(planned.base), device=device, model_kwargs=model_kwargs, local_files_only=True)
    owners = [owner_of_adapter(Path(folder)) for folder in adapters_in(planned.base).values()]
    mode = pooling_of(list(model)[1:])
    for family in owners:
        if family is not None and family.pooling not in (None, mode):
            logger.warning(
                "%r pools by %s, and its adapters are those of %r, trained with %s",
                planned.checkpoint.name, mode, family.name, family.pooling,
            )  # fmt: skip
            break
    return model


def _pooling(planned: Plan, dimension: int, chosen: str | None) -> list[nn.Module]:
    """Return the modules after the transformer: CLS, as SPECTER2 was trained, unless the base brings others."""
    checkpoint = planned.checkpoint
    if chosen is not None:
        if chosen not in Pooling.POOLING_MODES:
            raise CheckpointError(
                f"pooling is {chosen!r}, expected one of {', '.join(map(repr, Pooling.POOLING_MODES))}"
            )
        return [Pooling(dimension, cast(Any, chosen))]
    own = [_module(planned.base, module) for module in planned.saved[1:]]
    mode = pooling_of(own)
    if not own or mode == "cls":
        return own or [Pooling(dimension, "cls")]
    owners = [checkpoint.family, *map(owner_of_adapter, planned.adapters.values())]
    known = next((family for family in owners if family is not None), None)
    if known is not None and known.pooling is not None:
        logger.warning(
            "%r pools by %s, as Sentence Transformers saves a base that says nothing; %r was trained with %s, which is "
            "used (pooling=%r keeps the other)",
            checkpoint.base, mode, known.name, known.pooling, mode,
        )  # fmt: skip
        return [Pooling(dimension, cast(Any, known.pooling))]
    if planned.adapters and known is None:
        raise CheckpointError(
            f"{checkpoint.base!r} pools by {mode}, and its adapters do not say which pooling they were trained with: "
            f'pooling="cls" is that of SPECTER2\'s, pooling={mode!r} that of this base'
        )
    return own


def pooling_of(modules: Sequence[nn.Module]) -> str | None:
    """Return the name of the pooling among some modules, None for none."""
    pooling = next((module for module in modules if isinstance(module, Pooling)), None)
    mode = getattr(pooling, "pooling_mode", None)
    return " and ".join(mode) if isinstance(mode, tuple | list) else mode


def _module(base: Path, module: SavedModule) -> nn.Module:
    """Load one of the modules that Sentence Transformers saved, and name its file if that fails."""
    with naming(f"{base / 'modules.json'}: {module.type}"):
        kind = cast(Any, import_from_string(module.type))
    with naming(f"{base / module.path}, as {module.type.rpartition('.')[2]}"):
        return kind.load(str(base), subfolder=module.path)


def _newer(planned: Plan) -> str:
    """Return what to say of a folder that a later Sentence Transformers wrote, whose classes may have moved since."""
    wrote = saved_with(planned.base)
    if wrote is None or int(wrote.partition(".")[0]) <= int(__version__.partition(".")[0]):
        return ""
    return f"it was saved with Sentence Transformers {wrote}, and this is {__version__}"


def _refuse_other_first(saved: Sequence[SavedModule], name: str) -> None:
    if saved and saved[0].type.rpartition(".")[2] != "Transformer":
        raise CheckpointError(
            f"{name!r} begins with {saved[0].type}, where adapters need a Transformer: it is no base for them"
        )


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
