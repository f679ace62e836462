"""What `mini` was not trained on: collections to search, and papers with labels.

* CACM and CISI, with the queries and judgements that they are distributed with.
* SciRepEval's sample of 100 searches, each with the ten papers that were shown and what was clicked.
* SIGIR's proceedings, and a part of the venues of the ACM that training leaves out. Searches are the keywords that two
  to ten of the papers have, and none that may be trained on; those papers are the answers. No judge has seen them: a
  paper without the keyword may answer too.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from benchmarks.scirepeval_sample import CLASSES, NUMBERS, labelled_tasks, write_rows, write_sample_tasks
from examples.train_mini.papers import Record, read_acm, scaled_year, split
from specter2_plugins.evaluation import Task, read_tasks
from specter2_plugins.evaluation.ranking import Ranking
from specter2_plugins.readers import read_papers

METRIC = "ndcg_cut_10"

_ANSWERS = range(2, 11)
SEARCHED, PROBED = 2000, 1000


def read_searches(data: Path, work: Path) -> Iterator[Ranking]:
    """The five collections, as nDCG@10 is measured on them.

    Args:
        data: Holds cacm/, cisi/, bibtex/sigir/, scirepeval_sample/ and acm_papers.jsonl.gz.
        work: A folder to write to.
    """
    sample = write_sample_tasks(data / "scirepeval_sample", work / "sample")
    for task in read_tasks(data / "cacm", data / "cisi"):
        yield replace(cast(Ranking, task), metrics=(METRIC,))
    (search,) = read_tasks(sample, names=["Search"])
    yield replace(cast(Ranking, search), name="SciRepEval searches", metrics=(METRIC,))
    trained, other = _acm(data)
    known = {keyword for paper in trained for keyword in paper["keywords"]}
    yield _keyword_searches("SIGIR", _sigir(data / "bibtex" / "sigir"), known)
    yield _keyword_searches("ACM, other venues", other[:SEARCHED], known)


def read_probes(data: Path, work: Path) -> Iterator[Task]:
    """Venues and years of the ACM's other venues; MeSH, fields of study, years and citations of SciRepEval's samples.

    The arguments are those of `read_searches`.
    """
    _, papers = _acm(data)
    papers = [{**paper, "corpus_id": paper["id"]} for paper in papers[:PROBED]]
    venues = labelled_tasks("Venue", papers, [paper["venue"] for paper in papers], CLASSES, work / "acm")
    dated = [paper for paper in papers if paper["year"]]
    years = [scaled_year(paper) for paper in dated]
    numbers = labelled_tasks("Year of a paper of the ACM", dated, years, NUMBERS, work / "acm")
    sample = write_sample_tasks(data / "scirepeval_sample", work / "sample")
    for task in read_tasks(write_rows(work / "acm" / "tasks.jsonl", [*venues, *numbers]), sample):
        if not isinstance(task, Ranking):
            yield task


def _acm(data: Path) -> tuple[list[Record], list[Record]]:
    """Papers that may be trained on, and the others in an order of chance."""
    trained, other = split(read_acm(data / "acm_papers.jsonl.gz"))
    random.Random(0).shuffle(other)
    return trained, other


def _sigir(folder: Path) -> Iterator[Record]:
    for paper in read_papers(str(folder / "*.bib")):
        keywords = {keyword.lower() for keyword in paper.metadata.get("keywords", ())}
        yield {"id": paper.id, "title": paper.title, "abstract": paper.abstract, "keywords": keywords}


def _keyword_searches(name: str, papers: Iterable[Record], known: Collection[str]) -> Ranking:
    documents: dict[str, Any] = {}
    answers: dict[str, dict[str, int]] = defaultdict(dict)
    for paper in papers:
        documents[paper["id"]] = (paper["title"] or "", paper["abstract"] or "")
        for keyword in paper["keywords"]:
            answers[keyword][paper["id"]] = 1
    asked = {
        f"query {keyword}": (keyword, found)
        for keyword, found in answers.items()
        if len(found) in _ANSWERS and keyword not in known
    }
    return Ranking(
        name,
        {query: (keyword,) for query, (keyword, _) in asked.items()},
        documents,
        {query: found for query, (_, found) in asked.items()},
        (METRIC,),
    )
