"""Docstrings: a function's begins with what it does ("Return ...", "Read ..."), a public name's has an example.

The examples run by themselves: see conftest.py in the repository's root.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import specter2_plugins

ROOT = Path(specter2_plugins.__file__).parent

NO_VERBS = set(
    re.findall(
        r"\w+",
        "A All An Any As Each Every For From How If In It Its No None One Some That The This To Up What When Where "
        "Whether Which Who Why With",
    )
)
NOUNS = {"cached_property", "property"}
"""Decorators of what reads as an attribute, and is named by a noun as attributes are."""
ON_THE_COMMAND_LINE = {"callback"}
"""Decorators whose docstring is shown as the command's own introduction."""


def functions() -> Iterator[tuple[str, str]]:
    """Yield where a function is, and its docstring's first word."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not (text := ast.get_docstring(node)):
                continue
            decorators = {name for decorator in node.decorator_list for name in ast.unparse(decorator).split("(")[:1]}
            if not {name.rpartition(".")[2] for name in decorators} & (NOUNS | ON_THE_COMMAND_LINE):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", text.split()[0]


def test_docstrings_of_functions_begin_with_a_verb() -> None:
    found = dict(functions())
    assert len(found) > 500
    assert [where for where, word in found.items() if word.rstrip(",;:") in NO_VERBS or not word[0].isupper()] == []


@pytest.mark.parametrize(
    "room",
    ["", "adapters", "evaluation", "langchain", "mining", "pipeline", "qdrant", "readers", "training", "writers"],
)
def test_public_functions_have_an_example(room: str) -> None:
    module = import_module(f"specter2_plugins.{room}".rstrip("."))
    functions = [value for name in module.__all__ if inspect.isfunction(value := getattr(module, name))]
    assert [function.__name__ for function in functions if ">>> " not in (function.__doc__ or "")] == []
