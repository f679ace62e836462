"""A task's rows -> the columns that its loss reads: text and label, or anchor, positive and negative.

Where a query is learned among all papers, these are an anchor with its papers, and `corpus` makes labels of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from datasets import Dataset, Features, Value
from datasets import Sequence as ListOf
from datasets.exceptions import DatasetGenerationError

from specter2_plugins.errors import Specter2Error, TrainingError
from specter2_plugins.scirepeval import TITLE_AND_ABSTRACT, Row, document, read_file, read_rows, text_of
from specter2_plugins.training import values
from specter2_plugins.training.tasks import HubDataset, Split, TrainingTask

logger = logging.getLogger(__name__)

ANCHOR, POSITIVE, NEGATIVE = PAIRED_COLUMNS = ("anchor", "positive", "negative")
_NAMES = {ANCHOR: "query", POSITIVE: "pos", NEGATIVE: "neg"}
"""What the files call them."""
POSITIVES, OTHERS = "positives", "others"
TEXT, LABEL = "text", "label"
RECORD = "record"
"""The number of the record that an example is of, from 1."""
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
        pairs, `negative`; or `anchor` and the lists `positives` and `others` of a task that searches a corpus; and
        `record`. None where the task has no such part.

    Raises:
        TrainingError: If an example cannot be used; the message names its file, record, field and value.
        EvaluationError: If the data cannot be read.
    """
    most = task.sample_size.get(split)
    if most == 0 or not _has(task, split):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    examples = partial(_examples, task, split, sep_token)
    dataset = _on_disk(examples, _features(task), mkdtemp(dir=folder))  # the task's name may be no folder's
    if most is None or most >= len(dataset):
        return dataset
    return dataset.shuffle(seed=seed).select(range(most))


def find_classes(task: TrainingTask) -> tuple[str, ...]:
    """Return the classes of a classification's training data, sorted.

    Raises:
        TrainingError: If there are fewer than two, or a record has no label that can be learned.
    """
    found = set[str]()
    for number, row in enumerate(_rows(task, "train"), start=1):
        with values.faults_of(_where(task, "train"), number):
            found.update(_names(task, row))
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


def _where(task: TrainingTask, split: Split) -> str:
    source = task.source.path if isinstance(task.source, HubDataset) else task.source[split]
    return f"task {task.name!r}, {split} data {source}"


def _on_disk(examples: Callable[[], Iterator[Row]], features: Features, folder: str) -> Dataset:
    try:
        return Dataset.from_generator(examples, features=features, cache_dir=folder)
    except DatasetGenerationError as error:
        if isinstance(error.__cause__, Specter2Error):
            raise error.__cause__ from None
        raise


def _features(task: TrainingTask) -> Features:
    record = {RECORD: Value("int64")}
    if task.searches_corpus:
        lists = dict.fromkeys((POSITIVES, OTHERS), ListOf(Value("string")))
        return Features({ANCHOR: Value("string"), **lists, **record})
    if not task.labelled:
        return Features({**dict.fromkeys(PAIRED_COLUMNS[: 2 if task.kind == "pair" else 3], Value("string")), **record})
    label = Value("float32") if task.kind == "regression" else Value("int64")
    return Features({TEXT: Value("string"), LABEL: ListOf(Value("uint8")) if task.multi_label else label, **record})


def _examples(task: TrainingTask, split: Split, sep_token: str) -> Iterator[Row]:
    make = _of_paper if task.labelled else _of_corpus if task.searches_corpus else _of_pairs
    where = _where(task, split)
    found = empty = unpaired = 0
    fields = set[str]()
    for number, row in enumerate(_rows(task, split), start=1):
        with values.faults_of(where, number):
            examples = [
                {key: _texts(key, value, task, sep_token, fields) for key, value in example.items()}
                for example in make(task, row)
            ]
        unpaired += not examples
        for example in examples:
            if task.searches_corpus or all(example[key] for key in example if key != LABEL):
                found += 1
                yield {**example, RECORD: number}
            else:
                empty += 1
    _check_fields(task, where, fields)
    if not found:
        raise TrainingError(f"task {task.name!r}: its {split} data hold no example")
    if unpaired:
        logger.warning("%s: %d searches lack an answer, or a paper that is none; left out", where, unpaired)
    if empty:
        logger.warning("task %r: %d of its %s examples hold a paper without text; left out", task.name, empty, split)


