"""People's names, first name first, however an export writes them."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from specter2_plugins.printable import from_json
from specter2_plugins.readers.limits import MAX_LIST, check_length
from specter2_plugins.readers.placeholders import is_placeholder
from specter2_plugins.readers.tidy import tidy

# Parts of a name in an object, in their order; each by the keys that providers have for it, in lower case and
# without spaces, hyphens and underscores.
_PARTS = (
    ("given", "givenname", "givennames", "first", "firstname", "forename", "forenames", "fname"),
    ("middle", "middlename", "middlenames"),
    ("prefix", "nondroppingparticle", "droppingparticle", "particle", "von"),
    ("family", "familyname", "last", "lastname", "surname", "lname"),
    ("suffix", "jr"),
)
_FAMILY = frozenset(_PARTS[3])
_WHOLE = (
    *("literal", "name", "fullname", "displayname", "collectivename", "organization", "author", "authorname", "term"),
    *("rawauthorname", "creatorname", "collab", "collaboration", "group", "consortium", "text", "label", "value"),
)
_ROLE = ("creatortype", "role", "contributortype")
_PUNCTUATION = re.compile(r"[\s_\-]+")

_LAST_ONES = frozenset(
    {"others", "other", "et al", "et al.", "et. al.", "and others", "...", "…", "u.a.", "anon", "anonymous", "and"}
)
_SUFFIX = re.compile(r"(?:jr|sr|[js]nr|junior|senior|ii|iii|iv|2nd|3rd|ph\.?\s?d|m\.?d|esq)\.?", re.IGNORECASE)
_INITIALS = re.compile(r"(?:[^\W\d_a-zß-ÿ]\.?[\s\-‐]*){1,4}\.?")  # noqa: RUF001 - two kinds of hyphens
_LAST_AND_INITIALS = re.compile(r"(?P<last>[^\W\d_][^\d,.]*?\w)\s+(?P<first>(?:[A-ZÀ-ÞΑ-ΫЁА-Я]\.?-?){1,4})")
_PARTICLE = re.compile(r"(?:van|von|de|del|della|der|den|di|da|dos|du|la|le|el|al|ter|ten|zu|zur|bin|ibn|af|av)\b")
# What exports hang on to a name: identifiers, numbers and marks of affiliations, in brackets or bare.
_HANGER = re.compile(
    r"\s*(?:[(\[<{|,;]?\s*(?:orcid\s*(?:id)?\s*[:=]?\s*)?(?:https?://orcid\.org/)?\d{4}-\d{4}-\d{4}-\d{3}[\dXx]\s*[)\]>}]?"
    r"|[(\[]\s*(?:\d{5,}|\d{1,2}(?:\s*,\s*\d{1,2})*)\s*[)\]]|\^\{?[\d*†‡]+(?:,[\d*†‡]+)*\}?|,\s*\d{4}-(?:\d{4})?(?!\d)|[*†‡§¶]+|<[^<>@\s]+@[^<>\s]+>|(?<=[^\W\d_])\d{1,2}(?:,\d{1,2})*$"
    r"|(?<=[^\W\d_])\s\d{4}$)\s*",
    re.IGNORECASE,
)
# What a person was to the work, and where.
_OFFICE = re.compile(
    r"[(\[] ?(?:authors?|editors?|eds?\.?|trans(?:lators?|l\.|\.)|corresponding author|(?-i:[A-Z]{2,6})"
    r"|[^()\[\]]{0,80}\b(?:universi\w+|institut\w*|college|dep(?:artmen)?t\.?|school|hospital|cent(?:er|re)|lab\w*"
    r"|inc\.?|ltd\.?)\b[^()\[\]]{0,80}) ?[)\]]|, ?(?:author|editor|translator)\.?(?= ?(?:[;,]|$))",
    re.IGNORECASE,
)
_OFFICES = ("(", "[", "author", "editor", "translator")
_ARRAY = re.compile(r"\A(?:array|Index|list)\((.*?)(?:,\s*dtype=\w+)?\)\Z", re.DOTALL)
_BLANKS = re.compile(r"[^\S\n]{2,}|\s*\n\s*(?=\n)")
_AND = re.compile(r"\s*,?\s+(?:and|&)\s+|\s+&\s*", re.IGNORECASE)
_FIRST_AND = re.compile(r"\A(?:(?:and|&|by|authors?:)\s+)+", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*[;|\n；、]\s*")  # noqa: RUF001
_EAST_ASIAN = re.compile(r"[\u3400-\u9fff\uac00-\ud7af\u3040-\u30ff·]{2,8}")
_LAST_SUFFIX = re.compile(r"(?P<first>.+?)\s+(?P<suffix>(?:jr|sr)\.?|ii|iii|iv)", re.IGNORECASE)
_BIBLATEX = re.compile(r"\b(family|given|prefix|suffix|useprefix)(?:-i)?\s*=\s*(\"[^\"]*\"|[^,]*)", re.IGNORECASE)
_NUMPY = re.compile(r"['\"]\s+['\"]")  # which writes no commas between
_ET_AL = re.compile(
    r"[\s,;&]*(?:\bet\.? al\.?|\.\.\.|…|(?:\band|,) others|\bu\. ?a\.)[\s,;.]*(?:&\s*)?$", re.IGNORECASE
)
_ELLIPSIS = re.compile(r"\s*(?:,\s*|\s)(?:\.\s?\.\s?\.|…)[\s,&]*")
_NESTED = 3


def names(value: Any, plain: Callable[[str], str] = str) -> list[str]:
    """Return people's names, first name first, each once.

    Args:
        value: A list of names, of objects, or of [last, first, suffix]; or a string of names between semicolons, bars,
            "and", "&" or commas, or the repr of a list of them.
        plain: Takes the markup out of a name.
    """
    found = [name for name in (_bare(tidy(plain(name))) for name in _people(value, _NESTED)) if name]
    if len(found) > 1 and all(_LAST_AND_INITIALS.fullmatch(name) for name in found):
        found = list(map(initials_first, found))  # Vancouver: "Noctua A; Strix BC"
    return list(dict.fromkeys(found))


def first_name_first(name: str) -> str:
    """Turn "Last, First", "Last, Jr., First" or biblatex's "family=Last, given=First" round."""
    if "=" in name and (parts := {key.lower(): text.strip(' "') for key, text in _BIBLATEX.findall(name)}):
        return " ".join(parts[key] for key in ("given", "prefix", "family", "suffix") if parts.get(key))
    last, comma, first = (part.strip() for part in name.partition(","))
    if not comma:
        return name
    middle, second_comma, rest = (part.strip() for part in first.partition(","))
    if second_comma:
        first, suffix = (rest, middle) if _SUFFIX.fullmatch(middle) else (middle, rest)
        return f"{first} {last} {suffix}"
    if _SUFFIX.fullmatch(first):
        return f"{last} {first}"
    ended = _LAST_SUFFIX.fullmatch(first)
    return f"{ended['first']} {last} {ended['suffix']}" if ended else f"{first} {last}"


