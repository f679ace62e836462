"""`specter2 bench`: how fast a model embeds papers on this machine."""

from __future__ import annotations

import statistics
import time
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from specter2_plugins.cli.adapters import AdapterSources, chosen_adapters
from specter2_plugins.cli.console import errors, output, print_json
from specter2_plugins.cli.options import DEFAULT_MODEL, AsJson, Device, Model, load_model
from specter2_plugins.demo import SAMPLE_PAPERS
from specter2_plugins.readers import read_papers

if TYPE_CHECKING:
    from specter2_plugins.sentence_transformers.specter2 import Specter2

_REFERENCE = "transformers, float32"
_QUERY = "graph neural networks for molecular property prediction"


def bench(
    model: Model = DEFAULT_MODEL,
    adapter: AdapterSources = None,
    device: Device = None,
    count: Annotated[int, typer.Option("--papers", min=1, help="How many of the sample papers to embed.")] = 64,
    repeats: Annotated[int, typer.Option(min=1, help="Times that each way is measured, in turn.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Compare transformers' forward with this package's, in float32 and bfloat16, on the sample papers.

    benchmarks/encode.py in the source compares with other runtimes.
    """
    adapters = chosen_adapters(adapter)
    papers = list(islice(read_papers(SAMPLE_PAPERS), count))
    ways = {
        _REFERENCE: load_model(model, device, engine="reference", adapters=adapters),
        "packed, float32": load_model(model, device, adapters=adapters),
        "packed, bfloat16": load_model(model, device, "bfloat16", adapters=adapters),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    latencies: dict[str, list[float]] = {name: [] for name in ways}
    vectors: dict[str, np.ndarray] = {}
    for repeat in range(repeats):
        for name, encoder in ways.items():
            errors.print(f"repeat {repeat + 1} of {repeats}: {name}")
            latencies[name].append(_timed_query(encoder))
            started = time.perf_counter()
            vectors[name] = encoder.encode(papers, show_progress_bar=False)
            seconds[name].append(time.perf_counter() - started)
    rows: list[dict[str, Any]] = [
        {
            "way": name,
            "papers_per_second": len(papers) / statistics.median(seconds[name]),
            "ratio": statistics.median(seconds[_REFERENCE]) / statistics.median(seconds[name]),
            "query_ms": 1000 * statistics.median(latencies[name]),
            "min_cosine": _min_cosine(vectors[name], vectors[_REFERENCE]),
        }
        for name in ways
    ]
    if as_json:
        print_json({"model": model, "papers": len(papers), "repeats": repeats, "ways": rows})
        return
    output.print(f"{model}, {len(papers)} sample papers, median of {repeats}")
    output.print(f"{'':<24}{'papers/s':>10}{'ratio':>8}{'query ms':>10}{'min cosine':>12}")
    for row in rows:
        output.print(
            "{way:<24}{papers_per_second:>10.1f}{ratio:>8.2f}{query_ms:>10.1f}{min_cosine:>12.6f}".format(**row)
        )


def _timed_query(encoder: Specter2) -> float:
    encoder.encode_query(_QUERY, show_progress_bar=False)
    started = time.perf_counter()
    encoder.encode_query(_QUERY, show_progress_bar=False)
    return time.perf_counter() - started


def _min_cosine(vectors: np.ndarray, reference: np.ndarray) -> float:
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference, axis=1)
    return float(((vectors * reference).sum(1) / norms).min())
