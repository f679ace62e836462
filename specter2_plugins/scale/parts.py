"""A folder of Parquet files with papers and their vectors, on a disk or in object storage."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.errors import StoreError
from specter2_plugins.extras import require
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.papers import Paper

pa = require("pyarrow", "pyarrow", "parquet")
pq = require("pyarrow.parquet", "pyarrow", "parquet")
fs = require("pyarrow.fs", "pyarrow", "parquet")

_PART = re.compile(r"part-(\d{6,})\.parquet")
_METADATA = b"specter2"
_VECTOR = "vector."
_ROWS = 1024


class Parts:
    """The parts of one folder. A part appears whole or not at all.

    A row is a paper: `id`, `title`, `abstract`, `metadata` (JSON), `key` (which says what it was made of), and for each
    adapter `vector.<adapter>`, a list of float32. The schema's metadata holds the vectors' fingerprints.

    Args:
        folder: A folder, or the address of one that pyarrow can open, such as s3://bucket/folder or gs://bucket/folder.

    Raises:
        MissingExtraError: If pyarrow is not installed.
        StoreError: If the address cannot be opened.
    """

    def __init__(self, folder: str | Path) -> None:
        self.name = str(folder)
        with _errors(self.name):
            if "://" in self.name:
                self._files, self._folder = fs.FileSystem.from_uri(self.name)
            else:
                self._files, self._folder = fs.LocalFileSystem(), str(Path(folder).absolute())

    def numbers(self) -> list[int]:
        """The parts that are there, in the order they were written."""
        with _errors(self.name):
            found = self._files.get_file_info(fs.FileSelector(self._folder, allow_not_found=True))
        names = [_PART.fullmatch(info.base_name) for info in found if info.is_file]
        return sorted(int(name[1]) for name in names if name)

    def write(
        self,
        number: int,
        papers: Sequence[Paper],
        keys: Sequence[str],
        vectors: Mapping[str, NDArray[np.float32]],
        fingerprints: Mapping[str, Fingerprint],
    ) -> None:
        """Write a part.

        Args:
            number: The part's number.
            papers: Its papers.
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
            "key": pa.array(keys, pa.string()),
        }
        for adapter, rows in vectors.items():
            values = pa.array(np.ascontiguousarray(rows, dtype=np.float32).reshape(-1))
            columns[_VECTOR + adapter] = pa.FixedSizeListArray.from_arrays(values, rows.shape[1])
        described = json.dumps({adapter: fingerprint.to_dict() for adapter, fingerprint in fingerprints.items()})
        table = pa.table(columns).replace_schema_metadata({_METADATA: described.encode()})
        path = self._path(number)
        with _errors(self.name):
            self._files.create_dir(self._folder, recursive=True)
            with self._files.open_output_stream(f"{path}.unfinished") as file:
                pq.write_table(table, file, compression="zstd")
            self._files.move(f"{path}.unfinished", path)

    def fingerprints(self, number: int) -> dict[str, Fingerprint]:
        """What a part's vectors were made with.

        Raises:
            StoreError: If the part cannot be read, or this package did not write it.
        """
        with self._open(number) as file:
            described = (file.schema_arrow.metadata or {}).get(_METADATA)
        if described is None:
            raise StoreError(
                f"{self._path(number)} does not say what its vectors were made with: not of specter2 embed"
            )
        return {adapter: Fingerprint(**content) for adapter, content in json.loads(described).items()}

    def dimensions(self, number: int) -> int:
        """How long a part's vectors are."""
        with self._open(number) as file:
            return next(field.type.list_size for field in file.schema_arrow if field.name.startswith(_VECTOR))

    def keys(self, number: int) -> list[str]:
        """What each paper of a part was made of."""
        with self._open(number) as file:
            return file.read(columns=["key"]).column("key").to_pylist()

    def rows(self, number: int) -> Iterator[tuple[Paper, dict[str, NDArray[np.float32]]]]:
        """The papers of a part, with their vectors by adapter."""
        with self._open(number) as file:
            for batch in file.iter_batches(batch_size=_ROWS):
                vectors = {
                    name.removeprefix(_VECTOR): _matrix(batch.column(name))
                    for name in batch.schema.names
                    if name.startswith(_VECTOR)
                }
                columns = (batch.column(name).to_pylist() for name in ("id", "title", "abstract", "metadata"))
                for row, (id, title, abstract, metadata) in enumerate(zip(*columns, strict=True)):
                    paper = Paper(title, abstract, id, json.loads(metadata))
                    yield paper, {adapter: matrix[row] for adapter, matrix in vectors.items()}

    @contextmanager
    def _open(self, number: int) -> Iterator[Any]:
        path = self._path(number)
        with _errors(path), self._files.open_input_file(path) as file:
            yield pq.ParquetFile(file)

    def _path(self, number: int) -> str:
        return f"{self._folder}/part-{number:06d}.parquet"


def _matrix(column: Any) -> NDArray[np.float32]:
    return column.flatten().to_numpy().reshape(len(column), -1)


@contextmanager
def _errors(where: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{where}: {str(error).splitlines()[0]}") from None
