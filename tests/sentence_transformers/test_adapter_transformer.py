"""`AdapterTransformer` by itself, and in the hands of Sentence Transformers' trainer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor

from specter2_plugins import AdapterError, CheckpointError, PaperError, Specter2, TaskError, load_specter2
from specter2_plugins.adapters import BottleneckConfig
from specter2_plugins.sentence_transformers import AdapterTransformer
from tests.conftest import Oracle

NewModel = Callable[..., Specter2]
ROUTES = {"anchor": "query", "positive": "document"}


def freeze_base(model: SentenceTransformer) -> dict[str, Tensor]:
    """Let only the adapters train, without dropout; a copy of all weights as they are."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        elif hasattr(module, "dropout_prob"):  # attention in transformers 4
            module.dropout_prob = 0.0
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(".adapters." in name)
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def changed(model: SentenceTransformer, before: dict[str, Tensor]) -> set[str]:
    return {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}


def train(model: SentenceTransformer, dataset: Any, folder: Path, **arguments: Any) -> SentenceTransformerTrainer:
    settings: dict[str, Any] = {
        "max_steps": 30,
        "per_device_train_batch_size": 4,
        "learning_rate": 2e-2,
        "lr_scheduler_type": "constant",
        "router_mapping": ROUTES,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "use_cpu": True,
        "disable_tqdm": True,
        "seed": 0,
    }
    trainer = SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(output_dir=str(folder), **settings | arguments),
        train_dataset=dataset,
        loss=MultipleNegativesRankingLoss(model),
    )
    trainer.train()
    return trainer


@pytest.fixture
def pairs(oracle: Oracle) -> Dataset:
    """Four searches and the papers they are after, as dicts with a title and an abstract."""
    papers = [oracle.papers[0], oracle.papers[2], oracle.papers[6], oracle.papers[3]]
    return Dataset.from_dict({"anchor": oracle.queries, "positive": papers})


def as_strings(paper: dict[str, str | None]) -> str:
    return f"{paper['title']}[SEP]{paper['abstract'] or ''}"


@pytest.mark.parametrize("columns", ["strings", "dicts"])
def test_the_trainer_reaches_each_columns_adapter(
    columns: str, new_model: NewModel, oracle: Oracle, pairs: Dataset, tmp_path: Path
) -> None:
    model = new_model(adapters={task: oracle.models / "adapters" / task for task in ("proximity", "adhoc_query")})
    if columns == "strings":
        pairs = Dataset.from_dict({"anchor": pairs["anchor"], "positive": [as_strings(p) for p in pairs["positive"]]})
    before = freeze_base(model)
    trainer = train(model, pairs, tmp_path, save_strategy="steps", save_steps=30)

    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert sum(losses[-3:]) < sum(losses[:3]) / 2, losses
    assert changed(model, before) == {name for name in before if ".adapters." in name}
    assert all(torch.equal(model.get_parameter(name), before[name]) for name in before if ".adapters." not in name)

    saved = load_specter2(tmp_path / "checkpoint-30", device="cpu")
    for encode, again in ((model.encode_query, saved.encode_query), (model.encode_document, saved.encode_document)):
        np.testing.assert_allclose(again(oracle.inputs), encode(oracle.inputs), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(saved.encode("a", task="base"), model.encode("a", task="base"))


def test_only_the_adapter_that_the_columns_ask_for_trains(new_model: NewModel, pairs: Dataset, tmp_path: Path) -> None:
    model = new_model()
    before = freeze_base(model)
    train(model, pairs, tmp_path, router_mapping={"anchor": "classification", "positive": "classification"})
    assert changed(model, before) == {name for name in before if ".adapters.by_task.classification." in name}


@pytest.mark.parametrize("columns", ["strings", "dicts"])
def test_several_datasets(columns: str, new_model: NewModel, oracle: Oracle, pairs: Dataset, tmp_path: Path) -> None:
    """The trainer looks into them for examples to show on the model's card."""
    papers = pairs["positive"] if columns == "dicts" else [as_strings(paper) for paper in pairs["positive"]]
    similar = Dataset.from_dict({"anchor": papers, "positive": papers[::-1]})
    searches = Dataset.from_dict({"anchor": oracle.queries, "positive": papers})
    model = new_model()
    before = freeze_base(model)
    train(
        model,
        DatasetDict(search=searches, similar=similar),
        tmp_path,
        router_mapping={"search": ROUTES, "similar": {"anchor": "document", "positive": "document"}},
    )
    trained = {name.split(".adapters.by_task.")[1].partition(".")[0] for name in changed(model, before)}
    assert trained == {"proximity", "adhoc_query"}
    model.save_pretrained(str(tmp_path / "saved"))
    assert "generated_from_trainer" in (tmp_path / "saved" / "README.md").read_text(encoding="utf-8")


def gradients(model: SentenceTransformer, inputs: list[Any], task: str) -> dict[str, Tensor]:
    """The gradients of one batch, through the task that travels in its features."""
    model.zero_grad()
    model(model.preprocess(inputs, task=task))["sentence_embedding"].square().sum().backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_gradient_checkpointing_gives_the_same_gradients(
    use_reentrant: bool, new_model: NewModel, oracle: Oracle
) -> None:
    """Checkpointing runs a layer again in the backward pass, long after its adapter was chosen."""
    model = new_model().train()
    freeze_base(model)
    expected = gradients(model, oracle.papers[:3], "classification")
    model.gradient_checkpointing_enable({"use_reentrant": use_reentrant})
    found = gradients(model, oracle.papers[:3], "classification")
    assert set(found) == set(expected)
    assert len(expected) == 12
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient)


