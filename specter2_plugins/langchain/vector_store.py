"""LangChain's Qdrant vector store on collections of papers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, cast, get_args
from uuid import uuid4

from langchain_core.documents import Document
from langchain_qdrant import QdrantVectorStore, RetrievalMode
from qdrant_client import QdrantClient, models
from qdrant_client.client_base import QdrantBase
from typing_extensions import Self

from specter2_plugins.errors import StoreError
from specter2_plugins.langchain import relevance
from specter2_plugins.langchain.closing import Closing
from specter2_plugins.langchain.embeddings import Specter2Embeddings
from specter2_plugins.langchain.ids import split_id, to_point_id, with_id
from specter2_plugins.langchain.sparse_embeddings import Specter2SparseEmbeddings
from specter2_plugins.qdrant.filters import filter_for
from specter2_plugins.qdrant.fusion import Way, best_score, by_scores, fused, fusion_query
from specter2_plugins.qdrant.search import Mode
from specter2_plugins.store.existing import existing_model
from specter2_plugins.store.layout import check_collection, check_sparse


class PaperVectorStore(Closing, QdrantVectorStore):
    """LangChain's `QdrantVectorStore`, with what it gets wrong for papers put right.

    * Relevance is 1 at distance 0 and falls towards 0. Theirs assumes vectors of length 1, so SPECTER2's, which are
      not, came out below 0; for a dot product it fell where it had to rise; and scores of sparse and hybrid search
      were taken for distances.
    * `lambda_mult` of maximal marginal relevance is 1 for relevance alone and 0 for diversity alone, as LangChain
      defines it. Theirs hands it to Qdrant as the diversity (https://github.com/langchain-ai/langchain/issues/39052).
    * Documents come back with their `id` and with the metadata they were stored with. Any string can be an id, where
      Qdrant by itself takes UUIDs and integers; a paper's own id finds the point that `specter2 ingest` made of it.
    """

    @classmethod
    def from_collection(
        cls,
        client: QdrantBase,
        collection: str = "papers",
        embedding: Specter2Embeddings | None = None,
        *,
        mode: Mode = "dense",
        sparse_embedding: Specter2SparseEmbeddings | None = None,
        vector: str | None = None,
    ) -> Self:
        """Return a vector store on a collection that is there.

        Args:
            client: An open Qdrant client, which stays the caller's to close.
            collection: The collection's name.
            embedding: The model that filled it; by default the one that the collection names, or SPECTER2. Its
                `document_task` is set to what the papers went through, and its `query_task`, unless given, to what
                meets them.
            mode: Search by "dense" vectors, by "sparse" ones, or by both ("hybrid").
            sparse_embedding: What made the sparse vectors; by default BM25.
            vector: Which of several dense vectors to search. By default proximity, or the first.

        Raises:
            StoreError: If there is no such collection, it lacks the vectors that the mode needs, or others made them.
        """
        if mode not in get_args(Mode):
            raise StoreError(f"mode is {mode!r}, expected one of {', '.join(get_args(Mode))}")
        settings: dict[str, Any] = {}
        if mode != "sparse":
            embedding = embedding or Specter2Embeddings(model=existing_model(client, collection))
            space = check_collection(client, collection, embedding.specter2, vector)
            tasks = {"document_task": space.adapter}
            if "query_task" not in embedding.model_fields_set:
                tasks["query_task"] = space.query_task
            settings |= {
                "embedding": embedding.model_copy(update=tasks),
                "vector_name": space.vector,
                "distance": space.distance,
            }
        if mode != "dense":
            sparse_embedding = sparse_embedding or Specter2SparseEmbeddings()
            check_sparse(client, collection, sparse_embedding.encoder)
            settings |= {
                "sparse_embedding": sparse_embedding,
                "sparse_vector_name": sparse_embedding.encoder.name,
            }
        # Checked above, and by more than LangChain's own check, which embeds a text to find its length.
        return cls(
            cast(QdrantClient, client),
            collection,
            retrieval_mode=RetrievalMode(mode),
            validate_collection_config=False,
            **settings,
        )

    def add_texts(  # type: ignore[override]
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        ids: Sequence[str | int | None] | None = None,
        batch_size: int = 64,
        **kwargs: Any,
    ) -> list[str | int]:
        """Embed texts and add them; one whose id is there already is replaced.

        Args:
            texts: The texts.
            metadatas: The metadata of each.
            ids: The id of each; where there is none a UUID is made.
            batch_size: Texts to a batch.
            **kwargs: As `QdrantClient.upsert`.

        Returns:
            The ids.

        Raises:
            PaperError: If a text is blank.
            StoreError: If papers of this collection have vectors that this store does not write.
            ValueError: If there are not as many metadatas or ids as texts.
        """
        self._refuse_partial_points()
        texts = list(texts)
        for name, values in (("metadatas", metadatas), ("ids", ids)):
            if values is not None and len(values) != len(texts):
                raise ValueError(f"there are {len(values)} {name} for {len(texts)} texts")
        given = [str(uuid4()) if identifier is None else identifier for identifier in ids or [None] * len(texts)]
        metadatas = metadatas or [{}] * len(texts)
        kept = [with_id(metadata or {}, identifier) for metadata, identifier in zip(metadatas, given, strict=True)]
        super().add_texts(texts, kept, [to_point_id(identifier) for identifier in given], batch_size, **kwargs)
        return given

    def get_by_ids(self, ids: Sequence[str | int], /) -> list[Document]:
        """Return the documents with these ids; those that are not there are left out."""
        return super().get_by_ids([to_point_id(identifier) for identifier in ids])

    def delete(self, ids: Sequence[str | int] | None = None, **kwargs: Any) -> bool | None:
        """Delete the documents with these ids; those that are not there change nothing.

        Raises:
            ValueError: If no ids are given, which is not taken for all of them.
        """
        if ids is None:
            raise ValueError("name the ids of the documents to delete")
        return super().delete([to_point_id(identifier) for identifier in ids], **kwargs) if ids else True

    def similarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: str | models.Filter | None = None,
        search_params: models.SearchParams | None = None,
        offset: int = 0,
        score_threshold: float | None = None,
        consistency: models.ReadConsistency | None = None,
        hybrid_fusion: models.FusionQuery | models.RrfQuery | None = None,
        **kwargs: Any,
    ) -> list[tuple[Document, float]]:
        """Find papers for a text, with their scores, best first.

        Args:
            query: What to look for.
            k: How many to return.
            filter: Papers to search in, as `parse_filter` reads it, or Qdrant's own filter.
            search_params: As `QdrantClient.query_points`.
            offset: How many to leave out at the top.
            score_threshold: As `QdrantClient.query_points`: in a Euclidean collection, the greatest distance.
            consistency: As `QdrantClient.query_points`.
            hybrid_fusion: How a hybrid search joins both lists; by default by their ranks with k = 60.
            **kwargs: As `QdrantClient.query_points`.

        Raises:
            FilterError: If the filter cannot be read.
            PaperError: If the query holds no text.
        """
        common: dict[str, Any] = {"search_params": search_params, "offset": offset, "score_threshold": score_threshold}
        common |= {"consistency": consistency, **kwargs}
        if self.retrieval_mode != RetrievalMode.HYBRID:
            return super().similarity_search_with_score(
                query, k, filter_for(self.client, self.collection_name, filter), **common
            )
        words = self.sparse_embeddings.embed_query(query)
        ways = [
            Way(
                self.vector_name or None,
                self._require_embeddings("hybrid search").embed_query(query),
                self._by_distance,
            ),
            Way(self.sparse_vector_name, models.SparseVector(indices=words.indices, values=words.values)),
        ]
        fusion = hybrid_fusion or fusion_query(self.client, "rrf")
        prefetch = fused(
            ways, filter_for(self.client, self.collection_name, filter), k + offset, by_scores(fusion), search_params
        )
        found = self.client.query_points(self.collection_name, fusion, prefetch=prefetch, limit=k, **common)
        return self.with_scores(found)

    def similarity_search_with_score_by_vector(
        self, embedding: list[float], k: int = 4, filter: str | models.Filter | None = None, *args: Any, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """Search as LangChain's own does; a filter may be one that `parse_filter` reads too."""
        self._require_embeddings("a search by a vector")
        return super().similarity_search_with_score_by_vector(
            embedding, k, filter_for(self.client, self.collection_name, filter), *args, **kwargs
        )

    def _similarity_search_with_relevance_scores(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        if self.retrieval_mode != RetrievalMode.HYBRID:
            return super()._similarity_search_with_relevance_scores(query, k, **kwargs)
        best = best_score(kwargs.get("hybrid_fusion") or fusion_query(self.client, "rrf"), lists=2)
        found = self.similarity_search_with_score(query, k, **kwargs)
        return [(document, relevance.of_fusion(score, best)) for document, score in found]

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, *args: Any, **kwargs: Any
    ) -> list[Document]:
        """Search as `max_marginal_relevance_search_with_score_by_vector`, for a text and without the scores."""
        # LangChain's own embeds another text each time, to check the collection that from_collection has checked.
        embedding = self._require_embeddings("maximal marginal relevance").embed_query(query)
        return self.max_marginal_relevance_search_by_vector(embedding, k, fetch_k, lambda_mult, *args, **kwargs)

    def max_marginal_relevance_search_with_score_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: str | models.Filter | None = None,
        search_params: models.SearchParams | None = None,
        score_threshold: float | None = None,
        consistency: models.ReadConsistency | None = None,
        **kwargs: Any,
    ) -> list[tuple[Document, float]]:
        """Find papers that are near a vector, yet unlike each other.

        Args:
            embedding: The vector.
            k: How many to return.
            fetch_k: How many of the nearest to choose from.
            lambda_mult: From 1, the nearest, to 0, the most diverse.
            filter: Papers to search in, as `parse_filter` reads it, or Qdrant's own filter.
            search_params: As `QdrantClient.query_points`.
            score_threshold: As `QdrantClient.query_points`: in a Euclidean collection, the greatest distance.
            consistency: As `QdrantClient.query_points`.
            **kwargs: As `QdrantClient.query_points`.

        Returns:
            Documents with their Qdrant scores, in the order they were chosen.
        """
        mmr = models.Mmr(diversity=1 - lambda_mult, candidates_limit=fetch_k)
        found = self.client.query_points(
            self.collection_name,
            query=models.NearestQuery(nearest=embedding, mmr=mmr),
            using=self.vector_name or None,
            limit=k,
            query_filter=filter_for(self.client, self.collection_name, filter),
            search_params=search_params,
            score_threshold=score_threshold,
            consistency=consistency,
            **kwargs,
        )
        return self.with_scores(found)

    @property
    def _by_distance(self) -> bool:
        return self.distance in (models.Distance.EUCLID, models.Distance.MANHATTAN)

    def with_scores(self, found: models.QueryResponse) -> list[tuple[Document, float]]:
        """Return the documents of Qdrant's answer with their scores, in its order."""
        keys = self.collection_name, self.content_payload_key, self.metadata_payload_key
        return [(self._document_from_point(point, *keys), point.score) for point in found.points]

    def _refuse_partial_points(self) -> None:
        # Qdrant replaces points as a whole: a paper added without some vector would be lost to searches by it.
        params = self.client.get_collection(self.collection_name).config.params
        dense = params.vectors if isinstance(params.vectors, dict) else [""] if params.vectors else []
        written = {self.vector_name} if self.retrieval_mode != RetrievalMode.SPARSE else set()
        written |= {self.sparse_vector_name} if self.retrieval_mode != RetrievalMode.DENSE else set()
        missing = sorted({*dense, *(params.sparse_vectors or {})} - written)
        if missing:
            raise StoreError(
                f"papers of the collection {self.collection_name!r} have more vectors than a store in "
                f"{self.retrieval_mode.value} mode writes: {', '.join(map(repr, missing))}. Use PaperCollection.ingest"
            )

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        if self.retrieval_mode == RetrievalMode.HYBRID:
            return partial(relevance.of_fusion, best=best_score(fusion_query(self.client, "rrf"), lists=2))
        if self.retrieval_mode == RetrievalMode.SPARSE or self.distance == models.Distance.DOT:
            return relevance.of_product
        if self._by_distance:
            return relevance.of_distance
        return super()._select_relevance_score_fn()

    @classmethod
    def _document_from_point(
        cls, scored_point: Any, collection_name: str, content_payload_key: str, metadata_payload_key: str
    ) -> Document:
        metadata, identifier = split_id(scored_point.payload.get(metadata_payload_key) or {}, scored_point.id)
        return Document(
            id=identifier, page_content=scored_point.payload.get(content_payload_key) or "", metadata=metadata
        )
