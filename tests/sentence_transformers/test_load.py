"""`load_specter2` against the model card's vectors, and everything a `SentenceTransformer` can do."""

from __future__ import annotations

import copy
import pickle
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from sentence_transformers.util import quantize_embeddings
from transformers import DistilBertConfig, DistilBertModel

from specter2_plugins import AdapterError, CheckpointError, Paper, PaperError, Specter2, TaskError, load_specter2
from tests.conftest import ADAPTERS, Oracle

TASKS = ["proximity", "adhoc_query", "classification", "regression"]
TOLERANCE = 1e-5
HAS_LIBRARY = "adapters" in packages_distributions()
needs_library = pytest.mark.skipif(not HAS_LIBRARY, reason="needs the adapters library")
ENGINES = ["auto", "reference", pytest.param("adapterhub", marks=needs_library)]

NewModel = Callable[..., Specter2]


def assert_same(ours: Any, theirs: Any, tolerance: float = TOLERANCE) -> None:
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=0, atol=tolerance)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_task_gives_the_model_cards_vectors(engine: str, new_model: NewModel, oracle: Oracle) -> None:
    model = new_model(engine=engine)
    for task in [*TASKS, "base"]:
        assert_same(model.encode(oracle.inputs, task=task), oracle.vectors[task])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ADAPTERS)
def test_every_config_gives_the_librarys_vectors(name: str, engine: str, new_model: NewModel, oracle: Oracle) -> None:
    model = new_model(adapters={name: oracle.adapters / name}, engine=engine)
    assert_same(model.encode(oracle.inputs, task=name), oracle.vectors[name])
    assert_same(model.encode(oracle.inputs, task="base"), oracle.vectors["base"])


def test_adapters_change_the_vectors(oracle: Oracle) -> None:
    names = list(oracle.vectors)
    assert set(names) == {"base", *TASKS, *ADAPTERS}
    stacked = torch.stack([oracle.vectors[name] for name in names])
    for index, name in enumerate(names):
        others = torch.cat([stacked[:index], stacked[index + 1 :]])
        assert (others - stacked[index]).abs().amax(dim=-1).min() > 1e-2, name


def test_one_at_a_time_and_in_small_batches(model: Specter2, oracle: Oracle) -> None:
    papers = oracle.papers
    expected = oracle.vectors["proximity"][: len(papers)]
    assert_same(model.encode(papers, batch_size=3), expected)
    assert_same([model.encode(paper) for paper in papers], expected)


def test_strings_dicts_and_papers_mix(model: Specter2, oracle: Oracle) -> None:
    papers, sep = oracle.papers, model.tokenizer.sep_token
    mixed = [
        papers[0],
        Paper(**papers[1]),
        f"{papers[2]['title']}{sep}{papers[2]['abstract']}",
        {**papers[3], "id": 7, "year": 2020},
    ]
    for inputs in (mixed, tuple(mixed), np.array(mixed, dtype=object)):
        assert_same(model.encode(inputs), oracle.vectors["proximity"][:4])


def test_spaces_around_the_separator_change_nothing(model: Specter2, oracle: Oracle) -> None:
    paper = oracle.papers[0]
    assert_same(model.encode(f"{paper['title']} [SEP] {paper['abstract']}"), oracle.vectors["proximity"][0])


def test_empty_lists_and_single_inputs(model: Specter2, oracle: Oracle) -> None:
    dimensions = model.get_embedding_dimension()
    assert model.encode("a query").shape == (dimensions,)
    assert model.encode(Paper(title="A title")).shape == (dimensions,)
    assert model.encode(oracle.papers[0]).shape == (dimensions,)
    assert model.encode([oracle.papers[0]]).shape == (1, dimensions)
    for encode in (model.encode, model.encode_query, model.encode_document):
        assert len(encode([])) == 0
        assert len(encode([], convert_to_tensor=True)) == 0


def test_queries_and_documents_are_routed(model: Specter2, oracle: Oracle) -> None:
    inputs, vectors = oracle.inputs, oracle.vectors
    assert_same(model.encode_query(inputs), vectors["adhoc_query"])
    assert_same(model.encode_document(inputs), vectors["proximity"])
    assert_same(model.encode(inputs), vectors["proximity"])
    assert_same(model.encode(inputs, task="query"), vectors["adhoc_query"])
    assert_same(model.encode(inputs, task="document"), vectors["proximity"])


