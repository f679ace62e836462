"""Neighbours in a collection become hard negatives."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("qdrant_client")

from specter2_plugins import Paper, Specter2, StoreError
from specter2_plugins.errors import TrainingError
from specter2_plugins.mining import mine_triplets
from specter2_plugins.mining.neighbours import qdrant_neighbours
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.qdrant import open_client
from specter2_plugins.qdrant.similar import similar_papers

TOPICS = ("graph neural networks", "vitamin D in older adults", "ocean temperatures and plankton")


@pytest.fixture(scope="module")
def papers() -> dict[str, Paper]:
    return {f"{topic[:3]}{n}": Paper(f"{topic} {n}", id=f"{topic[:3]}{n}") for topic in TOPICS for n in range(6)}


def test_the_nearest_but_for_the_first(model: Specter2, papers: dict[str, Paper], tmp_path: Path) -> None:
    with open_client(store=tmp_path / "store") as client:
        ingest_papers(papers.values(), client, model)
        near = qdrant_neighbours(client, model, skip=2, depth=5)
        ranked = [hit.paper.id for hit in similar_papers(client, model, "gra0", limit=5)]
        assert near("gra0") == ranked[2:]
        citations = {"gra0": [ranked[0], ranked[3]]}
        triplets = list(mine_triplets(citations, papers, per_paper=3, hard=3, neighbours=near))
        assert {ranked[2], ranked[4]} <= {triplet.negative for triplet in triplets}
        with pytest.raises(StoreError, match="no paper with the id 'nowhere'"):
            near("nowhere")
        with pytest.raises(TrainingError, match="skip is 5 and depth is 5"):
            qdrant_neighbours(client, model, skip=5, depth=5)
