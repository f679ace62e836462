"""Texts without any text: taken with a word about it, as hosts need it, or refused where that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from specter2_plugins import Specter2
from specter2_plugins.errors import BlankError, PaperError
from specter2_plugins.sentence_transformers.passes import Routed

BLANK: list[Any] = [
    "",
    " \t\n\u2003",
    {"title": "", "abstract": None},
    {"title": None, "text": " "},
    {"text": ""},
    {"text": None},
    ("", " "),
    {"text": ["", ""]},
]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    caplog.clear()
    return found


def empty_paper(model: Specter2, task: str | None = None) -> np.ndarray:
    """What the base and the adapter make of the separator alone, as of a title and an abstract that are empty."""
    return model.encode(model.transformer.sep_token, task=task)


@pytest.mark.parametrize("record", BLANK, ids=repr)
def test_a_blank_input_has_the_vector_of_an_empty_paper(
    model: Specter2, caplog: pytest.LogCaptureFixture, record: Any
) -> None:
    for task in ("query", "document", "base"):
        found = model.encode(["a text", record, {"title": "A title"}, record], task=task)
        np.testing.assert_allclose(found[1], empty_paper(model, task), atol=1e-6)
        np.testing.assert_array_equal(found[1], found[3])
        np.testing.assert_allclose(found[[0, 2]], model.encode(["a text", {"title": "A title"}], task=task), atol=1e-6)
        assert warnings(caplog) == [
            "2 of 4 inputs hold no text, the first at position 1: they get the vector of an empty paper; "
            "on_blank='raise' refuses them"
        ]
    model.encode(["a text", record], batch_size=1)
    assert len(warnings(caplog)) == 1
    assert np.isfinite(empty_paper(model)).all()


@pytest.mark.parametrize("record", ["", {"title": "", "abstract": ""}], ids=repr)
def test_one_blank_input(model: Specter2, caplog: pytest.LogCaptureFixture, record: Any) -> None:
    np.testing.assert_allclose(model.encode_query(record), empty_paper(model, "query"), atol=1e-6)
    assert len(warnings(caplog)) == 1


@pytest.mark.parametrize("record", BLANK, ids=repr)
def test_the_strict_refuse_it_by_its_position(model: Specter2, record: Any) -> None:
    for encode in (model.encode, model.encode_query, model.encode_document):
        with pytest.raises(BlankError, match=r"^input 1: .*nothing to embed"):
            encode(["a text", record], on_blank="raise")
    with pytest.raises(PaperError, match="on_blank is 'drop', expected one of 'warn', 'raise'"):
        model.encode(["a text"], on_blank="drop")


def test_a_blank_input_of_a_task_of_its_own(model: Specter2, caplog: pytest.LogCaptureFixture) -> None:
    inputs: list[Any] = ["a text", "", ("a", "pair"), "  "]
    tasks = ["query", "classification", "document", None]
    expected = [model.encode([record], task=task)[0] for record, task in zip(inputs, tasks, strict=True)]
    caplog.clear()
    np.testing.assert_allclose(model.encode(inputs, task=tasks), expected, atol=1e-5)
    assert warnings(caplog)[0].startswith("2 of 4 inputs hold no text, the first at position 1")


def test_a_pair_keeps_its_task_on_the_way_to_another_process() -> None:
    import pickle

    for text in ("a", ("a", "b")):
        routed = pickle.loads(pickle.dumps(Routed.of(text, "query")))
        assert routed == text
        assert routed.task == "query"


def test_a_model_that_plain_sentence_transformers_opened_takes_it(
    model: Specter2, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model.save_pretrained(str(tmp_path / "saved"))
    plain = SentenceTransformer(str(tmp_path / "saved"), trust_remote_code=True, device="cpu")
    caplog.clear()
    np.testing.assert_allclose(plain.encode_document(["a", ""])[1], empty_paper(model), atol=1e-6)
    assert "1 of 2 inputs hold no text, the first at position 1 of this batch" in warnings(caplog)[0]


def test_a_document_of_beir_keeps_its_text(model: Specter2) -> None:
    found = model.encode_document([{"_id": "1", "title": "A title", "text": "The body"}])
    np.testing.assert_allclose(found[0], model.encode_document({"title": "A title", "abstract": "The body"}), atol=1e-6)
