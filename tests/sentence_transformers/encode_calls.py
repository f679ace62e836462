"""Make every call of `encode` that Sentence Transformers takes, each in time, and compare what it gives.

Run as `python -m tests.sentence_transformers.encode_calls SAVED_FOLDER alone|pool`, in a process that ends a minute
after a call has hung. It prints each call before it is made and ends with "done".
"""

from __future__ import annotations

import faulthandler
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor

from specter2_plugins import load_specter2
from tests.conftest import ORACLE

LIMIT_SECONDS = 60
METHODS = ("encode", "encode_query", "encode_document")
PROMPTS = {"query": "search: ", "document": "paper: ", "other": "other: "}
TEXTS = [
    "graph neural networks",
    "retrieval of papers",
    "a",
    "molecules " * 30,
    "a query of the papers " * 9,
    "neural retrieval",
    "the graph",
]

VALUES: dict[str, list[Any]] = {
    "inputs": [
        TEXTS[0],
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, object),
        TEXTS[:1],
        [],
        [(TEXTS[0], TEXTS[1]), TEXTS[2], TEXTS[3:5]],
        (TEXTS[0], TEXTS[1]),
        np.array([TEXTS[:2], TEXTS[2:4]]),
        {"text": TEXTS[0]},
        {"text": TEXTS[:2]},
        [{"text": TEXTS[0]}, {"text": (TEXTS[1], TEXTS[2])}, TEXTS[3]],
    ],
    "prompt_name": [None, "other", "unknown"],
    "prompt": [None, "", " ", "query: ", "graph of the papers " * 200],
    "batch_size": [1, 3, 32, 1000, 0, -1],
    "show_progress_bar": [None, True, False],
    "output_value": ["sentence_embedding", "token_embeddings", None],
    "precision": [None, "float32", "int8", "uint8", "binary", "ubinary", "float8"],
    "convert_to_numpy": [True, False],
    "convert_to_tensor": [True, False],
    "device": [None, "cpu", torch.device("cpu")],
    "normalize_embeddings": [True, False],
    "truncate_dim": [None, 8, 1000],
    "pool": [None],  # and one, in `pool`
    "chunk_size": [None, 1, 3, 1000],
}
"""Values for each argument of `encode`, the forbidden ones as well."""

NAMED_VALUES: list[dict[str, Any]] = [
    {"processing_kwargs": {"text": {"max_length": 8}}},
    {"processing_kwargs": {}},
    {"nonsense": 1},
    {"sentences": TEXTS},
    {"prompt": "query: ", "batch_size": 2, "output_value": "token_embeddings"},
    {"prompt": "query: ", "output_value": None},
    {"prompt_name": "other", "convert_to_numpy": False, "truncate_dim": 8},
    {"convert_to_tensor": True, "precision": "binary"},
    {"inputs": TEXTS[0], "prompt": "query: ", "convert_to_tensor": True},
    {"inputs": [(TEXTS[0], TEXTS[1]), TEXTS[2]], "prompt": "query: "},
    {"inputs": TEXTS[0], "output_value": None, "batch_size": 1},
    {"inputs": TEXTS[0], "output_value": "token_embeddings", "prompt": " "},
    {"inputs": [], "convert_to_tensor": True},
    {"inputs": [], "convert_to_numpy": False},
]
"""Arguments that have no place of their own, and some together."""

# Workers measure integer precisions chunk by chunk in Sentence Transformers 5, and hang at a bad call there.
_NOT_IN_POOLS = (
    {"precision": "int8"},
    {"precision": "uint8"},
    {"batch_size": 0},
    {"batch_size": -1},
    {"device": "cpu"},
)


@dataclass(frozen=True)
class Call:
    """One call: its arguments by place and by name."""

    method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __str__(self) -> str:
        args = [*map(_shown, self.args), *(f"{name}={_shown(value)}" for name, value in self.kwargs.items())]
        return f"{self.method}({', '.join(args)})"


def _shown(value: Any) -> str:
    if value is TEXTS:
        return "TEXTS"
    shown = " ".join(repr(value).split())
    return shown if len(shown) < 80 else f"{shown[:80]}..."


def parameters(method: str = "encode") -> dict[str, inspect.Parameter]:
    """The arguments of a method of Sentence Transformers that have a place."""
    found = dict(inspect.signature(getattr(SentenceTransformer, method)).parameters)
    return {
        name: parameter
        for name, parameter in found.items()
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    }


def given() -> Iterator[dict[str, Any]]:
    """One argument after the other, with each of its values, and some together."""
    for name, values in VALUES.items():
        yield from ({name: value} for value in values)
    yield from NAMED_VALUES


def calls(pool: Any = None) -> Iterator[Call]:
    """Every argument, by name and by place."""
    for method in METHODS:
        places = list(parameters(method))
        for named in given():
            if pool is not None and any(named.items() >= left_out.items() for left_out in _NOT_IN_POOLS):
                continue
            inputs = {} if {"sentences", "inputs"} & named.keys() else {"inputs": TEXTS}
            workers = {} if pool is None else {"pool": pool}
            yield Call(method, (), {**inputs, **named, **workers})
            name, *others = named
            if name in places and not others:
                before = _before(name, places, pool)
                by_place = pool is None or name == "pool" or "pool" in places[: len(before)]
                value = pool if name == "pool" else named[name]
                yield Call(method, (*before, value), {} if by_place else workers)


def _before(name: str, places: list[str], pool: Any) -> list[Any]:
    stand_in = {"inputs": TEXTS, "pool": DEFAULT if pool is None else pool}
    return [stand_in.get(place, DEFAULT) for place in places[: places.index(name)]]


