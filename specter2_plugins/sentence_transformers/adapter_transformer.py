"""The Sentence Transformers module that runs each input through the adapter of its task."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, cast

import torch
from sentence_transformers.base.modules import Transformer
from sentence_transformers.base.modules.transformer import ProcessingKwargs
from torch import Tensor
from transformers import BertModel, PreTrainedModel

from specter2_plugins.adapters import Adapter, BottleneckConfig
from specter2_plugins.checkpoints.hub import Hub
from specter2_plugins.checkpoints.plan import adapter_folder
from specter2_plugins.checkpoints.resolve import refuse_adapter
from specter2_plugins.engine import PackedTokens, encode, encode_pooled, pad, refusal
from specter2_plugins.errors import AdapterError
from specter2_plugins.sentence_transformers.adapter_carrier import AdapterCarrier
from specter2_plugins.sentence_transformers.inputs import texts_of
from specter2_plugins.sentence_transformers.left_behind import Moves
from specter2_plugins.sentence_transformers.library_adapters import LibraryAdapters
from specter2_plugins.sentence_transformers.lost_threads import go_on_without_lost_threads
from specter2_plugins.sentence_transformers.own_adapters import OwnAdapters
from specter2_plugins.sentence_transformers.passes import Passes, Routed
from specter2_plugins.tasks import CONTROL_CODES, canonical, route

logger = logging.getLogger(__name__)

ENGINES: dict[str, Callable[[PreTrainedModel], AdapterCarrier]] = {
    "auto": OwnAdapters,
    "reference": OwnAdapters,
    "adapterhub": LibraryAdapters,
}
"""What can compute, and how the adapters are carried for it."""

_ADAPTERS_FOLDER = "adapters"
_TASKS = ("task", "tasks")

# A tokenizer keeps its padding and truncation in itself, so two threads with different ones must take turns. Measuring
# a prompt tokenizes within tokenizing.
_tokenizing = threading.RLock()
if hasattr(os, "register_at_fork"):  # a thread that holds it does not live on in the child, which would wait forever
    os.register_at_fork(
        before=_tokenizing.acquire, after_in_parent=_tokenizing.release, after_in_child=_tokenizing.release
    )

# What of a module or a call changes how texts become tokens; not every Sentence Transformers has all of them.
_TOKENIZING_SETTINGS = ("processing_kwargs", "query_length", "document_length", "query_expansion")


class AdapterTransformer(Transformer):
    """A transformer whose adapters are chosen by `task`.

    Example:
        >>> from sentence_transformers import SentenceTransformer
        >>> from sentence_transformers.sentence_transformer.modules import Pooling
        >>> transformer = AdapterTransformer("models/bert", adapters={"proximity": "models/prx"})
        >>> model = SentenceTransformer(modules=[transformer, Pooling(48, "cls")], similarity_fn_name="euclidean")
        >>> model.encode({"title": "A title", "abstract": "An abstract"}, task="proximity").shape
        (48,)

    Args:
        model_name_or_path: The base: a hub repository or a folder in transformers' format.
        adapters: Task -> hub repository or folder in AdapterHub's format.
        engine: What computes: "auto" for the packed forward of `specter2_plugins.engine` wherever it gives what
            transformers' forward gives, and that elsewhere (training, bases that it does not know); "reference" for
            transformers' forward always; "adapterhub" for the adapters library.
        **kwargs: As `sentence_transformers.base.modules.Transformer`: `model_kwargs`, `processor_kwargs`, ...

    Raises:
        CheckpointError: If the base is the name of an adapter, or a repository cannot be had.
        AdapterError: If an adapter does not fit the base.
    """

    config_keys: list[str] = [*Transformer.config_keys, "adapter_tasks"]
    forward_kwargs: set[str] = {"task", "plan"}

    def __init__(
        self,
        model_name_or_path: str,
        *,
        adapters: Mapping[str, str | Path] | None = None,
        engine: str = "auto",
        **kwargs: Any,
    ) -> None:
        refuse_adapter(model_name_or_path)
        if engine not in ENGINES:
            raise AdapterError(f"engine is {engine!r}, expected one of {', '.join(map(repr, ENGINES))}")
        super().__init__(model_name_or_path, **kwargs)
        self.engine = engine
        self.adapters: AdapterCarrier = ENGINES[engine](self.model)
        self._moves = Moves()
        hub = _hub_of(kwargs.get("model_kwargs") or {})
        for task, source in (adapters or {}).items():
            self.load_adapter(task, source, hub)

    @property
    def sep_token(self) -> str:
        """What stands between title and abstract."""
        return str(self.processor.sep_token)

    @property
    def adapter_tasks(self) -> list[str]:
        """The tasks with an adapter of their own."""
        return self.adapters.tasks()

    def load_adapter(self, task: str, source: str | Path, hub: Hub = Hub()) -> None:
        """Carry an adapter under a task's name, replacing the one it had.

        Args:
            task: The task's name, as `encode(task=...)` will ask for it, in any spelling.
            source: A folder in AdapterHub's format, or a hub repository.
            hub: How to reach the hub.

        Raises:
            AdapterError: If the adapter does not fit the base.
            CheckpointError: If the repository cannot be had.
        """
        task = canonical(task)
        self.adapters.load(task, adapter_folder(source, hub))
        self._remember(task)

    def add_adapter(self, task: str, config: BottleneckConfig) -> None:
        """Carry a fresh adapter under a task's name, to be trained.

        Args:
            task: The task's name, as `encode(task=...)` will ask for it, in any spelling.
            config: Where the bottlenecks sit and how their weights are drawn.
        """
        task = canonical(task)
        self.adapters.add(task, config)
        self._remember(task)

    def _remember(self, task: str) -> None:
        self._moves.remember(task, self.adapters.base_state_dict(), self.adapters.state_of(task))

    def refusal(self, *tasks: str | None) -> str | None:
        """Return why inputs of some tasks would not go through the packed forward now, or None where they would.

        Raises:
            TaskError: If the model does not know a task.
        """
        adapters = [route(task, self.adapter_tasks) for task in tasks]
        if self.engine != "auto":
            return f"the model was loaded with engine={self.engine!r}"
        return refusal(self.model, [self._own(adapter) for adapter in adapters])

    @property
    def tokenizes_plainly(self) -> bool:
        """Whether texts are cut at the tokenizer's own length and nothing else is set about their tokens."""
        return not any(getattr(self, setting, None) for setting in _TOKENIZING_SETTINGS)

    def preprocess(
        self,
        inputs: Sequence[Any],
        prompt: str | None = None,
        processing_kwargs: ProcessingKwargs | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Tokenize texts and papers; the tasks travel with the features, since the trainer passes one only here.

        Returns:
            `input_ids`, `attention_mask` and `token_type_ids`, each [batch, tokens], and the `task` of all inputs, or
            `tasks` where each has its own. Under a `plan` the texts themselves, which `forward` tokenizes as it goes.

        Raises:
            PaperError: If an input cannot be encoded; the message names its position in the batch.
            TaskError: If the model does not know the task.
        """
        if not len(inputs):
            return {}
        if kwargs.pop("is_prompt", False):
            return super().preprocess(inputs, prompt, processing_kwargs, **kwargs)
        task = kwargs.get("task")
        if prompt in CONTROL_CODES:
            task, prompt = task or prompt, None
        tasks = [record.task if isinstance(record, Routed) else task for record in inputs]
        for each in {task, *tasks}:
            route(each, self.adapter_tasks)
        texts: list[Any] = list(texts_of(inputs, self.sep_token, place=" of this batch"))
        if kwargs.pop("plan", None) is not None:
            return {"texts": [prompt + text for text in texts] if prompt else texts, "tasks": tasks}
        with _tokenizing:
            features = super().preprocess(texts, prompt, processing_kwargs, **kwargs)
        # One task stays one value, which losses that cut a batch into smaller ones leave as it is.
        if any(each != task for each in tasks):
            features["tasks"] = tasks
        elif task is not None:
            features["task"] = task
        return features

    def _get_prompt_length(self, prompt: str, **kwargs: Any) -> int | None:
        # It asks `preprocess`, to which a prompt is no paper: it may be blank, and goes through no adapter.
        return super()._get_prompt_length(prompt, is_prompt=True, **kwargs)

    def forward(
        self, features: dict[str, Any], task: str | None = None, plan: Passes | None = None, **kwargs: Any
    ) -> dict[str, Tensor | Any]:
        """Run one batch through the adapter of its task.

        Returns:
            The same features, now with `token_embeddings`, [batch, tokens, hidden size]; under a `plan` others, with
            one vector, already pooled, for each text.
        """
        go_on_without_lost_threads()
        if plan is not None:
            return self._forward_plan(features["texts"], features["tasks"], plan)
        given = {name: value for name, value in features.items() if name not in _TASKS}
        if task is None:  # the trainer's call, whose losses may come back with the same features
            task = features.get("task")
        else:
            features.pop("task", None)
        tasks = features.get("tasks") or [task] * len(given["input_ids"])
        reason = self.refusal(*set(tasks))
        if reason is None:
            computed = self._forward_packed(given, tasks)
        else:
            logger.debug("the fast engine is not used: %s", reason)
            computed = self._forward_reference(given, tasks, **kwargs)
        # In place, as Sentence Transformers: its adaptive-layer losses look for what they asked for in their own dict.
        features.update(computed)
        return features

    def _forward_reference(self, features: dict[str, Any], tasks: list[str | None], **kwargs: Any) -> dict[str, Any]:
        if len(set(tasks)) > 1:
            return self._forward_by_task(features, tasks, **kwargs)
        with self.adapters.use(route(tasks[0], self.adapter_tasks)):
            return super().forward(features, **kwargs)

    def _forward_by_task(self, features: dict[str, Any], tasks: list[str | None], **kwargs: Any) -> dict[str, Any]:
        """Run the rows of each task by themselves, for a forward that knows one adapter at a time."""
        total = torch.empty(0)
        for task in dict.fromkeys(tasks):
            rows = [row for row, other in enumerate(tasks) if other == task]
            part = {name: value[rows] if isinstance(value, Tensor) else value for name, value in features.items()}
            with self.adapters.use(route(task, self.adapter_tasks)):
                hidden = super().forward(part, **kwargs)["token_embeddings"]
            if not len(total):
                total = hidden.new_empty(len(tasks), *hidden.shape[1:])
            total[rows] = hidden
        return {**features, "token_embeddings": total}

    # The engine's shapes differ from batch to batch and its kernels are oneDNN's: a compiler has nothing to add to it.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _forward_packed(self, features: dict[str, Any], tasks: list[str | None]) -> dict[str, Any]:
        mask = features["attention_mask"]
        tokens = PackedTokens.from_padded(features["input_ids"], mask, features.get("token_type_ids"))
        hidden = encode(self._bert, tokens, self._adapters(tasks))
        return {**features, "token_embeddings": pad(hidden, mask)}

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _forward_plan(self, texts: list[str], tasks: list[str | None], plan: Passes) -> dict[str, Any]:
        pooled = encode_pooled(
            self._bert,
            texts,
            self._token_ids,
            self._adapters(tasks),
            pooling=plan.pooling,
            token_budget=plan.token_budget,
            on_pass=plan.on_pass or (lambda texts, tokens: None),
        )
        # The pooling module that follows finds one token per text, whose mean and whose first it is.
        mask = torch.ones(len(texts), 1, dtype=torch.long, device=pooled.device)
        return {"token_embeddings": pooled[:, None], "attention_mask": mask}

    @property
    def _bert(self) -> BertModel:
        return cast(BertModel, self.model)

    def _adapters(self, tasks: Sequence[str | None]) -> list[Adapter | None]:
        known = {task: self._own(route(task, self.adapter_tasks)) for task in set(tasks)}
        return [known[task] for task in tasks]

    def _own(self, adapter: str | None) -> Adapter | None:
        return cast(OwnAdapters, self.adapters).adapter(adapter)

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        with _tokenizing:
            encoded = self.processor(
                list(texts), truncation=True, padding=False, return_attention_mask=False, return_token_type_ids=False
            )
        return cast(list[list[int]], encoded["input_ids"])

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write the base in transformers' format and each adapter, in AdapterHub's, under `adapters/<task>/`.

        Adapters that a training of the base has left behind are named in a warning.
        """
        adapters = {task: self.adapters.state_of(task) for task in self.adapter_tasks}
        if stale := self._moves.left_behind(self.adapters.base_state_dict(), adapters):
            logger.warning(
                "%s: the base has changed since these adapters came, and they have not: %s. What they give is no "
                "longer what they were trained for. model.train_adapters(...) before training keeps the base as it is",
                output_path,
                ", ".join(stale),
            )
        # The adapters library's own save_pretrained unlinks prefix tuning for good and adds to config.json.
        PreTrainedModel.save_pretrained(
            self.model, output_path, state_dict=self.adapters.base_state_dict(), safe_serialization=safe_serialization
        )
        self.processor.save_pretrained(output_path)
        self.save_config(output_path)
        for task in self.adapter_tasks:
            folder = Path(output_path) / _ADAPTERS_FOLDER / task
            self.adapters.save(task, folder, safe_serialization=safe_serialization)

    @classmethod
    def _load_init_kwargs(
        cls,
        model_name_or_path: str,
        subfolder: str = "",
        token: bool | str | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        trust_remote_code: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, Any]:
        model_kwargs = dict(model_kwargs or {})
        engine = model_kwargs.pop("engine", "auto")
        location = (token, cache_folder, revision, local_files_only)
        init = super()._load_init_kwargs(
            model_name_or_path, subfolder, *location, trust_remote_code, model_kwargs, *args, **kwargs
        )
        tasks = init.pop("adapter_tasks", [])
        if not tasks:
            return {**init, "engine": engine}
        folder = cls.load_dir_path(model_name_or_path, str(PurePosixPath(subfolder, _ADAPTERS_FOLDER)), *location)
        if folder is None:
            raise AdapterError(f"{model_name_or_path} lists the adapters {tasks} but has no folder {_ADAPTERS_FOLDER}/")
        return {**init, "engine": engine, "adapters": {task: Path(folder) / task for task in tasks}}


def _hub_of(model_kwargs: Mapping[str, Any]) -> Hub:
    return Hub(
        cache_folder=model_kwargs.get("cache_dir"),
        local_files_only=model_kwargs.get("local_files_only", False),
        token=model_kwargs.get("token"),
    )
