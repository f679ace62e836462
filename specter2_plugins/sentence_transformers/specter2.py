"""`Specter2`: a `SentenceTransformer` that knows papers, and batches them by tokens."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection, Sequence
from threading import RLock, Thread
from typing import Any, Literal, cast, get_args

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling as PoolingModule
from sentence_transformers.util.decorators import deprecated_kwargs
from torch import Tensor
from tqdm import tqdm as plain_bar
from tqdm.auto import tqdm
from transformers import is_torch_npu_available

from specter2_plugins.checkpoints.saved import OUR_MODULES
from specter2_plugins.engine import Pooling
from specter2_plugins.environment import variable
from specter2_plugins.errors import TaskError
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.sentence_transformers import AdapterTransformer
from specter2_plugins.sentence_transformers.fingerprints import Fingerprints
from specter2_plugins.sentence_transformers.inputs import OnBlank, Text, is_table, is_table_row, text_of, texts_of
from specter2_plugins.sentence_transformers.model_card import MODEL_PLACEHOLDER, Specter2CardData
from specter2_plugins.sentence_transformers.passes import Passes, Routed
from specter2_plugins.sentence_transformers.pool import WatchedQueue, end_with_parent
from specter2_plugins.tasks import BASE, CONTROL_CODES, adapters_for

_BATCH_SIZE = 32
"""Sentence Transformers' default, where batches are not cut by tokens."""

_TASK_PROMPTS = ("query", "document")
"""Names of prompts that Sentence Transformers gives every model, and that are tasks here."""

_st_logger = logging.getLogger("sentence_transformers")


