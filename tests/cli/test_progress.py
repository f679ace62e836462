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


def test_what_was_there_already_is_no_work(clock: Clock) -> None:
    """A thousand papers that are unchanged go by in a second; the other thousand take a second for ten."""
    pace = Pace("papers", clock)
    clock.now += 1
    assert pace.words(done=1000, total=2000, worked=0, read=1000) == "1000 of 2000 papers, 0.0 papers/s"
    clock.now += 9
    said = pace.words(done=1090, total=2000, worked=90, read=2000)
    assert said == "1090 of 2000 papers, 9.0 papers/s, 0:01:41 left"


def test_duplicates_to_come_are_no_work_either(clock: Clock) -> None:
    """Each paper comes a hundred times, and takes a second: a run of 200 seconds, not one of 20,000."""
    pace = Pace("papers", clock)
    ahead = 1000
    for second in range(1, 101):
        clock.now += 1
        said = pace.words(
            done=100 * second + ahead - ahead // 100, total=20_000, worked=second, read=100 * second + ahead
        )
    assert said == "10990 of 20000 papers, 1.0 papers/s, 0:01:40 left"


def test_what_is_known_to_come_is_not_forgotten(clock: Clock) -> None:
    """A part of a thousand was read more than a minute ago, and half of it was work."""
    pace = Pace("papers", clock)
    clock.now += 1
    pace.words(done=500, total=2000, worked=0, read=1000)
    for second in range(1, 101):
        clock.now += 1
        said = pace.words(done=500 + second, total=2000, worked=second, read=1000)
    assert said == "600 of 2000 papers, 1.0 papers/s, 0:15:00 left"


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


def test_each_stage_has_its_own_pace(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("reading", clock=clock) as show:
        for done in range(1, 21):
            clock.now += 1
            show(100 * done)
        for done in range(1, 21):
            show.stage("mining", "searches")
            clock.now += 1
            show(done, 20)
    assert capsys.readouterr().err.splitlines() == [
        "reading: 1500 papers, 100.0 papers/s",
        "mining: 10 of 20 searches, 1.0 searches/s, 0:00:10 left",
    ]
