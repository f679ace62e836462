"""`specter2 search` and `specter2 similar`, on `mini` and a real store."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer")

from specter2_plugins import PaperCollection, Specter2, load_specter2
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.qdrant import CollectionSpec, open_client
from specter2_plugins.readers import read_papers
from tests.cli.conftest import Command
from tests.qdrant.server import Server

BIB = r"""
@inproceedings{rank, title={Neural {R\&D} ranking models at 100\% of $x^2$}, abstract={Deep networks score documents.},
  year={2018}, author={Lin, Jo and Ann Smith}, booktitle={SIGIR '18}, doi={10.1145/1.2}}
@article{soil, title={Soil water under drip irrigation}, abstract={Moisture between emitters.}, year={1999}}
@article{drip, title={Drip irrigation of tomatoes}, year={2001}}
@article{sound, title={Emotion in a speaker's voice}, author={Müller, Zoë}}
"""


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory, mini: Specter2) -> tuple[object, ...]:
    """Options that name a store and its model."""
    folder = tmp_path_factory.mktemp("search")
    (folder / "library.bib").write_text(BIB, encoding="utf-8")
    papers = list(read_papers(folder / "library.bib"))
    with open_client(store=folder / "store") as client:
        ingest_papers(papers, client, mini, CollectionSpec(sparse=("bm25",)))
        ingest_papers(papers, client, mini, CollectionSpec("plain"))
    return ("--store", folder / "store", "--model", "mini")


def ids(out: str) -> list[str]:
    return [hit["id"] for hit in json.loads(out)]


def test_words_of_a_query_need_no_quotes_and_filters_hold(specter2: Command, at: tuple[object, ...]) -> None:
    found = specter2(
        "search", "watering", "the", "fields", *at, "--filter", "year < 2010 and not type = misc", "--json"
    )
    assert found.code == 0
    assert sorted(ids(found.out)) == ["drip", "soil"]
    (hit, _) = json.loads(found.out)
    assert hit.keys() == {"id", "score", "title", "abstract", "metadata", "point_id"}
    rest = specter2("search", "watering the fields", *at, "-f", "year < 2010", "--offset", 1, "--json")
    assert ids(rest.out) == ids(found.out)[1:]


def test_the_model_that_filled_a_collection_is_loaded_where_none_is_named(
    specter2: Command, at: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = at[:2]
    said = "the collection 'papers' was filled by 'mini', which is loaded\n"
    for command in (("search", "watering"), ("similar", "--title", "Watering"), ("new", "--like", "watering")):
        unnamed, named = specter2(*command, *store, "--json"), specter2(*command, *at, "--json")
        assert (unnamed.code, unnamed.out, unnamed.err) == (0, named.out, said)
        assert named.err == ""
    (tmp_path / "more.bib").write_text("@article{more, title={More water}}", encoding="utf-8")
    dry = specter2("ingest", tmp_path / "more.bib", *store, "--dry-run")
    assert dry.code == 0
    assert said in dry.err
    for words in (("similar", "soil"), ("search", "irrigation", "--mode", "sparse")):
        assert said not in specter2(*words, *store).err
    with PaperCollection.open(str(at[1])) as papers:
        assert papers.model.fingerprint() == load_specter2("mini").fingerprint()

    monkeypatch.setenv("SPECTER2_MODEL", "nobody/has this")
    assert "nobody/has this" in specter2("search", "x", *store).err


def test_words_alone_load_no_model(specter2: Command, at: tuple[object, ...]) -> None:
    _, store, *_ = at
    sparse = ("--store", store, "--model", "nobody/has-this", "--mode", "sparse")
    shown = specter2("search", "irrigating", *sparse)
    assert shown.code == 0
    assert "Drip irrigation of tomatoes" in shown.out
    assert "Emotion" not in shown.out
    assert specter2("search", "quasars", *sparse).out == "nothing found\n"


def test_hybrid_fuses_both_ways(specter2: Command, at: tuple[object, ...]) -> None:
    for options in (("--mode", "hybrid"), ("--hybrid", "--fusion", "dbsf")):
        found = specter2("search", "irrigation", *at, *options, "--json")
        assert set(ids(found.out)[:2]) == {"soil", "drip"}
        assert len(ids(found.out)) == 4


def test_files_of_queries(
    specter2: Command, at: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = tmp_path / "queries.jsonl"
    queries.write_text(
        'voices\n\n{"id": "q2", "text": "irrigation"}\n{"_id": 7, "text": "ranking"}\n', encoding="utf-8-sig"
    )
    found = specter2("search", "--queries", queries, *at, "-n", 1, "--json")
    answers = [json.loads(line) for line in found.out.splitlines()]
    assert [(answer["id"], answer["query"]) for answer in answers] == [
        ("1", "voices"),
        ("q2", "irrigation"),
        ("7", "ranking"),
    ]
    assert [hit["id"] for answer in answers for hit in answer["hits"]][::2] == ["sound", "rank"]

    (tmp_path / "piped").write_text("ranking\nvoices")
    with (tmp_path / "piped").open() as piped:
        monkeypatch.setattr(sys, "stdin", piped)
        shown = specter2("search", "--queries", "-", *at, "-n", 1)
    assert shown.out.startswith("1: ranking\n 1. Neural R&D ranking")
    assert "\n\n2: voices\n 1. Emotion in a speaker's voice\n    Zoë Müller · sound · score " in shown.out

    once = specter2("search", "--queries", queries, *at, "--bibtex")
    assert once.out.count("@") == 4


def test_bibtex_reads_back_as_the_same_papers(specter2: Command, at: tuple[object, ...], tmp_path: Path) -> None:
    exported = tmp_path / "hits.bib"
    exported.write_text(specter2("search", "ranking", *at, "--bibtex").out, encoding="utf-8")
    library = tmp_path / "library.bib"
    library.write_text(BIB, encoding="utf-8")
    back = {paper.id: paper for paper in read_papers(exported)}
    assert back == {paper.id: paper for paper in read_papers(library)}


def test_similar_to_several_and_unlike_others(specter2: Command, at: tuple[object, ...]) -> None:
    assert ids(specter2("similar", "soil", *at, "--json").out)[0] == "drip"
    both = specter2("similar", "soil", "sound", "--negative", "rank", *at, "--json")
    assert ids(both.out) == ["drip"]
    best = specter2("similar", "soil", "sound", "--strategy", "best_score", "--filter", "year > 2010", *at, "--json")
    assert ids(best.out) == ["rank"]
    mixed = specter2("similar", "rank", "--title", "Tomatoes", "--abstract", "Watering.", *at, "--json")
    assert ids(mixed.out)[0] == "drip"
    assert specter2("similar", "soil", *at, "--bibtex").out.startswith("@article{drip,\n")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("search",), 2, "name one of QUERY and --queries FILE"),
        (("search", "x", "--json", "--bibtex"), 2, "name one of --json and --bibtex"),
        (("search", "x", "--mode", "fuzzy"), 2, "'fuzzy' is not one of 'dense', 'sparse', 'hybrid'"),
        (("search", "x", "--queries", "none.txt"), 2, "No such file or directory"),
        (("search", "x", "--filter", "year > x"), 1, "filter 'year > x', character 8: year is a number"),
        (("search", "x", "--mode", "hybrid", "-c", "plain"), 1, "has no sparse vector 'bm25'; it has: none"),
        (("search", "x", "--vector", "regression"), 1, "has no vector 'regression'; it has: proximity"),
        (("search", "x", "--mode", "sparse", "--sparse", "bm52"), 1, "unknown sparse encoder 'bm52'"),
        (("similar",), 2, "name the ids of papers, or give --title"),
        (("similar", "soil", "nope", "--negative", "nor"), 1, "holds no paper with the id 'nope', 'nor'"),
        (("similar", "soil", "--negative", "rank", "--strategy", "sum_scores"), 1, "farthest papers win"),
    ],
)
def test_a_mistake_is_one_clear_line(
    specter2: Command, at: tuple[object, ...], args: tuple[str, ...], code: int, message: str
) -> None:
    failed = specter2(*args, *at)
    assert (failed.code, failed.out) == (code, "")
    assert message in " ".join(failed.err.replace("│", " ").split())
    if code == 1:
        assert len(failed.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b" \n\n", "there is no query in "),
        (b'fine\n{"text": 3}', "queries:2: expected a query such as"),
        (b'{"text": ', "queries:1: not valid JSON"),
        (b"caf\xe9", "is not UTF-8"),
    ],
)
def test_files_that_hold_no_queries(
    specter2: Command, at: tuple[object, ...], tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "queries").write_bytes(content)
    failed = specter2("search", "--queries", tmp_path / "queries", *at)
    assert failed.code == 1
    assert message in failed.err
    assert len(failed.err.splitlines()) == 1


def test_a_mistyped_store_is_not_made(specter2: Command, tmp_path: Path) -> None:
    failed = specter2("search", "x", "--store", tmp_path / "typo")
    assert failed.code == 1
    assert failed.err.startswith(f"error: there is no store {tmp_path / 'typo'}; ")
    assert not (tmp_path / "typo").exists()


def test_the_command_line_goes_before_the_environment(
    specter2: Command, at: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QDRANT_URL", "http://127.0.0.1:9")
    words = ("irrigation", "--mode", "sparse", "--json")
    assert set(ids(specter2("search", *words, *at).out)) == {"soil", "drip"}
    monkeypatch.setenv("SPECTER2_STORE", str(at[1]))
    failed = specter2("search", *words)
    assert failed.code == 2
    assert "name one of --store FOLDER and --url URL" in failed.err
    monkeypatch.delenv("QDRANT_URL")
    assert set(ids(specter2("search", *words).out)) == {"soil", "drip"}


def test_a_key_comes_from_a_file_or_the_environment(
    specter2: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("right\n")
    file = ("--api-key-file", tmp_path / "key")
    with Server(api_key="right") as server:
        for options, variable, said in (
            ((), "right", "there is no collection"),
            (file, "wrong", "there is no collection"),
            ((), "wrong", "refuses the API key"),
            ((*file, "--api-key", "right"), "", "name one of --api-key and --api-key-file"),
        ):
            monkeypatch.setenv("QDRANT_API_KEY", variable)
            done = specter2("search", "x", "--mode", "sparse", "--url", server.url, *options)
            assert said in " ".join(done.err.replace("│", "").split())
