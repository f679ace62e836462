"""The trainer of a run, set up as the options say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError
from sentence_transformers import SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.training_args import BatchSamplers
from torch import nn
from transformers import EarlyStoppingCallback
from transformers.trainer_callback import PrinterCallback

from specter2_plugins.errors import TrainingError, one_line
from specter2_plugins.sentence_transformers.specter2 import Specter2
from specter2_plugins.sentence_transformers.training_log import Log, LogCallback, OnStep
from specter2_plugins.training.batches import SimilarLengths
from specter2_plugins.training.examples import ANCHOR, PAIRED_COLUMNS, TEXT
from specter2_plugins.training.losses import HEAD_PARAMETERS
from specter2_plugins.training.material import Material
from specter2_plugins.training.options import TrainingOptions
from specter2_plugins.training.same_run import Begun
from specter2_plugins.training.tasks import TrainingTask
from specter2_plugins.training.trainer import TaskTrainer
from specter2_plugins.training.validation import LOSS, Validation


def make_trainer(
    tasks: Sequence[TrainingTask],
    out: Path,
    model: Specter2,
    options: TrainingOptions,
    material: Material,
    losses: Mapping[str, nn.Module],
    log: Log | None,
    on_step: OnStep,
    push_to_hub: str | None,
    begun: Begun,
    tokens: int,
) -> TaskTrainer:
    """Return the trainer of a run.

    Args:
        tasks: What is learned.
        out: The folder of checkpoints and logs.
        model: What is trained; it cuts texts where they are to be cut when the trainer is made.
        options: How.
        material: The examples.
        losses: By task.
        log: Called with what is measured.
        on_step: Called after each step, beside the log.
        push_to_hub: The repository for the result.
        begun: What checkpoints say of the run.
        tokens: Where the saved model cuts texts.

    Raises:
        TrainingError: If the options do not fit the material, the machine or one another.
    """
    validation = Validation(material.dev, losses, options.at_once) if material.dev else None
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
    trainer = TaskTrainer(
        begun=begun,
        tokens=tokens,
        train_dataset=material.train,
        model=model,
        args=args,
        loss=dict(losses),
        evaluator=validation,
    )
    if log is not None:
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(LogCallback(log, on_step))
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


@contextmanager
def pushing(repository: str | None) -> Iterator[None]:
    """Say in one line why the hub takes no push."""
    try:
        yield
    except (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError) as error:
        raise TrainingError(f"cannot push to {repository!r}: {one_line(error)}") from error
