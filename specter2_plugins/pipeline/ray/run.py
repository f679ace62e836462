"""The same run on many machines, with Ray Data: one task reads, actors that hold the model embed and write.

Papers are read and left out as duplicates in one place, as in a run on one machine, so the points and the counts are
the same.

Source: https://docs.ray.io/en/latest/data/batch_inference.html (an actor pool that holds a model).
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from specter2_plugins.errors import Specter2Error, WorkerError, one_line
from specter2_plugins.extras import require
from specter2_plugins.pipeline.embed import PART, check_folder, fingerprints_of, to_embed
from specter2_plugins.pipeline.ingestion.filling import fill_vectors
from specter2_plugins.pipeline.ingestion.indexing import indexing
from specter2_plugins.pipeline.ray.actors import BATCH, DONE, WORK, Actor, Ingester, RayModel, Writer
from specter2_plugins.pipeline.ray.pieces import Planner, SourceFiles, pieces
from specter2_plugins.pipeline.report import IngestReport
from specter2_plugins.readers import Rejected
from specter2_plugins.sparse import load_sparse
from specter2_plugins.store.client import open_client
from specter2_plugins.store.credentials import find_api_key
from specter2_plugins.store.faults import Retries
from specter2_plugins.store.preparation import adapters_of, ensure_indexes, prepare_collection
from specter2_plugins.store.spec import CollectionSpec
from specter2_plugins.vectors.parts import Parts, new_run

_BLOCK_BYTES = 1
_CONNECT_SECONDS = 10


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """Be connected to a Ray cluster.

    Args:
        address: "auto" for the one that this machine belongs to, "host:port", or "local" for one on this machine alone.

    Raises:
        WorkerError: If there is none.
    """
    if address == "local":
        # Ray reads it once, when it is imported: a node that no other may join has the address 127.0.0.1, and its
        # servers listen there alone.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    ray = require("ray", "ray", "ray")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    host, _, port = (address or "").rpartition(":")
    try:
        if port.isdigit():  # Ray itself would try for minutes
            socket.create_connection((host.rpartition("/")[2], int(port)), timeout=_CONNECT_SECONDS).close()
        ray.init(address=address, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise WorkerError(f"no Ray cluster at {address}: {one_line(error)}") from None
    try:
        yield
    finally:
        ray.shutdown()


def ingest_on_ray(
    sources: SourceFiles,
    url: str,
    model: RayModel,
    spec: CollectionSpec | str = CollectionSpec(),
    *,
    workers: int = 1,
    gpus: float | None = None,
    bulk: bool = False,
    on_reject: Callable[[Rejected], object] = lambda rejected: None,
    on_progress: Callable[[IngestReport], object] = lambda report: None,
    api_key: str | None = None,
    api_key_file: str | Path | None = None,
    **connection: Any,
) -> IngestReport:
    """Ingest as `ingest_papers`, embedding and writing on a Ray cluster, to which `cluster` has connected.

    An actor that dies is started again, and what it had in hand is done again.

    Args:
        sources: What is read.
        url: The Qdrant server, as all machines reach it.
        model: What embeds the papers.
        spec: The collection, or its name.
        workers: How many actors embed.
        gpus: The GPUs that one takes, or a share of one. By default one, if the cluster has any.
        bulk: Have Qdrant build its search graph at the end, and wait for it.
        on_reject: Called with each rejected record.
        on_progress: Called with the counts so far.
        api_key: As `open_client`; what is found here is what the actors use.
        api_key_file: As `open_client`.
        **connection: What else `open_client` takes for a server: `grpc`, `timeout`, ...

    Returns:
        The counts, as of `ingest_papers`.

    Raises:
        StoreError: If the collection holds other vectors, or the server cannot be reached.
        TaskError: If the model does not know a task of the spec.
        WorkerError: If an actor fails.
    """
    connection["api_key"] = find_api_key(api_key, api_key_file)
    spec = CollectionSpec(name=spec) if isinstance(spec, str) else spec
    retries = Retries()
    here = model.load("cpu")
    with open_client(url=url, **connection) as client:
        sparse = [load_sparse(name) for name in spec.sparse]
        retries(prepare_collection, client, spec, here, sparse)
        retries(ensure_indexes, client, spec)
        fill_vectors(client, spec.name, here, adapters_of(spec, here), sparse, retries, IngestReport())
        prints = fingerprints_of(here, spec.tasks)
        with indexing(client, spec.name, retries, bulk):
            return _run(
                sources,
                lambda records, intake: intake.batches(records, BATCH),
                Ingester,
                (model, prints, spec, {"url": url, **connection}),
                workers,
                gpus,
                on_reject,
                on_progress,
            )


def embed_on_ray(
    sources: SourceFiles,
    folder: str,
    model: RayModel,
    tasks: Sequence[str] = ("document",),
    *,
    workers: int = 1,
    gpus: float | None = None,
    part: int = PART,
    on_reject: Callable[[Rejected], object] = lambda rejected: None,
    on_progress: Callable[[IngestReport], object] = lambda report: None,
) -> IngestReport:
    """Embed as `embed_papers`, on a Ray cluster, to which `cluster` has connected.

    Args:
        sources: What is read.
        folder: A folder that all machines share, or the address of one.
        model: What embeds the papers.
        tasks: What papers are embedded for.
        workers: How many actors embed.
        gpus: As for `ingest_on_ray`.
        part: Papers to a file.
        on_reject: Called with each rejected record.
        on_progress: Called with the counts so far.

    Raises:
        StoreError: If the folder cannot be written, or holds embeddings of another model.
        WorkerError: If an actor fails.
    """
    here = model.load("cpu")
    prints = fingerprints_of(here, tasks)
    if "://" not in folder:
        folder = str(Path(folder).absolute())
    # Ray repeats the reading if its process dies, and expects the same pieces again.
    there, run = check_folder(Parts(folder), prints), new_run()
    return _run(
        sources,
        lambda records, intake: to_embed(records, Parts(folder), there, run, part, intake.report, intake.on_reject),
        Writer,
        (model, prints, folder),
        workers,
        gpus,
        on_reject,
        on_progress,
    )


def _run(
    sources: SourceFiles,
    plan: Planner,
    actor: type[Actor],
    arguments: tuple[Any, ...],
    workers: int,
    gpus: float | None,
    on_reject: Callable[[Rejected], object],
    on_progress: Callable[[IngestReport], object],
) -> IngestReport:
    """Have actors do what a plan makes of the records, and add up what they count."""
    ray = require("ray", "ray", "ray")
    data = require("ray.data", "ray[data]", "ray")
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # Every piece is a block of its own, so that it goes to whichever actor is free.
    context.target_max_block_size = _BLOCK_BYTES

    def read(_: Any) -> Iterator[dict[str, Any]]:
        for piece in pieces(sources, plan):
            yield {WORK: np.array([pickle.dumps(piece)], dtype=object)}

    has = ray.cluster_resources()
    gpus = min(1, has.get("GPU", 0)) if gpus is None else gpus
    for kind, wanted in (("CPU", workers), ("GPU", workers * gpus)):
        if wanted > has.get(kind, 0):
            raise WorkerError(f"{workers} workers need {wanted:g} {kind}s, the Ray cluster has {has.get(kind, 0):g}")
    node = ray.get_runtime_context().get_node_id()
    # The files are on this machine. Reading takes no CPU of Ray's, so that actors may have them all.
    planned = data.from_items([None]).map_batches(
        read, batch_size=None, num_cpus=0, label_selector={"ray.io/node-id": node}
    )
    done = planned.map_batches(
        actor,
        fn_constructor_args=arguments,
        batch_size=1,
        compute=data.ActorPoolStrategy(size=workers),
        num_cpus=1,
        num_gpus=gpus,
    )
    started = time.monotonic()
    report = IngestReport()
    try:
        for row in done.iter_rows():
            result = pickle.loads(row[DONE])
            if isinstance(result, Specter2Error):
                raise result
            counts, total, rejected, conflicts = result
            report.add(**counts)
            report.expect(total)
            report.keep_conflicts(conflicts)
            for record in rejected:
                on_reject(record)
            on_progress(report)
    except ray.exceptions.RayError as error:
        *_, last = str(error).strip().splitlines() or [type(error).__name__]
        raise WorkerError(f"Ray: {last}") from error
    if report.read != report.done:
        raise WorkerError(f"Ray lost papers: {report.sum()}; the same command again does what is left")
    report.add(seconds=time.monotonic() - started)
    on_progress(report)
    return report
