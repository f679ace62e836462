"""Files that a command writes are never ones that it reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import typer

from specter2_plugins.errors import PaperError
from specter2_plugins.readers.inputs import find_inputs


def check_outputs(outputs: Mapping[str, str | Path | None], inputs: Iterable[str | Path]) -> None:
    """Refuse to write what is read, by whatever path, symbolic or hard link it is named, or the same file twice.

    Args:
        outputs: Option -> the file it names, if it is given.
        inputs: Files, patterns, folders, whose files count, and "-".

    Raises:
        typer.BadParameter: If a command would destroy its input or another of its outputs.
    """
    named = {option: Path(path) for option, path in outputs.items() if path is not None and "://" not in str(path)}
    read = list(_files(inputs)) if named else []
    written: dict[str, Path] = {}
    for option, path in named.items():
        if any(_same(path, file) for file in read):
            raise typer.BadParameter(f"{path} is read, and would be overwritten", param_hint=option)
        for other, file in written.items():
            if _same(path, file):
                raise typer.BadParameter(f"{path} is what {other} writes", param_hint=option)
        if path.is_dir():
            continue
        written[option] = path


def _files(inputs: Iterable[str | Path]) -> Iterator[Path]:
    for source in map(str, inputs):
        if Path(source).is_dir():
            yield from (path for path in Path(source).rglob("*") if path.is_file())
            continue
        with suppress(PaperError):  # what is not there is told by whoever reads it
            yield from (found.path for found in find_inputs(source) if found.path is not None)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one is not there yet
        return os.path.realpath(one) == os.path.realpath(other)
