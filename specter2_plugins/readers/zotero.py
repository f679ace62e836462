"""Zotero's own data base, `zotero.sqlite`: read only, from a copy, since Zotero locks it while it runs.

Source: https://www.zotero.org/support/dev/client_coding/direct_sqlite_database_access
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from specter2_plugins.errors import PaperError, one_line
from specter2_plugins.readers.fields import FieldNames, field_map
from specter2_plugins.readers.format import Format, from_start
from specter2_plugins.readers.limits import MAX_PARTS, MAX_RECORD, TOO_LONG, TOO_MANY
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
_TABLES = re.findall(r"(?:FROM|JOIN) (\w+)", f"{_ITEMS}{_FIELDS}{_CREATORS}{_TAGS}")
_SHOWN = 40
_SCHEMA = b"CREATE TABLE itemData"


def _read(stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
    with TemporaryDirectory(prefix="specter2-zotero-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "zotero.sqlite"
        with stream.seekable() as file, copy.open("wb") as target:
            shutil.copyfileobj(file, target)
        try:
            with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True, check_same_thread=False)) as database:
                if sys.version_info >= (3, 11):
                    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_RECORD)
                _refuse_views(stream.name, database)
                yield from _items(database)
        except sqlite3.Error as error:
            raise PaperError(f"cannot read {stream.name} as Zotero's data base: {one_line(error)}") from None


def _refuse_views(source: str, database: sqlite3.Connection) -> None:
    """Refuse a data base whose tables are computed: Zotero's are not, and such a one may never end."""
    database.execute("PRAGMA trusted_schema = OFF")
    kinds = dict(database.execute("SELECT lower(name), type || ifnull(sql LIKE '% VIRTUAL %', 0) FROM sqlite_master"))
    if odd := [table for table in _TABLES if kinds.get(table.lower(), "table0") != "table0"]:
        raise PaperError(f"cannot read {source} as Zotero's data base: {odd[0]} is no table in it")


def _items(database: sqlite3.Connection) -> Iterator[Entry | Problem]:
    for number, (item, key, kind) in enumerate(database.execute(_ITEMS), start=1):
        try:
            yield _entry(number, database, item, key, kind)
        except OverflowError as error:
            yield Problem(number, str(key)[:_SHOWN], str(error))
        except sqlite3.DataError:  # a value beyond the limit that was set
            yield Problem(number, str(key)[:_SHOWN], TOO_LONG)


def _entry(number: int, database: sqlite3.Connection, item: Any, key: Any, kind: Any) -> Entry | Problem:
    record: dict[str, Any] = {"key": key, "itemType": kind, **dict(_all(database, _FIELDS, item))}
    record["creators"] = [
        {"firstName": first, "lastName": last, "creatorType": role}
        for first, last, role in _all(database, _CREATORS, item)
    ]
    record["tags"] = [tag for (tag,) in _all(database, _TAGS, item)]
    return field_map(tuple(record), (), "zotero").entry(number, record)


def _all(database: sqlite3.Connection, query: str, item: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    size = 0
    for row in database.execute(query, (item,)):
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if size > MAX_RECORD or len(found) >= MAX_PARTS:
            raise OverflowError(TOO_LONG if size > MAX_RECORD else TOO_MANY)
        found.append(row)
    return found


ZOTERO = Format(
    "zotero-sqlite",
    from_start(
        lambda head: (
            head.startswith(b"SQLite format 3\x00") and (_SCHEMA in head or b"itemData" in head or b"libraries" in head)
        )
    ),
    (".sqlite",),
    _read,
)
