"""`specter2 embed`: papers -> a file of vectors, or a folder of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import numpy as np
import typer

from specter2_plugins.cli.console import errors
from specter2_plugins.cli.groups import expand_groups
from specter2_plugins.cli.on_ray import on_ray
from specter2_plugins.cli.options import EncoderOptions, Files, ReadingOptions, hide_loading_bars, refuse_with
from specter2_plugins.cli.outputs import Fills, Writes
from specter2_plugins.cli.progress import Show, progress
from specter2_plugins.cli.source import Source
from specter2_plugins.cli.stopping import stoppable
from specter2_plugins.tasks import route
from specter2_plugins.writers.files import check_writable, writing

if TYPE_CHECKING:
    from specter2_plugins.papers import Paper
    from specter2_plugins.papers.encoder import PaperEncoder
    from specter2_plugins.qdrant import IngestReport

    Follow = Callable[[IngestReport], None]

_FILES = (".npz", ".jsonl")


@expand_groups
def embed(
    files: Files,
    by: EncoderOptions,
    reading: ReadingOptions,
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            help="A file, .npz (ids, embeddings) or .jsonl; or a folder of Parquet files, which the same command goes "
            "on with, here or as s3://bucket/folder.",
        ),
        Writes(lambda out: [out] if out.endswith(_FILES) else []),
        Fills(lambda out: [] if out.endswith(_FILES) else [out]),
    ],
    task: Annotated[
        list[str] | None,
        typer.Option(
            help="proximity (the default), adhoc_query, classification, regression, base; a folder takes several."
        ),
    ] = None,
) -> None:
    """Embed the papers of files and write the vectors; to a file, one for each paper in the files' order."""
    source = reading.source(files)
    tasks = task or ["document"]
    to_file = out.endswith(_FILES)
    if to_file and len(tasks) > 1:
        raise typer.BadParameter("a file holds the vectors of one task; name a folder for several", param_hint="--task")
    if not out:
        raise typer.BadParameter("name a file or a folder", param_hint="--out")
    if to_file and "://" in out:
        raise typer.BadParameter(f"{out}: only folders can lie in object storage", param_hint="--out")
    if not to_file and Path(out).suffix and "://" not in out and not out.endswith("/") and not Path(out).is_dir():
        raise typer.BadParameter(f"{out} ends in neither .npz nor .jsonl; end a folder in /", param_hint="--out")
    if by.ray is not None:
        refuse_with(
            "--ray",
            devices=by.devices,
            encoding=reading.encoding,
            stdin=Path("-") in source.files,
            file=out if to_file else None,
        )

        def run(follow: Follow) -> IngestReport:
            from specter2_plugins.pipeline.ray.actors import RayModel
            from specter2_plugins.pipeline.ray.pieces import SourceFiles
            from specter2_plugins.pipeline.ray.run import embed_on_ray

            hide_loading_bars()
            what = SourceFiles(source.files, source.format, source.mapping)
            model = RayModel(by.model, by.dtype, by.device, by.adapters)
            with on_ray(by.ray), source.keeping() as keep:
                return embed_on_ray(what, out, model, tasks, workers=by.workers, on_reject=keep, on_progress=follow)

        _into_folder(source, out, run)
        return
    if to_file:
        with by.open() as (encoder, batch):
            _into_file(source, Path(out), encoder, tasks[0], batch)
        return

    def run_here(follow: Follow) -> IngestReport:
        from specter2_plugins.pipeline.embed import embed_papers

        with by.open() as (encoder, batch), source.keeping() as keep:
            return embed_papers(source.records(), out, encoder, tasks, batch=batch, on_reject=keep, on_progress=follow)

    _into_folder(source, out, run_here)


def _into_folder(source: Source, folder: str, run: Callable[[Follow], IngestReport]) -> None:
    latest: list[IngestReport] = []

    def kept() -> int:
        return latest[-1].unchanged + latest[-1].ingested if latest else 0

    with stoppable(kept), progress("embedding", source) as show:

        def follow(report: IngestReport) -> None:
            latest[:] = [report]
            # What is embedded counts here, for it takes minutes until a whole part is written.
            done = report.done + report.embedded - report.ingested
            show(done, report.total or source.total(report.read), report.embedded, report.tokens, report.read)

        report = run(follow)
    source.require_papers(report.read - report.rejected)
    errors.print(f"{folder}: {report.sum()}")


def _into_file(source: Source, out: Path, encoder: PaperEncoder, task: str, batch: int) -> None:
    route(task, encoder.adapter_tasks)
    write = _write_npz if out.suffix == ".npz" else _write_jsonl
    check_writable(out)
    with progress("embedding", source) as show, writing(out, "wb") as file:
        count = write(file, _embedded(source, encoder, task, batch, show))
        source.require_papers(count)
    errors.print(f"{out}: {count} vectors of {encoder.dimensions} dimensions, {source.rejected} rejected")


def _embedded(
    source: Source, encoder: PaperEncoder, task: str, at_once: int, show: Show
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield batches of ids and their vectors; a paper without an id is called by its position."""
    papers = iter(source)
    done = tokens = 0

    def passed(texts: int, more: int) -> None:
        nonlocal done, tokens
        done, tokens = done + texts, tokens + more
        show(done, source.total(first + len(batch)), done, tokens)

    first = 0
    batch: list[Paper] = []
    while batch := list(islice(papers, at_once)):
        ids = [str(position) if paper.id is None else paper.id for position, paper in enumerate(batch, start=first)]
        yield ids, encoder.encode(batch, task=task, show_progress_bar=False, on_pass=passed)
        first += len(batch)
        done = first
        show(done, source.total(first), done, tokens)


def _write_npz(file: IO[bytes], batches: Iterator[tuple[list[str], np.ndarray]]) -> int:
    ids: list[str] = []
    blocks: list[np.ndarray] = []
    for names, vectors in batches:
        ids += names
        blocks.append(vectors)
    if blocks:
        np.savez(file, ids=np.array(ids), embeddings=np.concatenate(blocks))
    return len(ids)


def _write_jsonl(file: IO[bytes], batches: Iterator[tuple[list[str], np.ndarray]]) -> int:
    count = 0
    for names, vectors in batches:
        for name, vector in zip(names, vectors, strict=True):
            file.write(json.dumps({"id": name, "embedding": vector.tolist()}).encode() + b"\n")
        count += len(names)
    return count
