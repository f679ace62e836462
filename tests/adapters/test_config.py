"""`BottleneckConfig` against the library's own configurations."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest

from specter2_plugins import AdapterError
from specter2_plugins.adapters import BottleneckConfig
from specter2_plugins.adapters.config import NAMED_CONFIGS

PFEIFFER = {"mh_adapter": False, "output_adapter": True, "reduction_factor": 16, "non_linearity": "relu"}


def test_dicts_and_back() -> None:
    config = BottleneckConfig.from_dict({**PFEIFFER, "leave_out": [1], "scaling": 2, "phm_layer": False, "phm_dim": 4})
    assert config.leave_out == (1,)
    assert config.scaling == 2.0
    assert BottleneckConfig.from_dict(config.to_dict()) == config
    assert BottleneckConfig.from_dict({**PFEIFFER, "leave_out": None}).leave_out == ()


def test_sizes() -> None:
    config = BottleneckConfig.from_dict({**PFEIFFER, "reduction_factor": {"0": 8, "2": 0.5, "default": 1000}})
    assert [config.bottleneck_size(layer, 48) for layer in range(3)] == [6, 1, 96]


def test_post_add_needs_a_residual_to_add() -> None:
    with pytest.raises(AdapterError, match="needs original_ln_before=True"):
        BottleneckConfig.from_dict({**PFEIFFER, "residual_before_ln": "post_add"})


def test_names_and_defaults_are_the_librarys() -> None:
    library = pytest.importorskip("adapters")
    for name, ours in NAMED_CONFIGS.items():
        theirs = library.AdapterConfig.load(name).to_dict()
        assert BottleneckConfig.from_dict(theirs) == ours, name
    theirs = {field.name: field for field in fields(library.BnConfig)}
    for field in fields(BottleneckConfig):
        if field.default is not MISSING and field.name != "leave_out":
            assert theirs[field.name].default == field.default, field.name
