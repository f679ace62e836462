"""Qdrant's gRPC calls as the REST requests that do the same: a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message
from pydantic import TypeAdapter
from pydantic_core import to_json
from qdrant_client import grpc, models
from qdrant_client.conversions.conversion import (
    GrpcToRest,
    RestToGrpc,
    grpc_field_type_to_payload_schema,
)
from qdrant_client.http.models import QueryResponse, Record, ScoredPoint

from tests.qdrant.server.messages import Request

_C = "/collections/{name}"
_P = "/collections/{name}/points"
_Point = TypeVar("_Point", Record, ScoredPoint)


@dataclass(frozen=True)
class Rpc:
    """A call.

    Args:
        name: Its name in gRPC, with its service.
        method: The REST request's method.
        path: Its path.
        result: What the result of REST's answer is parsed as.
        reply: Makes of that result what the reply holds.
        body: Makes the REST request's body.
    """

    name: str
    method: str
    path: str
    result: Any
    reply: Callable[[Any], Message]
    body: Callable[[Any], Any] = lambda message: None

    def request(self, message: Any, started: float) -> Request:
        """The REST request that does the same, still without its body."""
        path = self.path.format(name=getattr(message, "collection_name", ""), field=getattr(message, "field_name", ""))
        return Request(self.method, path, {"wait": "true"} if getattr(message, "wait", False) else {}, started)

    def encode(self, message: Any) -> bytes:
        """The REST request's body."""
        return to_json(self.body(message))

    def decode(self, result: Any) -> Message:
        """The reply, from what the JSON of a REST answer holds as its result."""
        return self.reply(TypeAdapter(self.result).validate_python(result))


def _given(message: Any, **converters: Callable[[Any], Any]) -> dict[str, Any]:
    """The fields that are set, converted."""
    return {name: convert(getattr(message, name)) for name, convert in converters.items() if message.HasField(name)}


def _create(message: grpc.CreateCollection) -> models.CreateCollection:
    known = _given(
        message,
        vectors_config=GrpcToRest.convert_vectors_config,
        sparse_vectors_config=GrpcToRest.convert_sparse_vector_config,
        hnsw_config=GrpcToRest.convert_hnsw_config_diff,
        optimizers_config=GrpcToRest.convert_optimizers_config_diff,
        quantization_config=GrpcToRest.convert_quantization_config,
        shard_number=int,
        replication_factor=int,
        on_disk_payload=bool,
    )
    return models.CreateCollection(
        vectors=known.pop("vectors_config", None),
        sparse_vectors=known.pop("sparse_vectors_config", None),
        metadata=GrpcToRest.convert_payload(message.metadata),
        **known,
    )


def _index(message: grpc.CreateFieldIndexCollection) -> models.CreateFieldIndex:
    schema = (
        GrpcToRest.convert_payload_schema_params(message.field_index_params)
        if message.HasField("field_index_params")
        else GrpcToRest.convert_payload_schema_type(grpc_field_type_to_payload_schema(message.field_type))
    )
    return models.CreateFieldIndex(field_name=message.field_name, field_schema=schema)


def _get(message: grpc.GetPoints) -> models.PointRequest:
    return models.PointRequest(
        ids=[GrpcToRest.convert_point_id(id) for id in message.ids],
        with_payload=GrpcToRest.convert_with_payload_selector(message.with_payload),
        with_vector=GrpcToRest.convert_with_vectors_selector(message.with_vectors),
    )


def _scroll(message: grpc.ScrollPoints) -> models.ScrollRequest:
    known = _given(
        message,
        filter=GrpcToRest.convert_filter,
        offset=GrpcToRest.convert_point_id,
        order_by=GrpcToRest.convert_order_by,
        with_payload=GrpcToRest.convert_with_payload_selector,
        with_vectors=GrpcToRest.convert_with_vectors_selector,
        limit=int,
    )
    return models.ScrollRequest(with_vector=known.pop("with_vectors", None), **known)


def _upsert(message: grpc.UpsertPoints) -> models.PointsList:
    return models.PointsList(
        points=[GrpcToRest.convert_point_struct(point) for point in message.points],
        **_given(message, update_filter=GrpcToRest.convert_filter, update_mode=GrpcToRest.convert_update_mode),
    )


def _updated(result: models.UpdateResult) -> Message:
    return grpc.PointsOperationResponse(result=RestToGrpc.convert_update_result(result))


