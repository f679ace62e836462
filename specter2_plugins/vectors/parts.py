"""A folder of Parquet files with papers and their vectors, on a disk or in object storage."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.addresses import secrets_of, shown, without_secrets
from specter2_plugins.errors import StoreError, one_line
from specter2_plugins.extras import require
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.papers import Paper
from specter2_plugins.printable import from_json

pa = require("pyarrow", "pyarrow", "parquet")
pq = require("pyarrow.parquet", "pyarrow", "parquet")
fs = require("pyarrow.fs", "pyarrow", "parquet")

_PART = re.compile(r"part-\d{6,}-[0-9a-f]{8}\.parquet")
_RUN_BYTES = 4
_METADATA = b"specter2"
_VECTOR = "vector."
_ROWS = 1024


def new_run() -> str:
    """Return what tells the parts of a run from those of any other run that writes into the folder at the same time."""
    return secrets.token_hex(_RUN_BYTES)


def part_name(number: int, run: str) -> str:
    """Return the file of a run's part; those of higher numbers count before the others."""
    return f"part-{number:06d}-{run}.parquet"


def number_of(name: str) -> int:
    """Return the number in a part's name."""
    return int(name.split("-")[1])


class Parts:
    """The parts of one folder. A part appears whole or not at all.

    A row is a paper: `id`, `title`, `abstract`, `metadata` (JSON), `point` (its point's id), `key` (what it is made of)
    and for each adapter `vector.<adapter>`, a list of float32. The schema's metadata holds the vectors' fingerprints.

    Args:
        folder: A folder, or the address of one that pyarrow can open, such as s3://bucket/folder or gs://bucket/folder.

    Raises:
        MissingExtraError: If pyarrow is not installed.
        StoreError: If the address cannot be opened.
    """

    def __init__(self, folder: str | Path) -> None:
        address = str(folder)
        self.name = shown(address) if "://" in address else address
        with _errors(self.name, address):
            if "://" in address:
                self._files, self._folder = fs.FileSystem.from_uri(address)
            else:
                self._files, self._folder = fs.LocalFileSystem(), str(Path(folder).absolute())

    def names(self) -> list[str]:
        """Return the parts that are there, the latest last."""
        with _errors(self.name):
            found = self._files.get_file_info(fs.FileSelector(self._folder, allow_not_found=True))
        names = [info.base_name for info in found if info.is_file and _PART.fullmatch(info.base_name)]
        return sorted(names, key=lambda name: (number_of(name), name))

    def check_writable(self) -> None:
        """Write a file and remove it, so that what is in the way shows before anything is embedded.

        Raises:
            StoreError: If that cannot be done.
        """
        probe = f"{new_run()}.probe"
        self._write(probe, lambda file: file.write(probe.encode()))
        with _errors(self.name):
            self._files.delete_file(self._path(probe))

    def write(
        self,
        name: str,
        papers: Sequence[Paper],
        points: Sequence[str],
        keys: Sequence[str],
        vectors: Mapping[str, NDArray[np.float32]],
        fingerprints: Mapping[str, Fingerprint],
    ) -> None:
        """Write a part.

        Args:
            name: The part's name.
            papers: Its papers.
            points: The ids of their points.
            keys: What each was made of.
            vectors: Adapter -> [papers, dimensions].
            fingerprints: Adapter -> what its vectors were made with.

        Raises:
            StoreError: If it cannot be written.
        """
        columns: dict[str, Any] = {
            "id": pa.array([paper.id for paper in papers], pa.string()),
            "title": pa.array([paper.title for paper in papers], pa.string()),
            "abstract": pa.array([paper.abstract for paper in papers], pa.string()),
            "metadata": pa.array([json.dumps(dict(paper.metadata), ensure_ascii=False) for paper in papers]),
            "point": pa.array(points, pa.string()),
            "key": pa.array(keys, pa.string()),
        }
        for adapter, rows in vectors.items():
            values = pa.array(np.ascontiguousarray(rows, dtype=np.float32).reshape(-1))
            columns[_VECTOR + adapter] = pa.FixedSizeListArray.from_arrays(values, rows.shape[1])
        described = json.dumps({adapter: fingerprint.to_dict() for adapter, fingerprint in fingerprints.items()})
        table = pa.table(columns).replace_schema_metadata({_METADATA: described.encode()})
        self._write(name, lambda file: pq.write_table(table, file, compression="zstd", write_page_checksum=True))

    def fingerprints(self, name: str) -> dict[str, Fingerprint]:
        """Return what a part's vectors were made with.

        Raises:
            StoreError: If the part cannot be read, or this package did not write it.
        """
        with self._open(name) as file:
            described = (file.schema_arrow.metadata or {}).get(_METADATA)
            if described is None:
                raise StoreError(
                    f"{self._path(name)} does not say what its vectors were made with: not of specter2 embed"
                )
            try:
                return {adapter: Fingerprint(**content) for adapter, content in from_json(described).items()}
            except TypeError:
                raise StoreError(f"another version of this package wrote {self._path(name)}") from None

    def dimensions(self, name: str, adapter: str) -> int:
        """Return how long an adapter's vectors are in a part."""
        with self._open(name) as file:
            return file.schema_arrow.field(_VECTOR + adapter).type.list_size

    def made_of(self, name: str) -> tuple[list[str], list[str]]:
        """Return the point of each paper of a part, and what it was made of."""
        with self._open(name) as file:
            table = file.read(columns=["point", "key"])
        return table.column("point").to_pylist(), table.column("key").to_pylist()

    def rows(self, name: str) -> Iterator[tuple[Paper, dict[str, NDArray[np.float32]]]]:
        """Yield the papers of a part, with their vectors by adapter."""
        with self._open(name) as file:
            for batch in file.iter_batches(batch_size=_ROWS):
                vectors = {
                    name.removeprefix(_VECTOR): _matrix(batch.column(name))
                    for name in batch.schema.names
                    if name.startswith(_VECTOR)
                }
                columns = (batch.column(name).to_pylist() for name in ("id", "title", "abstract", "metadata"))
                for row, (id, title, abstract, metadata) in enumerate(zip(*columns, strict=True)):
                    paper = Paper(title, abstract, id, from_json(metadata))
                    yield paper, {adapter: matrix[row] for adapter, matrix in vectors.items()}

    @contextmanager
    def _open(self, name: str) -> Iterator[Any]:
        path = self._path(name)
        with _errors(path), self._files.open_input_file(path) as file:
            try:
                yield pq.ParquetFile(file, page_checksum_verification=True)
            except (StoreError, pa.ArrowMemoryError, pa.ArrowNotImplementedError):
                raise
            except (pa.ArrowException, ValueError, LookupError) as error:
                reason = one_line(error).rstrip(".")
                raise StoreError(
                    f"{path} is damaged: {reason}; delete it, and specter2 embed makes its papers again"
                ) from None

    def _write(self, name: str, content: Callable[[Any], object]) -> None:
        path = self._path(name)
        with _errors(self.name):
            self._files.create_dir(self._folder, recursive=True)
            try:
                with self._files.open_output_stream(f"{path}.unfinished") as file:
                    content(file)
                self._files.move(f"{path}.unfinished", path)
            except BaseException:
                with suppress(OSError):
                    self._files.delete_file(f"{path}.unfinished")
                raise

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"


def _matrix(column: Any) -> NDArray[np.float32]:
    return column.flatten().to_numpy().reshape(len(column), -1)


@contextmanager
def _errors(where: str, address: str = "") -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{where}: {without_secrets(one_line(error), address, *secrets_of(address))}") from None
