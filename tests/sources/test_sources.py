"""Services, asked over loopback: each answers as it is documented to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from specter2_plugins import Paper
from specter2_plugins.errors import SourceError
from specter2_plugins.readers import Rejected
from specter2_plugins.sources import Client, open_source
from tests.cli.conftest import specter2

__all__ = ["specter2"]

Answer = Callable[[str, dict[str, str], Any], tuple[int, Any]]


class Service:
    """A server that remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.agents: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(None)

            def do_POST(self) -> None:
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _answer(self, posted: Any) -> None:
                url = urlsplit(self.path)
                parameters = {name: values[0] for name, values in parse_qs(url.query).items()}
                outer.asked.append((unquote(url.path), parameters))
                outer.agents.append(self.headers["User-Agent"])
                status, body = answer(unquote(url.path), parameters, posted)
                content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                if status == 429:
                    self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()


Serve = Callable[[str, Answer], Service]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Serve]:
    started: list[Service] = []
    monkeypatch.setenv("SPECTER2_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SPECTER2_STATE", str(tmp_path / "state"))

    def start(name: str, answer: Answer) -> Service:
        service = Service(answer)
        started.append(service)
        monkeypatch.setenv(f"SPECTER2_{name.upper()}_URL", service.url)
        return service

    yield start
    for service in started:
        service.server.shutdown()
        service.server.server_close()


def read(name: str, position: dict[str, str] | None = None) -> tuple[list[Paper], list[Rejected], dict[str, str]]:
    source = open_source(name, position)
    with Client() as client:
        found = list(source.read(client))
    papers = [record for record in found if isinstance(record, Paper)]
    return papers, [record for record in found if isinstance(record, Rejected)], source.position


def arxiv(papers: list[tuple[str, str]]) -> Answer:
    """An answer as arXiv gives it, of (id, time) in the order of their submission."""

    def answer(path: str, parameters: dict[str, str], posted: Any) -> tuple[int, str]:
        since = re.search(r"submittedDate:\[(\d+)", parameters["search_query"])
        chosen = [(name, day) for name, day in papers if since is None or re.sub(r"\D", "", day)[:12] >= since[1]]
        start, count = int(parameters["start"]), int(parameters["max_results"])
        entries = "".join(
            f"<entry><id>http://arxiv.org/abs/{name}v1</id><published>{day}</published><title>Owls {name}</title>"
            "<summary>They see.</summary><author><name>Athene Noctua</name></author></entry>"
            for name, day in chosen[start : start + count]
        )
        feed = "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:opensearch='http://a9.com/-/spec/opensearch/1.1/'>"
        return 200, f"{feed}<opensearch:totalResults>{len(chosen)}</opensearch:totalResults>{entries}</feed>"

    return answer


