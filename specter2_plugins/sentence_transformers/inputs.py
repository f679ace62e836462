"""All that `encode` takes, as the texts that a tokenizer sees: papers, and Sentence Transformers' own forms."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from specter2_plugins.errors import BlankError, PaperError
from specter2_plugins.papers import input_text
from specter2_plugins.papers.values import is_row

logger = logging.getLogger(__name__)

OnBlank = Literal["warn", "raise"]
"""What becomes of an input without any text: the vector of an empty paper and a warning, or an error."""

Text: TypeAlias = str | tuple[str, str]
"""What a tokenizer reads of one input; a pair as two segments, as Sentence Transformers has it."""


def text_of(record: Any, sep_token: str, on_blank: OnBlank = "warn") -> Text:
    """Return the text of one input.

    Args:
        record: A string, a `Paper`, a dict with `title` and `abstract` (or with `title` and `text`, as BEIR writes
            documents), a row of a pandas table, a LangChain document, `{"text": ...}`, or a pair of strings.
        sep_token: What stands between title and abstract.
        on_blank: What becomes of an input without any text.

    Raises:
        PaperError: If it is nothing of that, or holds a text that cannot be encoded.
        BlankError: If it holds no text, with `on_blank="raise"`.
    """
    _check(on_blank)
    try:
        return _text(record, sep_token)
    except BlankError:
        if on_blank == "raise":
            raise
    logger.warning("the input holds no text and gets the vector of an empty paper; on_blank='raise' refuses it")
    return sep_token


def texts_of(inputs: Sequence[Any], sep_token: str, on_blank: OnBlank = "warn", *, place: str = "") -> list[Text]:
    """Return the text of each input, and warn once of those that have none.

    Args:
        inputs: What `text_of` takes.
        sep_token: What stands between title and abstract.
        on_blank: What becomes of inputs without any text.
        place: What the positions are counted in, where that is not the user's own list.

    Raises:
        PaperError: As `text_of`; the message names the position, from 0.
    """
    _check(on_blank)
    texts: list[Text] = []
    blank: list[int] = []
    for position, record in enumerate(_listed(inputs)):
        try:
            texts.append(_text(record, sep_token))
        except PaperError as error:
            if on_blank == "raise" or not isinstance(error, BlankError):
                raise type(error)(f"input {position}{place}: {error}") from None
            blank.append(position)
            texts.append(sep_token)
    if blank:
        logger.warning(
            "%d of %d inputs hold no text, the first at position %d%s: they get the vector of an empty paper; "
            "on_blank='raise' refuses them",
            len(blank),
            len(texts),
            blank[0],
            place,
        )
    return texts


def is_table_row(inputs: Any) -> bool:
    """Return whether inputs are one row of a pandas table that holds a paper, not a column of texts."""
    return is_row(inputs) and not isinstance(inputs, Mapping) and bool({"title", "abstract"} & set(inputs.keys()))


def is_table(inputs: Any) -> bool:
    """Return whether inputs are a pandas table, or a column of one."""
    return callable(getattr(inputs, "iterrows", None)) or (is_row(inputs) and not isinstance(inputs, Mapping))


def _listed(inputs: Any) -> Iterable[Any]:
    if isinstance(inputs, np.ndarray):
        return inputs.tolist()
    if callable(rows := getattr(inputs, "iterrows", None)):
        return (row for _, row in rows())
    return inputs


def _text(record: Any, sep_token: str) -> Text:
    if isinstance(record, Mapping) and record.keys() == {"text"}:
        text = record["text"]
        record = text if isinstance(text, str) or _is_pair(text) else record
    if not _is_pair(record):
        return input_text(record, sep_token)
    if not any(part.strip() for part in record):
        raise BlankError("both texts of the pair are blank, so there is nothing to embed")
    for part in record:
        if part.strip():  # and holds nothing that a tokenizer refuses
            input_text(part, sep_token)
    return record[0], record[1]


def _is_pair(record: Any) -> bool:
    return isinstance(record, list | tuple) and len(record) == 2 and all(isinstance(part, str) for part in record)


def _check(on_blank: str) -> None:
    if on_blank not in get_args(OnBlank):
        raise PaperError(f"on_blank is {on_blank!r}, expected one of {', '.join(map(repr, get_args(OnBlank)))}")