class _Default:
    """In the place of an argument: what the model that is asked has for its default."""

    def __repr__(self) -> str:
        return "..."


DEFAULT = _Default()


def made(model: SentenceTransformer, call: Call) -> Any:
    """What a call gives, or the kind and the first words of what it raises."""
    theirs = parameters(call.method)
    ours = inspect.signature(getattr(type(model), call.method)).parameters
    defaults = [(ours[name] if name in ours else theirs[name]).default for name in theirs]
    args = [default if arg is DEFAULT else arg for arg, default in zip(call.args, defaults, strict=False)]
    try:
        return getattr(model, call.method)(*args, **call.kwargs)
    except (TypeError, ValueError, IndexError) as error:  # 5.7 has the last for output_value=None
        return type(error), str(error).replace(type(model).__name__, "Model").partition(". As per")[0]


def assert_same(ours: Any, theirs: Any, where: str) -> None:
    """Equal, to rounding; of a batch's tokens only those that are no padding."""
    assert type(ours) is type(theirs), f"{where}: {ours!r} is no {theirs!r}"
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), f"{where}: {sorted(ours)} are not {sorted(theirs)}"
        masks = (ours["attention_mask"].bool(), theirs["attention_mask"].bool())
        for key in theirs:
            pair = (ours[key], theirs[key])
            if key in ("token_embeddings", "input_ids", "token_type_ids"):
                pair = (pair[0][masks[0]], pair[1][masks[1]])
            elif key == "attention_mask":
                pair = (pair[0].sum(), pair[1].sum())
            assert_same(*pair, f"{where}[{key!r}]")
    elif isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs), f"{where}: {len(ours)} are not {len(theirs)}"
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(one, other, f"{where}[{number}]")
    elif isinstance(theirs, Tensor | np.ndarray):
        assert ours.dtype == theirs.dtype, f"{where}: {ours.dtype} is not {theirs.dtype}"
        assert ours.shape == theirs.shape, f"{where}: {ours.shape} is not {theirs.shape}"
        # A number that lies between two steps of a precision may fall to either side.
        tolerance = 1e-5 if ours.dtype in (np.float32, torch.float32) else 1
        np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), 0, tolerance, err_msg=where)
    else:
        assert ours == theirs, f"{where}: {ours!r} is not {theirs!r}"


def watched(name: str, call: Call, ask: Callable[[], Any]) -> Any:
    """Say the call, and end the process should it hang."""
    print(name, call, flush=True)  # noqa: T201
    faulthandler.dump_traceback_later(LIMIT_SECONDS, exit=True)
    try:
        return ask()
    finally:
        faulthandler.cancel_dump_traceback_later()


def compare(name: str, ours: SentenceTransformer, theirs: SentenceTransformer, every: Iterator[Call]) -> None:
    """Make each call of two models and compare what they give."""
    for model in (ours, theirs):
        model.prompts = dict(PROMPTS)
    for call in every:
        found = watched(name, call, lambda call=call: made(ours, call))
        assert_same(found, made(theirs, call), f"{name} {call}")


def stock() -> SentenceTransformer:
    """The base without adapters, in which no code of this package takes part."""
    return SentenceTransformer(modules=[Transformer(str(ORACLE / "models" / "base")), Pooling(48, "cls")], device="cpu")


def alone(folder: str) -> None:
    """Every call in this process."""
    plain = SentenceTransformer(folder, device="cpu", trust_remote_code=True)
    bare = load_specter2(ORACLE / "models", adapters={}, device="cpu")
    compare("loaded, without adapters:", bare, stock(), calls())
    compare("saved, without adapters:", SentenceTransformer(modules=list(bare), device="cpu"), stock(), calls())
    compare("loaded:", load_specter2(ORACLE / "models", device="cpu"), plain, calls())
    compare("saved:", plain, load_specter2(ORACLE / "models", device="cpu", engine="reference"), calls())


def pool(folder: str) -> None:
    """Every call of a pool, and lists of devices, by name and by place."""
    plain = SentenceTransformer(folder, device="cpu", trust_remote_code=True)
    ours = load_specter2(ORACLE / "models", device="cpu")
    for name, model in (("loaded, in a pool:", ours), ("saved, in a pool:", plain)):
        workers = model.start_multi_process_pool(["cpu"])
        try:
            for call in calls(workers):
                model.prompts = plain.prompts = dict(PROMPTS)
                found = watched(name, call, lambda call=call, model=model: made(model, call))
                by_itself = {key: value for key, value in call.kwargs.items() if key != "pool"}
                args = tuple(None if arg is workers else arg for arg in call.args)
                assert_same(found, made(plain, Call(call.method, args, by_itself)), f"{name} {call}")
        finally:
            model.stop_multi_process_pool(workers)
    places = list(parameters())
    by_place = (TEXTS, *[DEFAULT] * (places.index("device") - 1), ["cpu"])
    expected = plain.encode(TEXTS)
    for call in (Call("encode", by_place, {}), Call("encode", (TEXTS,), {"device": ["cpu"], "prompt": "query: "})):
        found = watched("loaded:", call, lambda call=call: made(ours, call))
        assert_same(found, plain.encode(TEXTS, prompt=call.kwargs.get("prompt")), f"{call} {expected.shape}")


if __name__ == "__main__":
    {"alone": alone, "pool": pool}[sys.argv[2]](sys.argv[1])
    print("done", flush=True)  # noqa: T201
