"""What to train on: SciRepEval's tasks_config, a list of tasks as JSON or JSON lines.

Source: https://github.com/allenai/scirepeval, training/TRAINING.md. Here `labels` may also be a list, or left out to be
found in the data; `ctrl_token` may also be the name of an adapter; `pair` tasks are triplets without a negative; and
paired tasks may name their `loss`, and its `scale`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn, cast, get_args

from specter2_plugins.errors import TrainingError
from specter2_plugins.scirepeval import TITLE_AND_ABSTRACT, read_file
from specter2_plugins.tasks import BASE, TASK_FORMATS

Kind = Literal["classification", "regression", "ir", "triplet", "pair"]
PairLoss = Literal["triplet", "contrastive", "corpus"]
Split = Literal["train", "dev"]

_LONGEST_NAME = 100
_LABELLED = ("classification", "regression")
_ADAPTERS = {task.control_code: name for name, task in TASK_FORMATS.items()}
_RESERVED = (BASE, "query", "document")
_KEYS = (
    "name",
    "type",
    "dataset",
    "data_files",
    "ctrl_token",
    "sample_size",
    "input_fields",
    "labels",
    "labels_field",
    "multi_label",
    "loss",
    "scale",
)


@dataclass(frozen=True)
class HubDataset:
    """A data set of the Hugging Face hub, whose splits are `train` and `validation`."""

    path: str
    name: str | None = None


@dataclass(frozen=True)
class TrainingTask:
    """One task: its examples, the adapters that they go through, and how they are learned.

    Args:
        name: What logs and heads call it.
        kind: "classification" and "regression" have labels; "ir" are searches with scored candidates, "triplet" are a
            query, a paper near to it and one that is not, "pair" are the first two of those.
        source: Where the examples lie: a data set of the hub, or files by split ("train" and perhaps "dev").
        adapter: The adapter of papers: of those with labels, or of candidates.
        query_adapter: The adapter of queries.
        fields: What is embedded of a paper, in this order.
        labels_field: Where the label is.
        labels: The classes, in the order of the head's outputs; None: those of the training examples, sorted.
        multi_label: Whether a paper has any number of classes.
        sample_size: Most examples of a split; a search makes up to five. Default: all.
        loss: How tasks without labels are learned: by "triplet", each with its negative; "contrastive", among the
            papers of the batch; or "corpus", among all papers of the task, whose adapter stays as it is.
            Default: "triplet", or for pairs, which have no negative, "contrastive".
        scale: What similarities are multiplied by in the softmax of the last two. Default: 20 for cosines and for
            normalised embeddings, 1 for others.

    Raises:
        TrainingError: If a loss or a scale does not fit the kind of task.
    """

    name: str
    kind: Kind
    source: HubDataset | Mapping[str, Path]
    adapter: str
    query_adapter: str
    fields: tuple[str, ...] = TITLE_AND_ABSTRACT
    labels_field: str = "label"
    labels: tuple[str, ...] | None = None
    multi_label: bool = False
    sample_size: Mapping[str, int] = field(default_factory=dict)
    loss: PairLoss | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        if self.loss is None and not self.labelled:
            object.__setattr__(self, "loss", "contrastive" if self.kind == "pair" else "triplet")
        if problem := self._problem():
            raise TrainingError(f"task {self.name!r}: {' '.join(problem)}")

    def _problem(self) -> tuple[str, str] | None:
        """Return which setting does not fit the rest, and why."""
        if self.labelled and self.loss is not None:
            return "'loss'", "is for tasks without labels"
        if self.kind == "pair" and self.loss == "triplet":
            return "'loss'", "is 'triplet', which takes a negative: choose 'contrastive' or 'corpus'"
        if self.scale is not None and self.loss not in ("contrastive", "corpus"):
            return "'scale'", "is for the losses 'contrastive' and 'corpus'"
        if self.scale is not None and not 0 < self.scale <= sys.float_info.max:
            return "'scale'", f"is {self.scale!r}, expected a number above 0"
        if self.searches_corpus and self.query_adapter == self.adapter:
            return (
                "'loss'",
                "is 'corpus', where the adapter of papers stays as it is: "
                "'ctrl_token' must name another adapter for 'query' than for 'candidates'",
            )
        return None

    @property
    def labelled(self) -> bool:
        """Whether each example is a paper with a label."""
        return self.kind in _LABELLED

    @property
    def adapters(self) -> tuple[str, ...]:
        """The adapters that it trains."""
        if self.labelled:
            return (self.adapter,)
        if self.searches_corpus:
            return (self.query_adapter,)
        return tuple(dict.fromkeys((self.query_adapter, self.adapter)))

    @property
    def searches_corpus(self) -> bool:
        """Whether queries are learned among all papers of the task, which are embedded once."""
        return not self.labelled and self.loss == "corpus"


def read_tasks_config(path: str | Path) -> list[TrainingTask]:
    """Read SciRepEval's tasks_config; the examples are not read yet.

    Example:
        >>> [(task.name, task.kind) for task in read_tasks_config("tasks_config.json")]
        [('fos', 'classification'), ('search', 'ir')]

    Args:
        path: A JSON list of tasks, or JSON lines. Files that it names are looked for beside it and in the current
            folder.

    Raises:
        TrainingError: If a task cannot be understood; the message names its number, name and field.
        EvaluationError: If the file cannot be read.
    """
    path = Path(path)
    tasks = [_Entry(path, number, row).task() for number, row in enumerate(read_file(path), start=1)]
    if not tasks:
        raise TrainingError(f"{path} holds no task")
    names = [task.name for task in tasks]
    for name in names:
        if names.count(name) > 1:
            raise TrainingError(f"{path}: {names.count(name)} tasks have the name {name!r}")
    return tasks


@dataclass(frozen=True)
class _Entry:
    path: Path
    number: int
    row: Mapping[str, Any]

    def task(self) -> TrainingTask:
        for key in self.row:
            if key not in _KEYS:
                self._fail(key, f"is not known; known are {', '.join(_KEYS)}")
        kind = self._one_of("type", get_args(Kind))
        name = self._text("name")
        if not name.isprintable() or name.strip() != name or len(name) > _LONGEST_NAME or set(name) & set("./\\"):
            self._fail("name", f"is {name!r:.100}; names are printable, short, and hold no dot or slash")
        if "labels_field" not in self.row and kind == "regression":
            self._fail("labels_field", "is missing: the field with the number to be learned")
        query_adapter, adapter = self._adapters(paired=kind not in _LABELLED)
        loss = self._one_of("loss", get_args(PairLoss)) if "loss" in self.row else None
        settings = {
            "kind": cast(Kind, kind),
            "source": self._source(),
            "adapter": adapter,
            "query_adapter": query_adapter,
            "fields": self._fields(),
            "labels_field": self._text("labels_field", "label"),
            "labels": self._labels() if kind == "classification" else None,
            "multi_label": self._is(bool, "multi_label", False),
            "sample_size": self._sample_size(),
            "loss": cast(PairLoss | None, loss),
            "scale": self._scale(),
        }
        try:
            return TrainingTask(name, **settings)
        except TrainingError as error:
            raise TrainingError(f"{self._named()}: {str(error).removeprefix(f'task {name!r}: ')}") from None

    def _scale(self) -> float | None:
        scale = self.row.get("scale")
        if isinstance(scale, bool) or not isinstance(scale, (int, float, type(None))):
            self._fail("scale", f"is {scale!r}, expected a number above 0")
        return scale

    def _source(self) -> HubDataset | dict[str, Path]:
        if ("dataset" in self.row) == ("data_files" in self.row):
            self._fail("dataset", "or 'data_files': name one of the two")
        if "dataset" in self.row:
            found = self._is(dict, "dataset")
            if not isinstance(found.get("path"), str):
                self._fail("dataset", "has no 'path', the data set's name on the hub")
            return HubDataset(found["path"], found.get("name"))
        files = self._is(dict, "data_files")
        if "train" not in files or not set(files) <= {"train", "dev"}:
            self._fail("data_files", f"names {', '.join(files) or 'nothing'}; expected train and, perhaps, dev")
        return {split: self._file("data_files", file) for split, file in files.items()}

    def _adapters(self, *, paired: bool) -> tuple[str, str]:
        token = self.row.get("ctrl_token")
        if isinstance(token, dict):
            if not paired or set(token) != {"query", "candidates"}:
                self._fail("ctrl_token", f"is {token!r}; only tasks without labels have two, 'query' and 'candidates'")
            return self._adapter(token["query"]), self._adapter(token["candidates"])
        return (self._adapter(token),) * 2

    def _adapter(self, token: object) -> str:
        if isinstance(token, str) and token in _ADAPTERS:
            return _ADAPTERS[token]
        if not isinstance(token, str) or not token.replace("_", "").replace("-", "").isalnum() or token in _RESERVED:
            self._fail(
                "ctrl_token",
                f"is {token!r}; expected {', '.join(_ADAPTERS)} or the name of an adapter of letters, digits, _ and -",
            )
        return token

    def _fields(self) -> tuple[str, ...]:
        fields = self._is(list, "input_fields", list(TITLE_AND_ABSTRACT))
        if not fields or not all(isinstance(name, str) for name in fields):
            self._fail("input_fields", f"is {fields!r}, expected names of fields")
        return tuple(fields)

    def _labels(self) -> tuple[str, ...] | None:
        labels = self.row.get("labels")
        if isinstance(labels, str):
            file = self._file("labels", labels)
            try:
                lines = file.read_text(encoding="utf-8-sig").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                self._fail("labels", f"names {labels}, which cannot be read: {error}")
            labels = [line.strip() for line in lines if line.strip()]
        if labels is None:
            return None
        if not isinstance(labels, list) or len(set(map(str, labels))) != len(labels) or len(labels) < 2:
            self._fail("labels", "is neither a file nor a list of two or more different classes")
        names = tuple(map(str, labels))
        return tuple(sorted(names)) if self.row.get("multi_label") else names

    def _sample_size(self) -> dict[str, int]:
        size = self.row.get("sample_size", {})
        sizes = size if isinstance(size, dict) else {"train": size, "dev": size}
        if not all(type(most) is int and most >= -1 for most in sizes.values()) or not set(sizes) <= {
            "train",
            "dev",
        }:
            self._fail("sample_size", f"is {size!r}, expected a number, or one for train and one for dev")
        return {split: most for split, most in sizes.items() if most != -1}

    def _file(self, key: str, name: object) -> Path:
        if not isinstance(name, str):
            self._fail(key, f"holds {name!r}, expected the path of a file")
        found = [folder / name for folder in (self.path.parent, Path()) if _is_file(folder / name)]
        if not found:
            self._fail(key, f"names {name!r:.200}, which is neither in {self.path.parent} nor in the current folder")
        return found[0]

    def _text(self, key: str, default: str | None = None) -> str:
        value = self._is(str, key, default)
        if not value:
            self._fail(key, "is empty")
        return value

    def _one_of(self, key: str, known: Sequence[str], default: str | None = None) -> str:
        value = self._text(key, default)
        if value not in known:
            self._fail(key, f"is {value!r}, expected one of {', '.join(known)}")
        return value

    def _is(self, kind: type, key: str, default: Any = None) -> Any:
        value = self.row.get(key, default)
        if value is None:
            self._fail(key, "is missing")
        if not isinstance(value, kind):
            self._fail(key, f"is {value!r}, expected a {kind.__name__}")
        return value

    def _fail(self, key: str, problem: str) -> NoReturn:
        raise TrainingError(f"{self._named()}: {key!r} {problem}")

    def _named(self) -> str:
        name = self.row.get("name")
        named = f" ({name!r})" if isinstance(name, str) else ""
        return f"{self.path}: task {self.number}{named}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False
