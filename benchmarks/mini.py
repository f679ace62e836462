"""`mini` on what it was not trained on: ad-hoc search against plain MiniLM, and linear probes of its adapters.

Run: python -m benchmarks.mini --data FOLDER [MODEL ...]; several models are one recipe with several seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory

from benchmarks.held_out import read_probes, read_searches
from benchmarks.scirepeval_sample import SPLIT
from specter2_plugins import Specter2, load_specter2
from specter2_plugins.evaluation import Task, evaluate
from specter2_plugins.evaluation.ranking import Ranking
from specter2_plugins.evaluation.report import MODEL
from specter2_plugins.tasks import BASE

Scores = dict[tuple[str, str], float]


def joined_by_space(collection: Ranking) -> Ranking:
    """The same with each document as one text: how MiniLM is used elsewhere."""
    documents = {paper: (" ".join(filter(None, parts)),) for paper, parts in collection.documents.items()}
    return replace(collection, documents=documents)


def scores_of(model: Specter2, tasks: Iterable[Task], adapter: str | None, cache: Path) -> Scores:
    """What a model scores by task and metric; splits of a task are averaged."""
    found: dict[tuple[str, str], list[float]] = {}
    for score in evaluate(model, tasks, adapter=adapter, cache=cache).scores:
        if score.system == MODEL:
            found.setdefault((score.task.partition(SPLIT)[0], score.metric), []).append(score.value)
    return {key: fmean(values) for key, values in found.items()}


def row(name: str, plain: Sequence[float], runs: Sequence[float], best: float) -> str:
    """A row of a Markdown table: plain scores, the runs' mean and spread, and the gain over the best plain one."""
    spread = f" ± {stdev(runs):.1f}" if len(runs) > 1 else ""
    cells = [*(f"{value:.1f}" for value in plain), f"{fmean(runs):.1f}{spread}", f"{fmean(runs) - best:+.1f}"]
    return f"| {name} | {' | '.join(cells)} |"


def table_of_searches(plain: Sequence[Scores], runs: Sequence[Scores]) -> str:
    """Each collection, and their mean, against the better of the plain ones on each."""
    best = {key: max(scores[key] for scores in plain) for key in plain[0]}
    lines = ["| nDCG@10 | MiniLM, space | MiniLM, [SEP] | mini | gain |", "|---|---:|---:|---:|---:|"]
    lines += [row(key[0], [each[key] for each in plain], [run[key] for run in runs], best[key]) for key in best]
    means = ([fmean(each.values()) for each in system] for system in (plain, runs))
    return "\n".join([*lines, row("mean", *means, fmean(best.values()))])


def table_of_probes(plain: Scores, proximity: Sequence[Scores], own: Sequence[Scores]) -> str:
    """What linear models make of each adapter's vectors."""
    lines = ["| probe | MiniLM | proximity | own | gain |", "|---|---:|---:|---:|---:|"]
    for key in plain:
        near = fmean(run[key] for run in proximity)
        lines.append(row(", ".join(key), [plain[key], near], [run[key] for run in own], near))
    return "\n".join(lines)


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("models", nargs="*", default=["mini"])
    parser.add_argument("--cache", type=Path, help="folder that keeps embeddings for the next run")
    args = parser.parse_args()
    models = [load_specter2(name) for name in args.models]
    with TemporaryDirectory() as work:
        cache = args.cache or Path(work) / "cache"
        searches, probes = list(read_searches(args.data, Path(work))), list(read_probes(args.data, Path(work)))
        bases = [scores_of(models[0], tasks, BASE, cache) for tasks in (map(joined_by_space, searches), searches)]
        print(table_of_searches(bases, [scores_of(model, searches, None, cache) for model in models]), flush=True)
        by_adapter = ([scores_of(model, probes, adapter, cache) for model in models] for adapter in ("proximity", None))
        print("\n" + table_of_probes(scores_of(models[0], probes, BASE, cache), *by_adapter))


if __name__ == "__main__":
    main()