class Specter2(SentenceTransformer):
    """A `SentenceTransformer` that embeds papers as well as texts, each through the adapter of its task.

    Made by `load_specter2`. It adds nothing to what is saved but a card that says how to use it: plain
    `SentenceTransformer` loads its folders too.

    Example:
        >>> from specter2_plugins import load_specter2
        >>> model = load_specter2("mini")
        >>> query = model.encode_query("soil water")
        >>> papers = model.encode_document([{"title": "Soil water"}, {"title": "Learning to rank"}])
        >>> model.similarity(query, papers).argmax().item()
        0
    """

    model_card_data_class = Specter2CardData

    @functools.cached_property
    def _fingerprints(self) -> Fingerprints:
        return Fingerprints()

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
        """Return what the vectors of a task are made with.

        Raises:
            TaskError: If the model does not know the task.
        """
        return self._fingerprints.of(self.transformer, list(self)[1:], task)

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
        on_blank: OnBlank = "warn",
        on_pass: Callable[[int, int], object] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Encode as `SentenceTransformer.encode` does, for texts, `Paper`s and dicts with `title` and `abstract`.

        Args:
            inputs: One input or a list of them. `{"text": ...}` is that text, `{"title": ..., "text": ...}` a BEIR
                document, and a pair of strings two segments, as in Sentence Transformers. A pandas table is the list of
                its rows.
            prompt_name: As `SentenceTransformer.encode`, and so all arguments that are not told of here. "query" and
                "document" choose the adapter too, for programs that know of prompts but not of tasks.
            prompt: As `SentenceTransformer.encode`; one of SciRepEval's control codes, such as "[QRY]", is no text but
                the task, unless `task` says another.
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
            on_blank: "warn" gives inputs without any text the vector of an empty paper, and logs one warning that
                counts them and names the first; "raise" refuses them.
            on_pass: Called with the numbers of inputs and of tokens of each batch that was cut by tokens, once it is
                embedded. Not with several processes.
            **kwargs: As `SentenceTransformer.encode`.

        Returns:
            [dimensions] for one input, [inputs, dimensions] for a list, in the order given.

        Raises:
            PaperError: If an input cannot be embedded; the message names its position.
            TaskError: If the model does not know a task, or there is not one for each input.
        """
        if task is None and prompt is None and prompt_name in _TASK_PROMPTS:
            task = prompt_name
        if task is None and prompt in CONTROL_CODES:
            task = prompt
        single = self.is_singular_input(inputs)
        texts: Any = (text_of if single else texts_of)(inputs, self.transformer.sep_token, on_blank)
        if single and not isinstance(texts, str):  # a bare tuple would be two inputs
            texts = {"text": texts}
        tasks: set[str | None]
        if task is None or isinstance(task, str):
            tasks = {task}
        else:
            texts, tasks, task = _routed(texts, task, single), set(task), None
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
        by_tokens = by_tokens and all(isinstance(text, str) for text in ([texts] if single else texts))
        pooling = self._pooling(tasks) if by_tokens else None
        if pooling is None:
            return encode(
                batch_size=_BATCH_SIZE if batch_size is None else batch_size, show_progress_bar=show_progress_bar
            )
        several = pool is not None or isinstance(device, list)
        count = 1 if single else len(texts)
        # With several processes each has a plan's work to do, and Sentence Transformers counts their chunks.
        with tqdm(total=count, unit="text", desc="Embedding", disable=several or not show_progress_bar) as bar:

            def show(done: int, tokens: int) -> None:
                bar.update(done)
                if on_pass is not None:
                    on_pass(done, tokens)

            plan = Passes(pooling, on_pass=show)
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
        """Encode as `SentenceTransformer.encode_query` does, with the inputs and the `batch_size` of `encode`."""
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
        """Encode as `SentenceTransformer.encode_document` does, with the inputs and the `batch_size` of `encode`."""
        return super().encode_document(inputs, prompt_name, prompt, cast(int, batch_size), *args, **kwargs)

    def is_singular_input(self, inputs: Any) -> Any:  # type: ignore[override]  # a TypeIs there, which tables are not
        """Answer as `SentenceTransformer.is_singular_input`; a row of a pandas table is one paper, a table several."""
        return is_table_row(inputs) or (not is_table(inputs) and super().is_singular_input(inputs))

    def train_adapters(self, *tasks: str) -> str:
        """Freeze all but the adapters of some tasks, so that training them moves no other task's vectors.

        Example:
            >>> from specter2_plugins import load_specter2
            >>> model = load_specter2("mini")
            >>> print(model.train_adapters("proximity", "adhoc_query"))
            trainable: the adapters proximity, adhoc_query: 48 of 199 tensors, 0.2 of 23.2 million weights; frozen: ...

        Args:
            *tasks: "proximity" (or "document"), "adhoc_query" (or "query"), ...; none for all adapters.

        Returns:
            What is trainable now, in a line.

        Raises:
            TaskError: If there is no such adapter.
        """
        adapters = adapters_for(tasks or self.adapter_tasks, self.adapter_tasks)
        if not adapters or BASE in adapters:
            known = ", ".join(self.adapter_tasks) or "none"
            raise TaskError(f"train_adapters trains adapters, not the base; this model has: {known}")
        self.requires_grad_(False)
        for adapter in adapters:
            for parameter in self.transformer.adapters.parameters_of(adapter):
                parameter.requires_grad_(True)
        every = list(self.parameters())
        trained = [parameter for parameter in every if parameter.requires_grad]
        frozen = [*(task for task in self.adapter_tasks if task not in adapters), "the base and all else"]
        return (
            f"trainable: the adapters {', '.join(adapters)}: {len(trained)} of {len(every)} tensors, "
            f"{_millions(trained)} of {_millions(every)} million weights; frozen: {', '.join(frozen)}"
        )

    def start_multi_process_pool(self, target_devices: list[str] | None = None) -> Any:
        """Start `SentenceTransformer`'s pool, with this process's threads shared out among the workers.

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
        """Stop what `start_multi_process_pool` started."""
        # What a worker that died has left unread would be waited for at exit by Sentence Transformers 5.
        pool["input"].cancel_join_thread()
        SentenceTransformer.stop_multi_process_pool(pool)

    @classmethod
    def _multi_process_worker(cls, *args: Any, **kwargs: Any) -> None:
        Thread(target=end_with_parent, daemon=True).start()
        # The lock that bars make is one for all processes, and would be left behind by a worker that is terminated.
        plain_bar.set_lock(RLock())
        super()._multi_process_worker(*args, **kwargs)

    @torch.inference_mode()
    def _pooling(self, tasks: Collection[str | None]) -> Pooling | None:
        """Return how the engine may pool inputs of these tasks by itself, or None where it may not."""
        self.eval()
        module = self[1] if len(self) > 1 else None
        if not isinstance(module, PoolingModule) or not module.include_prompt:
            return None
        if not self.transformer.tokenizes_plainly or self.transformer.refusal(*tasks):
            return None
        return cast(Pooling, module.pooling_mode) if module.pooling_mode in get_args(Pooling) else None

    def _update_default_model_id(self, model_card: str) -> str:
        """Name the model in a card that was written before it had a name."""
        name = self.model_card_data.model_id
        return model_card.replace(MODEL_PLACEHOLDER, name) if name else model_card

    def _push_to_hub_usage_tip(self, repo_id: str) -> str:
        return f"""\
## Testing this pull request
You can test this pull request before merging by loading the model from it with the `revision` argument:
```python
from specter2_plugins import load_specter2  # pip install specter2-plugins

pr_number = 2  # NOTE: update this to the number of your pull request
model = load_specter2("{repo_id}", revision=f"refs/pr/{{pr_number}}")
```
"""

    def _load_module_class_from_ref(self, class_ref: str, *args: Any, **kwargs: Any) -> type:
        # This class is installed code, not code that came with the folder, so it needs no trust_remote_code.
        if class_ref in OUR_MODULES and class_ref not in getattr(self, "_module_classes", {}):
            return AdapterTransformer
        return super()._load_module_class_from_ref(class_ref, *args, **kwargs)


def _millions(parameters: Sequence[Tensor]) -> str:
    return f"{sum(parameter.numel() for parameter in parameters) / 1e6:.1f}"


def _routed(texts: list[Text], tasks: Sequence[str | None], single: bool) -> list[Any]:
    if single or len(tasks) != len(texts):
        count = "one input" if single else f"{len(texts)} inputs"
        raise TaskError(f"{len(tasks)} tasks for {count}; give one task, or a list with one for each input")
    return [Routed.of(text, task) for text, task in zip(texts, tasks, strict=True)]
