"""Zotero's own data base, `zotero.sqlite`: read only, from a copy, since Zotero locks it while it runs.

Source: https://www.zotero.org/support/dev/client_coding/direct_sqlite_database_access
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from specter2_plugins.errors import PaperError, one_line
from specter2_plugins.readers.format import Format
from specter2_plugins.readers.names import FieldNames, plan_for
from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.stream import Stream

_NO_PAPERS = ("attachment", "note", "annotation")
_ITEMS = f"""
    SELECT items.itemID, items.key, itemTypes.typeName FROM items JOIN itemTypes USING (itemTypeID)
    WHERE typeName NOT IN {_NO_PAPERS} AND itemID NOT IN (SELECT itemID FROM deletedItems) ORDER BY itemID
"""
_FIELDS = """
    SELECT fields.fieldName, itemDataValues.value FROM itemData JOIN fields USING (fieldID) JOIN itemDataValues
    USING (valueID) WHERE itemID = ?
"""
_CREATORS = """
    SELECT creators.firstName, creators.lastName, creatorTypes.creatorType
    FROM itemCreators JOIN creators USING (creatorID)
    JOIN creatorTypes USING (creatorTypeID) WHERE itemID = ? ORDER BY orderIndex
"""
_TAGS = "SELECT tags.name FROM itemTags JOIN tags USING (tagID) WHERE itemID = ?"
_SCHEMA = b"CREATE TABLE itemData"


def _read(stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
    with TemporaryDirectory(prefix="specter2-zotero-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "zotero.sqlite"
        with stream.seekable() as file, copy.open("wb") as target:
            shutil.copyfileobj(file, target)
        try:
            with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True, check_same_thread=False)) as database:
                yield from _items(database)
        except sqlite3.Error as error:
            raise PaperError(f"cannot read {stream.name} as Zotero's data base: {one_line(error)}") from None


def _items(database: sqlite3.Connection) -> Iterator[Entry | Problem]:
    for number, (item, key, kind) in enumerate(database.execute(_ITEMS), start=1):
        record: dict[str, Any] = {"key": key, "itemType": kind, **dict(database.execute(_FIELDS, (item,)))}
        record["creators"] = [
            {"firstName": first, "lastName": last, "creatorType": role}
            for first, last, role in database.execute(_CREATORS, (item,))
        ]
        record["tags"] = [tag for (tag,) in database.execute(_TAGS, (item,))]
        yield plan_for(tuple(record), (), "zotero").entry(number, record)


ZOTERO = Format(
    "zotero-sqlite",
    lambda head: (
        head.startswith(b"SQLite format 3\x00") and (_SCHEMA in head or b"itemData" in head or b"libraries" in head)
    ),
    (".sqlite",),
    _read,
)
