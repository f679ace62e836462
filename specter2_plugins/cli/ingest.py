"""`specter2 ingest`: papers -> a Qdrant collection."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specter2_plugins.cli.console import errors, output, print_json
from specter2_plugins.cli.groups import expand_groups
from specter2_plugins.cli.on_ray import on_ray
from specter2_plugins.cli.options import (
    LAYOUT,
    OUTPUT,
    PAPERS_AT_ONCE,
    READING,
    RUN,
    AsJson,
    EncoderOptions,
    ReadingOptions,
    StoreOptions,
    hide_loading_bars,
    refuse_with,
    typed,
)
from specter2_plugins.cli.origins import OriginOptions
from specter2_plugins.cli.outputs import READS, READS_SPLADE, WRITES
from specter2_plugins.cli.progress import progress
from specter2_plugins.cli.stopping import stoppable
from specter2_plugins.printable import to_json
from specter2_plugins.writers.files import check_writable, write_text

if TYPE_CHECKING:
    from specter2_plugins.papers.encoder import PaperEncoder
    from specter2_plugins.pipeline.ingestion.missing import Confirm
    from specter2_plugins.qdrant import CollectionSpec, IngestReport


_SHOWN = 5
_OF_FILES = ("model", "adapter", "device", "dtype", "workers", "devices", "field", "encoding", "rejects")


@dataclass(frozen=True)
class LayoutOptions:
    """What a new collection is to look like."""

    sparse: Annotated[
        list[str] | None,
        typer.Option("--sparse", help="Sparse vectors too, for hybrid search: bm25, or splade:MODEL."),
        READS_SPLADE,
    ] = None
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            "-t",
            help="What papers are embedded for: proximity (the default), classification, ...",
            rich_help_panel=LAYOUT,
        ),
    ] = None
    preset: Annotated[
        str,
        typer.Option(
            help="For a laptop, a server (int8, on disk) or a cluster (6 shards, twice).", rich_help_panel=LAYOUT
        ),
    ] = "laptop"
    distance: Annotated[
        str | None,
        typer.Option(help="euclid (as SPECTER2 was trained, the default), cosine or dot.", rich_help_panel=LAYOUT),
    ] = None
    quantization: Annotated[
        str | None, typer.Option(help="Compress vectors in memory: scalar or binary.", rich_help_panel=LAYOUT)
    ] = None

    def spec(self) -> CollectionSpec:
        """Return what the options say of a new collection, beside its vectors."""
        from specter2_plugins.qdrant import CollectionSpec

        said = {"distance": self.distance, "quantization": self.quantization}
        return CollectionSpec.preset(self.preset, **{name: value for name, value in said.items() if value})


@dataclass(frozen=True)
class SyncOptions:
    """What becomes of papers that have left their source."""

    source_name: Annotated[
        str | None,
        typer.Option(
            "--source",
            help="What brings the papers, such as openalex, for --delete-missing; by default each one's file.",
            rich_help_panel=READING,
        ),
    ] = None
    delete_missing: Annotated[
        bool,
        typer.Option("--delete-missing", help="Remove the papers that the same source brought, and brings no more."),
    ] = False
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt",
            help="Remove those too that an older version ingested, which know no source.",
            rich_help_panel=RUN,
        ),
    ] = False
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Do not ask before more than a tenth of a source's papers are removed.",
            rich_help_panel=RUN,
        ),
    ] = False

    def check(self, reads_stdin: bool) -> None:
        """Refuse options that say nothing, or not enough.

        Raises:
            typer.BadParameter: If they do not go together.
        """
        if (self.adopt or self.yes) and not self.delete_missing:
            raise typer.BadParameter("--adopt and --yes are for --delete-missing")
        if self.delete_missing and self.source_name is None and reads_stdin:
            raise typer.BadParameter("the standard input is no source that papers can leave; name it: --source NAME")


@expand_groups
def ingest(
    context: typer.Context,
    where: StoreOptions,
    by: EncoderOptions,
    layout: LayoutOptions,
    reading: ReadingOptions,
    origin: OriginOptions,
    sync: SyncOptions,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of papers, patterns, or - for stdin.", show_default=False), READS
    ] = None,
    embeddings: Annotated[
        str | None,
        typer.Option(
            help="Instead of files: a folder that specter2 embed filled, here or s3://bucket/folder.",
            rich_help_panel=READING,
        ),
        READS,
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be done.")] = False,
    bulk: Annotated[
        bool,
        typer.Option(
            "--bulk", help="Have a server build its search graph at the end, and wait for it.", rich_help_panel=RUN
        ),
    ] = False,
    streams: Annotated[int, typer.Option(min=1, help="Requests to the store at once.", rich_help_panel=RUN)] = 2,
    report_file: Annotated[
        Path | None,
        typer.Option("--report", help="Where to write the counts, as JSON.", rich_help_panel=OUTPUT),
        WRITES,
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Embed the papers of files and write them into a collection.

    What the collection holds already is left alone, so the same command goes on where it was stopped.
    """
    if sum(map(bool, (files, origin.origins, embeddings is not None))) != 1:
        raise typer.BadParameter("name one of FILES, --from SOURCE and --embeddings FOLDER")
    source = origin.source(reading, files or (), where, context, sync.delete_missing)
    reads_stdin = Path("-") in source.files
    sync.check(reads_stdin)
    if by.ray is not None:
        refuse_with(
            "--ray",
            store=where.store if where.url is None else None,
            delete_missing=sync.delete_missing,
            dry_run=dry_run,
            devices=by.devices,
            embeddings=embeddings,
            origins=origin.origins,
            encoding=reading.encoding,
            stdin=reads_stdin,
            streams=typed(context, "streams"),
        )
    if embeddings is not None:
        # A folder keeps the papers that have left the source; the rest is about files and a model, and neither is read.
        refuse_with(
            "--embeddings",
            delete_missing=sync.delete_missing,
            format=reading.file_format,
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
        where.open(context, missing="empty" if dry_run else "make") as client,
        progress("ingesting", source) as show,
        ExitStack() as stack,
    ):
        from specter2_plugins.qdrant import PaperCollection

        if embeddings is None:
            by = by.filled(context, client, where.collection)

        def follow(so_far: IngestReport) -> None:
            latest[:] = [so_far]
            total = so_far.total or source.total(so_far.read)
            show(so_far.done, total, so_far.ingested, so_far.tokens, so_far.read)

        if by.ray is not None:
            from specter2_plugins.pipeline.ray.actors import RayModel
            from specter2_plugins.pipeline.ray.pieces import SourceFiles
            from specter2_plugins.pipeline.ray.run import ingest_on_ray
            from specter2_plugins.store.existing import existing_spec

            hide_loading_bars()
            _, url = where.place(context)
            spec = existing_spec(client, where.collection, layout.spec(), tasks=layout.task, sparse=layout.sparse)
            with on_ray(by.ray), source.keeping() as keep:
                report = ingest_on_ray(
                    SourceFiles(source.files, source.format, source.mapping, sync.source_name),
                    str(url),
                    RayModel(by.model, by.dtype, by.device, by.adapters),
                    spec,
                    workers=by.workers,
                    bulk=bulk,
                    on_reject=keep,
                    on_progress=follow,
                    **where.connection,
                )
        else:
            encoder: PaperEncoder | None = None
            papers: Any = source.records()
            batch = PAPERS_AT_ONCE
            if embeddings is None:
                encoder, batch = stack.enter_context(by.open())
            else:
                from specter2_plugins.vectors.stored import StoredEmbeddings

                papers = StoredEmbeddings(embeddings)
            report = PaperCollection(client, encoder, where.collection).ingest(
                papers,
                sparse=layout.sparse,
                tasks=layout.task,
                spec=layout.spec(),
                source=sync.source_name,
                delete_missing=sync.delete_missing,
                adopt=sync.adopt,
                confirm=_confirm(sync.yes, show.pause),
                dry_run=dry_run,
                bulk=bulk,
                streams=streams,
                batch=batch,
                on_reject=stack.enter_context(source.keeping()),
                on_progress=follow,
            )
    if not dry_run:
        source.finished()
    counts = {"collection": where.collection, "dry_run": dry_run, **report.to_dict()}
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
        output.print(_summary(report, where.collection, dry_run))


def _confirm(yes: bool, pause: Callable[[], AbstractContextManager[None]]) -> Confirm | None:
    """Return what asks whether papers are to be deleted: nobody where there is no terminal."""
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
