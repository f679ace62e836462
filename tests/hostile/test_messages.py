"""What errors quote of foreign files: one line, and no longer than a few."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from specter2_plugins.adapters.config import BottleneckConfig
from specter2_plugins.errors import AdapterError, PaperError, Specter2Error, brief
from specter2_plugins.printable import from_json
from specter2_plugins.readers import Rejected, read_papers
from specter2_plugins.scirepeval import read_file

DAMAGED = {
    "deep list": "[" * 100_000,
    "deep object": '{"a":' * 100_000,
    "digits": "9" * 5000,
    "bytes": b"\xff\xfe\xfa",
    "nothing": "",
    "NUL": b"\x00" * 50,
}
"""What `json.loads` has errors of four kinds for."""


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_json_is_one_kind_of_error(name: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        from_json(DAMAGED[name])


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("ending", [".json", ".jsonl"])
def test_files_of_damaged_json(tmp_path: Path, name: str, ending: str) -> None:
    content = DAMAGED[name]
    path = tmp_path / f"rows{ending}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if content:
        with pytest.raises(Specter2Error, match=r"rows\.json") as refused:
            list(read_file(path))
        assert "\n" not in str(refused.value)


def test_a_long_message_keeps_both_ends() -> None:
    error = PaperError("begin " + "x\n" * 500_000 + " end")
    assert len(str(error)) < 1100
    assert str(error).startswith("begin x x")
    assert str(error).endswith("x  end")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert brief("short") == "short"


@pytest.mark.parametrize(
    "reject",
    [
        lambda text: Rejected("a.bib", 1, text, "why"),
        lambda text: Rejected("a.bib", 1, None, text),
    ],
)
def test_a_rejected_record_is_a_line(reject: Callable[[str], Rejected]) -> None:
    shown = str(reject("a\n" * 5_000_000))
    assert "\n" not in shown
    assert len(shown) < 1200


def test_a_rejected_record_keeps_its_id() -> None:
    assert Rejected("a", 1, "a" * 5000, "why").id == "a" * 5000


def test_keys_of_a_file_are_not_all_quoted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x" * 100_000 + ",y\n1,2\n")
    with pytest.raises(PaperError, match="no column is called a title or an abstract") as refused:
        list(read_papers(path))
    assert len(str(refused.value)) < 1100


@pytest.mark.parametrize(
    "wrong",
    [
        {"scaling": 10**400},
        {"scaling": float("nan")},
        {"scaling": float("inf")},
        {"reduction_factor": 10**400},
        {"reduction_factor": {"0": float("nan")}},
        {"dropout": 10**400},
        {"mh_adapter": "false"},
        {"original_ln_before": 5},
        {"non_linearity": ["x" * 1_000_000]},
        {"x" * 1_000_000: True},
    ],
    ids=lambda wrong: ascii(wrong)[:30],
)
def test_adapters_with_absurd_settings(wrong: dict[str, object]) -> None:
    right = {"mh_adapter": False, "output_adapter": True, "reduction_factor": 16, "non_linearity": "relu"}
    with pytest.raises(AdapterError) as refused:
        BottleneckConfig.from_dict({**right, **wrong})
    assert len(str(refused.value)) < 1100


@pytest.mark.parametrize("config", [5, None, [], True])
def test_adapters_without_settings(config: object) -> None:
    with pytest.raises(AdapterError, match="expected an object"):
        BottleneckConfig.from_dict(config)  # type: ignore[arg-type]
