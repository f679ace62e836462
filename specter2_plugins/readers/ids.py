"""Identifiers: one spelling for each, and which of them hold beyond their own file."""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import unquote

from specter2_plugins.readers.placeholders import is_placeholder
from specter2_plugins.readers.tidy import tidy

_DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/[^\s\"“”]+")
_IN_A_URL = re.compile(r"https?://\S*$", re.IGNORECASE)
_ESCAPED = re.compile(r"\\textunderscore\s*|\\(?=[^\w\s])|[{}]|\\")
_AFTER_A_DOI = ".,;:'’"  # noqa: RUF001 - an apostrophe
_BRACKETS = {")": "(", "]": "[", ">": "<"}
# EndNote calls its records RN12, others ref-12 or rec12.
_SMALL_NUMBER = re.compile(r"(?:RN|rec(?:ord)?|ref(?:erence)?|row|item)?[\s_-]?[#\[(]?\d{1,6}[\])]?", re.IGNORECASE)

# What stands before an identifier says whose it is; what follows is how the provider itself writes it.
_SPELLINGS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:https?://(?:api\.)?openalex\.org/(?:works/)?|openalex:)?(W\d+)",
        r"(?:https?://(?:www\.|export\.)?arxiv\.org/(?:abs|pdf)/|oai:arxiv\.org:|arxiv:)"
        r"([\w.-]+/\d{7}|\d{4}\.\d{4,5})(?:v\d+)?(?:\.pdf)?",
        r"(?:https?://(?:www\.)?ncbi\.nlm\.nih\.gov/pubmed/|https?://pubmed\.ncbi\.nlm\.nih\.gov/|pmid:\s*)(\d+)/?",
        r"(?:https?://api\.semanticscholar\.org/)?corpusid:\s*(\d+)",
        r"https?://(?:www\.)?semanticscholar\.org/paper/(?:[^/\s]+/)?([0-9a-f]{40})",
    )
)
_GLOBAL = re.compile(
    r"10\.\d{4,9}(?:\.\d+)*/\S+|\d{7,10}|W\d+|PMC\d+|[\w.-]+/\d{7}|\d{4}\.\d{4,5}|[0-9a-f]{40}|WOS:\w+|2-s2\.0-\d+"
    r"|(?:journals|conf|books|phd|series|reference|data)/\S+/\S+|(?:DBLP|MEDLINE|CCC|BCI|oai|https?|arXiv|PPR):\S+"
)
_WHOLE_DOI = re.compile(
    r"[(\[<]?(?:https?://(?:dx\.|www\.)?doi\.org/|(?:info:)?doi\s*[:/]?\s*)?"
    r"10\.\d{4,9}(?:\.\d+)*(?:/|%2f)\S+(?: \[doi\])?",
    re.IGNORECASE,
)


def doi(value: Any) -> str | None:
    """Return the bare DOI in lower case, of a DOI or a URL that holds one, whatever LaTeX or punctuation is on it."""
    if not isinstance(value, str):
        return None
    if "\\" in value or "{" in value:
        value = _ESCAPED.sub(lambda found: "_" if found[0].startswith(r"\textu") else "", value)
    if "%2" in value:
        value = unquote(value)
    found = _DOI.search(value)
    if found is None:
        return None
    name = found[0]
    if _IN_A_URL.search(value[: found.start()]):
        name = re.split(r"[?#&]", name)[0]
    while name and (name[-1] in _AFTER_A_DOI or name.count(name[-1]) > name.count(_BRACKETS.get(name[-1], name[-1]))):
        name = name[:-1]
    return name.lower() if _DOI.fullmatch(name) else None


def identifier(value: Any) -> str | None:
    """Return an identifier as its provider spells it, or None for what identifies nothing.

    A DOI is bare and in lower case; arXiv's is without its version, OpenAlex's and Semantic Scholar's without its URL.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        return str(int(value)) if math.isfinite(value) and value.is_integer() else None
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        return None
    name = tidy(value)
    if not name or is_placeholder(name):
        return None
    if _WHOLE_DOI.fullmatch(name):
        return doi(name)
    for spelling in _SPELLINGS:
        if found := spelling.fullmatch(name):
            return found[1]
    return name


def is_local(value: Any) -> bool:
    """Return whether an identifier is a small number, as programs count the records of one file."""
    name = identifier(value)
    return name is not None and _SMALL_NUMBER.fullmatch(name) is not None


def is_global(name: str) -> bool:
    """Return whether an identifier, as `identifier` spells it, means the same paper in every file.

    A DOI, a PMID and the numbers of arXiv, PubMed Central, OpenAlex, Semantic Scholar, Web of Science, Scopus and DBLP
    do; a citation key or the number of a record does not.
    """
    return _GLOBAL.fullmatch(name) is not None
