"""A collection of papers: one object to fill it, search it and look after it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, overload

from qdrant_client import models
from qdrant_client.client_base import QdrantBase
from typing_extensions import Self

from specter2_plugins.errors import StoreError
from specter2_plugins.papers.encoder import PaperEncoder
from specter2_plugins.pipeline import IngestReport, ingest_papers
from specter2_plugins.pipeline.ingestion.missing import Confirm
from specter2_plugins.pipeline.intake import log_first
from specter2_plugins.pipeline.records import Papers, to_records
from specter2_plugins.pipeline.sources import source_of
from specter2_plugins.qdrant.async_twins import in_thread
from specter2_plugins.qdrant.fusion import Fusion
from specter2_plugins.qdrant.hits import Hit
from specter2_plugins.qdrant.search import Mode, search_papers
from specter2_plugins.qdrant.similar import Example, Strategy, similar_papers
from specter2_plugins.qdrant.upkeep import Upkeep
from specter2_plugins.readers import Rejected
from specter2_plugins.sparse import SparseTextEncoder, load_sparse
from specter2_plugins.store.client import explained, open_client
from specter2_plugins.store.existing import existing_model, existing_spec
from specter2_plugins.store.layout import sparse_names
from specter2_plugins.store.spec import CollectionSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from specter2_plugins.sentence_transformers.specter2 import Specter2

AUTO = "auto"
_ADDRESS = re.compile(r"[\w.-]+:\d{1,5}/?")


class PaperCollection(Upkeep):
    """Papers in Qdrant, with the model that reads them.

    Threads may search it while another ingests. Each method that asks the store has an async twin, such as `asearch`,
    which runs in a worker thread and leaves the event loop free.

    Example:
        >>> with PaperCollection.open(":memory:", model="mini") as papers:
        ...     report = papers.ingest(
        ...         [
        ...             {"id": "rank", "title": "Neural ranking models", "year": 2019},
        ...             {"id": "soil", "title": "Soil water under drip irrigation", "year": 2003},
        ...         ],
        ...         sparse="bm25",
        ...     )
        ...     hits = papers.search("deep networks for search", filter="year >= 2015", hybrid=True)
        ...     print(report.ingested, len(papers), [hit.paper.id for hit in hits])
        2 2 ['rank']

    Args:
        client: An open Qdrant client, which stays the caller's to close.
        model: The model, its name or folder as for `load_specter2`, or None. By default the one that filled the
            collection where that is known by a name, such as "mini", and else SPECTER2. It is loaded when it is first
            needed; similar papers by id and search by words need none.
        collection: The collection's name. `ingest` makes it if it is not there.
        sparse: What makes its sparse vectors: an encoder, "bm25" or "splade:MODEL". By default BM25, if it has those.
    """

    def __init__(
        self,
        client: QdrantBase,
        model: str | Path | PaperEncoder | None = AUTO,
        collection: str = "papers",
        *,
        sparse: str | SparseTextEncoder | None = None,
    ) -> None:
        self.client = client
        self.name = collection
        self._model = model
        self._sparse = sparse
        self._said_sparse = sparse if isinstance(sparse, str) else None
        self._loading = Lock()
        self._owned = ExitStack()

    @classmethod
    def open(
        cls,
        store: str | Path | QdrantBase,
        model: str | Path | PaperEncoder | None = AUTO,
        collection: str = "papers",
        *,
        sparse: str | SparseTextEncoder | None = None,
        create: bool = True,
        read_only: bool = False,
        **connection: Any,
    ) -> Self:
        """Open a collection.

        Args:
            store: A folder for Qdrant's embedded engine, a server's URL, ":memory:", or an open client, which stays
                the caller's to close.
            model: As for the class.
            collection: As for the class.
            sparse: As for the class.
            create: Make a store's folder if it is not there.
            read_only: Only read a store's folder, beside a process that may write it meanwhile.
            **connection: For a server, what `open_client` takes: `api_key`, `api_key_file`, `grpc`, `grpc_port`,
                `timeout`.

        Raises:
            StoreError: If the store cannot be opened or reached.
        """
        if isinstance(store, QdrantBase):
            if read_only or connection:
                options = [*connection, *(["read_only"] if read_only else [])]
                raise StoreError(f"{', '.join(options)}: for a folder or a URL; an open client has its connection")
            return cls(store, model, collection, sparse=sparse)
        place: dict[str, Any] = {"url": store} if is_url(store) else {"store": store, "create": create}
        client = open_client(**place, read_only=read_only, **connection)
        opened = cls(client, model, collection, sparse=sparse)
        opened._owned.enter_context(client)
        return opened

    def close(self) -> None:
        """Close the client that `open` opened; one that was handed over stays open."""
        self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: Any) -> None:
        self._owned.__exit__(*raised)

    def __repr__(self) -> str:
        return f"PaperCollection({self.name!r} in {getattr(self.client, 'store', type(self.client).__name__)})"

    @property
    def model(self) -> Specter2:
        """The model, which is loaded now if it was not.

        Raises:
            StoreError: If the collection was opened without one.
        """
        found: Any = self._loaded()
        if found is None:
            raise StoreError("this collection was opened without a model: PaperCollection.open(..., model=...)")
        return found

    # -- Filling ------------------------------------------------------------------------------------------------------

    def ingest(
        self,
        papers: Papers,
        *,
        sparse: str | Sequence[str] | None = None,
        tasks: str | Sequence[str] | None = None,
        spec: CollectionSpec | None = None,
        source: str | None = None,
        format: str | None = None,
        fields: Mapping[str, str] | None = None,
        encoding: str | None = None,
        delete_missing: bool = False,
        adopt: bool = False,
        confirm: Confirm | None = None,
        dry_run: bool = False,
        bulk: bool = False,
        streams: int = 2,
        batch: int | None = None,
        on_reject: Callable[[Rejected], object] | None = None,
        on_progress: Callable[[IngestReport], object] = lambda report: None,
    ) -> IngestReport:
        """Embed papers and write them into the collection, which is made if it is not there.

        Papers that it holds as they are cost one lookup, so the same call, repeated, adds nothing, and after a run that
        was cut off it goes on.

        Args:
            papers: Files (a path, a pattern such as `dump/*.jsonl.gz`, or a list of them), or papers: `Paper`s, dicts,
                a pandas table or its rows, LangChain documents, `StoredEmbeddings`.
            sparse: Sparse vectors too, for hybrid search: "bm25", "splade:MODEL", or several. By default what the
                collection has.
            tasks: What papers are embedded for, one vector each. By default what the collection has, or proximity.
            spec: What else a new collection is to look like; its name does not count.
            source: What brings the papers, such as "openalex". By default the file, or the folder of embeddings, that
                each was read from.
            format: The files' format, as for `read_papers`.
            fields: Which field of the files is what, as for `read_papers`.
            encoding: Of the files' text, as for `read_papers`.
            delete_missing: At the end remove the papers that the same source brought before and brings no more.
            adopt: Remove papers too that know no source, as if this one had brought them.
            confirm: Asked before more than a tenth of the source's papers are removed.
            dry_run: Only count what would be done.
            bulk: Have a Qdrant server build its search graph at the end, and wait for it; embedded stores build theirs
                beside and refuse this.
            streams: How many requests may be under way to the store at once.
            batch: Papers that are embedded at once; by default 256.
            on_reject: Called with each rejected record. By default the first few are logged as warnings.
            on_progress: Called with the counts so far, after every batch.

        Returns:
            The counts: read = ingested + unchanged + duplicate + rejected.

        Raises:
            PaperError: If a file cannot be read, or nothing here is a paper.
            StoreError: If the collection holds other vectors, or the store fails.
        """
        stored = papers if _is_encoder(papers) else None
        records = to_records(papers, format, fields, encoding) if stored is None else stored.papers()
        encoder = stored or self.model
        if stored is not None and source is None:
            source = source_of(stored.folder)
        with explained(self.client):
            return ingest_papers(
                records,
                self.client,
                encoder,
                existing_spec(
                    self.client,
                    self.name,
                    spec,
                    tasks=_names(tasks if tasks is not None else getattr(stored, "adapters", None)),
                    sparse=_names(sparse if sparse is not None else self._said_sparse),
                ),
                source=source,
                bulk=bulk,
                delete_missing=delete_missing,
                adopt=adopt,
                confirm=confirm,
                dry_run=dry_run,
                streams=streams,
                batch=batch,
                on_reject=on_reject or log_first(),
                on_progress=on_progress,
            )

    # -- Searching ----------------------------------------------------------------------------------------------------

    @overload
    def search(
        self,
        query: str,
        limit: int = ...,
        *,
        filter: str | models.Filter | None = ...,
        hybrid: bool = ...,
        mode: Mode | None = ...,
        fusion: Fusion = ...,
        vector: str | None = ...,
        offset: int = ...,
        near: Example | Sequence[Example] = ...,
        diverse: bool = ...,
    ) -> list[Hit]: ...

    @overload
    def search(
        self,
        query: list[str],
        limit: int = ...,
        *,
        filter: str | models.Filter | None = ...,
        hybrid: bool = ...,
        mode: Mode | None = ...,
        fusion: Fusion = ...,
        vector: str | None = ...,
        offset: int = ...,
        near: Example | Sequence[Example] = ...,
        diverse: bool = ...,
    ) -> list[list[Hit]]: ...

    def search(
        self,
        query: str | list[str],
        limit: int = 10,
        *,
        filter: str | models.Filter | None = None,
        hybrid: bool = False,
        mode: Mode | None = None,
        fusion: Fusion = "rrf",
        vector: str | None = None,
        offset: int = 0,
        near: Example | Sequence[Example] = (),
        diverse: bool = False,
    ) -> list[Hit] | list[list[Hit]]:
        """Find papers by a short text, which goes through the adapter that belongs to the collection's vectors.

        Args:
            query: What to look for, or a list of queries, which are embedded and sent together.
            limit: How many papers to return for each query.
            filter: Papers to search in, such as "year >= 2015 and venue ~ SIGIR", see `parse_filter`; or Qdrant's own.
            hybrid: Search by meaning and by words; the same as mode="hybrid".
            mode: "dense" (by meaning, the default), "sparse" (by words) or "hybrid" (both).
            fusion: How a hybrid search joins both: "rrf", by their ranks, or "dbsf", by their scores.
            vector: The dense vector to search. By default proximity, or the first.
            offset: How many papers to leave out at the top.
            near: A paper that the hits are to be near to as well, or several, as for `similar`.
            diverse: Leave out what is nearly the same as what stands above it.

        Returns:
            The papers, best first; a list for each query where a list came in.

        Raises:
            FilterError: If the filter cannot be read.
            PaperError: If a query holds no text.
            StoreError: If there is no such collection or vector, or another model filled it.
        """
        if hybrid and mode not in (None, "hybrid"):
            raise StoreError(f"hybrid=True contradicts mode={mode!r}")
        mode = "hybrid" if hybrid else mode or "dense"
        with explained(self.client):
            found: Any = search_papers(
                self.client,
                self.model if mode != "sparse" else None,
                query,
                self.name,
                limit,
                filter=filter,
                mode=mode,
                fusion=fusion,
                vector=vector,
                sparse=self.sparse if mode != "dense" else "bm25",
                offset=offset,
                near=near,
                diverse=diverse,
            )
        return found

    def similar(
        self,
        papers: Example | Sequence[Example],
        limit: int = 10,
        *,
        negative: Example | Sequence[Example] = (),
        strategy: Strategy = "average_vector",
        filter: str | models.Filter | None = None,
        vector: str | None = None,
        offset: int = 0,
    ) -> list[Hit]:
        """Find papers near some papers and away from others; these are not among the hits.

        Args:
            papers: The id of a stored paper, a new paper (`Paper` or dict), or several. By ids no model is loaded.
            limit: How many papers to return.
            negative: What the hits are to be away from.
            strategy: How several are weighed, as `similar_papers`.
            filter: Papers to search in, as for `search`.
            vector: The dense vector to search. By default proximity, or the first.
            offset: How many papers to leave out at the top.

        Raises:
            FilterError: If the filter cannot be read.
            StoreError: If there is no such collection, vector or stored paper, or another model filled it.
        """
        both = [one for some in (papers, negative) for one in _several(some)]
        with explained(self.client):
            return similar_papers(
                self.client,
                None if all(isinstance(one, str) for one in both) else self.model,
                papers,
                self.name,
                limit,
                negative=negative,
                strategy=strategy,
                filter=filter,
                vector=vector,
                offset=offset,
            )

    @property
    def sparse(self) -> SparseTextEncoder:
        """What makes the collection's sparse vectors, which is loaded now if it was not.

        Raises:
            CheckpointError: If it cannot be loaded.
            StoreError: If the collection has others than BM25, and nobody said what makes them.
        """
        with self._loading:
            if self._sparse is None:
                self._sparse = "bm25"
                names = sparse_names(self.client, self.name) if self.client.collection_exists(self.name) else []
                if names and "bm25" not in names:
                    self._sparse = None
                    raise StoreError(
                        f"the collection {self.name!r} has the sparse vectors {', '.join(names)}; say what makes them: "
                        "PaperCollection.open(..., sparse='splade:MODEL')"
                    )
            if isinstance(self._sparse, str):
                self._sparse = load_sparse(self._sparse)
            return self._sparse

    aingest = in_thread(ingest)
    asearch = in_thread(search)
    asimilar = in_thread(similar)
    aclose = in_thread(close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await self.aclose()

    def _loaded(self) -> PaperEncoder | None:
        with self._loading:
            if isinstance(self._model, str | Path):
                from specter2_plugins.sentence_transformers.load import load_specter2

                named = existing_model(self.client, self.name) if self._model == AUTO else str(self._model)
                self._model = load_specter2(named)
            return self._model


def is_url(store: str | Path) -> bool:
    """Return whether something names a server rather than a folder: it has a scheme, or is HOST:PORT and no folder."""
    if isinstance(store, Path):
        return False
    return "://" in store or (_ADDRESS.fullmatch(store) is not None and not Path(store).exists())


def _is_encoder(papers: Any) -> bool:
    return callable(getattr(papers, "papers", None)) and callable(getattr(papers, "encode", None))


def _names(names: str | Sequence[str] | None) -> tuple[str, ...] | None:
    return None if names is None else (names,) if isinstance(names, str) else tuple(names)


def _several(papers: Any) -> list[Any]:
    return list(papers) if isinstance(papers, list | tuple) else [papers]
