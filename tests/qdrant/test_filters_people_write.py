"""Fifty filters as people write them, against what Python finds in the same metadata; what means nothing is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.client_base import QdrantBase

from specter2_plugins import FilterError, Paper, PaperCollection, Specter2
from specter2_plugins.langchain import SimilarPapersRetriever, Specter2Embeddings, open_vector_store
from specter2_plugins.papers.payloads import to_payload
from specter2_plugins.qdrant import open_client
from specter2_plugins.qdrant.filters import filter_for
from specter2_plugins.store.spec import INDEXES

Metadata = dict[str, Any]
NAME = "papers"
LIBRARY: list[Metadata] = [
    {
        **{"year": 2015, "venue": "SIGIR", "volume": "12", "pages": "1234-12", "pmid": "123456", "citations": 5},
        **{"published": "2015-06-30", "open access": True, "peer": "true", "dc.type": "journal", "dc:title": "x"},
        **{"impact-factor": 2.5, "doi": "10.1145/abc", "lang": "en", "version": 1, "topics": [{"score": 0.5}]},
    },
    {
        **{"year": 2019, "venue": "Neural Networks", "volume": "3", "pages": "1-9", "pmid": "99", "citations": 2015},
        **{"published": 2019, "open access": False, "peer": "false", "dc.type": "book", "dc:title": "y"},
        **{"impact-factor": 3, "doi": "10.1145/DEF", "lang": "de", "version": "2", "topics": [{"score": 2}]},
    },
    {"year": 2020, "venue": "“Quoted”", "volume": 12, "published": "2020-02", "citations": 0, "version": "2.0"},
    {"year": 2023, "venue": "O'Brien's", "published": "2023-06-30T12:00:00Z", "citations": 7, "note": "2023/06"},
    {"published": "2023-06", "keywords": ["a b", "c.d"], "source": {"name": "Zotero", "open access": True}},
    {"year": 1999, "venue": "sigir", "published": "1999-12-31", "citations": -3, "lang": None, "keywords": []},
]


def has(name: str, *wanted: Any) -> Callable[[Metadata], bool]:
    """A field has one of some values; True is not 1, and "12" not 12."""
    return lambda paper: any(type(paper.get(name)) is type(each) and paper[name] == each for each in wanted)


def among(*numbers: int) -> Callable[[Metadata], bool]:
    """The papers of the library with these places, where Python has no shorter word for it."""
    return lambda paper: any(LIBRARY[number] is paper for number in numbers)


WRITTEN: dict[str, Callable[[Metadata], bool]] = {
    "year == 2015": has("year", 2015),
    "year==2015": has("year", 2015),
    "year = '2015'": has("year", 2015),
    "year != 2015": lambda paper: paper.get("year") != 2015,
    "year not in (2015, 2019)": lambda paper: paper.get("year") not in (2015, 2019),
    "year = -1": among(),
    "year >= 2015 and year < 2020": lambda paper: 2015 <= paper.get("year", 0) < 2020,
    "volume = 12": has("volume", 12, "12"),
    "volume = '12'": has("volume", "12"),
    "volume != 12": lambda paper: str(paper.get("volume")) != "12",
    "volume in (12, 3)": has("volume", 12, "12", 3, "3"),
    "pmid = 123456": has("pmid", "123456"),
    "pages = 1234-12": has("pages", "1234-12"),
    "pages = 1-9": has("pages", "1-9"),
    "citations = 2015": has("citations", 2015),
    "citations > 1500": lambda paper: paper.get("citations", 0) > 1500,
    "citations >= '5'": lambda paper: paper.get("citations", 0) >= 5,
    "citations < 0": lambda paper: paper.get("citations", 0) < 0,
    "'open access' = true": has("open access", True),
    "'open access' = TRUE or \"open access\" == false": lambda paper: "open access" in paper,
    "peer = true": has("peer", "true"),
    "peer in (true, false)": has("peer", "true", "false"),
    "'dc.type' = book": has("dc.type", "book"),
    '"dc.type" != book': lambda paper: paper.get("dc.type") != "book",
    "dc:title = x": has("dc:title", "x"),
    "impact-factor >= 2.5": lambda paper: paper.get("impact-factor", 0) >= 2.5,
    "impact-factor = 3": has("impact-factor", 3),
    "source.'open access' = true": among(4),
    'source.name = "Zotero"': among(4),
    "topics[].score > 1": among(1),
    "version = 1": has("version", 1),
    "version = 2": has("version", "2"),
    "version = 2.0": has("version", "2.0"),
    "doi = 10.1145/ABC": has("doi", "10.1145/abc"),
    "doi == https://doi.org/10.1145/def": has("doi", "10.1145/DEF"),
    "doi in (doi:10.1145/Abc, 10.1145/none)": has("doi", "10.1145/abc"),
    "doi exists and not (doi = 10.1145/ABC)": has("doi", "10.1145/DEF"),
    "venue = SIGIR": has("venue", "SIGIR"),
    "venue ~ sigir": has("venue", "SIGIR", "sigir"),
    "venue = O'Brien's": has("venue", "O'Brien's"),
    "venue = \"O'Brien's\"": has("venue", "O'Brien's"),
    "venue = '“Quoted”'": has("venue", "“Quoted”"),
    "VENUE_MISSING = 1 or venue IN (\"SIGIR\", 'Neural Networks')": has("venue", "SIGIR", "Neural Networks"),
    "NOT venue MISSING": lambda paper: "venue" in paper,
    "not year = 2015 and venue exists": lambda paper: paper.get("year") != 2015 and "venue" in paper,
    "not (year = 2015 and venue exists)": lambda paper: not (paper.get("year") == 2015 and "venue" in paper),
    "lang exists": has("lang", "en", "de"),
    "lang missing": lambda paper: paper.get("lang") is None,
    "keywords missing": lambda paper: not paper.get("keywords"),
    "keywords = 'a b'": among(4),
    "keywords in (c.d)": among(4),
    "note = 2023/06": has("note", "2023/06"),
    "published >= 2023": among(3, 4),
    "published >= '2023'": among(3, 4),
    "published > 2023-06-29": among(3),
    "published >= 2023-06-30": among(3, 4),
    "published < 2019-07": among(0, 5),
    "published <= 2019": among(0, 1, 5),
    "published = 2019-03": among(1),
    "published != 2019": among(0, 2, 3, 4, 5),
    "published in (2019, 2020-02)": among(1, 2),
    "published = 2023-06-30T12:00": among(3, 4),
    "published > 1999-12-30 AND published < 2000": among(5),
}
INDEXED = {
    "published = '2019'": among(1),
    'published = "2023-06-30"': among(3, 4),
    "published > '2023-06-30 11:00'": among(3),
    "published not in ('2019', 2023-06)": among(0, 2, 5),
}
"""Where an index says that a field holds dates, quotes make no text of one."""


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, QdrantBase]]:
    with (
        open_client(store=tmp_path_factory.mktemp("indexed")) as indexed,
        open_client(store=tmp_path_factory.mktemp("bare")) as bare,
    ):
        engines: dict[str, QdrantBase] = {"indexed": indexed, "bare": bare, "local": QdrantClient(":memory:")}
        for client in engines.values():
            client.create_collection(NAME, models.VectorParams(size=1, distance=models.Distance.DOT))
            payloads = [
                to_payload(Paper(f"Title {number}", id=str(number), metadata={**metadata, "VENUE_MISSING": 0}))
                for number, metadata in enumerate(LIBRARY)
            ]
            points = [models.PointStruct(id=i, vector=[1.0], payload=each) for i, each in enumerate(payloads)]
            client.upsert(NAME, points)
        for name, kind in INDEXES.items():
            indexed.create_payload_index(NAME, f"metadata.{name}", models.PayloadSchemaType(kind))
        yield engines


def found(client: QdrantBase, text: str) -> list[int]:
    return sorted(record.id for record in client.scroll(NAME, filter_for(client, NAME, text), limit=100)[0])


@pytest.mark.parametrize("text", WRITTEN)
def test_a_filter_finds_what_python_finds(engines: dict[str, QdrantBase], text: str) -> None:
    expected = [number for number, metadata in enumerate(LIBRARY) if WRITTEN[text](metadata)]
    assert {name: found(client, text) for name, client in engines.items()} == dict.fromkeys(engines, expected)


@pytest.mark.parametrize("text", INDEXED)
def test_a_date_in_quotes_is_one_where_an_index_says_so(engines: dict[str, QdrantBase], text: str) -> None:
    assert found(engines["indexed"], text) == [n for n, metadata in enumerate(LIBRARY) if INDEXED[text](metadata)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("published = soon", "published is a date such as 2023, 2023-06 or 2023-06-30, found 'soon'"),
        ("published >= 2023-6", "published is a date such as 2023, 2023-06 or 2023-06-30, found '2023-6'"),
        ("published = 20230630", "published is a date such as"),
        ("published in (2023, 06.2023)", "published is a date such as"),
        ("published = 2023-02-30", "2023-02-30 is no date"),
        ("published ~ 2023", "published is a date, and ~ finds words in text"),
        ("year ~ 2023", "year is a number, and ~ finds words in text"),
    ],
)
def test_what_an_indexed_field_cannot_hold_is_refused(engines: dict[str, QdrantBase], text: str, problem: str) -> None:
    with pytest.raises(FilterError, match=re.escape(problem)):
        filter_for(engines["indexed"], NAME, text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("venue = “SIGIR”", "“ is no quote here, expected \" or '"),
        ("doi in (‘10.1145/abc’)", "‘ is no quote here"),  # noqa: RUF001
        ("lang = null", "null is no value, expected: lang missing; in quotes it is text"),
        ("venue != NULL", "NULL is no value, expected: venue missing"),
        ("pmid > 1000", "no paper of 'papers' has a number or a date in 'pmid', so it has no order"),
        ("not peer >= 1", "no paper of 'papers' has a number or a date in 'peer'"),
        ("citations > ''", "> needs a number or a date, and '' is text"),
        ("dc.type = book", "no paper of 'papers' has the field 'dc.type'; there are: "),
        ("DOI exists", "no paper of 'papers' has the field 'DOI'; there are: "),
        ("venue is null", "exists or missing after 'venue', found 'is'"),
        ("year ≥ 2019", "exists or missing after 'year', found '≥'"),
        ("year in [2015]", "expected ( after 'in', found '[2015]'"),
        ("year = 2015 && venue = SIGIR", "expected 'and', 'or' or the end, found '&&'"),
        ("year between 2015 and 2020", "exists or missing after 'year', found 'between'"),
        ("2015 <= year", "<= needs a number or a date, and 'year' is text"),
    ],
)
def test_what_would_find_nothing_is_refused(engines: dict[str, QdrantBase], text: str, problem: str) -> None:
    for client in engines.values():
        with pytest.raises(FilterError, match=re.escape(problem)):
            filter_for(client, NAME, text)


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [("bool", "maybe", "is true or false, found 'maybe'"), ("float", "many", "is a number, found 'many'")],
)
def test_an_index_of_ones_own_says_what_a_field_holds(kind: str, value: str, problem: str) -> None:
    class Indexed(QdrantClient):
        """Local mode, which keeps no payload indexes, as a server tells of them."""

        def get_collection(self, *args: Any, **kwargs: Any) -> models.CollectionInfo:
            index = models.PayloadIndexInfo(data_type=models.PayloadSchemaType(kind), points=1)
            return super().get_collection(*args, **kwargs).model_copy(update={"payload_schema": {"metadata.x": index}})

    client = Indexed(":memory:")
    client.create_collection(NAME, models.VectorParams(size=1, distance=models.Distance.DOT))
    with pytest.raises(FilterError, match=problem):
        filter_for(client, NAME, f"x = {value}")


def test_the_language_is_the_same_wherever_a_filter_is_taken(mini: Specter2, tmp_path: Any) -> None:
    written, ids = "volume == 12 and published >= '2015' and not (doi = 10.1145/NONE)", {"0", "2"}
    papers = [
        Paper(f"Neural ranking {number}", id=str(number), metadata=metadata) for number, metadata in enumerate(LIBRARY)
    ]
    with PaperCollection.open(tmp_path / "store", mini) as collection:
        collection.ingest(papers)
        assert {hit.paper.id for hit in collection.search("neural", 9, filter=written)} == ids
        assert {hit.paper.id for hit in collection.similar("1", 9, filter=written)} == ids
        assert collection.export(tmp_path / "out.jsonl", written) == 2
        lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
        assert {json.loads(line)["id"] for line in lines} == ids
        embeddings = Specter2Embeddings(specter2=mini)
        with open_vector_store(embedding=embeddings, store=tmp_path / "store", read_only=True) as store:
            assert {each.metadata["id"] for each in store.similarity_search("neural", 9, filter=written)} == ids
            retriever = SimilarPapersRetriever(vectorstore=store, filter=written)
            assert {each.metadata["id"] for each in retriever.invoke("1")} == ids
        refused: list[Callable[[str], object]] = [
            lambda text: collection.search("neural", filter=text),
            lambda text: collection.similar("1", filter=text),
            lambda text: collection.export(tmp_path / "none.jsonl", text),
            lambda text: collection.delete(filter=text),
            lambda text: collection.count(text),
        ]
        for call in refused:
            with pytest.raises(FilterError, match="no quote here"):
                call("venue = “SIGIR”")
            with pytest.raises(FilterError, match="has a number or a date in 'pmid'"):
                call("pmid > 5")
        assert collection.delete(filter=written) == 2
        assert {paper.id for paper in collection} == {"1", "3", "4", "5"}
