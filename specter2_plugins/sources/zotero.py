"""The user's own Zotero: its data base, or the program's local API while it runs.

Sources: https://www.zotero.org/support/zotero_data, https://www.zotero.org/support/dev/web_api/v3/basics.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from specter2_plugins.errors import SourceError
from specter2_plugins.extras import require
from specter2_plugins.papers import Paper
from specter2_plugins.readers import Rejected, read_records
from specter2_plugins.readers.read import read_content
from specter2_plugins.sources.client import Client, Service

SERVICE = Service("zotero", "http://localhost:23119/api", pause=0.0)
FOLDER = "ZOTERO_DATA"

_API = "api"
_AT_ONCE = 100
_NO_PAPERS = frozenset({"attachment", "note", "annotation"})


def read(rest: str, client: Client, position: dict[str, str]) -> Iterator[Paper | Rejected]:
    """Yield the papers of a library.

    Args:
        rest: "" for the data base in the user's Zotero folder (ZOTERO_DATA, else ~/Zotero) or, where there is none,
            the API; "api" for that; else the data base's path.
        client: Asks the API.
        position: Is not used: a library is read as a whole, in seconds.

    Raises:
        SourceError: If there is neither.
    """
    database = Path(rest) if rest and rest != _API else _folder() / "zotero.sqlite"
    if rest != _API and database.is_file():
        yield from read_records(database, "zotero-sqlite")
    elif rest and rest != _API:
        raise SourceError(f"there is no data base {database}")
    else:
        yield from _from_api(client, database)


def _from_api(client: Client, database: Path) -> Iterator[Paper | Rejected]:
    orjson = require("orjson", "orjson", "readers")
    start = 0
    while True:
        parameters = {"format": "json", "limit": _AT_ONCE, "start": start, "sort": "dateAdded", "direction": "asc"}
        try:
            page = client.get(SERVICE, "/users/0/items/top", parameters, keep=lambda answer: False)
        except SourceError as error:
            raise SourceError(
                f"no Zotero: there is no {database} (ZOTERO_DATA names its folder), and the program does not answer: "
                f"{error}. In its settings, Advanced, let other applications communicate with it"
            ) from None
        items = orjson.loads(page) if page else []
        papers = [item["data"] for item in items if item.get("data", {}).get("itemType") not in _NO_PAPERS]
        if papers:
            yield from read_content("zotero:api", orjson.dumps(papers), "zotero")
        start += len(items)
        if len(items) < _AT_ONCE:
            return


def _folder() -> Path:
    return Path(os.environ.get(FOLDER) or Path.home() / "Zotero")
