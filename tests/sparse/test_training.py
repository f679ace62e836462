"""Training SPLADE, and measuring what came of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("peft")
pytest.importorskip("datasets")
pytest.importorskip("accelerate")

import torch
from datasets import Dataset

from specter2_plugins import CheckpointError, PaperError
from specter2_plugins.errors import EvaluationError, TrainingError
from specter2_plugins.sparse import Splade, load_splade
from specter2_plugins.sparse.evaluation import evaluate_splade, table
from specter2_plugins.sparse.training import Recipe, read_pairs, train_splade
from tests.sparse.conftest import Checkpoints, write_masked_language_model

# Queries share no word with their answers, so that only training can join them.
ANSWERS = {
    "neural": "hox genes colour",
    "soil": "deep networks that score",
    "bees": "acid rain after",
    "water": "learning to rank",
    "query": "moisture between two emitters",
    "irrigation": "bumble under and the",
}
# A base of random weights has nothing for LoRA to build on, so only the whole model learns all answers.
WHOLE = Recipe(epochs=40, batch_size=6, learning_rate=1e-2, rank=0, max_tokens=16)
LORA = Recipe(epochs=40, batch_size=6, learning_rate=1e-2, rank=8)


@pytest.fixture(scope="module")
def pairs() -> Dataset:
    return Dataset.from_dict({"query": list(ANSWERS), "document": list(ANSWERS.values())})


@pytest.fixture(scope="module")
def nanobeir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in NanoBEIR's format: one part as JSON lines, one as Parquet that is named as on the hub."""
    folder = tmp_path_factory.mktemp("nano")
    parts: dict[str, list[dict[str, Any]]] = {
        "queries": [{"_id": f"q{n}", "text": query} for n, query in enumerate(ANSWERS)],
        "corpus": [{"_id": f"d{n}", "text": answer} for n, answer in enumerate(ANSWERS.values())],
        "qrels": [{"query-id": f"q{n}", "corpus-id": f"d{n}"} for n in range(len(ANSWERS))],
    }
    for part, rows in parts.items():
        (folder / part).mkdir()
        lines = "\n".join(map(json.dumps, rows))
        (folder / part / "NanoToy.jsonl").write_text(lines, encoding="utf-8")
        Dataset.from_list(rows).to_parquet(folder / part / "NanoToyTwo-00000-of-00001.parquet")
    return folder


