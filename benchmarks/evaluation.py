"""The table of docs/evaluation.md: BM25, the base alone, each adapter for every text, each task's own, and the hybrid.

Run: python -m benchmarks.evaluation --data FOLDER, where FOLDER holds cacm/, cisi/ and scirepeval_sample/.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory

from benchmarks.scirepeval_sample import SPLIT, write_sample_tasks
from specter2_plugins import load_specter2
from specter2_plugins.evaluation import Score, evaluate, read_tasks
from specter2_plugins.tasks import BASE

OWN = "own"
"""The column of each task's own adapters."""


def table(columns: dict[str, list[Score]]) -> str:
    """A Markdown table with a row for each task and metric; splits are averaged, with their standard deviation."""
    cells: dict[tuple[str, str], dict[str, list[float]]] = {}
    for column, scores in columns.items():
        for score in scores:
            row = cells.setdefault((score.task.partition(SPLIT)[0], score.metric), {})
            name = column if score.system == "model" else score.system
            if column == OWN or score.system == "model":
                row.setdefault(name, []).append(score.value)
    names = ["bm25", *columns, "hybrid"]
    lines = [("task", "metric", *names), ("---", "---", *["---:"] * len(names))]
    lines += [(*row, *(_cell(found.get(name, [])) for name in names)) for row, found in cells.items()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(values: list[float]) -> str:
    if not values:
        return ""
    return f"{values[0]:.1f}" if len(values) == 1 else f"{fmean(values):.1f} ± {stdev(values):.1f}"


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--cache", type=Path, help="folder that keeps embeddings for the next run")
    parser.add_argument("--out", type=Path, help="where to write all scores as JSON")
    args = parser.parse_args()
    model = load_specter2(args.model)
    with TemporaryDirectory() as work:
        sample = write_sample_tasks(args.data / "scirepeval_sample", Path(work) / "sample")
        tasks = list(read_tasks(args.data / "cacm", args.data / "cisi", sample))
        adapters = {name: name for name in (BASE, *model.transformer.adapter_tasks)}
        columns = {
            name: evaluate(model, tasks, adapter=adapter, cache=args.cache or Path(work) / "cache").scores
            for name, adapter in ({**adapters, OWN: None}).items()
        }
    print(table(columns))
    if args.out:
        found = {name: [vars(score) for score in scores] for name, scores in columns.items()}
        args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
