"""`specter2 embed`: papers -> a file of vectors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import numpy as np
import typer

from specter2_plugins.cli.console import errors
from specter2_plugins.cli.options import DEFAULT_MODEL, Device, Dtype, Fields, FileFormat, Files, Model, load_model
from specter2_plugins.cli.progress import Show, progress
from specter2_plugins.cli.source import Source
from specter2_plugins.tasks import route

if TYPE_CHECKING:
    from specter2_plugins.sentence_transformer import Specter2

_BATCH = 256


def embed(
    files: Files,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write: .npz (ids, embeddings) or .jsonl.")],
    task: Annotated[
        str, typer.Option(help="proximity, adhoc_query, classification, regression or base.")
    ] = "proximity",
    model: Model = DEFAULT_MODEL,
    device: Device = None,
    dtype: Dtype = None,
    file_format: FileFormat = None,
    field: Fields = None,
    rejects: Annotated[Path | None, typer.Option(help="Where to write rejected records.")] = None,
) -> None:
    """Embed the papers of files and write the vectors, one for each paper in the files' order."""
    if out.suffix not in (".npz", ".jsonl"):
        raise typer.BadParameter(f"{out} ends in neither .npz nor .jsonl", param_hint="--out")
    source = Source(files, file_format, field, rejects)
    encoder = load_model(model, device, dtype)
    route(task, encoder.transformer.adapter_tasks)
    write = _write_npz if out.suffix == ".npz" else _write_jsonl
    unfinished = out.with_name(f"{out.name}.unfinished")
    with progress("embedding", source) as show, unfinished.open("wb") as file:
        count = write(file, _embedded(source, encoder, task, show))
    if count == 0:
        unfinished.unlink()
    source.require_papers(count)
    unfinished.replace(out)
    errors.print(f"{out}: {count} vectors of {encoder.dimensions} dimensions, {source.rejected} rejected")


def _embedded(source: Source, encoder: Specter2, task: str, show: Show) -> Iterator[tuple[list[str], np.ndarray]]:
    """Batches of ids and their vectors; a paper without an id is called by its position."""
    papers = iter(source)
    done = tokens = 0

    def passed(texts: int, more: int) -> None:
        nonlocal done, tokens
        done, tokens = done + texts, tokens + more
        show(done, tokens, source.share)

    first = 0
    while batch := list(islice(papers, _BATCH)):
        ids = [str(position) if paper.id is None else paper.id for position, paper in enumerate(batch, start=first)]
        yield ids, encoder.encode(batch, task=task, show_progress_bar=False, on_pass=passed)
        first += len(batch)


def _write_npz(file: BinaryIO, batches: Iterator[tuple[list[str], np.ndarray]]) -> int:
    ids: list[str] = []
    blocks: list[np.ndarray] = []
    for names, vectors in batches:
        ids += names
        blocks.append(vectors)
    if blocks:
        np.savez(file, ids=np.array(ids), embeddings=np.concatenate(blocks))
    return len(ids)


def _write_jsonl(file: BinaryIO, batches: Iterator[tuple[list[str], np.ndarray]]) -> int:
    count = 0
    for names, vectors in batches:
        for name, vector in zip(names, vectors, strict=True):
            file.write(json.dumps({"id": name, "embedding": vector.tolist()}).encode() + b"\n")
        count += len(names)
    return count
