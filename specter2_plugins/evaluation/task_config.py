"""One line of SciRepEval's task configuration, and the data that it names.

Source: https://github.com/allenai/scirepeval, evaluation/EVALUATION.md. `embeddings` (files that tasks share) and
`batch_size` are not read: the cache and the model do that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.few_shot import FewShot
from specter2_plugins.scirepeval import TITLE_AND_ABSTRACT, Document, Row, judgements, read_rows

_PAPERS_SPLIT = "evaluation"
_JUDGED_SPLIT = "test"
_SHOWN = 80


@dataclass(frozen=True)
class TaskConfig:
    """A task, not yet read.

    Args:
        folder: What paths in `data` are relative to.
        name: What tables call it.
        kind: Its `type`.
        data: "meta", "test", "reviewers" -> a path, or {"name": ..., "config": ...} of the hub; "simple_format".
        metrics: What to compute.
        fields: What is embedded of a paper: title and abstract, if the task names none.
        multi_label: Whether papers have several labels.
        few_shot: Runs with few training papers.
    """

    folder: Path
    name: str
    kind: str
    data: Mapping[str, Any]
    metrics: tuple[str, ...]
    fields: tuple[str, ...] = ()
    multi_label: bool = False
    few_shot: tuple[FewShot, ...] = ()

    @classmethod
    def parse(cls, row: Row, folder: Path) -> TaskConfig:
        """Read a line of the configuration.

        Raises:
            EvaluationError: If a part is missing or of the wrong kind.
        """
        expected = {"name": str, "type": str, "data": Mapping, "metrics": list}
        optional = {"fields": list, "multi_label": bool, "few_shot": list}
        for key, form in (expected | {key: form for key, form in optional.items() if key in row}).items():
            if not isinstance(row.get(key), form):
                raise EvaluationError(f"{key!r} is {row.get(key)!r}, which is not how SciRepEval's tasks have it")
        if not row["metrics"]:
            raise EvaluationError("it names no metrics")
        if row["type"] == "regression" and (row.get("multi_label") or row.get("few_shot")):
            raise EvaluationError("a regression has neither 'multi_label' nor 'few_shot'")
        few_shot = tuple(map(_few_shot, row.get("few_shot", ())))
        if len({run.sample_size for run in few_shot}) < len(few_shot):
            raise EvaluationError("two of its 'few_shot' runs have one sample_size")
        return cls(
            folder,
            row["name"],
            row["type"],
            row["data"],
            tuple(map(str, row["metrics"])),
            tuple(map(str, row.get("fields", ()))),
            row.get("multi_label", False),
            few_shot,
        )

    def rows(self, part: str, split: str, file: str, *keys: str) -> Iterator[Row]:
        """Read a part of the data, every row of which has some keys.

        Raises:
            EvaluationError: If it cannot be read.
        """
        source = self._source(part)
        if isinstance(source, str) or (isinstance(source, Mapping) and isinstance(source.get("name"), str)):
            return read_rows(source, self.folder, split, file, keys)
        raise EvaluationError(f'{part!r} of its data is {source!r}; expected a path, or {{"name": ..., "config": ...}}')

    def require_folder(self, part: str, *names: str) -> None:
        """Check that a part of the data, if it is a path, is a folder, with a file for each of some names.

        Raises:
            EvaluationError: If it is a file, which would be read for each of them.
        """
        source = self._source(part)
        if isinstance(source, str) and not (self.folder / source).is_dir():
            raise EvaluationError(f"{part!r} of its data is {source!r}; expected a folder with {' and '.join(names)}")

    def _source(self, part: str) -> Any:
        source = self.data.get(part)
        return self.data.get("meta") if part == "test" and source is None else source

    def papers(self, key: str = "doc_id") -> dict[str, Document]:
        """Return id -> paper, of data that are a plain list of papers."""
        return self._named(self.rows("meta", _PAPERS_SPLIT, "meta"), key)

    def searches(self) -> tuple[dict[str, Document], dict[str, Document]]:
        """Return id -> query and id -> candidate, of data that are a list of queries with their candidates."""
        rows = list(self.rows("meta", _PAPERS_SPLIT, "meta", "query", "candidates"))
        for row in rows:
            if not isinstance(row["candidates"], list):
                raise EvaluationError(f"the candidates of query {row['query']!r:.80} are no list")
        candidates = (candidate for row in rows for candidate in row["candidates"])
        return self._named(map(self._query, rows), "doc_id", check=False), self._named(candidates, "doc_id")

    def _query(self, row: Row) -> Row:
        """Return a query that is a paper, or a text in place of a paper's first field."""
        query = row["query"]
        return {"doc_id": row.get("doc_id"), self._fields[0]: query} if isinstance(query, str) else query

    def _document(self, row: Row) -> Document:
        """Return the fields that a row fills: unlike in `Paper`, an empty one leaves no separator, as in SciRepEval."""
        return tuple(str(row[field]) for field in self._fields if row.get(field))

    @property
    def _fields(self) -> tuple[str, ...]:
        return self.fields or TITLE_AND_ABSTRACT

    def _named(self, rows: Iterable[Row], key: str, check: bool = True) -> dict[str, Document]:
        """Return id -> document; of an id that comes twice the first counts, as in SciRepEval."""
        found: dict[str, Document] = {}
        keys: set[str] = set()
        for row in rows:
            if not isinstance(row, Mapping) or row.get(key) is None:
                raise EvaluationError(f"a paper of 'meta' has no {key!r}: {str(row)[:_SHOWN]}")
            found.setdefault(str(row[key]), self._document(row))
            keys.update(row)
        missing = [field for field in self._fields if field not in keys]
        if check and found and missing and (self.fields or len(missing) == len(self._fields)):
            raise EvaluationError(
                f"no paper of 'meta' has {' or '.join(missing)}; they have: {', '.join(sorted(keys))}"
            )
        return found

    def judgements(self) -> dict[str, dict[str, int]]:
        """Return a query's id -> candidate's id -> score."""
        keys = ("query_id", "cand_id", "score")
        return judgements(self.rows("test", _JUDGED_SPLIT, "test_qrel", *keys), *keys)


def _few_shot(run: Any) -> FewShot:
    try:
        return FewShot(run["sample_size"], run["iterations"])
    except (KeyError, TypeError):
        raise EvaluationError(f'few_shot: {run!r}; expected {{"sample_size": ..., "iterations": ...}}') from None
