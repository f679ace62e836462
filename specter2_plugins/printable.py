"""Foreign text made fit for a terminal, and JSON, written for any terminal and read from anybody."""

from __future__ import annotations

import json
import re
from typing import Any

_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_JOINERS = "\u200c\u200d"  # several scripts, and emoji, are spelled with them


def fit(text: str, keep: str = "") -> str:
    """Return a text in which whatever a terminal may obey or hide is spelled out as its code.

    That is control characters, marks that turn the direction of writing, lone surrogates, private and unassigned
    characters; spaces of any kind become plain ones.

    Args:
        text: The text.
        keep: Characters to leave as they are, such as a line's end.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in _JOINERS or character in keep else _spelled(character)
        for character in text
    )


def undirected(text: str) -> str:
    """Return a text without the marks that turn the direction of writing, for what is read by programs too."""
    return _DIRECTIONS.sub("", text)


def to_json(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON in which whatever is not printable is escaped; it is read back as it was."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if text.isprintable():
        return text
    # Outside of strings JSON has no such character but the ends of lines.
    return re.sub(r"[^\n -~]", lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text)


def from_json(text: str | bytes) -> Any:
    """Return what a JSON text holds.

    Raises:
        json.JSONDecodeError: If it is none; also if it is nested too deeply, a number in it has thousands of digits, or
            its bytes are no text, for which `json.loads` has errors of other kinds.
    """
    try:
        return json.loads(text)  # noqa: TID251 - the one place
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", "", 0) from None
    except ValueError as error:  # UnicodeDecodeError is one, and too many digits
        raise json.JSONDecodeError(f"{error}".partition(";")[0], "", 0) from None


def _spelled(character: str) -> str:
    if character.isspace() and character not in "\r\n\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029":
        return " "
    return character.encode("unicode_escape").decode("ascii")
