"""Records that no store can hold: each is one rejected record, and the others are stored."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient, models

from specter2_plugins import Paper, PaperError, Specter2
from specter2_plugins.papers.payloads import LARGEST_PAYLOAD, MOST_LEVELS, storable_payload
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.readers import Rejected, read_records


def nested(levels: int, kind: type) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"k": value} if kind is dict else [value]
    return value


def cyclic() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["again"] = [value]
    return value


# Metadata -> what is said of it.
UNSTORABLE: dict[str, tuple[dict[Any, Any], str]] = {
    "nan": ({"score": float("nan")}, "metadata.score is nan, which JSON cannot hold"),
    "inf": ({"a": [1.0, {"b": float("inf")}]}, "metadata.a[1].b is inf, which JSON cannot hold"),
    "-inf": ({"a": (1.0, float("-inf"))}, "metadata.a[1] is -inf, which JSON cannot hold"),
    "1e400": ({"a": 1e400}, "metadata.a is inf, which JSON cannot hold"),
    "2**63": ({"a": 2**63}, "metadata.a is an integer beyond 64 bits"),
    "-2**63-1": ({"a": -(2**63) - 1}, "metadata.a is an integer beyond 64 bits"),
    "10**5000": ({"a": 10**5000}, "metadata.a is an integer beyond 64 bits"),
    "dicts": ({"a": nested(125, dict)}, f"is nested deeper than {MOST_LEVELS} levels"),
    "lists": ({"a": nested(MOST_LEVELS, list)}, f"is nested deeper than {MOST_LEVELS} levels"),
    "deepest": ({"a": nested(100_000, list)}, f"is nested deeper than {MOST_LEVELS} levels"),
    "cyclic": (cyclic(), f"is nested deeper than {MOST_LEVELS} levels"),
    "surrogate": ({"a": ["x", "y\ud800"]}, "metadata.a[1] holds the lone surrogate U+D800 at character 1"),
    "surrogate name": ({"\udfff": 1}, "a name in metadata holds the lone surrogate U+DFFF at character 0"),
    "long name": ({"é" * 128: 1}, "of 256 bytes, more than 255"),
    "a name that is no text": ({"a": {5: 1}}, "metadata.a has the name 5 (int), expected a string"),
    "a date": ({"a": date(2020, 1, 1)}, "metadata.a is datetime.date(2020, 1, 1) (date), which JSON cannot hold"),
    "bytes": ({"a": b"x"}, "metadata.a is b'x' (bytes), which JSON cannot hold"),
    "an object": ({"a": object()}, "(object), which JSON cannot hold"),
    "too large": ({"a": "é" * (LARGEST_PAYLOAD // 2)}, f"more than the {LARGEST_PAYLOAD:,} of a payload"),
    "no dict": ([1], "metadata is [1] (list), expected a dict"),  # type: ignore[dict-item]
}
DEEP = {"a": nested(MOST_LEVELS - 2, dict), "b": nested(MOST_LEVELS - 2, list)}


@pytest.mark.parametrize("case", UNSTORABLE)
def test_what_cannot_be_stored_is_said(case: str) -> None:
    metadata, reason = UNSTORABLE[case]
    with pytest.raises(PaperError) as refused:
        storable_payload(Paper("Odd", id="odd", metadata=metadata))
    assert reason in str(refused.value)
    assert len(str(refused.value)) < 500
    str(refused.value).encode()


def test_one_record_is_rejected_and_the_others_are_stored(client: QdrantClient, model: Specter2) -> None:
    """In every store: first as new papers, then as papers whose metadata changes."""
    good = [Paper(f"Graphs {number}", id=str(number), metadata=DEEP) for number in range(3)]
    bad = [Paper("Odd", id=case, metadata=metadata) for case, (metadata, _) in UNSTORABLE.items()]
    bad += [Paper("Odd", id=5), Paper("Odd", id="\ud800")]  # type: ignore[arg-type]
    ids = [*UNSTORABLE, "5", "\ud800"]
    for changed in ({}, {"year": 2020}):
        rejected: list[Rejected] = []
        again = [Paper(paper.title, id=paper.id, metadata={**DEEP, **changed}) for paper in good]
        report = ingest_papers([again[0], *bad, *again[1:]], client, model, on_reject=rejected.append)
        assert (report.ingested, report.rejected, report.unnamed) == (3, len(bad), 2)
        assert [(record.source, record.line, record.id) for record in rejected] == [
            ("records", number, name) for number, name in enumerate(ids, start=2)
        ]
        for record, (_, reason) in zip(rejected, UNSTORABLE.values(), strict=False):
            assert reason in record.reason
        found, _ = client.scroll("papers", limit=100)
        assert sorted(point.payload["metadata"]["id"] for point in found) == ["0", "1", "2"]
        assert all({**DEEP, **changed}.items() <= point.payload["metadata"].items() for point in found)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"id": "x", "title": "Odd", "score": {"a": float("nan")}}, "metadata.score.a is nan"),
        ({"id": "x", "title": 5}, "title is 5 (int), expected a string or None"),
        ({"id": "x", "title": " "}, "neither title nor abstract holds any text"),
        ({"id": "x", "title": "a\ud800"}, "lone surrogate"),
        ({"id": "x", "name": "Odd"}, "no title and no abstract among the keys"),
        ({"id": "x", 5: "Odd"}, "a key is int, expected a string"),
        ("Odd", "expected a Paper, a dict or a row of a table, got str"),
        (None, "expected a Paper, a dict or a row of a table, got NoneType"),
    ],
)
def test_records_of_python_that_are_no_papers(
    record: Any, reason: str, model: Specter2, caplog: pytest.LogCaptureFixture
) -> None:
    client = QdrantClient(":memory:")
    good = {"id": "1", "title": "Graphs", "publication_year": 2020}
    with caplog.at_level(logging.WARNING, "specter2_plugins"):
        report = ingest_papers([good, record], client, model)
    assert (report.ingested, report.rejected) == (1, 1)
    (said,) = [entry.getMessage() for entry in caplog.records]
    assert said.startswith("rejected records:2")
    assert reason in said
    (point,), _ = client.scroll("papers", limit=2)
    assert point.payload["metadata"] == {"id": "1", "title": "Graphs", "year": 2020}


def lines(path: Path, bad: str) -> Path:
    good = [json.dumps({"id": str(number), "title": f"Graphs {number}"}) for number in range(4)]
    path.write_text("\n".join([*good[:2], bad, *good[2:]]) + "\n")
    return path


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "-Infinity",
        "1e400",
        "9223372036854775808",
        "123456789012345678901234567890",
        "[" * 130 + "]" * 130,
        '{"a":' * 130 + "1" + "}" * 130,
        "[" * 100_000 + "]" * 100_000,
        '"\\ud800"',
        '{"' + "n" * 256 + '": 1}',
    ],
    ids=lambda value: value[:24],
)
@pytest.mark.parametrize("field", ["score", "keywords"])
def test_a_line_of_a_file_that_no_store_can_hold(tmp_path: Path, model: Specter2, value: str, field: str) -> None:
    file = lines(tmp_path / "papers.jsonl", f'{{"id": "odd", "title": "Odd", "{field}": {value}}}')
    client = QdrantClient(":memory:")
    rejected: list[Rejected] = []
    report = ingest_papers(read_records(file), client, model, on_reject=rejected.append)
    # A reader may leave out keywords that are no text; what it keeps is stored, or is one rejected record.
    assert report.ingested == 5 - len(rejected)
    if field == "score" and value != "123456789012345678901234567890":  # a number of that size is read as a float
        assert [(record.source, record.line) for record in rejected] == [(str(file), 3)]
        assert rejected[0].reason


def test_the_deepest_that_is_allowed_reaches_every_store(client: QdrantClient, model: Specter2) -> None:
    ingest_papers([Paper("Deep", id="deep", metadata=DEEP)], client, model)
    (point,), _ = client.scroll("papers", limit=2)
    assert DEEP.items() <= point.payload["metadata"].items()
    condition = models.FieldCondition(key="metadata.id", match=models.MatchValue(value="deep"))
    assert client.count("papers", models.Filter(must=[condition])).count == 1
