"""Make `tests/data/oracle`: a tiny BERT, adapters of every kind that runs here, and the vectors they should give.

Run it again, from the repository's root, with the environment that holds the adapters library:

    .venv-adapterhub/bin/python tests/oracle/make_fixtures.py

Everything is written by `adapters` 1.3.0 and computed by the code of the model card of allenai/specter2, nothing by
this package. Seeds are fixed, so a second run gives the same files. What is written:

    inputs.json                     papers (dicts with title and abstract) and queries (strings)
    models/base/                    the base in transformers' format
    models/adapters/<task>/         SPECTER2's four tasks, in the layout of its archive
    adapters/<name>/                one adapter per kind of configuration
    vectors.safetensors             "base" and each adapter's name -> [inputs, hidden size]
"""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import adapters
import torch
from adapters import AutoAdapterModel, BnConfig, DoubleSeqBnConfig, ParBnConfig, SeqBnConfig
from safetensors.torch import save_file
from tokenizers import normalizers, pre_tokenizers
from torch import Tensor, nn
from transformers import AutoTokenizer, BertConfig, BertModel, BertTokenizerFast

OUT = Path("tests/data/oracle")  # the library writes the base's path into each adapter's configuration
BASE = OUT / "models" / "base"
SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SUFFIXES = ["s", "ed", "er", "es", "ing", "ion", "ity", "ment", "ness", "tion"]

TASKS = {
    "proximity": "[PRX]",
    "adhoc_query": "[QRY]",
    "classification": "[CLF]",
    "regression": "[RGN]",
}
"""Task -> the name inside its weight file, after SciRepEval's control codes."""

CONFIGS: dict[str, BnConfig] = {
    "seq_bn": SeqBnConfig(),
    "double_seq_bn": DoubleSeqBnConfig(),
    "par_bn": ParBnConfig(),
    "scaled_par_bn": ParBnConfig(scaling="learned"),
    "residual_after_ln": SeqBnConfig(residual_before_ln=False, non_linearity="gelu"),
    "residual_post_add": SeqBnConfig(residual_before_ln="post_add", non_linearity="swish"),
    "no_original_ln": SeqBnConfig(original_ln_before=False, original_ln_after=False, non_linearity="tanh"),
    "no_ln_after_block": SeqBnConfig(original_ln_after=False, non_linearity="leakyrelu"),
    "own_layer_norms": SeqBnConfig(ln_before=True, ln_after=True, scaling="learned"),
    "own_ln_inside": DoubleSeqBnConfig(ln_after=True, adapter_residual_before_ln=True, scaling="channel"),
    "parallel_own_ln": ParBnConfig(ln_before=True, ln_after=True, mh_adapter=True, scaling=2.0),
    "attention_only": DoubleSeqBnConfig(output_adapter=False, reduction_factor=4, scaling=2.0),
    "mixed_sizes": DoubleSeqBnConfig(reduction_factor={"0": 8, "2": 0.5, "default": 16}),
    "some_layers": SeqBnConfig(leave_out=[0, 2], dropout=0.1),
}
"""A spread over what a bottleneck can be told, each key an adapter's folder."""

# The library cannot write an adapter with ln_before as safetensors: it holds that norm twice.
PICKLED = {"seq_bn", "residual_post_add", "own_layer_norms", "parallel_own_ln", "own_ln_inside", "some_layers"}
UNPREFIXED = {"double_seq_bn", "par_bn", "no_original_ln", "mixed_sizes"}

PAPERS: list[tuple[str, str]] = [
    (
        "Graph neural networks for predicting molecular properties",
        "We represent molecules as graphs and learn to predict their solubility and toxicity. Message passing over "
        "atoms and bonds outperforms fingerprints on nine of twelve benchmarks, and attention weights point to the "
        "functional groups that chemists expect.",
    ),
    (
        "Dense retrieval of scientific documents with citation supervision",
        "Citations are a cheap signal of relatedness between papers. We train a transformer encoder with a triplet "
        "loss on the citation graph and evaluate its embeddings on search, recommendation and classification.",
    ),
    (
        "A randomised trial of vitamin D in older adults",
        "Background: whether supplements prevent falls is uncertain. Methods: 2,312 participants aged 65 to 84 years "
        "received 2000 IU per day or placebo. Results: no significant difference in falls (hazard ratio 0.97, 95% CI "
        "0.88-1.07) was found.",
    ),
    (
        "Über die spezielle und die allgemeine Relativitätstheorie — naïve β-decay in 東京 🔬",
        "Les équations d'Einstein décrivent la courbure de l'espace-temps; ∇²φ = 4πGµ est leur limite newtonienne. "
        "Dřívější měření potvrzují předpověď s přesností 10⁻⁵.",
    ),
    ("ON THE COMPLEXITY OF [SEP] TOKENS: A Survey (2nd ed.)", "x"),
]
TITLES = ["Attention is all you need", "Superconductivity", "Deep learning: a review of methods, data sets & pitfalls"]
ABSTRACTS = [
    "Ocean temperatures along the coast rose by 0.3 degrees per decade while plankton blooms came eleven days earlier.",
    "We prove that every finite group of odd order is solvable, in a formal proof checked by machine.",
]
QUERIES = ["graph neural networks for molecules", "does vitamin D prevent falls in the elderly?", "BERT", "東京 naïve"]


