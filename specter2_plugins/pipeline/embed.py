"""Papers -> a folder of embeddings; run again, it goes on."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from specter2_plugins.errors import StoreError, TaskError
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.papers import Paper
from specter2_plugins.papers.encoder import PaperEncoder
from specter2_plugins.papers.idset import IdSet
from specter2_plugins.papers.points import HASHES_KEY, PaperPoint
from specter2_plugins.pipeline.ahead import ahead
from specter2_plugins.pipeline.intake import Intake, Record, log_first
from specter2_plugins.pipeline.report import IngestReport
from specter2_plugins.readers.records import Rejected
from specter2_plugins.tasks import adapters_for
from specter2_plugins.vectors.parts import Parts, new_run, number_of, part_name
from specter2_plugins.vectors.stored import common_fingerprints

PART = 8192
"""Papers to a part: what is embedded again at most after a run was killed, or on Ray after an actor was."""
_READ = 256


@dataclass(frozen=True)
class Part:
    """Papers to be embedded into one file.

    Args:
        name: The file's name.
        papers: The papers.
        points: The ids of their points.
        keys: What each is made of.
    """

    name: str
    papers: Sequence[Paper]
    points: Sequence[str]
    keys: Sequence[str]


def embed_papers(
    records: Iterable[Record],
    folder: str | Path,
    model: PaperEncoder,
    tasks: Sequence[str] = ("document",),
    *,
    batch: int = 256,
    part: int = PART,
    on_reject: Callable[[Rejected], object] | None = None,
    on_progress: Callable[[IngestReport], object] = lambda report: None,
) -> IngestReport:
    """Embed papers into a folder of Parquet files.

    Papers that are in it as they are cost nothing, so the same call goes on where a run was cut off. A paper that has
    changed is embedded again, into a later part.

    Example:
        >>> from specter2_plugins import load_specter2, read_papers
        >>> report = embed_papers(read_papers("papers.jsonl"), "embeddings", load_specter2("mini"))
        >>> report.embedded, embed_papers(read_papers("papers.jsonl"), "embeddings", load_specter2("mini")).unchanged
        (8, 8)

    Args:
        records: What is embedded, as for `ingest_papers`.
        folder: A folder, or the address of one that pyarrow can open, such as s3://bucket/folder.
        model: What embeds them.
        tasks: What papers are embedded for.
        batch: Papers that are embedded at once; for several workers, as many for each.
        part: Papers to a file.
        on_reject: Called with each rejected record. By default the first few are logged as warnings.
        on_progress: Called with the counts so far, after every batch.

    Returns:
        The counts; read = ingested + unchanged + duplicate + rejected.

    Raises:
        StoreError: If the folder cannot be written, or holds embeddings of another model.
        TaskError: If the model does not know a task, or there is none.
    """
    started = time.monotonic()
    report = IngestReport()
    fingerprints = fingerprints_of(model, tasks)
    parts = Parts(folder)
    there = check_folder(parts, fingerprints)
    with closing(ahead(to_embed(records, parts, there, new_run(), part, report, on_reject), 1)) as planned:
        for todo in planned:
            write_part(todo, parts, model, fingerprints, batch, report, lambda: on_progress(report))
    report.add(seconds=time.monotonic() - started)
    on_progress(report)
    return report


def fingerprints_of(model: PaperEncoder, tasks: Sequence[str]) -> dict[str, Fingerprint]:
    """Return adapter, or "base" -> what its vectors are made with.

    Raises:
        TaskError: If the model does not know a task, or there is none.
    """
    if not tasks:
        raise TaskError("name at least one task to embed papers for")
    return {adapter: model.fingerprint(adapter) for adapter in adapters_for(tasks, model.adapter_tasks)}


def check_folder(parts: Parts, fingerprints: dict[str, Fingerprint]) -> list[str]:
    """Check that a model's vectors belong into a folder.

    Returns:
        The parts in it.

    Raises:
        StoreError: If it holds vectors of another model or of other tasks.
    """
    names = parts.names()
    there = common_fingerprints(parts, names) if names else fingerprints
    if there.keys() != fingerprints.keys():
        there_are, wanted = " and ".join(there), " and ".join(fingerprints)
        raise StoreError(f"{parts.name} holds {there_are} vectors, not {wanted}; name another folder")
    for adapter, fingerprint in fingerprints.items():
        differences = fingerprint.differences(there[adapter].to_dict())
        if differences:
            raise StoreError(f"{parts.name} was filled by another model. {'; '.join(differences)}")
    return names


def to_embed(
    records: Iterable[Record],
    parts: Parts,
    there: Sequence[str],
    run: str,
    size: int,
    report: IngestReport,
    on_reject: Callable[[Rejected], object] | None = None,
) -> Iterator[Part]:
    """Cut the papers that a folder does not hold into new parts: the same ones, whenever it is done for a run.

    Args:
        records: What was read.
        parts: The folder.
        there: Its parts when the run began.
        run: What `new_run` made for it.
        size: Papers to a part.
        report: Where records are counted.
        on_reject: As for `embed_papers`.
    """
    written = _written(parts, there)
    number = max(map(number_of, there), default=-1) + 1
    waiting: list[tuple[PaperPoint, str]] = []
    checked = False
    for entries in Intake(report, on_reject=on_reject or log_first()).batches(records, _READ):
        keys = [_key(entry) for entry in entries]
        known = written.holds(keys)
        report.add(unchanged=sum(known))
        waiting += [(entry, key) for entry, key, is_known in zip(entries, keys, known, strict=True) if not is_known]
        if waiting and not checked:
            parts.check_writable()
            checked = True
        while len(waiting) >= size:
            yield _part(part_name(number, run), waiting[:size])
            number += 1
            del waiting[:size]
    if waiting:
        yield _part(part_name(number, run), waiting)


def _written(parts: Parts, names: Sequence[str]) -> IdSet:
    """Return what the papers of some parts are made of, in the version that counts."""
    written, seen = IdSet(), IdSet()
    for name in reversed(names):
        points, keys = parts.made_of(name)
        written.add([key for key, is_latest in zip(keys, seen.add(points), strict=True) if is_latest])
    return written


def write_part(
    part: Part,
    parts: Parts,
    model: PaperEncoder,
    fingerprints: dict[str, Fingerprint],
    batch: int,
    report: IngestReport,
    on_progress: Callable[[], object] = lambda: None,
) -> None:
    """Embed a part and write it, or what of it was embedded when something went wrong.

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

    batches: list[dict[str, np.ndarray]] = []

    def keep() -> None:
        done = min(len(batches) * batch, len(part.papers))
        if done:
            vectors = {adapter: np.concatenate([made[adapter] for made in batches]) for adapter in fingerprints}
            parts.write(part.name, part.papers[:done], part.points[:done], part.keys[:done], vectors, fingerprints)
            report.add(ingested=done)

    try:
        for start in range(0, len(part.papers), batch):
            papers = part.papers[start : start + batch]
            batches.append(
                {
                    adapter: model.encode(papers, task=adapter, show_progress_bar=False, on_pass=passed)
                    for adapter in fingerprints
                }
            )
            report.add(embedded=len(papers))
            on_progress()
        report.add(encoding_seconds=time.monotonic() - started)
        keep()
    except BaseException as error:
        # If that was not the writing itself; Ctrl-C during it writes once more.
        if not isinstance(error, StoreError):
            with suppress(StoreError):
                keep()
        raise
    on_progress()


def _part(name: str, rows: Sequence[tuple[PaperPoint, str]]) -> Part:
    return Part(name, [entry.paper for entry, _ in rows], [entry.point for entry, _ in rows], [key for _, key in rows])


def _key(entry: PaperPoint) -> str:
    """Return 32 hexadecimal digits that follow from a paper's id, text and metadata."""
    hashes = entry.payload[HASHES_KEY]
    made_of = f"{entry.point} {hashes['text']} {hashes['metadata']}"
    return hashlib.blake2b(made_of.encode(), digest_size=16).hexdigest()
