"""`specter2 train`, run as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer")
pytest.importorskip("accelerate")

from specter2_plugins import load_specter2
from tests.checkpoints.hub_server import FakeHub, Repository
from tests.cli.conftest import Command
from tests.conftest import Oracle
from tests.training.conftest import CITATIONS, MESH, TRIPLETS

SMALL = ("--batch-size", 8, "--device-batch-size", 4, "--max-tokens", 24, "--precision", "float32", "--cpu")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(json.dumps(task) + "\n" for task in (MESH, CITATIONS, TRIPLETS)))
    return path


def test_train_resume_and_use(specter2: Command, config: Path, oracle: Oracle, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("train", config, "--out", out, "--model", oracle.models, *SMALL, "--epochs", 1, "--log-every", 1)
    done = specter2(*command)
    assert done.code == 0
    assert done.out.splitlines()[-1] == f"4 steps on 32 examples; the model is in {out}"
    assert "\nmesh_accuracy 0." in done.out
    assert "step 1 of 4: loss " in done.err
    assert "step 4 of 4: mesh_loss " in done.err
    assert "it/s" not in done.err
    assert load_specter2(out, device="cpu").encode("a text", task="classification").shape == (48,)

    again = specter2(*command)
    assert (again.code, again.out) == (1, "")
    assert again.err == f"error: {out} holds checkpoints of an earlier run: resume it, or choose another folder\n"

    further = json.loads(specter2(*command, "--epochs", 2, "--resume", "--json").out)
    assert further["steps"] == 8
    assert further["metrics"]["specter_accuracy"] <= 1


def test_a_base(specter2: Command, config: Path, oracle: Oracle, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = specter2(
        "train", config, "-o", out, "--train", "base", "-m", oracle.base, *SMALL, "--max-steps", 1, "--json"
    )
    assert json.loads(done.out)["examples"] == {"mesh": 12, "cite_count": 12, "specter": 8}
    assert load_specter2(out, device="cpu").transformer.adapter_tasks == []
    assert specter2("train", config, "-o", out, "--train", "base", "--fresh").code == 2


def test_errors_are_one_line(specter2: Command, tmp_path: Path) -> None:
    config = tmp_path / "tasks.json"
    config.write_text(json.dumps([{**MESH, "type": "ranking"}]))
    done = specter2("train", config, "--out", tmp_path / "out")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"error: {config}: task 1 ('mesh'): 'type' is 'ranking', expected one of ")
    assert done.err.count("\n") == 1
    missing = specter2("train", tmp_path / "gone.json", "--out", tmp_path / "out")
    assert (missing.code, missing.err.count("\n")) == (1, 1)
    uneven = specter2("train", config, "--out", tmp_path / "out", "--batch-size", 7, "--device-batch-size", 4)
    assert (uneven.code, "error: batch_size is 7, which" in uneven.err) == (1, True)


def test_a_stop_says_how_to_go_on(
    specter2: Command, config: Path, oracle: Oracle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specter2_plugins.cli import train

    def stop_at(number: int) -> None:
        def log(step: int, steps: int, measured: dict[str, float]) -> None:
            if step == number:
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(train, "print_step", log)

    out = tmp_path / "out"
    command = ("train", config, "-o", out, "-m", oracle.models, *SMALL, "--epochs", 1, "--log-every", 1, "--every", 2)
    line = " ".join(map(str, ("specter2", *command)))
    stop_at(1)
    early = specter2(*command)
    assert (early.code, early.out) == (143, "")
    assert early.err.splitlines()[-1] == f"stopped; no checkpoint is there yet. Begin again with: {line}"
    stop_at(3)
    late = specter2(*command)
    told = f"stopped; the checkpoint of step 2 is kept. Go on with: {line} --resume"
    assert (late.code, late.out, late.err.splitlines()[-1]) == (143, "", told)
    assert specter2(*command, "--resume").err.splitlines()[-1] == told


@pytest.mark.parametrize("option", ["--lr", "--head-lr", "--epochs", "--warmup", "--margin"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_numbers_that_are_none(option: str, value: str, specter2: Command, config: Path, tmp_path: Path) -> None:
    done = specter2("train", config, "--out", tmp_path / "out", option, value)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)


@pytest.mark.slow
def test_pushing(config: Path, oracle: Oracle, tmp_path: Path) -> None:
    """The hub's address is read when its library is imported, hence the processes."""

    def push(token: str) -> subprocess.CompletedProcess[str]:
        arguments = (config, "-o", tmp_path / token, "-m", oracle.models, *SMALL, "--max-steps", 1)
        command = [sys.executable, "-m", "specter2_plugins", "train", *map(str, arguments)]
        environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": token, "HF_HOME": str(tmp_path / "home")}
        environment.pop("HF_HUB_OFFLINE", None)
        return subprocess.run(
            [*command, "--push-to-hub", "lab/my-specter2"], env=environment, capture_output=True, text=True, timeout=200
        )

    with FakeHub({"lab/my-specter2": Repository({}, {}, "right")}) as hub:
        refused = push("wrong")
        assert refused.returncode == 1
        assert refused.stderr.splitlines()[-1].startswith("error: cannot push to 'lab/my-specter2': ")
        assert "step 1 of" not in refused.stderr
        assert push("right").returncode == 0
        repository = hub.repositories["lab/my-specter2"]
    pushed = repository.commits[repository.refs["main"]]
    assert {"README.md", "heads.json", "heads.safetensors", "model.safetensors", "modules.json"} <= set(pushed)
    assert not [name for name in pushed if name.startswith("checkpoint")]
    for name in ("adapters/proximity/adapter.safetensors", "heads.safetensors"):
        assert pushed[name] == (tmp_path / "right" / name).read_bytes()
