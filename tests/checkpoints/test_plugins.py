"""Families that other packages add by entry points: the example of docs/loading.md, and packages that are broken."""

from __future__ import annotations

import logging
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from specter2_plugins import load_specter2
from specter2_plugins.checkpoints.families import GROUP, families
from tests.cli.conftest import Command, specter2  # noqa: F401  # a fixture
from tests.conftest import Oracle

DOC = (Path(__file__).parents[2] / "docs" / "loading.md").read_text(encoding="utf-8")
Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put packages on the path as pip would: their modules, and the metadata that names their entry points."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = set(sys.modules)

    def put(package: str, code: str, **entry_points: str) -> Path:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(code, encoding="utf-8")
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"[{GROUP}]", *(f"{name} = {value}" for name, value in entry_points.items())]
        (info / "entry_points.txt").write_text("\n".join(lines))
        families.cache_clear()
        return tmp_path / package

    yield put
    for name in set(sys.modules) - modules:
        if not name.startswith(("specter2_plugins", "torch", "transformers", "sentence_transformers")):
            del sys.modules[name]
    families.cache_clear()


def block(language: str, title: str) -> str:
    found = re.search(rf"`{re.escape(title)}`:\n\n```{language}\n(.*?)```", DOC, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_of_the_docs(
    install: Install,
    oracle: Oracle,
    specter2: Command,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    code, project = block("python", "patent_specter2/__init__.py"), block("toml", "pyproject.toml")
    entry = re.search(rf'entry-points\."{re.escape(GROUP)}"\]\n(\w+) = "(.*)"', project)
    assert entry is not None
    package = install("patent_specter2", code, **{entry[1]: entry[2]})
    shutil.copytree(oracle.base, package / "base")
    for name, source in [
        ("proximity", oracle.models / "adapters" / "proximity"),
        ("adhoc_query", oracle.models / "adapters" / "adhoc_query"),
        ("claims", oracle.adapters / "par_bn"),
    ]:
        shutil.copytree(source, package / "adapters" / name)

    model = load_specter2("patents", device="cpu")
    assert model.adapter_tasks == ["proximity", "adhoc_query", "claims"]
    np.testing.assert_allclose(model.encode_query(oracle.queries), oracle.vectors["adhoc_query"][-4:], atol=1e-5)
    np.testing.assert_allclose(model.encode(oracle.inputs, task="claims"), oracle.vectors["par_bn"], atol=1e-5)
    other = load_specter2(package / "base", adapters="patents", device="cpu")
    np.testing.assert_array_equal(other.encode_query(["a"]), model.encode_query(["a"]))

    listed = specter2("models").out
    assert "patents\n  BERT for patents, with adapters of our own\n  proximity" in listed
    assert "allenai/specter2_base" in listed
    assert specter2("doctor", "patents", "--device", "cpu").code == 0
    assert not caplog.records


BROKEN = {
    "raises": ("raise RuntimeError('no GPU here')", "raises:FAMILY", "no GPU here"),
    "is_missing": ("", "is_missing:FAMILY", "has no attribute 'FAMILY'"),
    "elsewhere": ("", "no_such_module:FAMILY", "No module named 'no_such_module'"),
    "other": ("FAMILY = 5", "other:FAMILY", "expected a Family, got int"),
    "several": ("FAMILY = [5]", "several:FAMILY", "expected a Family, got int"),
    "taken": (
        "from specter2_plugins.checkpoints import Family\nFAMILY = Family('allenai/specter2_base')",
        "taken:FAMILY",
        "there is a family 'allenai/specter2_base' already",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_package_is_left_out_and_named(name: str, install: Install, caplog: pytest.LogCaptureFixture) -> None:
    code, entry, said = BROKEN[name]
    install(name, code, mine=entry)
    with caplog.at_level(logging.WARNING, "specter2_plugins"):
        found = families()
    assert len(found["allenai/specter2_base"].adapters) == 4
    (record,) = caplog.records
    assert record.getMessage().startswith(f"the models of {name}'s entry point 'mine' ({entry}) are left out: ")
    assert said in record.getMessage()


def test_the_built_in_families_are_read_as_others_are(install: Install) -> None:
    install(
        "two", "from specter2_plugins.checkpoints import Family\nALL = [Family('a/b'), Family('c/d')]", some="two:ALL"
    )
    assert list(families())[-2:] == ["a/b", "c/d"]
    assert "mini" in families()


def test_every_option_of_a_family_is_told_of() -> None:
    from dataclasses import fields

    from specter2_plugins.checkpoints import Family

    for field in fields(Family):
        assert re.search(rf"^ +{field.name}: ", Family.__doc__ or "", re.MULTILINE), field.name
