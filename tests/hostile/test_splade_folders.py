"""SPLADE folders that name code of their own: it is not run, and nobody is asked."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import pytest

from specter2_plugins.errors import CheckpointError
from tests.sparse.conftest import Checkpoints, checkpoints

__all__ = ["checkpoints"]

EVIL = "from pathlib import Path\nPath(__file__ + '.ran').touch()\nPath({marker!r}).touch()\nclass Evil: pass\n"


class Terminal(io.StringIO):
    """A standard input that says yes to whoever asks, and notes that somebody did."""

    asked = False

    def isatty(self) -> bool:
        return True

    def readline(self, size: int | None = -1, /) -> str:
        self.asked = True
        return "y\n"


@pytest.mark.parametrize("model_type", ["bert", "evil"])
@pytest.mark.parametrize("adapter", [False, True])
def test_foreign_code_is_never_run(
    checkpoints: Checkpoints, tmp_path: Path, model_type: str, adapter: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specter2_plugins.sparse import load_splade

    marker = tmp_path / "ran"
    base = Path(shutil.copytree(checkpoints.base, tmp_path / "base"))
    (base / "evil.py").write_text(EVIL.format(marker=str(marker)))
    named = dict.fromkeys(("AutoConfig", "AutoModel", "AutoModelForMaskedLM"), "evil.Evil")
    for file, settings in (
        ("config.json", {"auto_map": named, "model_type": model_type}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["evil.Evil", None]}}),
    ):
        path = base / file
        path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    folder = base
    if adapter:
        folder = Path(shutil.copytree(checkpoints.lora, tmp_path / "lora"))
        path = folder / "adapter_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "base_model_name_or_path": str(base)}))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdin", terminal)
    if model_type == "evil":
        with pytest.raises(CheckpointError) as refused:
            load_splade(folder)
        assert "\n" not in str(refused.value)
        assert str(folder) in str(refused.value)
    else:
        load_splade(folder)
    assert not marker.exists()
    assert not terminal.asked