def initials_first(name: str) -> str:
    """Turn "Last FM", as in Vancouver's style, round."""
    found = _LAST_AND_INITIALS.fullmatch(name)
    return f"{found['first']} {found['last']}" if found else name


def _people(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield from _of_string(value, depth)
    elif isinstance(value, dict) and depth and (wrapped := _people_of(value)) is not None:
        yield from _people(wrapped, depth - 1)
    elif isinstance(value, dict):
        if name := _of_object(value, depth):
            yield name
    elif isinstance(value, list | tuple) and depth:
        for person in _authors_alone(value):
            if isinstance(person, str):
                several = ";" in person or person.count(",") > 2
                yield from _of_string(person, 0) if several else [first_name_first(_unhung(person))]
            elif isinstance(person, list | tuple):
                # arXiv: ["Last", "First", "Jr."], and then the affiliations.
                last, first, suffix, *_ = [str(part) for part in person[:3] if part is not None] + ["", "", ""]
                yield f"{first} {last} {suffix}"
            else:
                yield from _people(person, depth - 1)


def _authors_alone(people: Any) -> Iterable[Any]:
    """Leave out editors and translators, where some of the people are said to be authors."""
    roles = [_role(person) for person in people]
    return (
        [person for person, role in zip(people, roles, strict=True) if role in (None, "author")]
        if ("author" in roles)
        else people
    )


def _role(person: Any) -> str | None:
    if not isinstance(person, dict):
        return None
    found = next((value for key, value in person.items() if _folded(key) in _ROLE), None)
    return found.casefold() if isinstance(found, str) else None


def _of_object(person: dict[str, Any], depth: int) -> str | None:
    folded = {_folded(key): value for key, value in person.items()}
    if any(folded.get(key) for key in _FAMILY):
        parts = (next((folded[key] for key in keys if folded.get(key)), None) for keys in _PARTS)
        return " ".join(map(_joined, filter(None, parts)))
    for key in _WHOLE:
        whole = folded.get(key)
        if isinstance(whole, str) and whole.strip():
            return first_name_first(_unhung(whole))
        if isinstance(whole, dict) and depth and (name := _of_object(whole, depth - 1)):
            return name
    return next((_joined(folded[key]) for key in _PARTS[0] if folded.get(key)), None)


def _people_of(person: dict[str, Any]) -> Any:
    """Return the list that an object is only a wrapper of, as where XML became JSON; else None."""
    wrapped = next(iter(person.values())) if len(person) == 1 else None
    return wrapped if isinstance(wrapped, list) else None


def _of_string(value: str, depth: int) -> Iterator[str]:
    check_length("a list of people", value, MAX_LIST)
    value = _FIRST_AND.sub("", _ARRAY.sub(r"\1", value.strip())).replace("\uff0c", ",")
    if any(mark in value for mark in _OFFICES):
        value = _OFFICE.sub("", value)
    if (
        depth
        and value[:1] in ("[", "(", "{")
        and value[-1:] in ("]", ")", "}")
        and (listed := _listed(value)) is not None
    ):
        yield from _people(listed, depth - 1)
    elif _BETWEEN.search(value):
        for person in _BETWEEN.split(value):
            person = _FIRST_AND.sub("", _unhung(person))
            parts = person.count(",")
            if parts > 2 or (_AND.search(person) and parts != 1):
                yield from _between_commas(person)
            else:
                yield from map(first_name_first, _AND.split(person))
    else:
        yield from _between_commas(_unhung(tidy(value)))


def _listed(value: str) -> Any:
    """Return the list or object that a string is the JSON or the repr of, or None."""
    for parse in () if _NUMPY.search(value) else (from_json, literal_eval):
        try:
            found = parse(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        return found if isinstance(found, list | tuple | dict) else None
    quoted = re.findall(r"'([^']*)'|\"([^\"]*)\"", value)
    bare = [part.strip() for part in value[1:-1].split(",")] if value[0] == "[" and " " in value else []
    return [first or second for first, second in quoted] or bare or None


def _between_commas(value: str) -> Iterator[str]:
    value = _ELLIPSIS.sub(", ", _ET_AL.sub("", value))
    chunks = [chunk for chunk in _AND.split(value) if chunk.strip(" ,")]
    if len(chunks) == 1 and value.startswith("&"):
        chunks = [value.lstrip("& ")]
    last_first = any(_are_pairs(_parts(chunk)) for chunk in chunks)
    everyone = [part for chunk in chunks for part in _parts(chunk)]
    if len(everyone) > 1 and (
        all(_LAST_AND_INITIALS.fullmatch(part) for part in everyone)
        or all(_EAST_ASIAN.fullmatch(part) for part in everyone)
    ):
        yield from everyone
        return
    for chunk in chunks:
        parts = _parts(chunk)
        if len(parts) > 1 and (_are_pairs(parts) or (last_first and len(parts) % 2 == 0)):
            for last, first in zip(parts[::2], parts[1::2], strict=True):
                yield first_name_first(f"{last}, {first}")
        elif _is_one(parts) or _BIBLATEX.match(chunk):
            yield first_name_first(chunk)
        else:
            yield from map(_unhung, _with_suffixes(parts))


def _parts(chunk: str) -> list[str]:
    return [part for part in (part.strip() for part in chunk.split(",")) if part]


def _are_pairs(parts: list[str]) -> bool:
    """Return whether parts are "Last", "F.", "Last", "F.", ..., or as many single words in pairs."""
    if len(parts) < 2 or len(parts) % 2:
        return False
    if all(_INITIALS.fullmatch(part) for part in parts[1::2]):
        return not all(_INITIALS.fullmatch(part) for part in parts[::2])
    return len(parts) > 2 and all(" " not in part for part in parts) and not all(part.isupper() for part in parts)


def _is_one(parts: list[str]) -> bool:
    """Return whether parts between commas are one name: "Last, First", with or without a suffix."""
    if len(parts) < 2:
        return True
    if len(parts) == 2:
        return " " not in parts[0] or " " not in parts[1] or _PARTICLE.match(parts[0]) is not None
    return len(parts) == 3 and any(_SUFFIX.fullmatch(part) for part in parts[1:]) and " " not in parts[0]


def _with_suffixes(parts: list[str]) -> Iterator[str]:
    """Yield whole names, "Jr." with the one before it."""
    waiting = ""
    for part in parts:
        if _SUFFIX.fullmatch(part) and waiting:
            waiting = f"{waiting} {part}"
            continue
        if waiting:
            yield waiting
        waiting = part
    if waiting:
        yield waiting


def _unhung(name: str) -> str:
    if not any(mark in name for mark in "0123456789*†‡§¶@"):
        return name
    # Long runs of blanks, before and after, take this pattern and the next ones time that grows with their cube.
    return _BLANKS.sub(" ", _HANGER.sub(" ", _BLANKS.sub(" ", name))).strip(" ,;")


def _bare(name: str) -> str:
    """Return a name without the punctuation around it, or "" for what stands for other or no people."""
    name = tidy(name.strip(" ,;&"))
    if name[:1] == "{" and name[-1:] == "}":
        name = name[1:-1].strip()
    return "" if name.casefold().strip("[]") in _LAST_ONES or is_placeholder(name) or name.isdigit() else name


def _joined(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _folded(key: Any) -> str:
    return _PUNCTUATION.sub("", str(key)).casefold()
