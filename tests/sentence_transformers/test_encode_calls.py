"""Whatever `SentenceTransformer.encode` takes is taken, by name and by place, answers in time and gives the same."""

from __future__ import annotations

import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specter2_plugins
from specter2_plugins import Specter2
from specter2_plugins.sentence_transformers.passes import Passes
from tests.conftest import Oracle
from tests.sentence_transformers.encode_calls import METHODS, VALUES, parameters


def test_no_argument_is_left_out() -> None:
    for method in METHODS:
        assert list(parameters(method)) == list(VALUES), f"Sentence Transformers' {method} has other arguments"


@pytest.mark.parametrize("part", ["alone", pytest.param("pool", marks=pytest.mark.slow)])
def test_every_call_answers_as_sentence_transformers_does(part: str, model: Specter2, tmp_path: Path) -> None:
    model.save_pretrained(str(tmp_path))
    command = [sys.executable, "-m", "tests.sentence_transformers.encode_calls", str(tmp_path), part]
    process = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    lines = process.stdout.splitlines()
    assert lines[-1:] == ["done"], f"{lines[-1:]}\n{process.stderr[-3000:]}"
    assert len(lines) > 500


def batches(model: Specter2, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """How many texts are tokenized at a time, and whether as a plan, from now on."""
    seen: list[tuple[int, bool]] = []
    preprocess = model.transformer.preprocess

    def watch(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append((len(inputs), kwargs.get("plan") is not None))
        return preprocess(inputs, *args, **kwargs)

    monkeypatch.setattr(model.transformer, "preprocess", watch)
    return seen


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_size_is_taken_as_given(method: str, model: Specter2, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = batches(model, monkeypatch)
    encode = getattr(model, method)
    texts = ["graph"] * 70
    for given, expected in (({}, [(70, True)]), ({"batch_size": None}, [(70, True)])):
        encode(texts, **given)
        assert seen == expected
        seen.clear()
    for size in (32, 33):
        encode(texts, batch_size=size)
        assert seen == [(size, False), (size, False), (70 - 2 * size, False)]
        seen.clear()
    encode(texts, None, None, 32)
    assert [count for count, _ in seen] == [32, 32, 6]


def test_without_the_fast_engine_a_batch_holds_32(
    new_model: Callable[..., Specter2], monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = new_model(engine="reference")
    seen = batches(reference, monkeypatch)
    reference.encode(["graph"] * 70)
    assert seen == [(32, False), (32, False), (6, False)]


@pytest.mark.parametrize(
    "setting",
    [{"processing_kwargs": {"text": {"max_length": 6}}}, {"query_length": 6}, {"document_length": 6}],
    ids=lambda setting: next(iter(setting)),
)
def test_what_is_set_about_tokens_holds_by_default_too(
    setting: dict[str, Any], new_model: Callable[..., Specter2]
) -> None:
    model = new_model()
    for name, value in setting.items():
        if not hasattr(model.transformer, name):
            pytest.skip(f"this Sentence Transformers has no {name}")
        setattr(model.transformer, name, value)
    text = "graph neural networks " * 20
    cut = [np.abs(encode(text) - encode("graph neural networks " * 2)).max() for encode in encoders(model)]
    assert min(cut) < 1e-6
    for encode in encoders(model):
        np.testing.assert_allclose(encode(text), encode(text, batch_size=8), atol=1e-5)


def encoders(model: Specter2) -> list[Callable[..., Any]]:
    return [model.encode, model.encode_query, model.encode_document]


def test_a_prompt_needs_no_adapter_of_its_own(new_model: Callable[..., Specter2], oracle: Oracle) -> None:
    """Sentence Transformers measures it by itself, through no task, and it may be blank."""
    model = new_model(adapters={"classification": oracle.models / "adapters" / "classification"})
    for prompt in ("query: ", " ", "\n"):
        ours = model.encode(["graphs"], task="classification", prompt=prompt, batch_size=4)
        np.testing.assert_allclose(ours, model.encode([f"{prompt}graphs"], task="classification"), atol=1e-5)


def test_a_plan_leaves_its_callback_behind() -> None:
    import pickle

    plan = Passes("cls", token_budget=7, on_pass=lambda texts, tokens: None)
    assert pickle.loads(pickle.dumps(plan)) == Passes("cls", token_budget=7)


CHILD = """
import os, sys, torch
from specter2_plugins import load_specter2
torch.set_num_threads(2)
model = load_specter2(sys.argv[1], device="cpu")
texts = ["graph neural networks " * 40] * 64
expected = model.encode(texts)
child = os.fork()
if not child:
    os._exit(0 if abs(model.encode(texts) - expected).max() < 1e-5 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_goes_on_in_one_thread(oracle: Oracle) -> None:
    """PyTorch would wait there for threads that the fork does not have."""
    process = subprocess.run(
        [sys.executable, "-c", CHILD, str(oracle.models)], capture_output=True, text=True, timeout=200
    )
    assert process.stdout == "0\n", process.stderr
    assert "is a fork" in process.stderr


def overrides() -> Iterator[tuple[type, str, Any, Any]]:
    """Each class of this package and method of it that replaces one of Sentence Transformers."""
    root = Path(specter2_plugins.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if "sentence_transformers" not in path.read_text(encoding="utf-8") or path.stem == "__main__":
            continue
        parts = path.relative_to(root.parent).with_suffix("").parts
        try:
            module = importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
        except ImportError as error:
            if "specter2_plugins" in str(error.name):
                raise
            continue  # an extra that is not installed here
        for owner in vars(module).values():
            if not isinstance(owner, type) or owner.__module__ != module.__name__:
                continue
            for name, value in vars(owner).items():
                for base in owner.__mro__[1:]:
                    if name in vars(base):
                        if base.__module__.startswith("sentence_transformers") and callable(getattr(owner, name)):
                            yield owner, name, value, vars(base)[name]
                        break


def test_an_override_takes_all_that_the_overridden_takes() -> None:
    found = []
    for owner, name, ours, theirs in overrides():
        if name in ("__init__", "__module__", "__doc__") or isinstance(ours, type):
            continue
        found.append(f"{owner.__name__}.{name}")
        mine, others = ({**inspect.signature(plain(each)).parameters} for each in (ours, theirs))
        for receiver in ("self", "cls"):
            mine.pop(receiver, None), others.pop(receiver, None)
        places = [parameter.name for parameter in mine.values() if parameter.kind in _PLACES]
        kinds = {parameter.kind for parameter in mine.values()}
        for number, (key, parameter) in enumerate(others.items()):
            where = f"{found[-1]} does not take {parameter} as {owner.__mro__[1].__name__} does"
            if parameter.kind in _PLACES:
                assert places[number : number + 1] == [key] or (
                    number >= len(places) and inspect.Parameter.VAR_POSITIONAL in kinds
                ), where
            if parameter.kind in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL):
                assert parameter.kind in kinds, where
            else:
                assert key in mine or inspect.Parameter.VAR_KEYWORD in kinds, where
        new = [each for key, each in mine.items() if key not in others and each.kind not in _REST]
        assert all(each.default is not each.empty for each in new), f"{found[-1]} asks for more than it may: {new}"
    assert {"Specter2.encode", "AdapterTransformer.preprocess", "AdapterTransformer._load_init_kwargs"} <= set(found)


_PLACES = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def plain(method: Any) -> Any:
    return method.__func__ if isinstance(method, classmethod | staticmethod) else method
