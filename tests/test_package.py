"""What `import specter2_plugins` brings in, and what it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import specter2_plugins

HEAVY = "torch, transformers, sentence_transformers, numpy, huggingface_hub, qdrant_client, langchain_core, adapters"
LIGHT = ["", ".checkpoints", ".errors", ".hub", ".papers", ".tasks"]


def test_importing_is_light() -> None:
    imports = "; ".join(f"import specter2_plugins{module}" for module in LIGHT)
    code = f"{imports}; import sys; print([name for name in '{HEAVY}'.split(', ') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    for name in specter2_plugins.__all__:
        assert getattr(specter2_plugins, name)
    with pytest.raises(AttributeError, match="no attribute 'load_specter3'"):
        specter2_plugins.load_specter3  # noqa: B018
