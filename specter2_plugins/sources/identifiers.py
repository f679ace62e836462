"""Lists of ids -> papers: Crossref, DataCite, OpenAlex and Semantic Scholar.

Sources: https://api.crossref.org, https://support.datacite.org/docs/api, https://docs.openalex.org,
https://api.semanticscholar.org/api-docs/graph.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from specter2_plugins.errors import PaperError
from specter2_plugins.extras import require
from specter2_plugins.papers import Paper
from specter2_plugins.readers import Rejected
from specter2_plugins.readers.ids import doi, identifier
from specter2_plugins.readers.read import read_content
from specter2_plugins.sources.client import Client, Service

CROSSREF = Service("crossref", "https://api.crossref.org", pause=0.1, sends_email="mailto")
DATACITE = Service("datacite", "https://api.datacite.org", pause=0.2)
OPENALEX = Service("openalex", "https://api.openalex.org", pause=0.1, sends_email="mailto")
S2 = Service("s2", "https://api.semanticscholar.org/graph/v1", pause=1.1, key=("S2_API_KEY", "x-api-key"))

_S2_FIELDS = (
    "corpusId,externalIds,title,abstract,year,venue,publicationVenue,authors,url,publicationTypes,s2FieldsOfStudy"
)
_S2_AT_ONCE = 100
_ARXIV = re.compile(r"[\w.-]+/\d{7}|\d{4}\.\d{4,5}")
_PAPER_ID = re.compile(r"[0-9a-f]{40}")


class _Wanted(NamedTuple):
    """An id of a list, and its line."""

    line: int
    name: str


_Ask = Callable[[Client, str], bytes | None]


def read_dois(rest: str, client: Client, position: dict[str, str]) -> Iterator[Paper | Rejected]:
    """Yield the papers of DOIs, from Crossref, and from DataCite what Crossref does not have."""
    yield from _each(f"doi:{rest}", _wanted(rest), client, [_crossref, _datacite], "Crossref or DataCite")


def read_crossref(rest: str, client: Client, position: dict[str, str]) -> Iterator[Paper | Rejected]:
    """Yield the papers of DOIs from Crossref."""
    yield from _each(f"crossref:{rest}", _wanted(rest), client, [_crossref], "Crossref")


def read_openalex(rest: str, client: Client, position: dict[str, str]) -> Iterator[Paper | Rejected]:
    """Yield the papers of DOIs, PMIDs or OpenAlex' own ids from OpenAlex."""
    yield from _each(f"openalex:{rest}", _wanted(rest), client, [_openalex], "OpenAlex")


def read_s2(rest: str, client: Client, position: dict[str, str]) -> Iterator[Paper | Rejected]:
    """Yield the papers of DOIs, arXiv ids, PMIDs, corpus ids or paper ids from Semantic Scholar, 100 a request."""
    orjson = require("orjson", "orjson", "readers")
    source = f"s2:{rest}"
    wanted = iter(_wanted(rest))
    while batch := list(islice(wanted, _S2_AT_ONCE)):
        names = [_s2_name(item.name) for item in batch]
        answer = client.get(S2, "/paper/batch", {"fields": _S2_FIELDS}, json={"ids": names})
        found = orjson.loads(answer) if answer else [None] * len(batch)
        for item, record in zip(batch, found, strict=True):
            if record is None:
                yield Rejected(source, item.line, item.name, "Semantic Scholar does not have it")
            else:
                yield from read_content(source, orjson.dumps(record), "semanticscholar")


def _each(
    source: str, wanted: Sequence[_Wanted], client: Client, services: Sequence[_Ask], who: str
) -> Iterator[Paper | Rejected]:
    for line, name in wanted:
        answer = next((found for ask in services if (found := ask(client, name)) is not None), None)
        if answer is None:
            yield Rejected(source, line, name, f"{who} does not have it")
        else:
            yield from read_content(source, answer, "jsonl")


def _crossref(client: Client, name: str) -> bytes | None:
    return client.get(CROSSREF, f"/works/{quote(name, safe='')}") if doi(name) else None


def _datacite(client: Client, name: str) -> bytes | None:
    return client.get(DATACITE, f"/dois/{quote(name, safe='')}") if doi(name) else None


def _openalex(client: Client, name: str) -> bytes | None:
    kind = "doi:" if doi(name) else "pmid:" if name.isdigit() else ""
    return client.get(OPENALEX, f"/works/{kind}{quote(name, safe='')}")


def _s2_name(name: str) -> str:
    if doi(name):
        return f"DOI:{name}"
    if _ARXIV.fullmatch(name):
        return f"ARXIV:{name}"
    return name if _PAPER_ID.fullmatch(name) or ":" in name else f"CorpusId:{name}"


def _wanted(rest: str) -> list[_Wanted]:
    """Return the ids of a file, one a line, each once; or the one id that is named instead of a file.

    Raises:
        PaperError: If there is no such file, or it holds none.
    """
    path = Path(rest)
    if not path.is_file():
        if doi(rest) or not {".", "/"} & set(rest):
            return [_Wanted(1, str(identifier(rest)))]
        raise PaperError(f"cannot read {rest}: No such file or directory. It would hold an id a line")
    found: dict[str, int] = {}
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        word = line.partition("#")[0].strip().strip("\"',;") if not line.lstrip().startswith("#") else ""
        if name := identifier(doi(word) or word):
            found.setdefault(name, number)
    if not found:
        raise PaperError(f"{rest} holds no ids; there should be one a line")
    return [_Wanted(line, name) for name, line in found.items()]
