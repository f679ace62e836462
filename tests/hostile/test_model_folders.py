"""Model folders that somebody made to be opened: one line, and no foreign code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specter2_plugins.adapters.config import BottleneckConfig
from specter2_plugins.checkpoints import refuse_foreign, saved_modules
from specter2_plugins.errors import AdapterError, CheckpointError


@pytest.mark.parametrize("named", ["evil.Evil", "os.system", "sentence_transformersx.A", 5, None])
def test_foreign_modules_are_refused_before_anything_is_imported(tmp_path: Path, named: object) -> None:
    (tmp_path / "evil.py").write_text("raise SystemExit('run')")
    entries = [{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": named, "path": "1"}]
    (tmp_path / "modules.json").write_text(json.dumps(entries))
    with pytest.raises(CheckpointError, match="it is not run"):
        refuse_foreign(saved_modules(tmp_path), str(tmp_path))


@pytest.mark.parametrize("text", ["{", "5", "[5]", '[{"type": "a"}]', "[" * 100_000])
def test_damaged_modules(tmp_path: Path, text: str) -> None:
    (tmp_path / "modules.json").write_text(text)
    with pytest.raises(CheckpointError, match="is no list of modules"):
        saved_modules(tmp_path)


@pytest.mark.parametrize("wrong", [{"leave_out": 5}, {"leave_out": ["a"]}, {"dropout": "x"}, {"dropout": None}])
def test_adapters_with_wrong_settings(wrong: dict[str, object]) -> None:
    right = {"mh_adapter": False, "output_adapter": True, "reduction_factor": 16, "non_linearity": "relu"}
    with pytest.raises(AdapterError, match=next(iter(wrong))):
        BottleneckConfig.from_dict({**right, **wrong})
