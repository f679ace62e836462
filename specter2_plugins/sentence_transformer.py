"""`Specter2`: a `SentenceTransformer` that knows papers, and batches them by tokens."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection, Sequence
from threading import Thread
from typing import Any, Literal, cast, get_args

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling as PoolingModule
from sentence_transformers.util.decorators import deprecated_kwargs
from tqdm.auto import tqdm
from transformers import is_torch_npu_available

from specter2_plugins.engine import Pooling
from specter2_plugins.environment import variable
from specter2_plugins.errors import PaperError, TaskError
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.model_card import Specter2CardData
from specter2_plugins.modules import AdapterTransformer
from specter2_plugins.modules.plan import Plan, RoutedText
from specter2_plugins.papers import PaperLike, input_text
from specter2_plugins.pool import WatchedQueue, end_with_parent

ADAPTER_TRANSFORMER = f"{AdapterTransformer.__module__}.{AdapterTransformer.__qualname__}"
"""How `modules.json` names the module."""

_BATCH_SIZE = 32
"""Sentence Transformers' default, where batches are not cut by tokens."""

_st_logger = logging.getLogger("sentence_transformers")


class Specter2(SentenceTransformer):
    """A `SentenceTransformer` that embeds papers as well as texts, each through the adapter of its task.

    Made by `load_specter2`. It adds nothing to what is saved but a card that says how to use it: plain
    `SentenceTransformer` loads its folders too.
    """

    model_card_data_class = Specter2CardData

    @property
    def transformer(self) -> AdapterTransformer:
        """The module that carries the base and its adapters."""
        return cast(AdapterTransformer, self[0])

    @property
    def dimensions(self) -> int:
        """Length of an embedding."""
        return cast(int, self.get_embedding_dimension())

    @property
    def adapter_tasks(self) -> list[str]:
        """The tasks that have an adapter."""
        return self.transformer.adapter_tasks

    def fingerprint(self, task: str | None = None) -> Fingerprint:
        """What the vectors of a task are made with.

        Raises:
            TaskError: If the model does not know the task.
        """
        return Fingerprint.of(self, task)

    @deprecated_kwargs(sentences="inputs")
    def encode(
        self,
        inputs: Any,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        output_value: Literal["sentence_embedding", "token_embeddings"] | None = "sentence_embedding",
        precision: Literal["float32", "int8", "uint8", "binary", "ubinary"] = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | list[str | torch.device] | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: dict[Literal["input", "output", "processes"], Any] | None = None,
        chunk_size: int | None = None,
        *,
        task: str | Sequence[str | None] | None = None,
        on_pass: Callable[[int, int], object] | None = None,
        **kwargs: Any,
    ) -> Any:
        """As `SentenceTransformer.encode`, for texts, `Paper`s and dicts with `title` and `abstract`.

        Args:
            inputs: One input or a list of them.
            prompt_name: As `SentenceTransformer.encode`, and so all arguments that are not told of here.
            prompt: As `SentenceTransformer.encode`.
            batch_size: Inputs to a batch. By default batches are cut by tokens wherever the fast engine runs, as many
                inputs of like length as make 8,192 tokens, and elsewhere hold 32 inputs.
            show_progress_bar: As `SentenceTransformer.encode`.
            output_value: As `SentenceTransformer.encode`.
            precision: As `SentenceTransformer.encode`.
            convert_to_numpy: As `SentenceTransformer.encode`.
            convert_to_tensor: As `SentenceTransformer.encode`.
            device: As `SentenceTransformer.encode`.
            normalize_embeddings: As `SentenceTransformer.encode`.
            truncate_dim: As `SentenceTransformer.encode`.
            pool: As `SentenceTransformer.encode`.
            chunk_size: As `SentenceTransformer.encode`.
            task: "query", "document", the name of an adapter ("proximity", "adhoc_query", "classification",
                "regression") or "base"; or a list of them, one for each input, which then share batches. Default:
                proximity.
            on_pass: Called with the numbers of inputs and of tokens of each batch that was cut by tokens, once it is
                embedded. Not with several processes.
            **kwargs: As `SentenceTransformer.encode`.

        Returns:
            [dimensions] for one input, [inputs, dimensions] for a list, in the order given.

        Raises:
            PaperError: If an input cannot be embedded; the message names its position.
            TaskError: If the model does not know a task, or there is not one for each input.
        """
        texts = self._texts(inputs)
        tasks: set[str | None]
        if task is None or isinstance(task, str):
            tasks = {task}
        else:
            texts, tasks, task = _routed(texts, task), set(task), None
        if show_progress_bar is None:
            show_progress_bar = _st_logger.getEffectiveLevel() in (logging.INFO, logging.DEBUG)
        encode = functools.partial(
            super().encode,
            texts,
            prompt_name,
            prompt,
            output_value=output_value,
            precision=precision,
            convert_to_numpy=convert_to_numpy,
            convert_to_tensor=convert_to_tensor,
            device=device,
            normalize_embeddings=normalize_embeddings,
            truncate_dim=truncate_dim,
            pool=pool,
            chunk_size=chunk_size,
            task=task,
            **kwargs,
        )
        by_tokens = batch_size is None and output_value == "sentence_embedding" and not kwargs.get("processing_kwargs")
        pooling = self._pooling(tasks) if by_tokens else None
        if pooling is None:
            return encode(
                batch_size=_BATCH_SIZE if batch_size is None else batch_size, show_progress_bar=show_progress_bar
            )
        several = pool is not None or isinstance(device, list)
        count = 1 if isinstance(texts, str) else len(texts)
        # With several processes each has a plan's work to do, and Sentence Transformers counts their chunks.
        with tqdm(total=count, unit="text", desc="Embedding", disable=several or not show_progress_bar) as bar:

            def show(done: int, tokens: int) -> None:
                bar.update(done)
                if on_pass is not None:
                    on_pass(done, tokens)

            plan = Plan(pooling, on_pass=show)
            return encode(batch_size=max(1, count), show_progress_bar=several and show_progress_bar, plan=plan)

    @deprecated_kwargs(sentences="inputs")
    def encode_query(
        self,
        inputs: Any,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """As `SentenceTransformer.encode_query`, with the inputs and the `batch_size` of `encode`."""
        return super().encode_query(inputs, prompt_name, prompt, cast(int, batch_size), *args, **kwargs)

    @deprecated_kwargs(sentences="inputs")
    def encode_document(
        self,
        inputs: Any,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """As `SentenceTransformer.encode_document`, with the inputs and the `batch_size` of `encode`."""
        return super().encode_document(inputs, prompt_name, prompt, cast(int, batch_size), *args, **kwargs)

    def start_multi_process_pool(self, target_devices: list[str] | None = None) -> Any:
        """As `SentenceTransformer.start_multi_process_pool`, with this process's threads shared out among the workers.

        Args:
            target_devices: A device for each worker. Default: every GPU, or without one up to four on the CPU, no
                more than there are threads.

        Returns:
            The pool. Who waits for a result of a worker that has died gets a `WorkerError`.
        """
        threads = torch.get_num_threads()
        if target_devices is None and not torch.cuda.is_available() and not is_torch_npu_available():
            target_devices = ["cpu"] * min(4, threads)
        on_cpu = [torch.device(device).type for device in target_devices or []].count("cpu")
        with variable("OMP_NUM_THREADS", str(max(1, threads // max(1, on_cpu)))):
            pool = super().start_multi_process_pool(target_devices)
        return {**pool, "output": WatchedQueue(pool["output"], pool["processes"])}

    @staticmethod
    def stop_multi_process_pool(pool: dict[Literal["input", "output", "processes"], Any]) -> None:
        """As `SentenceTransformer.stop_multi_process_pool`."""
        # What a worker that died has left unread would be waited for at exit by Sentence Transformers 5.
        pool["input"].cancel_join_thread()
        SentenceTransformer.stop_multi_process_pool(pool)

    @classmethod
    def _multi_process_worker(cls, *args: Any, **kwargs: Any) -> None:
        Thread(target=end_with_parent, daemon=True).start()
        super()._multi_process_worker(*args, **kwargs)

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
    def _pooling(self, tasks: Collection[str | None]) -> Pooling | None:
        """How the engine may pool inputs of these tasks by itself, or None where it may not."""
        self.eval()
        module = self[1] if len(self) > 1 else None
        if not isinstance(module, PoolingModule) or not module.include_prompt:
            return None
        if not self.transformer.tokenizes_plainly or self.transformer.refusal(*tasks):
            return None
        return cast(Pooling, module.pooling_mode) if module.pooling_mode in get_args(Pooling) else None

    def _load_module_class_from_ref(self, class_ref: str, *args: Any, **kwargs: Any) -> type:
        # This class is installed code, not code that came with the folder, so it needs no trust_remote_code.
        if class_ref == ADAPTER_TRANSFORMER and class_ref not in getattr(self, "_module_classes", {}):
            return AdapterTransformer
        return super()._load_module_class_from_ref(class_ref, *args, **kwargs)


def _routed(texts: str | list[str], tasks: Sequence[str | None]) -> list[str]:
    if isinstance(texts, str) or len(tasks) != len(texts):
        count = "one input" if isinstance(texts, str) else f"{len(texts)} inputs"
        raise TaskError(f"{len(tasks)} tasks for {count}; give one task, or a list with one for each input")
    return [RoutedText(text, task) for text, task in zip(texts, tasks, strict=True)]
