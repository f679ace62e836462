"""A paper, and the text that a SPECTER2 tokenizer sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from specter2_plugins.errors import BlankError, PaperError
from specter2_plugins.papers.values import is_missing, to_record

_NAME_LENGTH = 60
_MODALITIES = {"image", "audio", "video"}
"""What Sentence Transformers' multimodal dicts hold beside their text: to embed the text alone would drop them."""


class Origin(NamedTuple):
    """Where a paper was read: the file as it was named, and the line where its record starts, from 1."""

    source: str
    line: int


@dataclass(frozen=True)
class Paper:
    """A scientific paper as SPECTER2 reads it.

    Example:
        >>> Paper(title="SPECTER", abstract="Document-level representation learning.").text("[SEP]")
        'SPECTER[SEP]Document-level representation learning.'

    Args:
        title: The title. May be missing (None, NaN, pandas' NA) where there is an abstract.
        abstract: The abstract. May be missing where there is a title.
        id: A stable identifier such as a DOI or a BibTeX key.
        metadata: Anything else worth keeping (year, venue, authors, ...). Not embedded.
        origin: Where it was read, if a reader read it. Two papers are equal whatever their origins.

    Raises:
        PaperError: If title or abstract is no string, neither holds any text, or one holds a lone
            surrogate, which has no UTF-8 form and which tokenizers refuse.
    """

    title: str | None = None
    abstract: str | None = None
    id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin | None = field(default=None, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("title", "abstract"):
            value = getattr(self, name)
            if value is None:
                continue
            if not isinstance(value, str):
                if is_missing(value):
                    object.__setattr__(self, name, None)
                    continue
                raise PaperError(
                    f"{self._name()}: {name} is {value!r} ({type(value).__name__}), expected a string or None"
                )
            check_encodable(value, f"{self._name()}: {name}")
        if not (self.title or "").strip() and not (self.abstract or "").strip():
            raise BlankError(f"{self._name()}: neither title nor abstract holds any text, so there is nothing to embed")

    @classmethod
    def from_mapping(cls, record: Mapping[str, Any]) -> Paper:
        """Make a paper of a dict, or of a row of a pandas table.

        Example:
            >>> Paper.from_mapping({"title": "SPECTER", "abstract": None, "id": 7, "year": 2020}).metadata
            {'year': 2020}

        Args:
            record: `title`, `abstract` (or `text`, as BEIR has it) and `id` are the paper's; every other key goes into
                its metadata, and so do the keys of a dict called `metadata`. None, NaN, pandas' NA and blank text mean
                that a value is not there.

        Raises:
            PaperError: If there is neither a `title` nor an `abstract` nor a `text` key, or a value is no text.
        """
        names = set(record.keys())
        if not {"title", "abstract"} & names and ("text" not in names or names & _MODALITIES):
            keys = ", ".join(repr(key) for key in list(record.keys())[:8]) or "none"
            raise PaperError(f"a dict needs a 'title' or an 'abstract' to be a paper; its keys are: {keys}")
        values = to_record(record)
        if "abstract" not in values:
            values["abstract"] = values.pop("text", None)
        title, abstract, identifier, more = (values.pop(name, None) for name in ("title", "abstract", "id", "metadata"))
        values = {**to_record(more), **values} if isinstance(more, Mapping) else {**values, "metadata": more}
        metadata = {name: value for name, value in values.items() if value is not None}
        # A column that lacks some values holds floats.
        identifier, year = _whole(identifier), _whole(metadata.get("year"))
        if year is not None:
            metadata["year"] = year
        return cls(title, abstract, None if identifier is None else str(identifier), metadata)

    def text(self, sep_token: str) -> str:
        """Return title and abstract joined by the tokenizer's separator, as SPECTER2 was trained.

        Source: the model card of allenai/specter2 (`title + tokenizer.sep_token + (abstract or "")`).
        """
        return f"{self.title or ''}{sep_token}{self.abstract or ''}"

    def _name(self) -> str:
        if self.id is not None:
            return f"paper {self.id!r}"
        if isinstance(self.title, str) and self.title.strip():
            return f"paper titled {self.title[:_NAME_LENGTH]!r}"
        return "paper"


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def check_encodable(text: str, where: str) -> None:
    """Raise a `PaperError` if a text holds a lone surrogate, which no tokenizer and no UTF-8 takes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PaperError(
            f"{where} holds the lone surrogate U+{ord(text[error.start]):04X} at character {error.start}, "
            "which has no UTF-8 form. Repair it with text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
        ) from None
