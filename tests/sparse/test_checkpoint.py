"""Loading SPLADE checkpoints."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("peft")

import torch
from sentence_transformers import SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Router
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling
from transformers import BertModel, BertTokenizerFast

from specter2_plugins.errors import CheckpointError
from specter2_plugins.sparse import load_splade, merge_adapter
from tests.sparse.conftest import TEXTS, Checkpoints, new_splade


def dense(model: SparseEncoder) -> torch.Tensor:
    return model.encode_document(TEXTS, convert_to_sparse_tensor=False)


def test_a_whole_model_gives_the_vectors_of_sentence_transformers(checkpoints: Checkpoints) -> None:
    expected = dense(new_splade(checkpoints.base))
    assert torch.equal(dense(load_splade(checkpoints.plain, device="cpu")), expected)
    assert torch.equal(dense(load_splade(checkpoints.base, device="cpu")), expected)
    assert expected.shape[1] == load_splade(checkpoints.plain).get_embedding_dimension()


def test_an_adapter_is_merged_and_gives_the_vectors_it_gave_when_saved(checkpoints: Checkpoints) -> None:
    merged, apart = (
        load_splade(checkpoints.lora, device="cpu"),
        load_splade(checkpoints.lora, device="cpu", merge=False),
    )
    assert not any("lora" in name for name, _ in merged.named_modules())
    assert any("lora" in name for name, _ in apart.named_modules())
    expected = dense(new_splade(checkpoints.base, lora_seed=1))
    assert torch.equal(dense(apart), expected)
    torch.testing.assert_close(dense(merged), expected, atol=1e-5, rtol=1e-5)
    assert (dense(load_splade(checkpoints.base)) - expected).abs().max() > 0.01


def test_a_merged_model_saves_as_a_whole_one(checkpoints: Checkpoints, tmp_path: Path) -> None:
    merged = load_splade(checkpoints.lora, device="cpu")
    merged.save_pretrained(str(tmp_path))
    assert not (tmp_path / "adapter_config.json").exists()
    torch.testing.assert_close(dense(load_splade(tmp_path, device="cpu")), dense(merged))


def test_modules_that_were_trained_whole_are_merged_too(checkpoints: Checkpoints, tmp_path: Path) -> None:
    model = new_splade(checkpoints.base, lora_seed=3, modules_to_save=["LayerNorm"], target_modules=["query"])
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "modules_to_save" in name:
                parameter.add_(0.5)
    expected = dense(model)
    merge_adapter(model)
    torch.testing.assert_close(dense(model), expected, atol=1e-5, rtol=1e-5)


def test_several_adapters_share_one_base(checkpoints: Checkpoints) -> None:
    model = load_splade(checkpoints.base, adapters={"a": checkpoints.lora, "b": checkpoints.other_lora}, device="cpu")
    sizes = sum(name.endswith("word_embeddings.weight") for name, _ in model.named_parameters())
    assert sizes == 1
    for name, folder in {"a": checkpoints.lora, "b": checkpoints.other_lora, "a again": checkpoints.lora}.items():
        model.set_adapter(name[0])
        torch.testing.assert_close(dense(model), dense(load_splade(folder, device="cpu")), atol=1e-5, rtol=1e-5)
    assert (dense(model) - dense(load_splade(checkpoints.other_lora))).abs().max() > 0.01


def test_an_older_checkpoints_module_names_are_read(checkpoints: Checkpoints, tmp_path: Path) -> None:
    """As tomaarsen/splade-bert-base-uncased-gooaq-peft names its modules."""
    folder = tmp_path / "old"
    shutil.copytree(checkpoints.lora, folder)
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    modules[0]["type"] = "sentence_transformers.sparse_encoder.models.MLMTransformer"
    modules[1]["type"] = "sentence_transformers.sparse_encoder.models.SpladePooling"
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    pooling = {"pooling_strategy": "max", "activation_function": "relu", "word_embedding_dimension": None}
    (folder / "1_SpladePooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")
    (folder / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": 32, "do_lower_case": False}), encoding="utf-8"
    )
    model = load_splade(folder, device="cpu")
    assert model.max_seq_length == 32
    assert model.similarity_fn_name == "dot"
    torch.testing.assert_close(dense(model), dense(load_splade(checkpoints.lora, device="cpu")))


def test_queries_can_do_without_inference(checkpoints: Checkpoints, tmp_path: Path) -> None:
    """A router of two models: a weight looked up for each token of a query, SPLADE for documents."""
    whole = load_splade(checkpoints.plain, device="cpu")
    static = SparseStaticEmbedding(whole.tokenizer, torch.arange(len(whole.tokenizer), dtype=torch.float32))
    router = Router.for_query_document([static], list(whole))
    SparseEncoder(modules=[router], similarity_fn_name="dot", device="cpu").save_pretrained(str(tmp_path))
    model = load_splade(tmp_path, device="cpu")
    assert torch.equal(dense(model), dense(whole))
    (word,) = model.decode(model.encode_query("bees"), top_k=1)
    assert word == ("bees", float(whole.tokenizer.convert_tokens_to_ids("bees")))


def test_only_the_largest_weights_are_kept_and_they_read_as_words(checkpoints: Checkpoints) -> None:
    model = load_splade(checkpoints.plain, max_active_dims=3, device="cpu")
    whole = dense(load_splade(checkpoints.plain, device="cpu"))
    pruned = dense(model)
    assert (pruned > 0).sum(dim=1).tolist() == [3, 3, 3]
    assert torch.equal(pruned.sort(descending=True).values[:, :3], whole.sort(descending=True).values[:, :3])
    words = model.decode(model.encode_query(TEXTS[0]))
    assert [word for word, _ in words] == [model.tokenizer.convert_ids_to_tokens(int(i)) for i in words_of(pruned[0])]


def words_of(vector: torch.Tensor) -> list[int]:
    return vector.argsort(descending=True)[:3].tolist()


def test_what_is_no_splade_is_refused(checkpoints: Checkpoints, tmp_path: Path) -> None:
    BertModel.from_pretrained(checkpoints.base).save_pretrained(tmp_path / "bert")
    BertTokenizerFast.from_pretrained(checkpoints.base).save_pretrained(tmp_path / "bert")
    with pytest.raises(CheckpointError, match="no SPLADE model"):
        load_splade(tmp_path / "bert", device="cpu")
    SentenceTransformer(str(tmp_path / "bert"), device="cpu").save_pretrained(str(tmp_path / "dense"))
    with pytest.raises(CheckpointError, match="no SPLADE model"):
        load_splade(tmp_path / "dense", device="cpu")


def test_errors_name_the_checkpoint(checkpoints: Checkpoints, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="'no such/splade/at all'"):
        load_splade("no such/splade/at all")
    folder = tmp_path / "moved"
    shutil.copytree(checkpoints.lora, folder)
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    for base, message in (
        (str(tmp_path / "gone"), "base of the adapter .*gone.*adapters="),
        (None, "not name its base"),
    ):
        (folder / "adapter_config.json").write_text(
            json.dumps({**config, "base_model_name_or_path": base}), encoding="utf-8"
        )
        with pytest.raises(CheckpointError, match=message):
            load_splade(folder, local_files_only=True)
    # The way out that the message names.
    model = load_splade(checkpoints.base, adapters={"moved": folder}, device="cpu")
    torch.testing.assert_close(dense(model), dense(load_splade(checkpoints.lora, device="cpu")), atol=1e-5, rtol=1e-5)


def test_a_damaged_adapter_ends_in_one_line(checkpoints: Checkpoints, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(checkpoints.lora, folder)
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(CheckpointError, match=r"cannot load .*damaged") as error:
        load_splade(folder, device="cpu")
    assert "\n" not in str(error.value)


def test_pooling_is_splades(checkpoints: Checkpoints) -> None:
    (pooling,) = (module for module in load_splade(checkpoints.lora).modules() if isinstance(module, SpladePooling))
    assert (pooling.pooling_strategy, pooling.activation_function) == ("max", "relu")
