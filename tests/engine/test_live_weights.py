"""The engine computes with the weights that the model has now, whatever changed them."""

from __future__ import annotations

import copy
import io
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import BertModel

from specter2_plugins.adapters import Adapter, use_adapter
from tests.engine.bert import HOULSBY, assert_equal, fast, new_adapter, new_base, randomise, reference, sentences

IDS = sentences([5, 40, 300])


def train(base: BertModel, adapter: Adapter, **settings: Any) -> None:
    parameters = [*base.parameters(), *adapter.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=0.01, **settings)
    for _ in range(2):
        with use_adapter(adapter):
            base(input_ids=torch.tensor([IDS[0]])).last_hidden_state.square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


def load(base: BertModel, adapter: Adapter) -> None:
    base.load_state_dict(new_base(seed=7).state_dict())
    adapter.load_state_dict(new_adapter(seed=8).state_dict())


def load_by_assignment(base: BertModel, adapter: Adapter) -> None:
    base.load_state_dict(new_base(seed=7).state_dict(), assign=True)
    adapter.load_state_dict(new_adapter(seed=8).state_dict(), assign=True)


def write_into_data(base: BertModel, adapter: Adapter) -> None:
    for parameter in [*base.parameters(), *adapter.parameters()]:
        parameter.data.copy_(parameter.data * 1.3)


def replace_data(base: BertModel, adapter: Adapter) -> None:
    for parameter in [*base.parameters(), *adapter.parameters()]:
        parameter.data = parameter.data * 1.3


def write_through_numpy(base: BertModel, adapter: Adapter) -> None:
    for parameter in [*base.parameters(), *adapter.parameters()]:
        parameter.detach().numpy()[...] *= 1.3


def write_in_inference_mode(base: BertModel, adapter: Adapter) -> None:
    with torch.inference_mode():
        randomise(base, 0.1)
        randomise(adapter, 0.1)


CHANGES: dict[str, Callable[[BertModel, Adapter], None]] = {
    "AdamW": train,
    "AdamW foreach": lambda base, adapter: train(base, adapter, foreach=True),
    "AdamW fused": lambda base, adapter: train(base, adapter, fused=True),
    "load_state_dict": load,
    "load_state_dict(assign=True)": load_by_assignment,
    "data.copy_": write_into_data,
    "data = ...": replace_data,
    "numpy": write_through_numpy,
    "inference mode": write_in_inference_mode,
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_weights_are_used_at_once(kernel: str, change: str) -> None:
    base, adapter = new_base(), new_adapter()
    before = fast(base, IDS, [adapter] * 3)
    CHANGES[change](base, adapter)
    after = fast(base, IDS, [adapter] * 3)
    assert_equal(after, reference(base, IDS, [adapter] * 3))
    assert all((one - other).abs().max() > 1e-3 for one, other in zip(before, after, strict=True))


def test_casting_there_and_back(kernel: str) -> None:
    base, adapter = new_base(), new_adapter()
    fast(base, IDS, [adapter] * 3)
    base.to(torch.bfloat16), adapter.to(torch.bfloat16)
    assert fast(base, IDS, [adapter] * 3)[0].dtype == torch.bfloat16
    base.to(torch.float32), adapter.to(torch.float32)
    assert_equal(fast(base, IDS, [adapter] * 3), reference(base, IDS, [adapter] * 3))


def test_weights_made_in_inference_mode() -> None:
    with torch.inference_mode():
        base, adapter = new_base(), new_adapter()
    assert_equal(fast(base, IDS, [adapter] * 3), reference(base, IDS, [adapter] * 3))


def test_a_pass_leaves_nothing_behind(kernel: str) -> None:
    base, adapter = new_base(), new_adapter()
    state = [set(vars(module)) for module in base.modules()]
    saved = {name: tensor.clone() for name, tensor in [*base.state_dict().items(), *adapter.state_dict().items()]}
    fast(base, IDS, [adapter] * 3)
    assert [set(vars(module)) for module in base.modules()] == state
    for name, tensor in [*base.state_dict().items(), *adapter.state_dict().items()]:
        assert torch.equal(tensor, saved[name])


def test_copies_and_pickles_compute_the_same() -> None:
    base, adapter = new_base(), new_adapter()
    expected = fast(base, IDS, [adapter] * 3)
    assert_equal(fast(copy.deepcopy(base), IDS, [copy.deepcopy(adapter)] * 3), expected, 0)
    buffer = io.BytesIO()
    torch.save((base, adapter), buffer)
    buffer.seek(0)
    base, adapter = torch.load(buffer, weights_only=False)
    assert_equal(fast(base, IDS, [adapter] * 3), expected, 0)


def _in_another_process(base: BertModel, adapter: Adapter) -> list[list[list[float]]]:
    return [each.tolist() for each in fast(base, IDS, [adapter] * 3, first_only=True)]


def test_a_shared_model_in_a_spawned_process() -> None:
    base, adapter = new_base().share_memory(), new_adapter().share_memory()
    expected = fast(base, IDS, [adapter] * 3, first_only=True)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        got = pool.apply(_in_another_process, (base, adapter))
    assert_equal([torch.tensor(each) for each in got], expected)


def test_threads_with_different_adapters_on_one_base() -> None:
    base = new_base()
    adapters = [None, new_adapter(), new_adapter(HOULSBY, 3)]
    expected = [reference(base, IDS, [adapter] * 3) for adapter in adapters]

    def work(number: int) -> tuple[int, list[Tensor]]:
        return number % 3, fast(base, IDS, [adapters[number % 3]] * 3)

    with ThreadPoolExecutor(6) as pool:
        for number, got in pool.map(work, range(60)):
            assert_equal(got, expected[number])
