"""A task's rows -> the columns that its loss reads: text and label, or anchor, positive and negative.

Where a query is learned among all papers, these are an anchor with its papers, and `corpus` makes labels of them.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, Value
from datasets import Sequence as ListOf
from datasets.exceptions import DatasetGenerationError

from specter2_plugins.errors import Specter2Error, TrainingError
from specter2_plugins.scirepeval import Row, document, read_file, read_rows, text_of
from specter2_plugins.training.tasks import HubDataset, Split, TrainingTask

logger = logging.getLogger(__name__)

ANCHOR, POSITIVE, NEGATIVE = PAIRED_COLUMNS = ("anchor", "positive", "negative")
POSITIVES, OTHERS = "positives", "others"
TEXT, LABEL = "text", "label"
TRIPLETS_OF_A_SEARCH = 5

_HUB_SPLITS: dict[Split, str] = {"train": "train", "dev": "validation"}


def load_examples(task: TrainingTask, split: Split, sep_token: str, seed: int, folder: Path) -> Dataset | None:
    """Read a task's examples into a table on disk.

    Args:
        task: The task. A classification's classes must be known.
        split: Which of its parts.
        sep_token: What stands between the fields of a paper.
        seed: Draws the sample where `sample_size` asks for one.
        folder: Where the table lies; it must outlive the data set.

    Returns:
        `text` and `label` (a class's number, a number for each class, or a value); `anchor`, `positive` and, but for
        pairs, `negative`; or `anchor` and the lists `positives` and `others` of a task that searches a corpus. None
        where the task has no such part.

    Raises:
        TrainingError: If an example cannot be used; the message names its row.
        EvaluationError: If the data cannot be read.
    """
    most = task.sample_size.get(split)
    if most == 0 or not _has(task, split):
        return None
    dataset = _on_disk(partial(_examples, task, split, sep_token), _features(task), folder / f"{task.name}-{split}")
    if most is None or most >= len(dataset):
        return dataset
    return dataset.shuffle(seed=seed).select(range(most))


def find_classes(task: TrainingTask) -> tuple[str, ...]:
    """The classes of a classification's training data, sorted."""
    found = {label for row in _rows(task, "train") for label in _names(task, row.get(task.labels_field))}
    if len(found) < 2:
        raise TrainingError(f"task {task.name!r}: 'labels_field' {task.labels_field!r} holds {len(found)} classes")
    return tuple(sorted(found))


def _has(task: TrainingTask, split: Split) -> bool:
    return isinstance(task.source, HubDataset) or split in task.source


def _rows(task: TrainingTask, split: Split) -> Iterator[Row]:
    if isinstance(task.source, HubDataset):
        source = {"name": task.source.path} | ({"config": task.source.name} if task.source.name else {})
        return read_rows(source, Path(), _HUB_SPLITS[split], split)
    return read_file(task.source[split])


def _on_disk(examples: Callable[[], Iterator[Row]], features: Features, folder: Path) -> Dataset:
    try:
        return Dataset.from_generator(examples, features=features, cache_dir=str(folder))
    except DatasetGenerationError as error:
        if isinstance(error.__cause__, Specter2Error):
            raise error.__cause__ from None
        raise


def _features(task: TrainingTask) -> Features:
    if task.searches_corpus:
        return Features({ANCHOR: Value("string"), **dict.fromkeys((POSITIVES, OTHERS), ListOf(Value("string")))})
    if not task.labelled:
        return Features(dict.fromkeys(PAIRED_COLUMNS[: 2 if task.kind == "pair" else 3], Value("string")))
    label = Value("float32") if task.kind == "regression" else Value("int64")
    return Features({TEXT: Value("string"), LABEL: ListOf(Value("uint8")) if task.multi_label else label})


def _examples(task: TrainingTask, split: Split, sep_token: str) -> Iterator[Row]:
    make = _of_paper if task.labelled else _of_corpus if task.searches_corpus else _of_pairs
    found = empty = 0
    for number, row in enumerate(_rows(task, split), start=1):
        try:
            for example in make(task, row):
                texts = {key: _texts(key, value, task, sep_token) for key, value in example.items() if key != LABEL}
                if task.searches_corpus or all(texts.values()):
                    found += 1
                    yield {**example, **texts}
                else:
                    empty += 1
        except (KeyError, TypeError, ValueError) as error:
            problem = f"has no {error}" if isinstance(error, KeyError) else str(error)
            raise TrainingError(f"task {task.name!r}, {split} data, record {number}: {problem}") from None
    if not found:
        raise TrainingError(f"task {task.name!r}: its {split} data hold no example")
    if empty:
        logger.warning("task %r: %d of its %s examples hold a paper without text; left out", task.name, empty, split)


def _texts(column: str, value: Any, task: TrainingTask, sep_token: str) -> Any:
    """The text of a query or paper, or those of a column's papers that have any."""
    if column in (POSITIVES, OTHERS):
        return [text for text in (_text(paper, task, sep_token) for paper in value) if text is not None]
    return _text(value, task, sep_token)


def _text(value: Any, task: TrainingTask, sep_token: str) -> str | None:
    """What the tokenizer sees of a query or a paper; None for one without text."""
    if not isinstance(value, str | Mapping):
        raise TypeError(f"{value!r} is neither a text nor a paper")
    parts = (value,) if isinstance(value, str) else document(_without_fractions(value), task.fields)
    return text_of(parts, sep_token) if any(part.strip() for part in parts) else None


def _without_fractions(row: Mapping[str, Any]) -> Row:
    """Years are stored as 2018.0 where some are missing, and are read as 2018."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in row.items()
    }


def _of_paper(task: TrainingTask, row: Row) -> Iterator[dict[str, Any]]:
    value = row[task.labels_field]
    if task.kind == "regression":
        label: Any = _number(task.labels_field, value)
    else:
        classes = task.labels or ()
        names = _names(task, value)
        unknown = [name for name in names if name not in classes]
        if unknown:
            raise ValueError(f"{task.labels_field!r} is {unknown[0]!r}, which is none of the {len(classes)} labels")
        label = [int(name in names) for name in classes] if task.multi_label else classes.index(names[0])
    yield {TEXT: row, LABEL: label}


def _number(field: str, value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{field!r} is {value!r}, expected a number")
    return number


def _names(task: TrainingTask, value: Any) -> list[str]:
    if task.multi_label != isinstance(value, (list, tuple)) or value is None:
        expected = "a list of labels" if task.multi_label else "one label"
        raise ValueError(f"{task.labels_field!r} is {value!r}, expected {expected}")
    return list(map(str, value)) if task.multi_label else [str(value)]


def _of_pairs(task: TrainingTask, row: Row) -> Iterator[dict[str, Any]]:
    """A pair or a triplet; of a search up to five, each with another negative, and positives take turns."""
    query, positives, others = _judged(task, row)
    if task.kind == "pair":
        yield {ANCHOR: query, POSITIVE: positives[0]}
    else:
        for negative, positive in zip(others[-TRIPLETS_OF_A_SEARCH:][::-1], cycle(positives), strict=False):
            yield {ANCHOR: query, POSITIVE: positive, NEGATIVE: negative}


def _of_corpus(task: TrainingTask, row: Row) -> Iterator[dict[str, Any]]:
    query, positives, others = _judged(task, row)
    yield {ANCHOR: query, POSITIVES: positives, OTHERS: others}


def _judged(task: TrainingTask, row: Row) -> tuple[Any, list[Any], list[Any]]:
    """The query, the papers that answer it and those that do not."""
    if task.kind == "ir":
        scored = [(candidate, _number("score", candidate["score"])) for candidate in row["candidates"]]
        answers, others = ([paper for paper, score in scored if (score > 0) is good] for good in (True, False))
        return row["query"], answers, others
    return row["query"], [row["pos"]], [] if task.kind == "pair" else [row["neg"]]
