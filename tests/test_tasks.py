"""Which adapter an input goes through."""

from __future__ import annotations

import pytest

from specter2_plugins import TaskError
from specter2_plugins.tasks import TASK_FORMATS, by_task, canonical, route

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


SPELLINGS = {
    "proximity": "[PRX] prx PROXIMITY Proximity specter2 allenai/specter2 allenai__specter2 models--allenai--specter2 "
    "specter2_proximity allenai/specter2_aug2023refresh allenai/scirepeval_adapters_prx document prox",
    "adhoc_query": "[QRY] qry Query ad-hoc-query adhoc allenai/specter2_adhoc_query "
    "specter2_aug2023refresh_adhoc_query allenai/scirepeval_adapters_qry",
    "classification": "[CLF] clf Classification allenai/specter2_classification",
    "regression": "[RGN] rgn reg allenai--specter2_regression",
}


@pytest.mark.parametrize(
    ("task", "spelling"), [(task, name) for task, all in SPELLINGS.items() for name in all.split()]
)
def test_every_spelling(task: str, spelling: str) -> None:
    assert canonical(spelling) == task
    assert route(spelling, ALL) == task
    assert route(task, [spelling]) == spelling


def test_a_model_whose_adapters_are_called_by_their_codes() -> None:
    assert route("query", ["[PRX]", "[QRY]"]) == "[QRY]"
    assert route(None, ["[PRX]", "[QRY]"]) == "[PRX]"


@pytest.mark.parametrize("name", ["patents/query", "my__clf", "allenai/specter2_base", "allenai/specter", "queries"])
def test_other_names_stay(name: str) -> None:
    assert canonical(name) == name


def test_adapters_by_task() -> None:
    assert by_task({"[PRX]": 1, "query": 2, "patents": 3}) == {"proximity": 1, "adhoc_query": 2, "patents": 3}
    with pytest.raises(TaskError, match="two adapters are named for the task 'proximity': a and b"):
        by_task({"[PRX]": "a", "proximity": "b"})
    for name in ("base", ""):
        with pytest.raises(TaskError, match="no adapter can be called"):
            by_task({name: "a"})


@pytest.mark.parametrize("task", ["", "patents", "[XYZ]"])
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
