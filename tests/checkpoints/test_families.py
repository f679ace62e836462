"""What a name or folder stands for."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import pytest

from specter2_plugins import CheckpointError, MissingExtraError
from specter2_plugins.checkpoints.families import DEFAULT_CHECKPOINT, MINI, families
from specter2_plugins.checkpoints.resolve import Checkpoint, resolve
from specter2_plugins.checkpoints.saved import SavedModule, saved_modules
from specter2_plugins.tasks import TASK_FORMATS
from tests.conftest import Oracle

FAMILIES = families()
OLD_NAMES = {
    "allenai/specter2": "'allenai/specter2' was the name of the base before August 2023",
    "allenai/specter2_proximity": "'allenai/specter2_proximity' was the name of the proximity adapter before August "
    "2023",
}
HUB_FAMILIES = {name: family for name, family in FAMILIES.items() if name != MINI}
ADAPTERS = [(repo, base) for base, family in HUB_FAMILIES.items() for repo in family.adapters.values()]


def test_families_with_adapters_have_all_four() -> None:
    with_adapters = [base for base, family in HUB_FAMILIES.items() if family.adapters]
    assert with_adapters == ["allenai/specter2_base", "allenai/specter2_aug2023refresh_base", "malteos/scincl"]
    assert all(list(FAMILIES[base].adapters) == list(TASK_FORMATS) for base in with_adapters)
    assert len({repo for repo, _ in ADAPTERS}) == 12
    assert FAMILIES[DEFAULT_CHECKPOINT].adapters["proximity"] == "allenai/specter2"


@pytest.mark.parametrize("base", HUB_FAMILIES)
def test_a_bases_name_brings_its_family(base: str, caplog: pytest.LogCaptureFixture) -> None:
    assert resolve(base) == Checkpoint(base, FAMILIES[base].adapters, FAMILIES[base])
    assert not caplog.records


@pytest.mark.parametrize("name", OLD_NAMES)
def test_old_names_are_understood_and_logged(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "specter2_plugins"):
        assert resolve(name).family is FAMILIES["allenai/specter2_base"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{OLD_NAMES[name]}; loading 'allenai/specter2_base' with its adapters"
    ]


@pytest.mark.parametrize(("repo", "base"), [pair for pair in ADAPTERS if pair[0] not in OLD_NAMES])
def test_an_adapters_name_is_no_base(repo: str, base: str) -> None:
    with pytest.raises(CheckpointError, match=f"'{repo}' is the .* adapter of '{base}', not a base model") as caught:
        resolve(repo)
    assert f"Use load_specter2({base!r})" in str(caught.value)
    assert ("August 2023" in str(caught.value)) == (base == "allenai/specter2_base")


def test_another_hub_name_is_a_base_without_adapters() -> None:
    assert resolve("some-org/some-bert") == Checkpoint("some-org/some-bert")


@pytest.mark.parametrize("name", ["", "nonsense", "./nowhere", "/no/such/folder", "a/b/c", "~/models", "../x"])
def test_what_is_neither_folder_nor_hub_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        CheckpointError, match=r"neither an existing folder.* nor a hub name like 'allenai/specter2_base'"
    ):
        resolve(name)


def test_the_archives_layout(oracle: Oracle) -> None:
    expected = {task: str(oracle.models / "adapters" / task) for task in TASK_FORMATS}
    for folder in (oracle.models, str(oracle.models), oracle.models.parent):
        found = resolve(folder)
        assert found.base == str(oracle.base)
        assert found.adapters == expected
        assert list(found.adapters) == list(TASK_FORMATS)


def test_adapters_of_ones_own_in_the_archives_layout(oracle: Oracle, tmp_path: Path) -> None:
    shutil.copytree(oracle.base, tmp_path / "base")
    for name in ("patents", "regression", "citations"):
        shutil.copytree(oracle.adapters / "seq_bn", tmp_path / "adapters" / name)
    (tmp_path / "adapters" / "notes").mkdir()
    assert list(resolve(tmp_path).adapters) == ["regression", "citations", "patents"]


def test_a_transformers_folder_is_a_base_alone(oracle: Oracle, tmp_path: Path) -> None:
    folder = shutil.copytree(oracle.base, tmp_path / "bert")
    assert resolve(folder) == Checkpoint(str(folder))


def test_the_archives_base_has_its_adapters_beside_it(oracle: Oracle) -> None:
    assert resolve(oracle.base) == resolve(oracle.models)


def test_folders_that_are_no_model(oracle: Oracle, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no model: expected base/config.json with adapters/<task>/"):
        resolve(tmp_path)
    with pytest.raises(CheckpointError, match="holds an adapter, not a base model"):
        resolve(oracle.adapters / "seq_bn")


def test_mini() -> None:
    found = resolve("mini")
    assert (Path(found.base) / "config.json").is_file()
    assert list(found.adapters) == list(TASK_FORMATS)


def test_mini_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specter2_plugins.checkpoints.families.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'specter2-plugins\[mini\]'"):
        resolve("mini")


def test_saved_modules(tmp_path: Path) -> None:
    assert saved_modules(tmp_path) == []
    entries = [
        {"idx": 0, "name": "0", "path": "", "type": "a.B"},
        {"idx": 1, "name": "1", "path": "1_C", "type": "a.C"},
    ]
    (tmp_path / "modules.json").write_text(json.dumps(entries), encoding="utf-8")
    assert saved_modules(tmp_path) == [SavedModule("a.B", ""), SavedModule("a.C", "1_C")]
