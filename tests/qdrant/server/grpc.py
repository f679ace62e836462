"""The gRPC side: what comes in is passed on as the REST request that does the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from json import loads
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from qdrant_client.grpc import collections_service_pb2, points_service_pb2

from tests.qdrant.server.messages import Answer, Answers
from tests.qdrant.server.rpc import RPCS, Rpc

_SERVICES = {**collections_service_pb2.DESCRIPTOR.services_by_name, **points_service_pb2.DESCRIPTOR.services_by_name}
_THREADS = 16
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)]

# As Qdrant's own table has them.
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    409: grpc.StatusCode.ALREADY_EXISTS,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    502: grpc.StatusCode.UNAVAILABLE,
    503: grpc.StatusCode.UNAVAILABLE,
}


class GrpcDoor:
    """Listens for gRPC, on any port that is free; on the same one when it is opened again.

    Args:
        server: What answers.
    """

    def __init__(self, server: Answers) -> None:
        self.port = 0
        self._handlers = [_handlers(server, name) for name in ("Collections", "Points")]

    def open(self) -> None:
        """Listen."""
        self._listener = grpc.server(ThreadPoolExecutor(_THREADS), handlers=self._handlers, options=_UNLIMITED)
        self.port = self._listener.add_insecure_port(f"127.0.0.1:{self.port}")
        self._listener.start()

    def close(self) -> None:
        """Refuse connections, and end those there are."""
        self._listener.stop(grace=None).wait()


def _handlers(server: Answers, service: str) -> grpc.GenericRpcHandler:
    calls = _SERVICES[service].methods_by_name
    methods = {}
    for rpc in RPCS:
        prefix, name = rpc.name.split("/")
        if prefix == f"qdrant.{service}":
            methods[name] = grpc.unary_unary_rpc_method_handler(
                _method(server, rpc), GetMessageClass(calls[name].input_type).FromString, _serialize
            )
    return grpc.method_handlers_generic_handler(f"qdrant.{service}", methods)


def _serialize(reply: Message | bytes) -> bytes:
    return reply if isinstance(reply, bytes) else reply.SerializeToString()


def _method(server: Answers, rpc: Rpc) -> Callable[[Any, grpc.ServicerContext], Message | bytes]:
    def call(message: Any, context: grpc.ServicerContext) -> Message | bytes:
        request = rpc.request(message, time.monotonic())
        sent = dict(context.invocation_metadata())
        request.authorization = sent.get("authorization")
        answer = server.answer(request, sent.get("api-key"), lambda: rpc.encode(message))
        if answer is None or request.fault == "cut":
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        if answer.status != 200:
            _refuse(context, answer)
        if request.fault == "garbage":
            return answer.body
        return rpc.decode(loads(answer.body)["result"])

    return call


def _refuse(context: grpc.ServicerContext, answer: Answer) -> None:
    if "Retry-After" in answer.headers:
        context.set_trailing_metadata((("retry-after", answer.headers["Retry-After"]),))
    is_json = answer.headers.get("Content-Type") == "application/json"
    context.abort(
        _CODES[answer.status], loads(answer.body)["status"]["error"] if is_json else answer.body.decode("utf-8")
    )
