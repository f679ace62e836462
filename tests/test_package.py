"""What `import specter2_plugins` brings in, and what it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import specter2_plugins

HEAVY = "torch, transformers, sentence_transformers, numpy, huggingface_hub, qdrant_client, langchain_core, adapters"
LIGHT = ["", ".checkpoints.hub", ".checkpoints.resolve", ".checkpoints.saved", ".errors", ".papers.payloads", ".tasks"]


def brought_in(modules: list[str], names: str) -> str:
    imports = "; ".join(f"import specter2_plugins{module}" for module in modules)
    code = f"{imports}; import sys; print([name for name in '{names}'.split(', ') if name in sys.modules])"
    root = Path(__file__).parent.parent
    return subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout


def test_importing_is_light() -> None:
    assert brought_in(LIGHT, HEAVY).strip() == "[]"


def test_reading_and_searching_words_need_no_torch() -> None:
    pytest.importorskip("qdrant_client")
    assert brought_in([".readers", ".qdrant", ".sparse"], "torch, sentence_transformers").strip() == "[]"


def test_every_public_name_is_there() -> None:
    for name in specter2_plugins.__all__:
        assert getattr(specter2_plugins, name)
    with pytest.raises(AttributeError, match="no attribute 'load_specter3'"):
        specter2_plugins.load_specter3  # noqa: B018