def test_arxiv_is_read_page_by_page_and_goes_on(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECTER2_EMAIL", "owl@example.org")
    papers = [(f"2001.{number:05}", f"2020-01-01T{number // 60:02}:{number % 60:02}:00Z") for number in range(450)]
    service = serve("arxiv", arxiv(papers))
    found, rejected, position = read("arxiv:cat:cs.IR")
    assert ([paper.id for paper in found], rejected) == ([name for name, _ in papers], [])
    assert [int(parameters["start"]) for _, parameters in service.asked] == [0, 200, 400]
    assert "specter2-plugins/" in service.agents[0]
    assert "mailto:owl@example.org" in service.agents[0]
    assert position == {"submitted": "202001010729"}
    papers.append(("2001.00450", "2020-01-02T00:00:00Z"))
    assert [paper.id for paper in read("arxiv:cat:cs.IR", position)[0]] == ["2001.00449", "2001.00450"]
    service.asked.clear()
    read("arxiv:cat:cs.IR")  # a run that was cut off: its full pages are there
    assert [int(parameters["start"]) for _, parameters in service.asked] == [400]


def test_arxiv_refuses_a_query(serve: Serve) -> None:
    error = "<feed><entry><id>http://arxiv.org/api/errors#x</id><summary>malformed query</summary></entry></feed>"
    serve("arxiv", lambda path, parameters, posted: (200, error))
    with pytest.raises(SourceError, match="arxiv refuses 'cat:': malformed query"):
        read("arxiv:cat:")


def test_dois_come_from_crossref_else_datacite_once(serve: Serve, tmp_path: Path) -> None:
    def crossref(path: str, parameters: dict[str, str], posted: Any) -> tuple[int, Any]:
        if path != "/works/10.1000/owl.1":
            return 404, "Resource not found."
        work = {"DOI": "10.1000/OWL.1", "title": ["Owls"], "container-title": ["J. Owls"], "issued": {}, "type": "x"}
        return 200, {"status": "ok", "message-type": "work", "message": work}

    def datacite(path: str, parameters: dict[str, str], posted: Any) -> tuple[int, Any]:
        if path != "/dois/10.5281/bat.2":
            return 404, {}
        attributes = {"doi": "10.5281/bat.2", "titles": [{"title": "Bats"}], "creators": [], "publicationYear": 2019}
        return 200, {"data": {"id": "10.5281/bat.2", "type": "dois", "attributes": attributes}}

    service = serve("crossref", crossref)
    serve("datacite", datacite)
    ids = tmp_path / "dois.txt"
    ids.write_text("# my list\nhttps://doi.org/10.1000/owl.1\n10.5281/bat.2\n\n10.1000/OWL.1\n10.9999/none\n")
    papers, [rejected], _ = read(f"doi:{ids}")
    assert [(paper.id, paper.title) for paper in papers] == [("10.1000/owl.1", "Owls"), ("10.5281/bat.2", "Bats")]
    assert (rejected.line, rejected.id, rejected.reason) == (6, "10.9999/none", "Crossref or DataCite does not have it")
    before = len(service.asked)
    read(f"crossref:{ids}")
    assert len(service.asked) == before + 2  # only what it did not have is asked again


def test_openalex_and_semantic_scholar(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def openalex(path: str, parameters: dict[str, str], posted: Any) -> tuple[int, Any]:
        known = {"/works/doi:10.1000/owl.1": "W1", "/works/W2": "W2", "/works/pmid:3": "W3"}
        if path not in known:
            return 404, {}
        work = {"id": f"https://openalex.org/{known[path]}", "title": "Owls", "authorships": []}
        return 200, {**work, "abstract_inverted_index": {"They": [0], "see.": [1]}}

    def s2(path: str, parameters: dict[str, str], posted: Any) -> tuple[int, Any]:
        assert path == "/paper/batch"
        wanted = ["DOI:10.1000/owl.1", "W2", "CorpusId:3", "ARXIV:2001.00001"]
        assert posted == {"ids": [wanted[0], f"CorpusId:{wanted[1]}", *wanted[2:]]}
        paper = {"paperId": "0" * 40, "corpusId": 7, "title": "Owls", "externalIds": {"DOI": "10.1000/owl.1"}}
        return 200, [paper, None, {**paper, "corpusId": 3, "title": None, "abstract": None}, None]

    serve("openalex", openalex)
    serve("s2", s2)
    ids = tmp_path / "ids.txt"
    ids.write_text("10.1000/owl.1\nW2\n3\narXiv:2001.00001v2\n")
    papers, rejected, _ = read(f"openalex:{ids}")
    assert [(paper.id, paper.abstract) for paper in papers] == [(f"W{n}", "They see.") for n in (1, 2, 3)]
    assert [record.id for record in rejected] == ["2001.00001"]
    papers, rejected, _ = read(f"s2:{ids}")
    assert ([paper.id for paper in papers], [record.line for record in rejected][::2]) == (["7"], [2, 4])


def test_zotero_answers_over_its_local_api(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [
        {"key": f"K{number}", "data": {"key": f"K{number}", "itemType": "journalArticle", "title": f"Owls {number}"}}
        for number in range(120)
    ]
    items[5]["data"]["itemType"] = "attachment"  # type: ignore[index]

    def answer(path: str, parameters: dict[str, str], posted: Any) -> tuple[int, Any]:
        assert path == "/users/0/items/top"
        start = int(parameters["start"])
        return 200, items[start : start + int(parameters["limit"])]

    serve("zotero", answer)
    monkeypatch.setenv("ZOTERO_DATA", str(tmp_path))
    papers, rejected, _ = read("zotero")
    assert (len(papers), rejected, papers[0].id) == (119, [], "K0")


def test_a_service_is_asked_again_and_its_refusal_is_said(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([(429, "slow down"), (503, "busy"), (200, {"id": "W1", "title": "Owls", "authorships": []})])
    monkeypatch.setattr("specter2_plugins.sources.client._FIRST_WAIT", 0.0)
    service = serve("openalex", lambda path, parameters, posted: next(answers))
    assert [paper.id for paper in read("openalex:W1")[0]] == ["W1"]
    assert len(service.asked) == 3
    serve("s2", lambda path, parameters, posted: (403, {"message": "Forbidden"}))
    with pytest.raises(SourceError, match=r"s2 refuses \(403\).*give a key in S2_API_KEY"):
        read("s2:10.1000/owl.1")


@pytest.mark.parametrize("name", ["", "arxiv", "arxiv:", "biorxiv:x", "papers.bib"])
def test_unknown_sources_are_refused(name: str) -> None:
    with pytest.raises(SourceError, match="there are: arxiv:QUERY"):
        open_source(name)


def test_ingest_from_a_service_goes_on_where_it_stopped(serve: Serve, tmp_path: Path, specter2: Any) -> None:
    papers = [(f"2001.{number:05}", f"2020-01-0{number + 1}T00:00:00Z") for number in range(3)]
    service = serve("arxiv", arxiv(papers))
    command = ("ingest", "--from", "arxiv:cat:cs.IR", "--store", tmp_path / "store", "--model", "mini", "--json")
    assert json.loads(specter2(*command).out)["ingested"] == 3
    papers.append(("2001.00009", "2020-02-01T00:00:00Z"))
    counts = json.loads(specter2(*command).out)
    assert (counts["read"], counts["ingested"], counts["unchanged"]) == (2, 1, 1)
    assert "submittedDate:[202001030000" in service.asked[-1][1]["search_query"]
    refused = specter2(*command, "--delete-missing")
    assert refused.code == 2
    assert "brings only what is new" in refused.err
