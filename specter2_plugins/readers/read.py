"""Sources of papers -> papers, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from specter2_plugins.errors import PaperError
from specter2_plugins.papers import Paper
from specter2_plugins.readers.abstracts import Abstracts
from specter2_plugins.readers.fields import FieldNames, field_names
from specter2_plugins.readers.format import Format
from specter2_plugins.readers.ids import identifier
from specter2_plugins.readers.inputs import Content, Input, Sources, find_inputs
from specter2_plugins.readers.not_papers import looks_like
from specter2_plugins.readers.progress import ReadingProgress
from specter2_plugins.readers.records import Entry, Rejected, to_paper
from specter2_plugins.readers.registry import format_named, format_of
from specter2_plugins.readers.unused_fields import remarks


def read_papers(
    sources: Sources,
    format: str | None = None,
    fields: Mapping[str, str] | None = None,
    on_reject: Callable[[Rejected], None] | None = None,
    encoding: str | None = None,
) -> Iterator[Paper]:
    """Read the papers of files, compressed (.gz, .zst, .bz2) or not, in memory that does not grow with them.

    Files of Semantic Scholar's `abstracts` dataset among the sources give the papers of the other sources with the
    same corpus id their abstracts.

    Example:
        >>> len(list(read_papers("dump/*.jsonl.gz")))
        8
        >>> next(read_papers("dump.jsonl", fields={"title": "dc:title"})).title
        'Training neural ranking models with few judgements'

    Args:
        sources: A file, a pattern, "-" for stdin, or several of them.
        format: A key of `FORMATS`; by default found by each file's content, then by its extension.
        fields: For JSON, CSV and Parquet, which key of theirs is our "title", "abstract", "id", "year", "venue",
            "authors", "fields", "doi", "url", "keywords" or "type". Dots lead into nested objects.
        on_reject: Called with each record that is no paper. Without it the first one raises.
        encoding: Of the files' text, such as "cp1252"; by default found by their content.

    Returns:
        The papers, in the order of the sources. Files are checked now, and read as papers are asked for.

    Raises:
        PaperError: If a file cannot be read, its format is unknown, or a record is no paper and
            there is no `on_reject`.
    """
    return _papers(read_records(sources, format, fields, encoding=encoding), on_reject or _refuse)


def read_records(
    sources: Sources,
    format: str | None = None,
    fields: Mapping[str, str] | None = None,
    progress: ReadingProgress | None = None,
    encoding: str | None = None,
) -> Iterator[Paper | Rejected]:
    """Read as `read_papers`, with the records that are no papers where they stand between the papers.

    Example:
        >>> [type(record).__name__ for record in read_records("library.bib")][:2]
        ['Paper', 'Paper']

    Args:
        sources: As for `read_papers`.
        format: As for `read_papers`.
        fields: As for `read_papers`.
        progress: Will know how far the reading is, and what is worth knowing of it.
        encoding: As for `read_papers`.

    Raises:
        PaperError: If a file cannot be read, or its format is unknown.
    """
    names = field_names(fields)
    progress = progress or ReadingProgress()
    files = [
        _File(found, known, names, progress)
        for found in find_inputs(sources, encoding)
        if (known := format_named(format) if format is not None else _detect(found)) is not None
    ]
    for file in files:
        if names and not file.format.names_are_free:
            raise PaperError(
                f"{file.input.name} is {file.format.name}, whose fields have fixed names: leave out fields"
            )
    progress.begin([file.input for file in files])
    progress.formats.update((file.input.name, file.format.name) for file in files)
    return _records(files)


def read_content(name: str, content: bytes, format: str) -> Iterator[Paper | Rejected]:
    """Read what is in memory, as `read_records` reads files.

    Args:
        name: What it is called in messages, and as the papers' origin.
        content: Its bytes.
        format: A key of `FORMATS`.
    """
    return _records([_File(Content(None, title=name, content=content), format_named(format), (), ReadingProgress())])


@dataclass(frozen=True)
class _File:
    input: Input
    format: Format
    fields: FieldNames
    progress: ReadingProgress

    def __iter__(self) -> Iterator[Entry | Rejected]:
        """Yield all records; damage to the file is one, the last, instead of whatever it left of a record."""
        line, count = 1, 0
        with self.input.open() as stream, self.progress.reading(self.input, stream):
            for record in self.format.read(stream, self.fields):
                line = record.line
                count += 1
                if isinstance(record, Entry):
                    yield record
                elif stream.damage is None:
                    yield Rejected(self.input.name, *record)
            if stream.damage is not None:
                yield Rejected(self.input.name, line, None, stream.damage)
            elif not count and stream.head.strip():
                yield Rejected(
                    self.input.name, 1, None, f"no record of {self.format.name} in it: {looks_like(stream.head)}"
                )
            if stream.encoding is not None:
                self.progress.note(self.input.name, f"read as {stream.encoding}")

    def rejected(self, entry: Entry, reason: str) -> Rejected:
        """Return what says that a record is no paper."""
        return Rejected(
            self.input.name, entry.line, identifier(entry.id) or (None if entry.id is None else str(entry.id)), reason
        )


def _detect(found: Input) -> Format | None:
    """Return the format, or None for a file that holds nothing."""
    with found.open() as stream:
        return format_of(stream) if stream.head.strip() else None


def _papers(records: Iterator[Paper | Rejected], on_reject: Callable[[Rejected], None]) -> Iterator[Paper]:
    for record in records:
        if isinstance(record, Paper):
            yield record
        else:
            on_reject(record)


def _refuse(record: Rejected) -> None:
    raise PaperError(str(record))


def _records(files: list[_File]) -> Iterator[Paper | Rejected]:
    abstracts = [file for file in files if file.format.only_abstracts]
    papers = [file for file in files if not file.format.only_abstracts] or abstracts
    with ExitStack() as stack:
        found = None
        if papers is not abstracts and abstracts:
            found = stack.enter_context(Abstracts())
            yield from _gather(abstracts, found)
        for file in papers:
            plain_text = file.format.plain_text
            for entry in file:
                if isinstance(entry, Rejected):
                    yield entry
                    continue
                if found is not None and not entry.abstract:
                    entry = entry._replace(abstract=found.get(str(entry.id)))
                try:
                    paper = to_paper(entry, plain_text, file.input.name)
                except PaperError as error:
                    yield file.rejected(entry, str(error))
                    continue
                for remark in remarks(paper):
                    file.progress.note(file.input.name, remark, 1)
                yield paper


def _gather(files: list[_File], abstracts: Abstracts) -> Iterator[Rejected]:
    """Put all abstracts of files where their papers find them."""
    for file in files:
        for entry in file:
            if isinstance(entry, Rejected):
                yield entry
            elif isinstance(entry.abstract, str):
                abstracts.add(str(entry.id), entry.abstract)
            elif entry.abstract is not None:
                yield file.rejected(entry, f"abstract is {type(entry.abstract).__name__}, expected a string or None")
    abstracts.index()
