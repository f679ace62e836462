"""Files that a command writes: never one that it reads, and each whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import typer

from specter2_plugins.errors import PaperError, Specter2Error
from specter2_plugins.readers.inputs import find_inputs

_TOKEN_BYTES = 4


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


@contextmanager
def writing(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file beside another, which it replaces at the end; text is UTF-8, a line at a time.

    Args:
        path: The file to write; a link stays, and what it leads to is replaced. A pipe or device is written directly.
        mode: "w" or "wb".

    Raises:
        Specter2Error: If it cannot be written.
    """
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "buffering": 1}
    target = Path(os.path.realpath(path))
    direct = target.exists() and not target.is_file()
    beside = target if direct else target.with_name(f"{target.name}.{secrets.token_hex(_TOKEN_BYTES)}.unfinished")
    try:
        # Exclusive creation follows no link that somebody put there.
        file = beside.open(mode if direct else mode.replace("w", "x"), **text)
    except OSError as error:
        raise Specter2Error(f"cannot write {path}: {error.strerror}") from None
    done = False
    try:
        with file:
            yield file
        done = True
    finally:
        if not direct:
            if done:
                beside.replace(target)
            else:
                beside.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        Specter2Error: If it cannot be written.
    """
    with writing(path) as file:
        file.write(text)


def check_writable(path: Path) -> None:
    """Raise if a file cannot be written, without touching what is there.

    Raises:
        OSError: If there can be no such file.
    """
    target = Path(os.path.realpath(path))
    problem = None
    if target.is_dir():
        problem = errno.EISDIR
    elif not target.parent.is_dir():
        problem = errno.ENOENT
    elif not os.access(target.parent, os.W_OK) and not (target.exists() and not target.is_file()):
        problem = errno.EACCES
    if problem is not None:
        raise OSError(problem, os.strerror(problem), str(path))


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
