"""A small language for filters, turned into Qdrant's own.

    year >= 2015 and (venue ~ "SIGIR" or authors = "Jimmy Lin") and not doi missing

Names are the papers' metadata, nested ones with dots; `text` is title and abstract together. A paper without a field
fails every test of it, so `not` and `!=` let it pass.
"""

from __future__ import annotations

import sys

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import FilterError
from specter2_plugins.qdrant.conditions import NUMBERS, TEXTS, WHOLE_TEXT, Field, compare
from specter2_plugins.qdrant.dates import period
from specter2_plugins.qdrant.filter_parser import Parser
from specter2_plugins.qdrant.literals import kind_of
from specter2_plugins.store.fields import field_names, has_field
from specter2_plugins.store.layout import collection_info

_KNOWN = TEXTS | NUMBERS
_LARGEST = sys.float_info.max


def parse_filter(text: str) -> models.Filter:
    """Read a filter.

    Tests, of which `and`, `or`, `not` and parentheses make larger ones:

    * `year = 2015`, also `==`, `!=`, `<`, `<=`, `>`, `>=`: of a field with several values, one must pass. Text knows
      `=` and `!=` only, and is compared letter by letter, but for DOIs, whose case does not count.
    * `published >= 2023-06`: a date may be a year, a month, a day or a moment such as 2023-06-30T12:00Z, and so may
      those of the papers. Of two dates one is after the other if it begins after the other's end, and they are equal if
      they overlap. Without a zone it is UTC.
    * `venue ~ "information retrieval"`: the text has these words, in any order and case.
    * `type in (article, inproceedings)`, `type not in (...)`
    * `doi exists`, `doi missing`

    Names with anything but letters, digits, `_`, `-` and `:` are quoted, `"Impact factor" > 3`; dots lead into objects,
    `source."open access"`, and `[]` into lists of them. Values are bare or, with anything but letters, digits and marks
    like `-./:`, in straight quotes of either kind, where a backslash keeps the next character. In a field that neither
    the readers know nor an index, bare numbers, dates, `true` and `false` equal those and the same letters as text, as
    in `volume = 12`; in quotes they are text alone.

    Example:
        >>> from specter2_plugins.qdrant import parse_filter
        >>> parse_filter("year >= 2015").must[0].range.gte
        2015.0

    Raises:
        FilterError: If it cannot be read; the message says where, and what was expected.
    """
    return _whole(Parser(text).parse())


def to_filter(filter: str | models.Filter | None) -> models.Filter | None:
    """Return a filter as text or as Qdrant's own, for Qdrant.

    Raises:
        FilterError: If the text cannot be read, or it is something else, such as the dict of another store.
    """
    if isinstance(filter, str):
        return parse_filter(filter)
    if filter is not None and not isinstance(filter, models.Filter):
        raise FilterError(f"filter is a {type(filter).__name__}, expected text such as 'year >= 2015' or models.Filter")
    return filter


def filter_for(client: QdrantBase, collection: str, filter: str | models.Filter | None) -> models.Filter | None:
    """Return a filter for a collection, whose fields a text is checked against.

    Args:
        client: An open client.
        collection: The collection's name.
        filter: A text as `parse_filter` reads it, or Qdrant's own filter, which is not checked.

    Raises:
        FilterError: If the text cannot be read, names a field that none of the papers has (the message lists those
            that there are), or puts one in an order that has none, as text.
        StoreError: If there is no such collection.
    """
    if not isinstance(filter, str):
        return to_filter(filter)
    indexes = collection_info(client, collection).payload_schema
    parser = Parser(filter, {key: str(index.data_type.value) for key, index in indexes.items()})
    condition = parser.parse()
    for field, compared in parser.fields.items():
        # That no paper has a DOI is an answer to `doi missing`; `dio missing` is a mistake.
        asked = compared or field.name not in _KNOWN
        if asked and field.name != WHOLE_TEXT and not has_field(client, collection, field.key):
            _refuse(client, collection, field.name)
    for field in parser.ordered:
        if kind_of(field, parser.indexes) is None and not _has_order(client, collection, field):
            raise FilterError(
                f"no paper of {collection!r} has a number or a date in {field.name!r}, so it has no order"
            )
    return _whole(condition)


def _has_order(client: QdrantBase, collection: str, field: Field) -> bool:
    orders = models.Filter(should=[compare(">=", field, -_LARGEST), compare(">=", field, period("1600"))])
    return bool(client.scroll(collection, orders, limit=1, with_payload=False)[0])


def _refuse(client: QdrantBase, collection: str, name: str) -> None:
    names = field_names(client, collection)
    if names:  # an empty collection has no fields, and nothing to find
        raise FilterError(f"no paper of {collection!r} has the field {name!r}; there are: {', '.join(names)}")


def _whole(condition: models.Condition) -> models.Filter:
    return condition if isinstance(condition, models.Filter) else models.Filter(must=[condition])
