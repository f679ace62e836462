"""Training: tasks and a model -> a model's folder with adapters, heads and a model card."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from datasets import Dataset
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError
from sentence_transformers import SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.training_args import BatchSamplers
from sentence_transformers.util import is_training_available
from torch import nn
from transformers import EarlyStoppingCallback, set_seed
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import get_last_checkpoint

from specter2_plugins.adapters import BottleneckConfig
from specter2_plugins.adapters.config import NAMED_CONFIGS
from specter2_plugins.checkpoints import DEFAULT_CHECKPOINT
from specter2_plugins.environment import variable
from specter2_plugins.errors import MissingExtraError, TrainingError, one_line
from specter2_plugins.models import load_specter2
from specter2_plugins.sentence_transformer import Specter2
from specter2_plugins.tasks import BASE as BASE_TASK
from specter2_plugins.training.batches import SimilarLengths
from specter2_plugins.training.examples import ANCHOR, PAIRED_COLUMNS, TEXT, find_classes
from specter2_plugins.training.heads import save_heads
from specter2_plugins.training.log import Log, LogCallback
from specter2_plugins.training.losses import HEAD_PARAMETERS, make_loss
from specter2_plugins.training.material import Material
from specter2_plugins.training.options import ADAPTERS, BASE, TrainingOptions
from specter2_plugins.training.report import TrainingReport
from specter2_plugins.training.tasks import TrainingTask, read_tasks_config
from specter2_plugins.training.trainer import TaskTrainer
from specter2_plugins.training.validation import LOSS, Validation

Tasks = str | Path | Sequence[TrainingTask]


def train_adapters(
    tasks: Tasks,
    out: str | Path,
    model: Specter2 | str | Path = DEFAULT_CHECKPOINT,
    *,
    options: TrainingOptions = ADAPTERS,
    fresh: bool = False,
    bottleneck: BottleneckConfig = NAMED_CONFIGS["seq_bn"],
    resume: bool = False,
    log: Log | None = None,
    push_to_hub: str | None = None,
) -> TrainingReport:
    """Train one adapter for each task format, as SPECTER2's second stage did; the base is frozen.

    Example:
        >>> report = train_adapters("tasks_config.json", "my-specter2", "allenai/specter2_base")
        >>> model = load_specter2(report.folder)

    Args:
        tasks: SciRepEval's tasks_config, or its tasks.
        out: The folder of the checkpoints, of TensorBoard's logs (`runs/`) and of the result.
        model: The base and the adapters to start from: whatever `load_specter2` takes. Adapters of no task stay as
            they are.
        options: How to train.
        fresh: Start from fresh adapters even where the model has some.
        bottleneck: What fresh adapters are like.
        resume: Go on from the last checkpoint in `out`, with the same tasks and options.
        log: Called with the step, the steps in all and what was measured, instead of transformers' own progress.
        push_to_hub: Repository that the result is pushed to.

    Raises:
        TrainingError: If tasks, options or folder cannot be used as asked, or the hub takes no push.
        EvaluationError: If a file or data set cannot be read.
        CheckpointError: If the model cannot be had.
    """
    tasks = _opened(tasks)
    _check_folder(Path(out), resume)
    model = _loaded(model, options)
    set_seed(options.seed)
    trained = list(dict.fromkeys(adapter for task in tasks for adapter in task.adapters))
    _check_corpora(tasks, trained)
    for adapter in trained:
        if fresh or adapter not in model.transformer.adapter_tasks:
            model.transformer.add_adapter(adapter, bottleneck)
    model.requires_grad_(False)
    for adapter in trained:
        for parameter in model.transformer.adapters.parameters_of(adapter):
            parameter.requires_grad_(True)
    return _train(tasks, Path(out), model, options, resume, log, push_to_hub)


def train_base(
    tasks: Tasks,
    out: str | Path,
    model: Specter2 | str | Path = "allenai/scibert_scivocab_uncased",
    *,
    options: TrainingOptions = BASE,
    resume: bool = False,
    log: Log | None = None,
    push_to_hub: str | None = None,
) -> TrainingReport:
    """Train all weights of a base, as SPECTER2's first stage did with citation triplets; it gets no adapter.

    The arguments are those of `train_adapters`; a task's `ctrl_token` means nothing here.

    Raises:
        TrainingError: If tasks, options or folder cannot be used as asked, or the model carries adapters.
        EvaluationError: If a file or data set cannot be read.
        CheckpointError: If the model cannot be had.
    """
    tasks = _opened(tasks)
    _check_corpora(tasks, {task.adapter for task in tasks})
    tasks = [replace(task, adapter=BASE_TASK, query_adapter=BASE_TASK) for task in tasks]
    _check_folder(Path(out), resume)
    model = _loaded(model, options, adapters={})
    if model.transformer.adapter_tasks:
        raise TrainingError(
            "the model carries adapters, which do not fit its base once that has changed; "
            "load it with load_specter2(..., adapters={})"
        )
    set_seed(options.seed)
    model.requires_grad_(True)
    return _train(tasks, Path(out), model, options, resume, log, push_to_hub)


def _opened(tasks: Tasks) -> list[TrainingTask]:
    if not is_training_available():
        raise MissingExtraError("accelerate", "train")
    opened = read_tasks_config(tasks) if isinstance(tasks, str | Path) else list(tasks)
    return [
        replace(task, labels=find_classes(task)) if task.kind == "classification" and task.labels is None else task
        for task in opened
    ]


def _check_corpora(tasks: Sequence[TrainingTask], trained: Collection[str]) -> None:
    for task in tasks:
        if task.searches_corpus and task.adapter in trained:
            raise TrainingError(
                f"task {task.name!r} embeds its papers once, and what embeds them is trained in the same run"
            )


def _check_folder(out: Path, resume: bool) -> None:
    last = get_last_checkpoint(str(out)) if out.is_dir() else None
    if resume and last is None:
        raise TrainingError(f"{out} holds no checkpoint to go on from")
    if last is not None and not resume:
        raise TrainingError(f"{out} holds checkpoints of an earlier run: resume it, or choose another folder")


def _loaded(model: Specter2 | str | Path, options: TrainingOptions, **kwargs: Any) -> Specter2:
    if not isinstance(model, Specter2):
        model = load_specter2(model, device="cpu" if options.cpu else None, **kwargs)
    model.max_seq_length = options.max_tokens
    return model


def _train(
    tasks: Sequence[TrainingTask],
    out: Path,
    model: Specter2,
    options: TrainingOptions,
    resume: bool,
    log: Log | None,
    push_to_hub: str | None,
) -> TrainingReport:
    # transformers 4 leaves its precision behind in this variable, and the next run takes it from there.
    with TemporaryDirectory() as scratch, variable("ACCELERATE_MIXED_PRECISION", "no"):
        material = Material.load(tasks, model, options.seed, Path(scratch))
        if not material.train:
            raise TrainingError("no task has an example to train on: sample_size is 0")
        losses = {task.name: make_loss(task, model, options.margin, material.papers.get(task.name)) for task in tasks}
        validation = Validation(material.dev, losses, options.at_once) if material.dev else None
        with _pushing(push_to_hub):
            trainer = _trainer(tasks, out, model, options, material.train, losses, validation, log, push_to_hub)
        run = trainer.train(resume_from_checkpoint=resume or None)
        metrics = _measured(trainer) if validation is not None else {}
        model.eval()
        model.save_pretrained(str(out))
        save_heads(trainer.heads, out)
        if push_to_hub is not None:
            with _pushing(push_to_hub):
                trainer.push_to_hub()
    return TrainingReport(
        out,
        trainer.state.global_step,
        {task: len(dataset) for task, dataset in material.train.items()},
        run.training_loss,
        {name.removeprefix("eval_"): value for name, value in metrics.items() if _is_measured(name, tasks)},
    )


@contextmanager
def _pushing(repository: str | None) -> Iterator[None]:
    try:
        yield
    except (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError) as error:
        raise TrainingError(f"cannot push to {repository!r}: {one_line(error)}") from error


def _measured(trainer: TaskTrainer) -> dict[str, float]:
    """What the validation says of the weights that training ended with."""
    state = trainer.state
    kept = state.best_global_step if trainer.args.load_best_model_at_end else state.global_step
    known = [entry for entry in state.log_history if entry["step"] == kept and f"eval_{LOSS}" in entry]
    return known[-1] if known else trainer.evaluate()


def _trainer(
    tasks: Sequence[TrainingTask],
    out: Path,
    model: Specter2,
    options: TrainingOptions,
    examples: Mapping[str, Dataset],
    losses: dict[str, nn.Module],
    validation: Validation | None,
    log: Log | None,
    push_to_hub: str | None,
) -> TaskTrainer:
    arguments = options.arguments()
    if options.patience is not None:
        if validation is None:
            raise TrainingError("patience needs validation data, and no task has any")
        arguments |= {"load_best_model_at_end": True}
    if validation is not None:
        arguments |= {
            "eval_strategy": arguments["save_strategy"],
            "eval_steps": arguments["save_steps"],
            "metric_for_best_model": f"eval_{LOSS}",
            "greater_is_better": False,
        }
    if options.head_learning_rate is not None and any(task.labelled for task in tasks):
        arguments |= {"learning_rate_mapping": {HEAD_PARAMETERS: options.head_learning_rate}}
    # A text that is twice in a batch would be a negative of itself.
    unique = any(task.loss == "contrastive" for task in tasks if not task.labelled)
    args = SentenceTransformerTrainingArguments(
        output_dir=str(out),
        router_mapping={task.name: _routes(task) for task in tasks},
        batch_sampler=BatchSamplers.NO_DUPLICATES if unique else partial(SimilarLengths, window=options.passes),
        report_to=["tensorboard"],
        push_to_hub=push_to_hub is not None,
        hub_model_id=push_to_hub,
        hub_strategy="end",
        disable_tqdm=log is not None,
        **arguments,
    )
    if args.world_size > 1:
        raise TrainingError("training runs in one process: heads are not shared among several")
    args._n_gpu = min(1, args.n_gpu)
    trainer = TaskTrainer(model=model, args=args, train_dataset=dict(examples), loss=dict(losses), evaluator=validation)
    if log is not None:
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(LogCallback(log))
    if options.patience is not None:
        trainer.add_callback(EarlyStoppingCallback(options.patience))
    if validation is not None:
        validation.attach(trainer)
    return trainer


def _routes(task: TrainingTask) -> dict[str, str]:
    if task.labelled:
        return {TEXT: task.adapter}
    if task.searches_corpus:
        return {ANCHOR: task.query_adapter}
    return dict(zip(PAIRED_COLUMNS, (task.query_adapter, task.adapter, task.adapter), strict=True))


def _is_measured(name: str, tasks: Sequence[TrainingTask]) -> bool:
    return name == f"eval_{LOSS}" or any(name.startswith(f"eval_{task.name}_") for task in tasks)