@pytest.mark.parametrize("engine", ENGINES)
def test_an_unknown_task_lists_the_known_ones(engine: str, new_model: NewModel) -> None:
    with pytest.raises(TaskError, match=r"unknown task 'search'.*adhoc_query, classification, regression, base"):
        new_model(engine=engine).encode("a text", task="search")


def test_an_adapter_that_was_not_loaded_is_named(new_model: NewModel, oracle: Oracle) -> None:
    model = new_model(adapters={"proximity": oracle.models / "adapters" / "proximity"})
    assert model[0].adapter_tasks == ["proximity"]
    with pytest.raises(TaskError, match=r"'query' \(the adapter 'adhoc_query'\).*it has: proximity, base"):
        model.encode_query("a query")


def test_a_model_without_adapters_runs_its_base(new_model: NewModel, oracle: Oracle) -> None:
    bare = load_specter2(oracle.base, adapters={}, device="cpu")
    for model in (bare, new_model(adapters={})):
        assert model[0].adapter_tasks == []
        assert_same(model.encode_query(oracle.queries), oracle.vectors["base"][-len(oracle.queries) :])
        assert_same(model.encode_document(oracle.papers), oracle.vectors["base"][: len(oracle.papers)])
        with pytest.raises(TaskError, match="classification"):
            model.encode("a text", task="classification")


def test_texts_are_cut_at_512_tokens(model: Specter2) -> None:
    assert model.max_seq_length == 512
    words = ["a"] * 600  # a token each
    kept = " ".join(words[:510])
    assert_same(model.encode(" ".join(words)), model.encode(kept), tolerance=0)
    assert model.preprocess([" ".join(words)])["input_ids"].shape == (1, 512)
    assert np.abs(model.encode(kept) - model.encode(" ".join(words[:509]))).max() > TOLERANCE


def test_similarity_is_negative_euclidean_distance(model: Specter2, oracle: Oracle) -> None:
    assert model.similarity_fn_name == "euclidean"
    queries, papers = model.encode_query(oracle.queries), model.encode_document(oracle.papers)
    expected = -np.linalg.norm(queries[:, None] - papers[None], axis=-1)
    assert_same(model.similarity(queries, papers), expected)


def test_token_embeddings(model: Specter2, oracle: Oracle) -> None:
    paper = oracle.papers[0]
    tokens = model.encode(paper, output_value="token_embeddings")
    several = model.encode(oracle.papers[:3], output_value="token_embeddings", task="classification")
    encoded = model.preprocess([f"{paper['title']}[SEP]{paper['abstract']}"])["input_ids"]
    assert tokens.shape == (encoded.shape[1], 48)
    assert_same(tokens[0], oracle.vectors["proximity"][0])
    assert_same([rows[0] for rows in several], oracle.vectors["classification"][:3])


def test_normalised_truncated_and_quantised_vectors(model: Specter2, oracle: Oracle) -> None:
    plain = oracle.vectors["proximity"].numpy()
    unit = plain / np.linalg.norm(plain, axis=1, keepdims=True)
    assert_same(model.encode(oracle.inputs, normalize_embeddings=True), unit)
    assert_same(model.encode(oracle.inputs, truncate_dim=16), plain[:, :16])
    binary = model.encode(oracle.inputs, precision="binary")
    assert binary.dtype == np.int8
    np.testing.assert_array_equal(binary, quantize_embeddings(plain, precision="binary"))
    small = model.encode(oracle.inputs, precision="int8")
    assert small.dtype == np.int8
    # A vector that lies on the border of two steps may fall to either side of it.
    assert np.abs(small.astype(int) - quantize_embeddings(plain, precision="int8").astype(int)).max() <= 1


@pytest.mark.parametrize("dtype", ["bfloat16", torch.float16])
def test_half_precision_stays_close(dtype: Any, new_model: NewModel, oracle: Oracle) -> None:
    model = new_model(dtype=dtype)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16, torch.float16} & {
        getattr(torch, str(dtype).removeprefix("torch."))
    }
    for task in ["proximity", "adhoc_query", "base"]:
        ours = model.encode(oracle.inputs[-8:], task=task, convert_to_tensor=True).float()
        assert torch.cosine_similarity(ours, oracle.vectors[task][-8:]).min() > 0.999


@pytest.mark.parametrize("dtype", ["int8", "single precision"])
def test_a_dtype_that_is_none(dtype: str, new_model: NewModel) -> None:
    with pytest.raises(CheckpointError, match=f"dtype is '{dtype}', expected 'float32'"):
        new_model(dtype=dtype)


