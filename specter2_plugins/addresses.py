"""URLs as they may be shown: without the name, the password and the query, in which keys travel."""

from __future__ import annotations

import re
from urllib.parse import unquote

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>[^\s'\"<>]*)")
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?/+")
_PLACE = re.compile(r"[/?#;]")
_QUERY = re.compile(r"[?#;]")
_HIDDEN = "***"
_SHORTEST = 4
"""Characters of a secret; a shorter part, such as the 1 of `?v=1`, stands in every message by chance."""


def shown(address: str) -> str:
    """Return an address, with or without its scheme, that holds no secret; one without secrets stays as it is."""
    scheme = _SCHEME.match(address)
    begin = scheme.end() if scheme is not None else 0
    return address[:begin] + _bare(address[begin:])


def is_hidden(address: str) -> bool:
    """Return whether nobody can tell an address's host from its password, so that neither is shown."""
    return shown(address).endswith(_HIDDEN)


def without_secrets(text: str, *secrets: str | None) -> str:
    """Return a text whose URLs hold no secret.

    Args:
        text: Such as what another library says of an error.
        *secrets: What else is not to be shown, such as a URL as it was given, or a key.
    """
    for secret in sorted((secret for secret in secrets if secret), key=len, reverse=True):
        text = text.replace(secret, shown(secret) if "@" in secret or _QUERY.search(secret) else _HIDDEN)
    return _URL.sub(lambda match: match["scheme"] + _bare(match["rest"]), text)


def secrets_of(url: str) -> list[str]:
    """Return the parts of a URL that are not to be shown: name, password, values of the query, also decoded."""
    rest = url.partition("://")[2] or url
    place, *query = _QUERY.split(rest, maxsplit=1)
    user, _, _ = place.rpartition("@")
    values = [part.rpartition("=")[2] for part in re.split(r"[&;#]", query[0])] if query else []
    parts = [user, user.partition(":")[2], *values]
    return [secret for secret in dict.fromkeys([*parts, *map(unquote, parts)]) if len(secret) >= _SHORTEST]


def _bare(rest: str) -> str:
    """Return what follows a scheme, without name, password, query and fragment."""
    place = _PLACE.split(rest, maxsplit=1)[0]
    later = rest[len(place) :]
    if "@" in later and re.search("[:@]", place):  # a password with such signs, or a path: nobody can tell
        return _HIDDEN
    return place.rpartition("@")[2] + _QUERY.split(later, maxsplit=1)[0]