@pytest.fixture(scope="module")
def adapter(checkpoints: Checkpoints, pairs: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train_splade(checkpoints.base, pairs, LORA, device="cpu").save_pretrained(str(folder))
    return folder


def loss(folder: Path, pairs: Dataset) -> float:
    """What training lowers: how far each query is from choosing its own answer."""
    model = load_splade(folder, device="cpu")
    scores = model.similarity(model.encode_query(pairs["query"][:]), model.encode_document(pairs["document"][:]))
    return float(torch.nn.functional.cross_entropy(scores, torch.arange(len(pairs))))


def test_a_trained_model_answers(pairs: Dataset, nanobeir: Path, tmp_path: Path) -> None:
    base, trained = tmp_path / "base", tmp_path / "trained"
    write_masked_language_model(base, initializer_range=0.02)
    before = evaluate_splade(load_splade(base, device="cpu"), nanobeir, ["NanoToy"])["NanoToy"]
    train_splade(base, pairs, WHOLE, device="cpu").save_pretrained(str(trained))
    after = evaluate_splade(load_splade(trained, device="cpu"), nanobeir, ["NanoToy"])["NanoToy"]
    assert before["dot_accuracy@1"] < 0.7
    assert after["dot_accuracy@1"] == after["dot_ndcg@10"] == after["dot_map@100"] == 1
    assert (trained / "model.safetensors").exists()
    assert load_splade(trained).max_seq_length == 16


def test_an_adapter_learns(checkpoints: Checkpoints, adapter: Path, pairs: Dataset) -> None:
    assert loss(adapter, pairs) < 0.8 * loss(checkpoints.base, pairs)


def test_only_the_adapter_is_trained_and_saved(checkpoints: Checkpoints, adapter: Path) -> None:
    assert not (adapter / "model.safetensors").exists()
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == str(checkpoints.base.resolve())
    base = dict(load_splade(checkpoints.base).named_parameters())
    apart = dict(load_splade(adapter, merge=False).named_parameters())
    for name, weight in apart.items():
        assert "lora" in name or torch.equal(weight, base[name.replace("base_layer.", "")])
    assert Splade.load(adapter).encode_query(["bees"])[0].indices


def test_regularizers_make_vectors_sparser(checkpoints: Checkpoints, pairs: Dataset, nanobeir: Path) -> None:
    def active(weight: float) -> Any:
        recipe = Recipe(20, 6, 1e-2, document_regularizer=weight, query_regularizer=weight, rank=8)
        model = train_splade(checkpoints.base, pairs, recipe, device="cpu")
        measured = evaluate_splade(model, nanobeir, ["NanoToy"])["NanoToy"]
        return measured["query_active_dims"], measured["corpus_active_dims"]

    (queries, documents), (sparser_queries, sparser_documents) = active(0.0), active(1.0)
    assert sparser_queries < queries
    assert sparser_documents < documents


def test_an_adapter_is_no_base_until_it_is_merged(checkpoints: Checkpoints, pairs: Dataset) -> None:
    with pytest.raises(CheckpointError, match="Merge it first"):
        train_splade(checkpoints.lora, pairs)


def test_the_table_has_the_measures_of_sentence_transformers_cards(checkpoints: Checkpoints, nanobeir: Path) -> None:
    results = evaluate_splade(load_splade(checkpoints.plain, device="cpu"), nanobeir)
    assert list(results) == ["NanoToy", "NanoToyTwo", "mean"]
    assert results["NanoToy"] == results["NanoToyTwo"] == pytest.approx(results["mean"])
    lines = table(results).splitlines()
    assert lines[0] == "| Metric | NanoToy | NanoToyTwo | mean |"
    measures = [line.split("|")[1].strip() for line in lines[2:]]
    assert {"dot_accuracy@1", "dot_precision@3", "dot_recall@5", "dot_ndcg@10", "dot_mrr@10", "dot_map@100"} <= {
        *measures
    }
    sparsity = {"query_active_dims", "query_sparsity_ratio", "corpus_active_dims", "corpus_sparsity_ratio"}
    assert sparsity <= {*measures}


def test_broken_benchmarks_are_named(checkpoints: Checkpoints, nanobeir: Path, tmp_path: Path) -> None:
    model = load_splade(checkpoints.plain, device="cpu")
    with pytest.raises(EvaluationError, match=r"no NanoNone\.jsonl"):
        evaluate_splade(model, nanobeir, ["NanoNone"])
    with pytest.raises(EvaluationError, match="holds no queries"):
        evaluate_splade(model, tmp_path)
    for part in ("queries", "corpus", "qrels"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "NanoX.jsonl").write_text('{"_id": "1", "txt": "a"}', encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"'NanoX' .* has no column"):
        evaluate_splade(model, tmp_path)


@pytest.mark.parametrize(
    ("row", "document"),
    [
        ({"question": "q", "answer": "text", "id": 3}, "text"),
        ({"anchor": "q", "positive": "text"}, "text"),
        ({"query": "q", "title": "A title", "abstract": "An abstract"}, "A title An abstract"),
        ({"query": "q", "title": "A title", "abstract": None}, "A title "),
    ],
)
def test_pairs_are_read_under_their_usual_names(row: dict[str, Any], document: str, tmp_path: Path) -> None:
    with gzip.open(tmp_path / "pairs.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    assert read_pairs(tmp_path / "pairs.jsonl.gz").to_list() == [{"query": "q", "document": document}]


def test_pairs_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text("query\tpassage\nq\tsome, text\n", encoding="utf-8")
    assert read_pairs(tmp_path / "pairs.tsv").to_list() == [{"query": "q", "document": "some, text"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"query": "q", "title": "t"}\n{"query": " ", "title": "t"}', "pair 2: .*blank"),
        ('{"query": "q", "document": "t"}\n{"query": "q", "document": null}', "pair 2"),
        ('{"q": "q", "document": "t"}', "columns q, document; pairs need"),
    ],
)
def test_bad_pairs_are_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(PaperError, match=message):
        read_pairs(tmp_path / "pairs.jsonl")


def test_the_command_trains_and_measures(checkpoints: Checkpoints, nanobeir: Path, tmp_path: Path) -> None:
    pytest.importorskip("typer")
    from typer.testing import CliRunner

    from specter2_plugins.cli.app import app

    rows = [json.dumps({"question": query, "answer": answer}) for query, answer in ANSWERS.items()]
    (tmp_path / "pairs.jsonl").write_text("\n".join(rows), encoding="utf-8")
    options = {"--base": checkpoints.base, "--out": tmp_path / "out", "--evaluate": nanobeir, "--on": "NanoToy"}
    options |= {"--epochs": 2, "--batch-size": 6, "--rank": 4, "--device": "cpu"}
    arguments = [str(part) for option in options.items() for part in option]
    run = CliRunner().invoke(app, ["train-sparse", str(tmp_path / "pairs.jsonl"), *arguments])
    assert run.exit_code == 0, run.output
    assert "it/s" not in run.stderr
    assert "| dot_ndcg@10 |" in run.stdout
    assert load_splade(tmp_path / "out").encode("bees").shape[0] > 0
    assert "dot_ndcg@10" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_a_model_is_kept_though_it_cannot_be_measured(checkpoints: Checkpoints, tmp_path: Path) -> None:
    pytest.importorskip("typer")
    from typer.testing import CliRunner

    from specter2_plugins.cli.app import app

    rows = [json.dumps({"question": query, "answer": answer}) for query, answer in ANSWERS.items()]
    (tmp_path / "pairs.jsonl").write_text("\n".join(rows), encoding="utf-8")
    options = ("--base", checkpoints.base, "-o", tmp_path / "out", "--evaluate", tmp_path, "--device", "cpu")
    run = CliRunner().invoke(app, ["train-sparse", str(tmp_path / "pairs.jsonl"), *map(str, options)])
    assert isinstance(run.exception, EvaluationError)
    assert load_splade(tmp_path / "out").encode("bees").shape[0] > 0


def test_steps_are_told(checkpoints: Checkpoints, pairs: Dataset) -> None:
    steps, logged = list[tuple[int, int]](), list[int]()
    train_splade(
        checkpoints.base,
        pairs,
        Recipe(epochs=10, batch_size=6, rank=0),
        device="cpu",
        log=lambda step, of, measured: logged.append(step),
        on_step=lambda step, of: steps.append((step, of)),
    )
    assert steps == [(step, 10) for step in range(1, 11)]
    assert logged == [10]


@pytest.mark.parametrize("change", [{"learning_rate": float("nan")}, {"epochs": 0}, {"query_regularizer": -1}])
def test_numbers_that_are_none(change: dict[str, float]) -> None:
    with pytest.raises(TrainingError, match=f"{next(iter(change))} is .*, expected a number from"):
        Recipe(**change)  # type: ignore[arg-type]


def test_weights_that_are_not_finite_are_not_returned(checkpoints: Checkpoints, pairs: Dataset) -> None:
    recipe = Recipe(epochs=20, batch_size=6, learning_rate=1e30, rank=0)
    with pytest.raises(TrainingError, match="are not finite; lower the learning rate"):
        train_splade(checkpoints.base, pairs, recipe, device="cpu", log=lambda *measured: None)


def test_a_file_that_is_not_there_is_not_looked_for_on_the_hub(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match=r"gone\.jsonl\.gz does not exist"):
        read_pairs(tmp_path / "gone.jsonl.gz")
