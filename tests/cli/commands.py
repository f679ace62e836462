"""Every command of the command line and its parameters, found in the Typer application itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args, get_type_hints

import typer

from specter2_plugins.cli.app import app


@dataclass(frozen=True)
class Parameter:
    """A parameter of a command.

    Args:
        name: In Python.
        typed: How it is written on a command line; "" for an argument.
        kind: Its type.
        marks: What its annotation says beside that.
        required: Whether the command does not run without it.
    """

    name: str
    typed: str
    kind: Any
    marks: tuple[Any, ...]
    required: bool

    def given(self, value: object) -> list[str]:
        return [self.typed, str(value)] if self.typed else [str(value)]


Words: TypeAlias = tuple[str, ...]
"""Of a command, such as ("collections", "list")."""


def all_commands(of: typer.Typer = app, before: Words = ()) -> Iterator[tuple[Words, list[Parameter]]]:
    """Yield each command's words and its parameters, those of groups among them."""
    for command in of.registered_commands:
        assert command.name is not None
        assert command.callback is not None
        yield (*before, command.name), list(_parameters(command.callback))
    for group in of.registered_groups:
        assert group.typer_instance is not None
        yield from all_commands(group.typer_instance, (*before, str(group.typer_instance.info.name)))


def _parameters(callback: Any) -> Iterator[Parameter]:
    from inspect import Parameter as Python
    from inspect import signature

    hints = get_type_hints(callback, include_extras=True)
    for name, parameter in signature(callback).parameters.items():
        if hints[name] is typer.Context:
            continue
        kind, *marks = get_args(hints[name]) if hasattr(hints[name], "__metadata__") else (hints[name],)
        typed = next((mark for mark in marks if hasattr(mark, "param_decls")), None)
        # Within Annotated, Typer takes the first name of an option for its default.
        names = (getattr(typed, "default", None), *(getattr(typed, "param_decls", None) or ()))
        declared = [one for one in names if isinstance(one, str) and one.startswith("--")]
        is_argument = type(typed).__name__ == "ArgumentInfo"
        option = "" if is_argument else (declared or [f"--{name.replace('_', '-')}"])[0]
        yield Parameter(name, option, kind, tuple(marks), parameter.default is Python.empty)


COMMANDS = dict(all_commands())


def line(words: Words, given: Mapping[str, str]) -> list[str]:
    """Return a command line with some parameters, and anything for those that it needs."""
    parameters = COMMANDS[words]
    values = {one.name: "anything" for one in parameters if one.required} | dict(given)
    by_name = {one.name: one for one in parameters}
    options = [part for name, value in values.items() if by_name[name].typed for part in by_name[name].given(value)]
    return [*words, *options, *(value for name, value in values.items() if not by_name[name].typed)]