def _check_fields(task: TrainingTask, where: str, there: set[str]) -> None:
    """Refuse a field that no paper has; title and abstract may be missing where there are others."""
    missing = [field for field in task.fields if field not in there]
    optional = TITLE_AND_ABSTRACT if len(missing) < len(task.fields) else ()
    for field in missing if there else ():
        if field not in optional:
            known = ", ".join(map(repr, sorted(there)))
            raise TrainingError(f"{where}: 'input_fields' has {field!r}, which no paper has; they have: {known}")


def _texts(column: str, value: Any, task: TrainingTask, sep_token: str, fields: set[str]) -> Any:
    """Return the text of a query or paper, or those of a column's papers that have any; a label as it is."""
    if column == LABEL:
        return value
    if column in (POSITIVES, OTHERS):
        texts = (_text(column, paper, task, sep_token, fields) for paper in value)
        return [text for text in texts if text is not None]
    return _text(column, value, task, sep_token, fields)


def _text(column: str, value: Any, task: TrainingTask, sep_token: str, fields: set[str]) -> str | None:
    """Return what the tokenizer sees of a query or a paper, and note its fields; None for one without text."""
    if isinstance(value, Mapping):
        fields.update(map(str, value))
        parts = document({name: values.part(name, value.get(name)) for name in task.fields}, task.fields)
    elif isinstance(value, str):
        parts = (values.text(_NAMES.get(column, column), value),)
    else:
        raise values.unexpected(_NAMES.get(column, column), value, "a text or a paper")
    return text_of(parts, sep_token) if any(part.strip() for part in parts) else None


def _of_paper(task: TrainingTask, row: Row) -> Iterator[dict[str, Any]]:
    if task.kind == "regression":
        value = values.found(row, task.labels_field)
        if isinstance(value, bool):  # which Python counts as 1 or 0; of a candidate's score that is meant
            raise values.unexpected(task.labels_field, value, "a number")
        label: Any = values.number(task.labels_field, value)
    else:
        classes = task.labels or ()
        names = _names(task, row)
        unknown = [name for name in names if name not in classes]
        if unknown:
            raise ValueError(f"{task.labels_field!r} is {unknown[0]!r}, which is none of the {len(classes)} labels")
        label = [int(name in names) for name in classes] if task.multi_label else classes.index(names[0])
    yield {TEXT: row, LABEL: label}


def _names(task: TrainingTask, row: Row) -> list[str]:
    value = values.found(row, task.labels_field)
    return values.labels(task.labels_field, value) if task.multi_label else [values.label(task.labels_field, value)]


def _of_pairs(task: TrainingTask, row: Row) -> Iterator[dict[str, Any]]:
    """Yield a pair or a triplet; of a search up to five, each with another negative, and positives take turns."""
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
    """Return the query, the papers that answer it and those that do not."""
    query = values.found(row, "query")
    if task.kind != "ir":
        return query, [values.found(row, "pos")], [] if task.kind == "pair" else [values.found(row, "neg")]
    good, bad = list[Any](), list[Any]()
    for place, candidate in enumerate(values.items("candidates", values.found(row, "candidates")), start=1):
        if not isinstance(candidate, Mapping):
            raise ValueError(f"candidate {place} is {candidate!r:.80}, expected a paper with a score")
        try:
            score = values.number("score", values.found(candidate, "score"))
        except ValueError as error:
            raise ValueError(f"candidate {place}: {error}") from None
        (good if score > 0 else bad).append(candidate)
    return query, good, bad
