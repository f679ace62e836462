"""Training on small samples: losses fall, the base stays, runs resume, and what is saved loads elsewhere."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from specter2_plugins import Specter2, load_specter2
from specter2_plugins.errors import TrainingError
from specter2_plugins.training import TrainingReport, load_heads, train_adapters, train_base
from tests.conftest import Oracle
from tests.training.conftest import ALL, CITATIONS, FOS, MESH, QUICK, SEARCH, TRIPLETS, WriteConfig

NewModel = Callable[..., Specter2]
TRAINED = ("adhoc_query", "classification", "proximity", "regression")


class Run(NamedTuple):
    """A run on all kinds of tasks at once."""

    config: Path
    folder: Path
    report: TrainingReport
    log: list[tuple[int, int, dict[str, float]]]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tasks.json"
    path.write_text(json.dumps(ALL))
    return path


@pytest.fixture(scope="module")
def run(config: Path, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder, log = tmp_path_factory.mktemp("run"), []
    report = train_adapters(
        config,
        folder,
        oracle.models,
        options=QUICK,
        log=lambda step, steps, found: log.append((step, steps, found)),
    )
    return Run(config, folder, report, log)


def base_weights(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


def adapter_weights(folder: Path, task: str) -> dict[str, Tensor]:
    return load_file(folder / "adapters" / task / "adapter.safetensors")


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


@pytest.fixture(scope="module")
def untrained(run: Run, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """What the validation says before training: after one step that goes nowhere."""
    options = replace(QUICK, max_steps=1, learning_rate=1e-12)
    return train_adapters(run.config, tmp_path_factory.mktemp("untrained"), oracle.models, options=options).metrics


@pytest.mark.parametrize("task", ALL, ids=lambda task: task["name"])
def test_each_loss_falls(
    task: dict[str, Any], untrained: dict[str, float], oracle: Oracle, write_config: WriteConfig, tmp_path: Path
) -> None:
    options = replace(QUICK, device_batch_size=8, max_steps=48, every=48, schedule="constant_with_warmup")
    metrics = train_adapters(write_config(task), tmp_path / "out", oracle.models, options=options).metrics
    name = f"{task['name']}_loss"
    assert metrics[name] < 0.99 * untrained[name]
    assert metrics["loss"] == metrics[name]


def test_the_report(run: Run) -> None:
    validations = [found for _, _, found in run.log if "fos_loss" in found]
    assert len(validations) == 2
    assert {name: validations[-1][name] for name in run.report.metrics} == run.report.metrics
    losses = [run.report.metrics[f"{task['name']}_loss"] for task in ALL]
    assert run.report.metrics["loss"] == pytest.approx(sum(losses))
    assert 0 <= run.report.metrics["specter_accuracy"] <= 1
    assert run.report.examples == {"fos": 12, "mesh": 12, "cite_count": 12, "search": 16, "specter": 8}
    assert run.report.steps == run.log[-1][1] == run.log[-1][0]


def test_no_base_weight_changes(run: Run, oracle: Oracle, new_model: NewModel) -> None:
    assert_same(base_weights(run.folder), base_weights(oracle.base) | base_weights(run.folder))
    before = new_model().transformer.adapters.base_state_dict()
    after = load_specter2(run.folder, device="cpu").transformer.adapters.base_state_dict()
    assert_same(after, before)


def test_every_task_format_has_trained_its_adapter(run: Run, new_model: NewModel) -> None:
    before, after = new_model(), load_specter2(run.folder, device="cpu")
    assert sorted(after.transformer.adapter_tasks) == sorted(TRAINED)
    for task in TRAINED:
        old, new = (model.transformer.adapters.state_of(task) for model in (before, after))
        assert not any(torch.equal(old[name], new[name]) for name in old)


def test_what_is_left_behind(run: Run) -> None:
    card = (run.folder / "README.md").read_text(encoding="utf-8")
    assert "| specter_accuracy" in card
    assert f"{run.report.metrics['mesh_loss']:.4f}"[:5] in card
    assert 'queries = model.encode_query(["graph neural networks for molecules"])' in card
    assert list((run.folder / "runs").rglob("events.out.tfevents.*"))
    assert (run.folder / f"checkpoint-{run.report.steps}" / "heads.safetensors").is_file()


def test_heads_predict(run: Run) -> None:
    model, heads = load_specter2(run.folder, device="cpu"), load_heads(run.folder)
    model.max_seq_length = QUICK.max_tokens
    rows = [json.loads(line) for line in Path(MESH["data_files"]["train"]).read_text().splitlines()]  # type: ignore[index]
    predicted = {
        name: head.predict(model.encode(rows, task=head.adapter, convert_to_tensor=True))
        for name, head in heads.items()
    }
    assert set(heads) == {"fos", "mesh", "cite_count"}
    right = np.mean([one == row["descriptor"] for one, row in zip(predicted["mesh"], rows, strict=True)])
    assert right == pytest.approx(run.report.metrics["mesh_accuracy"])
    assert {label for labels in predicted["fos"] for label in labels} <= set(heads["fos"].labels)
    assert all(isinstance(value, float) for value in predicted["cite_count"])


def test_the_adapters_library_gives_the_same_vectors(run: Run, oracle: Oracle) -> None:
    adapters = pytest.importorskip("adapters")
    from transformers import AutoTokenizer

    ours = load_specter2(run.folder, device="cpu")
    tokenizer = AutoTokenizer.from_pretrained(oracle.base)
    for task in TRAINED:
        theirs = adapters.AutoAdapterModel.from_pretrained(str(oracle.base))
        theirs.load_adapter(str(run.folder / "adapters" / task), set_active=True, use_safetensors=True)
        batch = tokenizer(
            [paper["title"] + tokenizer.sep_token + (paper["abstract"] or "") for paper in oracle.papers],
            padding=True,
            truncation=True,
            max_length=512,
            return_tensors="pt",
            return_token_type_ids=False,
        )
        with torch.no_grad():
            expected = theirs.eval()(**batch).last_hidden_state[:, 0]
        np.testing.assert_allclose(ours.encode(oracle.papers, task=task), expected, rtol=0, atol=1e-5)


def test_a_resumed_run_ends_as_an_unbroken_one(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    """Broken off in the middle of an epoch, between two checkpoints."""
    config = write_config(MESH, SEARCH)
    options = replace(QUICK, epochs=3, every=3)
    report = train_adapters(config, tmp_path / "unbroken", oracle.models, options=options)

    def stop(step: int, steps: int, found: dict[str, float]) -> None:
        if step == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_adapters(config, tmp_path / "broken", oracle.models, options=options, log=stop)
    assert not (tmp_path / "broken" / "heads.json").exists()
    resumed = train_adapters(config, tmp_path / "broken", oracle.models, options=options, resume=True)

    assert resumed.steps == report.steps == 12
    for task in ("classification", "adhoc_query", "proximity"):
        assert_same(adapter_weights(tmp_path / "broken", task), adapter_weights(tmp_path / "unbroken", task))
    assert_same(load_file(tmp_path / "broken/heads.safetensors"), load_file(tmp_path / "unbroken/heads.safetensors"))
    assert resumed.metrics == report.metrics


def test_a_checkpoint_of_other_tasks_is_not_resumed(run: Run, write_config: WriteConfig, oracle: Oracle) -> None:
    config = write_config({**MESH, "labels_field": "title"}, FOS, CITATIONS)
    with pytest.raises(TrainingError) as raised:
        train_adapters(config, run.folder, oracle.models, options=replace(QUICK, seed=1, every=5), resume=True)
    assert str(raised.value) == (
        f"{run.folder}/checkpoint-{run.report.steps} is of another run than this: task 'search' is gone; "
        "task 'specter' is gone; task 'mesh': labels_field is \"title\", was \"descriptor\"; "
        "task 'mesh': labels is 12 of them, was 10 of them; seed is 1, was 42"
    )


def test_an_earlier_run_is_not_overwritten_and_nothing_is_not_resumed(run: Run, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds checkpoints of an earlier run: resume it, or choose another folder"):
        train_adapters(run.config, run.folder, "mini", options=QUICK)
    with pytest.raises(TrainingError, match="holds no checkpoint to go on from"):
        train_adapters(run.config, tmp_path, "mini", options=QUICK, resume=True)


def test_fresh_adapters_and_those_of_ones_own(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    config = write_config({**CITATIONS, "ctrl_token": "citations"}, {**MESH})
    options = replace(QUICK, max_steps=1, learning_rate=1e-9)
    train_adapters(config, tmp_path / "one", oracle.models, options=options, fresh=True)
    model = load_specter2(tmp_path / "one", device="cpu")
    assert model.transformer.adapter_tasks == ["proximity", "adhoc_query", "classification", "regression", "citations"]
    vectors = {task: model.encode(oracle.papers, task=task) for task in ("base", "citations", "classification")}
    for task in ("citations", "classification"):  # fresh ones begin near the base without being it
        assert 0 < np.abs(vectors[task] - vectors["base"]).max() < 1
    for task in ("proximity", "regression"):
        np.testing.assert_allclose(
            model.encode(oracle.papers, task=task), oracle.vectors[task][: len(oracle.papers)], rtol=0, atol=1e-5
        )


def test_a_base_that_never_had_adapters(
    oracle: Oracle, write_config: WriteConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as SciBERT, on its own format of labelled texts."""
    texts = {"Use": "graph neural networks for molecules", "Aim": "falls in older adults"}
    rows = [{"text": f"{text} {number}", "label": label} for number in range(6) for label, text in texts.items()]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    files = {"train": "train.jsonl", "dev": "train.jsonl"}
    task = {"name": "intent", "type": "classification", "data_files": files, "input_fields": ["text"]}
    config = write_config({**task, "ctrl_token": "[CLF]"})
    bare = load_specter2(oracle.base, adapters={}, device="cpu")
    report = train_adapters(
        config, tmp_path / "out", copy.deepcopy(bare), options=replace(QUICK, max_steps=36, every=36)
    )
    assert report.metrics["intent_accuracy"] > 0.8
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert 'features = model.encode([{"title": ' in card
    assert "encode_query" not in card
    assert "usage snippet" not in caplog.text
    model = load_specter2(tmp_path / "out", device="cpu")
    assert model.transformer.adapter_tasks == ["classification"]
    assert_same(model.transformer.adapters.base_state_dict(), bare.transformer.model.state_dict())
    assert "before the learning rate has reached its peak" not in caplog.text

    train_adapters(config, tmp_path / "short", bare, options=replace(QUICK, epochs=1, warmup=1000))
    assert "training ends after 2 steps, before the learning rate has reached its peak" in caplog.text


