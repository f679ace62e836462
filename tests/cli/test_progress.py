"""How far a command is, by a clock that the test holds."""

from __future__ import annotations

import pytest

pytest.importorskip("typer")

from specter2_plugins.cli.pace import Pace
from specter2_plugins.cli.progress import progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_duplicates_and_rejects_are_no_work(clock: Clock) -> None:
    """A thousand that were there already go by in a second; the other thousand take a second for ten."""
    pace = Pace("papers", clock)
    clock.now += 1
    assert pace.words(done=1000, total=2000, worked=0) == "1000 of 2000 papers, 0.0 papers/s"
    clock.now += 9
    assert pace.words(done=1090, total=2000, worked=90) == "1090 of 2000 papers, 9.0 papers/s, 0:01:41 left"


def test_the_rate_is_that_of_the_last_minute(clock: Clock) -> None:
    pace = Pace("steps", clock)
    done = 0
    for _ in range(60):
        clock.now += 1
        done += 10
        pace.words(done, 10_000)
    for _ in range(60):
        clock.now += 1
        done += 1
        said = pace.words(done, 10_000)
    assert said == "660 of 10000 steps, 1.0 steps/s, 2:35:40 left"


def test_of_a_pipe_nobody_knows_the_total(clock: Clock) -> None:
    pace = Pace("papers", clock)
    clock.now += 2
    assert pace.words(10, None, tokens=500) == "10 papers, 5.0 papers/s, 250 tokens/s"


def test_piped_it_is_a_line_every_fifteen_seconds(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("embedding", clock=clock) as show:
        for done in range(1, 41):
            clock.now += 1
            show(done, 80, done, 10 * done)
    assert capsys.readouterr().err.splitlines() == [
        "embedding: 15 of 80 papers, 1.0 papers/s, 10 tokens/s, 0:01:05 left",
        "embedding: 30 of 80 papers, 1.0 papers/s, 10 tokens/s, 0:00:50 left",
    ]
