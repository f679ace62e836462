"""Ingestion without the model, and what the model is waited for: two figures of the pipeline.

Run: python -m benchmarks.ingest --papers FILE [--records 1000000] [--count 500]

1. A generated JSON lines file goes through reading, leaving out duplicates and hashing, with no model and no store:
   records a second, and the peak of memory.
2. The first papers of FILE are embedded by `mini` into a Qdrant server on loopback (qdrant-client's local mode behind
   the REST interface): the share of the time that the model computes.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from specter2_plugins.readers import read_papers

_WORDS = ("graph", "neural", "networks", "learn", "representations", "of", "molecules", "from", "the", "ocean")
_PREPARE = """
import sys, time
from specter2_plugins.pipeline.ingestion.ingest import BATCH
from specter2_plugins.pipeline.intake import Intake
from specter2_plugins.pipeline.report import IngestReport
from specter2_plugins.readers import read_papers

report, started = IngestReport(), time.perf_counter()
for _ in Intake(report).batches(read_papers(sys.argv[1]), BATCH):
    pass
print(report.read, report.duplicate, time.perf_counter() - started)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=Path, required=True, help="a file of real papers")
    parser.add_argument("--records", type=int, default=1_000_000, help="generated records (default: a million)")
    parser.add_argument("--count", type=int, default=500, help="real papers to ingest (default: 500)")
    arguments = parser.parse_args()
    _prepare(arguments.records)
    _ingest(arguments.papers, arguments.count)


def _prepare(records: int) -> None:
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generated.jsonl"
        with path.open("w") as file:
            for number in range(records):
                record = {
                    "id": f"10.1000/{number - (number % 100 == 99)}",  # one in a hundred comes twice
                    "title": " ".join(draw.choices(_WORDS, k=10)),
                    "abstract": " ".join(draw.choices(_WORDS, k=150)),
                    "year": 1950 + number % 70,
                    "venue": "Journal of Generated Records",
                }
                file.write(json.dumps(record) + "\n")
        size = path.stat().st_size
        done = subprocess.run([sys.executable, "-c", _PREPARE, str(path)], check=True, capture_output=True, text=True)
    read, duplicate, seconds = done.stdout.split()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{read} records ({size / 2**20:.0f} MiB), {duplicate} of them duplicates")
    print(f"read, compared and hashed at {int(read) / float(seconds):.0f} records/s, peak memory {peak:.0f} MiB")


def _ingest(papers: Path, count: int) -> None:
    from specter2_plugins import load_specter2
    from specter2_plugins.pipeline import ingest_papers
    from specter2_plugins.qdrant import open_client
    from tests.qdrant.server import Server

    chosen = list(islice(read_papers(papers), count))
    model = load_specter2("mini")
    model.encode(chosen[:8], show_progress_bar=False)
    with Server() as server, open_client(url=server.url) as client:
        started = time.perf_counter()
        report = ingest_papers(chosen, client, model)
        seconds = time.perf_counter() - started
        share = report.encoding_seconds / seconds
        print(f"{report.ingested} papers of {report.tokens / report.ingested:.0f} tokens in {seconds:.1f} s", end=", ")
        print(f"{share:.1%} of it in the model ({len(server.requests)} requests)")
        started = time.perf_counter()
        again = ingest_papers(chosen, client, model)
        print(f"once more, {again.unchanged} of them unchanged: {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
