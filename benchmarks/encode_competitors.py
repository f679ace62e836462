"""One competitor of `encode.py` in a process of its own, so that each may have its own interpreter and packages.

Run by `encode.py`, never by hand: python encode_competitors.py NAME FOLDER THREADS, where FOLDER holds base/ and
adapters/proximity/. It answers each line of JSON on standard input with one on standard output:

    {"texts": [...], "one_by_one": false, "save": "vectors.npy"}  ->  {"seconds": [...], "peak_mib": ...}
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 8
"""Inputs per batch of the runtimes, which have no default: sorted by length, small batches waste least on padding."""
SORTED_BATCH = 32
"""Inputs per batch of the model card's code where they are sorted: the default of Sentence Transformers."""
LONGEST = 512

Encode = Callable[[list[str]], np.ndarray]


def model_card(folder: Path, threads: int) -> Encode:
    """The code of allenai/specter2's model card, which puts all papers into one batch; here without gradients."""
    import torch
    from adapters import AutoAdapterModel
    from transformers import AutoTokenizer

    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(folder / "base")
    model = AutoAdapterModel.from_pretrained(folder / "base")
    model.load_adapter(str(folder / "adapters" / "proximity"), load_as="specter2", set_active=True)
    model.eval()

    def encode(texts: list[str]) -> np.ndarray:
        inputs = tokenizer(
            texts,
            padding=True,
            truncation=True,
            return_tensors="pt",
            return_token_type_ids=False,
            max_length=LONGEST,
        )
        with torch.no_grad():
            vectors: np.ndarray = model(**inputs).last_hidden_state[:, 0, :].numpy()
        return vectors

    return encode


def model_card_sorted(folder: Path, threads: int) -> Encode:
    """The same in batches of papers of like length."""
    encode = model_card(folder, threads)
    return _sorted_first(lambda texts: np.concatenate([encode(batch) for batch in _batches(texts, SORTED_BATCH)]))


def plain_sentence_transformer(folder: Path, threads: int) -> Encode:
    """Sentence Transformers on the base with CLS pooling: no adapter."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    torch.set_num_threads(threads)
    transformer = Transformer(str(folder / "base"), max_seq_length=LONGEST)
    pooling = Pooling(transformer.get_word_embedding_dimension(), "cls")
    model = SentenceTransformer(modules=[transformer, pooling], device="cpu")
    return lambda texts: model.encode(texts, show_progress_bar=False)


def onnx_runtime(folder: Path, threads: int) -> Encode:
    """ONNX Runtime on the base, sorted by length: no adapter."""
    import onnxruntime
    import torch

    path = folder / "base" / "model.onnx"
    model, example = _traceable(folder)
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        model,
        example,
        path,
        input_names=["input_ids", "attention_mask"],
        output_names=["cls"],
        dynamic_axes={"input_ids": axes, "attention_mask": axes, "cls": {0: "batch"}},
        dynamo=False,
    )
    del model
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return _sorted_first(_tokenized(folder, lambda ids, mask: session.run(None, _named(ids, mask))[0]))


def openvino(folder: Path, threads: int, precision: str = "f32") -> Encode:
    """OpenVINO on the base, sorted by length: no adapter."""
    import openvino

    model, example = _traceable(folder)
    converted = openvino.convert_model(model, example_input=example)
    for port, name in zip(converted.inputs, ("input_ids", "attention_mask"), strict=True):
        port.tensor.set_names({name})
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    compiled = openvino.Core().compile_model(converted, "CPU", settings)
    del model, converted
    return _sorted_first(_tokenized(folder, lambda ids, mask: compiled(_named(ids, mask))[0]))


def openvino_bf16(folder: Path, threads: int) -> Encode:
    """OpenVINO in bfloat16 on the base, sorted by length: no adapter."""
    return openvino(folder, threads, "bf16")


def ours(folder: Path, threads: int, dtype: str = "float32") -> Encode:
    """This package, with the adapter."""
    import torch

    from specter2_plugins import load_specter2

    torch.set_num_threads(threads)
    model = load_specter2(folder, device="cpu", dtype=dtype)
    return lambda texts: model.encode(texts, task="proximity", show_progress_bar=False)


def ours_bf16(folder: Path, threads: int) -> Encode:
    """This package in bfloat16, with the adapter."""
    return ours(folder, threads, "bfloat16")


COMPETITORS: dict[str, Callable[[Path, int], Encode]] = {
    "model card": model_card,
    "model card, sorted batches": model_card_sorted,
    "sentence-transformers, base": plain_sentence_transformer,
    "onnxruntime, base": onnx_runtime,
    "openvino fp32, base": openvino,
    "openvino bf16, base": openvino_bf16,
    "ours fp32": ours,
    "ours bf16": ours_bf16,
}


def _traceable(folder: Path) -> tuple[Any, tuple[Any, Any]]:
    """The base as a module from ids and mask to the first token's vector, and inputs to trace it with."""
    import torch
    from transformers import BertModel

    class FirstToken(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.base = BertModel.from_pretrained(folder / "base", attn_implementation="sdpa").eval()

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.base(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[:, 0]

    example = torch.ones(2, 8, dtype=torch.long)
    return FirstToken(), (example, example)


def _named(ids: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
    return {"input_ids": ids, "attention_mask": mask}


def _tokenized(folder: Path, run: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Encode:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "base" / "tokenizer.json"))
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding()

    def encode(texts: list[str]) -> np.ndarray:
        vectors = []
        for batch in _batches(texts, BATCH):
            encodings = tokenizer.encode_batch(batch)
            ids = np.array([encoding.ids for encoding in encodings])
            vectors.append(run(ids, np.array([encoding.attention_mask for encoding in encodings])))
        return np.concatenate(vectors)

    return encode


def _batches(texts: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


def _sorted_first(encode: Encode) -> Encode:
    def encode_sorted(texts: list[str]) -> np.ndarray:
        order = np.argsort([-len(text) for text in texts], kind="stable")
        return encode([texts[position] for position in order])[np.argsort(order)]

    return encode_sorted


def _peak_mib() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says includes the parent's memory at the time of the fork
        return next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Load the competitor, then time what is asked for."""
    name, folder, threads = sys.argv[1:]
    # Libraries print; only answers may reach the pipe.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**fields: Any) -> None:
        print(json.dumps(fields), file=answers, flush=True)

    try:
        encode = COMPETITORS[name](Path(folder), int(threads))
    except ImportError as error:
        return answer(missing=str(error))
    answer(ready=True)
    for line in sys.stdin:
        request = json.loads(line)
        texts = request["texts"]
        calls = [[text] for text in texts] if request["one_by_one"] else [texts]
        seconds, vectors = [], []
        for call in calls:
            start = time.perf_counter()
            vectors.append(encode(call))
            seconds.append(time.perf_counter() - start)
        np.save(request["save"], np.concatenate(vectors).astype(np.float32))
        answer(seconds=seconds, peak_mib=_peak_mib())
    return None


if __name__ == "__main__":
    main()
