"""SPECTER2's own weights, from the hub, against the model card's code: run with `pytest --hub`."""

from __future__ import annotations

import numpy as np
import pytest

from specter2_plugins import load_specter2
from specter2_plugins.checkpoints.families import DEFAULT_CHECKPOINT, families

PAPERS = [
    {"title": "BERT", "abstract": "We introduce a new language representation model called BERT"},
    {"title": "Attention is all you need", "abstract": None},
]


@pytest.mark.hub
@pytest.mark.parametrize("task", families()[DEFAULT_CHECKPOINT].adapters)
def test_specter2_equals_the_model_card(task: str) -> None:
    pytest.importorskip("adapters")
    import torch
    from adapters import AutoAdapterModel
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(DEFAULT_CHECKPOINT)
    reference = AutoAdapterModel.from_pretrained(DEFAULT_CHECKPOINT)
    reference.load_adapter(families()[DEFAULT_CHECKPOINT].adapters[task], source="hf", load_as=task, set_active=True)
    texts = [paper["title"] + tokenizer.sep_token + (paper["abstract"] or "") for paper in PAPERS]
    inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt", max_length=512)
    with torch.inference_mode():
        expected = reference(**inputs).last_hidden_state[:, 0, :]
    ours = load_specter2(DEFAULT_CHECKPOINT, device="cpu").encode(PAPERS, task=task)
    np.testing.assert_allclose(ours, expected, atol=1e-5)
