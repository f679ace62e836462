"""qdrant-client's models -> the engine's types.

A model and its counterpart mostly share their field names, so most of this is a table. A field or a value that the
engine lacks is refused by name, never left out.
"""

from __future__ import annotations

import datetime
import enum
import inspect
import math
import reprlib
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import qdrant_edge as edge
from pydantic import BaseModel
from qdrant_client import models

from specter2_plugins.edge import limits
from specter2_plugins.edge.dicts import as_model
from specter2_plugins.edge.refusals import require_at_least, taken, unsupported
from specter2_plugins.errors import StoreError

_MAX_FLOAT = float(np.finfo(np.float32).max)

_Rule = Callable[[Any], Any]


def to_edge(value: Any) -> Any:
    """Return the engine's counterpart of a model, an enum's member, a list of them or a plain value.

    Raises:
        UnsupportedError: If the engine has none.
    """
    if isinstance(value, BaseModel):
        rule = _RULES.get(type(value))
        if rule is None:
            raise unsupported(type(value).__name__)
        with taken(reprlib.repr(value)):
            return rule(value)
    if isinstance(value, enum.Enum):
        return _member(value)
    if isinstance(value, (list, tuple)):
        return [to_edge(item) for item in value]
    if isinstance(value, datetime.date):  # a datetime is one too
        return value.isoformat()
    return value


def to_filter(given: models.Filter | dict[str, Any] | None) -> Any:
    """Return a filter for the engine.

    Raises:
        StoreError: If the engine could not read it back from its log.
        UnsupportedError: If the engine lacks a condition of it.
    """
    given = as_model(given, models.Filter)
    limits.measured(given, "the filter")
    return to_edge(given)


def point_id(given: int | str | uuid.UUID) -> int | str:
    """Return a point's id as qdrant-client writes it: a number, or a UUID in its canonical form.

    Raises:
        StoreError: If it is neither.
    """
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        if given > limits.MAX_ID:
            raise StoreError(f"the point id {reprlib.repr(given)} does not fit into 64 bits")
        return given
    try:
        return str(uuid.UUID(str(given)))
    except ValueError:
        raise StoreError(f"the point id {given!r} is neither an unsigned integer nor a UUID") from None


def payload_selector(selected: Any) -> Any:
    """Return `with_payload` of a request for the engine."""
    if isinstance(selected, str):
        raise StoreError(f"with_payload is {selected!r}, expected a bool, a list of keys or a PayloadSelector")
    return False if selected is None else to_edge(as_model(selected, models.PayloadSelector))


def vector_selector(selected: bool | Sequence[str] | None) -> bool | list[str]:
    """Return `with_vectors` of a request for the engine."""
    if isinstance(selected, str):
        raise StoreError(f"with_vectors is {selected!r}, expected a bool or a list of vectors' names")
    return selected if isinstance(selected, bool) else False if selected is None else list(selected)


def index_schema(schema: Any) -> Any:
    """Return the type or the parameters of a payload index."""
    schema = as_model(schema, models.PayloadSchemaParams)
    if isinstance(schema, BaseModel):
        return to_edge(schema)
    try:
        return to_edge(models.PayloadSchemaType(schema))
    except ValueError:
        known = ", ".join(kind.value for kind in models.PayloadSchemaType)
        raise StoreError(f"{reprlib.repr(schema)} is no kind of payload index; there are: {known}") from None


def to_creation(name: str, added: models.VectorNameConfig) -> tuple[str, tuple[Any, ...]]:
    """Return the engine's operation that adds a named vector, and its arguments."""
    if isinstance(added, models.SparseVectorNameConfig):
        sparse = added.sparse
        modifier = None if sparse.modifier in (None, models.Modifier.NONE) else to_edge(sparse.modifier)
        return "create_sparse_vector", (name, modifier, to_edge(sparse.datatype))
    dense = added.dense
    multivector, datatype = to_edge(dense.multivector_config), to_edge(dense.datatype)
    return "create_dense_vector", (name, dense.size, to_edge(dense.distance), multivector, datatype)


def _same(target: Any, **renamed: str) -> _Rule:
    """Return a rule for a model whose fields the engine's class has too, under the same names but for those given."""
    known = set(inspect.signature(target).parameters)

    def convert(model: BaseModel) -> Any:
        arguments = {renamed.get(field, field): value for field, value in model if value is not None}
        if "type" not in known:
            arguments.pop("type", None)  # the class says it
        for field in arguments.keys() - known:
            raise unsupported(f"{type(model).__name__}.{field}")
        return target(**{field: to_edge(value) for field, value in arguments.items()})

    return convert


