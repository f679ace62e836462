"""Groups of options that several commands take: declared once, as a dataclass, and handed over as one object."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints


def expand_groups(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command for Typer that takes the fields of its dataclass parameters as options of its own.

    Each field carries its option as `Annotated[type, typer.Option(...)]`, as a parameter of a Typer command would. The
    command itself gets the dataclass.

    Args:
        command: A function, some of whose parameters are annotated with dataclasses.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}

    @wraps(command)
    def expanded(**options: Any) -> Any:
        made = {
            name: group(**{field.name: options.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        return command(**made, **options)

    parameters = list[inspect.Parameter]()
    for name, parameter in inspect.signature(command).parameters.items():
        if name not in groups:
            parameters.append(parameter.replace(annotation=hints[name]))
            continue
        declared = get_type_hints(groups[name], include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.default is MISSING else field.default,
                annotation=declared[field.name],
            )
            for field in fields(groups[name])
        ]
    keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    expanded.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in keywords}
    return expanded
