"""What a Qdrant server is told of who asks: a key, and the name and password of its URL."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path
from urllib.parse import unquote, urlsplit

from specter2_plugins.errors import StoreError

API_KEY_VARIABLE = "QDRANT_API_KEY"

_LONGEST_FILE = 16 * 2**10
"""Bytes of a file that holds a key; a JSON web token of Qdrant's takes a few hundred."""


def find_api_key(api_key: str | None = None, api_key_file: str | Path | None = None) -> str | None:
    """Return the key that was given, else the one that the variable QDRANT_API_KEY holds, else None.

    Args:
        api_key: The key.
        api_key_file: A file that holds it instead, and nothing else.

    Raises:
        StoreError: If both are given, the file cannot be read, or what is given can be no key; the message holds
            nothing of it.
    """
    if api_key is not None and api_key_file is not None:
        raise StoreError("name one of an API key and a file that holds it")
    if api_key_file is not None:
        return _valid(_read(Path(api_key_file)), f"the file {api_key_file}")
    if api_key is not None:
        return _valid(api_key, "the API key")
    of_environment = os.environ.get(API_KEY_VARIABLE)
    return _valid(of_environment, f"the variable {API_KEY_VARIABLE}") if of_environment else None


def basic_authorization(url: str) -> str | None:
    """Return the header that the name and the password of a URL stand for; None where there are none.

    Raises:
        ValueError: If the header cannot carry them.
    """
    user, at, _ = urlsplit(url if "://" in url else f"//{url}").netloc.rpartition("@")
    if not at:
        return None
    name, _, password = user.partition(":")
    if ":" in unquote(name):
        raise ValueError("the name before its @ holds a colon, which no name can")
    return f"Basic {b64encode(f'{unquote(name)}:{unquote(password)}'.encode()).decode('ascii')}"


def _valid(key: str, where: str) -> str:
    key = key.strip()  # one that was read from a file often ends with its line
    if not key:
        raise StoreError(f"{where} is empty, where an API key was expected")
    if not (key.isascii() and key.isprintable()):
        raise StoreError(f"{where} holds a character that no key can have, such as a line's end")
    return key


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LONGEST_FILE + 1)
    except OSError as error:
        raise StoreError(f"cannot read the API key of {file}: {error.strerror}") from None
    if len(content) > _LONGEST_FILE:
        raise StoreError(f"{file} has more than {_LONGEST_FILE:,} bytes, so it holds more than an API key")
    return content.decode("utf-8", errors="replace")
