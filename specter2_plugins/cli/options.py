"""Options that several commands share, and what they open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typing_extensions import Self

from specter2_plugins.checkpoints.families import DEFAULT_CHECKPOINT
from specter2_plugins.cli.adapters import COMPUTING, AdapterSources, chosen_adapters
from specter2_plugins.cli.console import errors
from specter2_plugins.cli.outputs import READS, READS_MODEL, STORE, WRITES
from specter2_plugins.cli.source import Source

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

    from specter2_plugins.checkpoints.plan import Adapters
    from specter2_plugins.papers.encoder import PaperEncoder
    from specter2_plugins.sentence_transformers.specter2 import Specter2

DEFAULT_MODEL = DEFAULT_CHECKPOINT
DEFAULT_COLLECTION = "papers"
DEFAULT_GRPC_PORT = 6334
DEFAULT_TIMEOUT = 60
PAPERS_AT_ONCE = 256
"""Papers that one process embeds at once."""

# The panels of --help. What has none is on its first screen.
SERVER = "Qdrant server"
READING = "Reading files"
RANKING = "Ranking"
LAYOUT = "A new collection"
RUN = "This run"
OUTPUT = "Output"

Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        envvar="SPECTER2_MODEL",
        help="Hub name of a base, 'mini' (offline, not SPECTER2) or a folder. See: specter2 models",
    ),
    READS_MODEL,
]
Device = Annotated[
    str | None,
    typer.Option(help="cpu, cuda, cuda:1, mps, ...; by default the best there is.", rich_help_panel=COMPUTING),
]
Dtype = Annotated[
    str | None,
    typer.Option(
        help="float32 (exact, the default), bfloat16, or auto: bfloat16 where it runs in hardware.",
        rich_help_panel=COMPUTING,
    ),
]
Store = Annotated[
    Path | None,
    typer.Option("--store", "-s", envvar="SPECTER2_STORE", help="Folder of the embedded Qdrant store."),
    STORE,
]
Url = Annotated[
    str | None,
    typer.Option(envvar="QDRANT_URL", help="URL of a Qdrant server, instead of --store.", rich_help_panel=SERVER),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        help="API key of the Qdrant server. Others see a command line, in ps: rather set QDRANT_API_KEY, or name "
        "--api-key-file.",
        rich_help_panel=SERVER,
    ),
]
ApiKeyFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="File that holds the API key.", rich_help_panel=SERVER),
    READS,
]
Grpc = Annotated[bool, typer.Option("--grpc", help="Speak gRPC with the server.", rich_help_panel=SERVER)]
GrpcPort = Annotated[int, typer.Option(min=1, max=65535, help="The server's port for --grpc.", rich_help_panel=SERVER)]
Timeout = Annotated[
    int, typer.Option(min=1, help="Seconds to wait for one answer of the server.", rich_help_panel=SERVER)
]


def collection_name(name: str) -> str:
    """Return a collection's name.

    Raises:
        typer.BadParameter: If it cannot be one.
    """
    if name in ("", ".", ".."):
        raise typer.BadParameter(f"{name!r} cannot name a collection")
    return name


Collection = Annotated[
    str, typer.Option("--collection", "-c", callback=collection_name, help="Name of the collection.")
]
Files = Annotated[
    list[Path], typer.Argument(help="Files of papers, patterns, or - for stdin.", show_default=False), READS
]
FileFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Format of the files; by default found by content and extension.",
        rich_help_panel=READING,
    ),
]
Fields = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        metavar="NAME=KEY",
        help="A field of the files that is ours: --field title=dc:title",
        rich_help_panel=READING,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        help="Encoding of the files, such as cp1252; by default found by their content.", rich_help_panel=READING
    ),
]
Rejects = Annotated[
    Path | None, typer.Option(help="Where to write rejected records, as JSON lines.", rich_help_panel=READING), WRITES
]
Workers = Annotated[
    int,
    typer.Option(min=1, help="Processes that embed on the CPU; or actors of --ray.", rich_help_panel=COMPUTING),
]
Devices = Annotated[
    str | None,
    typer.Option(help="Devices that embed, a process for each: cuda:0,cuda:1", rich_help_panel=COMPUTING),
]
Ray = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Embed with --workers actors of a Ray cluster: auto, HOST:PORT, or local for one on this machine.",
        rich_help_panel=COMPUTING,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.", rich_help_panel=OUTPUT)]


@dataclass(frozen=True)
class PlaceOptions:
    """Where a store is."""

    store: Store = None
    url: Url = field(default=None, repr=False)
    api_key: ApiKey = field(default=None, repr=False)
    api_key_file: ApiKeyFile = None
    grpc: Grpc = False
    grpc_port: GrpcPort = DEFAULT_GRPC_PORT
    timeout: Timeout = DEFAULT_TIMEOUT

    @property
    def is_named(self) -> bool:
        """Whether there is a folder or a URL."""
        return self.store is not None or self.url is not None

    def place(self, context: typer.Context) -> tuple[Path | None, str | None]:
        """Return the folder or the URL, the other one None; the command line goes before the environment.

        Raises:
            typer.BadParameter: If the options name none, or two.
        """
        store, url = self.store, self.url
        if store is not None and url is not None:
            store, url = (store if typed(context, "store") else None), (url if typed(context, "url") else None)
        if (store is None) == (url is None):
            raise typer.BadParameter("name one of --store FOLDER and --url URL")
        return store, url

    @property
    def connection(self) -> dict[str, Any]:
        """How a server is reached, as `open_client` takes it.

        Raises:
            typer.BadParameter: If the options name two keys.
        """
        if self.api_key is not None and self.api_key_file is not None:
            raise typer.BadParameter("name one of --api-key and --api-key-file")
        return {
            "api_key": self.api_key,
            "api_key_file": self.api_key_file,
            "grpc": self.grpc,
            "grpc_port": self.grpc_port,
            "timeout": self.timeout,
        }

    def open(
        self,
        context: typer.Context,
        missing: Literal["refuse", "make", "empty"] = "refuse",
        *,
        read_only: bool = False,
    ) -> AbstractContextManager[QdrantClient]:
        """Open the store.

        Args:
            context: Of the running command.
            missing: What is done about a folder that is not there: refuse it, make it, or have an empty one elsewhere.
            read_only: Open a folder beside a process that may write it, and say in one line if one does.

        Raises:
            typer.BadParameter: If the options name no store, or two.
            StoreError: If it cannot be opened.
        """
        from specter2_plugins.qdrant import open_client

        store, url = self.place(context)
        if missing == "empty" and store is not None and not store.exists():
            return _empty_store()
        client = open_client(
            store, url, create=missing != "refuse", read_only=read_only and store is not None, **self.connection
        )
        if writer := getattr(client, "writer", None):
            errors.print(f"{store} is written meanwhile by {writer}; this is what it holds now")
        return client


@dataclass(frozen=True)
class StoreOptions(PlaceOptions):
    """Where a collection is."""

    collection: Collection = DEFAULT_COLLECTION


@dataclass(frozen=True)
class ModelOptions:
    """What embeds."""

    model: Model = DEFAULT_MODEL
    adapter: AdapterSources = None
    device: Device = None
    dtype: Dtype = None

    @property
    def adapters(self) -> Adapters:
        """Which adapters it is to have, as `load_specter2` takes them.

        Raises:
            typer.BadParameter: If the options name none.
        """
        return chosen_adapters(self.adapter)

    def filled(self, context: typer.Context, client: QdrantClient, collection: str) -> Self:
        """Return the same options with the model that filled a collection, where nobody names one.

        Args:
            context: Of the running command.
            client: An open client.
            collection: The collection; it need not be there.
        """
        source = context.get_parameter_source("model")
        if source is None or source.name != "DEFAULT":
            return self
        from specter2_plugins.store.existing import existing_model

        model = existing_model(client, collection)
        if model != self.model:
            errors.print(f"the collection {collection!r} was filled by {model!r}, which is loaded")
        return replace(self, model=model)

    def load(self, engine: str = "auto") -> Specter2:
        """Load the model."""
        return load_model(self.model, self.device, self.dtype, engine, self.adapters)


@dataclass(frozen=True)
class EncoderOptions(ModelOptions):
    """What embeds, in one process or in several."""

    workers: Workers = 1
    devices: Devices = None
    ray: Ray = None

    @contextmanager
    def open(self) -> Iterator[tuple[PaperEncoder, int]]:
        """Load the model, in several processes if the options say so.

        Yields:
            The encoder, and how many papers it takes at once.

        Raises:
            typer.BadParameter: If the options contradict one another.
        """
        if sum([self.device is not None, self.workers > 1, self.devices is not None]) > 1:
            raise typer.BadParameter("name one of --device, --devices and --workers")
        if self.devices is None and self.workers == 1:
            yield self.load(), PAPERS_AT_ONCE
            return
        from specter2_plugins.engine.machine import auto_dtype
        from specter2_plugins.pipeline.workers import Workers

        places = [place.strip() for place in (self.devices or ",".join(["cpu"] * self.workers)).split(",")]
        dtype = self.dtype
        if dtype == "auto":  # where it is loaded is not where it runs
            dtype = str(auto_dtype(places[0])).removeprefix("torch.")
        with Workers(load_model(self.model, "cpu", dtype, adapters=self.adapters), places) as encoder:
            yield encoder, PAPERS_AT_ONCE * len(places)


@dataclass(frozen=True)
class ReadingOptions:
    """How files are read."""

    file_format: FileFormat = None
    field: Fields = None
    encoding: Encoding = None
    rejects: Rejects = None

    def source(self, files: Sequence[Path]) -> Source:
        """Return the papers of files."""
        return Source(files, self.file_format, self.field, self.rejects, self.encoding)


def load_model(
    name: str,
    device: str | None = None,
    dtype: str | None = None,
    engine: str = "auto",
    adapters: Adapters = None,
) -> Specter2:
    """Load a model without transformers' own progress bars."""
    from specter2_plugins.sentence_transformers.load import load_specter2

    hide_loading_bars()
    return load_specter2(name, adapters=adapters, device=device, dtype=dtype, engine=engine)


def hide_loading_bars() -> None:
    """Show none of transformers' own progress bars."""
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()


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


@contextmanager
def _empty_store() -> Iterator[QdrantClient]:
    from specter2_plugins.qdrant import open_client

    with TemporaryDirectory() as folder, open_client(folder) as client:
        yield client


def typed(context: typer.Context, option: str) -> bool:
    """Return whether an option is on the command line, rather than in the environment."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"
