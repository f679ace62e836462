"""What the embedded Qdrant does beside qdrant-client's local mode and a server: writing, searching, memory, reopening.

Run: python -m benchmarks.embedded [--sizes 10000 200000] [--dimensions 384] [--local-minutes 20] [--out FOLDER]

Vectors are compared by Euclidean distance, as SPECTER2's are; they lie near a subspace of 48 dimensions, in 200
clusters, as embeddings do and random vectors do not. Each engine and size has a process of its own, and default
settings: an index is built as its engine sees fit while the points arrive. Meanwhile a thread searches twenty times a
second. Local mode is left out of a size that would take it longer than --local-minutes, going by the size before. A
server takes part where QDRANT_URL names one (QDRANT_API_KEY is its key); its collection is deleted at the end.

Prints a table with the machine and its load, and writes embedded.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from qdrant_client import QdrantClient, models

from specter2_plugins.edge import EdgeClient
from specter2_plugins.qdrant import open_client

RANK, CLUSTERS, NOISE = 48, 200, 0.1
BATCH, QUERIES, WARM_UP, TOP = 256, 200, 10, 10
COLLECTION = "specter2-benchmark"
MIB = 2**20


@dataclass
class Result:
    """What one engine did at one size. Times in seconds, but for searches."""

    engine: str
    points: int
    write_rate: float
    """Points per second."""
    indexed: float | None
    """From the first write until everything is indexed; None where there is no index."""
    index_cpu: float
    """Processor time of the processes that build the index, which other programs' load changes little."""
    meanwhile_p50_ms: float
    meanwhile_p95_ms: float
    """Of the searches from the first write until then."""
    search_p50_ms: float
    search_p95_ms: float
    recall: float
    """The share of the true ten nearest among the ten found."""
    peak_mib: float
    """The process's largest resident memory, above what it had before it opened the store; mapped files included."""
    index_peak_mib: float
    """The largest resident memory of the process that builds the index, mapped files included."""
    disk_mib: float | None
    reopen: float | None
    """Until the first search is answered."""


def batches(points: int, size: int) -> Iterator[np.ndarray]:
    """The vectors, a batch at a time, the same on each call."""
    for start in range(0, points, BATCH):
        yield sample(min(BATCH, points - start), size, seed=start + 1)


def sample(number: int, size: int, seed: int) -> np.ndarray:
    """Vectors near a low-dimensional subspace, in clusters."""
    shape = np.random.default_rng(0)
    basis = shape.standard_normal((RANK, size), dtype=np.float32) / np.sqrt(RANK)
    centres = 1.5 * shape.standard_normal((CLUSTERS, RANK), dtype=np.float32)
    rng = np.random.default_rng([seed, 1])
    within = rng.standard_normal((number, RANK), dtype=np.float32)
    inner = centres[rng.integers(CLUSTERS, size=number)] + within
    return inner @ basis + NOISE * rng.standard_normal((number, size), dtype=np.float32)


def nearest(queries: np.ndarray, points: int) -> np.ndarray:
    """The ids of the true nearest points, nearest first: [queries, TOP]."""
    ids = np.empty((len(queries), 0), dtype=np.int64)
    distances = np.empty((len(queries), 0), dtype=np.float32)
    start = 0
    for batch in batches(points, queries.shape[1]):
        squared = (batch**2).sum(1) - 2 * queries @ batch.T
        ids = np.hstack([ids, np.broadcast_to(np.arange(start, start + len(batch)), squared.shape)])
        distances = np.hstack([distances, squared])
        kept = np.argsort(distances, axis=1)[:, :TOP]
        ids, distances = np.take_along_axis(ids, kept, 1), np.take_along_axis(distances, kept, 1)
        start += len(batch)
    return ids


def open_store(engine: str, folder: Path) -> QdrantClient:
    """An engine on a folder, or the server."""
    if engine == "server":
        return open_client(url=os.environ["QDRANT_URL"])
    return (
        EdgeClient(folder) if engine == "edge" else QdrantClient(path=str(folder), force_disable_check_same_thread=True)
    )


@contextmanager
def searching(search: Callable[[list[float]], object], queries: np.ndarray) -> Iterator[list[float]]:
    """Search in a thread, twenty times a second; give how long each took, in milliseconds."""
    latencies: list[float] = []
    over = threading.Event()

    def go_on() -> None:
        for query in itertools.cycle(queries.tolist()):
            if over.wait(0.05):
                return
            latencies.append(1000 * timed(partial(search, query)))

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield latencies
    finally:
        over.set()
        thread.join()


