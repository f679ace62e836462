"""The HTTP side: sockets and headers."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.qdrant.server.messages import Answer, Answers, Request


class HttpDoor:
    """Listens for HTTP.

    Args:
        server: What answers.
        port: Where, 0 for any port that is free; the same one when it is opened again.
    """

    def __init__(self, server: Answers, port: int) -> None:
        self.port = port
        self._handler = _handler(server)

    def open(self) -> None:
        """Listen."""
        self._listener = _Listener(("127.0.0.1", self.port), self._handler)
        self.port = self._listener.server_port
        Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections."""
        self._listener.shutdown()
        self._listener.server_close()


class _Listener(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that has gone, as after a timeout, is no news here."""


def _handler(server: Answers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet for head and body: two would wait for each other's acknowledgement.
        wbufsize = -1

        def handle_any(self) -> None:
            target = urlsplit(self.path)
            request = Request(self.command, target.path, dict(parse_qsl(target.query)), time.monotonic())
            request.authorization = self.headers.get("authorization")
            answer = server.answer(request, self.headers.get("api-key"), self.read)
            if answer is None:
                self.close_connection = True
            else:
                _send(self, answer, cut=request.fault == "cut")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def read(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

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
