"""Tiny SPLADE checkpoints in the layouts of the hub, written by transformers, PEFT and Sentence Transformers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TEXTS = ["neural ranking models", "soil water and rain", "bees"]
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_WORDS = (
    "neural ranking models deep networks that score documents for a query learning to rank search soil water under "
    "drip irrigation moisture between two emitters hox genes colour bumble bees acid rain after and the"
)


@dataclass(frozen=True)
class Checkpoints:
    """Folders: a masked language model, a whole SPLADE of it, and LoRA adapters with it as their base."""

    base: Path
    plain: Path
    lora: Path
    other_lora: Path


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Checkpoints:
    pytest.importorskip("peft")
    folder = tmp_path_factory.mktemp("splade")
    made = Checkpoints(folder / "base", folder / "plain", folder / "lora", folder / "other")
    write_masked_language_model(made.base)
    new_splade(made.base).save_pretrained(str(made.plain))
    for seed, path in enumerate([made.lora, made.other_lora], start=1):
        new_splade(made.base, lora_seed=seed).save_pretrained(str(path))
    return made


def new_splade(base: Path, lora_seed: int | None = None, **lora: Any) -> Any:
    """A SPLADE over a base as Sentence Transformers itself makes one, with LoRA whose weights are not zero."""
    import torch
    from peft import LoraConfig, TaskType
    from sentence_transformers import SparseEncoder

    model = SparseEncoder(str(base), device="cpu")
    if lora_seed is not None:
        torch.manual_seed(lora_seed)
        config = {"target_modules": ["query", "value", "dense"], "r": 4, "lora_alpha": 8, "lora_dropout": 0.1} | lora
        model.add_adapter(LoraConfig(task_type=TaskType.FEATURE_EXTRACTION, init_lora_weights=False, **config))
        model.eval()
    model.encode(TEXTS)
    return model


def write_masked_language_model(folder: Path, initializer_range: float = 0.3) -> None:
    """A tiny BERT; its weights are spread widely, so that its vectors differ, unless it is to be trained as a whole."""
    import torch
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    folder.mkdir()
    words = [*_SPECIAL, *dict.fromkeys(_WORDS.split())]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=initializer_range,
    )
    BertForMaskedLM(config).save_pretrained(folder)