def measure(engine: str, points: int, size: int, folder: Path) -> Result:
    """Fill a store, search it, close it and open it again."""
    queries = sample(QUERIES + WARM_UP, size, seed=0)
    truth = nearest(queries, points)
    before = resident_mib()
    client = open_store(engine, folder)
    client.create_collection(COLLECTION, models.VectorParams(size=size, distance=models.Distance.EUCLID))

    def search(query: list[float]) -> list[models.ScoredPoint]:
        return client.query_points(COLLECTION, query, limit=TOP, with_payload=True).points

    writing, start = 0.0, 0
    # Local mode searches while nobody writes: it is plain Python objects.
    meanwhile = nullcontext(list[float]()) if engine == "local" else searching(search, queries)
    began = time.perf_counter()
    with peak_of_children() as index_peaks, meanwhile as during:
        for batch in batches(points, size):
            made = [
                models.PointStruct(id=start + row, vector=vector, payload={"metadata": {"year": 1990 + row % 30}})
                for row, vector in enumerate(batch.tolist())
            ]
            writing += timed(partial(client.upsert, COLLECTION, made))
            start += len(batch)
        while client.get_collection(COLLECTION).status != models.CollectionStatus.GREEN:
            time.sleep(0.1)
    indexed = time.perf_counter() - began
    latencies, hits = [], 0
    for query, expected in zip(queries.tolist(), truth, strict=True):
        asked = time.perf_counter()
        found = search(query)
        latencies.append(1000 * (time.perf_counter() - asked))
        hits += len({point.id for point in found} & set(expected.tolist()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    reopen = None
    if engine == "server":
        client.delete_collection(COLLECTION)
    else:
        client.close()
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = open_store(engine, folder)
        search(queries[0].tolist())
        reopen = time.perf_counter() - began
    client.close()
    disk = sum(file.stat().st_blocks for file in folder.rglob("*") if file.is_file()) * 512 / MIB
    return Result(
        engine=engine,
        points=points,
        write_rate=points / writing,
        indexed=None if engine == "local" else indexed,
        index_cpu=sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]),
        meanwhile_p50_ms=statistics.median(during) if during else 0.0,
        meanwhile_p95_ms=statistics.quantiles(during, n=20)[-1] if len(during) > 1 else 0.0,
        search_p50_ms=statistics.median(latencies[WARM_UP:]),
        search_p95_ms=statistics.quantiles(latencies[WARM_UP:], n=20)[-1],
        recall=hits / (len(queries) * TOP),
        peak_mib=peak,
        index_peak_mib=max(index_peaks, default=0.0),
        disk_mib=None if engine == "server" else disk,
        reopen=reopen,
    )


def timed(call: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def resident_mib() -> float:
    """This process's resident memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


@contextmanager
def peak_of_children() -> Iterator[list[float]]:
    """The largest resident memory, in MiB, of each process started meanwhile, as seen ten times a second."""
    peaks: dict[int, float] = {}
    seen: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            for children in Path("/proc/self/task").glob("*/children"):
                with suppress(OSError):  # a thread or a child has ended
                    for child in children.read_text().split():
                        status = Path(f"/proc/{child}/status").read_text()
                        if found := re.search(r"VmHWM:\s+(\d+)", status):
                            peaks[int(child)] = int(found[1]) / 1024

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    yield seen
    over.set()
    watcher.join()
    seen.extend(peaks.values())


def in_own_process(engine: str, points: int, size: int) -> Result:
    """`measure` in a process of its own, on a store that is deleted afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        worker = ["--worker", engine, str(points), str(size), folder]
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.embedded", *worker]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Result(**json.loads(done.stdout))


def table(results: list[Result]) -> str:
    """A Markdown table."""
    head = (
        "| points | engine | accepted, points/s | all indexed after, s (CPU) | search meanwhile p50 / p95, ms "
        "| search p50 / p95, ms | recall@10 | peak memory, MiB | on disk, MiB | reopen, s |"
    )
    lines = [head, "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for result in results:
        memory = f"{result.peak_mib:,.0f}"
        if result.engine == "edge":
            memory += f" (+ {result.index_peak_mib:,.0f} while indexing)"
        meanwhile = f"{result.meanwhile_p50_ms:.1f} / {result.meanwhile_p95_ms:.1f}" if result.meanwhile_p95_ms else "-"
        indexed = shown(result.indexed, ".1f") + (f" ({result.index_cpu:.0f})" if result.engine == "edge" else "")
        lines.append(
            f"| {result.points:,} | {result.engine} | {result.write_rate:,.0f} | {indexed} "
            f"| {meanwhile} | {result.search_p50_ms:.1f} / {result.search_p95_ms:.1f} | {result.recall:.3f} | {memory} "
            f"| {shown(result.disk_mib, ',.0f')} | {shown(result.reopen, '.2f')} |"
        )
    return "\n".join(lines)


def shown(value: float | None, form: str) -> str:
    """A number, or a dash for none."""
    return "-" if value is None else format(value, form)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 200_000])
    parser.add_argument("--dimensions", type=int, default=384)
    engines = ["edge", "local", *(["server"] if os.environ.get("QDRANT_URL") else [])]
    parser.add_argument("--engines", nargs="+", default=engines, choices=engines)
    parser.add_argument("--local-minutes", type=float, default=20.0)
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        engine, points, size, folder = arguments.worker
        print(json.dumps(asdict(measure(engine, int(points), int(size), Path(folder)))))
        return
    results: list[Result] = []
    loads = [os.getloadavg()[0]]
    for engine in arguments.engines:
        rate = float("inf")
        for points in sorted(arguments.sizes):
            minutes = points / rate / 60
            if engine == "local" and minutes > arguments.local_minutes:
                print(f"local mode at {points:,} points: left out, writing would take {minutes:.0f} minutes")
                continue
            results.append(in_own_process(engine, points, arguments.dimensions))
            rate = results[-1].write_rate
            loads.append(os.getloadavg()[0])
            print(json.dumps(asdict(results[-1])), flush=True)
    results.sort(key=lambda result: (result.points, result.engine))
    print(table(results))
    machine = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(), "loads": loads}
    print(json.dumps(machine))
    arguments.out.mkdir(parents=True, exist_ok=True)
    report = {**machine, "results": [asdict(result) for result in results]}
    (arguments.out / "embedded.json").write_text(json.dumps(report, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
