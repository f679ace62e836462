"""qdrant-client's models -> the engine's types, and its results back.

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

from specter2_plugins.errors import StoreError, one_line
from specter2_plugins.qdrant.edge import limits
from specter2_plugins.qdrant.edge.refusals import require_at_least, unsupported

_MAX_FLOAT = float(np.finfo(np.float32).max)

_Rule = Callable[[Any], Any]


def to_edge(value: Any) -> Any:
    """The engine's counterpart of a model, an enum's member, a list of them or a plain value.

    Raises:
        UnsupportedError: If the engine has none.
    """
    if isinstance(value, BaseModel):
        rule = _RULES.get(type(value))
        if rule is None:
            raise unsupported(type(value).__name__)
        try:
            return rule(value)
        except StoreError:
            raise
        except (TypeError, ValueError, OverflowError) as error:
            # What the engine says of a wrong type is a list of all that it tried.
            reason = f": {one_line(error)}" if type(error) is ValueError else ""
            raise StoreError(f"the engine does not take {reprlib.repr(value)}{reason}") from None
    if isinstance(value, enum.Enum):
        return _member(value)
    if isinstance(value, (list, tuple)):
        return [to_edge(item) for item in value]
    if isinstance(value, datetime.date):  # a datetime is one too
        return value.isoformat()
    return value


def to_filter(given: models.Filter | None) -> Any:
    """A filter for the engine.

    Raises:
        StoreError: If the engine could not read it back from its log.
        UnsupportedError: If the engine lacks a condition of it.
    """
    limits.measured(given, "the filter")
    return to_edge(given)


def point_id(given: int | str | uuid.UUID) -> int | str:
    """A point's id as qdrant-client writes it: a number, or a UUID in its canonical form.

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
    """`with_payload` of a request."""
    if isinstance(selected, str):
        raise StoreError(f"with_payload is {selected!r}, expected a bool, a list of keys or a PayloadSelector")
    return False if selected is None else to_edge(selected)


def vector_selector(selected: bool | Sequence[str] | None) -> bool | list[str]:
    """`with_vectors` of a request."""
    return selected if isinstance(selected, bool) else list(selected or ()) or False


def index_schema(schema: Any) -> Any:
    """The type or the parameters of a payload index."""
    return to_edge(schema if isinstance(schema, BaseModel) else models.PayloadSchemaType(schema))


def expression(value: Any) -> Any:
    """An expression of a formula."""
    if isinstance(value, (int, float)):
        return edge.Expression.Constant(float(value))
    if isinstance(value, str):
        return edge.Expression.Variable(value)
    rule = _EXPRESSIONS.get(type(value))
    return rule(value) if rule else edge.Expression.Condition(to_edge(value))


def record(found: edge.Record) -> models.Record:
    """A stored point."""
    return models.Record.model_construct(**_stored(found))


def scored_point(found: edge.ScoredPoint, with_vector: bool | list[str]) -> models.ScoredPoint:
    """A point that a query found, with the vectors asked for: MMR leaves its own in."""
    point = models.ScoredPoint.model_construct(version=found.version, score=found.score, **_stored(found))
    if with_vector is False:
        point.vector = None
    elif isinstance(point.vector, dict) and with_vector is not True:
        point.vector = {name: vector for name, vector in point.vector.items() if name in with_vector}
    return point


def payload_schema(schema: dict[str, edge.PayloadIndexInfo]) -> dict[str, models.PayloadIndexInfo]:
    """The payload indexes of a collection."""
    return {field: _index_info(info) for field, info in schema.items()}


def _stored(found: edge.Record | edge.ScoredPoint) -> dict[str, Any]:
    return {
        "id": found.id if isinstance(found.id, int) else str(found.id),
        "payload": found.payload,
        "vector": _vectors(found.vector),
        "order_value": found.order_value,
    }


def _vectors(stored: Any) -> Any:
    if isinstance(stored, dict):
        return {name: _vectors(vector) for name, vector in stored.items()}
    if isinstance(stored, edge.SparseVector):
        return models.SparseVector.model_construct(indices=list(stored.indices), values=list(stored.values))
    return stored


def _same(target: Any, **renamed: str) -> _Rule:
    """A rule for a model whose fields the engine's class has too, under the same names but for those given."""
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
    """A rule for a range: of two bounds on one side, of which an index of the engine sees one, the narrower is kept."""
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
    """A bound to compare with another: of dates the moment, in UTC where no zone is given, as Qdrant has it."""
    if isinstance(bound, datetime.date):
        if not isinstance(bound, datetime.datetime):
            bound = datetime.datetime.combine(bound, datetime.time())
        return bound if bound.tzinfo else bound.replace(tzinfo=datetime.timezone.utc)
    return bound


