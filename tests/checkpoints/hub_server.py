"""A hub on the loopback interface: the endpoints that downloading and pushing need, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """One request that reached the hub."""

    method: str
    path: str
    authorization: str | None


@dataclass
class Repository:
    """A repository's commits by branch or tag, and the files of each commit."""

    commits: dict[str, dict[str, bytes]]
    refs: dict[str, str]
    token: str | None = None
    gated: bool = False


@dataclass
class FakeHub:
    """Serves repositories while it is open."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    broken: str | None = None  # "503": answers nothing else; "cut": closes the connection within each file

    def add(self, name: str, folder: Path, *, ref: str = "main", token: str | None = None) -> str:
        """Commit a folder's files and point a branch or tag at them; returns the commit."""
        files = {
            str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
        }
        commit = hashlib.sha1(f"{name} {ref} {sorted(files)}".encode()).hexdigest()
        repository = self.repositories.setdefault(name, Repository({}, {}, token))
        repository.commits[commit] = files
        repository.refs[ref] = commit
        return commit

    def receive(self, handler: BaseHTTPRequestHandler) -> None:
        """Take what is pushed, for those who have the token of their repository."""
        path = unquote(urlsplit(handler.path).path)
        authorization = handler.headers.get("Authorization")
        body = handler.rfile.read(int(handler.headers["Content-Length"] or 0))
        self.requests.append(Request(handler.command, path, authorization))
        if path == "/api/validate-yaml":
            return _send(handler, 200, {"errors": [], "warnings": []})
        found = re.fullmatch(r"/api/models/([^/]+/[^/]+)/(preupload|commit)/main", path)
        created = json.loads(body) if path == "/api/repos/create" else {}
        name = found[1] if found else f"{created.get('organization')}/{created.get('name')}"
        repository = self.repositories.get(name)
        if repository is None or authorization != f"Bearer {repository.token}":
            return _send(handler, 401, {"error": "Invalid username or password."})
        if found is None:
            return _send(handler, 200, {"url": f"{self.url}/{name}"})
        if found[2] == "preupload":
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            return _send(handler, 200, {"files": files})
        values = [entry["value"] for entry in map(json.loads, body.splitlines()) if entry["key"] == "file"]
        pushed = {value["path"]: base64.b64decode(value["content"]) for value in values}
        commit = hashlib.sha1(body).hexdigest()
        repository.commits[commit] = repository.commits.get(repository.refs.get("main", ""), {}) | pushed
        repository.refs["main"] = commit
        return _send(handler, 200, {"commitUrl": f"{self.url}/{name}/commit/{commit}", "commitOid": commit})

    def __enter__(self) -> FakeHub:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            def do_HEAD(self) -> None:
                hub.answer(self)

            def do_POST(self) -> None:
                hub.receive(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request as huggingface.co would."""
        path = unquote(urlsplit(handler.path).path)
        authorization = handler.headers.get("Authorization")
        self.requests.append(Request(handler.command, path, authorization))
        if self.broken == "503":
            return _send(handler, 503)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/(.+)", path):
            name, what, revision = found.groups()
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            name, revision, what = found.groups()
        else:
            return _send(handler, 404)
        repository = self.repositories.get(name)
        if repository is None or (repository.token and authorization != f"Bearer {repository.token}"):
            return _send(handler, 401, headers={"X-Error-Code": "RepoNotFound"})
        if repository.gated:
            return _send(handler, 403, headers={"X-Error-Code": "GatedRepo"})
        commit = repository.refs.get(revision, revision)
        files = repository.commits.get(commit)
        if files is None:
            return _send(handler, 404, headers={"X-Error-Code": "RevisionNotFound"})
        if what == "revision":
            return _send(handler, 200, {"id": name, "sha": commit, "siblings": [{"rfilename": file} for file in files]})
        if what == "tree":
            return _send(handler, 200, [_entry(file, content) for file, content in files.items()])
        if what not in files:
            return _send(handler, 404, headers={"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        headers = {"X-Repo-Commit": commit, "ETag": f'"{_oid(files[what])}"'}
        return _send(handler, 200, files[what], headers, cut=self.broken == "cut")


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def _entry(file: str, content: bytes) -> dict[str, object]:
    return {"type": "file", "path": file, "size": len(content), "oid": _oid(content)}


def _send(
    handler: BaseHTTPRequestHandler,
    status: int,
    body: object = b"",
    headers: dict[str, str] | None = None,
    *,
    cut: bool = False,
) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content[: len(content) // 2] if cut else content)
