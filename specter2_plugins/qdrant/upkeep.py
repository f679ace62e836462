"""Looking after a collection: what is in it, and what becomes of it as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.edge import EdgeClient
from specter2_plugins.errors import StoreError
from specter2_plugins.papers import Paper
from specter2_plugins.papers.payloads import from_payload
from specter2_plugins.papers.points import id_of
from specter2_plugins.pipeline.ingestion.indexing import wait_for_index
from specter2_plugins.printable import to_json
from specter2_plugins.qdrant import backups
from specter2_plugins.qdrant.async_twins import in_thread
from specter2_plugins.qdrant.copies import make_collection, pages_of, settings_of, write_pages
from specter2_plugins.qdrant.filters import filter_for, to_filter
from specter2_plugins.readers.ids import identifier
from specter2_plugins.store.client import explained
from specter2_plugins.store.describe import describe
from specter2_plugins.store.faults import Retries
from specter2_plugins.store.layout import collection_info
from specter2_plugins.writers import to_bibtex
from specter2_plugins.writers.files import writing

_PAGE = 256
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Upkeep:
    """What needs no model. Every method that waits has an async twin."""

    client: QdrantBase
    name: str

    def get(self, paper_id: str) -> Paper | None:
        """Return the paper with an id, such as a DOI in any spelling, or None.

        Args:
            paper_id: The paper's id, or that of its point.
        """
        points = list(dict.fromkeys(map(id_of, (paper_id, identifier(paper_id) or paper_id))))
        points += [paper_id] if _UUID.fullmatch(paper_id) else []
        with explained(self.client):
            if not points or not self.client.collection_exists(self.name):
                return None
            found = {str(record.id): record for record in self.client.retrieve(self.name, points)}
        record = next((found[point] for point in points if point in found), None)
        return None if record is None else from_payload(record.payload or {})

    def __contains__(self, paper_id: object) -> bool:
        return isinstance(paper_id, str) and self.get(paper_id) is not None

    def __len__(self) -> int:
        return self.count()

    def __bool__(self) -> bool:
        """Return True: an empty collection is a collection."""
        return True

    def count(self, filter: str | models.Filter | None = None) -> int:
        """Return how many papers pass a filter, or how many there are; 0 where there is no collection.

        Raises:
            FilterError: If the filter cannot be read, or names a field that no paper has.
        """
        to_filter(filter)
        with explained(self.client):
            if not self.client.collection_exists(self.name):
                return 0
            where = filter_for(self.client, self.name, filter)
            return int(self.client.count(self.name, count_filter=where, exact=True).count)

    def __iter__(self) -> Iterator[Paper]:
        return self.papers()

    def papers(self, filter: str | models.Filter | None = None) -> Iterator[Paper]:
        """Yield all papers, or those that pass a filter, in the order of their points' ids.

        Raises:
            FilterError: If the filter cannot be read, or names a field that no paper has.
        """
        to_filter(filter)
        with explained(self.client):
            after = None
            where = filter_for(self.client, self.name, filter) if self.client.collection_exists(self.name) else None
            while self.client.collection_exists(self.name):
                records, after = self.client.scroll(self.name, where, limit=_PAGE, offset=after)
                yield from (from_payload(record.payload or {}) for record in records)
                if after is None:
                    return

    def info(self) -> dict[str, Any]:
        """Return what the collection has, in JSON's types: papers, vectors, sources, indexes, size on disk.

        Example:
            >>> from specter2_plugins import PaperCollection
            >>> with PaperCollection.open(":memory:", model="mini") as papers:
            ...     report = papers.ingest("library.bib", sparse="bm25")
            ...     found = papers.info()
            >>> found["papers"], {name: vector["kind"] for name, vector in found["vectors"].items()}
            (8, {'proximity': 'dense', 'bm25': 'sparse'})
            >>> [source["papers"] for source in found["sources"]]
            [8]

        Returns:
            What `specter2_plugins.store.describe.describe` says of each.

        Raises:
            StoreError: If there is no such collection.
        """
        with explained(self.client):
            return describe(self.client, self.name)

    def delete(self, papers: str | Sequence[str] = (), *, filter: str | models.Filter | None = None) -> int:
        """Delete papers by their ids, or all that pass a filter.

        Args:
            papers: Ids of papers.
            filter: Papers to delete, as for `search`.

        Returns:
            How many were there, and are not any more.

        Raises:
            FilterError: If the filter cannot be read, or names a field that no paper has.
            StoreError: If neither ids nor a filter are given, or both.
        """
        ids = [papers] if isinstance(papers, str) else list(papers)
        if bool(ids) == (filter is not None):
            raise StoreError("name the ids of papers to delete or a filter, one of the two; nothing was deleted")
        chosen = models.Filter(must=[models.HasIdCondition(has_id=[id_of(name) for name in ids])])
        with explained(self.client):
            where = filter_for(self.client, self.name, filter) or chosen
            there = int(self.client.count(self.name, count_filter=where, exact=True).count)
            if there:
                self.client.delete(self.name, models.FilterSelector(filter=where), wait=True)
        return there

    def rename(self, name: str) -> int:
        """Give the collection another name: its points are copied into a new one and counted, then it is deleted.

        Returns:
            How many papers were copied.

        Raises:
            StoreError: If there is no such collection, or one of the new name already.
        """
        with explained(self.client):
            make_collection(self.client, name, settings_of(self.client, self.name))
            try:
                count = write_pages(self.client, name, pages_of(self.client, self.name, Retries()), Retries())
            except BaseException:
                self.client.delete_collection(name)
                raise
            self.client.delete_collection(self.name)
        self.name = name
        return count

    def drop(self) -> int:
        """Delete the whole collection.

        Returns:
            How many papers it held.

        Raises:
            StoreError: If there is no such collection.
        """
        count = self.count()
        with explained(self.client):
            collection_info(self.client, self.name)
            self.client.delete_collection(self.name)
        return count

    def export(self, file: str | Path, filter: str | models.Filter | None = None) -> int:
        """Write all papers, or those that pass a filter, into a file that `ingest` reads again.

        Args:
            file: .bib for BibTeX, .jsonl for JSON lines with everything that is known of a paper. It appears whole or
                not at all.
            filter: Papers to write, as for `search`.

        Returns:
            How many were written.

        Raises:
            FilterError: If the filter cannot be read, or names a field that no paper has.
            StoreError: If there is no such collection, or the file ends otherwise.
        """
        path = Path(file)
        if path.suffix not in (".bib", ".jsonl"):
            raise StoreError(f"{path} ends in neither .bib nor .jsonl")
        with explained(self.client):
            collection_info(self.client, self.name)
        count = 0
        with writing(path) as out:
            if path.suffix == ".bib":
                found = list(self.papers(filter))
                out.write(to_bibtex(found))
                return len(found)
            for paper in self.papers(filter):
                # First, since of several names for a title, such as dc:title in metadata, readers take the first.
                known = {"id": paper.id, "title": paper.title, "abstract": paper.abstract}
                out.write(to_json({**known, **paper.metadata, **known}) + "\n")
                count += 1
        return count

    def backup(self, file: str | Path) -> int:
        """Write the collection with its vectors and settings into one file, which any store can restore.

        Returns:
            How many papers are in it.

        Raises:
            StoreError: If there is no such collection.
        """
        with explained(self.client):
            return backups.backup(self.client, self.name, file, Retries())

    def restore(self, file: str | Path) -> int:
        """Make the collection from a file of `backup`, and check that it holds all.

        Returns:
            How many papers it has.

        Raises:
            StoreError: If the file is no backup or damaged, or the collection is there already.
        """
        with explained(self.client):
            return backups.restore(self.client, file, self.name, Retries())[1]

    def optimize(self) -> None:
        """Have the collection's search index built now, and wait for it.

        Raises:
            StoreError: If there is no such collection, or the store's optimiser fails.
        """
        with explained(self.client):
            collection_info(self.client, self.name)
            if isinstance(self.client, EdgeClient):
                self.client.optimize(self.name)
            else:
                # Any update of these settings starts a server's optimiser.
                self.client.update_collection(self.name, optimizers_config=models.OptimizersConfigDiff())
                wait_for_index(self.client, self.name, Retries())

    aget = in_thread(get)
    acount = in_thread(count)
    ainfo = in_thread(info)
    adelete = in_thread(delete)
    arename = in_thread(rename)
    adrop = in_thread(drop)
    aexport = in_thread(export)
    abackup = in_thread(backup)
    arestore = in_thread(restore)
    aoptimize = in_thread(optimize)
