"""A paper, and the text that a SPECTER2 tokenizer sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from specter2_plugins.errors import PaperError

_NAME_LENGTH = 60


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
        title: The title. May be missing where there is an abstract.
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
                raise PaperError(
                    f"{self._name()}: {name} is {value!r} ({type(value).__name__}), expected a string or None. "
                    "Replace missing values before encoding, with pandas: df.astype(object).where(df.notna(), None)"
                )
            _check_encodable(value, f"{self._name()}: {name}")
        if not (self.title or "").strip() and not (self.abstract or "").strip():
            raise PaperError(f"{self._name()}: neither title nor abstract holds any text, so there is nothing to embed")

    @classmethod
    def from_mapping(cls, record: Mapping[str, Any]) -> Paper:
        """Read `title`, `abstract` and, if there, `id` of a dict; other keys are not embedded.

        Raises:
            PaperError: If there is neither a `title` nor an `abstract` key, or a value is no text.
        """
        if "title" not in record and "abstract" not in record:
            keys = ", ".join(repr(key) for key in list(record)[:8]) or "none"
            raise PaperError(f"a dict needs a 'title' or an 'abstract' to be a paper; its keys are: {keys}")
        identifier = record.get("id")
        return cls(
            title=record.get("title"),
            abstract=record.get("abstract"),
            id=None if identifier is None else str(identifier),
        )

    def text(self, sep_token: str) -> str:
        """Title and abstract joined by the tokenizer's separator, as SPECTER2 was trained.

        Source: the model card of allenai/specter2 (`title + tokenizer.sep_token + (abstract or "")`).
        """
        return f"{self.title or ''}{sep_token}{self.abstract or ''}"

    def _name(self) -> str:
        if self.id is not None:
            return f"paper {self.id!r}"
        if isinstance(self.title, str) and self.title.strip():
            return f"paper titled {self.title[:_NAME_LENGTH]!r}"
        return "paper"


PaperLike: TypeAlias = str | Paper | Mapping[str, Any]
"""What can be embedded: plain text, a `Paper`, or a dict with `title` and `abstract`."""


def input_text(record: PaperLike, sep_token: str) -> str:
    """The text that the tokenizer sees of one input; a plain string is taken as it is.

    Raises:
        PaperError: If the record is none of `PaperLike`, or holds no text that can be encoded.
    """
    if isinstance(record, str):
        _check_encodable(record, f"text {record[:_NAME_LENGTH]!r}")
        if not record.strip():
            raise PaperError(f"text {record[:_NAME_LENGTH]!r} is blank, so there is nothing to embed")
        return record
    if isinstance(record, Paper):
        return record.text(sep_token)
    if isinstance(record, Mapping):
        return Paper.from_mapping(record).text(sep_token)
    raise PaperError(
        f"cannot embed {str(record)[:_NAME_LENGTH]!r} ({type(record).__name__}); expected a string, a Paper or a dict "
        "with 'title' and 'abstract', or a list of them"
    )


def _check_encodable(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PaperError(
            f"{where} holds the lone surrogate U+{ord(text[error.start]):04X} at character {error.start}, "
            "which has no UTF-8 form. Repair it with text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
        ) from None
