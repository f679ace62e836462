"""MDCR: citation recommendation within fields, as {field: {query: {"true" or who proposed them: [candidates]}}}.

Source: Medic and Snajder, "Large-scale Evaluation of Transformer-based Article Encoders on the Task of Citation
Recommendation" (2022), and its evaluator, https://github.com/zoranmedic/mdcr. Its metrics are "map" and "recall_5".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.evaluation.ranking import Ranking
from specter2_plugins.evaluation.report import Score
from specter2_plugins.evaluation.runs import Measured, scores
from specter2_plugins.scirepeval import Document, Row

_CITED = "true"


@dataclass(frozen=True)
class Mdcr:
    """A ranking in each field, and the mean over the fields.

    Args:
        name: What tables call the mean.
        fields: A ranking for each field.
    """

    name: str
    fields: tuple[Ranking, ...]

    def evaluate(self, encoder: Encoder) -> Iterator[Score]:
        """Rank by BM25, by the model and by both: first the mean, then field by field."""
        measured = [_measured(field, encoder) for field in self.fields]
        yield from scores(self.name, {key: fmean(found[key] for found in measured) for key in measured[0]})
        for field, found in zip(self.fields, measured, strict=True):
            yield from scores(field.name, found)


def read_mdcr(name: str, rows: Iterable[Row], papers: Mapping[str, Document], metrics: tuple[str, ...]) -> Mdcr:
    """Put the fields of a benchmark's rows together.

    Raises:
        EvaluationError: If the rows are not as MDCR's are, or a field's papers are missing.
    """
    judged: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows:
        for field, queries in row.items():
            try:
                found = {str(query): _judgements(pools) for query, pools in queries.items()}
            except (AttributeError, KeyError, TypeError):
                raise EvaluationError(
                    f"field {field!r} is not as MDCR's are: {{query: {{{_CITED!r}: [papers], ...}}}}"
                ) from None
            judged.setdefault(field, {}).update(found)
    if not judged:
        raise EvaluationError("its test data hold no field")
    fields = []
    for field, judgements in judged.items():
        candidates = {paper: papers[paper] for pool in judgements.values() for paper in pool if paper in papers}
        fields.append(Ranking(f"{name}, {field}", papers, candidates, judgements, metrics, "proximity", pooled=True))
    return Mdcr(name, tuple(fields))


def _measured(field: Ranking, encoder: Encoder) -> Measured:
    try:
        return field.measure(encoder)
    except EvaluationError as error:
        raise EvaluationError(f"{field.name}: {error}") from None


def _judgements(pools: Mapping[str, list[object]]) -> dict[str, int]:
    if not all(isinstance(pool, list) for pool in pools.values()):
        raise TypeError
    proposed = {str(paper): 0 for pool in pools.values() for paper in pool}
    return proposed | {str(paper): 1 for paper in pools[_CITED]}
