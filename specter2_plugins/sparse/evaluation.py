"""How well a SPLADE model searches, and how sparse its vectors are, on data sets in NanoBEIR's format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentence_transformers import SparseEncoder
from sentence_transformers.sparse_encoder.evaluation import SparseInformationRetrievalEvaluator

from specter2_plugins.errors import EvaluationError
from specter2_plugins.extras import require

if TYPE_CHECKING:
    from datasets import Dataset

NANOBEIR = "sentence-transformers/NanoBEIR-en"
MEAN = "mean"
_COLUMNS = {"queries": ("_id", "text"), "corpus": ("_id", "text"), "qrels": ("query-id", "corpus-id")}
_FORMATS = {".jsonl": "json", ".parquet": "parquet"}

Metrics = dict[str, float]


def evaluate_splade(
    model: SparseEncoder, source: str | Path = NANOBEIR, names: Sequence[str] | None = None, *, batch_size: int = 32
) -> dict[str, Metrics]:
    """Measure accuracy, precision, recall, MRR, nDCG and MAP, active dimensions and sparsity ratio.

    The measures are Sentence Transformers' own, and enter the model's card when it is saved.

    Args:
        model: The model.
        source: A data set of the hub, or a folder, with `queries`, `corpus` and `qrels`, and of each a file for every
            name: `corpus/NanoNQ.jsonl`, `corpus/NanoNQ-00000-of-00001.parquet`.
        names: What to evaluate on, such as "NanoNQ". Default: all there is.
        batch_size: Texts to a batch.

    Returns:
        Name -> measure -> value, with their mean under "mean" where there are several.

    Raises:
        EvaluationError: If a part is missing, or its columns are.
    """
    results: dict[str, Metrics] = {}
    for name in names or _names(source):
        evaluator = _evaluator(source, name, batch_size)
        measured = evaluator(model)
        results[name] = {key.removeprefix(f"{name}_"): float(value) for key, value in measured.items()}
    if len(results) > 1:
        measures = next(iter(results.values()))
        results[MEAN] = {
            measure: sum(values[measure] for values in results.values()) / len(results) for measure in measures
        }
    return results


def table(results: Mapping[str, Metrics]) -> str:
    """Return the results in Markdown, a row for each measure, as on the cards of Sentence Transformers' models."""
    measures = next(iter(results.values()))
    rows = [["Metric", *results], ["---"] * (len(results) + 1)]
    rows += [[measure, *(f"{values[measure]:.4f}" for values in results.values())] for measure in measures]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _names(source: str | Path) -> list[str]:
    if not Path(source).is_dir():
        return list(require("datasets", "datasets", "train").get_dataset_split_names(str(source), "queries"))
    names = sorted({path.name.partition(".")[0].partition("-")[0] for path in (Path(source) / "queries").glob("*.*")})
    if not names:
        raise EvaluationError(f"{source} holds no queries; expected queries/NAME.jsonl or .parquet")
    return names


def _evaluator(source: str | Path, name: str, batch_size: int) -> SparseInformationRetrievalEvaluator:
    relevant: dict[str, set[str]] = defaultdict(set)
    for row in _part(source, "qrels", name):
        relevant[row["query-id"]].add(row["corpus-id"])
    queries, corpus = (
        {row["_id"]: row["text"] for row in _part(source, part, name) if row["text"]} for part in ("queries", "corpus")
    )
    if not set(relevant) & set(queries):
        raise EvaluationError(f"{source}: no query of {name!r} is judged in qrels")
    return SparseInformationRetrievalEvaluator(
        queries, corpus, dict(relevant), name=name, batch_size=batch_size, write_csv=False
    )


def _part(source: str | Path, part: str, name: str) -> Dataset:
    datasets = require("datasets", "datasets", "train")
    if Path(source).is_dir():
        folder = Path(source) / part
        files = [path for path in sorted(folder.glob(f"{name}[.-]*")) if path.suffix in _FORMATS]
        if not files:
            raise EvaluationError(f"{folder} holds no {name}.jsonl and no {name}.parquet")
        rows = datasets.load_dataset(_FORMATS[files[0].suffix], data_files=list(map(str, files)), split="train")
    else:
        rows = datasets.load_dataset(str(source), part, split=name)
    missing = set(_COLUMNS[part]) - set(rows.column_names)
    if missing:
        raise EvaluationError(f"{part} of {name!r} in {source} has no column {', '.join(sorted(missing))}")
    return rows
