"""Records of a benchmark, from local files or the hub."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from specter2_plugins.errors import EvaluationError, one_line
from specter2_plugins.extras import require
from specter2_plugins.printable import from_json
from specter2_plugins.readers.delimited import field_limit

_HIGHEST_SCORE = 32_767

Row: TypeAlias = dict[str, Any]
Source: TypeAlias = str | Mapping[str, str]
"""A path, or a data set of the hub as {"name": ..., "config": ...}."""


def read_rows(source: Source, folder: Path, split: str, file: str, keys: Iterable[str] = ()) -> Iterator[Row]:
    """Read one part of a data set.

    Args:
        source: Where it lies.
        folder: What a path is relative to.
        split: The part's name on the hub.
        file: The part's name without an ending in a local folder, as .jsonl or .csv.
        keys: What every row has.

    Raises:
        EvaluationError: If it cannot be read, or a row lacks a key.
    """
    if isinstance(source, str):
        return read_file(find_file(folder / source, file), keys)
    return _checked(_from_hub(source, split), f"data set {_name(source, split)}", keys)


def find_file(path: Path, file: str) -> Path:
    """Return a part of a data set: the path itself or, in a folder, the file of that name.

    Raises:
        EvaluationError: If the folder holds none.
    """
    if not path.is_dir():
        return path
    found = [path / f"{file}{ending}" for ending in _READERS if (path / f"{file}{ending}").is_file()]
    if not found:
        raise EvaluationError(f"{path} holds no {' and no '.join(file + ending for ending in _READERS)}")
    return found[0]


def read_file(path: Path, keys: Iterable[str] = ()) -> Iterator[Row]:
    """Read the rows of one file: JSON lines, JSON (a list, or one object), CSV or TSV.

    Raises:
        EvaluationError: If it cannot be read, or a row lacks a key; the message names it.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise EvaluationError(f"{path}: unknown ending; expected one of {', '.join(_READERS)}")
    try:
        yield from _checked(reader(path), str(path), keys)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from None


def judgements(rows: Iterable[Row], query: str, candidate: str, score: str) -> dict[str, dict[str, int]]:
    """Return a query's id -> candidate's id -> how relevant it is.

    Args:
        rows: What was judged.
        query: The key of a query's id.
        candidate: The key of a candidate's id.
        score: The key of a whole number; in CSV and TSV, numbers are text.

    Raises:
        EvaluationError: If there are no rows, or a score is no such number; the message names it.
    """
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        number = _whole(row[score])
        if number is None:
            raise EvaluationError(
                f"query {row[query]!r}, candidate {row[candidate]!r}: {score} {row[score]!r} is no whole number of at "
                f"most {_HIGHEST_SCORE}"
            )
        found.setdefault(str(row[query]), {})[str(row[candidate])] = number
    if not found:
        raise EvaluationError("there are no judgements")
    return found


def plain_text(row: Row, key: str) -> str:
    """Return a text of a row, empty for null.

    Raises:
        EvaluationError: If it is a list or an object.
    """
    value = row[key]
    if not isinstance(value, str | int | float | None):
        raise EvaluationError(f"{key} is {value!r:.80}, expected a text")
    return "" if value is None else str(value)


def _whole(value: Any) -> int | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    # trec_eval counts how often there is each, in an array.
    return int(number) if number.is_integer() and abs(number) <= _HIGHEST_SCORE else None


def _checked(rows: Iterable[Any], where: str, keys: Iterable[str]) -> Iterator[Row]:
    keys = tuple(keys)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise EvaluationError(f"{where}: record {number} is no object")
        for key in keys:
            if key not in row:
                raise EvaluationError(f"{where}: record {number} has no {key!r}; it has: {', '.join(map(str, row))}")
        yield row


def _from_hub(source: Mapping[str, str], split: str) -> Iterator[Row]:
    datasets = require("datasets", "datasets", "evaluate")
    try:
        yield from datasets.load_dataset(source["name"], source.get("config"), split=split)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise EvaluationError(f"data set {_name(source, split)} cannot be had: {one_line(error)}") from None


def _name(source: Mapping[str, str], split: str) -> str:
    return f"{source['name']} ({source.get('config', 'default')}, {split})"


def _json_lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield from_json(line)
                except json.JSONDecodeError as error:
                    raise EvaluationError(f"{path}:{number}: {error}") from None


def _json(path: Path) -> Iterator[Any]:
    try:
        rows = from_json(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise EvaluationError(f"{path}:{error.lineno}: {error.msg}; JSON lines are named .jsonl") from None
    yield from rows if isinstance(rows, list) else [rows]


def _separated(delimiter: str) -> Callable[[Path], Iterator[Row]]:
    def read(path: Path) -> Iterator[Row]:
        with path.open(encoding="utf-8-sig", newline="") as file, field_limit():
            yield from csv.DictReader(file, delimiter=delimiter)

    return read


_READERS: dict[str, Callable[[Path], Iterator[Any]]] = {
    ".jsonl": _json_lines,
    ".txt": _json_lines,
    ".json": _json,
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
}
