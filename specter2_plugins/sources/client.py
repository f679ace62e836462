"""One client for all services: it says who asks, waits between requests, tries again, and keeps answers.

A service's address is declared with its source, and an environment variable such as SPECTER2_ARXIV_URL puts another
in its place: a mirror, or a server of tests.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from specter2_plugins.addresses import without_secrets
from specter2_plugins.errors import SourceError, one_line
from specter2_plugins.extras import require

if TYPE_CHECKING:
    from tenacity import RetryCallState

EMAIL = "SPECTER2_EMAIL"
CACHE = "SPECTER2_CACHE"

_TIMEOUT = 60.0
_TRIES = 6
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 120.0
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_SHOWN = 200
_OLDEST = 30 * 86_400.0
"""Seconds after which a kept answer is asked for again."""
_MOST_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Service:
    """A service on the net.

    Args:
        name: What messages and environment variables call it.
        url: Where it is.
        pause: Seconds between two requests.
        key: The environment variable with the user's key for it, and the header or parameter that carries it.
        sends_email: The parameter in which it wants to be told whom to write to.
    """

    name: str
    url: str
    pause: float
    key: tuple[str, str] | None = None
    sends_email: str = ""

    @property
    def address(self) -> str:
        """Where it is, or what the environment says instead."""
        return os.environ.get(f"SPECTER2_{self.name.upper()}_URL", self.url).rstrip("/")

    @property
    def wait(self) -> float:
        """Seconds between two requests; none to a server of one's own."""
        return self.pause if self.address == self.url.rstrip("/") else 0.0


@dataclass
class Client:
    """Asks services, politely.

    Args:
        cache: Folder of answers; by default SPECTER2_CACHE, else the user's cache.
        email: Whom a service can write to; by default SPECTER2_EMAIL.
        transport: Of httpx, for those who have one of their own.
    """

    cache: Path | None = None
    email: str | None = None
    transport: Any = None
    _last: dict[str, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        from specter2_plugins import __version__

        self._httpx = require("httpx", "httpx", "cli")
        self.email = self.email or os.environ.get(EMAIL)
        self.cache = self.cache or _cache_folder()
        contact = f"; mailto:{self.email}" if self.email else ""
        agent = f"specter2-plugins/{__version__} (https://github.com/specter2-plugins/specter2-plugins{contact})"
        self._session = self._httpx.Client(
            headers={"User-Agent": agent}, timeout=_TIMEOUT, follow_redirects=True, transport=self.transport
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def get(
        self,
        service: Service,
        path: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        json: Any = None,
        keep: Callable[[bytes], bool] = lambda answer: True,
    ) -> bytes | None:
        """Return what a service answers; None where it has no such thing.

        Args:
            service: The service.
            path: Behind its address.
            parameters: Of the query.
            json: What is posted, if something is.
            keep: Says whether an answer is kept for the next time that the same is asked.

        Raises:
            SourceError: If it cannot be reached, refuses, or fails again and again.
        """
        url = f"{service.address}{path}"
        place = self._place(url, parameters, json)
        if place.is_file() and time.time() - place.stat().st_mtime < _OLDEST:
            return place.read_bytes()
        answer = self._asked(service, url, dict(parameters or {}), json)
        if answer is not None and keep(answer):
            self._write(place, answer)
        return answer

    def _write(self, place: Path, answer: bytes) -> None:
        """Write an answer where it is found again; where that cannot be, the next run asks again."""
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            unfinished = place.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(answer)
            unfinished.replace(place)
        except OSError:
            return

    def _place(self, url: str, parameters: Mapping[str, Any] | None, json: Any) -> Path:
        asked = repr((url, sorted((parameters or {}).items()), json))
        assert self.cache is not None
        return self.cache / hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()

    def _asked(self, service: Service, url: str, parameters: dict[str, Any], json: Any) -> bytes | None:
        headers = {}
        if service.sends_email and self.email:
            parameters[service.sends_email] = self.email
        if service.key is not None and (key := os.environ.get(service.key[0])):
            headers[service.key[1]] = key
        tenacity = require("tenacity", "tenacity", "cli")
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_TRIES),
            wait=_wait,
            retry=tenacity.retry_if_exception_type(_Transient),
            reraise=True,
        )
        try:
            answer: bytes | None = retrying(self._once, service, url, parameters, headers, json)
            return answer
        except _Transient as error:
            raise SourceError(f"{service.name} ({without_secrets(url)}) fails: {error}; run the same again") from None

    def _once(
        self, service: Service, url: str, parameters: dict[str, Any], headers: dict[str, str], json: Any
    ) -> bytes | None:
        since = time.monotonic() - self._last.get(service.name, float("-inf"))
        time.sleep(max(0.0, service.wait - since))
        try:
            with self._session.stream(
                "GET" if json is None else "POST", url, params=parameters, headers=headers, json=json
            ) as answer:
                if answer.status_code in _TRANSIENT:
                    raise _Transient(f"status {answer.status_code}", _seconds(answer.headers.get("Retry-After")))
                if answer.status_code in (404, 410):
                    return None
                if answer.status_code >= 400:
                    raise SourceError(_refusal(service, answer.status_code, _body(answer)))
                return _body(answer)
        except self._httpx.HTTPError as error:
            raise _Transient(one_line(error) or type(error).__name__) from None
        finally:
            self._last[service.name] = time.monotonic()


class _Transient(Exception):
    """What may go away by itself."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, _Transient) and error.wait is not None:
        return min(error.wait, _LONGEST_WAIT)
    return min(_FIRST_WAIT * 2.0 ** (state.attempt_number - 1), _LONGEST_WAIT)


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.strip().isdigit() else None


def _body(answer: Any) -> bytes:
    parts, size = [], 0
    for part in answer.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > _MOST_BYTES:
            raise SourceError(f"an answer of {without_secrets(str(answer.url))} is larger than {_MOST_BYTES >> 20} MiB")
    return b"".join(parts)


def _refusal(service: Service, status: int, body: bytes) -> str:
    way, said = "", " ".join(body[:_SHOWN].decode(errors="replace").split())
    if service.key is not None and status in (401, 403):
        way = f"; give a key in {service.key[0]}"
    return f"{service.name} refuses ({status}): {said}{way}"


def _cache_folder() -> Path:
    if named := os.environ.get(CACHE):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "specter2-plugins" / "answers"