def test_an_unknown_engine_lists_the_known_ones(new_model: NewModel) -> None:
    with pytest.raises(ValueError, match=r"engine is 'cuda', expected one of 'auto', .*'adapterhub'"):
        new_model(engine="cuda")


@pytest.mark.skipif(HAS_LIBRARY, reason="the adapters library is installed")
def test_the_librarys_engine_without_the_library_names_the_extra(new_model: NewModel) -> None:
    with pytest.raises(ImportError, match=r"'adapters'.*pip install 'specter2-plugins\[adapters\]'"):
        new_model(engine="adapterhub")


def test_two_processes(model: Specter2, oracle: Oracle) -> None:
    pool = model.start_multi_process_pool(["cpu", "cpu"])
    try:
        assert_same(model.encode_query(oracle.inputs, pool=pool, chunk_size=4), oracle.vectors["adhoc_query"])
        assert_same(
            model.encode(oracle.papers, pool=pool, chunk_size=4), oracle.vectors["proximity"][: len(oracle.papers)]
        )
    finally:
        model.stop_multi_process_pool(pool)


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_with_different_tasks_share_a_model(engine: str, new_model: NewModel, oracle: Oracle) -> None:
    tasks = ["proximity", "adhoc_query", "base", "classification"]
    model = new_model(engine=engine)  # fresh, so that the first calls, which set things up, race as well
    texts = [Paper(**paper) for paper in oracle.papers[:3]] + oracle.queries
    rows = [0, 1, 2, *range(-len(oracle.queries), 0)]
    start = threading.Barrier(len(tasks))

    def encode(task: str) -> list[np.ndarray]:
        start.wait()
        return [model.encode(texts, task=task, batch_size=1 + turn % 4) for turn in range(12)]

    with ThreadPoolExecutor(len(tasks)) as threads:
        results = dict(zip(tasks, threads.map(encode, tasks), strict=True))
    for task, vectors in results.items():
        for vector in vectors:
            assert_same(vector, oracle.vectors[task][rows])


@pytest.mark.parametrize("engine", ENGINES)
def test_deep_copies_and_pickles_are_whole_models(engine: str, new_model: NewModel, oracle: Oracle) -> None:
    model = new_model(engine=engine)
    model.encode("a text")  # whatever is made on first use must survive too
    # The library makes its model's class and hooks on the spot, which pickle cannot find again.
    twins = [copy.deepcopy(model)] + [pickle.loads(pickle.dumps(model)) for _ in range(engine != "adapterhub")]
    for twin in twins:
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter.mul_(0.5)
        assert np.abs(twin.encode_query(oracle.inputs) - oracle.vectors["adhoc_query"].numpy()).max() > 0.1
        assert_same(model.encode_query(oracle.inputs), oracle.vectors["adhoc_query"])


@pytest.mark.parametrize("engine", ENGINES)
def test_saved_folders_load_every_way(engine: str, new_model: NewModel, oracle: Oracle, tmp_path: Path) -> None:
    new_model(engine=engine).save_pretrained(str(tmp_path / "saved"))
    ours = load_specter2(tmp_path / "saved", device="cpu", engine=engine)
    plain = SentenceTransformer(str(tmp_path / "saved"), device="cpu", trust_remote_code=True)
    for loaded in (ours, plain):
        assert loaded.similarity_fn_name == "euclidean"
        assert loaded.max_seq_length == 512
        assert loaded[0].adapter_tasks == TASKS
        for task in [*TASKS, "base"]:
            assert_same(loaded.encode(oracle.inputs[-4:], task=task), oracle.vectors[task][-4:])
    papers = [paper["title"] + "[SEP]" + (paper["abstract"] or "") for paper in oracle.papers if paper["title"]]
    assert_same(plain.encode_document(papers), oracle.vectors["proximity"][: len(papers)])
    assert type(ours) is Specter2

    ours.save_pretrained(str(tmp_path / "again"))
    again = load_specter2(tmp_path / "again", device="cpu", engine=engine)
    assert_same(again.encode_query(oracle.inputs), oracle.vectors["adhoc_query"])


