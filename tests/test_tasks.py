"""Which adapter an input goes through."""

from __future__ import annotations

import pytest

from specter2_plugins import TaskError
from specter2_plugins.tasks import TASK_FORMATS, route

ALL = list(TASK_FORMATS)


@pytest.mark.parametrize(
    ("task", "adapter"),
    [
        ("query", "adhoc_query"),
        ("document", "proximity"),
        (None, "proximity"),
        ("base", None),
        *[(task, task) for task in ALL],
    ],
)
def test_routes(task: str | None, adapter: str | None) -> None:
    assert route(task, ALL) == adapter


@pytest.mark.parametrize("task", ["query", "document", None, "base"])
def test_without_adapters_everything_runs_the_base(task: str | None) -> None:
    assert route(task, []) is None


def test_an_adapter_of_ones_own() -> None:
    assert route("patents", ["patents"]) == "patents"


@pytest.mark.parametrize("task", ["", "Query", "PROXIMITY", "patents", "[PRX]"])
def test_unknown_tasks_list_the_known_ones(task: str) -> None:
    with pytest.raises(TaskError) as caught:
        route(task, ALL)
    assert str(caught.value) == (
        f"unknown task {task!r}; this model knows: query, document, proximity, adhoc_query, classification, "
        "regression, base"
    )


def test_known_tasks_without_an_adapter_say_how_to_load_it() -> None:
    with pytest.raises(
        TaskError, match=r"task 'query' \(the adapter 'adhoc_query'\) .* it has: proximity, base.*adapters="
    ):
        route("query", ["proximity"])
    with pytest.raises(TaskError, match="task 'regression' needs an adapter"):
        route("regression", [])
