"""Filters find on real engines what plain Python finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from qdrant_client import QdrantClient, models
from qdrant_client.client_base import QdrantBase

from specter2_plugins import FilterError, Paper, StoreError
from specter2_plugins.papers.payloads import to_payload
from specter2_plugins.qdrant import open_client, parse_filter
from specter2_plugins.qdrant.filters import filter_for
from specter2_plugins.store.spec import INDEXES

Test = tuple[str, Callable[[Paper], bool]]
"""A filter's text, and what it means."""

VENUES = [
    "SIGIR",
    "SIGIR'19: Research and Development",
    "Neural Networks",
    'The "Best" \\ Venue',
    "  tabs\tand, commas ",
]
AUTHORS = ["Jimmy Lin", "Łukasz Kaiser", "Anh Nguyễn", "O'Brien (Jr.)", "Lin Ng"]
TITLES = ["Neural ranking models", "Learning to Rank, again", "On C++ & soil-water", "Émile's neural NETWORKS"]
DAYS = ["2019-12-31", "2020-01-01", "2020-02-29"]
DATES = ["2019", "2019-12", "2020-01", 2020, "2019-12-31", "2020-01-01T10:30:00+02:00", "2021-03-01 08:00", None]

PAPERS = [
    Paper(
        TITLES[n % 4] if n % 7 else None,
        f"An abstract about {VENUES[n % 3]} number {n}.",
        id=f"10.1145/{n}.x-{n % 3}",
        metadata={
            **({"year": 2010 + n % 6} if n % 5 else {}),
            **({"venue": VENUES[n % 5]} if n % 4 else {"venue": None}),
            "authors": [AUTHORS[i] for i in range(5) if n >> i & 1],
            "citations": [0, 2, 2.5, -1e3][n % 4],
            "source": {"name": VENUES[(n + 1) % 5], "open": n % 2 == 0},
            "topics": [{"score": n % 3}, {"score": n % 4 + 0.5}],
            **({"published": DAYS[n % 3] + ("T23:30:00Z" if n % 2 else "")} if n % 6 else {}),
            "date": DATES[n % 8],
            "Impact factor": n % 4,
            "dc:rights.x-y": {"a b": f"v{n % 3}"},
        },
    )
    for n in range(32)
]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, QdrantBase]]:
    """The papers on Qdrant's engine, with and without payload indexes, and in the client's local mode."""
    with (
        open_client(store=tmp_path_factory.mktemp("indexed")) as indexed,
        open_client(store=tmp_path_factory.mktemp("bare")) as bare,
    ):
        engines: dict[str, QdrantBase] = {"indexed": indexed, "bare": bare, "local": QdrantClient(":memory:")}
        for client in engines.values():
            client.create_collection("papers", models.VectorParams(size=1, distance=models.Distance.DOT))
            client.upsert(
                "papers",
                [models.PointStruct(id=n, vector=[1.0], payload=to_payload(paper)) for n, paper in enumerate(PAPERS)],
            )
        for name, kind in {**INDEXES, "title": "text", "published": "datetime", "citations": "float"}.items():
            indexed.create_payload_index("papers", f"metadata.{name}", models.PayloadSchemaType(kind))
        yield engines


def values(paper: Paper, name: str) -> list[Any]:
    """What a paper has under a name, none, one or several."""
    if name == "id":
        return [paper.id]
    if name == "title":
        return [paper.title] if paper.title else []
    if name == "text":
        return [f"{paper.title or ''}\n\n{paper.abstract}"]
    if name == "topics[].score":
        return [topic["score"] for topic in paper.metadata["topics"]]
    if name == "Impact factor":
        return [paper.metadata[name]]
    found: Any = paper.metadata
    for part in name.split("."):
        found = found.get(part)
    return found if isinstance(found, list) else [] if found is None else [found]


def words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[^\W_]+", text)}


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
spaces = st.sampled_from(["", " ", "  "])


@st.composite
def quoted(draw: st.DrawFn, text: str) -> str:
    """A text as a filter may spell it."""
    bare = re.fullmatch(r"[\w.:/+-]+", text) and text.lower() not in ("and", "or", "not", "in", "exists", "missing")
    if bare and draw(st.booleans()):
        return text
    quote = draw(st.sampled_from("\"'"))
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


