"""Training: tasks and a model -> a model's folder with adapters, heads and a model card."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sentence_transformers.util import is_training_available
from transformers import set_seed

from specter2_plugins.adapters import BottleneckConfig
from specter2_plugins.adapters.config import NAMED_CONFIGS
from specter2_plugins.checkpoints.families import DEFAULT_CHECKPOINT
from specter2_plugins.environment import variable
from specter2_plugins.errors import MissingExtraError, TrainingError
from specter2_plugins.sentence_transformers.load import load_specter2
from specter2_plugins.sentence_transformers.specter2 import Specter2
from specter2_plugins.sentence_transformers.training_log import Log, OnStep
from specter2_plugins.tasks import BASE as BASE_TASK
from specter2_plugins.training.examples import find_classes
from specter2_plugins.training.limits import cut_at, own_limit, training_limit
from specter2_plugins.training.losses import make_loss
from specter2_plugins.training.material import Material
from specter2_plugins.training.options import ADAPTERS, BASE, TrainingOptions
from specter2_plugins.training.report import TrainingReport
from specter2_plugins.training.same_run import Begun, finished, last_checkpoint
from specter2_plugins.training.setup import make_trainer, pushing
from specter2_plugins.training.tasks import TrainingTask, read_tasks_config
from specter2_plugins.training.trainer import AllSteps, TaskTrainer
from specter2_plugins.training.validation import LOSS

logger = logging.getLogger(__name__)

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
    on_step: OnStep = lambda step, steps: None,
    push_to_hub: str | None = None,
) -> TrainingReport:
    """Train one adapter for each task format, as SPECTER2's second stage did; the base is frozen.

    Example:
        >>> from specter2_plugins import load_specter2
        >>> report = train_adapters("tasks_config.json", "my-specter2", "my-bert")  # prints the trainer's log
        {'eval_fos_loss': ...
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
        on_step: Called after each step, if there is a log, with its number and the steps in all.
        push_to_hub: Repository that the result is pushed to.

    Raises:
        TrainingError: If tasks, options or folder cannot be used as asked, or the hub takes no push.
        EvaluationError: If a file or data set cannot be read.
        CheckpointError: If the model cannot be had.
    """
    tasks = _opened(tasks)
    checkpoint = _check_folder(Path(out), resume)
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
    return _train(tasks, Path(out), model, options, checkpoint, log, on_step, push_to_hub)


def train_base(
    tasks: Tasks,
    out: str | Path,
    model: Specter2 | str | Path = "allenai/scibert_scivocab_uncased",
    *,
    options: TrainingOptions = BASE,
    resume: bool = False,
    log: Log | None = None,
    on_step: OnStep = lambda step, steps: None,
    push_to_hub: str | None = None,
) -> TrainingReport:
    """Train all weights of a base, as SPECTER2's first stage did with citation triplets; it gets no adapter.

    The arguments are those of `train_adapters`; a task's `ctrl_token` means nothing here.

    Example:
        >>> options = replace(BASE, batch_size=8, epochs=1)
        >>> train_base("triplets_config.json", "my-base", "my-bert", options=options).folder.name  # prints the log
        {'train_runtime': ...

    Raises:
        TrainingError: If tasks, options or folder cannot be used as asked, or the model carries adapters.
        EvaluationError: If a file or data set cannot be read.
        CheckpointError: If the model cannot be had.
    """
    tasks = _opened(tasks)
    _check_corpora(tasks, {task.adapter for task in tasks})
    tasks = [replace(task, adapter=BASE_TASK, query_adapter=BASE_TASK) for task in tasks]
    checkpoint = _check_folder(Path(out), resume)
    model = _loaded(model, options, adapters={})
    if model.transformer.adapter_tasks:
        raise TrainingError(
            "the model carries adapters, which do not fit its base once that has changed; "
            "load it with load_specter2(..., adapters={})"
        )
    set_seed(options.seed)
    model.requires_grad_(True)
    return _train(tasks, Path(out), model, options, checkpoint, log, on_step, push_to_hub)


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


def _check_folder(out: Path, resume: bool) -> Path | None:
    """Return the checkpoint to go on from."""
    last = last_checkpoint(out)
    if resume and last is None:
        raise TrainingError(f"{out} holds no checkpoint to go on from")
    if last is not None and not resume:
        raise TrainingError(f"{out} holds checkpoints of an earlier run: resume it, or choose another folder")
    return last


def _loaded(model: Specter2 | str | Path, options: TrainingOptions, **kwargs: Any) -> Specter2:
    if not isinstance(model, Specter2):
        model = load_specter2(model, device="cpu" if options.cpu else None, **kwargs)
    return model


def _train(
    tasks: Sequence[TrainingTask],
    out: Path,
    model: Specter2,
    options: TrainingOptions,
    checkpoint: Path | None,
    log: Log | None,
    on_step: OnStep,
    push_to_hub: str | None,
) -> TrainingReport:
    tokens = own_limit(model)
    # transformers 4 leaves its precision behind in this variable, and the next run takes it from there.
    with (
        TemporaryDirectory() as scratch,
        variable("ACCELERATE_MIXED_PRECISION", "no"),
        cut_at(model, training_limit(model, options.max_tokens)),
    ):
        material = Material.load(tasks, model, options.seed, Path(scratch))
        if not material.train:
            raise TrainingError("no task has an example to train on: sample_size is 0")
        examples = {task: len(dataset) for task, dataset in material.train.items()}
        begun = Begun.of(model, tasks, options, examples)
        if checkpoint is not None:
            before = Begun.read(checkpoint)
            begun.check(checkpoint, before)
            if before.report is not None and not begun.is_longer(before):
                logger.warning(
                    "the run in %s is over, and nothing is changed; to go on, raise epochs or max_steps", out
                )
                return finished(before, out)
        losses = {task.name: make_loss(task, model, options.margin, material.papers.get(task.name)) for task in tasks}
        with pushing(push_to_hub):
            trainer = make_trainer(
                tasks, out, model, options, material, losses, log, on_step, push_to_hub, begun, tokens
            )
        loss = _trained(trainer, checkpoint)
        metrics = _measured(trainer) if material.dev else {}
        model.eval()
        trainer.save_result(out)
        report = TrainingReport(
            out,
            trainer.state.global_step,
            examples,
            loss,
            {name.removeprefix("eval_"): value for name, value in metrics.items() if _is_measured(name, tasks)},
        )
        last = last_checkpoint(out)
        if last is not None:
            replace(begun, report=report.to_dict()).write(last)
        if push_to_hub is not None:
            with pushing(push_to_hub):
                trainer.push_to_hub()
    return report


def _trained(trainer: TaskTrainer, checkpoint: Path | None) -> float:
    """Make the steps that are left, and return the mean loss of them; of none, the last one before."""
    try:
        return trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint)).training_loss
    except AllSteps:
        return next((entry["loss"] for entry in reversed(trainer.state.log_history) if "loss" in entry), 0.0)


def _measured(trainer: TaskTrainer) -> dict[str, float]:
    """Return what the validation says of the weights that training ended with."""
    state = trainer.state
    kept = state.best_global_step if trainer.args.load_best_model_at_end else state.global_step
    known = [entry for entry in state.log_history if entry["step"] == kept and f"eval_{LOSS}" in entry]
    return known[-1] if known else trainer.evaluate()


def _is_measured(name: str, tasks: Sequence[TrainingTask]) -> bool:
    return name == f"eval_{LOSS}" or any(name.startswith(f"eval_{task.name}_") for task in tasks)
