"""Qdrant's REST endpoints on its own local engine: a table of routes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json
from qdrant_client import models

from tests.qdrant.server.messages import Answer, Request
from tests.qdrant.server.store import Refused, Store


@dataclass(frozen=True)
class Route:
    """An endpoint: what its body is parsed as, and what answers it, given the store, the body and the path's parts."""

    method: str
    path: str
    body: Any
    answer: Callable[..., Any]
    needs_collection: bool = True

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.path))

    @cached_property
    def parser(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.body)


def _given(body: BaseModel, **names: str) -> dict[str, Any]:
    """The fields that the client set, under the names that the engine's methods have for them."""
    return {names.get(name, name): value for name, value in body if value is not None}


def _where(body: Any) -> Any:
    return body.points if body.points is not None else body.filter


def _upsert(store: Store, body: Any, name: str) -> models.UpdateResult:
    points = body.batch if isinstance(body, models.PointsBatch) else body.points
    return store.engine.upsert(name, points, update_filter=body.update_filter, update_mode=body.update_mode)


def _scroll(store: Store, body: models.ScrollRequest, name: str) -> models.ScrollResult:
    if body.order_by is not None:
        store.require_index(name, body.order_by.key if isinstance(body.order_by, models.OrderBy) else body.order_by)
    points, following = store.engine.scroll(name, **_given(body, filter="scroll_filter", with_vector="with_vectors"))
    return models.ScrollResult(points=points, next_page_offset=following)


def _facet(store: Store, body: models.FacetRequest, name: str) -> models.FacetResponse:
    return store.engine.facet(name, **_given(body, filter="facet_filter"))


_C = "/collections/{name}"
_P = "/collections/{name}/points"

ROUTES = [
    Route("GET", "/", None, lambda s, _: Answer(200, to_json(s.engine.info()))),
    Route("GET", "/healthz", None, lambda s, _: Answer(200, b"healthz check passed", {"Content-Type": "text/plain"})),
    Route("GET", "/collections", None, lambda s, _: s.engine.get_collections()),
    Route("GET", "/aliases", None, lambda s, _: s.engine.get_aliases()),
    Route(
        "POST",
        "/collections/aliases",
        models.ChangeAliasesOperation,
        lambda s, body: s.engine.update_collection_aliases(body.actions),
    ),
    Route("GET", f"{_C}/exists", None, lambda s, _, name: s.exists(name), needs_collection=False),
    Route("GET", f"{_C}/aliases", None, lambda s, _, name: s.engine.get_collection_aliases(name)),
    Route("GET", _C, None, lambda s, _, name: s.info(name)),
    Route("PUT", _C, models.CreateCollection, lambda s, body, name: s.create(name, body), needs_collection=False),
    Route("PATCH", _C, models.UpdateCollection, lambda s, body, name: s.update(name, body)),
    Route("DELETE", _C, None, lambda s, _, name: s.delete(name), needs_collection=False),
    Route("PUT", f"{_C}/index", models.CreateFieldIndex, lambda s, body, name: s.add_index(name, body)),
    Route("DELETE", f"{_C}/index/{{field}}", None, lambda s, _, name, field: s.delete_index(name, field)),
    Route("POST", f"{_C}/facet", models.FacetRequest, _facet),
    Route("PUT", _P, models.PointInsertOperations, _upsert),
    Route(
        "POST",
        _P,
        models.PointRequest,
        lambda s, body, name: s.engine.retrieve(name, **_given(body, with_vector="with_vectors")),
    ),
    Route("POST", f"{_P}/scroll", models.ScrollRequest, _scroll),
    Route(
        "POST",
        f"{_P}/count",
        models.CountRequest,
        lambda s, body, name: s.engine.count(name, **_given(body, filter="count_filter")),
    ),
    Route(
        "POST",
        f"{_P}/query",
        models.QueryRequest,
        lambda s, body, name: s.engine.query_batch_points(name, [body])[0],
    ),
    Route(
        "POST",
        f"{_P}/query/batch",
        models.QueryRequestBatch,
        lambda s, body, name: s.engine.query_batch_points(name, body.searches),
    ),
    Route("POST", f"{_P}/delete", models.PointsSelector, lambda s, body, name: s.engine.delete(name, body)),
    Route(
        "PUT",
        f"{_P}/vectors",
        models.UpdateVectors,
        lambda s, body, name: s.engine.update_vectors(name, body.points, update_filter=body.update_filter),
    ),
    Route(
        "POST",
        f"{_P}/vectors/delete",
        models.DeleteVectors,
        lambda s, body, name: s.engine.delete_vectors(name, body.vector, _where(body)),
    ),
    Route(
        "POST",
        f"{_P}/payload",
        models.SetPayload,
        lambda s, body, name: s.engine.set_payload(name, body.payload, _where(body), key=body.key),
    ),
    Route(
        "PUT",
        f"{_P}/payload",
        models.SetPayload,
        lambda s, body, name: s.engine.overwrite_payload(name, body.payload, _where(body)),
    ),
    Route(
        "POST",
        f"{_P}/payload/delete",
        models.DeletePayload,
        lambda s, body, name: s.engine.delete_payload(name, body.keys, _where(body)),
    ),
    Route(
        "POST", f"{_P}/payload/clear", models.PointsSelector, lambda s, body, name: s.engine.clear_payload(name, body)
    ),
    Route(
        "POST",
        f"{_P}/batch",
        models.UpdateOperations,
        lambda s, body, name: s.engine.batch_update_points(name, body.operations),
    ),
]


class Local:
    """Answers requests from an engine in memory, one at a time."""

    def __init__(self) -> None:
        self._store = Store()
        self._lock = Lock()

    def answer(self, request: Request) -> Answer:
        """Answer as a Qdrant server does, errors included."""
        started = time.perf_counter()
        try:
            result = self._result(request)
        except Refused as refused:
            return Answer.refusal(refused.status, str(refused))
        except ValidationError as error:
            return Answer.refusal(400, f"Format error in JSON body: {error}")
        except KeyError as missing:
            return Answer.refusal(404, f"Not found: No point with id {missing} found")
        except (ValueError, TypeError) as error:
            if re.match("Point .* is not found", str(error)):
                return Answer.refusal(404, f"Not found: {error}")
            return Answer.refusal(400, "Wrong input: " + str(error).removeprefix("Wrong input: "))
        if isinstance(result, Answer):
            return result
        return Answer(200, to_json({"result": result, "status": "ok", "time": time.perf_counter() - started}))

    def close(self) -> None:
        """Forget all."""
        self._store.engine.close()

    def _result(self, request: Request) -> Any:
        route, parts = _find(request)
        body = route.parser.validate_json(request.body) if route.body else None
        with self._lock:
            if route.needs_collection and "name" in parts and not self._store.engine.collection_exists(parts["name"]):
                raise Refused(404, f"Not found: Collection `{parts['name']}` doesn't exist!")
            result = route.answer(self._store, body, **parts)
        if request.query.get("wait") != "true":
            for update in result if isinstance(result, list) else [result]:
                if isinstance(update, models.UpdateResult):
                    update.status = models.UpdateStatus.ACKNOWLEDGED
        return result


def _find(request: Request) -> tuple[Route, dict[str, str]]:
    for route in ROUTES:
        if route.method == request.method and (found := route.pattern.fullmatch(request.path)):
            return route, {part: unquote(value) for part, value in found.groupdict().items()}
    raise Refused(404, f"this test server has no {request}; add it to ROUTES")
