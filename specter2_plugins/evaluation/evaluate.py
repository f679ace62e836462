"""A model and tasks -> a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.evaluation.report import Report
from specter2_plugins.evaluation.sources import read_tasks
from specter2_plugins.evaluation.stages import OnStage, following
from specter2_plugins.evaluation.task import Task

if TYPE_CHECKING:
    from specter2_plugins.sentence_transformers.specter2 import Specter2


def evaluate(
    model: Specter2,
    tasks: str | Path | Iterable[Task],
    *,
    adapter: str | None = None,
    cache: Path | None = None,
    progress: bool = False,
    on_stage: OnStage = lambda stage: None,
    after_task: Callable[[Report], object] = lambda report: None,
) -> Report:
    """Evaluate a model.

    Example:
        >>> from specter2_plugins import load_specter2
        >>> report = evaluate(load_specter2("mini"), "beir/scifact")
        >>> sorted({score.system for score in report.scores})
        ['bm25', 'hybrid', 'model']

    Args:
        model: What `load_specter2` returned.
        tasks: What `read_tasks` takes, or tasks.
        adapter: The adapter, or "base", that every text goes through. Default: each task's own, which the model must
            have: classification, regression, proximity, and for short queries adhoc_query.
        cache: Folder that keeps embeddings, found again by the model's fingerprint and the texts. Default: none.
        progress: Whether to show bars.
        on_stage: Called with what is done of a task's stage, again and again: its texts are embedded, papers are ranked
            or SVMs learn.
        after_task: Called with the scores so far after each task, for those who keep them.

    Returns:
        The scores. Rankings have BM25's and a fusion's beside the model's.

    Raises:
        EvaluationError: If a task cannot be read or measured.
        TaskError: If the model lacks an adapter that a task needs.
    """
    encoder = Encoder(model, adapter, cache, progress)
    report = Report([], {})
    for task in read_tasks(tasks) if isinstance(tasks, str | Path) else tasks:
        try:
            with following(task.name, on_stage):
                scores = [*report.scores, *task.evaluate(encoder)]
        except EvaluationError as error:
            raise EvaluationError(f"task {task.name!r}: {error}") from None
        report = Report(scores, {name: used.to_dict() for name, used in encoder.used.items()})
        after_task(report)
    return report
