"""The HTTP side: sockets, the API key, faults and the record; a backend answers what gets through."""

from __future__ import annotations

import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from tests.qdrant.server.faults import Fault, Faults
from tests.qdrant.server.local import Local
from tests.qdrant.server.messages import Answer, Request

_OPEN_TO_ALL = {"/", "/healthz", "/livez", "/readyz"}
_GARBAGE = Answer(200, b"<html><body>It works!</body></html>", {"Content-Type": "text/html"})


class Backend(Protocol):
    """What answers requests."""

    def answer(self, request: Request) -> Answer: ...

    def close(self) -> None: ...


class Server:
    """Serves a backend on loopback while it is open. `stop` and `start` between make an outage; points survive it.

    Args:
        backend: What answers; an empty local engine by default.
        api_key: The key that requests must carry, None to let everyone in.
        port: The port, 0 for any that is free.
    """

    def __init__(self, backend: Backend | None = None, *, api_key: str | None = None, port: int = 0) -> None:
        self.backend = backend or Local()
        self.faults = Faults()
        self.requests: list[Request] = []
        self._api_key = api_key
        self._port = port
        self._stopped = Event()

    @property
    def url(self) -> str:
        """Where it listens; the same after an outage."""
        return f"http://127.0.0.1:{self._port}"

    def calls(self, match: str) -> list[Request]:
        """The requests so far whose "METHOD /path" fits a regular expression."""
        return [request for request in self.requests if re.fullmatch(match, str(request))]

    def start(self) -> None:
        """Listen."""
        self._stopped.clear()
        self._http = _Listener(("127.0.0.1", self._port), _handler(self))
        self._port = self._http.server_port
        Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections, and give up what is delayed."""
        self._stopped.set()
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.backend.close()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Take one request from a connection and answer it, or fail as the faults say."""
        if self._stopped.is_set():
            handler.close_connection = True
            return
        target = urlsplit(handler.path)
        request = Request(handler.command, target.path, dict(parse_qsl(target.query)), time.monotonic())
        fault = self.faults.take(str(request))
        request.fault = str(fault.what) if fault else None
        self.requests.append(request)
        answer = self._answer(handler, request, fault)
        request.seconds = time.monotonic() - request.started
        if answer is None:
            handler.close_connection = True
            return
        request.status = answer.status
        _send(handler, answer, cut=request.fault == "cut")

    def _answer(self, handler: BaseHTTPRequestHandler, request: Request, fault: Fault | None) -> Answer | None:
        what = fault.what if fault else None
        if what == "drop_before":
            return None
        request.body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        if fault and isinstance(what, int):
            retry_after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return Answer.refusal(what, "as the test asked for", **retry_after)
        if fault and what == "delay" and self._stopped.wait(fault.seconds):
            return None
        if self._api_key not in (None, handler.headers.get("api-key")) and request.path not in _OPEN_TO_ALL:
            return Answer(401, b"Invalid API key or JWT", {"Content-Type": "text/plain"})
        answer = self.backend.answer(request)
        if what == "drop_after":
            return None
        if what == "garbage":
            return _GARBAGE
        if what == "yellow":
            yellow = answer.body.replace(b'"status":"green"', b'"status":"yellow"')
            return Answer(answer.status, yellow, answer.headers)
        return answer


class _Listener(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that has gone, as after a timeout, is no news here."""


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet for head and body: two would wait for each other's acknowledgement.
        wbufsize = -1

        def handle_any(self) -> None:
            server.handle(self)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _send(handler: BaseHTTPRequestHandler, answer: Answer, *, cut: bool) -> None:
    handler.send_response(answer.status)
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(answer.body)))
    handler.end_headers()
    handler.wfile.write(answer.body[: len(answer.body) // 2] if cut else answer.body)
    handler.close_connection = handler.close_connection or cut