def _range(target: Any) -> _Rule:
    """Return a range for the engine, whose indexes see one bound a side: of two the narrower is kept."""
    convert = _same(target)

    def narrowed(model: Any) -> Any:
        dropped = []
        if model.gt is not None and model.gte is not None:
            dropped.append("gte" if _comparable(model.gt) >= _comparable(model.gte) else "gt")
        if model.lt is not None and model.lte is not None:
            dropped.append("lte" if _comparable(model.lt) <= _comparable(model.lte) else "lt")
        return convert(model.model_copy(update=dict.fromkeys(dropped)))

    return narrowed


def _comparable(bound: Any) -> Any:
    """Return a bound to compare with another: of dates the moment, in UTC where no zone is given, as Qdrant has it."""
    if isinstance(bound, datetime.date):
        if not isinstance(bound, datetime.datetime):
            bound = datetime.datetime.combine(bound, datetime.time())
        return bound if bound.tzinfo else bound.replace(tzinfo=datetime.timezone.utc)
    return bound


def _unwrap(field: str) -> _Rule:
    """Return a rule for a model that only wraps another one."""
    return lambda model: to_edge(getattr(model, field))


def _filter(model: models.Filter) -> edge.Filter:
    clauses = {}
    for name, value in model:
        if value is not None:
            clauses[name] = to_edge(value if isinstance(value, (list, models.MinShould)) else [value])
    return edge.Filter(**clauses)


def _min_should(model: models.MinShould) -> edge.MinShould:
    require_at_least(1, min_count=model.min_count)
    return edge.MinShould(to_edge(model.conditions), model.min_count)


class _Truth:
    """True or false for the engine, to which Python's are the integers 1 and 0.

    The engine's bindings (PyO3) read a class of NumPy's name as a bool. NumPy's own is an integer to them up to the
    versions in which it lost `__index__`: a filter by true then matched nothing.
    """

    def __init__(self, value: bool) -> None:
        self._value = value

    def __bool__(self) -> bool:
        return self._value


_Truth.__module__, _Truth.__name__ = "numpy", "bool"


def _match_value(model: models.MatchValue) -> edge.MatchValue:
    return edge.MatchValue(_Truth(model.value) if isinstance(model.value, bool) else model.value)  # type: ignore[arg-type]


def _search_params(model: models.SearchParams) -> edge.SearchParams:
    idf = edge.IdfParams(to_edge(model.idf.corpus)) if isinstance(model.idf, models.IdfCorpusParams) else None
    given = {field: to_edge(value) for field, value in model if field != "idf" and value is not None}
    return edge.SearchParams(**given, idf=idf)


def _sparse_vector(model: models.SparseVector) -> edge.SparseVector:
    indices, values = model.indices, model.values
    if len(indices) != len(values):
        raise StoreError(f"a sparse vector has {len(indices)} indices and {len(values)} values")
    if len(set(indices)) != len(indices):
        raise StoreError("a sparse vector has an index twice")
    if any(map(math.isnan, values)):
        raise StoreError("a sparse vector has a NaN")
    if any(abs(value) > _MAX_FLOAT for value in values):
        raise StoreError("a sparse vector has an infinity, or a number that 32 bits cannot hold")
    if not all(0 <= index <= limits.MAX_SPARSE_INDEX for index in indices):
        raise StoreError(f"a sparse vector has an index outside of 0 to {limits.MAX_SPARSE_INDEX}")
    return edge.SparseVector(indices, values)


def _sparse_params(model: models.SparseVectorParams) -> edge.EdgeSparseVectorParams:
    index = {} if model.index is None else {field: to_edge(value) for field, value in model.index if value is not None}
    modifier = None if model.modifier in (None, models.Modifier.NONE) else to_edge(model.modifier)
    return edge.EdgeSparseVectorParams(modifier=modifier, **index)


def _stopwords(model: models.StopwordsSet) -> edge.StopwordsSet:
    return edge.StopwordsSet(languages=set(to_edge(model.languages or [])), custom=set(model.custom or []))


def _member(member: enum.Enum) -> Any:
    target = ENUMS.get(type(member))
    if target is None:
        raise unsupported(f"{type(member).__name__}")
    for name in dir(target):
        if name.upper().replace("_", "") == member.name.replace("_", ""):
            return getattr(target, name)
    raise unsupported(f"{type(member).__name__}.{member.name}")


ENUMS: dict[type[enum.Enum], Any] = {
    models.BinaryQuantizationEncoding: edge.BinaryQuantizationEncoding,
    models.BinaryQuantizationQueryEncoding: edge.BinaryQuantizationQueryEncoding,
    models.CompressionRatio: edge.CompressionRatio,
    models.Datatype: edge.VectorStorageDatatype,
    models.Direction: edge.Direction,
    models.Distance: edge.Distance,
    models.Language: edge.Language,
    models.Memory: edge.Memory,
    models.Modifier: edge.Modifier,
    models.MultiVectorComparator: edge.MultiVectorComparator,
    models.PayloadSchemaType: edge.PayloadSchemaType,
    models.Sample: edge.Sample,
    models.ScalarType: edge.ScalarType,
    models.SnowballLanguage: edge.SnowballLanguage,
    models.TextScoringType: edge.TextScoringType,
    models.TokenizerType: edge.TokenizerType,
    models.TurboQuantBitSize: edge.TurboQuantBitSize,
    models.UpdateMode: edge.UpdateMode,
    models.VectorStorageDatatype: edge.VectorStorageDatatype,
}

