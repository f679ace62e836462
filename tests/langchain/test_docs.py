"""What the documents show runs as it stands there, but for the model and the language model."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from langchain_core.language_models import FakeListChatModel

from specter2_plugins import Paper, Specter2
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.qdrant import open_client

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("document", ["README.md", "docs/langchain.md"])
def test_the_way_to_a_cited_answer(
    document: str,
    tmp_path: Path,
    mini: Specter2,
    papers: list[Paper],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, section = (ROOT / document).read_text(encoding="utf-8").split("# LangChain\n")
    code = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]
    asked: list[str] = []

    class ChatOllama(FakeListChatModel):
        responses: list[str] = ["As told [@rank]."]

        def _call(self, messages: list[object], *args: object, **kwargs: object) -> str:
            asked.append(str(messages))
            return super()._call(messages, *args, **kwargs)

    ollama = ModuleType("langchain_ollama")
    ollama.ChatOllama = ChatOllama  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "langchain_ollama", ollama)
    monkeypatch.setattr("specter2_plugins.langchain.embeddings.load_specter2", lambda *_, **__: mini)
    monkeypatch.chdir(tmp_path)
    with open_client(store="papers.qdrant") as client:
        ingest_papers(papers, client, mini)
    exec(code, {})
    assert capsys.readouterr().out == "As told [@rank].\n"
    assert "[@rank] Neural ranking models" in asked[0]
    assert "How are neural ranking models trained?" in asked[0]