@pytest.mark.parametrize("engine", ENGINES)
def test_saved_folders_keep_base_and_adapters_apart(
    engine: str, new_model: NewModel, oracle: Oracle, tmp_path: Path
) -> None:
    new_model(engine=engine).save_pretrained(str(tmp_path))
    saved, original = load_file(tmp_path / "model.safetensors"), load_file(oracle.base / "model.safetensors")
    assert set(saved) == set(original)
    assert all(torch.equal(saved[name], tensor) for name, tensor in original.items())
    assert sorted(path.name for path in (tmp_path / "adapters").iterdir()) == sorted(TASKS)


def test_adapters_join_or_replace_those_of_a_saved_folder(new_model: NewModel, oracle: Oracle, tmp_path: Path) -> None:
    new_model().save_pretrained(str(tmp_path))
    sources = {"proximity": oracle.adapters / "par_bn", "extra": oracle.adapters / "double_seq_bn"}
    model = load_specter2(tmp_path, adapters=sources, device="cpu")
    assert model[0].adapter_tasks == [*TASKS, "extra"]
    assert_same(model.encode(oracle.inputs), oracle.vectors["par_bn"])
    assert_same(model.encode(oracle.inputs, task="extra"), oracle.vectors["double_seq_bn"])
    assert_same(model.encode_query(oracle.inputs), oracle.vectors["adhoc_query"])


def test_saving_as_pickles(new_model: NewModel, oracle: Oracle, tmp_path: Path) -> None:
    new_model().save_pretrained(str(tmp_path), safe_serialization=False)
    assert [path.name for path in sorted((tmp_path / "adapters" / "proximity").iterdir())] == [
        "adapter_config.json",
        "pytorch_adapter.bin",
    ]
    model = load_specter2(tmp_path, device="cpu")
    assert_same(model.encode_query(oracle.inputs), oracle.vectors["adhoc_query"])


def test_retrieval_evaluator(model: Specter2, oracle: Oracle) -> None:
    queries = dict(enumerate(oracle.queries))
    corpus = {f"p{index}": f"{paper['title']}[SEP]{paper['abstract']}" for index, paper in enumerate(oracle.papers)}
    distances = model.similarity(oracle.vectors["adhoc_query"][-4:], model.encode_document(list(corpus.values())))
    nearest = {query: {f"p{int(distances[query].argmax())}"} for query in queries}
    evaluator = InformationRetrievalEvaluator(
        {str(query): text for query, text in queries.items()},
        corpus,
        {str(query): relevant for query, relevant in nearest.items()},
        write_csv=False,
    )
    assert evaluator(model)["euclidean_mrr@10"] == 1.0


