"""Options that several commands share, and what they open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from specter2_plugins.checkpoints import DEFAULT_CHECKPOINT

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

    from specter2_plugins.paper_encoder import PaperEncoder
    from specter2_plugins.sentence_transformer import Specter2

Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        envvar="SPECTER2_MODEL",
        help="Hub name of a base, 'mini' (offline, not SPECTER2) or a folder. See: specter2 models",
    ),
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, mps, ...; by default the best there is.")]
Dtype = Annotated[
    str | None,
    typer.Option(help="float32 (exact, the default), bfloat16, or auto: bfloat16 where it runs in hardware."),
]
Store = Annotated[
    Path | None, typer.Option("--store", "-s", envvar="SPECTER2_STORE", help="Folder of the embedded Qdrant store.")
]
Url = Annotated[str | None, typer.Option(envvar="QDRANT_URL", help="URL of a Qdrant server, instead of --store.")]
ApiKey = Annotated[
    str | None, typer.Option(envvar="QDRANT_API_KEY", show_envvar=True, help="API key of the Qdrant server.")
]
Grpc = Annotated[bool, typer.Option("--grpc", help="Speak gRPC with the server.")]
GrpcPort = Annotated[int, typer.Option(min=1, max=65535, help="The server's port for --grpc.")]
Timeout = Annotated[int, typer.Option(min=1, help="Seconds to wait for one answer of the server.")]


def _collection(name: str) -> str:
    if name in ("", ".", ".."):
        raise typer.BadParameter(f"{name!r} cannot name a collection")
    return name


Collection = Annotated[str, typer.Option("--collection", "-c", callback=_collection, help="Name of the collection.")]
Files = Annotated[list[Path], typer.Argument(help="Files of papers, patterns, or - for stdin.", show_default=False)]
FileFormat = Annotated[
    str | None, typer.Option("--format", help="Format of the files; by default found by content and extension.")
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME=KEY", help="A field of the files that is ours: --field title=dc:title"),
]
Encoding = Annotated[
    str | None, typer.Option(help="Encoding of the files, such as cp1252; by default found by their content.")
]
Rejects = Annotated[Path | None, typer.Option(help="Where to write rejected records, as JSON lines.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes that embed on the CPU; or actors of --ray.")]
Devices = Annotated[str | None, typer.Option(help="Devices that embed, a process for each: cuda:0,cuda:1")]
Ray = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Embed with --workers actors of a Ray cluster: auto, HOST:PORT, or local for one on this machine.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

DEFAULT_MODEL = DEFAULT_CHECKPOINT
DEFAULT_COLLECTION = "papers"
DEFAULT_GRPC_PORT = 6334
DEFAULT_TIMEOUT = 60
PAPERS_AT_ONCE = 256
"""Papers that one process embeds at once."""


def load_model(name: str, device: str | None = None, dtype: str | None = None, engine: str = "auto") -> Specter2:
    """Load a model without transformers' own progress bars."""
    from specter2_plugins.models import load_specter2

    hide_loading_bars()
    return load_specter2(name, device=device, dtype=dtype, engine=engine)


def hide_loading_bars() -> None:
    """Show none of transformers' own progress bars."""
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()


@contextmanager
def open_encoder(
    name: str, device: str | None, dtype: str | None, workers: int, devices: str | None
) -> Iterator[tuple[PaperEncoder, int]]:
    """Load a model, in several processes if the options say so.

    Yields:
        What embeds, and how many papers it takes at once.

    Raises:
        typer.BadParameter: If the options contradict one another.
    """
    if sum([device is not None, workers > 1, devices is not None]) > 1:
        raise typer.BadParameter("name one of --device, --devices and --workers")
    places = [place.strip() for place in devices.split(",")] if devices is not None else ["cpu"] * workers
    if devices is None and workers == 1:
        yield load_model(name, device, dtype), PAPERS_AT_ONCE
        return
    from specter2_plugins.engine.machine import auto_dtype
    from specter2_plugins.scale.workers import Workers

    if dtype == "auto":  # where it is loaded is not where it runs
        dtype = str(auto_dtype(places[0])).removeprefix("torch.")
    with Workers(load_model(name, "cpu", dtype), places) as encoder:
        yield encoder, PAPERS_AT_ONCE * len(places)


def refuse_with(option: str, **others: object) -> None:
    """Refuse what does not go with an option.

    Args:
        option: The option.
        **others: By their names, what was given.

    Raises:
        typer.BadParameter: If one of them was.
    """
    for other, given in others.items():
        if given:
            raise typer.BadParameter(f"{option} does not go with {other.replace('_', '-')}")


def connect(
    context: typer.Context,
    store: Path | None,
    url: str | None,
    api_key: str | None,
    *,
    grpc: bool = False,
    grpc_port: int = DEFAULT_GRPC_PORT,
    timeout: int = DEFAULT_TIMEOUT,
    missing: Literal["refuse", "make", "empty"] = "refuse",
) -> AbstractContextManager[QdrantClient]:
    """Open the store that the options name; one on the command line goes before one of the environment.

    Args:
        context: Of the command.
        store: As the option of that name; so are the next ones.
        url: A server's.
        api_key: Its key.
        grpc: Whether it is spoken to by gRPC.
        grpc_port: Where.
        timeout: Seconds to wait for one answer.
        missing: What is done about a folder that is not there: refuse it, make it, or have an empty store elsewhere.

    Raises:
        typer.BadParameter: If they name none, or two.
        StoreError: If it cannot be opened.
    """
    if store is not None and url is not None:
        store, url = (store if typed(context, "store") else None), (url if typed(context, "url") else None)
    if (store is None) == (url is None):
        raise typer.BadParameter("name one of --store FOLDER and --url URL")
    from specter2_plugins.qdrant import open_client

    if missing == "empty" and store is not None and not store.exists():
        return _empty_store()
    return open_client(store, url, api_key, grpc=grpc, grpc_port=grpc_port, timeout=timeout, create=missing != "refuse")


@contextmanager
def _empty_store() -> Iterator[QdrantClient]:
    from specter2_plugins.qdrant import open_client

    with TemporaryDirectory() as folder, open_client(folder) as client:
        yield client


def typed(context: typer.Context, option: str) -> bool:
    """Whether an option is on the command line, rather than in the environment."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"
