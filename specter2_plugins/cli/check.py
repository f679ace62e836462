"""`specter2 check`: what files hold, told without a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Annotated

import typer

from specter2_plugins.cli.console import errors, output, print_json
from specter2_plugins.cli.groups import expand_groups
from specter2_plugins.cli.options import AsJson, Files, ReadingOptions
from specter2_plugins.papers import Paper
from specter2_plugins.readers import ReadingProgress, Rejected, read_records

_SHOWN = 10
_AT_ONCE = 256


@dataclass
class FileCheck:
    """What one file holds.

    Args:
        file: The file.
        format: What it was read as; None for a file that holds nothing.
        papers: How many would be embedded.
        without_abstract: How many of these have a title alone.
        without_id: How many have no id, and are told apart by their titles.
        rejected: How many records are no papers.
        notes: Its encoding, fields that are not used, and what else is worth knowing.
    """

    file: str
    format: str | None = None
    papers: int = 0
    without_abstract: int = 0
    without_id: int = 0
    rejected: int = 0
    notes: list[str] = field(default_factory=list)

    def count(self, record: Paper | Rejected) -> None:
        """Count a record."""
        if isinstance(record, Rejected):
            self.rejected += 1
        else:
            self.papers += 1
            self.without_abstract += record.abstract is None
            self.without_id += record.id is None

    def __str__(self) -> str:
        counts = {
            "without abstract": self.without_abstract,
            "without id": self.without_id,
            "rejected": self.rejected,
        }
        more = "".join(f", {count} {name}" for name, count in counts.items() if count)
        return f"{self.file}: {self.format or 'nothing in it'}, {self.papers} papers{more}"


@expand_groups
def check(
    files: Files,
    reading: ReadingOptions,
    show: Annotated[int, typer.Option(min=0, help="How many rejected records and conflicts are listed.")] = _SHOWN,
    as_json: AsJson = False,
) -> None:
    """Say what would be read from files: how many papers, duplicates and conflicts, and what is rejected and why.

    No model is loaded, and nothing is written but --rejects. It fails where no record is a paper.
    """
    from specter2_plugins.pipeline.intake import Intake
    from specter2_plugins.pipeline.report import IngestReport

    source = reading.source(files)
    report = IngestReport()
    checked: dict[str, FileCheck] = {}
    rejected: list[Rejected] = []
    with source.keeping(show) as keep:
        intake = Intake(report, on_reject=_both(keep, rejected, show))
        records = read_records(files, source.format, source.mapping, source.progress, source.encoding)
        for _ in intake.batches(_counted(records, checked), _AT_ONCE):
            pass
    _describe(checked, source.progress)
    papers = report.read - report.rejected - report.duplicate
    counts = {name: getattr(report, name) for name in ("read", "duplicate", "rejected", "conflict")}
    if as_json:
        lists = {"conflicts": report.conflicts, "rejected_records": [asdict(record) for record in rejected]}
        print_json({**counts, "papers": papers, "files": [asdict(file) for file in checked.values()], **lists})
    else:
        _show(list(checked.values()))
        for conflict in report.conflicts[:show]:
            errors.print(f"conflict: {conflict}")
        sum_ = f"{papers} papers + duplicate {report.duplicate} + rejected {report.rejected}"
        output.print(f"read {report.read} = {sum_}; {report.conflict} in conflict: one id, two papers")
    source.require_papers(report.read - report.rejected)


def _counted(records: Iterator[Paper | Rejected], checked: dict[str, FileCheck]) -> Iterator[Paper | Rejected]:
    for record in records:
        name = record.source if isinstance(record, Rejected) else record.origin.source if record.origin else ""
        checked.setdefault(name, FileCheck(name)).count(record)
        yield record


def _both(keep: Callable[[Rejected], None], rejected: list[Rejected], most: int) -> Callable[[Rejected], None]:
    def take(record: Rejected) -> None:
        keep(record)
        if len(rejected) < most:
            rejected.append(record)

    return take


def _describe(checked: dict[str, FileCheck], progress: ReadingProgress) -> None:
    for name, format in progress.formats.items():
        checked.setdefault(name, FileCheck(name)).format = format
    for name, file in checked.items():
        file.notes = progress.notes_of(name)


def _show(files: list[FileCheck]) -> None:
    for file in files:
        output.print(str(file))
        for note in file.notes:
            output.print(f"  {note}")
