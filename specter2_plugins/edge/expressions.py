"""Formulas of qdrant-client -> the engine's expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qdrant_edge as edge
from pydantic import BaseModel
from qdrant_client import models

from specter2_plugins.edge.conversions import to_edge

_Rule = Callable[[Any], Any]


def expression(value: Any) -> Any:
    """Return an expression of a formula."""
    if isinstance(value, (int, float)):
        return edge.Expression.Constant(float(value))
    if isinstance(value, str):
        return edge.Expression.Variable(value)
    rule = _EXPRESSIONS.get(type(value))
    return rule(value) if rule else edge.Expression.Condition(to_edge(value))


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