def _scrolled(result: models.ScrollResult) -> Message:
    following = result.next_page_offset
    return grpc.ScrollResponse(
        result=_records(result.points),
        next_page_offset=None if following is None else RestToGrpc.convert_extended_point_id(following),
    )


def _records(records: list[Record]) -> list[grpc.RetrievedPoint]:
    return [RestToGrpc.convert_retrieved_point(_with_payload(record)) for record in records]


def _found(result: QueryResponse) -> list[grpc.ScoredPoint]:
    return [RestToGrpc.convert_scored_point(_with_payload(point)) for point in result.points]


def _with_payload(point: _Point) -> _Point:
    """A point whose payload, where none was asked for, is empty: gRPC knows no null here."""
    return point.model_copy(update={"payload": point.payload or {}})


def _described(result: models.CollectionInfo) -> Message:
    return grpc.GetCollectionInfoResponse(result=RestToGrpc.convert_collection_info(result))


def _operated(result: bool) -> Message:
    return grpc.CollectionOperationResponse(result=result)


RPCS = [
    Rpc(
        "qdrant.Collections/CollectionExists",
        "GET",
        f"{_C}/exists",
        models.CollectionExistence,
        lambda result: grpc.CollectionExistsResponse(result=grpc.CollectionExists(exists=result.exists)),
    ),
    Rpc(
        "qdrant.Collections/List",
        "GET",
        "/collections",
        models.CollectionsResponse,
        lambda result: grpc.ListCollectionsResponse(
            collections=[RestToGrpc.convert_collection_description(one) for one in result.collections]
        ),
    ),
    Rpc("qdrant.Collections/Get", "GET", _C, models.CollectionInfo, _described),
    Rpc("qdrant.Collections/Create", "PUT", _C, bool, _operated, _create),
    Rpc("qdrant.Collections/Update", "PATCH", _C, bool, _operated, GrpcToRest.convert_update_collection),
    Rpc("qdrant.Collections/Delete", "DELETE", _C, bool, _operated),
    Rpc("qdrant.Points/CreateFieldIndex", "PUT", f"{_C}/index", models.UpdateResult, _updated, _index),
    Rpc("qdrant.Points/DeleteFieldIndex", "DELETE", f"{_C}/index/{{field}}", models.UpdateResult, _updated),
    Rpc("qdrant.Points/Upsert", "PUT", _P, models.UpdateResult, _updated, _upsert),
    Rpc(
        "qdrant.Points/UpdateBatch",
        "POST",
        f"{_P}/batch",
        list[models.UpdateResult],
        lambda results: grpc.UpdateBatchResponse(result=map(RestToGrpc.convert_update_result, results)),
        lambda message: models.UpdateOperations(
            operations=[GrpcToRest.convert_points_update_operation(one) for one in message.operations]
        ),
    ),
    Rpc(
        "qdrant.Points/Delete",
        "POST",
        f"{_P}/delete",
        models.UpdateResult,
        _updated,
        lambda message: GrpcToRest.convert_points_selector(message.points),
    ),
    Rpc(
        "qdrant.Points/Get",
        "POST",
        _P,
        list[Record],
        lambda records: grpc.GetResponse(result=_records(records)),
        _get,
    ),
    Rpc("qdrant.Points/Scroll", "POST", f"{_P}/scroll", models.ScrollResult, _scrolled, _scroll),
    Rpc(
        "qdrant.Points/Count",
        "POST",
        f"{_P}/count",
        models.CountResult,
        lambda result: grpc.CountResponse(result=RestToGrpc.convert_count_result(result)),
        lambda message: models.CountRequest(**_given(message, filter=GrpcToRest.convert_filter, exact=bool)),
    ),
    Rpc(
        "qdrant.Points/Query",
        "POST",
        f"{_P}/query",
        QueryResponse,
        lambda result: grpc.QueryResponse(result=_found(result)),
        GrpcToRest.convert_query_points,
    ),
    Rpc(
        "qdrant.Points/QueryBatch",
        "POST",
        f"{_P}/query/batch",
        list[QueryResponse],
        lambda results: grpc.QueryBatchResponse(result=[grpc.BatchResult(result=_found(one)) for one in results]),
        lambda message: models.QueryRequestBatch(
            searches=[GrpcToRest.convert_query_points(one) for one in message.query_points]
        ),
    ),
]
