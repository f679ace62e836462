"""Papers -> a folder of embeddings; run again, it goes on."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from specter2_plugins.errors import StoreError
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.paper_encoder import PaperEncoder
from specter2_plugins.papers import Paper
from specter2_plugins.qdrant.ingestion.ahead import ahead
from specter2_plugins.qdrant.ingestion.changes import unseen
from specter2_plugins.qdrant.ingestion.idset import IdSet
from specter2_plugins.qdrant.ingestion.report import IngestReport
from specter2_plugins.qdrant.points import HASHES_KEY, Entry
from specter2_plugins.readers.records import Rejected
from specter2_plugins.scale.parts import Parts
from specter2_plugins.scale.stored import common_fingerprints
from specter2_plugins.tasks import BASE, route

PART = 8192
"""Papers to a part: what is embedded again at most after a run was killed."""
_READ = 256


@dataclass(frozen=True)
class Part:
    """Papers to be embedded into one file.

    Args:
        number: The file's number.
        papers: The papers.
        keys: What each is made of.
    """

    number: int
    papers: Sequence[Paper]
    keys: Sequence[str]


def embed_papers(
    records: Iterable[Paper | Rejected],
    folder: str | Path,
    model: PaperEncoder,
    tasks: Sequence[str] = ("document",),
    *,
    batch: int = 256,
    part: int = PART,
    on_progress: Callable[[IngestReport], object] = lambda report: None,
) -> IngestReport:
    """Embed papers into a folder of Parquet files.

    Papers that are in it as they are cost nothing, so the same call goes on where a run was cut off. A paper that has
    changed is embedded again, into a later part.

    Args:
        records: The papers; read as they are needed. A `Rejected` among them is counted.
        folder: A folder, or the address of one that pyarrow can open, such as s3://bucket/folder.
        model: What embeds them.
        tasks: What papers are embedded for.
        batch: Papers that are embedded at once; for several workers, as many for each.
        part: Papers to a file.
        on_progress: Called with the counts so far, after every batch.

    Returns:
        The counts; read = ingested + unchanged + duplicate + rejected.

    Raises:
        PaperError: If the metadata of a paper cannot be stored.
        StoreError: If the folder cannot be written, or holds embeddings of another model.
        TaskError: If the model does not know a task.
    """
    started = time.monotonic()
    report = IngestReport()
    adapters = list(dict.fromkeys(route(task, model.adapter_tasks) or BASE for task in tasks))
    fingerprints = {adapter: model.fingerprint(adapter) for adapter in adapters}
    parts = Parts(folder)
    check_folder(parts, fingerprints)
    with closing(ahead(to_embed(records, parts, part, report), 1)) as planned:
        for todo in planned:
            write_part(todo, parts, model, fingerprints, batch, report, lambda: on_progress(report))
    report.add(seconds=time.monotonic() - started)
    on_progress(report)
    return report


def check_folder(parts: Parts, fingerprints: dict[str, Fingerprint]) -> None:
    """Check that a model's vectors belong into a folder.

    Raises:
        StoreError: If it holds those of another model, or of other tasks.
    """
    numbers = parts.numbers()
    there = common_fingerprints(parts, numbers) if numbers else fingerprints
    if there.keys() != fingerprints.keys():
        there_are, wanted = " and ".join(there), " and ".join(fingerprints)
        raise StoreError(f"{parts.name} holds {there_are} vectors, not {wanted}; name another folder")
    for adapter, fingerprint in fingerprints.items():
        differences = fingerprint.differences(there[adapter].to_dict())
        if differences:
            raise StoreError(f"{parts.name} was filled by another model. {'; '.join(differences)}")


def to_embed(records: Iterable[Paper | Rejected], parts: Parts, size: int, report: IngestReport) -> Iterator[Part]:
    """Cut the papers that a folder does not hold into new parts.

    Args:
        records: What was read.
        parts: The folder.
        size: Papers to a part.
        report: Where records are counted.
    """
    written = IdSet()
    numbers = parts.numbers()
    for number in numbers:
        written.add(parts.keys(number))
    number = max(numbers, default=-1) + 1
    waiting: list[tuple[Paper, str]] = []
    for entries in unseen(records, _READ, IdSet(), report):
        keys = [_key(entry) for entry in entries]
        there = written.holds(keys)
        report.add(unchanged=sum(there))
        waiting += [(entry.paper, key) for entry, key, known in zip(entries, keys, there, strict=True) if not known]
        while len(waiting) >= size:
            yield _part(number, waiting[:size])
            number += 1
            del waiting[:size]
    if waiting:
        yield _part(number, waiting)


def write_part(
    part: Part,
    parts: Parts,
    model: PaperEncoder,
    fingerprints: dict[str, Fingerprint],
    batch: int,
    report: IngestReport,
    on_progress: Callable[[], object] = lambda: None,
) -> None:
    """Embed a part and write it.

    Args:
        part: The part.
        parts: The folder.
        model: What embeds.
        fingerprints: Adapter -> what its vectors are made with.
        batch: Papers that are embedded at once.
        report: Where they are counted, once they are written.
        on_progress: Called after every batch.
    """
    started = time.monotonic()

    def passed(papers: int, tokens: int) -> None:
        report.add(tokens=tokens)
        on_progress()

    blocks: dict[str, list[np.ndarray]] = {adapter: [] for adapter in fingerprints}
    for start in range(0, len(part.papers), batch):
        papers = part.papers[start : start + batch]
        for adapter, made in blocks.items():
            made.append(model.encode(papers, task=adapter, show_progress_bar=False, on_pass=passed))
        report.add(embedded=len(papers))
        on_progress()
    vectors = {adapter: np.concatenate(made) for adapter, made in blocks.items()}
    report.add(encoding_seconds=time.monotonic() - started)
    parts.write(part.number, part.papers, part.keys, vectors, fingerprints)
    report.add(ingested=len(part.papers))
    on_progress()


def _part(number: int, rows: Sequence[tuple[Paper, str]]) -> Part:
    return Part(number, [paper for paper, _ in rows], [key for _, key in rows])


def _key(entry: Entry) -> str:
    """32 hexadecimal digits that follow from a paper's id, text and metadata."""
    hashes = entry.payload[HASHES_KEY]
    made_of = f"{entry.point} {hashes['text']} {hashes['metadata']}"
    return hashlib.blake2b(made_of.encode(), digest_size=16).hexdigest()
