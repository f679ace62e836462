"""What can go wrong between a client and a server, as rules that fire a counted or a seeded number of times."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random
from threading import Lock
from typing import Any, Literal, get_args

Failure = Literal["drop_before", "drop_after", "delay", "cut", "garbage", "yellow"]
"""How a request fails:

drop_before: the connection closes before the request is read.
drop_after: the request is carried out, and the connection closes without an answer.
delay: the request is carried out late.
cut: the request is carried out, and the connection closes in the middle of the answer.
garbage: the request is carried out, and the answer is a proxy's HTML page with status 200.
yellow: not a failure; the answer says that the collection is still being optimised.
"""


@dataclass
class Fault:
    """Lets requests whose "METHOD /path" fits a pattern fail.

    Args:
        match: A regular expression for the whole of "METHOD /path".
        what: How they fail, or the HTTP status they are refused with (nothing is carried out then).
        times: How many of them fail, None for all.
        skip: How many of them pass before the first one fails.
        probability: The share that fails, drawn with `seed`.
        seconds: How long a "delay" lasts.
        retry_after: The header of a refusal with a status, in seconds or, as proxies have it, a date.
    """

    match: str
    what: Failure | int
    times: int | None = None
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    seconds: float = 0.0
    retry_after: int | str | None = None
    fired: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.what not in get_args(Failure) and not isinstance(self.what, int):
            raise ValueError(f"{self.what!r} is no fault; there are an HTTP status and {get_args(Failure)}")
        self._random = Random(self.seed)
        self._seen = 0

    def fires(self, call: str) -> bool:
        """Whether this request fails; counts it."""
        if self.fired == self.times or not re.fullmatch(self.match, call):
            return False
        self._seen += 1
        if self._seen <= self.skip or self._random.random() >= self.probability:
            return False
        self.fired += 1
        return True


class Faults:
    """The rules in force. The first that fires decides about a request."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._lock = Lock()

    def add(self, match: str, what: Failure | int, **settings: Any) -> Fault:
        """Add a rule, with the settings that `Fault` has."""
        rule = Fault(match, what, **settings)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """From now on all goes well."""
        with self._lock:
            self._rules.clear()

    def take(self, call: str) -> Fault | None:
        """The fault that this request meets."""
        with self._lock:
            return next((rule for rule in self._rules if rule.fires(call)), None)
