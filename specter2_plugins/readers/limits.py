"""How large one record may be: the same for every format, and looked at before objects are made of it.

What is larger is refused, and the rest of the file is read.
"""

from __future__ import annotations

from specter2_plugins.errors import PaperError

MAX_RECORD = 16 * 2**20
"""Bytes of one record, in its file, and again after macros, dictionaries or an index of words were expanded."""

MAX_PARTS = 500_000
"""Fields, elements, lines or nested objects of one record."""

MAX_TEXT = 200_000
"""Characters of a title, an abstract, or anything else whose markup is decoded; a model reads some 3,000 of them."""

MAX_LIST = 2**21
"""Characters of a text that lists people or keywords."""

TOO_LONG = f"longer than {MAX_RECORD >> 20} MiB"
TOO_MANY = f"of more than {MAX_PARTS:,} parts"


def check_length(name: str, text: str, most: int) -> None:
    """Raise a `PaperError` if a text is longer than that many characters."""
    if len(text) > most:
        raise PaperError(f"{name} has {len(text):,} characters, more than {most:,}")
