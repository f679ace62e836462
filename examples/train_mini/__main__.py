"""Train the four adapters of `mini` on a frozen MiniLM, in four runs of `train_adapters`.

Run: python -m examples.train_mini --papers acm_papers.jsonl.gz --out FOLDER

1. `proximity`: pairs of papers that share a rare keyword, among the papers of the batch.
2. `classification`: venues.
3. `regression`: years.
4. `adhoc_query`: searches made of papers, among all these papers as `proximity` embeds them.

Up-projections start at zero, so training starts from MiniLM itself.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from examples.train_mini.papers import Record, read_acm, scaled_year, split
from examples.train_mini.searches import make_pairs, make_searches
from specter2_plugins import load_specter2
from specter2_plugins.adapters.config import NAMED_CONFIGS
from specter2_plugins.readers import read_papers
from specter2_plugins.training import TrainingOptions, train_adapters

_BOTTLENECK = replace(NAMED_CONFIGS["seq_bn"], init_weights="mam_adapter")
_OPTIONS = TrainingOptions(epochs=1, warmup=0.1, schedule="cosine", max_tokens=128)
_PAIRS = replace(_OPTIONS, batch_size=64, device_batch_size=64, learning_rate=1e-3)
_LABELS = replace(_OPTIONS, batch_size=32, device_batch_size=8, learning_rate=1e-3, head_learning_rate=1e-2)
_SEARCHES = replace(_OPTIONS, batch_size=128, device_batch_size=32, learning_rate=1e-3, max_tokens=256)


def main() -> None:
    """Read the papers, train, and leave a model's folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model; its adapters are in adapters/")
    parser.add_argument("--without", default=[], nargs="+", help="files of papers that are not to be trained on")
    parser.add_argument("--count", type=int, default=8000, help="papers that searches are made of")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    others = read_papers(args.without) if args.without else ()
    papers, _ = split(read_acm(args.papers), ({"title": paper.title, "abstract": paper.abstract} for paper in others))
    draw.shuffle(papers)
    papers = papers[: args.count]
    with TemporaryDirectory() as work:
        model = load_specter2("mini", adapters={}, device="cpu")
        for number, (tasks, options) in enumerate(stages(papers, Path(work), draw), start=1):
            folder = Path(work) / f"stage {number}"
            report = train_adapters(
                tasks, folder, model, options=replace(options, seed=args.seed, cpu=True), bottleneck=_BOTTLENECK
            )
            print(f"{tasks.stem}: {report.steps} steps, loss {report.loss:.3f}", flush=True)
        shutil.copytree(folder, args.out, ignore=shutil.ignore_patterns("checkpoint-*", "runs"), dirs_exist_ok=True)


def stages(papers: Sequence[Record], work: Path, draw: random.Random) -> list[tuple[Path, TrainingOptions]]:
    """Write each run's tasks_config and data."""
    some = papers[: len(papers) // 2]
    pairs = make_pairs(papers, draw)[: len(papers) // 4]
    venues = _task("venue", "classification", "[CLF]", some, work, labels_field="venue")
    years = _task("year", "regression", "[RGN]", _with_year(some), work, labels_field="scaled_year")
    near = _task("pairs", "pair", "[PRX]", pairs, work, scale=20)
    tokens = {"query": "[QRY]", "candidates": "[PRX]"}
    searches = _task("searches", "ir", tokens, make_searches(papers, draw), work, loss="corpus", scale=16)
    return [
        (_config("proximity", [near], work), _PAIRS),
        (_config("classification", [venues], work), _LABELS),
        (_config("regression", [years], work), _LABELS),
        (_config("adhoc_query", [searches], work), _SEARCHES),
    ]


def _with_year(papers: Iterable[Record]) -> list[Record]:
    return [{**paper, "scaled_year": scaled_year(paper)} for paper in papers if paper["year"]]


def _task(name: str, kind: str, token: Any, rows: Iterable[Record], work: Path, **settings: Any) -> Record:
    with (work / f"{name}.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return {"name": name, "type": kind, "ctrl_token": token, "data_files": {"train": f"{name}.jsonl"}, **settings}


def _config(name: str, tasks: Sequence[Record], work: Path) -> Path:
    path = work / f"{name}.json"
    path.write_text(json.dumps(tasks, indent=1), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