@st.composite
def comparisons(draw: st.DrawFn) -> Test:
    name, numbers = draw(
        st.sampled_from(
            [("year", [2009, 2012, 2015]), ("citations", [-1000, 0, 2, 2.5]), ("topics[].score", [0, 1, 2.5, 4])]
        )
    )
    sign, number = draw(st.sampled_from([*COMPARE, "!="])), draw(st.sampled_from(numbers))
    meaning = COMPARE.get(sign, COMPARE["="])
    text = f"{name}{draw(spaces)}{sign}{draw(spaces)}{number}"
    return text, lambda paper: any(meaning(value, number) for value in values(paper, name)) is (sign != "!=")


@st.composite
def days(draw: st.DrawFn) -> Test:
    sign = draw(st.sampled_from([*COMPARE, "!="]))
    day = draw(st.sampled_from([*DAYS, "2020-01-02"]))
    meaning = COMPARE.get(sign, COMPARE["="])
    return (
        f"published {sign} {day}",
        lambda paper: (
            any(
                meaning(date.fromisoformat(value[:10]), date.fromisoformat(day)) for value in values(paper, "published")
            )
            is (sign != "!=")
        ),
    )


@st.composite
def equalities(draw: st.DrawFn) -> Test:
    name = draw(st.sampled_from(["venue", "authors", "id", "source.name", "title"]))
    text = draw(st.sampled_from([*VENUES, *AUTHORS, *TITLES, str(PAPERS[3].id), "sigir"]))
    sign = draw(st.sampled_from(["=", "!="]))
    return f"{name} {sign} {draw(quoted(text))}", lambda paper: (text in values(paper, name)) is (sign == "=")


@st.composite
def memberships(draw: st.DrawFn) -> Test:
    name, pool = draw(
        st.sampled_from(
            [("venue", VENUES), ("authors", AUTHORS), ("year", [2010, 2012.0, 1999]), ("citations", [0, 2, 2.5])]
        )
    )
    chosen = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3))
    sign = draw(st.sampled_from(["in", "not in", "IN"]))
    listed = ",".join([draw(quoted(value)) if isinstance(value, str) else f" {value} " for value in chosen])
    return (
        f"{name} {sign}({listed})",
        lambda paper: any(value in chosen for value in values(paper, name)) is (sign != "not in"),
    )


@st.composite
def word_searches(draw: st.DrawFn) -> Test:
    name = draw(st.sampled_from(["venue", "title", "authors", "text", "source.name"]))
    pool = sorted(set.union(*(words(text) for text in [*VENUES, *AUTHORS, *TITLES])))
    wanted = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=2))
    text = " - ".join(draw(st.sampled_from([word, word.upper(), word.title()])) for word in wanted)
    return f"{name}~{draw(quoted(text))}", lambda paper: all(
        any(word in words(value) for value in values(paper, name)) for word in wanted
    )


@st.composite
def presences(draw: st.DrawFn) -> Test:
    name = draw(st.sampled_from(["year", "venue", "authors", "title", "source.name", "nowhere"]))
    there = draw(st.booleans())
    nowhere = name == "nowhere"
    return (
        f"{name} {'exists' if there else 'missing'}",
        lambda paper: (not nowhere and bool(values(paper, name))) is there,
    )


@st.composite
def truths(draw: st.DrawFn) -> Test:
    truth = draw(st.sampled_from(["true", "False"]))
    return f"source.open={truth}", lambda paper: paper.metadata["source"]["open"] is (truth == "true")


