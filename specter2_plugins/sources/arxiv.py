"""arXiv's API: all papers of a query, in the order of their submission, so that the next run goes on behind the last.

Source: https://info.arxiv.org/help/api/user-manual.html (a request every three seconds, one at a time).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from specter2_plugins.errors import SourceError
from specter2_plugins.papers import Paper
from specter2_plugins.readers import Rejected
from specter2_plugins.readers.read import read_content
from specter2_plugins.sources.client import Client, Service

SERVICE = Service("arxiv", "https://export.arxiv.org/api", pause=3.0)

_AT_ONCE = 200
# Further on the service is slow or fails; a new query from the last date goes on.
_MOST_BEHIND = 10_000
_FOREVER = "299912312359"
_TRIES = 5
_PUBLISHED = re.compile(rb"<published>(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)")
_TOTAL = re.compile(rb"totalResults[^>]*>\s*(\d+)")
_ERROR = re.compile(rb"api/errors.*?<summary>(.*?)</summary>", re.DOTALL)
_SINCE = "submitted"


def read(query: str, client: Client, position: dict[str, str]) -> Iterator[Paper | Rejected]:
    """Yield the papers of a query that were submitted since the position, the oldest first.

    Args:
        query: In arXiv's language, such as "cat:cs.IR".
        client: Asks the service.
        position: Moves with each page.

    Raises:
        SourceError: If the service fails, or refuses the query.
    """
    start = 0
    while True:
        page, count, total = _page(query, client, position.get(_SINCE), start)
        yield from read_content(f"arxiv:{query}", page, "atom") if count else ()
        start += count
        last = max((b"".join(date.groups()).decode() for date in _PUBLISHED.finditer(page)), default=None)
        if not count or start >= total:
            if last is not None:
                position[_SINCE] = last
            return
        if start >= _MOST_BEHIND and last is not None and last != position.get(_SINCE):
            position[_SINCE], start = last, 0


def _is_full(page: bytes) -> bool:
    """Return whether nothing will be added to a page, so that a run that was cut off need not ask for it again."""
    return page.count(b"<entry") >= _AT_ONCE


def _page(query: str, client: Client, since: str | None, start: int) -> tuple[bytes, int, int]:
    """Return an answer, how many papers it holds, and how many the query has."""
    asked = query if since is None else f"({query}) AND submittedDate:[{since} TO {_FOREVER}]"
    parameters = {
        "search_query": asked,
        "start": start,
        "max_results": _AT_ONCE,
        "sortBy": "submittedDate",
        "sortOrder": "ascending",
    }
    for _ in range(_TRIES):
        page = client.get(SERVICE, "/query", parameters, keep=_is_full)
        if page is None:
            raise SourceError(f"arxiv: nothing is at {SERVICE.address}")
        if found := _ERROR.search(page):
            raise SourceError(f"arxiv refuses {query!r}: {found[1].decode(errors='replace').strip()}")
        count = page.count(b"<entry")
        stated = _TOTAL.search(page)
        total = int(stated[1]) if stated else count
        if count or start >= total:
            return page, count, total
        # It answers with an empty page now and then.
    raise SourceError(f"arxiv answers with empty pages at {start} of {total}; run the same again later")