def main() -> None:
    """Write all fixtures."""
    shutil.rmtree(OUT, ignore_errors=True)
    inputs = make_inputs()
    BASE.mkdir(parents=True)
    (OUT / "inputs.json").write_text(json.dumps(inputs, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    make_base(inputs)

    folders = {task: OUT / "models" / "adapters" / task for task in TASKS}
    for seed, (task, name) in enumerate(TASKS.items(), start=100):
        save(folders[task], name, SeqBnConfig(), seed, prefixed=True, safe=False)
    for seed, (name, config) in enumerate(CONFIGS.items(), start=200):
        folders[name] = OUT / "adapters" / name
        save(folders[name], name, config, seed, prefixed=name not in UNPREFIXED, safe=name not in PICKLED)
    folders["legacy"] = make_legacy()
    add_head(folders["regression"])

    vectors = {"base": embed(None, inputs)}
    vectors |= {name: embed(folder, inputs) for name, folder in folders.items()}
    for name, theirs in vectors.items():
        if name != "base":
            change = (theirs - vectors["base"]).abs().amax(dim=1).min().item()
            assert change > 0.05, f"{name} changes the vectors by only {change}"
    save_file(vectors, OUT / "vectors.safetensors")


def make_inputs() -> list[str | dict[str, str | None]]:
    """Papers with title and abstract, with one of them, one far beyond 512 tokens, and queries."""
    words = " ".join(abstract for _, abstract in PAPERS[:3]).split()
    long = " ".join(random.Random(0).choices(words, k=2000))
    papers: list[tuple[str | None, str | None]] = [*PAPERS, ("A very long abstract", long)]
    papers += [(title, None) for title in TITLES] + [(TITLES[0], "")]
    papers += [("", abstract) for abstract in ABSTRACTS]
    return [*({"title": title, "abstract": abstract} for title, abstract in papers), *QUERIES]


def make_base(inputs: list[Any]) -> None:
    """A BERT of three layers whose lower-casing WordPiece vocabulary knows half of the inputs' words whole."""
    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    texts = [record if isinstance(record, str) else f"{record['title']} {record['abstract']}" for record in inputs]
    words = sorted({word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))})
    letters = sorted({letter for word in words for letter in word} - {"🔬"})
    continued = [f"##{piece}" for piece in (*letters, *SUFFIXES)]
    vocabulary = list(dict.fromkeys([*SPECIAL_TOKENS, *letters, *continued, *words[::2]]))
    (BASE / "vocab.txt").write_text("".join(f"{token}\n" for token in vocabulary), encoding="utf-8")
    BertTokenizerFast(vocab_file=str(BASE / "vocab.txt"), do_lower_case=True).save_pretrained(BASE)

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=96,
        initializer_range=0.15,
    )
    base = BertModel(config)
    for module in base.modules():
        if isinstance(module, nn.LayerNorm):
            nn.init.normal_(module.weight, mean=1, std=0.2)
            nn.init.normal_(module.bias, std=0.2)
    base.save_pretrained(BASE)


def save(folder: Path, name: str, config: BnConfig, seed: int, *, prefixed: bool, safe: bool) -> None:
    """Let the library write an adapter whose weights are large enough to matter."""
    if prefixed:
        model = AutoAdapterModel.from_pretrained(BASE)
    else:
        model = BertModel.from_pretrained(BASE)
        adapters.init(model)
    model.add_adapter(name, config=config)
    torch.manual_seed(seed)
    for key, parameter in model.named_parameters():
        if f".adapters.{name}." in key:
            factor = parameter.dim() == 1 and not key.endswith("bias")
            nn.init.normal_(parameter, mean=1.0 if factor else 0.0, std=0.3)
    folder.parent.mkdir(parents=True, exist_ok=True)
    model.save_adapter(str(folder), name, use_safetensors=safe)


def make_legacy() -> Path:
    """An adapter as adapter-transformers 1 wrote it: no version, old key names, the old meaning of gelu."""
    folder = OUT / "adapters" / "legacy"
    save(folder, "legacy", SeqBnConfig(non_linearity="gelu"), seed=300, prefixed=True, safe=False)
    state = torch.load(folder / "pytorch_adapter.bin", weights_only=True)
    old = {key.replace(".output.adapters.", ".output.layer_text_task_adapters."): value for key, value in state.items()}
    torch.save(old, folder / "pytorch_adapter.bin")
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    del config["version"]
    (folder / "adapter_config.json").write_text(json.dumps({**config, "type": "text_task"}, indent=2), encoding="utf-8")
    return folder


def add_head(folder: Path) -> None:
    """Put a prediction head beside an adapter, as AdapterHub's repositories often do."""
    model = AutoAdapterModel.from_pretrained(BASE)
    name = model.load_adapter(str(folder), with_head=False)
    torch.manual_seed(1)
    model.add_classification_head(name, num_labels=2)
    model.save_head(str(folder), name)


def embed(folder: Path | None, inputs: list[Any]) -> Tensor:
    """The code of the model card of allenai/specter2, for papers and, with title alone, for queries."""
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    model = AutoAdapterModel.from_pretrained(BASE)
    if folder is not None:
        safe = (folder / "adapter.safetensors").is_file()
        missing: dict[str, list[str]] = {}
        model.load_adapter(str(folder), set_active=True, with_head=False, use_safetensors=safe, loading_info=missing)
        assert not any(missing.values()), missing
    model.eval()
    text_batch = [
        record
        if isinstance(record, str)
        else (record["title"] or "") + tokenizer.sep_token + (record["abstract"] or "")
        for record in inputs
    ]
    batch = tokenizer(
        text_batch, padding=True, truncation=True, return_tensors="pt", return_token_type_ids=False, max_length=512
    )
    with torch.no_grad():
        output = model(**batch)
    return output.last_hidden_state[:, 0, :].contiguous()


if __name__ == "__main__":
    main()
