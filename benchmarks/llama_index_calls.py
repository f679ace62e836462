"""Calls LlamaIndex's Qdrant vector store on the embedded engine and on local mode, and prints where the answers differ.

Run, where llama-index-vector-stores-qdrant is installed too: python -m benchmarks.llama_index_calls
"""

from __future__ import annotations

import asyncio
import inspect
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)
from llama_index.vector_stores.qdrant import QdrantVectorStore
from qdrant_client import AsyncQdrantClient, QdrantClient, models

from specter2_plugins.edge import AsyncEdgeClient, EdgeClient

Call = Callable[[QdrantVectorStore], Any]

VECTORS = np.random.default_rng(0).normal(size=(30, 8))
TESTS: list[tuple[str, Any, FilterOperator]] = [
    ("year", 2005, FilterOperator.EQ),
    ("year", 2005, FilterOperator.NE),
    ("year", 2020, FilterOperator.GT),
    ("year", 2020, FilterOperator.GTE),
    ("year", 2005, FilterOperator.LT),
    ("year", 2005, FilterOperator.LTE),
    ("kind", "owl", FilterOperator.EQ),
    ("kind", "owl", FilterOperator.NE),
    ("kind", ["owl", "elk"], FilterOperator.IN),
    ("kind", ["owl"], FilterOperator.NIN),
    ("year", [2001, 2002], FilterOperator.IN),
    ("note", "note 3", FilterOperator.TEXT_MATCH),
    ("nothing", None, FilterOperator.IS_EMPTY),
    ("absent", None, FilterOperator.IS_EMPTY),
]


def node(number: int) -> TextNode:
    """Return one of thirty texts, three to a document."""
    kind = "owl" if number % 2 else "fox"
    return TextNode(
        id_=f"00000000-0000-0000-0000-{number:012}",
        text=f"text {number} {kind}",
        embedding=VECTORS[number].tolist(),
        metadata={"year": 2000 + number, "kind": kind, "note": f"a note {number}", "nothing": None},
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=f"document{number // 3}")},
    )


def sparse(texts: list[str]) -> tuple[list[list[int]], list[list[float]]]:
    """Weigh words so that no two texts have the same score, whose order no engine promises."""
    places = [sorted({sum(word.encode()) for word in text.split()}) for text in texts]
    return places, [
        [1 + (sum(map(ord, text)) * place % 997) / 1000 for place in row]
        for text, row in zip(texts, places, strict=True)
    ]


def filters() -> dict[str, MetadataFilters]:
    """Return a filter of each kind that the vector store takes, and three combinations."""
    single = {
        f"{key} {operator.value} {value}": MetadataFilters(
            filters=[MetadataFilter(key=key, value=value, operator=operator)]
        )
        for key, value, operator in TESTS
    }
    late, early, fox = (
        MetadataFilter(key="year", value=2020, operator=FilterOperator.GT),
        MetadataFilter(key="year", value=2004, operator=FilterOperator.LT),
        MetadataFilter(key="kind", value="fox"),
    )
    either = MetadataFilters(filters=[late, early], condition=FilterCondition.OR)
    return {
        **single,
        "and": MetadataFilters(filters=[late, fox], condition=FilterCondition.AND),
        "or": either,
        "or within and": MetadataFilters(filters=[either, fox], condition=FilterCondition.AND),
        "not": MetadataFilters(filters=[fox], condition=FilterCondition.NOT),
    }


def calls(hybrid: bool, a: str) -> dict[str, Call]:
    """Return the calls to make, in their order; `a` goes before the names of those that are asynchronous."""

    def method(name: str, *args: Any, **kwargs: Any) -> Call:
        renamed = f"async_{name}" if a and name == "add" else a + name
        return lambda store: getattr(store, renamed)(*args, **kwargs)

    def query(mode: VectorStoreQueryMode = VectorStoreQueryMode.DEFAULT, **asked: Any) -> Call:
        of_call = {name: asked.pop(name) for name in ("qdrant_filters",) if name in asked}
        asked = {"query_embedding": VECTORS[3].tolist(), "similarity_top_k": 5, "mode": mode, **asked}
        return method("query", VectorStoreQuery(**asked), **of_call)

    own = models.Filter(must=[models.FieldCondition(key="year", range=models.Range(gt=2025))])
    made = {
        "add": method("add", [node(number) for number in range(30)]),
        "add again": method("add", [node(number) for number in range(5)]),
        "query": query(),
        **{f"query {name}": query(filters=each, similarity_top_k=30) for name, each in filters().items()},
        "query in documents": query(doc_ids=["document1", "document2"]),
        "query among nodes": query(node_ids=[node(4).node_id]),
        "query with Qdrant's filter": query(qdrant_filters=own),
        "get_nodes": method("get_nodes", [node(4).node_id, node(5).node_id]),
        **{f"get_nodes {name}": method("get_nodes", filters=each) for name, each in filters().items()},
    }
    if hybrid:
        hybrids = {"mode": VectorStoreQueryMode.HYBRID, "query_str": "text 7 owl"}
        made["hybrid"] = query(**hybrids, sparse_top_k=8, hybrid_top_k=4)
        made["hybrid, mostly words"] = query(**hybrids, alpha=0.2)
        made["sparse"] = query(VectorStoreQueryMode.SPARSE, query_str="text 7 owl", sparse_top_k=3)
    return made | {
        "delete_nodes": method("delete_nodes", [node(0).node_id]),
        "delete_nodes by filter": method("delete_nodes", filters=filters()["or"]),
        "delete a document": method("delete", "document3"),
        "what is left": method("get_nodes", filters=filters()["year >= 2020"]),
        "clear": method("clear"),
        "query after clear": query(),
    }


async def answers(store: QdrantVectorStore, made: dict[str, Call]) -> dict[str, Any]:
    """Return what each call answers, or raises."""
    found: dict[str, Any] = {}
    for name, call in made.items():
        try:
            answer = call(store)
            answer = await answer if inspect.isawaitable(answer) else answer
        except Exception as error:
            found[name] = f"raised: {error}"
            continue
        if hasattr(answer, "similarities"):
            found[name] = [
                (each, round(float(score), 4)) for each, score in zip(answer.ids, answer.similarities, strict=True)
            ]
        else:
            found[name] = sorted(each.text for each in answer) if name.startswith(("get", "what")) else answer
    return found


def store_on(client: Any, hybrid: bool) -> QdrantVectorStore:
    """Return an empty vector store on a client of either kind."""
    which = "aclient" if isinstance(client, AsyncQdrantClient) else "client"
    options = {"enable_hybrid": True, "sparse_doc_fn": sparse, "sparse_query_fn": sparse} if hybrid else {}
    return QdrantVectorStore("nodes", **{which: client}, **options)


def main() -> None:
    """Compare and print."""
    warnings.simplefilter("ignore")
    made = same = raised = 0
    for a, embedded, local in (("", EdgeClient, QdrantClient), ("a", AsyncEdgeClient, AsyncQdrantClient)):
        for hybrid in (False, True):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                ours, theirs = (
                    asyncio.run(answers(store_on(client, hybrid), calls(hybrid, a)))
                    for client in (embedded(folder), local(":memory:"))
                )
            made += len(ours)
            for name in ours:
                same += ours[name] == theirs[name]
                raised += str(ours[name]).startswith("raised")
                if ours[name] != theirs[name]:
                    print(f"{'async ' * bool(a)}{'hybrid ' * hybrid}{name}\n  {ours[name]}\n  {theirs[name]}")
    print(f"{made} calls, {same} with the same answer, {raised} of all raised")


if __name__ == "__main__":
    main()