INDEXES: dict[type[BaseModel], Any] = {
    models.BoolIndexParams: edge.BoolIndexParams,
    models.DatetimeIndexParams: edge.DatetimeIndexParams,
    models.FloatIndexParams: edge.FloatIndexParams,
    models.GeoIndexParams: edge.GeoIndexParams,
    models.IntegerIndexParams: edge.IntegerIndexParams,
    models.KeywordIndexParams: edge.KeywordIndexParams,
    models.TextIndexParams: edge.TextIndexParams,
    models.UuidIndexParams: edge.UuidIndexParams,
}

_RULES: dict[type[BaseModel], _Rule] = {
    # filters
    models.Filter: _filter,
    models.MinShould: _min_should,
    models.FieldCondition: _same(edge.FieldCondition),
    models.IsEmptyCondition: lambda model: edge.IsEmptyCondition(model.is_empty.key),
    models.IsNullCondition: lambda model: edge.IsNullCondition(model.is_null.key),
    models.HasIdCondition: lambda model: edge.HasIdCondition({point_id(given) for given in model.has_id}),
    models.HasVectorCondition: lambda model: edge.HasVectorCondition(model.has_vector),
    models.NestedCondition: lambda model: edge.NestedCondition(model.nested.key, to_edge(model.nested.filter)),
    models.SliceCondition: lambda model: edge.SliceCondition(**dict(model.slice)),  # type: ignore[attr-defined]
    models.MatchValue: _match_value,
    models.MatchText: _same(edge.MatchText),
    models.MatchTextAny: _same(edge.MatchTextAny),
    models.MatchPhrase: _same(edge.MatchPhrase),
    models.MatchPrefix: _same(edge.MatchPrefix),
    models.MatchSubstring: _same(edge.MatchSubstring),
    models.MatchAny: _same(edge.MatchAny),
    models.MatchExcept: lambda model: edge.MatchExcept(model.except_),
    models.Range: _range(edge.RangeFloat),
    models.DatetimeRange: _range(edge.RangeDateTime),
    models.ValuesCount: _same(edge.ValuesCount),
    models.GeoPoint: _same(edge.GeoPoint),
    models.GeoBoundingBox: _same(edge.GeoBoundingBox),
    models.GeoRadius: _same(edge.GeoRadius),
    models.GeoPolygon: _same(edge.GeoPolygon),
    models.GeoLineString: _unwrap("points"),
    # requests
    models.SearchParams: _search_params,
    models.QuantizationSearchParams: _same(edge.QuantizationSearchParams),
    models.AcornSearchParams: _same(edge.AcornSearchParams),
    models.OrderBy: _same(edge.OrderBy),
    models.PayloadSelectorInclude: lambda model: edge.PayloadSelector.Include(model.include),
    models.PayloadSelectorExclude: lambda model: edge.PayloadSelector.Exclude(model.exclude),
    models.NaiveFeedbackStrategy: lambda model: edge.NaiveFeedbackStrategy(*(value for _, value in model.naive)),
    models.Bm25Params: _same(edge.Bm25Params),
    # collections
    models.SparseVector: _sparse_vector,
    models.VectorParams: _same(edge.EdgeVectorParams),
    models.SparseVectorParams: _sparse_params,
    models.MultiVectorConfig: _same(edge.MultiVectorConfig),
    models.HnswConfigDiff: _same(edge.HnswIndexConfig),
    models.OptimizersConfigDiff: _same(edge.EdgeOptimizersConfig),
    models.ScalarQuantization: _unwrap("scalar"),
    models.ScalarQuantizationConfig: _same(edge.ScalarQuantizationConfig),
    models.ProductQuantization: _unwrap("product"),
    models.ProductQuantizationConfig: _same(edge.ProductQuantizationConfig),
    models.BinaryQuantization: _unwrap("binary"),
    models.BinaryQuantizationConfig: _same(edge.BinaryQuantizationConfig),
    models.TurboQuantization: _unwrap("turbo"),
    models.TurboQuantQuantizationConfig: _same(edge.TurboQuantQuantizationConfig),
    # payload indexes
    **{model: _same(target) for model, target in INDEXES.items()},
    models.StopwordsSet: _stopwords,
    models.SnowballParams: _same(edge.SnowballParams),
    models.DisabledStemmerParams: _same(edge.DisabledStemmer),
    models.TextScoringParams: _same(edge.TextScoringParams),
}
