"""`--from`: services and programs in the place of files, and where each stopped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from specter2_plugins.cli.options import READING, ReadingOptions, StoreOptions
from specter2_plugins.cli.outputs import READS_SOURCES
from specter2_plugins.cli.source import Source
from specter2_plugins.errors import PaperError
from specter2_plugins.papers import Paper
from specter2_plugins.printable import from_json
from specter2_plugins.readers import Rejected
from specter2_plugins.sources import Client, open_source
from specter2_plugins.writers.files import write_text

STATE = "SPECTER2_STATE"


@dataclass
class ServiceSource(Source):
    """The papers of services.

    Args:
        names: Such as "arxiv:cat:cs.IR".
        place: What the papers go into; each has positions of its own.
    """

    names: Sequence[str] = ()
    place: str = ""
    _positions: dict[str, dict[str, str]] = field(default_factory=dict, init=False)

    def records(self) -> Iterator[Paper | Rejected]:
        """Yield the papers since the last run into this place, and between them the records that are none."""
        sources = [open_source(name, self._load(name)) for name in self.names]

        def read() -> Iterator[Paper | Rejected]:
            with Client() as client:
                for source in sources:
                    yield from source.read(client)
                    self._positions[source.name] = source.position

        return chain(read(), self._say_notes())

    def require_papers(self, read: int) -> None:
        """Raise if there was nothing to do, and never was.

        Raises:
            PaperError: If no record was a paper, and no earlier run found one.
        """
        if read == 0 and not any(self._load(name) for name in self.names):
            raise PaperError(f"no papers in {', '.join(self.names)} ({self.rejected} records rejected)")

    def finished(self) -> None:
        """Keep where each source stopped, now that all of it is stored."""
        for name, position in self._positions.items():
            if position:
                file = self._file(name)
                file.parent.mkdir(parents=True, exist_ok=True)
                write_text(file, json.dumps({"source": name, "position": position}))

    def _load(self, name: str) -> dict[str, str]:
        try:
            found = from_json(self._file(name).read_bytes())
            return {str(key): str(value) for key, value in found["position"].items()}
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return {}

    def _file(self, name: str) -> Path:
        digest = hashlib.blake2b(f"{self.place}\0{name}".encode(), digest_size=12).hexdigest()
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        folder = Path(os.environ.get(STATE) or Path(home) / "specter2-plugins")
        return folder / f"{digest}.json"


@dataclass(frozen=True)
class OriginOptions:
    """Where papers come from, if not from files."""

    origins: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="SOURCE",
            help="Instead of files: zotero, arxiv:cat:cs.IR, doi:FILE, crossref:FILE, openalex:FILE, s2:FILE.",
            rich_help_panel=READING,
        ),
        READS_SOURCES,
    ] = None

    def source(
        self,
        reading: ReadingOptions,
        files: Sequence[Path],
        where: StoreOptions,
        context: typer.Context,
        delete_missing: bool = False,
    ) -> Source:
        """Return the papers of the services that are named, else of files.

        Args:
            reading: How files are read.
            files: The files.
            where: What the papers go into.
            context: Of the command.
            delete_missing: Whether papers that a source brings no more are to be removed.

        Raises:
            typer.BadParameter: If options do not go together.
            SourceError: If there is no such source.
        """
        if not self.origins:
            return reading.source(files)
        if reading.file_format or reading.field or reading.encoding:
            raise typer.BadParameter("--from does not go with --format, --field and --encoding, which are about files")
        for name in self.origins:
            open_source(name)
            if delete_missing and name.startswith("arxiv:"):
                raise typer.BadParameter(f"{name} brings only what is new, so --delete-missing would remove the rest")
        folder, url = where.place(context)
        place = f"{url if folder is None else folder.resolve()}\0{where.collection}"
        return ServiceSource((), rejects=reading.rejects, names=self.origins, place=place)
