"""Runs the blocks of one page, in order, in one folder: Python in one namespace, command lines in this process."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from inspect import CO_COROUTINE
from io import StringIO
from pathlib import Path
from typing import Any

from tests.docs.pages import ROOT, Block

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_PROGRESS = re.compile(r"^.+: \d+ (of \d+ )?[\w ]+, [\d.]+ [\w ]+/s.*\n", re.MULTILINE)
"""What a slow machine prints now and then."""
_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


class Runner:
    """What the blocks of a page share.

    Args:
        server: The URL of a Qdrant server, which takes the place of any in the blocks.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._names: dict[str, Any] = {"__name__": "__main__", "__file__": str(Path.cwd() / "page.py")}

    def run(self, block: Block) -> None:
        """Run a block; a `console` block has to print what it shows.

        Raises:
            AssertionError: If a command fails, or prints something else.
        """
        code = re.sub(r"https?://(localhost|qdrant\.example\.org|qdrant):633[34]", self._server, block.code)
        if block.language == "python":
            self._python(code, block)
        elif block.language == "sh":
            for line in _lines(code):
                self._command(line, str(block))
        else:
            for command, expected in _dialogue(code):
                printed = self._command(command, str(block), fails="error: " in expected)
                assert _same(printed, expected), f"{block}: $ {command}\nprints\n{printed}\nnot\n{expected}"

    def _python(self, code: str, block: Block) -> None:
        tree = ast.parse("\n" * (block.line - 1) + code, str(block.page))
        compiled = compile(tree, str(block.page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(compiled, self._names)
        if compiled.co_flags & CO_COROUTINE:
            asyncio.run(running)

    def _command(self, line: str, where: str, *, fails: bool = False) -> str:
        program = _COMMANDS.get(line.split()[0])
        assert program, f"{where}: no way to run {line!r} here; mark the block with <!-- not run: reason -->"
        printed = StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            code = program(_words(line))
        assert bool(code) == fails, f"{where}: {line}\nended with exit code {code}:\n{printed.getvalue()}"
        return _PROGRESS.sub("", printed.getvalue())


def _specter2(words: list[str]) -> int:
    from specter2_plugins.cli import main

    before, sys.argv = sys.argv, ["specter2", *words]
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        sys.argv = before
    return 0


def _export(words: list[str]) -> int:
    os.environ.update(word.split("=", 1) for word in words)
    return 0


def _pip(words: list[str]) -> int:
    """Look up what would be installed: this package's extras have to exist. Nothing is installed."""
    named = re.findall(r"specter2-plugins\[(.*?)\]", " ".join(words))
    extras = {extra for names in named for extra in names.split(",")}
    return 0 if words[0] == "install" and extras <= set(_PROJECT["optional-dependencies"]) else 1


def _make(words: list[str]) -> int:
    """Look up the targets in the Makefile. Nothing is made."""
    return 0 if {word for word in words if "=" not in word} <= _TARGETS else 1


_COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "specter2": _specter2,
    "export": _export,
    "pip": _pip,
    "make": _make,
}


def _words(line: str) -> list[str]:
    """Split a command line as a shell does, patterns and variables included."""
    assert not {"|", ">", "<", "&&", ";"} & set(shlex.split(line)), f"one command a line runs here: {line!r}"
    asked = ["bash", "-c", f"set -- {line.partition(' ')[2]}\nfor word; do printf '%s\\0' \"$word\"; done"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]


def _lines(code: str) -> list[str]:
    lines = (re.sub(r"(^|\s+)#.*", "", line) for line in code.replace("\\\n", " ").splitlines())
    return [line for line in lines if line.strip()]


def _dialogue(code: str) -> list[tuple[str, str]]:
    parts = re.split(r"^\$ ", code.replace("\\\n", " "), flags=re.MULTILINE)
    return [tuple((part + "\n").split("\n", 1)) for part in parts if part.strip()]  # type: ignore[misc]


def _same(printed: str, expected: str) -> bool:
    """Compare word by word, numbers with a fraction to within 0.005: processors differ in a vector's last digits."""
    ours, theirs = printed.split(), expected.split()
    return len(ours) == len(theirs) and all(map(_same_word, ours, theirs))


def _same_word(ours: str, theirs: str) -> bool:
    try:
        if ours == theirs or "." not in theirs:
            return ours == theirs
        return abs(float(ours.rstrip(",")) - float(theirs.rstrip(","))) <= 0.005
    except ValueError:
        return False
