"""Folders that were saved by version 0.1, by plain Sentence Transformers, or with a pooling that is not SPECTER2's."""

from __future__ import annotations

import importlib
import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling

from specter2_plugins import CheckpointError, Specter2, load_specter2
from specter2_plugins.checkpoints.saved import OUR_MODULE, OUR_MODULES
from specter2_plugins.sentence_transformers import AdapterTransformer
from tests.conftest import Oracle


def test_every_name_that_was_saved_is_a_class_still() -> None:
    assert f"{AdapterTransformer.__module__}.{AdapterTransformer.__qualname__}" == OUR_MODULE
    for name in OUR_MODULES:
        module, _, attribute = name.rpartition(".")
        assert getattr(importlib.import_module(module), attribute) is AdapterTransformer


@pytest.fixture
def saved(oracle: Oracle, tmp_path: Path) -> Path:
    load_specter2(oracle.models, device="cpu").save_pretrained(str(tmp_path / "saved"))
    return tmp_path / "saved"


def test_a_folder_of_version_0_1(saved: Path, oracle: Oracle, tmp_path: Path) -> None:
    modules = saved / "modules.json"
    modules.write_text(modules.read_text().replace(OUR_MODULE, OUR_MODULES[1]))
    ours = load_specter2(saved, device="cpu")
    plain = SentenceTransformer(str(saved), device="cpu", trust_remote_code=True)
    assert type(ours) is Specter2
    for model in (ours, plain):
        np.testing.assert_allclose(model.encode_query(oracle.queries), oracle.vectors["adhoc_query"][-4:], atol=1e-5)
    for name, model in (("ours", ours), ("plain", plain)):
        model.save_pretrained(str(tmp_path / name))
        assert json.loads((tmp_path / name / "modules.json").read_text())[0]["type"] == OUR_MODULE


def test_a_folder_of_a_later_sentence_transformers(saved: Path) -> None:
    modules, config = saved / "modules.json", saved / "config_sentence_transformers.json"
    entries = json.loads(modules.read_text())
    entries[1]["type"] = "sentence_transformers.pooling.of.tomorrow.Pooling"
    modules.write_text(json.dumps(entries))
    said = json.loads(config.read_text())
    config.write_text(json.dumps(said | {"__version__": {"sentence_transformers": "99.1.0"}}))
    with pytest.raises(CheckpointError, match=r"it was saved with Sentence Transformers 99\.1\.0, and this is \d"):
        load_specter2(saved, device="cpu")


def mean_pooled(oracle: Oracle, folder: Path, name: str) -> Path:
    """Save the base as plain Sentence Transformers does where it knows nothing of it, under a name."""
    SentenceTransformer(str(oracle.base), device="cpu").save_pretrained(str(folder / name))
    return folder / name


def test_a_known_base_with_mean_pooling_is_pooled_by_cls_and_that_is_said(
    oracle: Oracle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = mean_pooled(oracle, tmp_path, "allenai__specter2_base")
    shutil.copytree(oracle.models / "adapters" / "proximity", tmp_path / "allenai__specter2")
    model = load_specter2(folder, device="cpu")
    np.testing.assert_allclose(
        model.encode(oracle.papers), oracle.vectors["proximity"][: len(oracle.papers)], atol=1e-5
    )
    said = [record.getMessage() for record in caplog.records if "pools by mean" in record.getMessage()]
    assert len(said) == 1
    assert "'allenai/specter2_base' was trained with cls, which is used (pooling='mean' keeps the other)" in said[0]
    assert load_specter2(folder, pooling="mean", device="cpu")[1].pooling_mode == "mean"
    assert load_specter2(folder, adapters={}, device="cpu")[1].pooling_mode == "cls"


def test_adapters_say_which_pooling_they_were_trained_with(
    oracle: Oracle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = mean_pooled(oracle, tmp_path, "bert")
    adapter = Path(shutil.copytree(oracle.models / "adapters" / "proximity", tmp_path / "prx"))
    with pytest.raises(CheckpointError, match="its adapters do not say which pooling"):
        load_specter2(folder, adapters={"proximity": adapter}, device="cpu")
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"model_name": "allenai/specter2_base"}))
    assert load_specter2(folder, adapters={"proximity": adapter}, device="cpu")[1].pooling_mode == "cls"
    assert "pools by mean" in caplog.text


def test_specter2s_adapters_that_were_saved_under_a_mean(
    oracle: Oracle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    transformer = AdapterTransformer(str(oracle.base), adapters={"[PRX]": oracle.models / "adapters" / "proximity"})
    assert transformer.adapter_tasks == ["proximity"]
    transformer.model.config.name_or_path = "allenai/specter2_base"
    SentenceTransformer(modules=[transformer, Pooling(48)]).save_pretrained(str(tmp_path))
    with caplog.at_level(logging.WARNING, "specter2_plugins"):
        load_specter2(tmp_path, device="cpu")
    assert "pools by mean, and its adapters are those of 'allenai/specter2_base', trained with cls" in caplog.text
    with pytest.raises(CheckpointError, match="was saved with its pooling; pooling='cls' is for bases"):
        load_specter2(tmp_path, pooling="cls", device="cpu")


def test_mini_keeps_its_mean(mini: Specter2, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mini.save_pretrained(str(tmp_path))
    again = load_specter2(tmp_path, device="cpu")
    assert again[1].pooling_mode == "mean"
    np.testing.assert_allclose(again.encode_query(["graphs"]), mini.encode_query(["graphs"]), atol=1e-6)
    assert not caplog.records