def test_on_the_adapters_library(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    """Kinds of adapters that this package does not run are trained by that library."""
    pytest.importorskip("adapters")
    losses = {}
    for engine in ("auto", "adapterhub"):
        model = load_specter2(oracle.models, device="cpu", engine=engine)
        report = train_adapters(write_config(SEARCH), tmp_path / engine, model, options=QUICK)
        losses[engine] = report.metrics["search_loss"]
    assert losses["adapterhub"] == pytest.approx(losses["auto"], abs=1e-4)
    saved = [adapter_weights(tmp_path / engine, "adhoc_query") for engine in ("auto", "adapterhub")]
    assert len(saved[0]) == len(saved[1])
    model = load_specter2(tmp_path / "adapterhub", device="cpu")
    np.testing.assert_allclose(
        model.encode_query(oracle.queries),
        load_specter2(tmp_path / "auto", device="cpu").encode_query(oracle.queries),
        rtol=0,
        atol=1e-3,
    )


def test_training_stops_early_and_keeps_the_best(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    seen: list[tuple[int, float]] = []
    options = replace(QUICK, epochs=30, patience=1, learning_rate=0.3, schedule="constant_with_warmup")
    report = train_adapters(
        write_config(MESH),
        tmp_path / "out",
        oracle.models,
        options=options,
        log=lambda step, steps, found: seen.append((step, found["mesh_loss"])) if "mesh_loss" in found else None,
    )
    losses = [loss for _, loss in seen]
    assert report.steps == seen[-1][0] < 60
    assert losses[-1] > min(losses)
    assert report.metrics["mesh_loss"] == pytest.approx(min(losses))

    best = next(step for step, loss in seen if loss == min(losses))
    for part in ("heads.safetensors", "adapters/classification/adapter.safetensors"):
        kept = load_file(tmp_path / f"out/checkpoint-{best}" / part)
        assert_same(load_file(tmp_path / "out" / part), kept)


def test_patience_needs_validation(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    config = write_config({**MESH, "sample_size": {"dev": 0}})
    with pytest.raises(TrainingError, match="patience needs validation data, and no task has any"):
        train_adapters(config, tmp_path / "out", oracle.models, options=replace(QUICK, patience=1))
    report = train_adapters(config, tmp_path / "out", oracle.models, options=replace(QUICK, max_steps=1))
    assert report.metrics == {}


def test_a_contrastive_loss_falls(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    config = write_config({**TRIPLETS, "loss": "contrastive"}, {**SEARCH, "loss": "contrastive"})
    losses: list[float] = []
    report = train_adapters(
        config,
        tmp_path / "out",
        oracle.models,
        options=replace(QUICK, epochs=3),
        log=lambda step, steps, found: losses.append(found["specter_loss"]) if "specter_loss" in found else None,
    )
    assert report.metrics["specter_loss"] == losses[-1] < losses[0]


def test_pairs_without_a_negative(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in Path(TRIPLETS["data_files"]["train"]).read_text().splitlines()]  # type: ignore[index]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps({"query": row["query"], "pos": row["pos"]}) + "\n" for row in rows))
    pairs = {"name": "pairs", "type": "pair", "ctrl_token": "[PRX]", "scale": 0.5}
    losses: list[float] = []
    report = train_adapters(
        write_config({**pairs, "data_files": {"train": str(path), "dev": str(path)}}),
        tmp_path / "out",
        oracle.models,
        options=replace(QUICK, epochs=3),
        log=lambda step, steps, found: losses.append(found["pairs_loss"]) if "pairs_loss" in found else None,
    )
    assert report.metrics["pairs_loss"] == losses[-1] < losses[0]
    model = load_specter2(report.folder, device="cpu")
    model.max_seq_length = QUICK.max_tokens
    nearest = 0
    for start in range(0, len(rows), QUICK.at_once):
        batch = rows[start : start + QUICK.at_once]
        queries, positives = (model.encode([row[side] for row in batch]) for side in ("query", "pos"))
        scores = model.similarity(queries, positives)
        nearest += int((scores <= scores.diagonal()[:, None]).all(1).sum())
    assert report.metrics["pairs_accuracy"] == pytest.approx(nearest / len(rows))


def test_no_text_is_a_negative_of_itself(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    """Triplets of one search share its query and its positive; a contrastive loss sees them in different batches."""
    model = load_specter2(oracle.models, device="cpu")
    batches: list[list[str]] = []
    preprocess = model.preprocess

    def record(inputs: list[str], *args: Any, **kwargs: Any) -> Any:
        batches.append(list(inputs))
        return preprocess(inputs, *args, **kwargs)

    model.preprocess = record  # type: ignore[method-assign]
    config = write_config(
        {**SEARCH, "loss": "contrastive", "sample_size": {"dev": 0}}, {**MESH, "sample_size": {"dev": 0}}
    )
    train_adapters(config, tmp_path / "out", model, options=replace(QUICK, epochs=1))
    seen = [batch for batch in batches if len(batch) <= QUICK.device_batch_size]  # the card's statistics take more
    assert len([batch for batch in seen if "sarracenia in vitro" in batch]) == 4
    assert all(len(set(batch)) == len(batch) for batch in seen)


def test_other_ways_to_compute(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    """They give about the same, and the run after them is as exact as the one before."""
    config = write_config({**SEARCH, "sample_size": {"train": 8, "dev": 0}})
    exact = replace(QUICK, max_steps=2)
    ways = [exact, replace(exact, precision="bfloat16", gradient_checkpointing=True), exact]
    weights = []
    for number, options in enumerate(ways):
        train_adapters(config, tmp_path / str(number), oracle.models, options=options)
        weights.append(adapter_weights(tmp_path / str(number), "adhoc_query"))
        assert all(tensor.dtype == torch.float32 for tensor in weights[-1].values())
    assert_same(weights[2], weights[0])
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=0, atol=0.05)
    assert any(not torch.equal(weights[1][name], tensor) for name, tensor in weights[0].items())


def test_batches_are_made_up_of_smaller_ones(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    """Two forward passes of four count as one of eight. Dropout, which would differ, is off."""
    base = tmp_path / "models" / "base"
    shutil.copytree(oracle.models, tmp_path / "models")
    settings = json.loads((base / "config.json").read_text())
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (base / "config.json").write_text(json.dumps(settings | dropout))
    found: list[dict[str, float]] = []
    for at_once in (8, 4):
        train_adapters(
            write_config(TRIPLETS),
            tmp_path / str(at_once),
            tmp_path / "models",
            options=replace(QUICK, device_batch_size=at_once, max_steps=1),
            log=lambda step, steps, measured: found.append(measured) if "grad_norm" in measured else None,
        )
    assert found[1]["loss"] == pytest.approx(found[0]["loss"], abs=2e-4)
    assert found[1]["grad_norm"] == pytest.approx(found[0]["grad_norm"], rel=2e-3)


def test_the_base_itself(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    """Stage one: all weights learn from triplets, and no adapter comes of it."""
    losses: list[float] = []
    report = train_base(
        write_config(TRIPLETS),
        tmp_path / "base",
        oracle.base,
        options=replace(QUICK, learning_rate=1e-3, epochs=4),
        log=lambda step, steps, found: losses.append(found["specter_loss"]) if "specter_loss" in found else None,
    )
    assert report.metrics["specter_loss"] < losses[0]
    before, after = base_weights(oracle.base), base_weights(tmp_path / "base")
    same = [name for name, tensor in after.items() if torch.equal(tensor, before[name])]
    assert all("pooler" in name for name in same), same
    model = load_specter2(tmp_path / "base", device="cpu")
    assert model.transformer.adapter_tasks == []
    assert load_specter2(tmp_path / "base", adapters={"proximity": oracle.models / "adapters" / "proximity"})


def test_a_base_with_adapters_is_not_trained(run: Run, write_config: WriteConfig, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the model carries adapters"):
        train_base(write_config(TRIPLETS), tmp_path / "out", run.folder, options=QUICK)


def test_labels_that_files_name(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    config = write_config({**FOS, "labels": ["Physics", "Art"]})
    with pytest.raises(TrainingError, match="record 1: 'labels_text' is 'Mathematics', which is none of the 2 labels"):
        train_adapters(config, tmp_path / "out", oracle.models, options=QUICK)
