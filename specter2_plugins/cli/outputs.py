"""Files that a command writes are never ones that it reads: refused before the command begins.

Each parameter that names files says so beside its option: `Annotated[Path, typer.Option(...), WRITES]`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, get_args, get_type_hints

import typer

from specter2_plugins.errors import PaperError, Specter2Error
from specter2_plugins.readers.inputs import find_inputs
from specter2_plugins.scirepeval.rows import read_file

_MODEL = ("*", "base/*", "adapters/*/*", "[0-9]*_*/*")
_MODEL_NAMES = (
    *("*config*.json", "modules.json", "heads.json", "special_tokens_map.json", "token*", "vocab.*", "merges.txt"),
    *("*.model", "*.safetensors", "*.bin", "README.md"),
)

_MOST_TASKS = 10_000

Named = Callable[[Any], Iterable[str]]
"""The value of a parameter -> what it names."""


def _each(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list | tuple) else [value]:
        yield str(getattr(one, "name", one) if not isinstance(one, Path) else one)


def _all_in(folder: Path) -> Iterator[Path]:
    return folder.rglob("*")


def _of_model(folder: Path) -> Iterator[Path]:
    found = (path for pattern in _MODEL for path in folder.glob(pattern))
    return (path for path in found if any(path.match(name) for name in _MODEL_NAMES))


@dataclass(frozen=True)
class Reads:
    """Marks what names files, patterns or folders that a command reads.

    Args:
        named: How its value names them.
        files: The files of a folder that are read.
        alone: Whether nothing else may be written into a folder, as into a store's.
    """

    named: Named = _each
    files: Callable[[Path], Iterator[Path]] = _all_in
    alone: bool = False


@dataclass(frozen=True)
class Writes:
    """Marks what names a file that a command writes."""

    named: Named = _each


@dataclass(frozen=True)
class Fills:
    """Marks what names a folder that gets files under names of their own.

    Args:
        named: How its value names it.
        files: The files of the folder that may be written anew.
    """

    named: Named = _each
    files: Callable[[Path], Iterator[Path]] = _all_in


Role: TypeAlias = Reads | Writes | Fills


def _of_tasks(value: Any) -> Iterator[str]:
    """Yield configurations of tasks, and the files that they name."""
    for name in _each(value):
        yield name
        with suppress(Specter2Error, OSError, ValueError):  # what cannot be read is told by whoever reads it
            for row in islice(read_file(Path(name)), _MOST_TASKS):
                for text in _texts(row):
                    yield from _parts(Path(name).parent / text)
                    yield from _parts(Path(text))


def _parts(path: Path) -> Iterator[str]:
    """Yield a file, or a folder's; a configuration is a stranger's, so no pattern and no folder within is followed."""
    with suppress(OSError, ValueError):
        found = path.iterdir() if path.is_dir() else [path]
        yield from (str(file) for file in found if file.is_file())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _after(sign: str) -> Named:
    """Return how files are named behind a sign, as in `TASK=FOLDER`; a value without it is the name."""
    return lambda value: (name.partition(sign)[2] or name for name in _each(value))


READS, WRITES = Reads(), Writes()
READS_MODEL, FILLS_MODEL = Reads(files=_of_model), Fills(files=_of_model)
READS_TASKS = Reads(_of_tasks)
READS_ADAPTERS = Reads(_after("="), _of_model)
READS_SOURCES, READS_SPLADE = Reads(_after(":")), Reads(_after(":"), _of_model)
STORE = Reads(alone=True)
"""A store is read and written; its files are the engine's."""


def protecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command that does not begin where it would write what it reads, or one file twice.

    By whatever path, symbolic or hard link the file is named.
    """
    hints = get_type_hints(command, include_extras=True)
    roles = [
        (name, _option(name, hint), role)
        for name, hint in hints.items()
        for role in get_args(hint)[1:]
        if isinstance(role, Reads | Writes | Fills)
    ]

    @wraps(command)
    def run(**options: Any) -> Any:
        given = [(option, options[name], role) for name, option, role in roles if options.get(name) is not None]
        written = list(_paths(one for one in given if isinstance(one[-1], Writes | Fills)))
        if written:
            _check([*written, *_paths(one for one in given if isinstance(one[-1], Reads))])
        return command(**options)

    return run


def _paths(given: Iterable[tuple[str, Any, Role]]) -> Iterator[tuple[str, Path, Role]]:
    for option, value, role in given:
        yield from ((option, Path(path), role) for path in role.named(value) if path and "://" not in path)


def _check(given: list[tuple[str, Path, Role]]) -> None:
    written = [(option, path) for option, path, role in given if isinstance(role, Writes)]
    filled = [(option, path, role) for option, path, role in given if isinstance(role, Fills)]
    for _, path, role in given:
        if not isinstance(role, Reads):
            continue
        files = list(_files(path, role))
        for option, output in written:
            if any(_same(output, file) for file in files):
                raise typer.BadParameter(f"{output} is read, and would be overwritten", param_hint=option)
            if role.alone and _within(output, path):
                raise typer.BadParameter(f"{output} lies in the store {path}", param_hint=option)
        for option, folder, fills in filled:
            theirs = [file for file in fills.files(folder) if file.is_file()] if folder.is_dir() else []
            if found := next((file for file in files if any(_same(file, one) for one in theirs)), None):
                raise typer.BadParameter(f"{found} is read, and would be overwritten", param_hint=option)
    for number, (option, output) in enumerate(written):
        for other, before in written[:number]:
            if _same(output, before):
                raise typer.BadParameter(f"{output} is what {other} writes", param_hint=option)
        for other, folder, fills in filled:
            if folder.is_dir() and any(_same(output, file) for file in fills.files(folder)):
                raise typer.BadParameter(f"{output} is what {other} writes", param_hint=option)


def _files(path: Path, role: Reads) -> Iterator[Path]:
    with suppress(PaperError, OSError, ValueError):  # what is not there is told by whoever reads it
        if path.is_dir():
            yield from (file for file in role.files(path) if file.is_file())
        else:
            yield from (found.path for found in find_inputs(str(path)) if found.path is not None)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one is not there yet
        return os.path.realpath(one) == os.path.realpath(other)


def _within(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _option(name: str, hint: Any) -> str:
    for declared in get_args(hint)[1:]:
        # Within Annotated, Typer takes the first name of an option for its default.
        for said in (getattr(declared, "default", None), *(getattr(declared, "param_decls", None) or ())):
            if isinstance(said, str) and said.startswith("--"):
                return said
    return f"--{name.replace('_', '-')}"
