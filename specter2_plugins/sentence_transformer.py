"""`Specter2`: a `SentenceTransformer` that knows papers, and batches them by tokens."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Collection, Sequence
from multiprocessing import parent_process
from multiprocessing.connection import wait
from threading import Thread
from typing import Any, Literal, cast, get_args

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling as PoolingModule
from tqdm.auto import tqdm

from specter2_plugins.engine import Pooling
from specter2_plugins.environment import variable
from specter2_plugins.errors import PaperError, TaskError
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.model_card import Specter2CardData
from specter2_plugins.modules import AdapterTransformer
from specter2_plugins.modules.plan import Plan, RoutedText
from specter2_plugins.papers import PaperLike, input_text

ADAPTER_TRANSFORMER = f"{AdapterTransformer.__module__}.{AdapterTransformer.__qualname__}"
"""How `modules.json` names the module."""

_DEFAULT_BATCH_SIZE = 32
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

    def encode(
        self,
        inputs: Any,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = _DEFAULT_BATCH_SIZE,
        show_progress_bar: bool | None = None,
        output_value: Literal["sentence_embedding", "token_embeddings"] | None = "sentence_embedding",
        *args: Any,
        task: str | Sequence[str | None] | None = None,
        on_pass: Callable[[int, int], object] | None = None,
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
            task: "query", "document", the name of an adapter ("proximity", "adhoc_query", "classification",
                "regression") or "base"; or a list of them, one for each input, which then share batches. Default:
                proximity.
            on_pass: Called with the numbers of inputs and of tokens of each batch that the fast engine has embedded.
                Not with several processes.
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
        several = kwargs.get("pool") is not None or isinstance(kwargs.get("device"), list)
        if show_progress_bar is None:
            show_progress_bar = _st_logger.getEffectiveLevel() in (logging.INFO, logging.DEBUG)
        usual = batch_size == _DEFAULT_BATCH_SIZE and output_value == "sentence_embedding"
        pooling = self._pooling(tasks) if usual and not kwargs.get("processing_kwargs") else None
        encode = functools.partial(super().encode, texts, prompt_name, prompt)
        if pooling is None:
            return encode(batch_size, show_progress_bar, output_value, *args, task=task, **kwargs)
        count = 1 if isinstance(texts, str) else len(texts)
        # With several processes each has a plan's work to do, and Sentence Transformers counts their chunks.
        with tqdm(total=count, unit="text", desc="Embedding", disable=several or not show_progress_bar) as bar:

            def show(done: int, tokens: int) -> None:
                bar.update(done)
                if on_pass is not None:
                    on_pass(done, tokens)

            plan = Plan(pooling, on_pass=None if several else show)
            chunks = several and show_progress_bar
            return encode(max(1, count), chunks, output_value, *args, task=task, plan=plan, **kwargs)

    def start_multi_process_pool(self, target_devices: list[str] | None = None) -> Any:
        """As `SentenceTransformer.start_multi_process_pool`, with this process's threads shared out among the workers.

        Args:
            target_devices: A device for each worker. Default: every GPU, or without one up to four on the CPU, no
                more than there are threads.
        """
        threads = torch.get_num_threads()
        if target_devices is None and not torch.cuda.is_available():
            target_devices = ["cpu"] * min(4, threads)
        on_cpu = [str(device) for device in target_devices or []].count("cpu")
        with variable("OMP_NUM_THREADS", str(max(1, threads // max(1, on_cpu)))):
            return super().start_multi_process_pool(target_devices)

    @classmethod
    def _multi_process_worker(cls, *args: Any) -> None:
        Thread(target=_end_with_parent, daemon=True).start()
        super()._multi_process_worker(*args)

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
        if not isinstance(module, PoolingModule) or not module.include_prompt or self.transformer.refusal(*tasks):
            return None
        return cast(Pooling, module.pooling_mode) if module.pooling_mode in get_args(Pooling) else None

    def _load_module_class_from_ref(self, class_ref: str, *args: Any, **kwargs: Any) -> type:
        # This class is installed code, not code that came with the folder, so it needs no trust_remote_code.
        if class_ref == ADAPTER_TRANSFORMER:
            return AdapterTransformer
        return super()._load_module_class_from_ref(class_ref, *args, **kwargs)


def _routed(texts: str | list[str], tasks: Sequence[str | None]) -> list[str]:
    if isinstance(texts, str) or len(tasks) != len(texts):
        count = "one input" if isinstance(texts, str) else f"{len(texts)} inputs"
        raise TaskError(f"{len(tasks)} tasks for {count}; give one task, or a list with one for each input")
    return [RoutedText(text, task) for text, task in zip(texts, tasks, strict=True)]


def _end_with_parent() -> None:
    """Wait for the end of the process that started this one, which may be killed before it stops its workers."""
    if parent := parent_process():
        wait([parent.sentinel])
        os._exit(1)