BAD_INPUTS: dict[str, tuple[Any, str]] = {
    "None": (None, "cannot embed 'None' .NoneType."),
    "NaN": (float("nan"), "cannot embed 'nan' .float."),
    "number": (3, "cannot embed '3' .int."),
    "bytes": (b"text", "cannot embed .* .bytes."),
    "three texts": (["a", "b", "c"], "cannot embed .* .list."),
    "a pair with None": (("a", None), "cannot embed .* .tuple."),
    # One input to Sentence Transformers 6, a list of one to 5.
    "chat": ([{"role": "user", "content": "a"}], "cannot embed .* .list.|its keys are: 'role', 'content'"),
    "a chat's message": ({"role": "user", "content": "a"}, "its keys are: 'role', 'content'"),
    "text and image": ({"text": "a", "image": "a.png"}, "its keys are: 'text', 'image'"),
    "surrogate in a pair": (("a", "b\udc00"), r"lone surrogate U\+DC00"),
    "lone surrogate": ("ab\ud83d", r"lone surrogate U\+D83D at character 2"),
    "empty dict": ({}, "needs a 'title' or an 'abstract'"),
    "other keys": ({"name": "x"}, "its keys are: 'name'"),
    "title is a number": ({"title": 12}, "title is 12 .int., expected a string"),
    "surrogate in abstract": ({"title": "T", "abstract": "\udc00"}, r"abstract holds the lone surrogate U\+DC00"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_inputs_are_named_by_position(case: str, model: Specter2) -> None:
    record, message = BAD_INPUTS[case]
    for encode in (model.encode, model.encode_query, model.encode_document):
        with pytest.raises(PaperError, match=rf"^input 2: .*{message}"):
            encode(["a text", {"title": "A title"}, record, "another"])
    if not isinstance(record, list | tuple) or case == "chat":
        with pytest.raises(PaperError, match=message):
            model.encode(record)


def test_control_characters_change_nothing(model: Specter2) -> None:
    clean, dirty = "graph neural networks", "gra\x00ph\x07 neural\x1b net\u200bworks\ufeff"
    assert_same(model.encode(dirty), model.encode(clean), tolerance=0)
    assert_same(model.encode({"title": dirty}), model.encode({"title": clean}), tolerance=0)


def test_the_pooling_of_a_sentence_transformers_base_is_kept(oracle: Oracle, tmp_path: Path) -> None:
    """`mini` is such a base: its adapters were trained with its own mean pooling."""
    plain = SentenceTransformer(str(oracle.base), device="cpu")
    assert plain[1].pooling_mode == "mean"
    plain.save_pretrained(str(tmp_path / "mean"))
    adapters = {"proximity": oracle.models / "adapters" / "proximity"}
    with pytest.raises(CheckpointError, match=r"pools by mean.*pooling='mean'"):
        load_specter2(tmp_path / "mean", adapters=adapters, device="cpu")
    assert load_specter2(tmp_path / "mean", adapters=adapters, pooling="cls", device="cpu")[1].pooling_mode == "cls"
    with pytest.raises(CheckpointError, match="pooling is 'middle', expected one of 'cls', "):
        load_specter2(tmp_path / "mean", adapters=adapters, pooling="middle", device="cpu")
    model = load_specter2(tmp_path / "mean", adapters=adapters, pooling="mean", device="cpu")
    assert_same(model.encode(oracle.queries, task="base"), plain.encode(oracle.queries))
    assert np.abs(model.encode(oracle.queries) - plain.encode(oracle.queries)).max() > 0.1
    assert model.similarity_fn_name == "euclidean"

    model.save_pretrained(str(tmp_path / "saved"))
    saved = load_specter2(tmp_path / "saved", device="cpu")
    assert_same(saved.encode(oracle.queries), model.encode(oracle.queries))


def test_a_base_made_of_unknown_modules(oracle: Oracle, tmp_path: Path) -> None:
    SentenceTransformer(str(oracle.base), device="cpu").save_pretrained(str(tmp_path))
    modules = (tmp_path / "modules.json").read_text(encoding="utf-8")
    pooling = "sentence_transformers.sentence_transformer.modules.pooling.Pooling"
    (tmp_path / "modules.json").write_text(modules.replace(pooling, "os.path.join"), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"made of os.path.join, which is not part of Sentence Transformers"):
        load_specter2(tmp_path, device="cpu")


def damage(folder: Path, file: str, content: bytes | None) -> None:
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", None),
        ("model.safetensors", b""),
        ("model.safetensors", b"\x40" * 400),
        ("config.json", b"{"),
        ("config.json", b'{"model_type": "unheard-of"}'),
        ("tokenizer.json", b"{"),
    ],
)
def test_a_damaged_base_is_named(file: str, content: bytes | None, oracle: Oracle, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(oracle.base, tmp_path / "base"))
    damage(folder, file, content)
    with pytest.raises(CheckpointError, match=f"(cannot load '{folder}': |{folder}).+"):
        load_specter2(folder, device="cpu")


def test_a_base_of_another_architecture(oracle: Oracle, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(oracle.base, tmp_path / "base"))
    (folder / "model.safetensors").unlink()
    DistilBertModel(DistilBertConfig(vocab_size=300, dim=48, hidden_dim=8, n_layers=3, n_heads=4)).save_pretrained(
        folder
    )
    with pytest.raises(AdapterError, match=r"(model_type|is a DistilBertModel)"):
        load_specter2(folder, adapters={"proximity": oracle.adapters / "seq_bn"}, device="cpu")


def test_huggingface_embeddings_of_langchain(new_model: NewModel, oracle: Oracle, tmp_path: Path) -> None:
    langchain = pytest.importorskip("langchain_huggingface")
    new_model().save_pretrained(str(tmp_path))
    embeddings = langchain.HuggingFaceEmbeddings(
        model_name=str(tmp_path),
        model_kwargs={"trust_remote_code": True, "device": "cpu"},
        encode_kwargs={"task": "document"},
        query_encode_kwargs={"task": "query"},
    )
    texts = [f"{paper['title']}[SEP]{paper['abstract'] or ''}" for paper in oracle.papers]
    assert_same(embeddings.embed_documents(texts), oracle.vectors["proximity"][: len(texts)])
    for query, expected in zip(oracle.queries, oracle.vectors["adhoc_query"][-4:], strict=True):
        assert_same(embeddings.embed_query(query), expected)