def span(value: str | int) -> tuple[datetime, datetime]:
    """The first moment of a date and the first after it, worked out another way than the package does."""
    text = str(value).replace(" ", "T")
    if len(text) > 10:
        moment = datetime.fromisoformat(text if len(text) > 16 else text + ":00")
        moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        return moment, moment
    parts = [int(part) for part in text.split("-")]
    start = datetime(*[*parts, 1, 1][:3], tzinfo=timezone.utc)
    months = {1: 12, 2: 1}.get(len(parts))
    if months is None:
        return start, start + timedelta(days=1)
    ends = start.year * 12 + start.month - 1 + months
    return start, datetime(ends // 12, ends % 12 + 1, 1, tzinfo=timezone.utc)


@st.composite
def precisions(draw: st.DrawFn) -> Test:
    """Dates of any precision against dates of any precision; a stored moment has no length."""
    sign = draw(st.sampled_from([*COMPARE, "!="]))
    asked = draw(st.sampled_from(["2019", "2020", "2019-12", "2020-01", "2019-12-31", "2020-01-01", "2021-03-01"]))
    first, after = span(asked)

    def meaning(paper: Paper) -> bool:
        if (value := paper.metadata["date"]) is None:
            return False
        start, end = span(value)
        end = max(end, start + timedelta(microseconds=1))
        return {
            "<": end <= first,
            "<=": start < after,
            ">": start >= after,
            ">=": end > first,
        }.get(sign, start < after and end > first)

    return f"date {sign} {asked}", lambda paper: meaning(paper) is (sign != "!=")


@st.composite
def odd_names(draw: st.DrawFn) -> Test:
    quote = draw(st.sampled_from("'\""))
    if draw(st.booleans()):
        number, sign = draw(st.integers(0, 4)), draw(st.sampled_from([*COMPARE]))
        return (
            f"{quote}Impact factor{quote}{draw(spaces)}{sign}{number}",
            lambda paper: COMPARE[sign](paper.metadata["Impact factor"], number),
        )
    wanted = draw(st.sampled_from(["v0", "v1", "v9"]))
    path = f"{quote}dc:rights.x-y{quote}.{quote}a b{quote}"
    return f"{path} in ({wanted}, 'v 8')", lambda paper: paper.metadata["dc:rights.x-y"]["a b"] == wanted


tests = st.one_of(
    comparisons(),
    days(),
    equalities(),
    memberships(),
    word_searches(),
    presences(),
    truths(),
    precisions(),
    odd_names(),
)


def all_of(parts: list[Test], word: str = " and ") -> Test:
    return word.join(text for text, _ in parts), lambda paper: all(meaning(paper) for _, meaning in parts)


def any_of(parts: list[Test]) -> Test:
    return " OR ".join(text for text, _ in parts), lambda paper: any(meaning(paper) for _, meaning in parts)


def none_of(part: Test) -> Test:
    return f"not {part[0]}", lambda paper: not part[1](paper)


def in_parentheses(part: Test) -> Test:
    return f"( {part[0]})", part[1]


# As the grammar: `or` of `and` of tests, where parentheses hold the whole again.
whole: st.SearchStrategy[Test] = st.deferred(lambda: st.lists(conjunctions, min_size=1, max_size=3).map(any_of))
single: st.SearchStrategy[Test] = st.deferred(
    lambda: st.one_of(tests, tests, tests, single.map(none_of), whole.map(in_parentheses))
)
conjunctions = st.lists(single, min_size=1, max_size=3).map(all_of)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(whole)
def test_engines_find_what_the_filter_says(engines: dict[str, QdrantBase], test: Test) -> None:
    text, meaning = test
    expected = {n for n, paper in enumerate(PAPERS) if meaning(paper)}
    for name, client in engines.items():
        found, _ = client.scroll("papers", parse_filter(text), limit=100)
        assert {record.id for record in found} == expected, (name, text)


@pytest.mark.parametrize(
    ("text", "character", "problem"),
    [
        ("", 1, "expected the name of a field, found the end"),
        ("year>=", 7, "expected a value for 'year', found the end"),
        ("year >= and x = 1", 9, "expected a value for 'year', found 'and'"),
        ("year >= soon", 9, "year is a number, found 'soon'"),
        ("year in (2015, '2016', x)", 24, "year is a number, found 'x'"),
        ("year ~ 3", 6, "year is a number, and ~ finds words in text"),
        ("venue >= 3", 7, ">= needs a number or a date, and venue is text"),
        ("award >= gold", 7, ">= needs a number or a date, and 'gold' is text"),
        ("year === 2015", 6, "expected != ~ = < <= > >= in, exists or missing after 'year', found '==='"),
        ("neural ranking", 8, "exists or missing after 'neural', found 'ranking'"),
        ("venue ~ neural ranking", 16, "expected 'and', 'or' or the end, found 'ranking'"),
        ("(year = 2015", 13, "expected ), found the end"),
        ("year = 2015)", 12, "expected 'and', 'or' or the end, found ')'"),
        ("year not 2015", 10, "expected 'in' after 'year not'"),
        ("year in 2015", 9, "expected ( after 'in', found '2015'"),
        ("venue = 'SIGIR", 9, "this quote has no end"),
        ("(venue) = SIGIR", 7, "exists or missing after 'venue', found ')'"),
        ("'a\"b' = 1", 1, "Qdrant has no path to a field with the name"),
        ("published > 2020-13", 13, "2020-13 is no date; in quotes it is text"),
        ("venue ~ '& -'", 9, "no word to find in venue"),
        ("published > 2020-02-30", 13, "2020-02-30 is no date; in quotes it is text"),
        ("abstract ~ neural", 1, "expected: text ~"),
        ("text = neural", 6, "expected ~ after text"),
        ("(" * 99, 51, "nested more than 50 deep"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, character: int, problem: str) -> None:
    with pytest.raises(FilterError, match=rf"character {character}: .*{re.escape(problem)}"):
        parse_filter(text)


@settings(max_examples=300)
@given(
    st.text(st.sampled_from(list("ab1.-'\"\\()=<>!~, \n")) | st.characters())
    | st.lists(
        st.sampled_from(
            [
                "year",
                "venue",
                "and",
                "or",
                "not",
                "in",
                "exists",
                "(",
                ")",
                ",",
                "=",
                "~",
                ">=",
                "2015",
                "'x'",
                "2020-01-01",
            ]
        )
    ).map(" ".join)
)
@example("not " * 500 + "a = 1")
@example("x = " + "9" * 5000)
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        parsed = parse_filter(text)
    except FilterError:
        return
    assert models.Filter.model_validate_json(parsed.model_dump_json())


@pytest.mark.parametrize("spelled", ["10.1145/ABC.Def", "10.1145/abc.def", "https://doi.org/10.1145/abc.DEF"])
@pytest.mark.parametrize("stored", ["10.1145/abc.def", "10.1145/ABC.DEF"])
@pytest.mark.parametrize("test", ["doi = '{}'", "doi in ('{}', x)", "id = '{}'", "not doi != '{}'"])
def test_the_case_of_a_doi_does_not_count(spelled: str, stored: str, test: str) -> None:
    client = QdrantClient(":memory:")
    client.create_collection("papers", models.VectorParams(size=1, distance=models.Distance.DOT))
    payload = to_payload(Paper("A title", id=stored, metadata={"doi": stored}))
    client.upsert("papers", [models.PointStruct(id=1, vector=[1.0], payload=payload)])
    assert client.count("papers", parse_filter(test.format(spelled))).count == 1
    assert client.count("papers", parse_filter(test.format("10.1145/abc.de"))).count == 0


def test_a_field_that_no_paper_has_is_named_with_those_there_are(engines: dict[str, QdrantBase]) -> None:
    unknown = ("citation > 3", "year > 2000 and not (dio missing)", "'impact factor' = 1", "x.y exists", "type = a")
    known = ("text ~ a", "type missing", "'dc:rights.x-y'.'a b' = v1", "topics[].score > 1", "published > 2019")
    for client in engines.values():
        for text in unknown:
            with pytest.raises(FilterError, match=r"no paper of 'papers' has the field .*; there are: ") as refused:
                filter_for(client, "papers", text)
            for there in ("citations", "'Impact factor'", "source.name", "topics[].score"):
                assert there in str(refused.value)
        for text in known:
            assert filter_for(client, "papers", text) is not None
        with pytest.raises(StoreError, match="there is no collection 'paper'; the store holds: papers"):
            filter_for(client, "paper", "year > 2000")


def test_a_number_in_a_field_that_is_indexed_as_one_is_no_date(engines: dict[str, QdrantBase]) -> None:
    (condition,) = filter_for(engines["indexed"], "papers", "citations > 2000").must  # type: ignore[union-attr]
    assert condition == models.FieldCondition(key="metadata.citations", range=models.Range(gt=2000))
    assert filter_for(engines["bare"], "papers", "citations > 2000").should  # type: ignore[union-attr]


def test_a_filter_of_an_empty_collection_finds_nothing(tmp_path: Path) -> None:
    with open_client(store=tmp_path / "store") as client:
        client.create_collection("papers", models.VectorParams(size=1, distance=models.Distance.DOT))
        assert client.count("papers", filter_for(client, "papers", "year > 2000")).count == 0
