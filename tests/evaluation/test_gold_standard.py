"""The gold standard of reviewer assignment: its layout, and its loss beside plain loops."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from specter2_plugins import EvaluationError, Specter2
from specter2_plugins.evaluation import evaluate, read_tasks

TITLES = [
    "Inverted index compression",
    "Neural ranking models",
    "Soil water under irrigation",
    "Bumble bees and pollination",
    "Query expansion",
    "Graph neural networks",
    "Crop yields",
]
KNOWN = {"11": {"s0": 5, "s1": 4, "s2": 1}, "12": {"s2": 4, "s3": 4.5, "s4": 2, "s0": 2}}
WROTE = {"11": [1, 4, 5, 0], "12": [2, 3, 6]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    header = ["ParticipantID", *(f"{name}{place}" for name in ("Paper", "Expertise") for place in range(1, 6))]
    rows = [header]
    for reviewer, known in KNOWN.items():
        empty = [""] * (5 - len(known))
        rows.append([reviewer, *known, *empty, *map(str, known.values()), *empty])
    (tmp_path / "data" / "evaluations.csv").write_text("\n".join("\t".join(row) for row in rows))
    for number, own in enumerate((slice(None), slice(0, 2)), 1):
        draw = tmp_path / "evaluation_datasets" / f"d_20_{number}"
        (draw / "archives").mkdir(parents=True)
        notes = {f"s{place}": {"id": f"s{place}", "content": {"title": title}} for place, title in enumerate(TITLES)}
        (draw / "submissions.json").write_text(json.dumps(notes))
        for reviewer, written in WROTE.items():
            lines = [json.dumps({"id": f"p{p}", "content": {"title": f"On {TITLES[p].lower()}"}}) for p in written[own]]
            (draw / "archives" / f"~{reviewer}.jsonl").write_text("\n".join(lines))
    return tmp_path


def test_the_loss_is_that_of_plain_loops(folder: Path, mini: Specter2) -> None:
    report = evaluate(mini, read_tasks(folder))
    found = {score.metric: score.value for score in report.scores if score.system == "model"}
    losses, easy = [], []
    for own in (slice(None), slice(0, 2)):
        loss = limit = right = pairs = 0.0
        for reviewer, known in KNOWN.items():
            papers = mini.encode_document([f"On {TITLES[place].lower()}[SEP]" for place in WROTE[reviewer][own]])
            scores = {}
            for paper in known:
                vector = mini.encode_document([f"{TITLES[int(paper[1:])]}[SEP]"])[0]
                cosines = papers @ vector / np.linalg.norm(papers, axis=1) / np.linalg.norm(vector)
                scores[paper] = np.sort(cosines)[-3:].mean()
            for one, other in combinations(known, 2):
                told = known[one] - known[other]
                limit += abs(told)
                loss += abs(told) if (scores[one] - scores[other]) * told < 0 else 0
                if max(known[one], known[other]) >= 4 and min(known[one], known[other]) <= 2:
                    pairs += 1
                    right += (scores[one] - scores[other]) * told > 0
        losses.append(loss / limit)
        easy.append(100 * right / pairs)
    assert found["loss"] == pytest.approx(np.mean(losses))
    assert found["easy pairs"] == pytest.approx(np.mean(easy))
    assert 0 <= found["loss, 2.5%"] <= found["loss"] <= found["loss, 97.5%"]
    assert {score.system for score in report.scores} == {"bm25", "model"}


def test_one_draw_alone(folder: Path, mini: Specter2) -> None:
    draw = folder / "evaluation_datasets" / "d_20_1"
    (draw / "evaluations.csv").write_bytes((folder / "data" / "evaluations.csv").read_bytes())
    assert {score.task for score in evaluate(mini, read_tasks(draw)).scores} == {"Gold standard of reviewers"}


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("data/evaluations.csv", "\t4.5", "\tmuch", "row 2: Expertise2 is 'much', no number"),
        ("data/evaluations.csv", "\t4.5", "\tnan", "row 2: Expertise2 is 'nan', no number"),
        ("data/evaluations.csv", "\ts3", "\ts9", "paper s9, which 12 knows, is no submission"),
        ("data/evaluations.csv", "\n12", "\n13", "reviewer 13 said what to know, and has no archive"),
        ("data/evaluations.csv", "\n12", "\n", "row 2 has no ParticipantID"),
        ("evaluation_datasets/d_20_2/submissions.json", '"id": "s1"', '"id": "s0"', "has the id 's0', which another"),
    ],
)
def test_what_does_not_fit_is_named(folder: Path, file: str, old: str, new: str, problem: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    with pytest.raises(EvaluationError, match=problem):
        list(read_tasks(folder))


def test_nothing_to_order(folder: Path) -> None:
    (folder / "data" / "evaluations.csv").write_text("ParticipantID,Paper1,Expertise1\n11,s0,5\n")
    with pytest.raises(EvaluationError, match="nothing to order"):
        list(read_tasks(folder))
