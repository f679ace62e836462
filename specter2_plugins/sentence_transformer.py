"""`Specter2`: a `SentenceTransformer` that knows papers, and batches them by tokens."""

from __future__ import annotations

import logging
from typing import Any, Literal, cast, get_args

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling as PoolingModule

from specter2_plugins.engine import Pooling
from specter2_plugins.errors import PaperError
from specter2_plugins.modules import AdapterTransformer
from specter2_plugins.modules.plan import Plan
from specter2_plugins.papers import PaperLike, input_text

ADAPTER_TRANSFORMER = f"{AdapterTransformer.__module__}.{AdapterTransformer.__qualname__}"
"""How `modules.json` names the module."""

_DEFAULT_BATCH_SIZE = 32
_st_logger = logging.getLogger("sentence_transformers")


class Specter2(SentenceTransformer):
    """A `SentenceTransformer` that embeds papers as well as texts, each through the adapter of its task.

    Made by `load_specter2`. It adds nothing to what is saved: plain `SentenceTransformer` loads its folders too.
    """

    @property
    def transformer(self) -> AdapterTransformer:
        """The module that carries the base and its adapters."""
        return cast(AdapterTransformer, self[0])

    @property
    def dimensions(self) -> int:
        """Length of an embedding."""
        return cast(int, self.get_embedding_dimension())

    def encode(
        self,
        inputs: Any,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = _DEFAULT_BATCH_SIZE,
        show_progress_bar: bool | None = None,
        output_value: Literal["sentence_embedding", "token_embeddings"] | None = "sentence_embedding",
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """As `SentenceTransformer.encode`, for texts, `Paper`s and dicts with `title` and `abstract`.

        Args:
            inputs: One input or a list of them.
            prompt_name: As `SentenceTransformer.encode`.
            prompt: As `SentenceTransformer.encode`.
            batch_size: Inputs to a batch. At its default of 32 batches are cut by tokens instead, wherever the fast
                engine runs: as many inputs of like length as make 8,192 tokens.
            show_progress_bar: As `SentenceTransformer.encode`.
            output_value: As `SentenceTransformer.encode`.
            *args: As `SentenceTransformer.encode`.
            **kwargs: As `SentenceTransformer.encode`; `task` is "query", "document", the name of an adapter
                ("proximity", "adhoc_query", "classification", "regression") or "base". Default: proximity.

        Returns:
            [dimensions] for one input, [inputs, dimensions] for a list, in the order given.

        Raises:
            PaperError: If an input cannot be embedded; the message names its position.
            TaskError: If the model does not know the task.
        """
        texts = self._texts(inputs)
        several = kwargs.get("pool") is not None or isinstance(kwargs.get("device"), list)
        usual = batch_size == _DEFAULT_BATCH_SIZE and output_value == "sentence_embedding"
        if usual and "plan" not in kwargs and not kwargs.get("processing_kwargs"):
            pooling = self._pooling(kwargs.get("task"))
            if pooling is not None:
                if show_progress_bar is None:
                    show_progress_bar = _st_logger.getEffectiveLevel() in (logging.INFO, logging.DEBUG)
                # With several processes each has a plan's work to do, and Sentence Transformers counts their chunks.
                kwargs["plan"] = Plan(pooling, show_progress=show_progress_bar and not several)
                show_progress_bar = show_progress_bar and several
                batch_size = 1 if isinstance(texts, str) else max(1, len(texts))
        return super().encode(texts, prompt_name, prompt, batch_size, show_progress_bar, output_value, *args, **kwargs)

    def _texts(self, inputs: Any) -> str | list[str]:
        sep = self.transformer.sep_token
        if self.is_singular_input(inputs):
            return input_text(cast(PaperLike, inputs), sep)
        texts = []
        for position, record in enumerate(inputs):
            try:
                texts.append(input_text(record, sep))
            except PaperError as error:
                raise PaperError(f"input {position}: {error}") from None
        return texts

    @torch.inference_mode()
    def _pooling(self, task: str | None) -> Pooling | None:
        """How the engine may pool inputs of a task by itself, or None where it may not."""
        self.eval()
        module = self[1] if len(self) > 1 else None
        if not isinstance(module, PoolingModule) or not module.include_prompt or self.transformer.refusal(task):
            return None
        return cast(Pooling, module.pooling_mode) if module.pooling_mode in get_args(Pooling) else None

    def _load_module_class_from_ref(self, class_ref: str, *args: Any, **kwargs: Any) -> type:
        # This class is installed code, not code that came with the folder, so it needs no trust_remote_code.
        if class_ref == ADAPTER_TRANSFORMER:
            return AdapterTransformer
        return super()._load_module_class_from_ref(class_ref, *args, **kwargs)
