"""What a store answers when something is wrong: what is tried again, and one line for what is not."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from json import JSONDecodeError
from threading import Event
from typing import Any, TypeVar

import grpc
from pydantic import ValidationError
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_any,
    wait_exponential,
    wait_random,
)
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_when_event_set

from specter2_plugins.addresses import without_secrets
from specter2_plugins.errors import StoreError

STORE_ERRORS = (
    ResponseHandlingException,
    UnexpectedResponse,
    QdrantException,
    JSONDecodeError,
    grpc.RpcError,
    OSError,
)
"""What clients raise when a store cannot do what it was asked."""

_TRANSIENT_STATUS = {408, 429, 500, 502, 503, 504}
_TRANSIENT_GRPC = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.CANCELLED,
}
_UNREACHABLE_GRPC = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
_REFUSED = "refuses the API key; give the right one in QDRANT_API_KEY"

_LONG_WAIT = 2.0

_log = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Retries:
    """Exponential backoff with jitter for what may pass: timeouts, dropped connections, 408, 429 and 5xx.

    A server's Retry-After is waited for. Waits of two seconds and more are told of by a warning.

    Example:
        >>> Retries(attempts=3, first_wait=1.0).longest_wait
        30.0

    Args:
        attempts: How often a call is tried in all.
        first_wait: Seconds before the second try; the next waits are twice as long each, plus up to as much jitter.
        longest_wait: The most seconds between two tries.
        given_up: Set, it ends every wait, and nothing is tried again.
    """

    attempts: int = 8
    first_wait: float = 0.5
    longest_wait: float = 30.0
    given_up: Event = field(default_factory=Event)

    def __call__(self, call: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Make a call until it succeeds.

        Raises:
            Exception: What the last try raised.
        """
        backoff = wait_exponential(self.first_wait, self.longest_wait) + wait_random(0, self.first_wait)
        retrying = Retrying(
            retry=retry_if_exception(is_transient),
            wait=lambda state: max(backoff(state), min(_retry_after(state), self.longest_wait)),
            stop=stop_any(stop_after_attempt(self.attempts), stop_when_event_set(self.given_up)),
            sleep=sleep_using_event(self.given_up),
            before_sleep=_tell,
            reraise=True,
        )
        return retrying(call, *args, **kwargs)


def is_transient(error: BaseException) -> bool:
    """Return whether the same call may succeed a little later."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code in _TRANSIENT_STATUS
    if isinstance(error, grpc.RpcError):
        return _grpc_code(error) in _TRANSIENT_GRPC
    return isinstance(error, (ResponseHandlingException, QdrantException, JSONDecodeError))


def explain(error: BaseException, store: str, *secrets: str | None) -> StoreError:
    """Return one line about what a store answered; it holds no key.

    Args:
        error: One of `STORE_ERRORS`.
        store: What to call the store, such as its folder or URL.
        *secrets: What a server may repeat, and nobody is to be shown.
    """
    return StoreError(without_secrets(" ".join(_explanation(error, store).split()), *secrets))


def _explanation(error: BaseException, store: str) -> str:
    if isinstance(error, JSONDecodeError) or isinstance(getattr(error, "source", None), ValidationError):
        return f"{store} does not answer as Qdrant does; is it Qdrant, or a proxy before it?"
    if isinstance(error, ResponseHandlingException):
        return f"cannot reach {store}: {str(error.source) or type(error.source).__name__}"
    if isinstance(error, QdrantException):
        return f"{store} is asked too much: {error}"
    if isinstance(error, UnexpectedResponse):
        if error.status_code in (401, 403):
            return f"{store} {_REFUSED}"
        return f"{store} answered {error.status_code} {error.reason_phrase}{_reason(error)}"
    if isinstance(error, grpc.RpcError):
        code = _grpc_code(error)
        if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
            return f"{store} {_REFUSED}"
        if code in _UNREACHABLE_GRPC:
            return f"cannot reach {store}: {_grpc_details(error)}"
        return f"{store} answered {code.name if code else 'nothing'}: {_grpc_details(error)}"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk of {store} is full; make room and run the same again"
    return f"cannot use {store}: {getattr(error, 'strerror', None) or error}"


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    wait = state.next_action.sleep if state.next_action else 0.0
    if error is not None and wait >= _LONG_WAIT:
        _log.warning("%s; trying again in %.0f s", _known(error), wait)


def _known(error: BaseException) -> str:
    """Return what is said of an error where nobody knows the secrets that a server's own words may repeat."""
    if isinstance(error, UnexpectedResponse):
        return f"Qdrant answered {error.status_code}"
    if isinstance(error, grpc.Call):
        return f"Qdrant answered {error.code().name}"
    if isinstance(error, QdrantException):
        return "Qdrant is asked too much"
    return str(explain(error, "Qdrant"))


def _retry_after(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return float(error.retry_after_s) if isinstance(error, ResourceExhaustedResponse) else 0.0


def _reason(error: UnexpectedResponse) -> str:
    try:
        return f": {error.structured()['status']['error']}"
    except (ValueError, KeyError, TypeError):
        return ""


def _grpc_code(error: grpc.RpcError) -> grpc.StatusCode | None:
    return error.code() if isinstance(error, grpc.Call) else None


def _grpc_details(error: grpc.RpcError) -> str:
    return str(error.details()) if isinstance(error, grpc.Call) else str(error)