def test_training_with_gradient_checkpointing(new_model: NewModel, pairs: Dataset, tmp_path: Path) -> None:
    results = []
    for checkpointing in (False, True):
        model = new_model()
        freeze_base(model)
        train(model, pairs, tmp_path, max_steps=3, gradient_checkpointing=checkpointing)
        results.append(model.encode_query("graph neural networks"))
    np.testing.assert_allclose(results[1], results[0], rtol=0, atol=1e-5)


def test_as_its_docstring_says(oracle: Oracle) -> None:
    folders = {task: oracle.models / "adapters" / task for task in ("proximity", "regression")}
    transformer = AdapterTransformer(str(oracle.base), adapters=folders)
    model = SentenceTransformer(modules=[transformer, Pooling(48, "cls")], similarity_fn_name="euclidean", device="cpu")
    for task in ("proximity", "regression", "base"):
        vectors = model.encode(oracle.papers, task=task)
        np.testing.assert_allclose(vectors, oracle.vectors[task][: len(oracle.papers)], rtol=0, atol=1e-5)


def test_the_task_travels_in_the_features(new_model: NewModel, oracle: Oracle) -> None:
    transformer = new_model()[0].eval()
    features = transformer.preprocess(oracle.papers, task="query")
    assert features["task"] == "query"
    assert "task" not in transformer.preprocess(oracle.papers)
    assert not features["token_type_ids"].any()
    with torch.no_grad():
        first = transformer.forward(features)["token_embeddings"][:, 0]
        told = transformer.forward(features, task="regression")["token_embeddings"][:, 0]
    torch.testing.assert_close(first, oracle.vectors["adhoc_query"][: len(first)], rtol=0, atol=1e-5)
    torch.testing.assert_close(told, oracle.vectors["regression"][: len(first)], rtol=0, atol=1e-5)


def test_preprocess_refuses_unknown_tasks_and_bad_papers(model: Specter2) -> None:
    with pytest.raises(TaskError, match="unknown task 'x'"):
        model.preprocess(["a"], task="x")
    with pytest.raises(PaperError, match="cannot embed '3'"):
        model.preprocess(["a", 3])


def test_a_fresh_adapter_can_be_added_trained_and_saved(
    new_model: NewModel, oracle: Oracle, pairs: Dataset, tmp_path: Path
) -> None:
    model = new_model(adapters={})
    model[0].add_adapter("proximity", BottleneckConfig(False, True, 16, "relu", True, init_weights="mam_adapter"))
    np.testing.assert_array_equal(model.encode(oracle.papers), model.encode(oracle.papers, task="base"))
    before = freeze_base(model)
    train(model, pairs, tmp_path, router_mapping={"anchor": "document", "positive": "document"})
    assert len(changed(model, before)) == 12
    model.save_pretrained(str(tmp_path / "saved"))
    saved = load_specter2(tmp_path / "saved", device="cpu")
    np.testing.assert_allclose(saved.encode(oracle.papers), model.encode(oracle.papers), rtol=0, atol=1e-6)


def test_a_saved_folder_without_its_adapters(new_model: NewModel, tmp_path: Path) -> None:
    new_model().save_pretrained(str(tmp_path))
    (tmp_path / "adapters").rename(tmp_path / "elsewhere")
    with pytest.raises(AdapterError, match=r"lists the adapters .*'proximity'.* no folder adapters/"):
        load_specter2(tmp_path, device="cpu")


def test_an_adapter_is_no_base(oracle: Oracle) -> None:
    with pytest.raises(CheckpointError, match="holds an adapter, not a base model"):
        AdapterTransformer(str(oracle.models / "adapters" / "proximity"))
    with pytest.raises(CheckpointError, match="August 2023"):
        AdapterTransformer("allenai/specter2")
