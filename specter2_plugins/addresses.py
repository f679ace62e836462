"""URLs as they may be shown: without the name, the password and the query, in which keys travel."""

from __future__ import annotations

import re

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>[^\s'\"<>]*)")
_QUERY = re.compile(r"[?#;]")
_HIDDEN = "***"


def shown(address: str) -> str:
    """Return an address, with or without its scheme, that holds no secret; one without secrets stays as it is."""
    scheme, found, rest = address.rpartition("://") if "://" not in address else _split(address)
    return f"{scheme}{found}{_bare(rest)}"


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
    """Return the parts of a URL that are not to be shown: the password, the values of the query, all as they stand."""
    _, _, rest = _split(url) if "://" in url else ("", "", url)
    place, *query = _QUERY.split(rest, maxsplit=1)
    user, at, _ = place.rpartition("@")
    values = [part.rpartition("=")[2] for part in re.split(r"[&;]", query[0])] if query else []
    return [secret for secret in ([user.partition(":")[2] or user] if at else []) + values if secret]


def _split(address: str) -> tuple[str, str, str]:
    return address.partition("://")


def _bare(rest: str) -> str:
    """What follows a scheme, without name, password, query and fragment. A password may hold any sign but spaces."""
    place, *query = _QUERY.split(rest, maxsplit=1)
    if query and "@" in query[0] and "/" not in place:  # the password holds such a sign
        place = query[0].rpartition("@")[2]
        place = _QUERY.split(place, maxsplit=1)[0]
    else:
        path = place.find("/")
        last = place.rfind("@")
        if last >= 0 and (path < 0 or last < path or ":" in place[:last]):
            place = place[last + 1 :]
    return place
