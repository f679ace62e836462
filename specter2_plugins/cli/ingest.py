"""`specter2 ingest`: papers -> a Qdrant collection."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specter2_plugins.cli.console import errors, output, print_json
from specter2_plugins.cli.options import (
    DEFAULT_COLLECTION,
    DEFAULT_GRPC_PORT,
    DEFAULT_MODEL,
    DEFAULT_TIMEOUT,
    PAPERS_AT_ONCE,
    ApiKey,
    AsJson,
    Collection,
    Device,
    Devices,
    Dtype,
    Encoding,
    Fields,
    FileFormat,
    Grpc,
    GrpcPort,
    Model,
    Ray,
    Rejects,
    Store,
    Timeout,
    Url,
    Workers,
    connect,
    hide_loading_bars,
    open_encoder,
    refuse_with,
    typed,
)
from specter2_plugins.cli.outputs import check_outputs, check_writable, write_text
from specter2_plugins.cli.progress import progress
from specter2_plugins.cli.source import Source
from specter2_plugins.cli.stopping import stoppable
from specter2_plugins.printable import to_json

if TYPE_CHECKING:
    from specter2_plugins.qdrant import IngestReport
    from specter2_plugins.qdrant.ingestion.missing import Confirm


_SHOWN = 5
_OF_FILES = ("model", "device", "dtype", "workers", "devices", "field", "encoding", "rejects")


def ingest(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of papers, patterns, or - for stdin.", show_default=False)
    ] = None,
    embeddings: Annotated[
        str | None,
        typer.Option(help="Instead of files: a folder that specter2 embed filled, here or s3://bucket/folder."),
    ] = None,
    store: Store = None,
    url: Url = None,
    api_key: ApiKey = None,
    grpc: Grpc = False,
    grpc_port: GrpcPort = DEFAULT_GRPC_PORT,
    timeout: Timeout = DEFAULT_TIMEOUT,
    collection: Collection = DEFAULT_COLLECTION,
    preset: Annotated[
        str,
        typer.Option(help="A new collection is for a laptop, a server (int8, on disk) or a cluster (6 shards, twice)."),
    ] = "laptop",
    task: Annotated[
        list[str] | None,
        typer.Option("--task", "-t", help="What papers are embedded for: proximity (the default), classification, ..."),
    ] = None,
    distance: Annotated[
        str | None, typer.Option(help="euclid (as SPECTER2 was trained, the default), cosine or dot.")
    ] = None,
    sparse: Annotated[
        list[str] | None, typer.Option("--sparse", help="Sparse vectors too, for hybrid search: bm25, or splade:MODEL.")
    ] = None,
    quantization: Annotated[str | None, typer.Option(help="Compress vectors in memory: scalar or binary.")] = None,
    bulk: Annotated[bool, typer.Option("--bulk", help="Build the search graph at the end, and wait for it.")] = False,
    source_name: Annotated[
        str | None,
        typer.Option(
            "--source",
            help="What brings the papers, such as openalex, for --delete-missing; by default each one's file.",
        ),
    ] = None,
    delete_missing: Annotated[
        bool,
        typer.Option("--delete-missing", help="Remove the papers that the same source brought, and brings no more."),
    ] = False,
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Remove those too that an older version ingested, which know no source."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before more than a tenth of a source's papers are removed.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be done.")] = False,
    streams: Annotated[int, typer.Option(min=1, help="Requests to the store at once.")] = 2,
    model: Model = DEFAULT_MODEL,
    device: Device = None,
    dtype: Dtype = None,
    workers: Workers = 1,
    devices: Devices = None,
    ray: Ray = None,
    file_format: FileFormat = None,
    field: Fields = None,
    encoding: Encoding = None,
    rejects: Rejects = None,
    report_file: Annotated[Path | None, typer.Option("--report", help="Where to write the counts, as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Embed the papers of files and write them into a collection.

    What the collection holds already is left alone, so the same command goes on where it was stopped.
    """
    if bool(files) == (embeddings is not None):
        raise typer.BadParameter("name one of FILES and --embeddings FOLDER")
    source = Source(files or (), file_format, field, rejects, encoding)
    if (adopt or yes) and not delete_missing:
        raise typer.BadParameter("--adopt and --yes are for --delete-missing")
    if delete_missing and source_name is None and Path("-") in source.files:
        raise typer.BadParameter("the standard input is no source that papers can leave; name it: --source NAME")
    check_outputs({"--rejects": rejects, "--report": report_file}, source.files)
    if ray is not None:
        refuse_with(
            "--ray",
            store=store if url is None else None,
            delete_missing=delete_missing,
            dry_run=dry_run,
            devices=devices,
            embeddings=embeddings,
            encoding=encoding,
            stdin=Path("-") in source.files,
            streams=typed(context, "streams"),
        )
    if embeddings is not None:
        # A folder keeps the papers that have left the source; the rest is about files and a model, and neither is read.
        refuse_with(
            "--embeddings",
            delete_missing=delete_missing,
            format=file_format,
            **{option: typed(context, option) for option in _OF_FILES},
        )
    latest: list[IngestReport] = []

    def kept() -> int:
        return latest[-1].unchanged + (0 if dry_run else latest[-1].ingested) if latest else 0

    if report_file is not None:
        # Told now rather than at the end of a long run, where it cannot be written.
        check_writable(report_file)
    with (
        stoppable(kept),
        connect(
            context,
            store,
            url,
            api_key,
            grpc=grpc,
            grpc_port=grpc_port,
            timeout=timeout,
            missing="empty" if dry_run else "make",
        ) as client,
        progress("ingesting", source) as show,
        ExitStack() as stack,
    ):
        from specter2_plugins.qdrant import CollectionSpec, ingest_papers
        from specter2_plugins.qdrant.ingestion.sources import source_of

        stored = None
        if embeddings is not None:
            from specter2_plugins.scale.stored import StoredEmbeddings

            stored = StoredEmbeddings(embeddings)
            task = task or stored.adapters
        settings = {"tasks": task, "distance": distance, "sparse": sparse, "quantization": quantization}
        spec = CollectionSpec.preset(
            preset,
            name=collection,
            **{name: tuple(value) if isinstance(value, list) else value for name, value in settings.items() if value},
        )

        def follow(so_far: IngestReport) -> None:
            latest[:] = [so_far]
            show(so_far.done, so_far.tokens, source.share_of(so_far.done, so_far.read))

        if ray is not None:
            from specter2_plugins.scale.actors import RayModel
            from specter2_plugins.scale.on_ray import cluster, ingest_on_ray
            from specter2_plugins.scale.pieces import Sources

            hide_loading_bars()
            with cluster(ray), source.keeping() as keep:
                report = ingest_on_ray(
                    Sources(source.files, source.format, source.mapping, source_name),
                    str(url),
                    RayModel(model, dtype, device),
                    spec,
                    api_key=api_key,
                    grpc=grpc,
                    grpc_port=grpc_port,
                    timeout=timeout,
                    workers=workers,
                    bulk=bulk,
                    on_reject=keep,
                    on_progress=follow,
                )
        else:
            encoder, batch = (
                (stored, PAPERS_AT_ONCE)
                if stored is not None
                else stack.enter_context(open_encoder(model, device, dtype, workers, devices))
            )
            report = ingest_papers(
                source.records() if stored is None else stored.papers(),
                client,
                encoder,
                spec,
                source=source_name if stored is None else source_name or source_of(str(embeddings)),
                bulk=bulk,
                delete_missing=delete_missing,
                adopt=adopt,
                confirm=_confirm(yes, show.pause),
                dry_run=dry_run,
                streams=streams,
                batch=batch,
                on_reject=stack.enter_context(source.keeping()),
                on_progress=follow,
            )
    counts = {"collection": collection, "dry_run": dry_run, **report.to_dict()}
    if report_file is not None:
        write_text(report_file, to_json(counts, indent=2) + "\n")
    for conflict in report.conflicts[:_SHOWN]:
        errors.print(f"conflict: {conflict}")
    source.require_papers(report.read - report.rejected)
    for line in _kept(report):
        errors.print(line)
    if as_json:
        print_json(counts)
    else:
        output.print(_summary(report, collection, dry_run))


