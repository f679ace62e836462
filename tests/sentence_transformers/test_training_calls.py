"""What training needs beyond `fit`: adapters alone, losses that look into features, a word where a base moves away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import (
    AdaptiveLayerLoss,
    Matryoshka2dLoss,
    MultipleNegativesRankingLoss,
)

from specter2_plugins import Specter2, TaskError

NewModel = Callable[..., Specter2]


def trainable(model: Specter2) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_adapters_train_alone(new_model: NewModel) -> None:
    model = new_model()
    said = model.train_adapters("proximity", "query")
    assert trainable(model) == {
        name for name, _ in model.named_parameters() if ".proximity." in name or ".adhoc_query." in name
    }
    assert said == (
        "trainable: the adapters proximity, adhoc_query: 24 of 103 tensors, 0.0 of 0.1 million weights; "
        "frozen: classification, regression, the base and all else"
    )
    model.train_adapters("classification")
    assert all(".classification." in name for name in trainable(model))
    model.train_adapters()
    assert all(".adapters." in name for name in trainable(model))
    for task in ("base", "x"):
        with pytest.raises(TaskError):
            model.train_adapters(task)
    with pytest.raises(TaskError, match="this model has: none"):
        new_model(adapters={}).train_adapters()


def trained(model: Specter2, folder: Path, column: str = "a query") -> Specter2:
    rows = Dataset.from_dict({"anchor": [column, "molecules"], "positive": [{"title": "A"}, {"title": "B"}]})
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        max_steps=2,
        learning_rate=1e-2,
        router_mapping={"anchor": "document", "positive": "document"},
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    loss = MultipleNegativesRankingLoss(model)
    SentenceTransformerTrainer(model=model, args=arguments, train_dataset=rows, loss=loss).train()
    return model


def test_saving_says_which_adapters_the_base_has_left_behind(
    new_model: NewModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = trained(new_model(), tmp_path)
    caplog.clear()
    model.save_pretrained(str(tmp_path / "moved"))
    (said,) = [record.getMessage() for record in caplog.records if "the base has changed" in record.getMessage()]
    assert ": adhoc_query, classification, regression. " in said

    kept = new_model()
    kept.train_adapters("proximity")
    before = kept.encode("a", task="classification")
    trained(kept, tmp_path)
    assert (kept.encode("a", task="classification") == before).all()
    caplog.clear()
    kept.save_pretrained(str(tmp_path / "kept"))
    new_model().to(torch.bfloat16).save_pretrained(str(tmp_path / "narrow"))
    assert "the base has changed" not in caplog.text


def test_a_training_column_with_a_blank_text_is_told_of_and_trains(
    new_model: NewModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        trained(new_model(), tmp_path, column=" ")
    assert "1 of 2 inputs hold no text" in caplog.text


@pytest.mark.parametrize("training", [True, False])
def test_losses_that_read_every_layer_and_come_back(new_model: NewModel, training: bool) -> None:
    model = new_model().train(training)
    inner = MultipleNegativesRankingLoss(model)
    features = [model.preprocess(["a", "b c"], task="query"), model.preprocess([{"title": "x"}, "y"], task="document")]
    with torch.set_grad_enabled(training):
        for loss in (
            AdaptiveLayerLoss(model, inner, n_layers_per_step=-1),
            Matryoshka2dLoss(model, inner, matryoshka_dims=[48, 16], n_layers_per_step=-1),
        ):
            value = loss(features, None)
            assert torch.isfinite(value)
            if training:
                model.zero_grad()
                value.backward()
                for task in ("adhoc_query", "proximity"):
                    assert all(p.grad is not None for p in model.transformer.adapters.parameters_of(task))
                for task in ("classification", "regression"):
                    assert all(p.grad is None for p in model.transformer.adapters.parameters_of(task))
        assert [each["task"] for each in features] == ["query", "document"]


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_a_compiled_model_gives_the_same_vectors(new_model: NewModel, model: Specter2, engine: str) -> None:
    """With the backend that traces and compiles nothing: what fails in the packed engine fails in the tracing."""
    texts = ["graph neural networks", "molecules"]
    compiled = new_model(engine=engine)
    compiled.compile(backend="eager")
    for task in ("query", "document"):
        for size in (None, 2):
            found = compiled.encode(texts, task=task, batch_size=size)
            torch.testing.assert_close(found, model.encode(texts, task=task), rtol=0, atol=1e-5)


def test_a_card_gets_its_name_when_it_has_one(new_model: NewModel, tmp_path: Path) -> None:
    new_model().save_pretrained(str(tmp_path / "unnamed"))
    assert 'load_specter2("folder or repository of this model")' in (tmp_path / "unnamed" / "README.md").read_text()
    from specter2_plugins import load_specter2

    again = load_specter2(tmp_path / "unnamed", device="cpu")
    again.model_card_data.set_model_id("someone/specter2")  # as push_to_hub does
    again.save_pretrained(str(tmp_path / "named"))
    assert 'load_specter2("someone/specter2")' in (tmp_path / "named" / "README.md").read_text()


def test_the_tip_of_a_pull_request_imports_what_there_is(model: Specter2) -> None:
    tip = model._push_to_hub_usage_tip("someone/specter2")
    assert "from specter2_plugins import load_specter2" in tip
    assert 'load_specter2("someone/specter2", revision=f"refs/pr/{pr_number}")' in tip
    compile(tip.split("```python\n")[1].split("```")[0], "tip", "exec")
