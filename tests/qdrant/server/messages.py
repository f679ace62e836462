"""What comes in and what goes out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass
class Request:
    """One request that reached the server; `status` is None while it runs and when no answer was sent."""

    method: str
    path: str
    query: Mapping[str, str]
    started: float
    body: bytes = b""
    seconds: float = 0.0
    status: int | None = None
    fault: str | None = None
    authorization: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    @classmethod
    def refusal(cls, status: int, error: str, **headers: str) -> Answer:
        """An error as Qdrant words it."""
        body = json.dumps({"status": {"error": error}, "time": 0.0}).encode()
        return cls(status, body, {"Content-Type": "application/json", **headers})


class Answers(Protocol):
    """What a door passes requests to."""

    def answer(self, request: Request, api_key: str | None, body: Callable[[], bytes]) -> Answer | None: ...
