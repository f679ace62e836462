"""Training SPLADE: LoRA on pairs of a query and a text that answers it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.sparse_encoder import SparseEncoderTrainer, SparseEncoderTrainingArguments
from sentence_transformers.sparse_encoder.losses import SparseMultipleNegativesRankingLoss, SpladeLoss
from transformers import set_seed
from transformers.trainer_callback import PrinterCallback

from specter2_plugins.engine.machine import auto_dtype
from specter2_plugins.errors import CheckpointError, PaperError, TrainingError
from specter2_plugins.extras import require
from specter2_plugins.papers import Paper, input_text
from specter2_plugins.sentence_transformers.training_log import Log, LogCallback, OnStep
from specter2_plugins.sparse.checkpoint import load_splade

if TYPE_CHECKING:
    from datasets import Dataset

QUERIES = ("query", "question", "anchor")
TEXTS = ("document", "answer", "positive", "passage")
_LOG_EVERY = 10
_FORMATS = {".json": "json", ".jsonl": "json", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}


@dataclass(frozen=True)
class Recipe:
    """How to train. The defaults, but for LoRA's rank, are those of tomaarsen/splade-bert-base-uncased-gooaq-peft.

    Args:
        epochs: Passes over the pairs.
        batch_size: Pairs to a step; the other pairs' texts are each query's negatives.
        learning_rate: The highest one, after a tenth of the steps.
        document_regularizer: Weight of the documents' FLOPS loss, which makes them sparse.
        query_regularizer: The same for queries.
        rank: Of LoRA's matrices; 0 trains the whole model instead.
        max_tokens: Where texts are cut. By default as the base says.
        seed: Of the weights and the pairs' order.
    """

    epochs: float = 1
    batch_size: int = 32
    learning_rate: float = 2e-5
    document_regularizer: float = 3e-5
    query_regularizer: float = 5e-5
    rank: int = 64
    max_tokens: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "learning_rate", "document_regularizer", "query_regularizer"):
            value, least = getattr(self, name), "0" if name.endswith("regularizer") else "more than 0"
            if not (0 <= value < math.inf) or (value == 0 and least != "0"):
                raise TrainingError(f"{name} is {value}, expected a number from {least}")


def read_pairs(source: str | Path) -> Dataset:
    """Read pairs of a query and what answers it.

    Args:
        source: A file (JSON lines, CSV, TSV or Parquet), compressed or not, or a data set of the hub. Its columns are
            `query` (`question`, `anchor`) and `document` (`answer`, `positive`, `passage`), or a paper's `title` and
            `abstract`.

    Returns:
        A data set with the columns `query` and `document`.

    Raises:
        PaperError: If the columns are others, or a record holds no text; the message names it.
    """
    datasets = require("datasets", "datasets", "train")
    path = Path(source)
    if path.is_file():
        suffix = Path(path.name.removesuffix(".gz")).suffix
        kind = _FORMATS.get(suffix)
        if kind is None:
            raise PaperError(f"{source}: pairs are read from {', '.join(_FORMATS)}")
        options = {"sep": "\t"} if suffix == ".tsv" else {}
        rows = datasets.load_dataset(kind, data_files=str(path), split="train", **options)
    elif Path(path.name.removesuffix(".gz")).suffix in _FORMATS:
        raise PaperError(f"{source} does not exist")
    else:
        rows = datasets.load_dataset(str(source), split="train")
    columns = set(rows.column_names)
    query = next((name for name in QUERIES if name in columns), None)
    text = next((name for name in TEXTS if name in columns), None)
    if query is None or (text is None and "title" not in columns):
        raise PaperError(
            f"{source} has the columns {', '.join(rows.column_names)}; pairs need one of {', '.join(QUERIES)}, and one "
            f"of {', '.join(TEXTS)}, or title and abstract"
        )

    def pair(row: Mapping[str, Any], number: int) -> dict[str, str]:
        try:
            # As papers are embedded when they are ingested.
            document = Paper.from_mapping(row).text(" ") if text is None else row[text]
            return {"query": input_text(row[query], " "), "document": input_text(document, " ")}
        except PaperError as error:
            raise PaperError(f"{source}, pair {number + 1}: {error}") from None

    return rows.map(pair, with_indices=True, remove_columns=rows.column_names)


def train_splade(
    base: str | Path,
    pairs: Dataset,
    recipe: Recipe = Recipe(),
    *,
    device: str | None = None,
    log: Log | None = None,
    on_step: OnStep = lambda step, steps: None,
) -> SparseEncoder:
    """Train a SPLADE model with in-batch negatives and the FLOPS losses of queries and documents.

    Example:
        >>> model = train_splade("google-bert/bert-base-uncased", read_pairs("pairs.jsonl"))  # doctest: +SKIP
        >>> model.save_pretrained("my-splade")                                                # doctest: +SKIP

    Source: Formal et al., "From Distillation to Hard Negative Sampling" (2022), https://arxiv.org/abs/2205.04733.

    Args:
        base: A SPLADE model or a masked language model, as `load_splade` takes it.
        pairs: A data set with the columns `query` and `document`.
        recipe: How to train.
        device: As for `load_splade`.
        log: Called with the step, the steps in all and what was measured, instead of transformers' own progress.
        on_step: Called after each step, if there is a log, with its number and the steps in all.

    Returns:
        The model, with LoRA beside the base, so that `save_pretrained` writes the adapter alone.

    Raises:
        CheckpointError: If the base cannot be had, is no SPLADE, or is itself an adapter.
        TrainingError: If its weights are not finite any more.
        MissingExtraError: If a package for training is not installed.
    """
    for package in ("datasets", "accelerate"):
        require(package, package, "train")
    set_seed(recipe.seed)
    model = load_splade(base, merge=False, device=device)
    transformer: Any = model.transformers_model
    if hasattr(transformer, "peft_config"):
        raise CheckpointError(
            f"{str(base)!r} is an adapter, and a new one would be saved without it. Merge it first: "
            "load_splade(adapter).save_pretrained(folder)"
        )
    if recipe.rank:
        peft = require("peft", "peft", "sparse")
        lora = peft.LoraConfig(
            task_type="FEATURE_EXTRACTION", r=recipe.rank, lora_alpha=2 * recipe.rank, lora_dropout=0.1
        )
        # What the adapter will name as its base, instead of a place in the hub's cache.
        transformer.name_or_path = str(Path(base).resolve()) if Path(base).is_dir() else str(base)
        model.add_adapter(lora)
    if recipe.max_tokens is not None:
        model.max_seq_length = recipe.max_tokens
    with TemporaryDirectory() as unused:
        arguments = SparseEncoderTrainingArguments(
            output_dir=unused,
            num_train_epochs=recipe.epochs,
            per_device_train_batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            warmup_steps=int(len(pairs) * recipe.epochs / recipe.batch_size / 10),
            # A text that two queries of a batch share would be a negative of both.
            batch_sampler=BatchSamplers.NO_DUPLICATES,
            bf16=model.device.type == "cuda" and auto_dtype(str(model.device)) is torch.bfloat16,
            use_cpu=model.device.type == "cpu",
            seed=recipe.seed,
            save_strategy="no",
            logging_steps=_LOG_EVERY,
            disable_tqdm=log is not None,
            report_to=[],
        )
        loss = SpladeLoss(
            model,
            SparseMultipleNegativesRankingLoss(model),
            document_regularizer_weight=recipe.document_regularizer,
            query_regularizer_weight=recipe.query_regularizer,
        )
        trainer = SparseEncoderTrainer(model, args=arguments, train_dataset=pairs, loss=loss)
        if log is not None:
            trainer.remove_callback(PrinterCallback)
            trainer.add_callback(LogCallback(log, on_step))
        trainer.train()
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            raise TrainingError(f"after training the weights {name} are not finite; lower the learning rate")
    return model.eval()