def _confirm(yes: bool, pause: Callable[[], AbstractContextManager[None]]) -> Confirm | None:
    """What asks whether papers are to be deleted: nobody where there is no terminal."""
    if yes:
        return lambda gone, belonging: True
    if not (sys.stdin.isatty() and errors.is_terminal):
        return None

    def ask(gone: int, belonging: int) -> bool:
        question = f"Delete {gone} of the source's {belonging} papers, which it brings no more? [y/N] "
        with pause(), suppress(EOFError):
            return errors.input(question, markup=False).strip().lower() in ("y", "yes")
        return False

    return ask


def _summary(report: IngestReport, collection: str, dry_run: bool) -> str:
    would = ", if it were no dry run" if dry_run else ""
    deleted = f"; deleted {report.deleted}" if report.deleted else ""
    conflicts = f"; {report.conflict} in conflict: one id, two papers" if report.conflict else ""
    return f"{collection}: {report.sum()}{conflicts}{deleted}{would}"


def _kept(report: IngestReport) -> Iterator[str]:
    """Say what was not deleted because nobody knows its source."""
    if report.sourceless:
        yield (
            f"not deleted: {report.sourceless} papers that know no source, because an older version ingested them. "
            "Ingest the files that hold them, or add --adopt to delete those that this source does not bring"
        )
    if report.foreign:
        yield f"not deleted: {report.foreign} points that something else than specter2 ingest made"