def _unwrap(field: str) -> _Rule:
    """A rule for a model that only wraps another one."""
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
    target = _ENUMS.get(type(member))
    if target is None:
        raise unsupported(f"{type(member).__name__}")
    for name in dir(target):
        if name.upper().replace("_", "") == member.name.replace("_", ""):
            return getattr(target, name)
    raise unsupported(f"{type(member).__name__}.{member.name}")


def _index_info(info: edge.PayloadIndexInfo) -> models.PayloadIndexInfo:
    kind = models.PayloadSchemaType[str(info.data_type).rpartition(".")[2].upper()]
    return models.PayloadIndexInfo(data_type=kind, params=_index_params(kind, info.params), points=info.points)


def _index_params(kind: models.PayloadSchemaType, params: Any) -> Any:
    if params is None:
        return None
    model = next(model for model, target in _INDEXES.items() if isinstance(params, target))
    given = {field: _from_edge(getattr(params, field)) for field in model.model_fields if field != "type"}
    return model(type=kind.value, **given)


def _from_edge(value: Any) -> Any:
    if isinstance(value, edge.StopwordsSet):
        return {"languages": sorted(map(_from_edge, value.languages or ())), "custom": sorted(value.custom or ())}
    if isinstance(value, edge.SnowballParams):
        return {"type": "snowball", "language": _from_edge(value.language)}
    if isinstance(value, edge.DisabledStemmer):
        return {"type": "none"}
    if isinstance(value, edge.TextScoringParams):
        return {"type": _from_edge(value.type)}
    if type(value) in _ENUMS.values():
        return str(value).rpartition(".")[2].lower()
    return value


_ENUMS: dict[type[enum.Enum], Any] = {
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
}

_INDEXES: dict[type[BaseModel], Any] = {
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
    **{model: _same(target) for model, target in _INDEXES.items()},
    models.StopwordsSet: _stopwords,
    models.SnowballParams: _same(edge.SnowballParams),
    models.DisabledStemmerParams: _same(edge.DisabledStemmer),
    models.TextScoringParams: _same(edge.TextScoringParams),
}


def _each(build: Callable[[list[Any]], Any], field: str) -> _Rule:
    return lambda model: build([expression(item) for item in getattr(model, field)])


def _of_one(build: Callable[[Any], Any], field: str) -> _Rule:
    return lambda model: build(expression(getattr(model, field)))


def _decay(kind: edge.DecayKind, field: str) -> _Rule:
    def convert(model: BaseModel) -> Any:
        decay: models.DecayParamsExpression = getattr(model, field)
        target = None if decay.target is None else expression(decay.target)
        return edge.Expression.Decay(kind, expression(decay.x), target, decay.midpoint, decay.scale)

    return convert


_EXPRESSIONS: dict[type[BaseModel], _Rule] = {
    models.AbsExpression: _of_one(edge.Expression.Abs, "abs"),
    models.AcoshExpression: _of_one(edge.Expression.Acosh, "acosh"),
    models.DatetimeExpression: lambda model: edge.Expression.Datetime(model.datetime),
    models.DatetimeKeyExpression: lambda model: edge.Expression.DatetimeKey(model.datetime_key),
    models.DivExpression: lambda model: edge.Expression.Div(
        expression(model.div.left), expression(model.div.right), model.div.by_zero_default
    ),
    models.ExpDecayExpression: _decay(edge.DecayKind.Exp, "exp_decay"),
    models.ExpExpression: _of_one(edge.Expression.Exp, "exp"),
    models.GaussDecayExpression: _decay(edge.DecayKind.Gauss, "gauss_decay"),
    models.GeoDistance: lambda model: edge.Expression.GeoDistance(
        to_edge(model.geo_distance.origin), model.geo_distance.to
    ),
    models.LinDecayExpression: _decay(edge.DecayKind.Lin, "lin_decay"),
    models.LnExpression: _of_one(edge.Expression.Ln, "ln"),
    models.Log10Expression: _of_one(edge.Expression.Log10, "log10"),
    models.MaxExpression: _each(edge.Expression.Max, "max"),
    models.MinExpression: _each(edge.Expression.Min, "min"),
    models.MultExpression: _each(edge.Expression.Mult, "mult"),
    models.NegExpression: _of_one(edge.Expression.Neg, "neg"),
    models.PowExpression: lambda model: edge.Expression.Pow(expression(model.pow.base), expression(model.pow.exponent)),
    models.SqrtExpression: _of_one(edge.Expression.Sqrt, "sqrt"),
    models.SumExpression: _each(edge.Expression.Sum, "sum"),
}
