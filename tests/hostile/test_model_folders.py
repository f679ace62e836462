"""Model folders that somebody made to be opened: one line, and no foreign code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from specter2_plugins import load_specter2
from specter2_plugins.adapters.config import BottleneckConfig
from specter2_plugins.checkpoints.code import refuse_code
from specter2_plugins.checkpoints.saved import refuse_foreign, saved_modules
from specter2_plugins.errors import AdapterError, CheckpointError
from specter2_plugins.sparse import load_splade
from tests.conftest import Oracle


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


KERNELS = {
    "config.json": [
        {"_attn_implementation_internal": "evil/kernel"},
        {"attn_implementation": "evil/kernel@main:run"},
        {"_attn_implementation": {"": "sdpa", "text_config": "evil/kernel"}},
        {"text_config": {"attn_implementation": "evil/kernel"}},
        {"experts_implementation": "evil/kernel"},
        {"use_kernels": True},
        {"trust_remote_code": True},
    ],
    "sentence_bert_config.json": [
        {"model_args": {"attn_implementation": "evil/kernel"}},
        {"model_args": {"trust_remote_code": True}},
        {"config_args": {"attn_implementation": "evil/kernel"}},
    ],
    "tokenizer_config.json": [{"trust_remote_code": True}],
}


@pytest.mark.parametrize(
    ("file", "settings"), [(file, one) for file, several in KERNELS.items() for one in several], ids=ascii
)
def test_code_on_the_hub_is_refused_before_transformers_reads_its_name(
    tmp_path: Path, oracle: Oracle, file: str, settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Path(shutil.copytree(oracle.base, tmp_path / "base"))
    path = base / file
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.is_file() else {}), **settings}))
    for part in ("transformers.AutoConfig", "transformers.AutoModel", "transformers.AutoTokenizer"):
        monkeypatch.setattr(f"{part}.from_pretrained", None)
    with pytest.raises(CheckpointError, match="not run") as refused:
        load_specter2(base, adapters={})
    assert str(path) in str(refused.value)
    with pytest.raises(CheckpointError, match="not run"):
        load_splade(base)


@pytest.mark.parametrize("settings", [{"attn_implementation": "sdpa"}, {"_attn_implementation": None, "url": "a/b"}])
def test_attentions_of_the_library_are_not(settings: dict[str, object]) -> None:
    refuse_code(settings, "config.json")
