"""Affinities at a conference's size, on made vectors: seconds and peak memory.

Run: python -m benchmarks.affinity --submissions 20000 --reviewers 15000 --papers 20
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from specter2_plugins import Paper
from specter2_plugins.reviewers import Affinities, Aggregation
from specter2_plugins.reviewers.tables import write_pairs


class _Made:
    """Stands for a model: draws vectors, since what is measured comes after embedding."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._random = np.random.default_rng(0)

    def encode_document(self, papers: list[Paper], **settings: Any) -> np.ndarray:
        return self._random.standard_normal((len(papers), self._dimensions), np.float32)


def main() -> None:
    """Measure, and print a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=2_000)
    parser.add_argument("--reviewers", type=int, default=1_500)
    parser.add_argument("--papers", type=int, default=20, help="of each reviewer")
    parser.add_argument("--dimensions", type=int, default=768)
    parser.add_argument("--top", type=int, default=100, help="reviewers written for each submission")
    arguments = parser.parse_args()
    model: Any = _Made(arguments.dimensions)
    reviewers = {
        f"~R{person}": [Paper(f"{person} {number}") for number in range(arguments.papers)]
        for person in range(arguments.reviewers)
    }
    submissions = [Paper(f"s{number}", id=f"s{number}") for number in range(arguments.submissions)]
    started = time.monotonic()
    affinities = Affinities(model, reviewers, Aggregation())
    with TemporaryDirectory() as folder:
        file = Path(folder) / "scores.csv"
        ids = [str(paper.id) for paper in submissions]
        lines = write_pairs(file, affinities.blocks(submissions), ids, affinities.names, top=arguments.top)
        size = file.stat().st_size
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{lines} lines, {size / 1e6:.0f} MB, {seconds:.1f} s, {peak:.2f} GiB at most")


if __name__ == "__main__":
    main()
