"""How far an evaluation is: tasks tell what they do, and how much of it is done, to whoever follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TypeAlias


@dataclass(frozen=True)
class Stage:
    """What an evaluation does, and how much of it is done.

    Args:
        task: The task's name.
        doing: Such as "embedding" or "learning".
        unit: What is counted.
        total: How many there are.
        done: How many need no more work.
        worked: How many of them took work; the others were there already.
    """

    task: str
    doing: str
    unit: str
    total: int
    done: int = 0
    worked: int = 0


OnStage: TypeAlias = Callable[[Stage], object]


@dataclass
class _Following:
    task: str
    on_stage: OnStage
    now: Stage | None = None


_following: ContextVar[_Following | None] = ContextVar("following", default=None)


@contextmanager
def following(task: str, on_stage: OnStage) -> Iterator[None]:
    """Have a task's stages told."""
    before = _following.set(_Following(task, on_stage))
    try:
        yield
    finally:
        _following.reset(before)


@contextmanager
def stage(doing: str, unit: str, total: int) -> Iterator[None]:
    """Do something of which `passed` tells how far it is.

    Args:
        doing: What it is.
        unit: What is counted.
        total: How many there are.
    """
    here = _following.get()
    if here is not None:
        here.now = Stage(here.task, doing, unit, total)
        here.on_stage(here.now)  # whoever measures a rate begins now
    try:
        yield
    finally:
        if here is not None:
            here.now = None


def passed(count: int = 1, *, work: bool = True) -> None:
    """Tell that more of the stage is done.

    Args:
        count: How many more.
        work: Whether they took work.
    """
    here = _following.get()
    if here is not None and here.now is not None:
        worked = here.now.worked + (count if work else 0)
        here.now = replace(here.now, done=here.now.done + count, worked=worked)
        here.on_stage(here.now)
