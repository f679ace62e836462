"""Records of a benchmark, from local files or the hub."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from specter2_plugins.errors import EvaluationError
from specter2_plugins.extras import require

Row: TypeAlias = dict[str, Any]
Source: TypeAlias = str | Mapping[str, str]
"""A path, or a data set of the hub as {"name": ..., "config": ...}."""


def read_rows(source: Source, folder: Path, split: str, file: str) -> Iterator[Row]:
    """Read one part of a data set.

    Args:
        source: Where it lies.
        folder: What a path is relative to.
        split: The part's name on the hub.
        file: The part's name without an ending in a local folder, as .jsonl or .csv.

    Raises:
        EvaluationError: If it cannot be read.
    """
    if not isinstance(source, str):
        return _from_hub(source, split)
    path = folder / source
    if path.is_dir():
        found = [path / f"{file}{ending}" for ending in _READERS if (path / f"{file}{ending}").is_file()]
        if not found:
            raise EvaluationError(f"{path} holds no {' and no '.join(file + ending for ending in _READERS)}")
        path = found[0]
    return read_file(path)


def read_file(path: Path) -> Iterator[Row]:
    """Read the rows of one file: JSON lines, a JSON list, CSV or TSV.

    Raises:
        EvaluationError: If it cannot be read; the message names the line.
    """
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise EvaluationError(f"{path}: unknown ending; expected one of {', '.join(_READERS)}")
    try:
        yield from reader(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from None


def _from_hub(source: Mapping[str, str], split: str) -> Iterator[Row]:
    datasets = require("datasets", "datasets", "evaluate")
    try:
        yield from datasets.load_dataset(source["name"], source.get("config"), split=split)
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise EvaluationError(f"data set {source['name']} ({source.get('config')}, {split}): {reason}") from None


def _json_lines(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    row = json.loads(line)
                except json.JSONDecodeError as error:
                    raise EvaluationError(f"{path}:{number}: {error}") from None
                if not isinstance(row, dict):
                    raise EvaluationError(f"{path}:{number}: expected an object")
                yield row


def _json_list(path: Path) -> Iterator[Row]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise EvaluationError(f"{path}:{error.lineno}: {error.msg}") from None
    if not isinstance(rows, list):
        raise EvaluationError(f"{path}: expected a list of objects; JSON lines are named .jsonl")
    yield from rows


def _separated(delimiter: str) -> Callable[[Path], Iterator[Row]]:
    def read(path: Path) -> Iterator[Row]:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter=delimiter)

    return read


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _json_lines,
    ".json": _json_list,
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
}
