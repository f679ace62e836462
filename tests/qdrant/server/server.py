"""What both doors of the server share: the backend, the API key, the faults and the record."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from threading import Event
from typing import Any, Protocol

from tests.qdrant.server.faults import Fault, Faults
from tests.qdrant.server.grpc import GrpcDoor
from tests.qdrant.server.http import HttpDoor
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
        port: The port for HTTP, 0 for any that is free.
        grpc: Whether it speaks gRPC too, on any port that is free.
    """

    def __init__(
        self, backend: Backend | None = None, *, api_key: str | None = None, port: int = 0, grpc: bool = False
    ) -> None:
        self.backend = backend or Local()
        self.faults = Faults()
        self.requests: list[Request] = []
        self._api_key = api_key
        self._http = HttpDoor(self, port)
        self._grpc = GrpcDoor(self) if grpc else None
        self._stopped = Event()

    @property
    def url(self) -> str:
        """Where it listens; the same after an outage."""
        return f"http://127.0.0.1:{self._http.port}"

    @property
    def address(self) -> dict[str, Any]:
        """Arguments of `open_client` that lead here, by gRPC if it is spoken."""
        by_grpc = {"grpc": True, "grpc_port": self._grpc.port} if self._grpc else {}
        return {"url": self.url, **by_grpc}

    def calls(self, match: str) -> list[Request]:
        """The requests so far whose "METHOD /path" fits a regular expression."""
        return [request for request in self.requests if re.fullmatch(match, str(request))]

    def start(self) -> None:
        """Listen."""
        self._stopped.clear()
        self._http.open()
        if self._grpc:
            self._grpc.open()

    def stop(self) -> None:
        """Refuse connections, and give up what is delayed."""
        self._stopped.set()
        self._http.close()
        if self._grpc:
            self._grpc.close()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.backend.close()

    def answer(self, request: Request, api_key: str | None, body: Callable[[], bytes]) -> Answer | None:
        """Answer a request, or fail as the faults say; None is no answer.

        Args:
            request: The request, without its body.
            api_key: The key that it carries.
            body: Reads the body.
        """
        if self._stopped.is_set():
            return None
        fault = self.faults.take(str(request))
        request.fault = str(fault.what) if fault else None
        self.requests.append(request)
        answer = self._answer(request, api_key, body, fault)
        request.seconds = time.monotonic() - request.started
        request.status = answer.status if answer else None
        return answer

    def _answer(
        self, request: Request, api_key: str | None, body: Callable[[], bytes], fault: Fault | None
    ) -> Answer | None:
        what = fault.what if fault else None
        if what == "drop_before":
            return None
        request.body = body()
        if fault and isinstance(what, int):
            retry_after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return Answer.refusal(what, "as the test asked for", **retry_after)
        if fault and what == "delay" and self._stopped.wait(fault.seconds):
            return None
        if self._api_key not in (None, api_key) and request.path not in _OPEN_TO_ALL:
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
